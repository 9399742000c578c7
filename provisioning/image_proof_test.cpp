// SPDX-License-Identifier: Apache-2.0
// The comparer against a unit that is a folder, and against units that answer nonsense.
#include "provisioning/image_proof.h"

#include "provisioning/testing/local_shell.h"
#include "station/base/text.h"
#include "workers/proof/testing/fake_station.h"

#include <gtest/gtest.h>

#include <sys/stat.h>

namespace lineside::provisioning {
namespace {

using proof::FileRecord;
using proof::PartitionRecord;
using proof::testing::FakeStation;
using proof::testing::Heard;
using testing::LocalShell;
using testing::TempDir;
namespace fs = std::filesystem;

class ImageProofTest : public ::testing::Test {
  protected:
    void SetUp() override {
        kernel_ = std::string(3'000'000, 'k');
        dir_.write("dev/kernel", kernel_ + std::string(5000, '\0'));  // the partition is larger
        dir_.write("dev/dtb", "dtb" + std::string(4093, '\0'));
        dir_.write("root/etc/hosts", "localhost\n");
        dir_.write("root/etc/a name\n'with\" $all\\", "odd\n");
        dir_.write("root/opt/tool", "#!/bin/sh\n", true);
        dir_.write("root/var/log/x", "anything");
        dir_.write("root/etc/lineside/image-id", base::sha256_hex("image") + "\n");
        fs::create_symlink("../opt/tool", dir_.path() / "root/etc/link");
        image_.id = base::sha256_hex("image");
        image_.profile = image_.board = image_.rootdev = "x";
        image_.tool_version = "1";
        image_.partitions = {
            {"APP", 99, base::sha256_hex("app"), "system.img", false},
            {"dtb", 3, base::sha256_hex("dtb"), "dtb", true},
            {"kernel", kernel_.size(), base::sha256_hex(kernel_), "boot.img", true}};
        image_.mutable_paths = proof::PathRules::parse(std::vector<std::string>{"/var/"}).value();
        image_.tree_sha256 = base::sha256_hex("tree");
        for (const auto& entry : fs::recursive_directory_iterator(dir_.path() / "root")) {
            struct stat status {};
            lstat(entry.path().c_str(), &status);
            FileRecord record;
            record.path = "/" + entry.path().lexically_relative(dir_.path() / "root").string();
            record.mode = status.st_mode & 07777U;
            record.uid = status.st_uid;
            record.gid = status.st_gid;
            if (entry.is_symlink()) {
                record.type = 'l';
                record.link = fs::read_symlink(entry.path());
                record.sha256 = base::sha256_hex(record.link);
            } else if (entry.is_directory()) {
                record.type = 'd';
            } else {
                const auto text = testing::slurp(entry.path());
                record.size = text.size();
                record.sha256 = base::sha256_hex(text);
            }
            records_.push_back(record);
        }
        std::sort(records_.begin(), records_.end(),
                  [](const auto& a, const auto& b) { return a.path < b.path; });
        publish();
        station_.job.step = "prove-image";
        station_.job.params = {{"sudo", "none"}, {"device_dir", (dir_.path() / "dev").string()}};
        station_.job.image = protocol::ImageRef{image_.id, (dir_.path() / "image").string()};
    }

    void publish() {
        proof::ProofDigest digest;
        for (const auto& p : image_.partitions) {
            if (p.proven) {
                digest.add(p);
            }
        }
        std::string manifest;
        image_.files = 0;
        for (const FileRecord& record : records_) {
            manifest += format_record(record);
            if (is_proven(record, image_.mutable_paths)) {
                ++image_.files;
                digest.add(record);
            }
        }
        image_.digest = digest.hex();
        image_.manifest_sha256 = base::sha256_hex(manifest);
        dir_.write("image/manifest.jsonl", manifest);
        dir_.write("image/image.json", to_json(image_).dump());
    }

    Heard prove() {
        dir_.write("home/x", "");
        LocalShell shell(dir_.path() / "home", dir_.path() / "root");
        shell.twist = twist_;
        return station_.run([&](worker::Station& station) -> base::Result<base::Json> {
            Registry registry;
            register_builtin_steps(registry);
            auto context = StepContext::make(station, *find_step("prove-image"));
            if (!context) {
                return tl::unexpected(context.error());
            }
            (*context)->use_shell(shell);
            return run_step(*registry.make("prove-image"), **context);
        });
    }
    void fails(std::string_view code, std::string_view names) {
        const auto heard = prove();
        EXPECT_FALSE(heard.outcome.ok);
        EXPECT_EQ(heard.outcome.error.code, code) << heard.outcome.error.message;
        EXPECT_NE(heard.outcome.error.message.find(names), std::string::npos)
            << heard.outcome.error.message;
        EXPECT_TRUE(heard.all<protocol::Proof>().empty());
    }

