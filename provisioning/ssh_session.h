// SPDX-License-Identifier: Apache-2.0
// One SSH connection to a unit (libssh). All units have the same address, so the socket is made
// here and bound to the unit's own network interface before it connects. Everything waits in small
// steps: the station's messages are served meanwhile, and no call outlasts its deadline. Host keys:
// every unit makes its own at first boot, so the first one is taken and reported; later steps
// compare it.
// Thread: one.
#pragma once

#include "provisioning/shell.h"
#include "station/base/secret.h"

#include <poll.h>

#include <cstdint>
#include <memory>
#include <string>

namespace lineside::provisioning {

struct SshTarget {
    std::string ifname;  // "lsb3": packets leave by this interface or not at all
    std::string address = "fe80::1";
    std::uint16_t port = 22;
    std::string user;
    base::Secret password;     // tried if not empty, after the key
    base::Secret private_key;  // OpenSSH format, no passphrase; tried if not empty
};

// Waits for the descriptor or the time, whichever is first; an error ends what was going on with
// it.
using Waiter = std::function<base::Status(pollfd&, milliseconds)>;

struct ConnectError {
    enum class Why {
        unreachable,  // no answer, no route, no such interface
        refused,      // the unit answers, but nobody listens
        handshake,    // somebody listens, but it is no SSH server we can speak with
        denied,       // login refused
        stopped,      // the waiter said so; `stop` holds its error
    };
    Why why = Why::unreachable;
    std::string message;
    base::Error stop;
};

class SshSession final : public Shell {
  public:
    // `connect_within` is for the TCP connection alone, `within` for everything.
    [[nodiscard]] static tl::expected<std::unique_ptr<SshSession>, ConnectError> open(
        const SshTarget& target, milliseconds connect_within, milliseconds within, Waiter waiter);
    ~SshSession() override;
    SshSession(const SshSession&) = delete;
    SshSession& operator=(const SshSession&) = delete;

    [[nodiscard]] const std::string& host_key() const;  // "SHA256:…"
    [[nodiscard]] base::Result<ExecEnd> exec(const ExecRequest& request) override;

  private:
    struct Parts;
    explicit SshSession(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> parts_;
};

}  // namespace lineside::provisioning
