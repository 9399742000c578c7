// SPDX-License-Identifier: Apache-2.0
// The jobs the helper knows: the worker that runs, the lane that is open, who waits for their end.
// A job belongs to the connection that spawned it and dies with it. At most one worker per job.
// Thread: the helper's only one. Survives a crash: nothing; the kernel kills the workers.
#pragma once

#include "station/base/json.h"
#include "station/helper/config.h"
#include "station/helper/lanes.h"
#include "station/helper/method.h"
#include "station/helper/packet.h"
#include "station/helper/request.h"
#include "station/helper/spawn.h"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <vector>

namespace lineside::helper {

struct Caller {
    std::uint64_t connection = 0;
    std::int64_t request = 0;
};

class Jobs {
  public:
    // `send` gets a connection and one packet for it; a connection that is gone is not an error.
    using Send = std::function<void(std::uint64_t connection, const base::Json& packet)>;
    Jobs(const Config& config, Send send);

    [[nodiscard]] base::Status open();
    void spawn(Caller caller, const SpawnRequest& request, std::vector<base::UniqueFd> fds);
    void term(Caller caller, std::int64_t job);
    void kill(Caller caller, std::int64_t job);
    void close_lane(Caller caller, std::int64_t job);
    void leftovers(Caller caller);
    void publish(Caller caller, const ImagePublishRequest& request);
    void remove_image(Caller caller, const std::string& key);
    // Kills everything that connection started and removes its lanes.
    void drop(std::uint64_t connection);

    // The loop waits for these descriptors to become readable and then says so.
    void wanted(std::vector<int>& fds) const;
    void readable(int fd);
    [[nodiscard]] bool idle() const { return jobs_.empty() && tasks_.empty(); }

  private:
    struct Job {
        std::uint64_t connection = 0;
        int step = 0;
        int attempt = 1;
        std::optional<Spawned> worker;
        std::optional<Caller> waits_for_start;
        std::string failed_step;             // set when the child could not become the worker
        int failed_errno = 0;
        std::optional<int> wait_status;
        std::string lower;                   // of the lane; "" = none
        bool doomed = false;                 // killed: when it is gone, the lane goes too
        std::vector<Caller> waits_for_end;
        base::UniqueFd cgroup;
    };
    struct Running {
        Task task;
        std::vector<Caller> callers;
        std::string what;
        base::Error error;  // of a task that failed
    };

    [[nodiscard]] base::Result<SpawnPlan> plan(const SpawnRequest& request, const Job& job, std::string& lower);
    [[nodiscard]] base::Status start(Job& job, const SpawnRequest& request, std::vector<base::UniqueFd> fds);
    void read_control(std::int64_t id, Job& job);
    void worker_gone(std::int64_t id);
    void release(std::int64_t id, std::vector<Caller> callers);
    void run_task(base::Result<Task> task, std::vector<Caller> callers, std::string_view code, std::string what);
    void task_gone(std::size_t index);
    void reply_ok(const Caller& caller, base::Json more = base::Json::object());
    void reply_error(const Caller& caller, const base::Error& error);
    [[nodiscard]] base::UniqueFd open_cgroup(std::int64_t id) const;
    void remove_cgroup(std::int64_t id) const;
    void kill_processes(std::int64_t id, const Job& job) const;

    const Config& config_;
    Send send_;
    Lanes lanes_;
    MethodTable methods_;
    std::map<std::int64_t, Job> jobs_;
    std::vector<Running> tasks_;
};

}  // namespace lineside::helper
