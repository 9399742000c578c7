// SPDX-License-Identifier: Apache-2.0
// A program of the site's that switches: its exit status 0 means done.
#include "station/power/program.h"
#include "station/power/ways.h"

namespace lineside::power {
namespace {

class Command final : public Way {
  public:
    explicit Command(const SwitchPlan& plan) : plan_(plan) {}

    base::Status set(bool on, Until until) override {
        const auto ended = run_program(on ? plan_.on_command : plan_.off_command, {}, until);
        return ended ? base::Status() : tl::unexpected<base::Error>(ended.error());
    }

  private:
    const SwitchPlan plan_;
};

}  // namespace

std::unique_ptr<Way> command_way(const SwitchPlan& plan) {
    return std::make_unique<Command>(plan);
}

}  // namespace lineside::power
