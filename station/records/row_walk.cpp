// SPDX-License-Identifier: Apache-2.0
#include "station/records/row_walk.h"

#include <fmt/format.h>

namespace lineside::records {
namespace {

constexpr std::int64_t kSliceRows = 500;

}  // namespace

base::Status RowSet::fix(db::Tx& tx) {
    if (fixed_) {
        return {};
    }
    auto newest = tx.one<std::int64_t>("SELECT coalesce(max(id), 0) FROM job");
    auto open = tx.all<std::int64_t>("SELECT id FROM job WHERE outcome IS NULL");
    if (!newest || !open) {
        return tl::unexpected<base::Error>(!newest ? newest.error() : open.error());
    }
    last_ = std::get<0>(**newest);
    for (const auto& [job] : *open) {
        open_.push_back(job);
    }
    fixed_ = true;
    return {};
}

Where RowSet::within(const Where& where, std::int64_t after) const {
    std::string condition = "job > ? AND job <= ?";
    std::vector<db::Value> values{after, last_};
    for (const std::int64_t job : open_) {
        if (job > after) {
            condition += " AND job <> ?";
            values.emplace_back(job);
        }
    }
    return narrowed(where, condition, values);
}

base::Result<bool> RowWalk::slice(db::Tx& tx, std::string_view columns,
                                  const std::function<void(const db::Tx::Row&)>& visit) {
    if (auto fixed = rows_->fix(tx); !fixed) {
        return tl::unexpected<base::Error>(fixed.error());
    }
    const Where next = rows_->within(where_, done_);
    std::int64_t count = 0;
    auto read = tx.each(fmt::format("SELECT {} FROM record_v1{} ORDER BY job LIMIT {}", columns,
                                    next.sql, kSliceRows),
                        next.args, [&](const db::Tx::Row& row) {
                            done_ = row.integer(0);
                            ++count;
                            visit(row);
                            return true;
                        });
    if (!read) {
        return tl::unexpected<base::Error>(read.error());
    }
    return count == kSliceRows;
}

}  // namespace lineside::records
