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
          transfer_(medium, options.in_flight, stop),
          hasher_(image.hash()) {}

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
            std::vector<Extent> suspects;
            const IoFailure failure = transfer_.read(
                pieces, [&](std::size_t index, std::uint64_t at, std::span<const std::byte> part) {
                    return take(pieces[index], index, at, part, suspects);
                });
            if (failure) {
                return io_error(medium_, failure, "cannot be read back");
            }
            if (trouble_) {
                return tl::unexpected<base::Error>(*trouble_);
            }
            for (const Extent& each : suspects) {
                if (auto known = find_differences(each); !known) {
                    return known;
                }
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

    // The parts of a piece in order; false: enough is known.
    bool take(const Extent& wanted, std::size_t index, std::uint64_t at,
              std::span<const std::byte> part, std::vector<Extent>& suspects) {
        if (at == 0) {
            hasher_.begin();
            zeros_ = true;
        }
        look(wanted, part);
        const std::uint64_t length = wanted.end - wanted.begin;
        const std::uint64_t odd = length % kAlignment;
        if (at + part.size() < length - odd) {
            return true;
        }
        if (odd > 0) {
            std::array<std::byte, kAlignment> bytes{};
            const auto tail = std::span(bytes).first(static_cast<std::size_t>(odd));
            if (const int error = medium_.read_odd(wanted.end - odd, tail); error != 0) {
                trouble_ =
                    io_error(medium_, {error, wanted.end - odd}, "cannot be read back").value();
                return false;
            }
            look(wanted, tail);
        }
        bool equal = zeros_;
        if (wanted.fill == Fill::data) {
            heard_[index] = hasher_.end();
            equal = heard_[index] == image_.hash_of(index);
        }
        if (equal) {
            result_.verified += length;
            progress_.verified += length;
            return true;
        }
        suspects.push_back(wanted);
        return suspects.size() < kMostDifferences;
    }

    void look(const Extent& wanted, std::span<const std::byte> part) {
        if (wanted.fill == Fill::data) {
            hasher_.update(part);
        } else {
            zeros_ = zeros_ && std::all_of(part.begin(), part.end(),
                                           [](std::byte b) { return b == std::byte{0}; });
        }
    }

    // Reads a piece that is not right once more: which of its bytes differ?
    base::Status find_differences(const Extent& wanted) {
        std::vector<std::byte> found(static_cast<std::size_t>(wanted.end - wanted.begin));
        const IoFailure failure = transfer_.read({wanted}, [&](std::size_t, std::uint64_t at,
                                                               std::span<const std::byte> part) {
            std::copy(part.begin(), part.end(), found.begin() + static_cast<std::ptrdiff_t>(at));
            return true;
        });
        if (failure) {
            return io_error(medium_, failure, "cannot be read back");
        }
        const std::size_t whole = found.size() / kAlignment * kAlignment;
        if (const int error =
                medium_.read_odd(wanted.begin + whole, std::span(found).subspan(whole));
            error != 0) {
            return io_error(medium_, {error, wanted.begin + whole}, "cannot be read back");
        }
        std::vector<std::byte> right(found.size());
        if (wanted.fill == Fill::data) {
            if (auto read = image_.read(wanted.begin, right); !read) {
                return read;
            }
        }
        if (found != right) {
            note_differences(wanted, found, right);
            return {};
        }
        const auto& pieces = image_.pieces();
        const auto piece = std::find_if(pieces.begin(), pieces.end(), [&](const Extent& each) {
            return each.begin == wanted.begin;
        });
        if (wanted.fill == Fill::data &&
            hash_piece(image_.hash(), right) !=
                image_.hash_of(static_cast<std::size_t>(piece - pieces.begin()))) {
            return base::fail("media.source", "the image file changed while it was used");
        }
        return base::fail("image.mismatch",
                          fmt::format("{} gave back other bytes between {} and {}, and the right "
                                      "ones when it was asked again: it cannot be relied on",
                                      medium_.name(), wanted.begin, wanted.end));
    }

    void note_differences(const Extent& wanted, std::span<const std::byte> found,
                          std::span<const std::byte> right) {
        auto& list = result_.differences;
        const std::size_t before = list.size();
        for (std::size_t i = 0; i < found.size(); ++i) {
            if (found[i] == right[i]) {
                continue;
            }
            ++differing_;
            const std::uint64_t at = wanted.begin + i;
            if (list.size() > before && list.back().end == at) {
                ++list.back().end;
            } else if (list.size() < kMostDifferences) {
                list.push_back({at, at + 1});
            }
        }
    }

    const PreparedImage& image_;
    Medium& medium_;
    const WriteOptions& options_;
    WriteProgress& progress_;
    const std::atomic<bool>& stop_;
    Transfer transfer_;
    PieceHasher hasher_;  // of the piece that is read back just now
    bool zeros_ = true;   // it is one of zeros, and was until here
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
