// SPDX-License-Identifier: Apache-2.0
#include "workers/jetson-usb/preflight.h"

#include "workers/jetson-usb/usb_unit.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <fnmatch.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>

namespace lineside::jetson_usb {
namespace {

// Less is no room: one signed bootloader file does not go into it.
constexpr std::uint64_t kRoomToWork = 4ULL << 20U;

}  // namespace

Status check_lane(const Params& params, const Plan& plan) {
    const std::filesystem::path lane(params.lane);
    std::error_code ignored;
    if (!std::filesystem::is_directory(lane, ignored)) {
        return base::fail("lane.failed", fmt::format("{} is not there", params.lane));
    }
    if (const auto full = place_without_room(params); !full.empty()) {
        return base::fail("disk.full", fmt::format("There is no room left in {}", full));
    }
    for (const std::string& tool : plan.executables) {
        if (::access((lane / tool).c_str(), X_OK) != 0) {
            return base::fail("tool.missing", fmt::format("The lane has no executable {}", tool));
        }
    }
    for (const std::string& image : plan.images) {
        const auto size = std::filesystem::file_size(lane / image, ignored);
        if (ignored || size == 0) {
            return base::fail("image.broken", fmt::format("The lane has no {}", image));
        }
    }
    return {};
}

Status clear_stale(const Params& params, const Plan& plan) {
    std::error_code error;
    std::vector<std::filesystem::path> found;
    if (!plan.stale.empty()) {
        for (const auto& entry : std::filesystem::directory_iterator(params.lane, error)) {
            const auto name = entry.path().filename().native();
            const bool stale =
                std::any_of(plan.stale.begin(), plan.stale.end(), [&](const std::string& pattern) {
                    return ::fnmatch(pattern.c_str(), name.c_str(), FNM_PERIOD) == 0;
                });
            if (stale) {
                found.push_back(entry.path());
            }
        }
    }
    for (const auto& path : found) {
        std::filesystem::remove(path, error);
        if (error) {
            return base::fail("lane.failed", fmt::format("{} cannot be removed", path.native()));
        }
    }
    return {};
}

Status check_unit(const Params& params) {
    const auto found = unit_at(params.bus_port);
    if (!found) {
        return base::fail("usb.no_device", fmt::format("No unit is on port {}", params.bus_port));
    }
    const UsbUnit& unit = *found;
    if (std::find(params.usb_ids.begin(), params.usb_ids.end(), unit.id) == params.usb_ids.end()) {
        if (std::find(params.boot_ids.begin(), params.boot_ids.end(), unit.id) !=
            params.boot_ids.end()) {
            return base::fail("usb.cycle",
                              "The unit has started instead of waiting in recovery mode");
        }
        return base::fail("order.wrong_model",
                          fmt::format("The unit on port {} is {}, the order wants {}",
                                      params.bus_port, unit.id, fmt::join(params.usb_ids, " or ")));
    }
    if (!unit.bulk_in || !unit.bulk_out) {
        return base::fail("usb.link", "The unit in recovery mode lacks its bulk endpoints");
    }
    return {};
}

std::string place_without_room(const Params& params) {
    for (const char* folder : {params.lane.c_str(), "/tmp"}) {
        struct statvfs disk {};
        if (::statvfs(folder, &disk) != 0) {
            continue;
        }
        // What root may use, as the tools are root's; a file system may count no files at all.
        const bool no_bytes = disk.f_bfree * disk.f_frsize < kRoomToWork;
        if (no_bytes || (disk.f_files > 0 && disk.f_ffree == 0)) {
            return folder;
        }
    }
    return {};
}

}  // namespace lineside::jetson_usb
