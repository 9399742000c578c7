// SPDX-License-Identifier: Apache-2.0
// The checks of `lineside doctor` for the page: on a thread of their own, because one may hang (a
// disk or a mount that does not answer), and bounded in time. Who asks while they run gets the same
// answer.   Thread: the io_context's.   Lifetime: a check that hangs does not hold up the end.
#pragma once

#include "station/doctor/doctor.h"

#include "station/base/json.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <span>
#include <vector>

namespace lineside::doctor {

class HostDoctor {
  public:
    using Done = std::function<void(base::Result<base::Json>)>;
    // `list`: for tests.
    HostDoctor(boost::asio::io_context& loop, Options options,
               std::chrono::milliseconds patience = std::chrono::seconds(10),
               std::span<const Check> list = checks());
    ~HostDoctor();
    HostDoctor(const HostDoctor&) = delete;
    HostDoctor& operator=(const HostDoctor&) = delete;

    // {"verdict":"fit|unfit","findings":[{"code","weight","cause","mend"}],"took_ms"}. A check that
    // does not end in time is a finding of its own, and those behind it are not told.
    // Errors: http.busy (too many ask).
    void look(Done done);

  private:
    struct Look;
    void answer(bool late);

    boost::asio::io_context& loop_;
    Options options_;
    std::chrono::milliseconds patience_;
    std::span<const Check> list_;
    std::shared_ptr<Look> look_;  // of the checks that run, or hang
    std::vector<Done> waiting_;
    bool late_ = false;
    boost::asio::steady_timer deadline_;
};

}  // namespace lineside::doctor
