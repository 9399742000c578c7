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
    // Refused for a port that helper.toml does not name.
    void port_power(Caller caller, const PortPowerRequest& request);
    // Kills everything that connection started and removes its lanes.
    void drop(std::uint64_t connection);

    // The loop waits for these descriptors to become readable and then says so.
    void wanted(std::vector<int>& fds) const;
    void readable(int fd);
    // Inits that wait for their order make starts quicker. The loop calls make_ready() when it has
    // had nothing to do for a moment, and forget_ready() when the host's mounts have changed.
    [[nodiscard]] bool wants_ready() const {
        return ready_.size() < kReady && !no_more_ready_ && !closing_;
    }
    void make_ready();
    void forget_ready();
    void close();  // no more of them
    [[nodiscard]] bool idle() const { return jobs_.empty() && tasks_.empty(); }

  private:
    static constexpr std::size_t kReady = 4;

    struct Process {
        Init init;
        std::string cgroup;  // its folder; "" = none
        std::string seen;    // which files and folders it was staged for
    };
    struct Job {
        std::uint64_t connection = 0;
        int step = 0;
        int attempt = 1;
        std::optional<Process> worker;
        std::optional<Caller> waits_for_start;
        std::string failed_step;  // set when the child could not become the worker
        int failed_errno = 0;
        std::optional<int> wait_status;
        std::string lower;    // of the lane; "" = none
        bool doomed = false;  // killed: when it is gone, the lane goes too
        std::vector<Caller> waits_for_end;
    };
    struct Running {
        Task task;
        std::vector<Caller> callers;
        std::string what;
        base::Error error;    // of a task that failed
        base::UniqueFd said;  // … which says why here; none: nothing
    };

    struct Wanted {
        WorkerOrder order;
        std::string bsp;       // of a build; such a worker gets an init of its own
        bool archive = false;  // it is a package's archive, no tree: there is no lane
    };
    [[nodiscard]] base::Result<Wanted> plan(const SpawnRequest& request, const Job& job);
    [[nodiscard]] base::Result<Process> take_process(const Wanted& wanted);
    [[nodiscard]] base::Result<Process> make_process(const StagePlan& stage);
    [[nodiscard]] StagePlan usual_stage() const;
    [[nodiscard]] base::Result<std::string> lower_of(const SpawnRequest& request,
                                                     const Method& method) const;
    [[nodiscard]] base::Status start(Job& job, const SpawnRequest& request,
                                     std::vector<base::UniqueFd> fds);
    void read_control(Job& job);
    void worker_gone(std::int64_t id);
    void release(std::int64_t id, std::vector<Caller> callers);
    void run_task(base::Result<Task> task, std::vector<Caller> callers, std::string_view code,
                  std::string what, base::UniqueFd said = {});
    void task_gone(std::size_t index);
    void reply_ok(const Caller& caller, base::Json more = base::Json::object());
    void reply_error(const Caller& caller, const base::Error& error);
    static void kill_processes(const Process& process);
    static void remove_cgroup(const std::string& folder);
    static void bury(const Process& process);  // an init that nobody gave an order

    const Config& config_;
    Send send_;
    Lanes lanes_;
    MethodTable methods_;
    std::map<std::int64_t, Job> jobs_;
    std::vector<Running> tasks_;
    std::vector<Process> ready_;
    std::uint64_t next_cgroup_ = 1;
    bool no_more_ready_ = false;  // one failed: a start will tell why
    bool closing_ = false;
};

}  // namespace lineside::helper
