// SPDX-License-Identifier: Apache-2.0
// An image taken into a cache is the same image when it is read there, and one that changed is
// told.
#include "workers/media/engine/lying_medium.h"
#include "workers/media/engine/writer.h"

#include "station/base/files.h"
#include "station/base/text.h"

#include <gtest/gtest.h>

#include <fstream>
#include <random>

namespace lineside::media {
namespace {

namespace fs = std::filesystem;

class ImageTableTest : public ::testing::TestWithParam<PieceHash> {
  protected:
    void SetUp() override {
        std::string name = fs::temp_directory_path() / "lineside-table-XXXXXX";
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        folder_ = name;
        fs::create_directory(cached());
        std::mt19937_64 random(3);
        content_.assign(3 * kPieceBytes + 777, '\0');
        for (std::size_t i = 0; i < content_.size(); ++i) {
            if (i < kPieceBytes || i >= 2 * kPieceBytes) {
                content_[i] = static_cast<char>(random() | 1);
            }
        }
        std::ofstream(source(), std::ios::binary) << content_;
    }
    void TearDown() override { fs::remove_all(folder_); }

    [[nodiscard]] fs::path source() const { return folder_ / "card.img"; }
    [[nodiscard]] fs::path cached() const { return folder_ / "cached"; }
    [[nodiscard]] ImagePlan plan() const {
        ImagePlan made;
        made.file = source();
        made.hash = GetParam();
        return made;
    }
    void ingest() {
        const auto image = PreparedImage::ingest(plan(), cached(), never_);
        ASSERT_TRUE(image) << image.error().message;
    }

    fs::path folder_;
    std::string content_;
    std::atomic<bool> never_{false};
};

TEST_P(ImageTableTest, Is_read_as_it_was_taken_in_and_proves_what_it_writes) {
    ingest();
    fs::remove(source());
    const auto image = PreparedImage::load(cached());
    ASSERT_TRUE(image) << image.error().message;
    EXPECT_EQ((*image)->sha256(), base::sha256_hex(content_));
    EXPECT_TRUE((*image)->check(never_));
    LyingMedium medium(4 * kPieceBytes, {});
    WriteProgress progress;
    const auto result = write_image(**image, medium, {}, progress, never_);
    ASSERT_TRUE(result.proven) << result.status.error().message;
    EXPECT_EQ(result.digest, (*image)->digest()) << "made of what was read back";
    EXPECT_EQ(progress.zeroed, (*image)->map().bytes_of(Fill::zero));
    EXPECT_TRUE(std::equal(content_.begin(), content_.end(), medium.bytes().begin(),
                           [](char a, std::byte b) { return static_cast<std::byte>(a) == b; }));
    std::vector<std::string> left;
    for (const auto& entry : fs::directory_iterator(cached())) {
        left.push_back(entry.path().filename());
    }
    std::sort(left.begin(), left.end());
    EXPECT_EQ(left, (std::vector<std::string>{"disk.img", "image.json"}));
}

TEST_P(ImageTableTest, A_medium_that_lies_has_no_digest) {
    ingest();
    const auto image = PreparedImage::load(cached());
    ASSERT_TRUE(image);
    Lies lies;
    lies.flips_at = 2 * kPieceBytes + 5;
    LyingMedium medium(4 * kPieceBytes, lies);
    WriteProgress progress;
    const auto result = write_image(**image, medium, {}, progress, never_);
    EXPECT_FALSE(result.proven);
    EXPECT_EQ(result.digest, "");
}

TEST_P(ImageTableTest, One_changed_byte_of_the_cache_is_found) {
    ingest();
    {
        std::fstream file(cached() / "disk.img", std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(2 * kPieceBytes + 9);
        file.put(static_cast<char>(content_[2 * kPieceBytes + 9] ^ 2));
    }
    const auto image = PreparedImage::load(cached());
    ASSERT_TRUE(image);
    const auto checked = (*image)->check(never_);
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().code, "image.broken");
    EXPECT_NE(checked.error().message.find("2097152"), std::string::npos);
}

TEST_P(ImageTableTest, A_cut_or_changed_table_is_refused) {
    ingest();
    const std::string table = base::read_file(cached() / "image.json", kMaxTableBytes).value();
    std::mt19937 random(11);
    for (int round = 0; round < 200; ++round) {
        std::string other = table;
        const std::size_t at = random() % other.size();
        if (round % 2 == 0) {
            other.resize(at);
        } else {
            other[at] = static_cast<char>(other[at] ^ (1 + static_cast<int>(random() % 3)));
        }
        const auto read = table_of(other);
        if (read) {  // only where the change means nothing: a blank, or the whole's own hash
            EXPECT_EQ(digest_of(read->map, read->hash, read->hashes),
                      digest_of(table_of(table)->map, read->hash, table_of(table)->hashes));
        } else {
            EXPECT_EQ(read.error().code, "image.broken");
        }
    }
    fs::resize_file(cached() / "disk.img", content_.size() - 1);
    EXPECT_EQ(PreparedImage::load(cached()).error().code, "image.broken");
}

INSTANTIATE_TEST_SUITE_P(Both, ImageTableTest,
                         ::testing::Values(PieceHash::xxh3, PieceHash::sha256),
                         [](const auto& row) {
                             return row.param == PieceHash::xxh3 ? "xxh3" : "sha256";
                         });

TEST(PieceHasher, Parts_hash_to_what_the_whole_does) {
    std::mt19937_64 random(11);
    std::vector<std::byte> bytes(3 * 131072 + 4097);
    for (std::byte& each : bytes) {
        each = static_cast<std::byte>(random());
    }
    for (const PieceHash kind : {PieceHash::xxh3, PieceHash::sha256}) {
        PieceHasher hasher(kind);
        for (const std::size_t length : {bytes.size(), std::size_t{4096}, std::size_t{1}}) {
            const auto piece = std::span(bytes).first(length);
            hasher.begin();
            for (std::size_t at = 0; at < length; at += 131072) {
                hasher.update(piece.subspan(at, std::min<std::size_t>(131072, length - at)));
            }
            EXPECT_EQ(hasher.end(), hash_piece(kind, piece)) << length;
        }
    }
}

}  // namespace
}  // namespace lineside::media
