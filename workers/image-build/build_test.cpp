// SPDX-License-Identifier: Apache-2.0
// Key, build and verify against a small BSP tree whose flash.sh makes a real ext4 image.
#include "workers/image-build/build.h"

#include "station/base/text.h"
#include "workers/proof/image_record.h"
#include "workers/proof/testing/fake_station.h"

#include <gtest/gtest.h>

#include <sys/mount.h>
#include <sys/stat.h>

#include <fstream>

namespace lineside::image_build {
namespace {

namespace fs = std::filesystem;
using proof::testing::FakeStation;
using proof::testing::Heard;

constexpr std::string_view kFlashSh = R"(#!/bin/sh
# What matters of flash.sh for a build: system.img(.raw), boot.img, recovery.img, flash.xml.
PATH=$PATH:/usr/sbin:/sbin
[ "$USER" = root ] || exit 21
[ "$1" = --no-flash ] || exit 1
echo "board $2 rootdev $3 id $BOARDID"
case "$*" in *" -r "*)
    [ ! -e anew ] || echo "kernel again" >bootloader/boot.img
    truncate -s %16 bootloader/boot.img
    case "$*" in *--sign*)
        mkdir -p bootloader/signed
        echo "signed kernel" >bootloader/signed/boot_sigheader.img.encrypt ;;
    esac
    exit 0 ;;
esac
[ ! -e fail ] || { echo "something broke"; exit 11; }
[ ! -e full ] || { echo "cp: cannot write: No space left on device"; exit 1; }
cd bootloader
rm -f system.img.raw
mkfs.ext4 -q -F -d ../rootfs system.img.raw 8M >/dev/null 2>&1 || exit 11
cp system.img.raw system.img
[ ! -e ../lying ] || echo x >>system.img
echo "kernel $2" >boot.img
echo recovery >recovery.img
cat >flash.xml <<'EOX'
<partition_layout><device type="sdmmc_user" instance="3">
<partition name="primary_gpt" type="primary_gpt"><filename>gpt.bin</filename></partition>
<partition name="APP" type="data"><filename> system.img </filename></partition>
<partition name="kernel" type="data"><filename> boot.img </filename></partition>
<partition name="kernel_b" type="data"><filename> boot.img </filename></partition>
<partition name="recovery" type="data"><filename> recovery.img </filename></partition>
</device></partition_layout>
EOX
[ ! -e ../signing ] || sed -i 's/"kernel\(_b\)\?"/& oem_sign="true"/' flash.xml
)";

class BuildTest : public testing::Test {
  protected:
    void SetUp() override {
        std::string name = testing::TempDir() + "build-XXXXXX";
        ASSERT_NE(mkdtemp(name.data()), nullptr);
        top_ = name;
        places_ = {top_ / "bsp", top_ / "out", top_ / "cache", top_ / "lane"};
        for (const auto& folder : {places_.bsp / "bootloader", places_.bsp / "rootfs/etc",
                                   places_.bsp / "rootfs/var", places_.out}) {
            fs::create_directories(folder);
        }
        std::ofstream(places_.bsp / "flash.sh") << kFlashSh;
        chmod((places_.bsp / "flash.sh").c_str(), 0755);
        std::ofstream(places_.bsp / "rootfs/etc/hosts") << "localhost\n";
        std::ofstream(places_.bsp / "rootfs/var/log") << "log\n";
        station_.job.params = {{"profile", "camera"},
                               {"board", "nx"},
                               {"rootdev", "mmcblk0p1"},
                               {"env", {{"BOARDID", "3668"}}},
                               {"mutable", {"/var/", "/lost+found/"}},
                               {"release", "7.4"}};
    }
    void TearDown() override { fs::remove_all(top_); }

    Heard run(base::Result<base::Json> (*mode)(worker::Station&, const Places&)) {
        fs::remove_all(places_.lane);
        fs::copy(places_.bsp, places_.lane,  // stands for the overlay
                 fs::copy_options::recursive | fs::copy_options::copy_symlinks);
        return station_.run([&](worker::Station& station) { return mode(station, places_); });
    }
    Heard build() { return run(build_image); }
    Heard verify() {
        station_.job.image = protocol::ImageRef{image().id, places_.out.string()};
        return run(verify_image);
    }
    proof::ImageRecord image() {
        return proof::read_image(places_.out).value_or(proof::ImageRecord{});
    }

    fs::path top_;
    Places places_;
    FakeStation station_;
};

