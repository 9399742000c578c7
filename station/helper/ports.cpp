// SPDX-License-Identifier: Apache-2.0
// The power of ports: who may switch which is root's word in helper.toml, and the kernel may take
// its time to let go of what was plugged in, so a child does it.
#include "station/helper/jobs.h"
#include "station/usb/port_path.h"
#include "station/usb/port_switch.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace lineside::helper {
namespace {

constexpr int kSaysWhy = 3;  // where the child's sentence goes

int told(const base::Status& status) {
    if (!status) {
        (void)!::write(kSaysWhy, status.error().message.data(), status.error().message.size());
    }
    return status ? 0 : 1;
}

}  // namespace

void Jobs::port_power(Caller caller, const PortPowerRequest& request) {
    const auto& may = config_.switch_ports;
    if (std::none_of(may.begin(), may.end(), [&](const std::string& each) {
            return request.port == each || usb::is_behind(request.port, each);
        })) {
        return reply_error(
            caller, base::make_error(
                        "helper.refused",
                        fmt::format("switch_ports of helper.toml does not name {}", request.port)));
    }
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) {
        return reply_error(caller, base::fail_errno("power.failed", "pipe", errno).value());
    }
    base::UniqueFd hears(ends[0]);
    const base::UniqueFd says(ends[1]);
    auto task = in_child(
        [&request] {
            if (request.on) {
                return told(usb::switch_port(request.port, *request.on));
            }
            return told(usb::can_switch(request.port));
        },
        says.get());
    run_task(std::move(task), {caller}, "power.failed", "switch port " + request.port,
             std::move(hears));
}

}  // namespace lineside::helper
