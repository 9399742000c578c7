// SPDX-License-Identifier: Apache-2.0
// Asks the unit for its own web page: the last sign that the software it shall sell with runs.
#include "provisioning/ssh_socket.h"
#include "provisioning/steps/steps.h"

#include <sys/socket.h>

namespace lineside::provisioning {
namespace {

using Clock = std::chrono::steady_clock;

constexpr milliseconds kConnectWithin{3'000};
constexpr milliseconds kAnswerWithin{10'000};
constexpr milliseconds kBetween{500};
constexpr std::size_t kHead = 1024;
constexpr std::size_t kPage = 256 * 1024;

class HttpCheck final : public Step {
  public:
    base::Status apply(StepContext& context) override {
        const auto until = Clock::now() + context.seconds("within_s");
        std::string last;
        for (;;) {
            auto status = ask(context);
            if (!status) {
                return tl::unexpected(status.error());
            }
            if (status->empty()) {
                return {};
            }
            last = *status;
            if (Clock::now() >= until) {
                return context.failed("the unit's web page: " + last);
            }
            if (auto paused = context.station().pause(kBetween); !paused) {
                return paused;
            }
        }
    }

  private:
    // "" when the answer is as wanted, else what came instead.
    static base::Result<std::string> ask(StepContext& context) {
        worker::Station& station = context.station();
        const Waiter waiter = [&](pollfd& ready, milliseconds most) {
            station.wait({&ready, 1}, most);
            station.keep_alive();
            return station.check();
        };
        SshTarget target;
        target.address = context.text("address");
        target.port = static_cast<std::uint16_t>(context.seconds("http_port").count());
        target.ifname = station.net().empty() ? "" : station.net().front();
        auto socket = connect_socket(target, kConnectWithin, waiter);
        if (!socket) {
            if (socket.error().why == ConnectError::Why::stopped) {
                return tl::unexpected(socket.error().stop);
            }
            return socket.error().message;
        }
        const std::string request = fmt::format(
            "GET {} HTTP/1.0\r\nHost: unit\r\nConnection: close\r\n\r\n", context.text("path"));
        if (::send(socket->get(), request.data(), request.size(), MSG_NOSIGNAL) !=
            static_cast<ssize_t>(request.size())) {
            return std::string("the request could not be sent");
        }
        auto answer = read_answer(context, waiter, socket->get());
        if (!answer) {
            return tl::unexpected(answer.error());
        }
        if (!answer->starts_with("HTTP/1.") || answer->size() < 12) {
            return std::string("no HTTP answer");
        }
        const std::string status = answer->substr(9, 3);
        if (status != std::to_string(context.seconds("status").count())) {
            return "status " + status;
        }
        const auto body = answer->find("\r\n\r\n");
        const std::string text = context.text("text");
        if (!text.empty() &&
            (body == std::string::npos || answer->find(text, body + 4) == std::string::npos)) {
            return fmt::format("the page does not hold \"{}\"", text);
        }
        return std::string();
    }

    // The first line; where a text is wanted the whole page, at most kPage.
    static base::Result<std::string> read_answer(StepContext& context, const Waiter& waiter,
                                                 int socket) {
        const bool whole = !context.text("text").empty();
        std::string answer;
        const auto until = Clock::now() + kAnswerWithin;
        while (answer.size() < (whole ? kPage : kHead) && Clock::now() < until &&
               (whole || answer.find("\r\n") == std::string::npos)) {
            pollfd ready{socket, POLLIN, 0};
            if (auto waited = waiter(ready, milliseconds(100)); !waited) {
                return tl::unexpected(waited.error());
            }
            char bytes[kHead];
            const auto got = ::recv(socket, bytes, sizeof bytes, MSG_DONTWAIT);
            if (got == 0) {
                break;
            }
            if (got > 0) {
                answer.append(bytes, static_cast<std::size_t>(got));
            }
        }
        return answer;
    }
};

}  // namespace

std::unique_ptr<Step> make_http_check() {
    return std::make_unique<HttpCheck>();
}

}  // namespace lineside::provisioning
