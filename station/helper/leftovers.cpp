// SPDX-License-Identifier: Apache-2.0
#include "station/helper/leftovers.h"

#include "station/base/files.h"
#include "station/base/text.h"
#include "station/helper/request.h"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>

namespace lineside::helper {
namespace {

using base::Json;

constexpr std::size_t kMaxProc = 4 * 1024 * 1024;
constexpr std::string_view kMark = "LINESIDE_JOB=";
constexpr std::string_view kHelper = "LINESIDE_HELPER=";

// The job a process was started for, from its environment; 0 = none of ours.
std::int64_t job_of(const std::string& environment, const std::string& mark) {
    std::int64_t job = 0;
    bool ours = false;
    for (std::string_view entry : base::split(environment, '\0')) {
        if (entry.starts_with(kMark)) {
            job = base::to_int(entry.substr(kMark.size())).value_or(0);
        } else if (entry.starts_with(kHelper)) {
            ours = entry.substr(kHelper.size()) == mark;
        }
    }
    return ours ? job : 0;
}

std::string name_of(const std::string& folder) {
    auto name = base::read_file(folder + "/comm", 4096);
    return name && !name->empty() ? name->substr(0, name->size() - 1) : "?";
}

bool has_lane(const std::string& mountinfo) {
    return mountinfo.find(fmt::format(" {} ", kLaneMount)) != std::string::npos;
}

}  // namespace

std::vector<std::string> cgroups_of_workers(const Config& config) {
    std::vector<std::string> out;
    std::error_code error;
    if (config.cgroup_root.empty()) {
        return out;
    }
    for (const auto& entry : std::filesystem::directory_iterator(config.cgroup_root, error)) {
        if (entry.path().filename().string().starts_with("worker-")) {
            out.push_back(entry.path());
        }
    }
    return out;
}

void find_leftovers(const Config& config, const std::set<std::int64_t>& alive,
                    const std::set<std::string>& cgroups, Json& found) {
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
        const std::string pid = entry.path().filename();
        if (!base::to_int(pid)) {
            continue;
        }
        const std::string folder = entry.path();
        const auto environment = base::read_file(folder + "/environ", kMaxProc);
        const std::int64_t job = environment ? job_of(*environment, config.mark) : 0;
        if (job != 0 && !alive.contains(job)) {
            found.push_back({{"kind", "process"},
                             {"job", job},
                             {"what", fmt::format("{} ({})", pid, name_of(folder))}});
        }
    }
    const auto mounts = base::read_file("/proc/self/mountinfo", kMaxProc);
    if (mounts && (has_lane(*mounts) || mounts->find(config.lanes + "/") != std::string::npos)) {
        found.push_back({{"kind", "mount"},
                         {"job", nullptr},
                         {"what", "a lane is mounted in the helper's own view"}});
    }
    for (const std::string& folder : cgroups_of_workers(config)) {
        if (!cgroups.contains(folder)) {
            found.push_back({{"kind", "cgroup"}, {"job", nullptr}, {"what", folder}});
        }
    }
}

}  // namespace lineside::helper
