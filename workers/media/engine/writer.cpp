// SPDX-License-Identifier: Apache-2.0
#include "workers/media/engine/writer.h"

#include "workers/media/engine/medium_checks.h"
#include "workers/media/engine/transfer.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace lineside::media {
namespace {

using Clock = std::chrono::steady_clock;
using Phase = WriteProgress::Phase;

constexpr std::size_t kMostDifferences = 16;
// One call that zeroes cannot be cut short: its length follows how long the last one took.
constexpr std::uint64_t kMostZeros = 256 * kPieceBytes;
constexpr auto kZeroTime = std::chrono::milliseconds(50);

class Writer {
  public:
    Writer(const PreparedImage& image, Medium& medium, const WriteOptions& options,
           WriteProgress& progress, const std::atomic<bool>& stop)
        : image_(image),
          medium_(medium),
          options_(options),
          progress_(progress),
          stop_(stop),
          transfer_(medium, options.in_flight, stop) {}

    WriteResult run() {
        result_.status = all();
        result_.proven = result_.status.has_value() && options_.verify && whole_;
        progress_.phase = Phase::done;
        return std::move(result_);
    }

  private:
    base::Status all() {
        const std::uint64_t size = image_.map().size();
        if (medium_.size() < size) {
            return base::fail("media.too_small", fmt::format("{} holds {} bytes, the image has {}",
                                                             medium_.name(), medium_.size(), size));
        }
        const auto begin = Clock::now();
        for (auto step : {&Writer::check, &Writer::make_zeros, &Writer::write}) {
            if (auto done = (this->*step)(); !done) {
                return done;
            }
        }
        result_.write_s = std::chrono::duration<double>(Clock::now() - begin).count();
        if (!options_.verify) {
            return {};
        }
        const auto written = Clock::now();
        auto verified = verify();
        result_.verify_s = std::chrono::duration<double>(Clock::now() - written).count();
        return verified;
    }

    base::Status check() {
        progress_.phase = Phase::check;
        if (options_.probe_capacity) {
            if (auto probed = probe_capacity(medium_, stop_); !probed) {
                return probed;
            }
        }
        if (options_.first_megabyte && medium_.size() >= kPieceBytes) {
            return check_first_megabyte(medium_, stop_);
        }
        return {};
    }

    base::Status make_zeros() {
        progress_.phase = Phase::zero;
        if (options_.discard) {
            (void)medium_.discard(0, image_.map().size());  // a wish: the write says the truth
        }
        std::uint64_t step = kPieceBytes;
        for (const Extent& extent : image_.map().extents()) {
            for (std::uint64_t at = extent.begin; extent.fill == Fill::zero && at < extent.end;) {
                if (stop_) {
                    return base::fail("operator.stopped");
                }
                const std::uint64_t end = std::min(at + step, extent.end);
                const auto begin = Clock::now();
                if (const int error = medium_.zero(at, end); error != 0) {
                    return io_error(medium_, {error, at}, "cannot be zeroed");
                }
                step = Clock::now() - begin < kZeroTime ? std::min(2 * step, kMostZeros)
                                                        : std::max(step / 2, kPieceBytes / 4);
                progress_.zeroed += end - at;
                at = end;
            }
        }
        return {};
    }

    base::Status write() {
        progress_.phase = Phase::write;
        const IoFailure failure = transfer_.write(
            image_.pieces(), [this](std::uint64_t offset) { return image_.pages(offset); },
            progress_.written);
        if (failure) {
            return io_error(medium_, failure, "cannot be written");
        }
        const std::uint64_t size = image_.map().size();
        const std::uint64_t odd_at = size / kAlignment * kAlignment;
        if (odd_at < size && image_.map().extents().back().fill == Fill::data) {
            std::array<std::byte, kAlignment> odd{};
            const auto bytes = std::span(odd).first(static_cast<std::size_t>(size - odd_at));
            if (auto read = image_.read(odd_at, bytes); !read) {
                return read;
            }
            if (const int error = medium_.write_odd(odd_at, bytes); error != 0) {
                return io_error(medium_, {error, odd_at}, "cannot be written");
            }
            progress_.written += bytes.size();
        }
        progress_.phase = Phase::flush;
        if (const int error = medium_.flush(); error != 0) {
            return io_error(medium_, {error, 0}, "did not keep what was written");
        }
        result_.bytes = progress_.written;
        return {};
    }

