// SPDX-License-Identifier: Apache-2.0
#include "workers/jetson-usb/proof.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace lineside::jetson_usb {
namespace {

// Did the tool say that it succeeded?
bool claims(const Transcript& seen) {
    const auto& said = seen.said();
    switch (seen.way()) {
        case Way::flash:
        case Way::massflash:
            return seen.success_line();
        case Way::initrd:
            return said.rebooted && (said.written || said.plain);
        case Way::tegraflash:
            return said.session || !said.status.empty() ? said.status == "SUCCESS"
                                                        : said.completed && said.coldboot;
    }
    return false;
}

}  // namespace

std::optional<std::string> missing_proof(const Transcript& seen,
                                         std::span<const std::string> must_write) {
    if (!claims(seen)) {
        return "";
    }
    if (const auto open = seen.unfinished(); !open.empty()) {
        return fmt::format("Writing {} was not seen to end", fmt::join(open, ", "));
    }
    // initrd-flash, of meta-tegra, writes on the unit and names files; the tools behind all others
    // but initrd flash name each partition, so one that was not named was not written.
    const bool names_partitions =
        seen.way() != Way::initrd &&
        (seen.way() != Way::tegraflash || !text_rules(seen) || seen.writes() > 0);
    if (names_partitions) {
        for (const std::string& partition : must_write) {
            if (!seen.wrote(partition)) {
                return fmt::format("Partition {} was not seen to be written", partition);
            }
        }
    }
    return std::nullopt;
}

bool text_rules(const Transcript& seen) {
    return seen.way() == Way::tegraflash && !seen.said().status.empty();
}

}  // namespace lineside::jetson_usb
