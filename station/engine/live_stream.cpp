// SPDX-License-Identifier: Apache-2.0
#include "station/engine/live_stream.h"

#include <boost/asio/post.hpp>

#include <algorithm>

namespace lineside::engine {
namespace {

std::string slot_of(const base::Json& data) {
    const auto tile = data.find("tile");
    return (tile != data.end() ? *tile : data).value("slot", "");
}

LiveTickPtr tick_of(std::vector<LiveEvent> events) {
    return std::make_shared<const LiveTick>(LiveTick{std::move(events)});
}

// Whether a page that is told of `later` need not hear of `earlier`.
bool covers(const std::string& later, const std::string& earlier) {
    return later == earlier || (later == "tile" && earlier == "progress");
}

}  // namespace

LiveStream::~LiveStream() {
    *alive_ = false;
}

void LiveStream::publish(std::optional<std::int64_t> id, std::string kind, const base::Json& data) {
    LiveEvent event{id, std::move(kind),
                    std::make_shared<const std::string>(base::dump_json(data))};
    if (id) {
        newest_ = std::max(newest_, *id);
    }
    std::string slot = slot_of(data);
    if (id || event.kind == "tile") {
        newest_of_.insert_or_assign({slot, slot.empty() ? event.kind : ""},
                                    Kept{event, id.value_or(newest_), ++kept_ever_});
    }
    wait(std::move(event), std::move(slot));
}

void LiveStream::wait(LiveEvent event, std::string slot) {
    // Of one kind and slot the newest alone; of what is of no slot (top bar, beat) likewise.
    std::erase_if(waiting_, [&](const Waiting& each) {
        return each.slot == slot && covers(event.kind, each.event.kind);
    });
    waiting_.push_back({std::move(event), std::move(slot)});
    if (!ticking_) {
        ticking_ = true;
        boost::asio::post(timer_.get_executor(), [this, alive = alive_] {
            if (*alive) {
                next_tick();
            }
        });
    }
}

void LiveStream::next_tick() {
    if (waiting_.empty()) {
        ticking_ = false;
        return;
    }
    tell();
    timer_.expires_after(sinks_.size() < kManyPages ? tick_ / 2 : tick_);
    timer_.async_wait([this, alive = alive_](boost::system::error_code error) {
        if (!error && *alive) {
            next_tick();
        }
    });
}

void LiveStream::tell() {
    std::vector<LiveEvent> events;
    events.reserve(waiting_.size());
    for (Waiting& each : waiting_) {
        events.push_back(std::move(each.event));
    }
    waiting_.clear();
    const LiveTickPtr tick = tick_of(std::move(events));
    for (auto it = sinks_.begin(); it != sinks_.end();) {
        if (const auto sink = it->lock()) {
            (*sink)(tick);
            ++it;
        } else {
            it = sinks_.erase(it);
        }
    }
}

std::vector<LiveEvent> LiveStream::missed_since(std::int64_t last_id) const {
    std::vector<const Kept*> missed;
    for (const auto& [_, kept] : newest_of_) {
        // Whether a page saw what came after its row without one is not known: it is told again.
        const bool has_it = kept.row == last_id && kept.event.id;
        if (kept.row >= last_id && !has_it) {
            missed.push_back(&kept);
        }
    }
    std::sort(missed.begin(), missed.end(),
              [](const Kept* a, const Kept* b) { return a->place < b->place; });
    std::vector<LiveEvent> events;
    events.reserve(missed.size());
    for (const Kept* kept : missed) {
        events.push_back(kept->event);
    }
    return events;
}

std::shared_ptr<void> LiveStream::subscribe(std::optional<std::int64_t> last_id, LiveSink sink,
                                            const std::function<base::Json()>& snapshot) {
    auto kept = std::make_shared<LiveSink>(std::move(sink));
    std::vector<LiveEvent> first;
    if (last_id && *last_id >= std::max(floor_, newest_ - keep_) && *last_id <= newest_) {
        first = missed_since(*last_id);
    } else {
        first.push_back(
            {newest_, "reset", std::make_shared<const std::string>(base::dump_json(snapshot()))});
    }
    if (!first.empty()) {
        (*kept)(tick_of(std::move(first)));
    }
    sinks_.push_back(kept);
    return kept;
}

}  // namespace lineside::engine
