// SPDX-License-Identifier: Apache-2.0
// Media that lie at places nobody chose: the right verdict each time, never proven, and neighbours
// written at the same time hold the image. The seed is in every failure and may be given as
// LINESIDE_LIES_SEED, how often as LINESIDE_LIES_TRIALS. Loop devices (root) are taken away or
// shrunk in mid-write as well.
#include "station/base/files.h"
#include "workers/media/engine/loop_device.h"
#include "workers/media/engine/lying_medium.h"
#include "workers/media/engine/writer.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>
#include <random>
#include <thread>

namespace lineside::media {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kImageBytes = 6 * kPieceBytes + 1234;
constexpr std::uint64_t kMediumBytes = 8 * kPieceBytes;

std::uint64_t given_or(const char* name, std::uint64_t usual) {
    const char* const given = std::getenv(name);
    return given == nullptr ? usual : std::strtoull(given, nullptr, 10);
}
std::uint64_t first_seed() {
    return given_or("LINESIDE_LIES_SEED", 20261129);
}
std::uint64_t trials() {
    return given_or("LINESIDE_LIES_TRIALS", 12);
}

class LiesTest : public ::testing::Test {
  protected:
    void SetUp() override {
        std::string name = fs::temp_directory_path() / "lineside-lies-XXXXXX";
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        folder_ = name;
        make_image();
    }
    void TearDown() override {
        image_.reset();
        fs::remove_all(folder_);
    }

    // Three runs of noise with holes between them, and odd bytes at the end.
    void make_image() {
        std::mt19937_64 random(3);
        content_.assign(kImageBytes, '\0');
        std::ofstream out(folder_ / "image.raw", std::ios::binary);
        for (const auto& [begin, end] :
             {std::pair<std::uint64_t, std::uint64_t>{0, kPieceBytes + 40960},
              {2 * kPieceBytes + 8192, 4 * kPieceBytes},
              {5 * kPieceBytes, kImageBytes}}) {
            for (std::uint64_t i = begin; i < end; ++i) {
                content_[i] = static_cast<char>(random() | 1);
            }
            out.seekp(static_cast<std::streamoff>(begin));
            out.write(content_.data() + begin, static_cast<std::streamsize>(end - begin));
        }
        out.close();
        ImagePlan plan;
        plan.file = folder_ / "image.raw";
        auto image = PreparedImage::prepare(plan, never_);
        ASSERT_TRUE(image.has_value()) << image.error().message;
        image_ = *image;
    }

    WriteResult write(Medium& medium, bool probe = false) {
        WriteProgress progress;
        WriteOptions options;
        options.probe_capacity = probe;
        return write_image(*image_, medium, options, progress, never_);
    }

    bool holds(const std::vector<std::byte>& bytes) const {
        return bytes.size() >= content_.size() &&
               std::equal(content_.begin(), content_.end(), bytes.begin(),
                          [](char a, std::byte b) { return static_cast<std::byte>(a) == b; });
    }