TEST_F(BuildTest, Key_then_build_then_verify) {
    const auto key = run(make_key);
    ASSERT_TRUE(key.outcome.ok) << key.outcome.error.message;
    EXPECT_TRUE(base::is_hex64(key.outcome.value["key"].get<std::string>()));
    station_.job.params["key"] = key.outcome.value["key"];
    const auto built = build();
    ASSERT_TRUE(built.outcome.ok) << built.outcome.error.message;
    EXPECT_EQ(built.exit_status, 0);
    const auto image = this->image();
    EXPECT_EQ(image.id, key.outcome.value["key"]);
    EXPECT_EQ(built.outcome.value["digest"], image.digest);
    EXPECT_EQ(image.release, "7.4");
    ASSERT_EQ(image.partitions.size(), 4U);
    EXPECT_EQ(image.partitions[0].name, "APP");
    EXPECT_FALSE(image.partitions[0].proven);
    EXPECT_EQ(image.partitions[1].sha256,
              base::sha256_hex("kernel nx\n" + std::string(6, '\0')));  // the tool pads
    EXPECT_EQ(image.partitions[1].bytes, 16U);
    EXPECT_TRUE(fs::exists(places_.out / "tree/bootloader/recovery.img"));
    // The digest is what its README says, made from what the files say.
    proof::ProofDigest digest;
    for (const auto& p : image.partitions) {
        if (p.proven) {
            digest.add(p);
        }
    }
    std::vector<std::string> proven;
    ASSERT_TRUE(proof::read_manifest(places_.out / "manifest.jsonl",
                                     [&](proof::FileRecord r) -> base::Status {
                                         if (is_proven(r, image.mutable_paths)) {
                                             digest.add(r);
                                             proven.push_back(r.path);
                                         }
                                         return {};
                                     }));
    EXPECT_EQ(digest.hex(), image.digest);
    EXPECT_EQ(proven, (std::vector<std::string>{"/etc/hosts", "/etc/lineside/image-id"}));
    EXPECT_EQ(image.files, 2U);
    // The cached tree holds; a changed byte in it is found and named.
    const auto good = verify();
    ASSERT_TRUE(good.outcome.ok) << good.outcome.error.message;
    std::ofstream(places_.out / "tree/bootloader/boot.img") << "kernel ny\n";
    const auto bad = verify();
    EXPECT_EQ(bad.outcome.error.code, "image.broken");
    EXPECT_NE(bad.outcome.error.message.find("/bootloader/boot.img"), std::string::npos);
}

TEST_F(BuildTest, What_is_done_before_the_flash_is_in_the_image) {
    const auto plain = run(make_key).outcome.value["key"];
    fs::create_directories(places_.bsp / "system-tools");
    const auto tool = places_.bsp / "system-tools/set-wifi-station.sh";
    std::ofstream(tool) << "#!/bin/sh\necho \"ssid=$2\" >rootfs/etc/wifi-station\n";
    chmod(tool.c_str(), 0755);
    const auto unprepared = run(make_key).outcome.value["key"];
    EXPECT_NE(unprepared, plain);
    station_.job.params["prepare"] = {
        {{"step", "set-wifi-station"}, {"args", {{"ssid", "Guest"}}}}};
    EXPECT_NE(run(make_key).outcome.value["key"], unprepared);
    const auto built = build();
    ASSERT_TRUE(built.outcome.ok) << built.outcome.error.message;
    const base::Json in_force{{"set-wifi-station", {{"ssid", "Guest"}, {"password", "none"}}}};
    EXPECT_EQ(built.outcome.value["in_force"], in_force);
    EXPECT_EQ(image().in_force, in_force);
    EXPECT_EQ(verify().outcome.value["in_force"], in_force) << "told of a cached image, too";
    bool found = false;
    ASSERT_TRUE(proof::read_manifest(
        places_.out / "manifest.jsonl", [&](proof::FileRecord record) -> base::Status {
            found = found || (record.path == "/etc/wifi-station" &&
                              record.sha256 == base::sha256_hex("ssid=Guest\n"));
            return {};
        }));
    EXPECT_TRUE(found);
    EXPECT_FALSE(fs::exists(places_.bsp / "rootfs/etc/wifi-station")) << "the tree is as it was";
    fs::remove(tool);
    EXPECT_EQ(build().outcome.error.code, "image.build");
    EXPECT_TRUE(fs::is_empty(places_.out));
}

TEST_F(BuildTest, Same_inputs_same_key_and_no_trace_in_the_bsp) {
    const auto first = run(make_key).outcome.value["key"];
    ASSERT_TRUE(build().outcome.ok);
    EXPECT_EQ(run(make_key).outcome.value["key"], first);
    std::ofstream(places_.bsp / "rootfs/etc/hosts") << "localhosT\n";
    EXPECT_NE(run(make_key).outcome.value["key"], first);
    EXPECT_EQ(image().id, first);
}

