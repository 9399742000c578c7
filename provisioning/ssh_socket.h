// SPDX-License-Identifier: Apache-2.0
// The TCP socket below an SSH session: bound to one interface, connected within a deadline, and
// quick to notice a unit that lost its power. Thread: one.
#pragma once

#include "provisioning/ssh_session.h"
#include "station/base/unique_fd.h"

namespace lineside::provisioning {

[[nodiscard]] tl::expected<base::UniqueFd, ConnectError> connect_socket(const SshTarget& target,
                                                                        milliseconds within,
                                                                        const Waiter& waiter);

}  // namespace lineside::provisioning
