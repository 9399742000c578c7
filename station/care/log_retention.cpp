// SPDX-License-Identifier: Apache-2.0
#include "station/care/log_retention.h"

#include "station/base/crash_point.h"
#include "station/base/text.h"

#include <algorithm>
#include <optional>
#include <vector>

namespace lineside::care {
namespace {

namespace fs = std::filesystem;
using base::Result;
using base::Status;

constexpr std::int64_t kDayMs = 86'400'000;
constexpr std::size_t kAtOnce = 64;  // jobs in one commit

struct JobLog {
    std::int64_t job = 0;
    std::uint64_t bytes = 0;
    std::int64_t ended_ms = 0;
};

std::uint64_t size_of_folder(const fs::path& folder) {
    std::uint64_t bytes = 0;
    std::error_code error;
    for (auto it = fs::recursive_directory_iterator(folder, error);
         !error && it != fs::recursive_directory_iterator(); it.increment(error)) {
        std::error_code ignored;
        const auto size = it->is_regular_file(ignored) ? it->file_size(ignored) : 0;
        bytes += ignored ? 0 : size;
    }
    return bytes;
}

// Folders of jobs, lowest number first; their sizes only where a size matters.
std::vector<JobLog> logs_in(const fs::path& folder, bool with_sizes) {
    std::vector<JobLog> found;
    std::error_code error;
    for (auto it = fs::directory_iterator(folder, error); !error && it != fs::directory_iterator();
         it.increment(error)) {
        const auto job = base::to_int(it->path().filename().string());
        if (job && *job > 0) {
            found.push_back({*job, with_sizes ? size_of_folder(it->path()) : 0, 0});
        }
    }
    std::sort(found.begin(), found.end(),
              [](const JobLog& a, const JobLog& b) { return a.job < b.job; });
    return found;
}

// Takes those away that have not ended, or are of no job on record.
Status keep_ended(db::Store& store, std::vector<JobLog>& logs) {
    return store.read_now([&](db::Tx& tx) -> Status {
        for (JobLog& log : logs) {
            auto row = tx.one<std::optional<std::int64_t>>("SELECT ended_ms FROM job WHERE id = ?1",
                                                           log.job);
            if (!row) {
                return tl::unexpected<base::Error>(row.error());
            }
            log.ended_ms = *row ? std::get<0>(**row).value_or(0) : 0;
        }
        std::erase_if(logs, [](const JobLog& log) { return log.ended_ms == 0; });
        return {};
    });
}

std::vector<std::int64_t> those_to_go(const std::vector<JobLog>& logs, std::uint64_t all_bytes,
                                      const LogPolicy& policy, std::int64_t now_ms) {
    std::vector<std::int64_t> go;
    for (const JobLog& log : logs) {
        const bool old = log.ended_ms < now_ms - policy.keep_days * kDayMs;
        const bool too_much = policy.max_bytes > 0 && all_bytes > policy.max_bytes;
        if (old || too_much) {
            go.push_back(log.job);
            all_bytes -= std::min(all_bytes, log.bytes);
        }
    }
    return go;
}

Status tell(db::Tx& tx, const journal::Stamp& stamp, const std::vector<std::int64_t>& jobs) {
    for (const std::int64_t job : jobs) {
        auto told_before = tx.one<std::int64_t>(
            "SELECT 1 FROM event WHERE job_id = ?1 AND kind = 'job.log_retired'", job);
        if (!told_before) {
            return tl::unexpected<base::Error>(told_before.error());
        }
        if (*told_before) {  // killed before the folder went
            continue;
        }
        auto seq = journal::append(
            tx, stamp, {"job.log_retired", "", {}, base::JobId(job), "", base::Json::object()});
        if (!seq) {
            return tl::unexpected<base::Error>(seq.error());
        }
    }
    return {};
}

}  // namespace

Result<std::int64_t> retire_logs(db::Store& store, const DataFolder& data, const LogPolicy& policy,
                                 const std::function<journal::Stamp()>& stamp,
                                 const std::function<bool()>& go_on) {
    auto logs = logs_in(data.logs(), policy.max_bytes > 0);
    std::uint64_t bytes = 0;
    for (const JobLog& log : logs) {
        bytes += log.bytes;
    }
    if (auto known = keep_ended(store, logs); !known) {
        return tl::unexpected<base::Error>(known.error());
    }
    const auto go = those_to_go(logs, bytes, policy, stamp().at_ms);
    std::int64_t gone = 0;
    for (std::size_t from = 0; from < go.size() && (!go_on || go_on()); from += kAtOnce) {
        const std::vector<std::int64_t> some(
            go.begin() + static_cast<std::ptrdiff_t>(from),
            go.begin() + static_cast<std::ptrdiff_t>(std::min(go.size(), from + kAtOnce)));
        auto told = store.write_now([&](db::Tx& tx) { return tell(tx, stamp(), some); });
        if (!told) {
            return tl::unexpected<base::Error>(told.error());
        }
        base::crash_point("logs_told");
        for (const std::int64_t job : some) {
            std::error_code ignored;
            fs::remove_all(data.logs() / std::to_string(job), ignored);
            ++gone;
        }
    }
    return gone;
}

}  // namespace lineside::care
