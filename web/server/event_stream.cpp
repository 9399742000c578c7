// SPDX-License-Identifier: Apache-2.0
#include "web/server/event_stream.h"

#include "station/base/clock.h"

#include <fmt/format.h>

namespace lineside::web {

std::shared_ptr<const std::string> FrameMaker::frame(const engine::LiveEvent& event) {
    if (frame_ && event.text == last_.text && event.id == last_.id && event.kind == last_.kind) {
        return frame_;
    }
    std::string text;
    text.reserve((event.text ? event.text->size() : 0) + 64);
    if (event.id) {
        text += fmt::format("id: {}\n", *event.id);
    }
    text += fmt::format("event: {}\ndata: ", event.kind);
    text += event.text ? *event.text : "{}";
    text += "\n\n";
    last_ = event;  // holds the text, so that its address is not given to another one
    frame_ = std::make_shared<const std::string>(std::move(text));
    return frame_;
}

namespace {

// The same event, marked as replayed: what a page was not there for says nothing about latency.
engine::LiveEvent replayed(const engine::LiveEvent& event) {
    constexpr std::string_view kLive = "\"replay\":false";  // cannot occur inside a JSON string
    const auto at = event.text ? event.text->find(kLive) : std::string::npos;
    if (at == std::string::npos) {
        return event;
    }
    std::string text = *event.text;
    text.replace(at, kLive.size(), "\"replay\":true");
    return {event.id, event.kind, std::make_shared<const std::string>(std::move(text))};
}

}  // namespace

EventStream::EventStream(engine::Facade& facade, std::shared_ptr<FrameMaker> frames,
                         std::shared_ptr<Counters> counters, StreamLimits limits)
    : facade_(facade),
      frames_(std::move(frames)),
      counters_(std::move(counters)),
      limits_(limits) {}

void EventStream::open(std::optional<std::int64_t> last_id) {
    queue_.push_back(std::make_shared<const std::string>("retry: 1000\n\n"));
    subscribe(last_id);
}

// What the facade gives within subscribe() is either a snapshot or what was missed. After what was
// missed comes the top bar, which is not kept for replay; after both a beat, so that the page is
// live at once.
void EventStream::subscribe(std::optional<std::int64_t> last_id) {
    replaying_ = true;
    reset_ = false;
    subscription_ = facade_.subscribe(
        last_id, [weak = weak_from_this(), turn = ++turn_](const engine::LiveEvent& event) {
            if (auto self = weak.lock(); self && self->turn_ == turn) {
                self->push(event);
            }
        });
    replaying_ = false;
    const base::SystemClock clock;
    const base::Json now{{"at", clock.wall_ms()}, {"mono_ns", clock.mono_ns()}};
    const auto add = [&](std::string_view kind, const base::Json& data) {
        push({std::nullopt, std::string(kind),
              std::make_shared<const std::string>(base::dump_json(data))});
    };
    if (!reset_) {
        base::Json station{{"station", facade_.wall().value("station", base::Json())},
                           {"seq", nullptr}};
        station.update(now);
        add("station", station);
    }
    add("beat", now);
}

void EventStream::push(const engine::LiveEvent& event) {
    if (lagging_) {
        return;
    }
    reset_ = reset_ || event.kind == "reset";
    auto frame = replaying_ && event.kind == "tile" ? frames_->frame(replayed(event))
                                                    : frames_->frame(event);
    if (event.kind != "reset") {  // a snapshot is never too much, or it could not be sent at all
        queued_bytes_ += frame->size();
    }
    queue_.push_back(std::move(frame));
    if (queue_.size() > limits_.messages || queued_bytes_ > limits_.bytes) {
        queue_.clear();
        queued_bytes_ = 0;
        lagging_ = true;
        ++counters_->event_resets;
    }
    if (wake_) {
        wake_();
    }
}

std::vector<std::shared_ptr<const std::string>> EventStream::take() {
    if (lagging_) {
        lagging_ = false;
        subscription_.reset();
        subscribe(std::nullopt);
    }
    std::vector<std::shared_ptr<const std::string>> out(queue_.begin(), queue_.end());
    queue_.clear();
    queued_bytes_ = 0;
    return out;
}

void EventStream::attach(std::function<void()> wake) {
    wake_ = std::move(wake);
    if (!wake_) {
        ++turn_;
        subscription_.reset();
        queue_.clear();
    }
}

}  // namespace lineside::web
