// SPDX-License-Identifier: Apache-2.0
// Labels in the database, each change that a person or the printer made with its journal row in the
// transaction of the caller. Errors: request.unknown, request.conflict, db.failed, lease.refused (a
// trigger of the schema refused). Thread: a db thread.
#pragma once

#include "station/journal/journal.h"
#include "station/labels/template.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace lineside::labels {

using base::Json;
using base::Result;
using base::Status;
using db::Tx;

struct LabelRow {
    std::int64_t id = 0;
    base::JobId job;
    std::int64_t copy = 1;
    std::string state;  // waiting, printed, failed
    std::int64_t tries = 0;
    std::string message;
    bool begun = false;    // its bytes began to leave; failed and begun: it may be printed
    bool checked = false;  // it, or an earlier copy of it, was scanned at its slot
    std::int64_t seq = 0;  // of the journal row just written, 0: none was
    [[nodiscard]] bool doubt() const { return state == "failed" && begun; }
};

// The newest copy of the job's label.
[[nodiscard]] Result<std::optional<LabelRow>> newest_label(Tx& tx, base::JobId job);
// The first copy, or what there is already. Errors: request.conflict (not a PASS).
[[nodiscard]] Result<LabelRow> ask_label(Tx& tx, const journal::Stamp& stamp, base::JobId job,
                                         const std::string& label, const std::string& actor);
// Another copy. Errors: request.conflict (not a PASS, or one waits), request.unknown (no such job).
[[nodiscard]] Result<LabelRow> ask_copy(Tx& tx, const journal::Stamp& stamp, base::JobId job,
                                        const std::string& label, const std::string& reason,
                                        const std::string& actor);
[[nodiscard]] Result<std::vector<LabelRow>> waiting_labels(Tx& tx);
// Before the first byte leaves, so that a next life of the service knows that it may be printed.
// False: it does not wait any more.
[[nodiscard]] Result<bool> begin_try(Tx& tx, std::int64_t at_ms, std::int64_t label);
// It is not printed and will be tried again.
[[nodiscard]] Status tried_in_vain(Tx& tx, std::int64_t label, const std::string& message);
[[nodiscard]] Result<LabelRow> label_printed(Tx& tx, const journal::Stamp& stamp,
                                             std::int64_t label, const std::string& actor);
[[nodiscard]] Result<LabelRow> label_failed(Tx& tx, const journal::Stamp& stamp, std::int64_t label,
                                            const std::string& message, bool doubt);
// A failed one waits anew. Errors: request.conflict (it may be printed: another copy needs a
// reason; or it did not fail).
[[nodiscard]] Result<LabelRow> label_again(Tx& tx, const journal::Stamp& stamp, std::int64_t label,
                                           const std::string& actor);
// It lies there. Errors: request.conflict (there is no doubt about it).
[[nodiscard]] Result<LabelRow> label_found(Tx& tx, const journal::Stamp& stamp, std::int64_t label,
                                           const std::string& actor);
// The right one was scanned; so it is printed, whatever the printer said.
[[nodiscard]] Result<LabelRow> label_checked(Tx& tx, const journal::Stamp& stamp, base::JobId job,
                                             const std::string& actor);
[[nodiscard]] Result<std::int64_t> label_wrong(Tx& tx, const journal::Stamp& stamp, base::JobId job,
                                               const std::string& actor);

// {"labels":[{"label","job","unit","serial","slot","copy","state","doubt","tries","message",
//  "asked_ms","asked_by","reason"}], "failed", "waiting"}: what is not printed, of each job its
// newest copy, oldest first, at most 500.
[[nodiscard]] Result<Json> open_labels(Tx& tx);
// Every copy of the unit's labels, newest first: the same members and printed_ms, checked_ms.
[[nodiscard]] Result<Json> labels_of_unit(Tx& tx, std::int64_t unit);

// What its label says of a job, and the profile it was made by. Errors: request.unknown,
// request.conflict (not a PASS).
struct Subject {
    Values values;
    std::string profile;  // its id
};
[[nodiscard]] Result<Subject> subject_of(Tx& tx, base::JobId job);

}  // namespace lineside::labels
