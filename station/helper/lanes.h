// SPDX-License-Identifier: Apache-2.0
// The folders of lanes and images on disk, and the slow work on them (removing a tree, publishing
// an image), which runs in short-lived child processes so that the helper's loop never waits for a
// disk.
//   <lanes>/<job>/{upper,work,copy,out}   <lanes>/.trash-<n>   <images>/<key>
// A lane that is given up is renamed to .trash-<n> at once and removed behind the scenes.
// What survives a crash: folders; sweep() at the next start removes all of them.
// Thread: the helper's only one.
#pragma once

#include "station/base/error.h"
#include "station/base/unique_fd.h"
#include "station/helper/config.h"
#include "station/helper/task.h"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace lineside::helper {

class Lanes {
  public:
    explicit Lanes(const Config& config) : config_(config) {}

    // Locks <lanes> against a second helper and moves whatever a former one left into the trash.
    [[nodiscard]] base::Status open();
    // Makes <lanes>/<job> with its parts, owned by `owner`; existing parts stay as they are.
    [[nodiscard]] base::Status make(std::int64_t job, const Account& owner, bool with_output);
    [[nodiscard]] std::string folder(std::int64_t job) const;
    [[nodiscard]] bool exists(std::int64_t job) const;
    // Moves the lane (or an image) out of sight at once and removes it in a child. Nothing there is
    // not an error.
    [[nodiscard]] base::Result<Task> discard(std::int64_t job);
    [[nodiscard]] base::Result<Task> discard_image(const std::string& key);
    // Removes the trash of a former helper; once, after open().
    [[nodiscard]] base::Result<Task> sweep();
    // Makes <lanes>/<job>/out the image `key`: root's, synced, in one rename. An image of that key
    // that exists is kept.
    [[nodiscard]] base::Result<Task> publish(std::int64_t job, const std::string& key);
    [[nodiscard]] std::vector<std::int64_t> jobs_with_lane() const;
    [[nodiscard]] std::string image_folder(const std::string& key) const;

  private:
    [[nodiscard]] base::Result<std::string> to_trash(const std::string& path);
    [[nodiscard]] base::Result<Task> remove(std::vector<std::string> trees) const;

    const Config& config_;
    base::UniqueFd lock_;
    std::uint64_t next_trash_ = 1;
};

}  // namespace lineside::helper
