// SPDX-License-Identifier: Apache-2.0
// A line of a GPIO chip, by libgpiod. The only file that knows its version 1 API.
#include "station/power/ways.h"

#include <fmt/format.h>
#include <gpiod.h>

#include <cerrno>
#include <filesystem>
#include <string>
#include <system_error>

namespace lineside::power {
namespace {

constexpr const char* kConsumer = "lineside";

struct CloseChip {
    void operator()(gpiod_chip* chip) const { gpiod_chip_close(chip); }  // its lines, too
};

using Chip = std::unique_ptr<gpiod_chip, CloseChip>;

// The chip of this label, name or path. libgpiod's own search ends at the first chip of the host
// that may not be opened, whose ever it is. Sets errno.
Chip find_chip(const std::string& called) {
    if (called.starts_with('/')) {
        return Chip(gpiod_chip_open(called.c_str()));
    }
    int why = ENOENT;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator("/dev", error)) {
        if (!entry.path().filename().string().starts_with("gpiochip")) {
            continue;
        }
        Chip chip(gpiod_chip_open(entry.path().c_str()));
        if (!chip) {
            why = errno;
        } else if (called == gpiod_chip_label(chip.get()) ||
                   called == gpiod_chip_name(chip.get())) {
            return chip;
        }
    }
    errno = why;
    return nullptr;
}

class Gpio final : public Way {
  public:
    explicit Gpio(const SwitchPlan& plan) : plan_(plan) {}

    // A line keeps its value only while it is held, so it stays held from the first time on.
    base::Status set(bool on, Until /*until*/) override {
        const int value = on == plan_.active_is_on ? 1 : 0;
        if (held_) {
            if (gpiod_line_set_value(line_, value) == 0) {
                return {};
            }
            held_.reset();  // the adapter was unplugged: another try opens it anew
        }
        Chip chip = find_chip(plan_.chip);
        if (!chip) {
            return failed("cannot be opened", errno);
        }
        line_ = gpiod_chip_get_line(chip.get(), plan_.line);
        if (line_ == nullptr) {
            return failed("has no such line", errno);
        }
        const int flags = plan_.active_low ? GPIOD_LINE_REQUEST_FLAG_ACTIVE_LOW : 0;
        if (gpiod_line_request_output_flags(line_, kConsumer, flags, value) != 0) {
            return failed("does not give the line", errno);
        }
        held_ = std::move(chip);
        return {};
    }

  private:
    [[nodiscard]] base::Status failed(std::string_view how, int number) const {
        return base::fail_errno(
            "power.failed", fmt::format("GPIO {} line {} {}", plan_.chip, plan_.line, how), number);
    }
    const SwitchPlan plan_;
    Chip held_;
    gpiod_line* line_ = nullptr;  // the chip's
};

}  // namespace

std::unique_ptr<Way> gpio_way(const SwitchPlan& plan) {
    return std::make_unique<Gpio>(plan);
}

}  // namespace lineside::power
