// SPDX-License-Identifier: Apache-2.0
#include "station/engine/pace_book.h"

#include "station/base/log.h"

namespace lineside::engine {

base::Status PaceBook::load(db::Tx& tx) {
    auto read = tx.each("SELECT profile, step, pace FROM step_pace", {}, [this](const auto& row) {
        if (const auto pace = core::Pace::from_text(row.text(2))) {
            paces_[{row.text(0), row.text(1)}] = *pace;
        }
        return true;
    });
    return read ? base::Status() : tl::unexpected<base::Error>(read.error());
}

const core::Pace& PaceBook::of(const std::string& profile, const std::string& step) const {
    static const core::Pace kNone;
    const auto found = paces_.find({profile, step});
    return found == paces_.end() ? kNone : found->second;
}

void PaceBook::learn(const std::string& profile, const std::string& step,
                     const core::PaceRun& run) {
    core::Pace& pace = paces_[{profile, step}];
    pace.learn(run);
    if (!pace.known()) {
        return;
    }
    store_.write<bool>(
        [profile, step, text = pace.to_text()](db::Tx& tx) -> base::Result<bool> {
            auto done = tx.run(
                "INSERT INTO step_pace (profile, step, pace) VALUES (?1, ?2, ?3) "
                "ON CONFLICT (profile, step) DO UPDATE SET pace = excluded.pace",
                profile, step, text);
            return done ? base::Result<bool>(true) : tl::unexpected<base::Error>(done.error());
        },
        [](const base::Result<bool>& written) {
            if (!written) {
                base::log_warning("the pace of a step is not kept: {}", written.error().message);
            }
        });
}

}  // namespace lineside::engine
