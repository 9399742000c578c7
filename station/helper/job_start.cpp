// SPDX-License-Identifier: Apache-2.0
// How a job's worker comes to be: what it gets, and the first processes that wait staged for it.
#include "station/helper/jobs.h"

#include "station/base/log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace lineside::helper {
namespace {

using base::fail;
using base::Result;
using base::Status;

bool is_file(const std::string& path) {
    struct stat about {};
    return ::stat(path.c_str(), &about) == 0 && S_ISREG(about.st_mode);
}

bool is_folder(const std::string& path) {
    struct stat status {};
    return ::lstat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

// Which files and folders the stage's paths name now. One that was made or replaced after an init
// was staged would be neither hidden nor kept in it.
std::string identity_of(const StagePlan& stage) {
    std::string out;
    for (const auto* paths : {&stage.hide, &stage.keep, &stage.read_only, &stage.places}) {
        for (const std::string& path : *paths) {
            // Numbers of inodes are used again, births are not.
            struct statx facts {};
            if (::statx(AT_FDCWD, path.c_str(), AT_SYMLINK_NOFOLLOW, STATX_INO | STATX_BTIME,
                        &facts) != 0) {
                out += "- ";
                continue;
            }
            const auto& born =
                (facts.stx_mask & STATX_BTIME) != 0 ? facts.stx_btime : facts.stx_ctime;
            out += fmt::format("{}.{}.{}.{}.{} ", facts.stx_dev_major, facts.stx_dev_minor,
                               facts.stx_ino, born.tv_sec, born.tv_nsec);
        }
    }
    return out;
}

}  // namespace

void Jobs::spawn(Caller caller, const SpawnRequest& request, std::vector<base::UniqueFd> fds) {
    auto [it, fresh] = jobs_.try_emplace(request.job);
    Job& job = it->second;
    Status started;
    if (!fresh && (job.worker || job.doomed)) {
        started = fail("helper.refused", fmt::format("job {} has a worker already", request.job));
    } else if (!fresh && job.connection != caller.connection) {
        started = fail("helper.refused",
                       fmt::format("job {} belongs to another connection", request.job));
    } else {
        job.connection = caller.connection;
        started = start(job, request, std::move(fds));
    }
    if (started) {
        job.waits_for_start = caller;
        return;
    }
    reply_error(caller, started.error());
    if (fresh) {
        if (lanes_.exists(request.job)) {
            release(request.job, {});
        } else {
            jobs_.erase(it);
        }
    }
}

Status Jobs::start(Job& job, const SpawnRequest& request, std::vector<base::UniqueFd> fds) {
    if (fds.size() != 2) {
        return fail("helper.refused", "spawn needs two descriptors: channel and output");
    }
    auto wanted = plan(request, job);
    if (!wanted) {
        return tl::unexpected(wanted.error());
    }
    auto process = take_process(*wanted);
    if (!process) {
        return tl::unexpected(process.error());
    }
    if (auto told = give_order(process->init, wanted->order, fds[0].get(), fds[1].get()); !told) {
        bury(*process);
        return told;
    }
    job.worker = std::move(*process);
    job.step = request.step;
    job.attempt = request.attempt;
    job.failed_step.clear();
    job.wait_status.reset();
    if (!wanted->order.lane_lower.empty()) {
        job.lower = wanted->order.lane_lower;
    }
    return {};
}

// The tree below the lane; "" = no lane. Of a build it may be a package's archive.
Result<std::string> Jobs::lower_of(const SpawnRequest& request, const Method& method) const {
    std::string lower;
    if (method.build) {
        const auto profile = config_.bsp.find(request.profile);
        if (profile == config_.bsp.end()) {
            return fail("helper.refused",
                        fmt::format("no BSP tree is configured for profile '{}'", request.profile));
        }
        lower = profile->second;
    }
    if (!request.image.empty() && !is_folder(lanes_.image_folder(request.image))) {
        return fail("image.broken", fmt::format("there is no image {}", request.image));
    }
    if (request.lane && !method.build) {
        if (request.image.empty()) {
            return fail("helper.refused", "a lane needs an image");
        }
        lower = lanes_.image_folder(request.image) + "/tree";
    }
    if (!lower.empty() && !is_folder(lower) && !(method.build && is_file(lower))) {
        return fail("lane.failed", fmt::format("{} is not there", lower));
    }
    return lower;
}

Result<Jobs::Wanted> Jobs::plan(const SpawnRequest& request, const Job& job) {
    auto method = methods_.find(request.method);
    if (!method) {
        return tl::unexpected(method.error());
    }
    auto lower = lower_of(request, *method);
    if (!lower) {
        return tl::unexpected(lower.error());
    }
    if (!job.lower.empty() && !lower->empty() && job.lower != *lower) {
        return fail("helper.refused", "the job's lane is over another tree");
    }
    static const Account kRoot{"root", 0, 0, {0}};
    const Account& account = method->root ? kRoot : config_.worker;
    Wanted out;
    WorkerOrder& order = out.order;
    order.executable = method->executable;
    order.root = method->root;
    order.uid = account.uid;
    order.gid = account.gid;
    order.groups = account.groups;
    order.environment = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                         "HOME=/tmp",
                         "LANG=C.UTF-8",
                         "USER=" + account.name,
                         "LOGNAME=" + account.name,
                         fmt::format("LINESIDE_JOB={}", request.job),
                         "LINESIDE_HELPER=" + config_.mark};
    const std::string folder = lanes_.folder(request.job);
    if (!lower->empty()) {
        if (auto made = lanes_.make(request.job, account, method->build); !made) {
            return tl::unexpected(made.error());
        }
        order.lane_folder = folder;
    }
    out.archive = method->build && is_file(*lower);
    if (!lower->empty() && !out.archive) {
        order.lane_lower = *lower;
        order.try_overlay = config_.lane_mode != LaneMode::copy;
        order.try_copy = config_.lane_mode != LaneMode::overlay;
        order.environment.push_back(std::string("LINESIDE_LANE=") + kLaneMount);
        if (method->root) {  // a container engine sees the host's folders, not the job's mounts
            order.environment.push_back("LINESIDE_LANE_TREE=" + *lower);
            order.environment.push_back("LINESIDE_LANE_FOLDER=" + folder);
        }
    }
    if (method->build) {
        out.bsp = *lower;
        order.environment.push_back("LINESIDE_BSP=" + *lower);
        order.environment.push_back("LINESIDE_OUT=" + folder + "/out");
        order.environment.push_back("LINESIDE_IMAGES=" + config_.images);
        if (!config_.cache.empty()) {
            order.environment.push_back("LINESIDE_CACHE=" + config_.cache);
        }
    }
    if (method->root && !config_.containers.empty()) {
        order.environment.push_back(
            fmt::format("LINESIDE_CONTAINERS={}", fmt::join(config_.containers, ",")));
    }
    for (const auto& [name, value] : config_.environment) {
        order.environment.push_back(name + "=" + value);
    }
    return out;
}

