// SPDX-License-Identifier: Apache-2.0
// Starts workers without the root helper, as this process's own user: for tests, for measuring, and
// for `sim` on a developer's machine. posix_spawn with a session of its own and a pidfd; no lane,
// no namespaces: a worker's child that leaves the process group outlives it. Never used in
// production. Thread: the io_context's.
#pragma once

#include "station/process/session.h"
#include "station/process/worker.h"

#include <boost/asio/any_io_executor.hpp>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace lineside::process {

struct DirectOptions {
    std::filesystem::path methods;  // <methods>/<name>/<name>, or what method.toml's exec says
    std::vector<std::string> environment;  // NAME=VALUE, besides the minimal one
    SessionLimits limits;
};

class DirectLauncher final : public Launcher {
  public:
    DirectLauncher(boost::asio::any_io_executor executor, DirectOptions options);
    ~DirectLauncher() override;

    [[nodiscard]] std::shared_ptr<Worker> start(WorkerSpec spec, WorkerEvents events) override;
    void clean(std::int64_t job, std::function<void(base::Status)> done) override;
    // There is no root-owned cache here: always refused.
    void publish_image(std::int64_t job, std::string key,
                       std::function<void(base::Status)> done) override;
    void switch_port(const std::string& port, bool on,
                     std::function<void(base::Status)> done) override;

  private:
    struct Child;
    boost::asio::any_io_executor executor_;
    DirectOptions options_;
    std::map<std::int64_t, std::weak_ptr<Child>> children_;
};

}  // namespace lineside::process
