// SPDX-License-Identifier: Apache-2.0
#include "station/records/job_log.h"

#include "station/base/clock.h"
#include "station/base/unique_fd.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace lineside::records {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPiece = 64 * 1024;

// "02-set-nvme.1.log": step and attempt; the number in front only sorts the folder.
bool is_log_of(std::string_view file, const LogSegment& step) {
    const auto dash = file.find('-');
    if (dash == std::string_view::npos || dash == 0 || !file.ends_with(".log") ||
        !std::all_of(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(dash),
                     [](char c) { return c >= '0' && c <= '9'; })) {
        return false;
    }
    const auto name = file.substr(dash + 1, file.size() - dash - 5);
    return name == fmt::format("{}.{}", step.name, step.attempt) ||
           (step.attempt == 1 && name == step.name);
}

void find_files(JoinedLog& log, const fs::path& folder) {
    std::vector<fs::path> files;
    std::error_code ec;
    for (auto it = fs::directory_iterator(folder, ec); !ec && it != fs::directory_iterator();
         it.increment(ec)) {
        files.push_back(it->path());
    }
    for (LogSegment& segment : log.segments) {
        const auto found = std::find_if(files.begin(), files.end(), [&](const fs::path& file) {
            return is_log_of(file.filename().native(), segment);
        });
        if (found != files.end()) {
            struct stat now {};
            if (::lstat(found->c_str(), &now) == 0 && S_ISREG(now.st_mode)) {
                segment.file = *found;
                segment.size = static_cast<std::uint64_t>(now.st_size);
            }
            files.erase(found);
        }
        segment.from = log.size;
        log.size += segment.size;
    }
}

base::Result<std::string> read_part(const fs::path& file, std::uint64_t at, std::size_t count) {
    const base::UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!fd) {
        return base::fail_errno("request.unknown",
                                fmt::format("cannot open log {}", file.filename().native()), errno);
    }
    std::string bytes(count, '\0');
    std::size_t have = 0;
    while (have < count) {
        const auto n =
            ::pread(fd.get(), bytes.data() + have, count - have, static_cast<off_t>(at + have));
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            break;
        }
        have += static_cast<std::size_t>(n);
    }
    bytes.resize(have);
    return bytes;
}

std::string heading(const LogSegment& segment) {
    return fmt::format("==> {} <==\n", segment.file.filename().native());
}

}  // namespace

base::Result<JoinedLog> joined_log(db::Tx& tx, std::int64_t job, const fs::path& folder) {
    auto row = tx.one<std::int64_t, std::int64_t, bool, std::optional<std::string>>(
        "SELECT j.unit_id, j.attempt, j.outcome IS NOT NULL,"
        " (SELECT value FROM unit_serial WHERE unit_id = j.unit_id) FROM job j WHERE j.id = ?1",
        job);
    if (!row) {
        return tl::unexpected(row.error());
    }
    if (!*row) {
        return base::fail("request.unknown", fmt::format("There is no job {}", job));
    }
    const auto& [unit, attempt, ended, serial] = **row;
    JoinedLog log;
    log.ended = ended;
    log.file_name =
        fmt::format("{}-attempt{}.log", serial ? *serial : fmt::format("unit{}", unit), attempt);
    auto steps = tx.all<std::int64_t, std::int64_t, std::string>(
        "SELECT idx, attempt, name FROM step WHERE job_id = ?1 ORDER BY id", job);
    if (!steps) {
        return tl::unexpected(steps.error());
    }
    for (auto& [index, step_attempt, name] : *steps) {
        LogSegment segment;
        segment.index = index;
        segment.attempt = step_attempt;
        segment.name = std::move(name);
        log.segments.push_back(std::move(segment));
    }
    find_files(log, folder);
    if (log.size == 0) {
        auto gone = tx.one<std::int64_t>(
            "SELECT at_ms FROM event WHERE job_id = ?1 AND kind = 'job.log_retired'", job);
        if (!gone) {
            return tl::unexpected(gone.error());
        }
        if (*gone) {
            log.note = fmt::format(
                "The log of this job was removed on {} by the station's policy; its record "
                "stays.\n",
                base::iso_utc(std::get<0>(**gone)).substr(0, 10));
            log.size = log.note.size();
        }
    }
    return log;
}

base::Result<std::string> read_log(const JoinedLog& log, std::uint64_t from, std::uint64_t max) {
    if (!log.note.empty()) {
        return from < log.note.size() ? log.note.substr(from, max) : std::string();
    }
    std::string out;
    for (const LogSegment& segment : log.segments) {
        const std::uint64_t end = segment.from + segment.size;
        if (segment.size == 0 || from >= end || out.size() >= max) {
            continue;
        }
        const std::uint64_t at = from - segment.from;
        const auto count = std::min<std::uint64_t>(segment.size - at, max - out.size());
        auto bytes = read_part(segment.file, at, static_cast<std::size_t>(count));
        if (!bytes) {
            return bytes;
        }
        out += *bytes;
        from += bytes->size();
        if (bytes->size() < count) {
            break;  // became shorter: never join what does not follow
        }
    }
    return out;
}

LogReader::LogReader(JoinedLog log) : log_(std::move(log)) {
    std::erase_if(log_.segments, [](const LogSegment& s) { return s.size == 0; });
    for (const LogSegment& segment : log_.segments) {
        length_ += heading(segment).size() + segment.size;
    }
    length_ += log_.note.size();
}

base::Result<std::string> LogReader::next() {
    if (segment_ == log_.segments.size()) {
        return std::exchange(log_.note, {});
    }
    const LogSegment& segment = log_.segments[segment_];
    std::string piece = at_ == 0 ? heading(segment) : std::string();
    const auto count =
        static_cast<std::size_t>(std::min<std::uint64_t>(kPiece, segment.size - at_));
    auto bytes = read_part(segment.file, at_, count);
    if (!bytes || bytes->size() != count) {
        return base::fail("request.unknown", "The log became shorter while it was read");
    }
    at_ += count;
    if (at_ == segment.size) {
        ++segment_;
        at_ = 0;
    }
    return piece + *bytes;
}

}  // namespace lineside::records
