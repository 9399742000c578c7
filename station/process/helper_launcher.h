// SPDX-License-Identifier: Apache-2.0
// Starts workers through the root helper and keeps the connection to it.
// When the helper is lost all running workers end with helper.lost: the helper's death has killed
// them. Thread: the io_context's. Survives a crash: nothing; the helper kills our workers when we
// are gone.
#pragma once

#include "station/process/helper_client.h"
#include "station/process/session.h"
#include "station/process/worker.h"

#include <map>
#include <memory>
#include <string>

namespace lineside::process {

struct HelperOptions {
    std::string socket;
    SessionLimits limits;
    std::function<void(bool there)> state;  // the helper came or went
};

class HelperLauncher final : public Launcher {
  public:
    HelperLauncher(boost::asio::any_io_executor executor, HelperOptions options);
    ~HelperLauncher() override;
    HelperLauncher(const HelperLauncher&) = delete;
    HelperLauncher& operator=(const HelperLauncher&) = delete;

    [[nodiscard]] std::shared_ptr<Worker> start(WorkerSpec spec, WorkerEvents events) override;
    void clean(std::int64_t job, std::function<void(base::Status)> done) override;
    void publish_image(std::int64_t job, std::string key,
                       std::function<void(base::Status)> done) override;
    void switch_port(const std::string& port, bool on,
                     std::function<void(base::Status)> done) override;

    // Removes a cached image that is damaged or not wanted any more; refused while a lane is over
    // it.
    void remove_image(std::string key, std::function<void(base::Status)> done);
    void leftovers(std::function<void(base::Result<base::Json>)> done);
    [[nodiscard]] bool helper_there() const { return client_->connected(); }

  private:
    void on_exit(std::int64_t job, int step, int attempt, ExitStatus status);
    void on_lost(const base::Error& reason);
    void simple(base::Json body, std::chrono::milliseconds within,
                std::function<void(base::Status)> done);

    boost::asio::any_io_executor executor_;
    HelperOptions options_;
    std::shared_ptr<HelperClient> client_;
    std::map<std::int64_t, std::shared_ptr<Session>> running_;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace lineside::process
