// SPDX-License-Identifier: Apache-2.0
// Does a fault follow the slot or the unit? The one judgement behind the numbers page, the slots
// page and the closing of slots, so that none of them says what another would not.
// Thread: any (pure).
#pragma once

#include "station/core/job.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lineside::core {

// One attempt that has ended, as far as these judgements look at it.
struct EndedAttempt {
    std::int64_t unit = 0;
    bool chip_known = false;  // else each plugging in made a unit of its own
    std::string slot;
    Outcome outcome = Outcome::pass;
    std::string code;  // "" of a PASS
};
using Attempts = std::vector<const EndedAttempt*>;

// Are `hits` of `tries` at one place more than chance, where all `places` together have `all_hits`
// of `all_tries`? At least three, and so many or more would come by chance less than once in a
// hundred such tables (binomial, Bonferroni over the places).
[[nodiscard]] bool beyond_chance(std::int64_t hits, std::int64_t tries, std::int64_t all_hits,
                                 std::int64_t all_tries, std::size_t places);

struct Follows {
    enum class What { neither, slot, unit };
    What what = What::neither;
    std::string slot;            // what = slot: the slot that has more of them than chance …
    std::int64_t cases = 0;      // … how many …
    std::int64_t units = 0;      // … with how many units; what = unit: units that took it along
    std::int64_t elsewhere = 0;  // what = slot: of those units, how many passed in another slot
    std::int64_t slots = 0;      // what = unit: in how many slots it was seen
};
// Of all cases of one code among `all`.
[[nodiscard]] Follows follows(const Attempts& cases, const Attempts& all);

// What can be the slot's doing (its cable, hub port, power, fixture): link and USB codes are one
// fault, every other code is its own. "" = says nothing about a slot: a person, the pool, the
// order, the image, the station as a whole.
[[nodiscard]] std::string_view slot_fault(std::string_view code);

struct SlotTrouble {
    std::string code;                   // of the newest case
    std::int64_t in_a_row = 0;          // cases since the last other result of the slot
    std::int64_t units = 0;             // different units among them
    std::int64_t cases = 0;             // at this slot, of all …
    std::int64_t attempts = 0;          // … that were judged here
    std::int64_t other_cases = 0;       // the same fault at all other slots, of …
    std::int64_t other_attempts = 0;    // … what was judged there …
    std::int64_t other_passed = 0;      // … and passed
    std::int64_t passed_elsewhere = 0;  // of its units
};
// Is the newest of `attempts` (newest first, all with one image) at `slot` the last of a run that
// is the slot's doing? Yes if all of these are so; the rule is explained in README.md:
//  - the last attempts at the slot all ended with one fault, with at least three units that are
//    told apart by their chip ids, or five that are not; a unit that had the fault in another slot,
//    too, is not counted, neither is what says nothing about a slot;
//  - in the other slots at least as many passed;
//  - such a run would come by chance less than once in a hundred such lists, taking the rate of
//    this fault at the other slots. So no slot is closed where all fail alike.
[[nodiscard]] std::optional<SlotTrouble> slot_trouble(std::string_view slot,
                                                      const Attempts& attempts);

}  // namespace lineside::core