    TempDir dir_;
    std::string kernel_;
    proof::ImageRecord image_;
    std::vector<FileRecord> records_;
    FakeStation station_;
    std::function<std::string(const std::string&, std::string)> twist_;
};

TEST_F(ImageProofTest, Equal_unit_is_proven_with_the_digest_of_the_build) {
    const auto heard = prove();
    ASSERT_TRUE(heard.outcome.ok) << heard.outcome.error.message;
    const auto proofs = heard.all<protocol::Proof>();
    ASSERT_EQ(proofs.size(), 1U);
    EXPECT_EQ(proofs[0].kind, "image");
    EXPECT_EQ(proofs[0].value["digest"], image_.digest);
    EXPECT_EQ(proofs[0].value["image"], image_.id);
    EXPECT_EQ(proofs[0].value["partitions"], 2);
    EXPECT_EQ(proofs[0].value["files"], 5);
}

TEST_F(ImageProofTest, Files_outside_the_manifest_and_mutable_ones_do_not_matter) {
    dir_.write("root/var/log/x", "other");
    dir_.write("root/etc/extra", "new");
    dir_.write("dev/APP", "not hashed");
    EXPECT_TRUE(prove().outcome.ok);
}

TEST_F(ImageProofTest, One_bit_of_a_partition_is_found_and_named) {
    auto bytes = kernel_ + std::string(5000, '\0');
    bytes[2'999'999] ^= 1;
    dir_.write("dev/kernel", bytes);
    fails("image.mismatch", "partition kernel");
}

TEST_F(ImageProofTest, What_lies_behind_the_content_does_not_matter) {
    dir_.write("dev/kernel", kernel_ + std::string(5000, 'x'));
    EXPECT_TRUE(prove().outcome.ok);
}

TEST_F(ImageProofTest, Short_or_missing_partition_is_a_mismatch) {
    dir_.write("dev/kernel", kernel_.substr(1));
    fails("image.mismatch", "partition kernel");
    fs::remove(dir_.path() / "dev/kernel");
    fails("image.mismatch", "partition kernel is not there");
}

TEST_F(ImageProofTest, Changed_file_is_named) {
    dir_.write("root/etc/hosts", "localhosT\n");
    fails("image.mismatch", "file /etc/hosts has other content");
}

TEST_F(ImageProofTest, Odd_name_is_escaped) {
    dir_.write("root/etc/a name\n'with\" $all\\", "Odd\n");
    fails("image.mismatch", "/etc/a\\x20name\\x0a'with\"\\x20$all\\x5c");
}

TEST_F(ImageProofTest, First_difference_by_path_is_told) {
    dir_.write("root/opt/tool", "#!/bin/bash\n", true);
    dir_.write("root/etc/hosts", "localhosT\n");
    fails("image.mismatch", "/etc/hosts");
}

TEST_F(ImageProofTest, Missing_file_mode_owner_kind_and_link_are_told) {
    fs::remove(dir_.path() / "root/opt/tool");
    fails("image.mismatch", "/opt/tool is not there");
    dir_.write("root/opt/tool", "#!/bin/sh\n");
    fails("image.mismatch", "/opt/tool has mode 0644, not 0755");
    dir_.write("root/opt/tool", "#!/bin/sh\n", true);
    fs::remove(dir_.path() / "root/etc/link");
    fs::create_symlink("../opt/tooL", dir_.path() / "root/etc/link");
    fails("image.mismatch", "/etc/link leads elsewhere");
    fs::remove(dir_.path() / "root/etc/link");
    mkfifo((dir_.path() / "root/etc/link").c_str(), 0777);
    fails("image.mismatch", "/etc/link is of another kind");
    fs::remove(dir_.path() / "root/etc/link");
    fs::create_symlink("../opt/tool", dir_.path() / "root/etc/link");
    if (geteuid() == 0) {
        ASSERT_EQ(chown((dir_.path() / "root/opt/tool").c_str(), 7, 8), 0);
        fails("image.mismatch", "/opt/tool belongs to 7:8, not 0:0");
    }
}

TEST_F(ImageProofTest, Another_image_is_told_by_its_id) {
    dir_.write("root/etc/lineside/image-id", base::sha256_hex("older") + "\n");
    fails("image.mismatch",
          "/etc/lineside/image-id says image " + base::sha256_hex("older").substr(0, 12));
    fs::remove(dir_.path() / "root/etc/lineside/image-id");
    fails("image.mismatch", "/etc/lineside/image-id is missing");
}

TEST_F(ImageProofTest, Cut_off_or_invented_answers_are_no_proof) {
    const auto with = [&](std::string_view in_command,
                          const std::function<std::string(std::string)>& change) {
        twist_ = [=](const std::string& command, std::string out) {
            return command.find(in_command) == std::string::npos ? out : change(std::move(out));
        };
    };
    for (const char* program : {"dd if=", "exec find", "sha256sum -z"}) {
        with(program, [](std::string) { return std::string(); });
        fails("unit.no_proof", "broke off");
        with(program, [](std::string out) { return out.substr(0, out.size() / 2); });
        fails("unit.no_proof", "");
        with(program, [](std::string out) { return out + out; });
        fails("unit.no_proof", "");
        with(program, [](std::string) { return std::string("hello\n\0world\0", 13); });
        fails("unit.no_proof", "");
        with(program, [](std::string) { return std::string(100'000, 'x'); });
        fails("unit.no_proof", "too long");
    }
    with("exec find", [](std::string) { return std::string("f 644 0 0 /etc/shadow\0\0Z0\0", 26); });
    fails("unit.no_proof", "/etc/shadow, which was not asked");
    with("exec find", [](std::string) { return std::string("Z127\0", 5); });
    fails("unit.no_proof", "tools ended with 127");
    with("dd if=", [](std::string out) { return out.replace(out.find("S "), 3, "S 1"); });
    fails("unit.no_proof", "cannot be read");
}

TEST_F(ImageProofTest, Damaged_cache_is_the_stations_fault) {
    dir_.write("image/manifest.jsonl", format_record(records_[1]));
    fails("image.broken", "manifest.jsonl");
    publish();
    dir_.write("image/image.json", "{");
    fails("image.broken", "");
}

TEST_F(ImageProofTest, Mismatch_is_not_worth_another_try) {
    dir_.write("root/etc/hosts", "x");
    EXPECT_FALSE(prove().outcome.error.retry);
    EXPECT_EQ(prove().outcome.error.kind, base::Kind::unit);
}

}  // namespace
}  // namespace lineside::provisioning
