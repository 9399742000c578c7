// SPDX-License-Identifier: Apache-2.0
#include "journal.h"

#include "loop.h"

namespace line {

Journal::Journal(const std::filesystem::path& file) : out_(file, std::ios::trunc) {}

void Journal::note(int board, const std::string& event, const Json& fields) {
    const auto now = Clock::now().time_since_epoch();
    Json entry{
        {"seq", ++sequence_},
        {"t_ms", std::chrono::duration_cast<std::chrono::milliseconds>(now).count()},
        {"board", board},
        {"ev", event},
    };
    entry.update(fields);
    const auto text = entry.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
    out_ << text << std::flush;
    const auto listeners = listeners_;
    for (const auto& [id, listener] : listeners) {
        listener(text);
    }
}

int Journal::subscribe(Listener listener) {
    listeners_[next_] = std::move(listener);
    return next_++;
}

void Journal::unsubscribe(int id) {
    listeners_.erase(id);
}

}  // namespace line
