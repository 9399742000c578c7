// SPDX-License-Identifier: Apache-2.0
// One page's live stream (server-sent events). A tick's frames are made once for all pages; each
// page holds a bounded queue. A page that reads too slowly loses its queue and its subscription,
// and is given a fresh snapshot ("reset") as soon as it has taken what was on the way: it harms
// nobody and memory stays flat. Thread: the io_context's.
#pragma once

#include "web/server/http.h"
#include "web/server/server.h"

#include <deque>
#include <memory>

namespace lineside::web {

// A tick's events as "id: 9\nevent: tile\ndata: {…}\n\n" one after the other, remembered for the
// next page that gets the same tick.
class FrameMaker {
  public:
    [[nodiscard]] std::shared_ptr<const std::string> frames(const engine::LiveTickPtr& tick);

  private:
    engine::LiveTickPtr last_;  // held, so that its address is not given to another one
    std::shared_ptr<const std::string> frames_;
};

struct StreamLimits {
    std::size_t messages = 64;  // ticks, or whatever came one by one
    std::size_t bytes = 1024 * 1024;
};

class EventStream final : public PushBody, public std::enable_shared_from_this<EventStream> {
  public:
    EventStream(engine::Facade& facade, std::shared_ptr<FrameMaker> frames,
                std::shared_ptr<Counters> counters, StreamLimits limits = {});
    // `last_id`: the newest event the page has, if any.
    void open(std::optional<std::int64_t> last_id);

    std::vector<std::shared_ptr<const std::string>> take() override;
    void attach(std::function<void()> wake) override;

  private:
    void subscribe(std::optional<std::int64_t> last_id);
    void push(const engine::LiveTickPtr& tick);

    engine::Facade& facade_;
    std::shared_ptr<FrameMaker> frames_;
    std::shared_ptr<Counters> counters_;
    StreamLimits limits_;

    std::function<void()> wake_;
    std::deque<std::shared_ptr<const std::string>> queue_;
    std::size_t queued_bytes_ = 0;
    bool lagging_ = false;
    bool beginning_ = false;  // within subscribe()
    bool reset_ = false;      // the present subscription began with a snapshot
    std::uint64_t turn_ =
        0;  // of the subscription, so that a dropped one's late event is not heard
    std::shared_ptr<void> subscription_;
};

}  // namespace lineside::web
