// SPDX-License-Identifier: Apache-2.0
// Loads of batches, one after the other, on a thread of their own: what is read, checked, sealed
// and sorted there holds up neither the loop nor the writer.
// Thread: the io_context's; callbacks, too.   Lifetime: ends with the engine; a load that is at
// work then is left to the next start, which takes it back.
#pragma once

#include "serial-pool/staged_load.h"
#include "station/engine/context.h"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace lineside::engine {

class BatchLoads {
  public:
    // `opened` runs after each batch that came into the pool.
    BatchLoads(Context& context, std::function<void()> opened);
    ~BatchLoads();
    BatchLoads(const BatchLoads&) = delete;
    BatchLoads& operator=(const BatchLoads&) = delete;

    // Answers a preview and a refused file with the check, a load with {"batch", "count", "left"}.
    // Errors: request.invalid, request.conflict, batch.invalid, request.refused, disk.full,
    // db.failed.
    void load(BatchLoad load, Actor actor, Done done);

  private:
    struct Task {
        BatchLoad load;
        Actor actor;
        std::int64_t at_ms = 0;
        Done done;
    };
    void serve();
    void run(Task task);
    base::Status open(const serial_pool::StagedBatch& staged, const Actor& actor);
    void tell(const serial_pool::StagedBatch& staged, Done done);

    Context& context_;
    std::function<void()> opened_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
    std::atomic<bool> stop_{false};
    std::mutex mutex_;  // tasks_
    std::condition_variable wake_;
    std::deque<Task> tasks_;
    std::thread thread_;
};

}  // namespace lineside::engine