TEST_F(BuildTest, Digest_follows_content_and_leaves_out_mutable_files) {
    ASSERT_TRUE(build().outcome.ok);
    const auto before = image();
    std::ofstream(places_.bsp / "rootfs/var/log") << "another log\n";
    ASSERT_TRUE(build().outcome.ok);
    // Another input, so another id, and so another /etc/lineside/image-id and digest.
    EXPECT_NE(image().id, before.id);
    EXPECT_NE(image().digest, before.digest);
    EXPECT_EQ(image().files, before.files);
}

TEST_F(BuildTest, Failing_tool_leaves_nothing) {
    std::ofstream(places_.bsp / "fail") << "";
    const auto failed = build();
    EXPECT_EQ(failed.outcome.error.code, "image.build");
    EXPECT_NE(failed.outcome.error.message.find("something broke"), std::string::npos);
    EXPECT_TRUE(fs::is_empty(places_.out));
    fs::remove(places_.bsp / "fail");
    std::ofstream(places_.bsp / "full") << "";
    EXPECT_EQ(build().outcome.error.code, "disk.full");
    EXPECT_TRUE(fs::is_empty(places_.out));
    fs::remove(places_.bsp / "full");
    std::ofstream(places_.bsp / "lying") << "";
    EXPECT_EQ(build().outcome.error.code, "image.build");
    EXPECT_TRUE(fs::is_empty(places_.out));
}

TEST_F(BuildTest, Full_disk_while_copying_leaves_nothing) {
    if (geteuid() != 0 || mount("none", places_.out.c_str(), "tmpfs", 0, "size=200m") != 0) {
        GTEST_SKIP() << "needs to mount a small tmpfs";
    }
    // More than the estimate, which only knows the BSP tree, can foresee.
    std::ofstream tool(places_.bsp / "flash.sh", std::ios::app);
    tool << "head -c 210M /dev/urandom >big\n";
    tool.close();
    const auto failed = build();
    EXPECT_EQ(failed.outcome.error.code, "disk.full") << failed.outcome.error.message;
    EXPECT_TRUE(fs::is_empty(places_.out));
    umount(places_.out.c_str());
}

TEST_F(BuildTest, What_the_tool_signs_is_proven_by_its_signed_form) {
    std::ofstream(places_.bsp / "signing") << "";
    const auto built = build();
    ASSERT_TRUE(built.outcome.ok) << built.outcome.error.message;
    const auto image = this->image();
    EXPECT_EQ(image.partitions[1].file, "signed/boot_sigheader.img.encrypt");
    EXPECT_EQ(image.partitions[1].sha256, base::sha256_hex("signed kernel\n"));
    EXPECT_EQ(image.partitions[3].file, "recovery.img");
    station_.job.params["sign"] = false;
    EXPECT_EQ(build().outcome.error.code, "config.invalid");
    EXPECT_TRUE(fs::is_empty(places_.out));
}

TEST_F(BuildTest, Signs_only_what_the_layout_says_unless_told) {
    ASSERT_TRUE(build().outcome.ok);
    EXPECT_EQ(image().partitions[1].file, "boot.img");
    station_.job.params["sign"] = true;
    ASSERT_TRUE(build().outcome.ok);
    EXPECT_EQ(image().partitions[1].file, "signed/boot_sigheader.img.encrypt");
}

TEST_F(BuildTest, What_every_run_makes_anew_proves_nothing) {
    std::ofstream(places_.bsp / "anew") << "";
    const auto refused = build();
    EXPECT_EQ(refused.outcome.error.code, "image.build");
    EXPECT_NE(refused.outcome.error.message.find("partition kernel anew"), std::string::npos);
    station_.job.params["unproven"] = {"APP", "kernel", "kernel_b"};
    EXPECT_TRUE(build().outcome.ok);
}

TEST_F(BuildTest, Changed_tree_is_not_built_under_the_old_key) {
    station_.job.params["key"] = std::string(64, 'a');
    EXPECT_EQ(build().outcome.error.code, "image.build");
    EXPECT_TRUE(fs::is_empty(places_.out));
}

TEST_F(BuildTest, Link_in_the_root_file_system_does_not_lead_out_of_the_lane) {
    fs::remove_all(places_.bsp / "rootfs/etc");
    fs::create_directories(top_ / "host-etc");
    fs::create_symlink(top_ / "host-etc", places_.bsp / "rootfs/etc");
    EXPECT_EQ(build().outcome.error.code, "image.build");
    EXPECT_TRUE(fs::is_empty(top_ / "host-etc"));
}

TEST_F(BuildTest, Missing_places_are_named) {
    const auto lane = places_.lane;
    places_.out.clear();
    EXPECT_EQ(build().outcome.error.code, "config.invalid");
    places_.bsp = top_ / "nowhere";
    EXPECT_EQ(
        station_.run([&](worker::Station& s) { return make_key(s, places_); }).outcome.error.code,
        "config.invalid");
}

}  // namespace
}  // namespace lineside::image_build