    base::Status verify() {
        progress_.phase = Phase::verify;
        heard_.resize(image_.pieces().size());
        const auto zeros = image_.map().pieces(Fill::zero);
        for (const bool data : {true, false}) {
            const auto& pieces = data ? image_.pieces() : zeros;
            const IoFailure failure =
                transfer_.read(pieces, [&](std::size_t index, std::span<std::byte> piece) {
                    return compare(pieces[index], index, piece);
                });
            if (failure) {
                return io_error(medium_, failure, "cannot be read back");
            }
            if (trouble_) {
                return tl::unexpected<base::Error>(*trouble_);
            }
        }
        if (!result_.differences.empty()) {
            const Difference& first = result_.differences.front();
            return base::fail(
                "image.mismatch",
                fmt::format(
                    "{} holds other bytes than the image: first at byte {}, "
                    "{} bytes in {} places{}",
                    medium_.name(), first.begin, differing_, result_.differences.size(),
                    result_.differences.size() == kMostDifferences ? " and perhaps more" : ""));
        }
        // The count is the last word: a piece that was never looked at is no proof.
        whole_ = result_.verified ==
                 image_.map().bytes_of(Fill::data) + image_.map().bytes_of(Fill::zero);
        if (!whole_) {
            return base::fail("station.bug", "not every piece was read back");
        }
        result_.digest = digest_of(image_.map(), image_.hash(), heard_);
        return {};
    }

    // False: enough is known.
    bool compare(const Extent& wanted, std::size_t index, std::span<std::byte> piece) {
        const auto length = static_cast<std::size_t>(wanted.end - wanted.begin);
        const std::span<std::byte> all(piece.data(), length);  // a buffer holds a whole piece
        if (piece.size() < length) {
            const std::uint64_t odd_at = wanted.begin + piece.size();
            if (const int error = medium_.read_odd(odd_at, all.subspan(piece.size())); error != 0) {
                trouble_ = io_error(medium_, {error, odd_at}, "cannot be read back").value();
                return false;
            }
        }
        bool equal = false;
        if (wanted.fill == Fill::zero) {
            equal =
                std::all_of(all.begin(), all.end(), [](std::byte b) { return b == std::byte{0}; });
        } else {
            heard_[index] = hash_piece(image_.hash(), all);
            equal = heard_[index] == image_.hash_of(index);
        }
        if (equal) {
            result_.verified += length;
            progress_.verified += length;
            return true;
        }
        return find_differences(wanted, all);
    }

    bool find_differences(const Extent& wanted, std::span<const std::byte> found) {
        std::vector<std::byte> right(found.size());
        if (wanted.fill == Fill::data) {
            if (auto read = image_.read(wanted.begin, right); !read) {
                trouble_ = read.error();
                return false;
            }
        }
        const std::size_t before = result_.differences.size();
        for (std::size_t i = 0; i < found.size(); ++i) {
            if (found[i] == right[i]) {
                continue;
            }
            ++differing_;
            const std::uint64_t at = wanted.begin + i;
            auto& list = result_.differences;
            if (list.size() > before && list.back().end == at) {
                ++list.back().end;
            } else if (list.size() < kMostDifferences) {
                list.push_back({at, at + 1});
            }
        }
        if (result_.differences.size() == before && before < kMostDifferences) {
            // The medium was right and the image file is not what it was when it was hashed.
            trouble_ = base::make_error("media.source", "the image file changed while it was used");
            return false;
        }
        return result_.differences.size() < kMostDifferences;
    }

    const PreparedImage& image_;
    Medium& medium_;
    const WriteOptions& options_;
    WriteProgress& progress_;
    const std::atomic<bool>& stop_;
    Transfer transfer_;
    WriteResult result_;
    std::vector<HashValue> heard_;  // of the pieces of data, as the medium gave them back
    std::uint64_t differing_ = 0;
    bool whole_ = false;
    std::optional<base::Error> trouble_;
};

}  // namespace

WriteResult write_image(const PreparedImage& image, Medium& medium, const WriteOptions& options,
                        WriteProgress& progress, const std::atomic<bool>& stop) {
    return Writer(image, medium, options, progress, stop).run();
}

}  // namespace lineside::media
