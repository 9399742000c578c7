// SPDX-License-Identifier: Apache-2.0
// A real sshd of this host on loopback, with keys of its own, run as the current user. Thread: one.
#pragma once

#include "provisioning/ssh_session.h"
#include "provisioning/testing/local_shell.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <array>
#include <thread>

namespace lineside::provisioning::testing {

inline int listen_somewhere(std::uint16_t& port, bool really_listen = true) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    (void)bind(fd, reinterpret_cast<sockaddr*>(&address), size);
    getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
    port = ntohs(address.sin_port);
    if (really_listen) {
        listen(fd, 8);
    }
    return fd;
}

class PrivateSshd {
  public:
    // `config`: lines more of sshd_config; `{}` in it stands for the folder.
    explicit PrivateSshd(const std::string& config = "") {
        const std::string at = dir_.path().string();
        const std::string make = "ssh-keygen -q -t ed25519 -N '' -f " + at +
                                 "/host && ssh-keygen -q -t ed25519 -N '' -f " + at +
                                 "/user && cp " + at + "/user.pub " + at +
                                 "/allowed && mkdir -p /run/sshd 2>/dev/null";
        if (std::system(make.c_str()) != 0 || access("/usr/sbin/sshd", X_OK) != 0) {
            return;
        }
        ::close(listen_somewhere(port_));
        dir_.write("sshd_config",
                   fmt::format("Port {}\nListenAddress 127.0.0.1\nHostKey {}/host\nPidFile none\n"
                               "AuthorizedKeysFile {}/allowed\nStrictModes no\nUsePAM no\n"
                               "PasswordAuthentication yes\nMaxAuthTries 20\nMaxSessions 50\n"
                               "PermitRootLogin yes\nLogLevel ERROR\n",
                               port_, at, at) +
                       fmt::format(fmt::runtime(config), at));
        std::string file = at + "/sshd_config";
        std::string log = at + "/sshd.log";
        std::array<const char*, 7> argv{"/usr/sbin/sshd", "-D",   "-f", file.c_str(), "-E",
                                        log.c_str(),      nullptr};
        if (posix_spawn(&pid_, argv[0], nullptr, nullptr, const_cast<char**>(argv.data()),
                        environ) != 0) {
            pid_ = -1;
            return;
        }
        const Waiter patient = [](pollfd& ready, milliseconds most) -> base::Status {
            poll(&ready, 1, static_cast<int>(most.count()));
            return {};
        };
        for (int i = 0; i < 200 && !up_; ++i) {
            up_ = SshSession::open(target(), milliseconds(1'000), milliseconds(5'000), patient)
                      .has_value();
            if (!up_) {
                std::this_thread::sleep_for(milliseconds(20));
            }
        }
    }
    ~PrivateSshd() {
        if (pid_ > 0) {
            kill(pid_, SIGTERM);
            waitpid(pid_, nullptr, 0);
        }
    }
    PrivateSshd(const PrivateSshd&) = delete;
    PrivateSshd& operator=(const PrivateSshd&) = delete;

    [[nodiscard]] bool up() const { return up_; }
    [[nodiscard]] std::string log() const { return slurp(dir_.path() / "sshd.log"); }
    [[nodiscard]] const TempDir& dir() const { return dir_; }
    [[nodiscard]] SshTarget target() const {
        SshTarget out;
        out.ifname = "lo";
        out.address = "127.0.0.1";
        out.port = port_;
        const char* user = std::getenv("USER");
        out.user = geteuid() == 0 ? "root" : user == nullptr ? "" : user;
        out.private_key = base::Secret(slurp(dir_.path() / "user"));
        return out;
    }

  private:
    TempDir dir_;
    std::uint16_t port_ = 0;
    pid_t pid_ = -1;
    bool up_ = false;
};

}  // namespace lineside::provisioning::testing
