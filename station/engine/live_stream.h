// SPDX-License-Identifier: Apache-2.0
// What the live view's pages are told. What changes while nothing was told for a tick goes out at
// once; what follows waits for the end of the tick and goes out together, the newest of each slot
// alone: a busy line costs a page one message per tick, whatever changes. Text is made once and
// shared by all pages. An event that carries journal rows has the last row's sequence number as id,
// so a page that comes back is given what it missed, each slot's newest, or a snapshot when that is
// too long ago. Only each slot's newest is ever told, so only that is kept: memory is that of the
// slots, however busy they are. A tile may also change without a row (a judged unit is taken out, a
// place in line): such events are kept by the row they came after. Thread: the io_context's.
#pragma once

#include "station/engine/facade.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <list>
#include <map>
#include <string>
#include <vector>

namespace lineside::engine {

class LiveStream {
  public:
    // Rows that a page may have missed; who missed more is given a snapshot.
    static constexpr std::int64_t kKeep = 10'000;
    // A page is to show what was committed within 250 ms, and a thousand pages are to cost 15 % of
    // a core at most: few pages are told in half a tick.
    static constexpr std::chrono::milliseconds kTick{100};
    static constexpr std::size_t kManyPages = 300;

    explicit LiveStream(boost::asio::io_context& loop, std::int64_t keep = kKeep,
                        std::chrono::milliseconds tick = kTick)
        : timer_(loop), keep_(keep), tick_(tick) {}
    ~LiveStream();
    LiveStream(const LiveStream&) = delete;
    LiveStream& operator=(const LiveStream&) = delete;

    // `last`: the newest sequence number already committed when the stream begins. A page that
    // knows it comes from before: what changed on the bus since has no row, so it is given a
    // snapshot.
    void begin(std::int64_t last) {
        newest_ = last;
        floor_ = last + 1;
    }
    // `data` of a tile or of progress names its slot ("tile"."slot", "slot").
    void publish(std::optional<std::int64_t> id, std::string kind, const base::Json& data);
    // `snapshot` is asked for when a reset is due. What waits for the end of the tick comes to the
    // new page too, though its snapshot has it: a thousand pages that come back must not make a
    // thousand ticks.
    [[nodiscard]] std::shared_ptr<void> subscribe(std::optional<std::int64_t> last_id,
                                                  LiveSink sink,
                                                  const std::function<base::Json()>& snapshot);
    [[nodiscard]] std::int64_t newest() const { return newest_; }
    [[nodiscard]] std::size_t subscribers() const { return sinks_.size(); }

  private:
    struct Kept {
        LiveEvent event;
        std::int64_t row;     // its own, or the one it came after
        std::uint64_t place;  // among all that was ever kept
    };
    struct Waiting {
        LiveEvent event;
        std::string slot;
    };
    void wait(LiveEvent event, std::string slot);
    [[nodiscard]] std::vector<LiveEvent> missed_since(std::int64_t last_id) const;
    void tell();
    void next_tick();

    boost::asio::steady_timer timer_;
    std::int64_t keep_;
    std::chrono::milliseconds tick_;
    std::int64_t floor_ = 0;  // the first row whose followers are all known
    std::int64_t newest_ = 0;
    std::uint64_t kept_ever_ = 0;
    // By slot and ""; what is of no slot by "" and its kind.
    std::map<std::pair<std::string, std::string>, Kept> newest_of_;
    std::vector<Waiting> waiting_;  // for the end of the tick
    bool ticking_ = false;
    std::list<std::weak_ptr<LiveSink>> sinks_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace lineside::engine
