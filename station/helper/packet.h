// SPDX-License-Identifier: Apache-2.0
// One packet of a SOCK_SEQPACKET socket with the file descriptors that came with it.
// Used on both ends. Descriptors received are close-on-exec and owned from the first moment.
// Thread: any.
#pragma once

#include "station/base/unique_fd.h"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lineside::helper {

enum class Received { packet, nothing_yet, too_long, closed };

struct Packet {
    std::string text;
    std::vector<base::UniqueFd> fds;
};

// Reads one packet without waiting. too_long: the packet was longer than `max_bytes` or carried
// more than four descriptors; it is gone, its descriptors closed.
[[nodiscard]] Received receive_packet(int socket, std::size_t max_bytes, Packet& out);
// Sends one packet with at most eight descriptors without waiting; 0, or the errno.
[[nodiscard]] int send_packet(int socket, std::string_view text, std::span<const int> fds = {});

}  // namespace lineside::helper