StagePlan Jobs::usual_stage() const {
    StagePlan out;
    out.read_only = {config_.images};
    out.hide = config_.hide;
    out.keep = config_.keep;
    out.keep.insert(out.keep.end(), {config_.methods, config_.images});
    out.places = {config_.lanes, config_.images};
    out.tmp_options = "mode=1777,size=" + config_.tmp_size;
    return out;
}

Result<Jobs::Process> Jobs::make_process(const StagePlan& stage) {
    Process out;
    out.seen = identity_of(stage);
    StagePlan with_cgroup = stage;
    base::UniqueFd cgroup;
    if (!config_.cgroup_root.empty()) {
        out.cgroup = fmt::format("{}/worker-{}", config_.cgroup_root, next_cgroup_++);
        ::mkdir(out.cgroup.c_str(), 0755);
        cgroup.reset(::open(out.cgroup.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        with_cgroup.cgroup = cgroup.get();
    }
    auto init = make_init(with_cgroup);
    if (!init) {
        remove_cgroup(out.cgroup);
        return tl::unexpected(init.error());
    }
    out.init = std::move(*init);
    return out;
}

Result<Jobs::Process> Jobs::take_process(const Wanted& wanted) {
    if (!wanted.bsp.empty()) {
        StagePlan stage = usual_stage();
        stage.read_only.push_back(wanted.bsp);
        stage.keep.insert(stage.keep.end(), {wanted.bsp, wanted.order.lane_folder});
        if (!config_.cache.empty()) {
            stage.keep.push_back(config_.cache);
        }
        if (!wanted.archive) {
            stage.places.push_back(wanted.bsp);
        }
        return make_process(stage);
    }
    const StagePlan stage = usual_stage();
    if (!ready_.empty() && ready_.front().seen != identity_of(stage)) {
        forget_ready();
    }
    if (!ready_.empty()) {
        Process out = std::move(ready_.front());
        ready_.erase(ready_.begin());
        return out;
    }
    return make_process(stage);
}

// ---- ready inits

void Jobs::make_ready() {
    auto process = make_process(usual_stage());
    if (process) {
        ready_.push_back(std::move(*process));
    } else {
        base::log_error("{}", process.error().message);
        no_more_ready_ = true;
    }
}

void Jobs::forget_ready() {
    for (const Process& process : ready_) {
        bury(process);
    }
    ready_.clear();
    no_more_ready_ = false;
}

void Jobs::close() {
    closing_ = true;
    forget_ready();
}

void Jobs::bury(const Process& process) {
    kill_processes(process);
    siginfo_t info{};
    ::waitid(P_PIDFD, static_cast<id_t>(process.init.pidfd.get()), &info, WEXITED);
    remove_cgroup(process.cgroup);
}

}  // namespace lineside::helper
