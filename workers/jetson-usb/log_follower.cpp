// SPDX-License-Identifier: Apache-2.0
#include "workers/jetson-usb/log_follower.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <system_error>

namespace lineside::jetson_usb {
namespace {

constexpr std::string_view kName = "log.initrd-flash.";
// The boot ROM's and the signing's: what initrd-flash says itself is on its terminal, too.
constexpr std::array<std::string_view, 13> kOnlyThere{"BR_CID:",
                                                      "ECID is ",
                                                      "Board ID(",
                                                      "Return value ",
                                                      "Boot Rom communication",
                                                      "Bootrom returned error",
                                                      "BootRom is not running",
                                                      "Failed to read UID",
                                                      "RCM version",
                                                      "timeout in USB write",
                                                      "None of the",
                                                      "Cannot Open USB",
                                                      "No device on specified"};

bool only_there(std::string_view line) {
    for (const std::string_view word : kOnlyThere) {
        if (line.find(word) != std::string_view::npos) {
            return true;
        }
    }
    return false;
}

}  // namespace

void LogFollower::read(const worker::ToolLines::Take& take) {
    if (!file_) {
        std::error_code error;
        for (const auto& entry : std::filesystem::directory_iterator(folder_, error)) {
            if (entry.path().filename().native().starts_with(kName)) {
                file_.reset(::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
                break;
            }
        }
    }
    if (!file_) {
        return;
    }
    std::array<char, 16 * 1024> block;
    // A tool that floods its log is read on at the next call.
    for (int blocks = 0; blocks < 64; ++blocks) {
        const auto got = ::read(file_.get(), block.data(), block.size());
        if (got <= 0) {
            return;
        }
        lines_.push({block.data(), static_cast<std::size_t>(got)}, [&](std::string_view line) {
            if (only_there(line)) {
                take(line);
            }
        });
    }
}

}  // namespace lineside::jetson_usb