    fs::path folder_;
    std::string content_;
    std::shared_ptr<const PreparedImage> image_;
    std::atomic<bool> never_{false};
};

struct Trial {
    std::string name;
    Lies lies;
    std::vector<std::string> codes;  // each would be right; empty: it passes all the same
    bool probe = false;
};

// One lie at a random place. What it does to the verdict is known from the place alone.
Trial make_trial(std::mt19937_64& random) {
    auto below = [&](std::uint64_t most) { return random() % most; };
    Trial trial;
    Lies& lies = trial.lies;
    const auto kind = below(9);
    switch (kind) {
        case 0:
        case 1:
            lies.gone_after = below(13 * kPieceBytes);  // less than a whole run moves
            lies.gone_as_eio = kind == 1;
            trial.name = fmt::format("gone after {} bytes", lies.gone_after);
            trial.codes = {"usb.left"};
            break;
        case 2:
            lies.short_every = 1 + below(5);
            trial.name = fmt::format("each {}th request is short", lies.short_every);
            break;
        case 3:
            lies.write_fails_at = below(kImageBytes);
            trial.name = fmt::format("EIO on write at {}", lies.write_fails_at);
            trial.codes = {"unit.storage"};
            break;
        case 4:
            lies.read_fails_at = below(kImageBytes);
            trial.name = fmt::format("EIO on read-back at {}", lies.read_fails_at);
            trial.codes = {"unit.storage"};
            break;
        case 5:
            // The first megabyte is found by its own check, all else by the proof.
            lies.flips_at = below(kImageBytes);
            trial.name = fmt::format("a bit of {} flips", lies.flips_at);
            trial.codes = {lies.flips_at < kPieceBytes ? "unit.storage" : "image.mismatch"};
            break;
        case 6:
            lies.real_size = kPieceBytes + below(kImageBytes - 64 - kPieceBytes);
            lies.wraps = below(2) == 0;
            trial.name =
                fmt::format("holds {} bytes, {}", lies.real_size, lies.wraps ? "wraps" : "forgets");
            trial.codes = {"image.mismatch"};
            break;
        case 7:
            // A fake card lacks address bits: it wraps at a power of two. What forgets ends
            // anywhere.
            lies.wraps = below(2) == 0;
            lies.real_size = lies.wraps
                                 ? kPieceBytes << below(3)
                                 : kPieceBytes + below(kMediumBytes - kPieceBytes - kAlignment);
            trial.probe = true;
            trial.name = fmt::format("holds {} bytes, {}, probed", lies.real_size,
                                     lies.wraps ? "wraps" : "forgets");
            trial.codes = {"media.capacity"};
            break;
        default:
            lies.keeps_nothing = below(2) == 0;
            lies.flush_fails = !lies.keeps_nothing;
            trial.name = lies.keeps_nothing ? "keeps nothing" : "does not flush";
            trial.codes = {"unit.storage"};
            break;
    }
    return trial;
}

TEST_F(LiesTest, EachGetsItsVerdictAndNeighboursHoldTheImage) {
    const std::uint64_t seed = first_seed();
    for (std::uint64_t i = 0; i < trials(); ++i) {
        std::mt19937_64 random(seed + i);
        const Trial trial = make_trial(random);
        SCOPED_TRACE(fmt::format("LINESIDE_LIES_SEED={}: {}", seed + i, trial.name));
        LyingMedium liar(kMediumBytes, trial.lies), neighbour(kMediumBytes, {});
        WriteResult of_liar, of_neighbour;
        std::thread other([&] { of_liar = write(liar, trial.probe); });
        of_neighbour = write(neighbour);
        other.join();
        EXPECT_TRUE(of_neighbour.proven);
        EXPECT_TRUE(holds(neighbour.bytes()));
        if (trial.codes.empty()) {
            EXPECT_TRUE(of_liar.proven);
            EXPECT_TRUE(holds(liar.bytes()));
            continue;
        }
        EXPECT_FALSE(of_liar.proven);
        ASSERT_FALSE(of_liar.status.has_value());
        EXPECT_NE(std::find(trial.codes.begin(), trial.codes.end(), of_liar.status.error().code),
                  trial.codes.end())
            << of_liar.status.error().code << ": " << of_liar.status.error().message;
    }
}

// Whatever a medium does with what it was given: proven only if it holds the image.
TEST_F(LiesTest, ManyLiesAtOnceNeverPass) {
    const std::uint64_t seed = first_seed();
    for (std::uint64_t i = 0; i < trials(); ++i) {
        std::mt19937_64 random(seed + i);
        Lies lies;
        for (int n = 0; n < 3; ++n) {
            const Lies other = make_trial(random).lies;
            lies.gone_after = std::min(lies.gone_after, other.gone_after);
            lies.real_size = std::min(lies.real_size, other.real_size);
            lies.write_fails_at = std::min(lies.write_fails_at, other.write_fails_at);
            lies.read_fails_at = std::min(lies.read_fails_at, other.read_fails_at);
            lies.flips_at = std::min(lies.flips_at, other.flips_at);
            lies.short_every = std::max(lies.short_every, other.short_every);
            lies.wraps = lies.wraps || other.wraps;
            lies.keeps_nothing = lies.keeps_nothing || other.keeps_nothing;
            lies.flush_fails = lies.flush_fails || other.flush_fails;
        }
        LyingMedium liar(kMediumBytes, lies);
        const WriteResult result = write(liar);
        EXPECT_EQ(result.proven, result.status.has_value() && holds(liar.bytes()))
            << "LINESIDE_LIES_SEED=" << seed + i;
        EXPECT_EQ(result.proven, result.status.has_value());
    }
}

// Hands requests on to a real device, and does something to it before the write that covers the
// `at`th byte written, or before the first read after it.
class Disturbed : public Medium, public IoQueue {
  public:
    Disturbed(Medium& medium, std::uint64_t at, IoRequest::Kind before,
              std::function<void()> disturb)
        : medium_(medium), left_(at), before_(before), disturb_(std::move(disturb)) {}

    [[nodiscard]] const std::string& name() const override { return medium_.name(); }
    [[nodiscard]] std::uint64_t size() const override { return medium_.size(); }
    [[nodiscard]] IoQueue& queue() override { return *this; }
    [[nodiscard]] int write_odd(std::uint64_t offset, std::span<const std::byte> bytes) override {
        return medium_.write_odd(offset, bytes);
    }
    [[nodiscard]] int read_odd(std::uint64_t offset, std::span<std::byte> bytes) override {
        return medium_.read_odd(offset, bytes);
    }
    [[nodiscard]] int zero(std::uint64_t begin, std::uint64_t end) override {
        return medium_.zero(begin, end);
    }
    [[nodiscard]] int discard(std::uint64_t begin, std::uint64_t end) override {
        return medium_.discard(begin, end);
    }
    [[nodiscard]] int flush() override { return medium_.flush(); }
    [[nodiscard]] bool present() override { return medium_.present(); }

