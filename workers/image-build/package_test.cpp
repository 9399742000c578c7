// SPDX-License-Identifier: Apache-2.0
// Finished packages of each kind, small but with real file systems: what is proven of them.
#include "workers/image-build/package.h"

#include "station/base/text.h"
#include "workers/image-build/build.h"
#include "workers/image-build/image_file.h"
#include "workers/proof/testing/fake_station.h"

#include <gtest/gtest.h>

#include <fstream>

namespace lineside::image_build {
namespace {

namespace fs = std::filesystem;
using proof::testing::FakeStation;
using proof::testing::Heard;

void shell(const std::string& command) {
    ASSERT_EQ(std::system(command.c_str()), 0) << command;
}

// One raw chunk for the first half, an open one for the rest if that is zeros.
void make_sparse(const fs::path& plain, const fs::path& sparse) {
    std::ifstream in(plain, std::ios::binary);
    const std::string all((std::istreambuf_iterator<char>(in)), {});
    std::ofstream out(sparse, std::ios::binary);
    const auto put = [&out](auto number) {
        out.write(reinterpret_cast<const char*>(&number), sizeof number);
    };
    constexpr std::uint32_t kBlock = 4096;
    const auto blocks = static_cast<std::uint32_t>(all.size() / kBlock);
    put(std::uint32_t{0xED26FF3A});
    for (const int number : {1, 0, 28, 12}) {
        put(static_cast<std::uint16_t>(number));
    }
    for (const std::uint32_t number : {kBlock, blocks, blocks, 0U}) {
        put(number);
    }
    for (std::uint32_t i = 0; i < blocks; ++i) {
        const auto block = std::string_view(all).substr(std::size_t{i} * kBlock, kBlock);
        const bool open = block.find_first_not_of('\0') == std::string_view::npos;
        put(static_cast<std::uint16_t>(open ? 0xCAC3 : 0xCAC1));
        put(std::uint16_t{0});
        put(std::uint32_t{1});
        put(static_cast<std::uint32_t>(open ? 12 : 12 + kBlock));
        if (!open) {
            out << block;
        }
    }
}

class PackageTest : public testing::Test {
  protected:
    void SetUp() override {
        std::string name = testing::TempDir() + "package-XXXXXX";
        ASSERT_NE(mkdtemp(name.data()), nullptr);
        top_ = name;
        tree_ = top_ / "tree";
        places_ = {tree_, top_ / "out", top_ / "cache", tree_};
        for (const auto& folder : {tree_, places_.out, top_ / "root/etc", top_ / "root/var"}) {
            fs::create_directories(folder);
        }
        put(top_ / "root/etc/hosts", "localhost\n");
        put(top_ / "root/var/log", "log\n");
        fs::create_symlink("hosts", top_ / "root/etc/names");
        station_.job.params = {{"profile", "camera"},
                               {"board", "nx"},
                               {"rootdev", "mmcblk0p1"},
                               {"mutable", {"/var/", "/lost+found/"}}};
    }
    void TearDown() override { fs::remove_all(top_); }

    static void put(const fs::path& file, std::string_view text) {
        fs::create_directories(file.parent_path());
        std::ofstream(file) << text;
    }
    void make_root(const fs::path& file) {
        fs::create_directories(file.parent_path());
        shell(fmt::format("PATH=$PATH:/usr/sbin mkfs.ext4 -q -F -d {}/root {} 8M >/dev/null 2>&1",
                          top_.string(), file.string()));
    }
    static std::string layout(std::string_view app, std::string_view more = "") {
        return fmt::format(
            "<partition_layout><device type=\"sdmmc_user\" instance=\"3\">"
            "<partition name=\"primary_gpt\" "
            "type=\"primary_gpt\"><filename>g</filename></partition>"
            "<partition name=\"APP\" type=\"data\"><filename> {} </filename></partition>"
            "<partition name=\"kernel\" type=\"data\" oem_sign=\"true\"><filename> boot.img "
            "</filename></partition>{}</device></partition_layout>",
            app, more);
    }
    void massflash() {
        put(tree_ / "flash.xml", layout("system.img"));
        put(tree_ / "boot_sigheader.img.encrypt", "signed kernel");
        make_root(top_ / "plain.img");
        make_sparse(top_ / "plain.img", tree_ / "system.img");
        station_.job.params["way"] = "massflash";
    }

