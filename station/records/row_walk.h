// SPDX-License-Identifier: Apache-2.0
// Walks the rows of record_v1 that an export wants, a slice at a time. Private to station/records.
// Thread: as record_export.h.
#pragma once

#include "station/records/record_export.h"

#include <vector>

namespace lineside::records {

// The ended jobs of one moment. Those that were open then are few, one a slot, and stay out also
// when they end while the export is made: its parts speak of the same rows.
class RowSet {
  public:
    // Looked at once, in the first slice.
    [[nodiscard]] base::Status fix(db::Tx& tx);
    [[nodiscard]] Where within(const Where& where, std::int64_t after) const;

  private:
    bool fixed_ = false;
    std::int64_t last_ = 0;
    std::vector<std::int64_t> open_;
};

class RowWalk {
  public:
    RowWalk(const RecordFilter& filter, std::shared_ptr<RowSet> rows)
        : where_(where(filter)), rows_(std::move(rows)) {}

    // Calls `visit` for each row of the next slice; false at the end. The first of `columns` is the
    // job.
    [[nodiscard]] base::Result<bool> slice(db::Tx& tx, std::string_view columns,
                                           const std::function<void(const db::Tx::Row&)>& visit);

  private:
    Where where_;
    std::shared_ptr<RowSet> rows_;
    std::int64_t done_ = 0;
};

// A table that shares its rows with others: the parts of a ZIP.
[[nodiscard]] std::unique_ptr<Export> make_csv(const RecordFilter& filter,
                                               std::shared_ptr<RowSet> rows);
[[nodiscard]] std::unique_ptr<Export> make_json(const RecordFilter& filter,
                                                std::shared_ptr<RowSet> rows);
[[nodiscard]] std::unique_ptr<Export> make_zip(const RecordFilter& filter, LogFolder logs,
                                               std::string anchor,
                                               const std::filesystem::path& spool);

}  // namespace lineside::records
