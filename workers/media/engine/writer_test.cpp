// SPDX-License-Identifier: Apache-2.0
// Media that lie, and ones that do not: the right verdict each time, never proven, neighbours
// unharmed.
#include "workers/media/engine/writer.h"

#include "station/base/files.h"
#include "station/base/text.h"
#include "workers/media/engine/lying_medium.h"
#include "workers/media/engine/medium_checks.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cerrno>
#include <fstream>
#include <random>
#include <thread>

namespace lineside::media {
namespace {

namespace fs = std::filesystem;

class WriterTest : public ::testing::Test {
  protected:
    void SetUp() override {
        std::string name = fs::temp_directory_path() / "lineside-media-XXXXXX";
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        folder_ = name;
    }
    void TearDown() override { fs::remove_all(folder_); }

    // Data, a hole of 2 MiB + 4 KiB, data, and odd bytes at the end.
    fs::path make_image(std::uint64_t size = 5 * kPieceBytes + 777) {
        const fs::path file = folder_ / "image.raw";
        std::mt19937_64 random(7);
        content_.assign(size, '\0');
        for (std::uint64_t i = 0; i < size; ++i) {
            if (i < kPieceBytes + 4096 || i >= 3 * kPieceBytes + 8192) {
                content_[i] = static_cast<char>(random() | 1);
            }
        }
        std::ofstream out(file, std::ios::binary);
        out.write(content_.data(), static_cast<std::streamsize>(kPieceBytes + 4096));
        out.seekp(static_cast<std::streamoff>(3 * kPieceBytes + 8192));
        out.write(content_.data() + 3 * kPieceBytes + 8192,
                  static_cast<std::streamsize>(size - 3 * kPieceBytes - 8192));
        out.close();
        EXPECT_TRUE(out.good());
        return file;
    }

    std::shared_ptr<const PreparedImage> prepare(PieceHash hash = PieceHash::xxh3) {
        ImagePlan plan;
        plan.file = make_image();
        plan.hash = hash;
        auto image = PreparedImage::prepare(plan, never_);
        EXPECT_TRUE(image.has_value()) << (image ? "" : image.error().message);
        return image ? *image : nullptr;
    }

    WriteResult write(const PreparedImage& image, Medium& medium,
                      const WriteOptions& options = {}) {
        WriteProgress progress;
        return write_image(image, medium, options, progress, never_);
    }

    bool holds(const LyingMedium& medium) {
        return std::equal(content_.begin(), content_.end(), medium.bytes().begin(),
                          [](char a, std::byte b) { return static_cast<std::byte>(a) == b; });
    }

