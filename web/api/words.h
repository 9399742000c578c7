// SPDX-License-Identifier: Apache-2.0
// Sentences of the unit page and the record table: steps, verdicts, history lines. The wall's words
// are in station/core/wall.h, the failure sentences in station/base/codes.h; nothing here repeats
// them. Thread: any (pure).
#pragma once

#include "station/base/json.h"

#include <optional>
#include <string>
#include <string_view>

namespace lineside::api {

// "set-serial" -> "Writing serial"; a step this table does not know gets its own name in plain
// form.
[[nodiscard]] std::string step_word(std::string_view name);
[[nodiscard]] std::string_view step_kind(std::string_view name);  // work, restart, wait

// "xavier-nx 32.7.2": what people call an image.
[[nodiscard]] std::string image_name(std::string_view profile,
                                     const std::optional<std::string>& version);

// The members code, display_code, sentence, action and retry of a job or attempt; null where it
// passed or still runs.
void add_verdict_words(base::Json& to, const std::optional<std::string>& outcome,
                       const std::optional<std::string>& code,
                       const std::optional<std::string>& message);

// One line of a unit's history, or "" for an event that people need not see there.
[[nodiscard]] std::string history_sentence(std::string_view kind, const base::Json& data,
                                           std::string_view slot);
// Who did it: null for the station itself, "screen" for a page.
[[nodiscard]] base::Json actor_word(const std::optional<std::string>& actor);

template <typename T>
[[nodiscard]] base::Json or_null(const std::optional<T>& value) {
    return value ? base::Json(*value) : base::Json(nullptr);
}

}  // namespace lineside::api
