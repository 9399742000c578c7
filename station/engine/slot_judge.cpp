// SPDX-License-Identifier: Apache-2.0
#include "station/engine/slot_judge.h"

#include "station/base/codes.h"
#include "station/records/slot_health.h"

#include <fmt/format.h>

namespace lineside::engine {

base::Result<std::optional<journal::Closing>> judge_slot(db::Tx& tx, const journal::Stamp& stamp,
                                                         base::JobId job, const std::string& slot) {
    using Judged = std::optional<journal::Closing>;
    auto before = journal::closing_of(tx, slot);
    auto attempts = records::attempts_before(tx, job.value, stamp.at_ms);
    if (!before || !attempts) {
        return tl::unexpected<base::Error>(!before ? before.error() : attempts.error());
    }
    const auto trouble = core::slot_trouble(slot, records::pointers(*attempts));
    if (*before || !trouble) {
        return Judged();
    }
    const std::string_view shown = base::code_entry(trouble->code).display;
    auto closed = journal::close_slot(
        tx, stamp, slot, job, journal::kByRule,
        fmt::format("{}, {} of {} here", shown, trouble->cases, trouble->attempts),
        {{"code", trouble->code},
         {"in_a_row", trouble->in_a_row},
         {"units", trouble->units},
         {"cases", trouble->cases},
         {"attempts", trouble->attempts},
         {"other_cases", trouble->other_cases},
         {"other_attempts", trouble->other_attempts},
         {"other_passed", trouble->other_passed},
         {"passed_elsewhere", trouble->passed_elsewhere}});
    return closed ? base::Result<Judged>(std::move(*closed))
                  : tl::unexpected<base::Error>(closed.error());
}

}  // namespace lineside::engine
