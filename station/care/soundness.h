// SPDX-License-Identifier: Apache-2.0
// Is a data folder sound enough to start on? Looks and changes nothing.
// Thread: one that may wait.
#pragma once

#include "station/base/json.h"
#include "station/care/data_folder.h"

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>

namespace lineside::care {

enum class Verdict { sound = 0, damaged = 4, newer = 5, key_missing = 6 };  // = exit status

struct Soundness {
    Verdict verdict = Verdict::sound;
    std::string what;    // what is so; "" when sound
    std::string remedy;  // what to do
    bool fresh = false;  // sound, and nothing is there yet
};

// Where the keys lie; without, they are not looked at.
struct KeyFiles {
    std::filesystem::path seal;
    std::filesystem::path signing;
};

// `check_ms`: time for the walk over all pages, 0 = as long as it takes (references between rows
// are checked then, too).
[[nodiscard]] Soundness look_at(const DataFolder& data, const std::optional<KeyFiles>& keys,
                                std::int64_t check_ms);

// `lineside-stationd --check-only`: one line of JSON to `out`, the verdict as exit status.
[[nodiscard]] int run_check_only(const DataFolder& data, const std::optional<KeyFiles>& keys,
                                 std::ostream& out);

}  // namespace lineside::care
