// SPDX-License-Identifier: Apache-2.0
#include "workers/media-writer/disk_life.h"

#include "station/base/files.h"
#include "station/base/text.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

namespace lineside::media_writer {
namespace {

constexpr std::size_t kMostStats = 1024 * 1024;

}  // namespace

std::string finished_of(std::string_view diskstats, unsigned major, unsigned minor) {
    for (const std::string_view line : base::split(diskstats, '\n')) {
        std::vector<std::string_view> words;
        for (const std::string_view word : base::split(line, ' ')) {
            if (!word.empty()) {
                words.push_back(word);
            }
        }
        // major minor name, then finished reads, …, finished writes as the fifth number of eleven
        if (words.size() >= 14 && words[0] == std::to_string(major) &&
            words[1] == std::to_string(minor)) {
            return fmt::format("{} {}", words[3], words[7]);
        }
    }
    return {};
}

DiskLife::DiskLife(const std::string& node) {
    struct stat status {};
    if (::stat(node.c_str(), &status) == 0) {
        major_ = major(status.st_rdev);
        minor_ = minor(status.st_rdev);
    }
}

bool DiskLife::moved() {
    const auto stats = base::read_file("/proc/diskstats", kMostStats);
    std::string now = stats ? finished_of(*stats, major_, minor_) : "";
    const bool same = !now.empty() && now == seen_;
    seen_ = std::move(now);
    return !same;
}

}  // namespace lineside::media_writer
