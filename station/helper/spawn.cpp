// SPDX-License-Identifier: Apache-2.0
#include "station/helper/spawn.h"

#include "station/base/json.h"
#include "station/helper/init.h"
#include "station/helper/packet.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>

namespace lineside::helper {
namespace {

using base::Json;

template <typename T>
std::vector<T> list_of(const Json& value, const char* name) {
    std::vector<T> out;
    if (const auto it = value.find(name); it != value.end()) {
        for (const Json& item : *it) {
            out.push_back(item.get<T>());
        }
    }
    return out;
}

}  // namespace

base::Result<Init> make_init(const StagePlan& plan) {
    std::array<int, 2> pair{};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair.data()) != 0) {
        return base::fail_errno("worker.spawn", "socketpair", errno);
    }
    Init out;
    out.control = base::UniqueFd(pair[0]);
    const base::UniqueFd init_end(pair[1]);
    const int on = 1;
    ::setsockopt(out.control.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
    ::fcntl(out.control.get(), F_SETFL, O_NONBLOCK);

    int pidfd = -1;
    clone_args args{};
    args.flags = CLONE_NEWPID | CLONE_NEWNS | CLONE_PIDFD;
    args.pidfd = reinterpret_cast<std::uint64_t>(&pidfd);
    args.exit_signal = SIGCHLD;
    if (plan.cgroup >= 0) {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = static_cast<unsigned>(plan.cgroup);
    }
    const long pid = ::syscall(SYS_clone3, &args, sizeof args);
    if (pid == 0) {
        run_init(plan, init_end.get());
    }
    if (pid < 0) {
        return base::fail_errno("worker.spawn", "clone3", errno);
    }
    out.pid = static_cast<pid_t>(pid);
    out.pidfd = base::UniqueFd(pidfd);
    const std::string mounts = "/proc/" + std::to_string(pid) + "/ns/mnt";
    out.mounts = base::UniqueFd(::open(mounts.c_str(), O_RDONLY | O_CLOEXEC));
    return out;
}

base::Status give_order(const Init& init, const WorkerOrder& order, int channel, int output) {
    const std::string text = format_order(order);
    if (text.size() > kMaxOrder) {
        return base::fail("worker.spawn", "the environment in helper.toml is too long");
    }
    const std::array<int, 2> fds{channel, output};
    if (const int error = send_packet(init.control.get(), text, fds); error != 0) {
        if (auto why = last_words(init)) {
            return tl::unexpected(*why);
        }
        return base::fail_errno("worker.spawn", "worker's first process", error);
    }
    return {};
}

std::optional<base::Error> last_words(const Init& init) {
    InitMessage message;
    ssize_t got = 0;
    do {  // an end with something unread on the other side is reported before what came from there
        got = ::recv(init.control.get(), &message, sizeof message, MSG_DONTWAIT);
    } while (got < 0 && (errno == ECONNRESET || errno == EINTR));
    if (got != static_cast<ssize_t>(sizeof message) || message.what != InitMessage::failed) {
        return std::nullopt;
    }
    message.step[sizeof message.step - 1] = '\0';
    return base::fail_errno("worker.spawn", message.step, message.value).value();
}

std::string format_order(const WorkerOrder& order) {
    return base::dump_json({{"executable", order.executable},
                            {"environment", order.environment},
                            {"root", order.root},
                            {"uid", order.uid},
                            {"gid", order.gid},
                            {"groups", order.groups},
                            {"lane_lower", order.lane_lower},
                            {"lane_folder", order.lane_folder},
                            {"try_overlay", order.try_overlay},
                            {"try_copy", order.try_copy}});
}

base::Result<WorkerOrder> parse_order(std::string_view text) {
    const auto value = base::parse_json(text, kMaxOrder);
    if (!value || !value->is_object()) {
        return base::fail("worker.spawn", "order is not JSON");
    }
    WorkerOrder out;
    out.executable = base::field<std::string>(*value, "executable").value_or("");
    out.environment = list_of<std::string>(*value, "environment");
    out.root = base::field<bool>(*value, "root").value_or(false);
    const auto uid = base::field<uid_t>(*value, "uid");
    const auto gid = base::field<gid_t>(*value, "gid");
    if (!uid || !gid || out.executable.empty()) {
        return base::fail("worker.spawn", "order is not complete");
    }
    out.uid = *uid;
    out.gid = *gid;
    out.groups = list_of<gid_t>(*value, "groups");
    out.lane_lower = base::field<std::string>(*value, "lane_lower").value_or("");
    out.lane_folder = base::field<std::string>(*value, "lane_folder").value_or("");
    out.try_overlay = base::field<bool>(*value, "try_overlay").value_or(true);
    out.try_copy = base::field<bool>(*value, "try_copy").value_or(true);
    return out;
}

}  // namespace lineside::helper
