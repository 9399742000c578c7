// SPDX-License-Identifier: Apache-2.0
#include "station/helper/jobs.h"

#include "station/base/log.h"
#include "station/helper/leftovers.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

namespace lineside::helper {
namespace {

using base::fail;
using base::Json;
using base::Result;
using base::Status;

int signal_pidfd(int pidfd, int number) {
    return static_cast<int>(::syscall(SYS_pidfd_send_signal, pidfd, number, nullptr, 0));
}

// Reaps without waiting; nothing when the process still runs (a descriptor's number may be used
// anew between poll and here).
std::optional<siginfo_t> reaped(int pidfd) {
    siginfo_t info{};
    if (::waitid(P_PIDFD, static_cast<id_t>(pidfd), &info, WEXITED | WNOHANG) != 0 ||
        info.si_pid == 0) {
        return std::nullopt;
    }
    return info;
}

void write_word(const std::string& path, std::string_view word) {
    const base::UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (fd) {
        (void)!::write(fd.get(), word.data(), word.size());
    }
}

Json exit_packet(std::int64_t job, int step, int attempt, std::optional<int> wait_status) {
    Json out{{"ev", "exit"}, {"job", job}, {"step", step}, {"attempt", attempt}};
    if (wait_status && WIFEXITED(*wait_status)) {
        out["status"] = WEXITSTATUS(*wait_status);
    } else {  // init itself was killed: by us, by the kernel, by an administrator
        out["signal"] = wait_status && WIFSIGNALED(*wait_status) ? WTERMSIG(*wait_status) : SIGKILL;
    }
    return out;
}

}  // namespace

Jobs::Jobs(const Config& config, Send send)
    : config_(config), send_(std::move(send)), lanes_(config), methods_(config.methods) {}

Status Jobs::open() {
    if (auto opened = lanes_.open(); !opened) {
        return opened;
    }
    if (!config_.cgroup_root.empty()) {
        ::mkdir(config_.cgroup_root.c_str(), 0755);
        for (const std::string& folder : cgroups_of_workers(config_)) {
            write_word(folder + "/cgroup.kill", "1");
            ::rmdir(folder.c_str());
        }
    }
    if (::mkdir(kLaneMount, 0755) != 0 && errno != EEXIST) {
        return base::fail_errno("lane.failed", kLaneMount, errno);
    }
    run_task(lanes_.sweep(), {}, "lane.failed", "sweep");
    return {};
}

// ---- ends

void Jobs::remove_cgroup(const std::string& folder) {
    if (!folder.empty()) {
        ::rmdir(folder.c_str());
    }
}

void Jobs::kill_processes(const Process& process) {
    signal_pidfd(process.init.pidfd.get(), SIGKILL);
    if (!process.cgroup.empty()) {
        write_word(process.cgroup + "/cgroup.kill", "1");
    }
}

void Jobs::term(Caller caller, std::int64_t id) {
    const auto it = jobs_.find(id);
    if (it != jobs_.end() && it->second.worker) {
        (void)::send(it->second.worker->init.control.get(), "T", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    reply_ok(caller);
}

void Jobs::kill(Caller caller, std::int64_t id) {
    const auto it = jobs_.find(id);
    if (it == jobs_.end() || !it->second.worker) {
        release(id, {caller});
        return;
    }
    it->second.doomed = true;
    it->second.waits_for_end.push_back(caller);
    kill_processes(*it->second.worker);
}

void Jobs::close_lane(Caller caller, std::int64_t id) {
    const auto it = jobs_.find(id);
    if (it != jobs_.end() && it->second.worker) {
        reply_error(caller,
                    base::make_error("helper.refused", fmt::format("job {} is still running", id)));
        return;
    }
    release(id, {caller});
}

void Jobs::release(std::int64_t id, std::vector<Caller> callers) {
    jobs_.erase(id);
    if (!lanes_.exists(id)) {
        for (const Caller& caller : callers) {
            reply_ok(caller);
        }
        return;
    }
    run_task(lanes_.discard(id), std::move(callers), "lane.failed",
             fmt::format("remove the lane of job {}", id));
}

void Jobs::drop(std::uint64_t connection) {
    std::vector<std::int64_t> without_worker;
    for (auto& [id, job] : jobs_) {
        if (job.connection != connection) {
            continue;
        }
        job.doomed = true;
        if (job.worker) {
            kill_processes(*job.worker);
        } else {
            without_worker.push_back(id);
        }
    }
    for (const std::int64_t id : without_worker) {
        release(id, {});
    }
}

void Jobs::read_control(Job& job) {
    if (!job.worker) {
        return;
    }
    InitMessage message;
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(ucred))> buffer{};
    while (true) {
        iovec piece{&message, sizeof message};
        msghdr packet{};
        packet.msg_iov = &piece;
        packet.msg_iovlen = 1;
        packet.msg_control = buffer.data();
        packet.msg_controllen = buffer.size();
        const ssize_t got =
            ::recvmsg(job.worker->init.control.get(), &packet, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        if (got != static_cast<ssize_t>(sizeof message)) {
            if (got < 0 && errno == ECONNRESET) {
                continue;  // it ended before it read its order; what it said about that comes next
            }
            if (got >= 0 || (errno != EAGAIN && errno != EINTR)) {
                job.worker->init.control.reset();  // init is gone; its pidfd tells the rest
            }
            return;
        }
        if (message.what == InitMessage::started && job.waits_for_start) {
            ucred sender{};
            if (const cmsghdr* part = CMSG_FIRSTHDR(&packet);
                part != nullptr && part->cmsg_type == SCM_CREDENTIALS) {
                std::memcpy(&sender, CMSG_DATA(part), sizeof sender);
            }
            reply_ok(*job.waits_for_start, {{"pid", sender.pid}});
            job.waits_for_start.reset();
        } else if (message.what == InitMessage::failed) {
            message.step[sizeof message.step - 1] = '\0';
            job.failed_step = message.step;
            job.failed_errno = message.value;
        } else if (message.what == InitMessage::ended) {
            job.wait_status = message.value;
        }
    }
}

void Jobs::worker_gone(std::int64_t id) {
    Job& job = jobs_.at(id);
    if (!reaped(job.worker->init.pidfd.get())) {
        return;
    }
    read_control(job);
    Process gone = std::move(*job.worker);
    job.worker.reset();
    const bool never_started = job.waits_for_start.has_value();
    if (never_started) {
        const bool lane = job.failed_step.find("lane") != std::string::npos;
        const std::string_view code = lane ? "lane.failed" : "worker.spawn";
        const auto error = job.failed_step.empty()
                               ? base::make_error(code, "worker's first process was killed")
                               : base::fail_errno(code, job.failed_step, job.failed_errno).value();
        reply_error(*job.waits_for_start, error);
        job.waits_for_start.reset();
    } else {
        send_(job.connection, exit_packet(id, job.step, job.attempt, job.wait_status));
    }
    remove_cgroup(gone.cgroup);
    gone.init.mounts
        .reset();  // unmounts, after the caller was told: nobody can use these mounts any more
    if (job.doomed || (job.lower.empty() && !lanes_.exists(id))) {
        release(id, std::move(job.waits_for_end));
    }
}

// ---- images

void Jobs::publish(Caller caller, const ImagePublishRequest& request) {
    const auto it = jobs_.find(request.job);
    if (it == jobs_.end() || it->second.worker || it->second.connection != caller.connection) {
        reply_error(caller, base::make_error("helper.refused",
                                             fmt::format("job {} is not a finished build of yours",
                                                         request.job)));
        return;
    }
    auto task = lanes_.publish(request.job, request.image);
    if (!task) {
        reply_error(caller, task.error());
        return;
    }
    run_task(std::move(task), {caller}, "image.build", "publish image " + request.image);
}

void Jobs::remove_image(Caller caller, const std::string& key) {
    const std::string tree = lanes_.image_folder(key) + "/tree";
    for (const auto& [id, job] : jobs_) {
        if (job.lower == tree) {
            reply_error(caller, base::make_error("helper.refused",
                                                 fmt::format("image is in use by job {}", id)));
            return;
        }
    }
    run_task(lanes_.discard_image(key), {caller}, "lane.failed", "remove image " + key);
}

void Jobs::leftovers(Caller caller) {
    std::set<std::int64_t> alive;
    for (const auto& [id, job] : jobs_) {
        if (!job.doomed) {
            alive.insert(id);
        }
    }
    Json found = Json::array();
    for (const std::int64_t id : lanes_.jobs_with_lane()) {
        if (!alive.contains(id)) {
            found.push_back({{"kind", "lane"}, {"job", id}, {"what", lanes_.folder(id)}});
        }
    }
    std::set<std::string> cgroups;
    for (const auto& [id, job] : jobs_) {
        if (job.worker && !job.doomed) {
            cgroups.insert(job.worker->cgroup);
        }
    }
    for (const Process& process : ready_) {
        cgroups.insert(process.cgroup);
    }
    find_leftovers(config_, alive, cgroups, found);
    constexpr std::size_t kMost = 40;  // a reply must fit into one packet
    const std::size_t all = found.size();
    if (all > kMost) {
        found.erase(found.begin() + kMost, found.end());
    }
    reply_ok(caller, {{"leftovers", found}, {"count", all}});
}

// ---- slow work

void Jobs::run_task(Result<Task> task, std::vector<Caller> callers, std::string_view code,
                    std::string what, base::UniqueFd said) {
    if (!task) {
        for (const Caller& caller : callers) {
            reply_error(caller, task.error());
        }
        return;
    }
    base::Error error = base::make_error(code, what + " failed");
    tasks_.push_back(
        {std::move(*task), std::move(callers), std::move(what), std::move(error), std::move(said)});
}

void Jobs::task_gone(std::size_t index) {
    const auto ended = reaped(tasks_[index].task.pidfd.get());
    if (!ended) {
        return;
    }
    Running done = std::move(tasks_[index]);
    tasks_.erase(tasks_.begin() + static_cast<std::ptrdiff_t>(index));
    const bool good = ended->si_code == CLD_EXITED && ended->si_status == 0;
    if (!good) {
        base::log_error("{} failed with status {}", done.what, ended->si_status);
        std::array<char, 512> why{};
        const ssize_t got = done.said ? ::read(done.said.get(), why.data(), why.size()) : 0;
        if (got > 0) {
            done.error.message.assign(why.data(), static_cast<std::size_t>(got));
        }
    }
    for (const Caller& caller : done.callers) {
        if (good) {
            reply_ok(caller);
        } else {
            reply_error(caller, done.error);
        }
    }
}

// ---- loop

void Jobs::wanted(std::vector<int>& fds) const {
    for (const auto& [id, job] : jobs_) {
        if (job.worker) {
            fds.push_back(job.worker->init.pidfd.get());
            if (job.worker->init.control) {
                fds.push_back(job.worker->init.control.get());
            }
        }
    }
    for (const Running& running : tasks_) {
        fds.push_back(running.task.pidfd.get());
    }
    for (const Process& process : ready_) {
        fds.push_back(process.init.pidfd.get());
    }
}

void Jobs::readable(int fd) {
    for (auto& [id, job] : jobs_) {
        if (job.worker && job.worker->init.pidfd.get() == fd) {
            worker_gone(id);
            return;
        }
        if (job.worker && job.worker->init.control.get() == fd) {
            read_control(job);
            return;
        }
    }
    for (auto it = ready_.begin(); it != ready_.end(); ++it) {
        if (it->init.pidfd.get() == fd) {
            const auto why = last_words(it->init);
            base::log_error("a waiting first process ended{}{}", why ? ": " : "",
                            why ? why->message : "");
            no_more_ready_ = true;
            bury(*it);
            ready_.erase(it);
            return;
        }
    }
    for (std::size_t i = 0; i < tasks_.size(); ++i) {
        if (tasks_[i].task.pidfd.get() == fd) {
            task_gone(i);
            return;
        }
    }
}

void Jobs::reply_ok(const Caller& caller, Json more) {
    more["id"] = caller.request;
    more["ok"] = true;
    send_(caller.connection, more);
}

void Jobs::reply_error(const Caller& caller, const base::Error& error) {
    send_(caller.connection, {{"id", caller.request},
                              {"ok", false},
                              {"error", {{"code", error.code}, {"message", error.message}}}});
}

}  // namespace lineside::helper