    Heard run(base::Result<base::Json> (*mode)(worker::Station&, const Places&)) {
        return station_.run([&](worker::Station& station) { return mode(station, places_); });
    }
    proof::ImageRecord image() { return proof::read_image(places_.out).value(); }
    std::string manifest() {
        std::ifstream in(places_.out / "manifest.jsonl");
        return {(std::istreambuf_iterator<char>(in)), {}};
    }

    fs::path top_;
    fs::path tree_;
    Places places_;
    FakeStation station_;
};

TEST_F(PackageTest, Mass_flash_is_taken_as_it_is) {
    massflash();
    const Heard built = run(build_image);
    ASSERT_TRUE(built.outcome.ok) << built.outcome.error.message;
    const auto record = image();
    ASSERT_EQ(record.partitions.size(), 2U);
    EXPECT_EQ(record.partitions[0].name, "APP");
    EXPECT_FALSE(record.partitions[0].proven);
    EXPECT_EQ(record.partitions[0].bytes, 8U << 20U);
    EXPECT_EQ(record.partitions[1].file, "boot_sigheader.img.encrypt");
    EXPECT_EQ(record.partitions[1].sha256, base::sha256_hex("signed kernel"));
    EXPECT_TRUE(record.partitions[1].proven);
    EXPECT_EQ(record.files, 2U) << "hosts and names";
    EXPECT_TRUE(fs::exists(places_.out / "tree/system.img"));
    EXPECT_FALSE(fs::exists(places_.out / "root.raw"));
    EXPECT_FALSE(fs::exists(places_.out / "tree/rootfs")) << "nothing is put into it";
    const Heard verified = run([](worker::Station& station, const Places& places) {
        (void)places;
        return make_key(station, places);
    });
    EXPECT_EQ(verified.outcome.value["key"], record.id);
}

TEST_F(PackageTest, Archive_is_taken_as_its_maker_gives_it) {
    massflash();
    const Heard of_folder = run(build_image);
    ASSERT_TRUE(of_folder.outcome.ok) << of_folder.outcome.error.message;
    const auto folder = image();
    const std::string same = manifest();
    fs::create_symlink("system.img", tree_ / "a-link");
    shell(fmt::format("cd {} && mv tree mfi_nx && tar cjf mfi_nx.tbz2 mfi_nx", top_.string()));
    fs::create_symlink("mfi_nx.tbz2", top_ / "latest.tbz2");
    places_.bsp = top_ / "latest.tbz2";
    places_.lane = "/nowhere";
    const Heard key = run(make_key);
    ASSERT_TRUE(key.outcome.ok) << key.outcome.error.message;
    station_.job.params["key"] = key.outcome.value["key"];
    const Heard built = run(build_image);
    ASSERT_TRUE(built.outcome.ok) << built.outcome.error.message;
    EXPECT_EQ(image().id, key.outcome.value["key"]);
    EXPECT_EQ(manifest(), same);
    EXPECT_EQ(image().digest, folder.digest) << "the same bytes go onto units";
    EXPECT_EQ(fs::read_symlink(places_.out / "tree/a-link"), "system.img");
    EXPECT_FALSE(fs::exists(places_.out / "package"));
    std::vector<std::string> phases;
    for (const auto& phase : built.all<protocol::Phase>()) {
        phases.push_back(phase.name);
    }
    EXPECT_EQ(phases, (std::vector<std::string>{"key", "unpack", "partitions", "manifest", "copy",
                                                "check"}));
    station_.job.params["way"] = "flash";
    EXPECT_EQ(run(make_key).outcome.error.code, "config.invalid") << "flash.sh runs in a tree";
}

TEST_F(PackageTest, Archive_that_is_damaged_or_leads_out_of_its_folder) {
    massflash();
    put(top_ / "outside", "x");
    const auto refused = [&](const std::string& make) {
        shell(fmt::format("cd {} && rm -f x.tar && {}", top_.string(), make));
        places_.bsp = top_ / "x.tar";
        const Heard built = run(build_image);
        EXPECT_TRUE(fs::is_empty(places_.out)) << make;
        return built.outcome.ok ? std::string() : built.outcome.error.code;
    };
    EXPECT_EQ(refused("echo no archive >x.tar"), "image.build");
    EXPECT_EQ(refused("tar cf y.tar tree && head -c 30000 y.tar >x.tar"), "image.build");
    EXPECT_EQ(refused("tar cPf x.tar tree/../outside tree"), "image.build");
    EXPECT_EQ(refused("tar cPf x.tar $PWD/outside"), "image.build");
    EXPECT_EQ(refused("mkdir d && ln -s /tmp d/up && tar cf x.tar d/up && rm d/up && mkdir d/up && "
                      "echo bad >d/up/lineside-bad && tar rf x.tar d/up/lineside-bad"),
              "image.build");
    EXPECT_FALSE(fs::exists("/tmp/lineside-bad"));
}

TEST_F(PackageTest, The_way_is_part_of_the_key) {
    massflash();
    const auto key = run(make_key).outcome.value["key"];
    station_.job.params["way"] = "tegraflash";
    EXPECT_NE(run(make_key).outcome.value["key"], key);
    station_.job.params["way"] = "nothing";
    EXPECT_EQ(run(make_key).outcome.error.code, "config.invalid");
}

TEST_F(PackageTest, Nothing_can_be_done_to_it_before_the_flash) {
    massflash();
    station_.job.params["prepare"] = {
        {{"step", "install-mcutool"}, {"args", base::Json::object()}}};
    const Heard built = run(build_image);
    EXPECT_EQ(built.outcome.error.code, "config.invalid");
    EXPECT_NE(built.outcome.error.message.find("prepare"), std::string::npos);
}

TEST_F(PackageTest, Kernel_flash_is_read_from_its_index_and_tar) {
    const fs::path images = tree_ / "tools/kernel_flash/images/internal";
    put(images / "flash.idx",
        "0, 3:0:mb1, 0, 262144, mb1.bin, 10, fixed-<reserved>-0, aa\n"
        "1, 1:3:primary_gpt, 512, 19968, gpt_primary_1_3.bin, 19968, expand-<reserved>-0, bb\n"
        "2, 1:3:APP, 20480, 14155776, , , expand-<reserved>-0, \n"
        "3, 1:3:kernel, 14176256, 65536, boot.img, 6, fixed-<reserved>-0, cc\n"
        "4, 1:3:reserved, 1, 2, , , fixed-<reserved>-0, \n");
    put(images / "flash.cfg", "external_device=\nAPP=system.img\n");
    put(images / "mb1.bin", "boot rom's");
    put(images / "boot.img", "kernel");
    shell(fmt::format("tar --xattrs -C {}/root -czf {}/system.img .", top_.string(),
                      images.string()));
    station_.job.params["way"] = "initrd";
    const Heard built = run(build_image);
    ASSERT_TRUE(built.outcome.ok) << built.outcome.error.message;
    const auto record = image();
    ASSERT_EQ(record.partitions.size(), 3U);
    EXPECT_EQ(record.partitions[2].name, "mb1");
    EXPECT_EQ(record.partitions[1].sha256, base::sha256_hex("kernel"));
    const std::string told = manifest();
    EXPECT_NE(told.find("\"path\":\"/etc/hosts\""), std::string::npos) << told;
    EXPECT_NE(told.find("\"link\":\"hosts\""), std::string::npos) << told;
}

TEST_F(PackageTest, Meta_tegra_signs_while_it_flashes) {
    put(tree_ / "flash.xml.in",
        layout("APPFILE",
               "<partition name=\"DTB\" type=\"data\"><filename>DTB_FILE</filename></partition>"
               "<partition name=\"logo\" type=\"data\"><filename>logo.bmp</filename></partition>"));
    put(tree_ / ".env.initrd-flash", "MACHINE=nx\nROOTFS_IMAGE=\"image.ext4\"\n");
    put(tree_ / "boot.img", "kernel");
    put(tree_ / "logo.bmp", "logo");
    make_root(tree_ / "image.ext4");
    station_.job.params["way"] = "tegraflash";
    const Heard built = run(build_image);
    ASSERT_TRUE(built.outcome.ok) << built.outcome.error.message;
    const auto record = image();
    ASSERT_EQ(record.partitions.size(), 3U) << "DTB's file is put in by the package's script";
    EXPECT_EQ(record.partitions[0].file, "image.ext4");
    EXPECT_EQ(record.partitions[1].name, "kernel");
    EXPECT_FALSE(record.partitions[1].proven) << "only its signed form is on the unit";
    EXPECT_TRUE(record.partitions[2].proven);
}

TEST_F(PackageTest, What_lacks_is_told) {
    struct Row {
        std::string_view what;
        std::function<void()> damage;
        std::string_view told;
    };
    const std::vector<Row> table{
        {"no layout", [&] { fs::remove(tree_ / "flash.xml"); }, "no layout"},
        {"a file", [&] { fs::remove(tree_ / "boot_sigheader.img.encrypt"); },
         "boot.img of partition kernel is not there"},
        {"no root",
         [&] {
             put(tree_ / "flash.xml",
                 "<partition_layout><device type=\"x\"><partition "
                 "name=\"k\"><filename>flash.xml</filename>"
                 "</partition></device></partition_layout>");
         },
         "nothing in it is written into partition APP"},
        {"odd name", [&] { put(tree_ / "flash.xml", layout("../../etc/passwd")); }, "odd file"},
        {"cut", [&] { fs::resize_file(tree_ / "system.img", 5000); }, "system.img"},
        {"no file system", [&] { put(tree_ / "system.img", "hello"); }, "system.img"},
        {"nothing to prove", [&] { station_.job.params["mutable"] = {"/"}; }, "no file is left"},
    };
    for (const Row& row : table) {
        SCOPED_TRACE(row.what);
        TearDown();
        SetUp();
        massflash();
        row.damage();
        const Heard built = run(build_image);
        EXPECT_FALSE(built.outcome.ok);
        EXPECT_NE(built.outcome.error.message.find(row.told), std::string::npos)
            << built.outcome.error.message;
        EXPECT_TRUE(fs::is_empty(places_.out));
    }
}

TEST(FlashIndex, Lines_that_are_none_are_told_with_their_number) {
    struct Row {
        std::string_view line;
        std::string_view told;
    };
    for (const Row& row : std::vector<Row>{{"0, 1:3:APP", "line 2: is not"},
                                           {"0, APP, 1, 2, x", "no device:instance:name"},
                                           {"0, 1:3:k, 1, 2, ../x", "odd file"},
                                           {"0, 1:3:a, 1, 2, x", "occurs twice"}}) {
        const auto read = parse_flash_index(fmt::format("0, 1:3:a, 1, 2, x\n{}\n", row.line), "f/");
        ASSERT_FALSE(read) << row.line;
        EXPECT_NE(read.error().message.find(row.told), std::string::npos) << read.error().message;
    }
    const auto read = parse_flash_index("\n0, 1:3:a, 1, 2, x\n1, 1:3:b, 1, 2, \n", "f/");
    ASSERT_TRUE(read);
    ASSERT_EQ(read->size(), 1U);
    EXPECT_EQ(read->front().file, "f/x");
}

TEST_F(PackageTest, Tar_entries_that_leave_or_lead_nowhere_are_refused) {
    put(top_ / "a/b", "x");
    shell(fmt::format("cd {0} && tar -cPf evil.tar --transform 's,a/b,../b,' a/b 2>/dev/null",
                      top_.string()));
    EXPECT_FALSE(read_root(top_ / "evil.tar", top_ / "scratch", {}));
    shell(
        fmt::format("cd {0} && ln a/b a/c && tar -cf links.tar a && tar -cf late.tar a/b a/c && "
                    "tar --delete -f late.tar a/b",
                    top_.string()));
    const auto links = read_root(top_ / "links.tar", top_ / "scratch", {});
    ASSERT_TRUE(links) << links.error().message;
    ASSERT_EQ(links->size(), 3U);
    EXPECT_EQ((*links)[1].sha256, (*links)[2].sha256);
    const auto late = read_root(top_ / "late.tar", top_ / "scratch", {});
    ASSERT_FALSE(late);
    EXPECT_NE(late.error().message.find("hard link to nothing"), std::string::npos);
}

}  // namespace
}  // namespace lineside::image_build
