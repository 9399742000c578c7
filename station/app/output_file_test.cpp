// SPDX-License-Identifier: Apache-2.0
#include "station/app/output_file.h"

#include "station/base/files.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

namespace lineside::app {
namespace {

namespace fs = std::filesystem;

class OutputFileTest : public ::testing::Test {
  protected:
    void SetUp() override {
        std::string pattern = (fs::temp_directory_path() / "output-XXXXXX").string();
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        folder_ = pattern;
    }
    void TearDown() override { fs::remove_all(folder_); }
    [[nodiscard]] std::string text(const std::string& name) const {
        return base::read_file(folder_ / name, 1000).value_or("none");
    }
    [[nodiscard]] std::size_t files() const {
        return static_cast<std::size_t>(
            std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
    }
    fs::path folder_;
};

TEST_F(OutputFileTest, ShowsUpOnlyWhenItIsWhole) {
    {
        auto out = OutputFile::open((folder_ / "a").string());
        ASSERT_TRUE(out);
        ASSERT_TRUE(out->write("one"));
        EXPECT_FALSE(fs::exists(folder_ / "a"));
        ASSERT_TRUE(out->finish());
    }
    EXPECT_EQ(text("a"), "one");
    EXPECT_EQ(files(), 1U);
}

TEST_F(OutputFileTest, DroppedItLeavesTheOldFileAndNothingElse) {
    ASSERT_TRUE(base::replace_file(folder_ / "a", "old", 0640));
    {
        auto out = OutputFile::open((folder_ / "a").string());
        ASSERT_TRUE(out);
        ASSERT_TRUE(out->write("half"));
    }
    EXPECT_EQ(text("a"), "old");
    EXPECT_EQ(files(), 1U);
}

TEST_F(OutputFileTest, ReplacesWhereALinkLeadsAndKeepsTheMode) {
    ASSERT_TRUE(base::replace_file(folder_ / "a", "old", 0640));
    fs::create_symlink("a", folder_ / "link");
    auto out = OutputFile::open((folder_ / "link").string());
    ASSERT_TRUE(out);
    ASSERT_TRUE(out->write("new"));
    ASSERT_TRUE(out->finish());
    EXPECT_TRUE(fs::is_symlink(folder_ / "link"));
    EXPECT_EQ(text("a"), "new");
    struct stat facts {};
    ASSERT_EQ(::stat((folder_ / "a").c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 07777U, 0640U);
}

TEST_F(OutputFileTest, NeverPutsAFileInThePlaceOfAPipeOrDevice) {
    const auto pipe = folder_ / "pipe";
    ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
    const base::UniqueFd reader(::open(pipe.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    auto out = OutputFile::open(pipe.string());
    ASSERT_TRUE(out);
    ASSERT_TRUE(out->write("through"));
    ASSERT_TRUE(out->finish());
    EXPECT_TRUE(fs::is_fifo(pipe));
    EXPECT_EQ(files(), 1U);
    std::string got(16, ' ');
    EXPECT_EQ(::read(reader.get(), got.data(), got.size()), 7);
}

TEST_F(OutputFileTest, SaysWhyItCannotBeWritten) {
    EXPECT_FALSE(OutputFile::open(folder_.string()));
    EXPECT_FALSE(OutputFile::open((folder_ / "no/such").string()));
    auto full = OutputFile::open("/dev/full");
    ASSERT_TRUE(full);
    const auto refused = full->write("x");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, "disk.full");
    EXPECT_NE(refused.error().message.find("/dev/full"), std::string::npos);
}

}  // namespace
}  // namespace lineside::app
