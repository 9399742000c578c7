// SPDX-License-Identifier: Apache-2.0
#include "web/server/event_stream.h"

#include "station/base/clock.h"

#include <fmt/format.h>

namespace lineside::web {

namespace {

void append_frame(std::string& to, const engine::LiveEvent& event) {
    if (event.id) {
        to += fmt::format("id: {}\n", *event.id);
    }
    to += fmt::format("event: {}\ndata: ", event.kind);
    to += event.text ? *event.text : "{}";
    to += "\n\n";
}

std::shared_ptr<const std::string> frames_of(const engine::LiveTick& tick) {
    std::size_t size = 0;
    for (const engine::LiveEvent& event : tick.events) {
        size += (event.text ? event.text->size() : 2) + 64;
    }
    std::string text;
    text.reserve(size);
    for (const engine::LiveEvent& event : tick.events) {
        append_frame(text, event);
    }
    return std::make_shared<const std::string>(std::move(text));
}

engine::LiveTickPtr tick_of(std::vector<engine::LiveEvent> events) {
    return std::make_shared<const engine::LiveTick>(engine::LiveTick{std::move(events)});
}

}  // namespace

std::shared_ptr<const std::string> FrameMaker::frames(const engine::LiveTickPtr& tick) {
    if (!frames_ || tick != last_) {
        last_ = tick;
        frames_ = frames_of(*tick);
    }
    return frames_;
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
    beginning_ = true;
    reset_ = false;
    subscription_ = facade_.subscribe(
        last_id, [weak = weak_from_this(), turn = ++turn_](const engine::LiveTickPtr& tick) {
            if (auto self = weak.lock(); self && self->turn_ == turn) {
                self->push(tick);
            }
        });
    const base::SystemClock clock;
    const base::Json now{{"at", clock.wall_ms()}, {"mono_ns", clock.mono_ns()}};
    std::vector<engine::LiveEvent> last;
    const auto add = [&](std::string_view kind, const base::Json& data) {
        last.push_back({std::nullopt, std::string(kind),
                        std::make_shared<const std::string>(base::dump_json(data))});
    };
    if (!reset_) {
        base::Json station{{"station", facade_.wall().value("station", base::Json())},
                           {"seq", nullptr}};
        station.update(now);
        add("station", station);
    }
    add("beat", now);
    push(tick_of(std::move(last)));
    beginning_ = false;
}

void EventStream::push(const engine::LiveTickPtr& tick) {
    if (lagging_) {
        return;
    }
    if (beginning_) {  // for this page alone, and never too much, or it could not be sent at all
        std::vector<engine::LiveEvent> events;
        for (const engine::LiveEvent& event : tick->events) {
            reset_ = reset_ || event.kind == "reset";
            events.push_back(event.kind == "tile" ? replayed(event) : event);
        }
        queue_.push_back(frames_of({std::move(events)}));
    } else {
        queue_.push_back(frames_->frames(tick));
        queued_bytes_ += queue_.back()->size();
    }
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