    fs::path folder_;
    std::string content_;
    std::atomic<bool> never_{false};
};

TEST_F(WriterTest, AnHonestMediumPassesWithEachHash) {
    for (const PieceHash hash : {PieceHash::xxh3, PieceHash::sha256}) {
        const auto image = prepare(hash);
        EXPECT_EQ(image->sha256(), base::sha256_hex(content_));
        LyingMedium medium(8 * kPieceBytes, {});
        const WriteResult result = write(*image, medium);
        EXPECT_TRUE(result.status.has_value()) << result.status.error().message;
        EXPECT_TRUE(result.proven);
        EXPECT_TRUE(holds(medium));  // the hole's old bytes are zeros now
        EXPECT_EQ(result.verified, content_.size());
        // What lies behind the image is nobody's business.
        EXPECT_EQ(medium.bytes()[content_.size()], std::byte{0x55});
    }
}

TEST_F(WriterTest, ShortAnswersAreGoneOnWith) {
    const auto image = prepare();
    for (const std::uint64_t every : {1U, 2U, 3U}) {
        Lies lies;
        lies.short_every = every;
        LyingMedium medium(8 * kPieceBytes, lies);
        const WriteResult result = write(*image, medium);
        EXPECT_TRUE(result.proven) << (result.status ? "" : result.status.error().message);
        EXPECT_TRUE(holds(medium));
    }
}

TEST_F(WriterTest, EachLieIsFoundAndNothingIsProven) {
    struct Case {
        std::string name;
        Lies lies;
        std::string code;
        bool probe = false;
    };
    std::vector<Case> cases;
    auto add = [&](const std::string& name, const std::string& code, auto change) -> Case& {
        Case made{name, {}, code};
        change(made.lies);
        cases.push_back(made);
        return cases.back();
    };
    add("write error", "unit.storage", [](Lies& l) { l.write_fails_at = 4 * kPieceBytes; });
    add("write error in the odd end", "unit.storage",
        [](Lies& l) { l.write_fails_at = 5 * kPieceBytes + 700; });
    add("write error while zeroing", "unit.storage",
        [](Lies& l) { l.write_fails_at = 2 * kPieceBytes; });
    add("read error", "unit.storage", [](Lies& l) { l.read_fails_at = 4 * kPieceBytes + 9; });
    add("read error in the odd end", "unit.storage",
        [](Lies& l) { l.read_fails_at = 5 * kPieceBytes + 776; });
    add("flush fails", "unit.storage", [](Lies& l) { l.flush_fails = true; });
    add("one bit of data", "image.mismatch", [](Lies& l) { l.flips_at = 4 * kPieceBytes + 5; });
    add("one bit of zeros", "image.mismatch", [](Lies& l) { l.flips_at = 2 * kPieceBytes; });
    add("one bit of the odd end", "image.mismatch",
        [](Lies& l) { l.flips_at = 5 * kPieceBytes + 776; });
    add("one bit, once", "image.mismatch", [](Lies& l) { l.misreads_at = 4 * kPieceBytes + 5; });
    add("one bit of zeros, once", "image.mismatch",
        [](Lies& l) { l.misreads_at = 2 * kPieceBytes; });
    add("first megabyte", "unit.storage", [](Lies& l) { l.flips_at = 5; });
    add("keeps nothing", "unit.storage", [](Lies& l) { l.keeps_nothing = true; });
    add("smaller than it says", "image.mismatch", [](Lies& l) { l.real_size = 3 * kPieceBytes; });
    add("wraps", "image.mismatch", [](Lies& l) {
        l.real_size = 3 * kPieceBytes;
        l.wraps = true;
    });
    add("smaller, probed", "media.capacity", [](Lies& l) { l.real_size = 6 * kPieceBytes; }).probe =
        true;
    add("wraps, probed", "media.capacity", [](Lies& l) {
        l.real_size = 6 * kPieceBytes;
        l.wraps = true;
    }).probe = true;
    for (const bool as_eio : {false, true}) {
        for (std::uint64_t after = 0; after < 11 * kPieceBytes; after += 1234567) {
            add("gone after " + std::to_string(after), "usb.left", [&](Lies& l) {
                l.gone_after = after;
                l.gone_as_eio = as_eio;
            });
        }
    }
    const auto image = prepare();
    for (const Case& each : cases) {
        LyingMedium medium(8 * kPieceBytes, each.lies);
        WriteOptions options;
        options.probe_capacity = each.probe;
        const WriteResult result = write(*image, medium, options);
        ASSERT_FALSE(result.status.has_value()) << each.name;
        EXPECT_EQ(result.status.error().code, each.code)
            << each.name << ": " << result.status.error().message;
        EXPECT_FALSE(result.proven) << each.name;
    }
}

TEST_F(WriterTest, TheBytesThatDifferAreTold) {
    const auto image = prepare();
    Lies lies;
    lies.flips_at = 4 * kPieceBytes + 5;
    LyingMedium medium(8 * kPieceBytes, lies);
    const WriteResult result = write(*image, medium);
    ASSERT_EQ(result.differences.size(), 1U);
    EXPECT_EQ(result.differences[0].begin, lies.flips_at);
    EXPECT_EQ(result.differences[0].end, lies.flips_at + 1);
}

TEST_F(WriterTest, AProbePutsBackWhatWasThere) {
    LyingMedium medium(8 * kPieceBytes, {});
    ASSERT_TRUE(probe_capacity(medium, never_).has_value());
    for (const std::byte b : medium.bytes()) {
        ASSERT_EQ(b, std::byte{0x55});
    }
}

TEST_F(WriterTest, WithoutAReadBackNothingIsProven) {
    const auto image = prepare();
    LyingMedium medium(8 * kPieceBytes, {});
    WriteOptions options;
    options.verify = false;
    const WriteResult result = write(*image, medium, options);
    EXPECT_TRUE(result.status.has_value());
    EXPECT_FALSE(result.proven);
}

TEST_F(WriterTest, AMediumThatIsTooSmallIsNotTouched) {
    const auto image = prepare();
    LyingMedium medium(5 * kPieceBytes, {});
    const WriteResult result = write(*image, medium);
    EXPECT_EQ(result.status.error().code, "media.too_small");
    EXPECT_EQ(medium.submitted(), 0U);
}

TEST_F(WriterTest, AStopEndsItAndNothingNewBegins) {
    const auto image = prepare();
    Lies lies;
    lies.stalls = 1'000'000;  // only what is under way could end
    LyingMedium medium(8 * kPieceBytes, lies);
    std::atomic<bool> stop{true};
    WriteProgress progress;
    WriteOptions options;
    options.first_megabyte = false;
    const WriteResult result = write_image(*image, medium, options, progress, stop);
    EXPECT_EQ(result.status.error().code, "operator.stopped");
    EXPECT_FALSE(result.proven);
    EXPECT_EQ(medium.submitted(), 0U);
}

TEST_F(WriterTest, AnImageThatChangesMeanwhileIsNotTheMediumsFault) {
    const auto image = prepare();
    std::fstream file(folder_ / "image.raw", std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(4096);
    file.put('\0');
    file.close();
    LyingMedium medium(8 * kPieceBytes, {});
    const WriteResult result = write(*image, medium);
    EXPECT_EQ(result.status.error().code, "media.source");
    EXPECT_FALSE(result.proven);
}

// Real files, both queues, several at once, one of them a liar.
TEST_F(WriterTest, NeighboursOfALiarAreUnharmed) {
    const auto image = prepare();
    for (const IoKind io : {IoKind::best, IoKind::threads}) {
        Lies lies;
        lies.gone_after = 2 * kPieceBytes;
        LyingMedium liar(8 * kPieceBytes, lies);
        std::vector<std::unique_ptr<Medium>> media;
        for (int i = 0; i < 3; ++i) {
            auto opened =
                open_medium({folder_ / fmt::format("target{}", i), image->map().size(), 0, io});
            ASSERT_TRUE(opened.has_value()) << opened.error().message;
            media.push_back(std::move(*opened));
        }
        std::array<WriteResult, 4> results;
        std::vector<std::thread> threads;
        for (std::size_t i = 0; i < 4; ++i) {
            threads.emplace_back([&, i] {
                results[i] = write(*image, i == 3 ? static_cast<Medium&>(liar) : *media[i]);
            });
        }
        for (std::thread& each : threads) {
            each.join();
        }
        for (std::size_t i = 0; i < 3; ++i) {
            EXPECT_TRUE(results[i].proven)
                << (results[i].status ? "" : results[i].status.error().message);
            const auto held = base::read_file(folder_ / fmt::format("target{}", i), 64 << 20);
            EXPECT_TRUE(held && *held == content_) << i;
        }
        EXPECT_EQ(results[3].status.error().code, "usb.left");
    }
}

TEST_F(WriterTest, ADeviceThatIsNotThereIsNotMade) {
    const auto opened = open_medium({"/dev/lineside-no-such-disk", 4096, 0, IoKind::best});
    ASSERT_FALSE(opened.has_value());
    EXPECT_EQ(opened.error().code, "usb.left");
    EXPECT_FALSE(open_medium({"/dev/null", 4096, 0, IoKind::best}).has_value());
    EXPECT_FALSE(open_medium({folder_, 4096, 0, IoKind::best}).has_value());
}

TEST(ImageMap, CoversAllAndIsAligned) {
    const ImageMap map(
        10 * 4096 + 100,
        {{5000, 9000, Fill::data}, {9000, 13000, Fill::zero}, {20000, 20001, Fill::data}},
        Fill::unused);
    std::uint64_t at = 0;
    for (const Extent& each : map.extents()) {
        EXPECT_EQ(each.begin, at);
        EXPECT_EQ(each.begin % kAlignment, 0U);
        at = each.end;
    }
    EXPECT_EQ(at, map.size());
    EXPECT_EQ(map.bytes_of(Fill::data), 2 * 4096U + 4096U);
    EXPECT_EQ(map.bytes_of(Fill::zero), 0U);  // 12288 to 12288: the rest of it lies in data's block
}

}  // namespace
}  // namespace lineside::media
