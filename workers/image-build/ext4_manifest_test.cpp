// SPDX-License-Identifier: Apache-2.0
#include "workers/image-build/ext4_manifest.h"

#include "station/base/text.h"

#include <gtest/gtest.h>

#include <sys/stat.h>
#include <sys/xattr.h>

#include <fstream>

namespace lineside::image_build {
namespace {

namespace fs = std::filesystem;

class Ext4Test : public testing::Test {
  protected:
    void SetUp() override {
        std::string name = testing::TempDir() + "ext4-XXXXXX";
        ASSERT_NE(mkdtemp(name.data()), nullptr);
        top_ = name;
        fs::create_directories(top_ / "root/etc/deep/er");
    }
    void TearDown() override { fs::remove_all(top_); }
    void write(const std::string& name, const std::string& content) {
        std::ofstream(top_ / "root" / name, std::ios::binary) << content;
    }
    fs::path make(const std::string& options = "") {
        fs::path image = top_ / "image";
        const std::string command = "PATH=$PATH:/usr/sbin:/sbin mkfs.ext4 -q -F " + options +
                                    " -d " + (top_ / "root").string() + " " + image.string() +
                                    " 16M >/dev/null 2>&1";
        EXPECT_EQ(std::system(command.c_str()), 0);
        return image;
    }
    std::map<std::string, proof::FileRecord> read(const fs::path& image) {
        auto records = read_ext4(image, nullptr);
        EXPECT_TRUE(records) << records.error().message;
        std::map<std::string, proof::FileRecord> out;
        for (auto& record : records.value_or(std::vector<proof::FileRecord>{})) {
            out[record.path] = record;
        }
        return out;
    }
    fs::path top_;
};

TEST_F(Ext4Test, Reads_what_mkfs_wrote) {
    const std::string big(3'000'001, 'b');
    const std::string long_target(200, 't');
    write("etc/hosts", "127.0.0.1 localhost\n");
    write("etc/deep/er/big", big);
    write("etc/empty", "");
    write("etc/odd \nname", "odd");
    fs::create_symlink("hosts", top_ / "root/etc/fast");
    fs::create_symlink(long_target, top_ / "root/etc/slow");
    fs::create_hard_link(top_ / "root/etc/hosts", top_ / "root/etc/twin");
    chmod((top_ / "root/etc/hosts").c_str(), 0640);
    const bool attributes =
        setxattr((top_ / "root/etc/hosts").c_str(), "user.note", "hi", 2, 0) == 0;
    if (geteuid() == 0) {
        ASSERT_EQ(chown((top_ / "root/etc/hosts").c_str(), 1000, 100'000), 0);
        ASSERT_EQ(mknod((top_ / "root/null").c_str(), S_IFCHR | 0666, 0x103), 0);
    }
    auto records = read(make());
    EXPECT_EQ(records["/"].type, 'd');
    EXPECT_EQ(records["/etc/hosts"].sha256, base::sha256_hex("127.0.0.1 localhost\n"));
    EXPECT_EQ(records["/etc/hosts"].mode, 0640U);
    EXPECT_EQ(records["/etc/deep/er/big"].sha256, base::sha256_hex(big));
    EXPECT_EQ(records["/etc/deep/er/big"].size, big.size());
    EXPECT_EQ(records["/etc/empty"].sha256, base::sha256_hex(""));
    EXPECT_EQ(records["/etc/odd \nname"].sha256, base::sha256_hex("odd"));
    EXPECT_EQ(records["/etc/fast"].link, "hosts");
    EXPECT_EQ(records["/etc/slow"].link, long_target);
    EXPECT_EQ(records["/etc/slow"].sha256, base::sha256_hex(long_target));
    EXPECT_EQ(records["/etc/twin"].sha256, records["/etc/hosts"].sha256);
    EXPECT_EQ(records["/etc/twin"].link, "");
    if (attributes) {
        EXPECT_EQ(records["/etc/hosts"].xattrs, xattr_digest({{"user.note", "hi"}}));
    }
    EXPECT_EQ(records["/etc/empty"].xattrs, "");
    if (geteuid() == 0) {
        EXPECT_EQ(records["/etc/hosts"].uid, 1000U);
        EXPECT_EQ(records["/etc/hosts"].gid, 100'000U);
        EXPECT_EQ(records["/null"].type, 'c');
    }
}

TEST_F(Ext4Test, Reads_inline_content) {
    write("etc/tiny", "inline");
    auto records = read(make("-O inline_data -I 256"));
    EXPECT_EQ(records["/etc/tiny"].sha256, base::sha256_hex("inline"));
    EXPECT_EQ(records["/etc/tiny"].xattrs, "");
}

TEST_F(Ext4Test, Sees_a_changed_byte_of_the_image) {
    write("etc/data", std::string(5000, 'z'));
    const auto image = make();
    const auto before = read(image);
    std::string bytes;
    {
        std::ifstream in(image, std::ios::binary);
        bytes.assign(std::istreambuf_iterator<char>(in), {});
    }
    const auto at = bytes.find(std::string(4096, 'z'));
    ASSERT_NE(at, std::string::npos);
    bytes[at + 17] = 'Z';
    std::ofstream(image, std::ios::binary) << bytes;
    EXPECT_NE(read(image).at("/etc/data").sha256, before.at("/etc/data").sha256);
}

TEST_F(Ext4Test, What_is_no_ext4_is_refused) {
    std::ofstream(top_ / "image") << std::string(100'000, 'n');
    EXPECT_EQ(read_ext4(top_ / "image", nullptr).error().code, "image.build");
    EXPECT_EQ(read_ext4(top_ / "missing", nullptr).error().code, "image.build");
}

}  // namespace
}  // namespace lineside::image_build
