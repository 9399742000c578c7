// SPDX-License-Identifier: Apache-2.0
#include "web/server/event_stream.h"

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

EventStream::EventStream(engine::Facade& facade, std::shared_ptr<FrameMaker> frames, std::shared_ptr<Counters> counters,
                         StreamLimits limits)
    : facade_(facade), frames_(std::move(frames)), counters_(std::move(counters)), limits_(limits) {}

void EventStream::open(std::optional<std::int64_t> last_id) {
    queue_.push_back(std::make_shared<const std::string>("retry: 1000\n\n"));
    subscribe(last_id);
}

void EventStream::subscribe(std::optional<std::int64_t> last_id) {
    subscription_ = facade_.subscribe(last_id, [weak = weak_from_this(), turn = ++turn_](const engine::LiveEvent& event) {
        if (auto self = weak.lock(); self && self->turn_ == turn) {
            self->push(event);
        }
    });
}

void EventStream::push(const engine::LiveEvent& event) {
    if (lagging_) {
        return;
    }
    auto frame = frames_->frame(event);
    queued_bytes_ += frame->size();
    queue_.push_back(std::move(frame));
    // One message alone is never too much, or a large snapshot could not be sent at all.
    if (queue_.size() > limits_.messages || (queue_.size() > 2 && queued_bytes_ > limits_.bytes)) {
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
