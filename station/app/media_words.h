// SPDX-License-Identifier: Apache-2.0
// What the commands that write media have in common: verdicts, errors, and how they are stopped.
// Thread: the command's.
#pragma once

#include "station/base/json.h"

#include <atomic>
#include <functional>
#include <vector>

namespace lineside::app {

// Of one target: PASS (proven), UNPROVEN, FAIL (the medium's fault), ABORTED or ERROR.
[[nodiscard]] std::string_view verdict_of(const base::Status& status, bool proven);
// {"code","message","hint"}
[[nodiscard]] base::Json error_json(const base::Error& error);
// Tells why nothing was begun, on standard error and with `json` as an object; the exit status.
[[nodiscard]] int nothing_begun(std::string_view command, const base::Error& error, bool json);

// Does each of `works` in a thread of its own, and meanwhile `tell` every second.
void side_by_side(const std::vector<std::function<void()>>& works,
                  const std::function<void()>& tell);

// What is said about the targets: a text for each as it comes, or one object at the end.
class Answers {
  public:
    explicit Answers(bool json) : json_(json) {}
    void add(bool proven, base::Json target, const std::string& text);
    [[nodiscard]] bool all_passed() const { return all_passed_; }
    // `head` with "verdict" and "targets" added.
    void give(base::Json head) const;

  private:
    bool json_;
    bool all_passed_ = true;
    base::Json targets_ = base::Json::array();
};

// Set by SIGINT and SIGTERM from the call on.
[[nodiscard]] const std::atomic<bool>& stop_on_signals();

}  // namespace lineside::app
