// SPDX-License-Identifier: Apache-2.0
// The journal as JSON lines: one row of table event a line, canonical JSON, hashes in hex, mono_ns
// as text; the last line is an anchor of the last row. For `lineside audit export`, slice by slice,
// so that nothing holds the database and memory stays flat.
// Errors: db.failed, signing.broken.   Thread: as each function says.
#pragma once

#include "station/audit/chain_check.h"
#include "station/audit/signer.h"
#include "station/db/query.h"

#include <limits>
#include <memory>
#include <optional>
#include <string>

namespace lineside::audit {

// A row of the table, as it is: `columns` of kChainColumns.   Thread: a db thread.
inline constexpr std::string_view kChainColumns =
    "seq, at_ms, mono_ns, boot, epoch, kind, slot, unit_id, job_id, actor, data, prev, hash";
[[nodiscard]] ChainRow chain_row(const db::Tx::Row& row);

// One line, no newline.   Thread: any.
[[nodiscard]] std::string to_line(const ChainRow& row);
// Nothing when the line is no row.   Thread: any.
[[nodiscard]] std::optional<ChainRow> from_line(std::string_view line);

class JournalExport {
  public:
    explicit JournalExport(std::shared_ptr<const Signer> signer) : signer_(std::move(signer)) {}
    // The next piece; empty: that was all. The rows are those of the first slice's moment.
    // Thread: one slice at a time, on a db thread.
    [[nodiscard]] base::Result<std::string> next(db::Tx& tx, std::int64_t now_ms);

  private:
    std::shared_ptr<const Signer> signer_;
    std::string anchor_;  // made at the first slice
    std::int64_t done_ = std::numeric_limits<std::int64_t>::min();
    std::int64_t last_ = 0;
    bool ended_ = false;
};

}  // namespace lineside::audit
