// SPDX-License-Identifier: Apache-2.0
// The live view's event ring. Text is made once and shared by all pages. An event that carries
// journal rows has the last row's sequence number as id, so a page that comes back is given what it
// missed, or a snapshot when the ring no longer reaches that far. A tile may also change without a
// row (a judged unit is taken out, a place in line): such events are kept by the row they came
// after. Thread: the io_context's.
#pragma once

#include "station/engine/facade.h"

#include <deque>
#include <list>

namespace lineside::engine {

class LiveStream {
  public:
    using Sink = std::function<void(const LiveEvent&)>;

    explicit LiveStream(std::size_t keep = 10'000) : keep_(keep) {}

    // `last`: the newest sequence number already committed when the stream begins. A page that
    // knows it comes from before: what changed on the bus since has no row, so it is given a
    // snapshot.
    void begin(std::int64_t last) {
        newest_ = last;
        floor_ = last + 1;
    }
    void publish(std::optional<std::int64_t> id, std::string kind, const base::Json& data);
    // `snapshot` is asked for when a reset is due.
    [[nodiscard]] std::shared_ptr<void> subscribe(std::optional<std::int64_t> last_id, Sink sink,
                                                  const std::function<base::Json()>& snapshot);
    [[nodiscard]] std::int64_t newest() const { return newest_; }
    [[nodiscard]] std::size_t subscribers() const { return sinks_.size(); }

  private:
    struct Kept {
        LiveEvent event;
        std::int64_t row;  // its own, or the one it came after
    };
    std::size_t keep_;
    std::int64_t floor_ =
        0;  // who knows this row or a later one finds all that came after it in the ring
    std::int64_t newest_ = 0;
    std::deque<Kept> ring_;
    std::list<std::weak_ptr<Sink>> sinks_;
};

}  // namespace lineside::engine
