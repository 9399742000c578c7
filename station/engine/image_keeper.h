// SPDX-License-Identifier: Apache-2.0
// Finds or builds the image of a profile and verifies it before a unit starts under it: content
// key, then a verified hit in the cache or one `flash.sh --no-flash`, published atomically by the
// helper. One at a time; equal wishes share one answer. The work is done by the image-build worker.
// Owned by the engine. Thread: the io_context's.
#pragma once

#include "station/engine/context.h"

#include <boost/asio/steady_timer.hpp>

#include <deque>
#include <functional>

namespace lineside::engine {

struct ReadyImage {
    base::ImageRow row;
    std::string key;
    std::string digest;
    base::Json in_force = base::Json::object();  // what was done before the flash, no secrets
};

class ImageKeeper {
  public:
    using Done = std::function<void(base::Result<ReadyImage>)>;
    explicit ImageKeeper(Context& context, std::function<void()> changed);

    // `locked_key`: an order that is open already keeps its image, whatever the tree has become.
    void want(const core::Profile& profile, std::string locked_key, Done done);

    struct Work {
        std::string word;  // "Building image"
        std::optional<int> percent;
    };
    [[nodiscard]] std::optional<Work> work() const;  // nothing while idle

  private:
    struct Wish {
        const core::Profile* profile;
        std::string locked_key;
        Done done;
        int tries = 0;
        bool disk_failed = false;  // a commit was refused and an alarm says so
    };
    struct Run;
    using OnResult = std::function<void(base::Result<base::Json>)>;
    void next();
    void finish(base::Result<ReadyImage> result);
    void again_after(std::chrono::milliseconds wait, std::function<void()> what);
    void wait_for_disk(const base::Error& why, std::function<void()> what);
    void find(const std::string& key);
    void verify(const std::string& key);
    void build(const std::string& key);
    void record(const std::string& key, const base::Json& built, bool really_built);
    void drop_lane();
    void run_worker(const std::string& mode, const std::string& word, const std::string& key,
                    OnResult done);

    Context& context_;
    std::function<void()> changed_;
    std::deque<Wish> wishes_;
    bool busy_ = false;
    std::string word_;
    int percent_ = 0;
    double weight_before_ = 0;
    double weight_now_ = 0;
    std::int64_t worker_job_ = 0;
    int runs_ = 0;
    std::shared_ptr<process::Worker> worker_;
    boost::asio::steady_timer again_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);

  public:
    ~ImageKeeper() { *alive_ = false; }
    ImageKeeper(const ImageKeeper&) = delete;
    ImageKeeper& operator=(const ImageKeeper&) = delete;
};

}  // namespace lineside::engine
