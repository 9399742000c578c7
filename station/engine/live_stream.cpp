// SPDX-License-Identifier: Apache-2.0
#include "station/engine/live_stream.h"

namespace lineside::engine {

void LiveStream::publish(std::optional<std::int64_t> id, std::string kind, const base::Json& data) {
    LiveEvent event{id, std::move(kind),
                    std::make_shared<const std::string>(base::dump_json(data))};
    if (id) {
        newest_ = std::max(newest_, *id);
    }
    if (id || event.kind == "tile") {
        ring_.push_back({event, id.value_or(newest_)});
        if (ring_.size() > keep_) {
            const Kept& oldest = ring_.front();
            floor_ = std::max(floor_, oldest.event.id ? oldest.row : oldest.row + 1);
            ring_.pop_front();
        }
    }
    for (auto it = sinks_.begin(); it != sinks_.end();) {
        if (const auto sink = it->lock()) {
            (*sink)(event);
            ++it;
        } else {
            it = sinks_.erase(it);
        }
    }
}

std::shared_ptr<void> LiveStream::subscribe(std::optional<std::int64_t> last_id, Sink sink,
                                            const std::function<base::Json()>& snapshot) {
    auto kept = std::make_shared<Sink>(std::move(sink));
    if (last_id && *last_id >= floor_ && *last_id <= newest_) {
        for (const Kept& each : ring_) {
            // Whether a page saw what came after its row without one is not known: it is told
            // again.
            if (each.row > *last_id || (each.row == *last_id && !each.event.id)) {
                (*kept)(each.event);
            }
        }
    } else {
        (*kept)(LiveEvent{newest_, "reset",
                          std::make_shared<const std::string>(base::dump_json(snapshot()))});
    }
    sinks_.push_back(kept);
    return kept;
}

}  // namespace lineside::engine