    void submit(const IoRequest& request) override {
        const bool write = request.kind == IoRequest::Kind::write;
        if (disturb_ && request.kind == before_ && (write ? request.length >= left_ : left_ == 0)) {
            std::exchange(disturb_, {})();
        }
        left_ -= write ? std::min<std::uint64_t>(left_, request.length) : 0;
        medium_.queue().submit(request);
    }
    void wait(std::vector<IoDone>& done, std::chrono::milliseconds most) override {
        medium_.queue().wait(done, most);
    }
    [[nodiscard]] bool disturbed() const { return !disturb_; }

  private:
    Medium& medium_;
    std::uint64_t left_;
    IoRequest::Kind before_;
    std::function<void()> disturb_;
};

class LoopLies : public LiesTest {
  protected:
    struct Disk {
        fs::path file;
        std::optional<LoopDevice> loop;
        std::unique_ptr<Medium> medium;
    };
    // Nothing where this host gives us no loop devices.
    std::optional<Disk> make_disk(const std::string& name) {
        Disk disk{folder_ / name, std::nullopt, nullptr};
        std::ofstream(disk.file).close();
        fs::resize_file(disk.file, kMediumBytes);
        auto loop = LoopDevice::attach({disk.file, 0, 0, 512, false});
        if (!loop) {
            return std::nullopt;
        }
        disk.loop = std::move(*loop);
        auto medium = open_medium({disk.loop->path(), image_->map().size(), 0, IoKind::best});
        EXPECT_TRUE(medium.has_value()) << medium.error().message;
        disk.medium = medium ? std::move(*medium) : nullptr;
        return disk;
    }
    bool file_holds(const fs::path& file) const {
        const auto found = base::read_file(file, kMediumBytes);
        return found && found->size() == kMediumBytes &&
               found->compare(0, content_.size(), content_) == 0;
    }
};

TEST_F(LoopLies, ADeviceTakenAwayInMidWriteIsGoneAndItsNeighbourWhole) {
    std::mt19937_64 random(first_seed());
    for (int i = 0; i < 12; ++i) {
        auto disk = make_disk("gone"), neighbour = make_disk("neighbour");
        if (!disk || !neighbour) {
            GTEST_SKIP() << "no loop devices here";
        }
        // To nothing, or to a part: its bytes are torn away under the requests on their way.
        const std::uint64_t rest = i % 2 == 0 ? 0 : random() % kPieceBytes / 4096 * 4096;
        const std::uint64_t at = kPieceBytes + random() % (4 * kPieceBytes);
        SCOPED_TRACE(fmt::format("seed {}: to {} bytes after {}", first_seed(), rest, at));
        Disturbed medium(*disk->medium, at, IoRequest::Kind::write, [&] {
            fs::resize_file(disk->file, rest);
            EXPECT_EQ(::ioctl(disk->loop->fd(), LOOP_SET_CAPACITY, 0), 0);
        });
        WriteResult of_neighbour;
        std::thread other([&] { of_neighbour = write(*neighbour->medium); });
        const WriteResult result = write(medium);
        other.join();
        EXPECT_TRUE(medium.disturbed());
        EXPECT_FALSE(result.proven);
        ASSERT_FALSE(result.status.has_value());
        EXPECT_EQ(result.status.error().code, "usb.left") << result.status.error().message;
        EXPECT_TRUE(of_neighbour.proven)
            << (of_neighbour.status ? "" : of_neighbour.status.error().message);
        EXPECT_TRUE(file_holds(neighbour->file));
        fs::remove(disk->file);
        fs::remove(neighbour->file);
    }
}

TEST_F(LoopLies, ABitThatChangesUnderARealDeviceIsFound) {
    std::mt19937_64 random(first_seed());
    for (int i = 0; i < 8; ++i) {
        auto disk = make_disk("flip");
        if (!disk) {
            GTEST_SKIP() << "no loop devices here";
        }
        // All is written and flushed; a bit changes below the device before it is read back.
        const std::uint64_t at = random() % (kPieceBytes + 40960);
        const int bit = 1 << (random() % 8);
        Disturbed medium(*disk->medium, 4 * kPieceBytes, IoRequest::Kind::read, [&] {
            std::fstream file(disk->file, std::ios::in | std::ios::out | std::ios::binary);
            file.seekg(static_cast<std::streamoff>(at));
            const int old = file.get();
            file.seekp(static_cast<std::streamoff>(at));
            file.put(static_cast<char>(old ^ bit));
        });
        const WriteResult result = write(medium);
        SCOPED_TRACE(fmt::format("seed {}: a bit of byte {}", first_seed(), at));
        EXPECT_TRUE(medium.disturbed());
        ASSERT_FALSE(result.status.has_value());
        EXPECT_EQ(result.status.error().code, "image.mismatch") << result.status.error().message;
        ASSERT_FALSE(result.differences.empty());
        EXPECT_EQ(result.differences.front().begin, at);
        fs::remove(disk->file);
    }
}

}  // namespace
}  // namespace lineside::media
