// SPDX-License-Identifier: Apache-2.0
// A relay board on a serial line: some bytes switch on, others off, and it may answer.
#include "station/base/unique_fd.h"
#include "station/power/serial_frame.h"
#include "station/power/ways.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <map>
#include <mutex>

namespace lineside::power {
namespace {

constexpr std::size_t kMostHeard = 256;

// Slots share a board: what is said to it must not mix.
std::shared_ptr<std::timed_mutex> turn_at(const std::string& device) {
    static std::mutex guard;
    static std::map<std::string, std::shared_ptr<std::timed_mutex>> all;
    const std::lock_guard hold(guard);
    auto& turn = all[device];
    if (!turn) {
        turn = std::make_shared<std::timed_mutex>();
    }
    return turn;
}

std::string in_hex(std::string_view bytes) {
    std::string out;
    for (const char c : bytes) {
        out += fmt::format("{}{:02x}", out.empty() ? "" : " ", static_cast<unsigned char>(c));
    }
    return out;
}

class SerialRelay final : public Way {
  public:
    explicit SerialRelay(const SwitchPlan& plan)
        : plan_(plan), turn_(turn_at(plan.device)), format_(serial_format(plan.baud, plan.frame)) {}

    base::Status set(bool on, Until until) override {
        const std::unique_lock turn(*turn_, until);
        if (!turn) {
            return base::fail("power.failed",
                              fmt::format("Relay {} is busy with other slots", plan_.device));
        }
        const base::UniqueFd tty(
            ::open(plan_.device.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
        if (!tty || !set_up(tty.get())) {
            return base::fail_errno("power.failed", "Relay " + plan_.device, errno);
        }
        if (auto sent = send(tty.get(), on ? plan_.on_bytes : plan_.off_bytes, until); !sent) {
            return sent;
        }
        return hear(tty.get(), on ? plan_.on_answer : plan_.off_answer, until);
    }

  private:
    bool set_up(int tty) {
        termios settings{};
        if (!format_ || ::ioctl(tty, TIOCEXCL) != 0 || ::tcgetattr(tty, &settings) != 0) {
            return false;
        }
        ::cfmakeraw(&settings);
        // Without HUPCL: boards that reset when the line is hung up would switch all they have.
        settings.c_cflag &= ~static_cast<tcflag_t>(CSIZE | PARENB | PARODD | CSTOPB | HUPCL);
        settings.c_cflag |= format_->flags | CREAD | CLOCAL;
        ::cfsetispeed(&settings, format_->speed);
        ::cfsetospeed(&settings, format_->speed);
        return ::tcsetattr(tty, TCSANOW, &settings) == 0 && ::tcflush(tty, TCIFLUSH) == 0;
    }
    base::Status send(int tty, std::string_view bytes, Until until) {
        while (!bytes.empty()) {
            pollfd wanted{tty, POLLOUT, 0};
            if (::poll(&wanted, 1, left_ms(until)) <= 0) {
                return base::fail("power.failed",
                                  fmt::format("Relay {} takes nothing", plan_.device));
            }
            const ssize_t count = ::write(tty, bytes.data(), bytes.size());
            if (count < 0 && errno != EAGAIN && errno != EINTR) {
                return base::fail_errno("power.failed", "Relay " + plan_.device, errno);
            }
            bytes.remove_prefix(count > 0 ? static_cast<std::size_t>(count) : 0);
        }
        ::tcdrain(tty);  // what a closed line had not sent yet is lost
        return {};
    }
    base::Status hear(int tty, const std::string& wanted_answer, Until until) {
        std::string heard;
        while (heard.find(wanted_answer) == std::string::npos) {
            pollfd wanted{tty, POLLIN, 0};
            const int ready = ::poll(&wanted, 1, left_ms(until));
            std::array<char, 64> bytes{};
            const ssize_t count = ready > 0 ? ::read(tty, bytes.data(), bytes.size()) : 0;
            if (count > 0) {
                heard.append(bytes.data(), static_cast<std::size_t>(count));
            }
            const bool broken = count < 0 && errno != EAGAIN && errno != EINTR;
            if (ready <= 0 || broken || (wanted.revents & POLLHUP) != 0 ||
                heard.size() > kMostHeard) {
                return base::fail(
                    "power.failed",
                    fmt::format("Relay {} did not answer {}{}", plan_.device, in_hex(wanted_answer),
                                heard.empty() ? "" : " but " + in_hex(heard.substr(0, 32))));
            }
        }
        return {};
    }

    const SwitchPlan plan_;
    std::shared_ptr<std::timed_mutex> turn_;
    std::optional<SerialFormat> format_;
};

}  // namespace

std::unique_ptr<Way> serial_way(const SwitchPlan& plan) {
    return std::make_unique<SerialRelay>(plan);
}

}  // namespace lineside::power
