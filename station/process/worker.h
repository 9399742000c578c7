// SPDX-License-Identifier: Apache-2.0
// One worker process as the engine sees it: started through the root helper, spoken to over its
// channel, watched by deadlines, its raw output redacted into the job's log, its protocol recorded.
// The engine never sees a pid, a file descriptor or a path of the helper.
// Thread: all calls and callbacks on the io_context's thread.
#pragma once

#include "station/base/error.h"
#include "station/base/secret.h"
#include "workers/protocol/messages.h"

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace lineside::process {

struct WorkerSpec {
    std::int64_t job = 0;
    int step = 0;  // index in the recipe, from 1
    int attempt = 1;
    std::string method;   // "jetson-usb": the helper finds the executable by this name only
    std::string profile;  // id of the product profile, for the BSP tree of a build
    std::string image;    // hex64 or ""
    bool lane = false;
    protocol::JobLine job_line;
    std::vector<base::Secret> secrets;  // replaced by *** in log and recording
    std::filesystem::path log_file;     // "<nn>-<step>.log"; ".events.jsonl" is put beside it
    // A host at its limits needs many seconds to start a program; one that dies is told at once.
    std::chrono::milliseconds hello_within{30'000};
    std::chrono::milliseconds silence{60000};
    std::chrono::milliseconds total{1800000};
};

// How a worker ended; comes exactly once per start(), after the process and all its children are
// gone.
struct WorkerEnd {
    protocol::Outcome
        outcome;             // of a worker that died, broke the protocol or was silent: our error
    bool stopped = false;    // we asked it to stop
    int redactions = 0;      // how many secrets were replaced in log and recording
    std::string last_lines;  // of the raw output, redacted, at most 4 KiB
};

class Worker {
  public:
    virtual ~Worker() = default;
    virtual void send(const protocol::FromStation& message) = 0;
    virtual void add_secret(const base::Secret& secret) = 0;  // before it is sent
    // Stop ladder: stop line, then SIGTERM, then everything of the job is killed.
    virtual void stop(std::string reason, std::chrono::milliseconds grace) = 0;
};

struct WorkerEvents {
    std::function<void(const protocol::FromWorker&)> message;  // everything but Hello and Outcome
    std::function<void(const protocol::Hello&)> hello;
    std::function<void(WorkerEnd)> end;
};

// Starts workers and keeps the helper's connection. The fake of the engine's tests implements this
// too.
class Launcher {
  public:
    virtual ~Launcher() = default;
    // Never fails at once: a worker that cannot be started ends with worker.spawn or helper.lost.
    [[nodiscard]] virtual std::shared_ptr<Worker> start(WorkerSpec spec, WorkerEvents events) = 0;
    // Kills what is left of `job` and closes its lane; `done` after nothing of it is left.
    virtual void clean(std::int64_t job, std::function<void(base::Status)> done) = 0;
    // Makes the output of build job `job` the cached image `key`, atomically.
    virtual void publish_image(std::int64_t job, std::string key,
                               std::function<void(base::Status)> done) = 0;
    // Switches the power of one port of a hub, both halves of it, and makes sure that it did.
    // Errors: power.failed, helper.refused (helper.toml does not allow it), helper.lost.
    virtual void switch_port(const std::string& port, bool on,
                             std::function<void(base::Status)> done) = 0;
};

}  // namespace lineside::process
