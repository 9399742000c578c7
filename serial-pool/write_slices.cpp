// SPDX-License-Identifier: Apache-2.0
#include "serial-pool/write_slices.h"

#include <algorithm>
#include <future>

namespace lineside::serial_pool {
namespace {

constexpr std::size_t kFirstSlice = 256;  // rows, until it is known how fast they go
constexpr std::size_t kLookAtClock = 16;  // rows

using Clock = std::chrono::steady_clock;

// How long the statements of the next slice may take, so that with its commit it stays within
// kWriterTime: the commit is as long as the disk wants.
class SliceTime {
  public:
    [[nodiscard]] Clock::duration statements() const {
        return std::clamp<Clock::duration>(kWriterTime - commit_, kSliceTime / 2, kMostStatements);
    }
    void took(Clock::duration commit) { commit_ = (3 * commit_ + commit) / 4; }

  private:
    static constexpr std::chrono::milliseconds kWriterTime{13};
    static constexpr std::chrono::milliseconds kMostStatements{10};
    Clock::duration commit_ = std::chrono::milliseconds{4};
};

}  // namespace

base::Status write_slices(db::Store& store, std::size_t count, std::size_t* done,
                          const std::function<base::Status(db::Tx&, std::size_t row)>& one,
                          const std::function<base::Status(std::size_t upto)>& prepare) {
    *done = 0;
    SliceTime time;
    std::size_t last = kFirstSlice;  // rows of the slice before
    std::size_t ready = std::min(count, kFirstSlice);
    if (auto prepared = prepare(ready); !prepared) {
        return prepared;
    }
    while (*done < count) {
        std::size_t reached =
            *done;  // this and `statements_done` are read only after the slice has ended
        Clock::time_point statements_done;
        auto slice = store.write_soon(
            [&one, &reached, &statements_done, ready,
             may = time.statements()](db::Tx& tx) -> base::Status {
                const auto until = Clock::now() + may;
                for (std::size_t in_slice = 0; reached < ready; ++in_slice) {
                    if (in_slice % kLookAtClock == kLookAtClock - 1 && Clock::now() >= until) {
                        break;
                    }
                    if (auto written = one(tx, reached); !written) {
                        return written;
                    }
                    ++reached;
                }
                statements_done = Clock::now();
                return {};
            },
            db::Store::Share::alone);
        // Some times what the last slice took, so that the clock ends the next and not the rows.
        const std::size_t next = std::min(count, std::max(ready, *done + 4 * last));
        auto prepared = prepare(next);
        const bool was_busy = slice.wait_for(Clock::duration::zero()) != std::future_status::ready;
        if (auto written = slice.get(); !written) {
            return written;
        }
        if (was_busy) {  // else it was over before anybody looked
            time.took(Clock::now() - statements_done);
        }
        last = std::max<std::size_t>(reached - *done, kLookAtClock);
        *done = reached;
        if (!prepared) {
            return prepared;
        }
        ready = next;
    }
    return {};
}

}  // namespace lineside::serial_pool
