// SPDX-License-Identifier: Apache-2.0
#include "station/care/data_folder.h"

#include "station/base/files.h"
#include "station/base/json.h"
#include "station/base/text.h"
#include "station/base/unique_fd.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace lineside::care {

using base::Result;
using base::Status;

bool is_there(const std::filesystem::path& file) {
    std::error_code ignored;
    return std::filesystem::exists(std::filesystem::symlink_status(file, ignored));
}

std::int64_t newest_log(const DataFolder& data) {
    std::int64_t newest = 0;
    std::error_code error;
    for (auto it = std::filesystem::directory_iterator(data.logs(), error);
         !error && it != std::filesystem::directory_iterator(); it.increment(error)) {
        newest = std::max(newest, base::to_int(it->path().filename().string()).value_or(0));
    }
    return newest;
}

Status sync_folder(const std::filesystem::path& folder) {
    const base::UniqueFd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd || ::fsync(fd.get()) != 0) {
        return base::fail_errno("db.failed", fmt::format("cannot sync {}", folder.string()), errno);
    }
    return {};
}

Status remove_durably(const std::filesystem::path& file) {
    if (::unlink(file.c_str()) != 0 && errno != ENOENT) {
        return base::fail_errno("station.bug", fmt::format("cannot remove {}", file.string()),
                                errno);
    }
    return sync_folder(file.parent_path());
}

Status mark_initialised(const DataFolder& data, std::int64_t at_ms) {
    return is_there(data.initialised())
               ? Status()
               : base::replace_file(data.initialised(),
                                    base::dump_json({{"made_ms", at_ms}}) + "\n", 0600);
}

Result<RunningMark> RunningMark::set(const DataFolder& data, std::int64_t at_ms) {
    if (auto written =
            base::replace_file(data.running(), base::dump_json({{"since_ms", at_ms}}) + "\n", 0600);
        !written) {
        return tl::unexpected<base::Error>(written.error());
    }
    return RunningMark(data.running());
}

Status RunningMark::leave() {
    return remove_durably(file_);
}

}  // namespace lineside::care
