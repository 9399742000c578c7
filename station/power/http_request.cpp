// SPDX-License-Identifier: Apache-2.0
// A socket strip that is switched by HTTP requests. No error names the path or the login: passwords
// stand in both.
#include "station/base/files.h"
#include "station/base/secret.h"
#include "station/base/text.h"
#include "station/loop/endpoint.h"
#include "station/power/ways.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>

#include <fmt/format.h>

namespace lineside::power {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;

constexpr std::size_t kMostAnswer = 256 * 1024;
constexpr std::size_t kMostPassword = 1024;

std::string basic_login(const std::string& user, const base::Secret& password) {
    return "Basic " + base::to_base64(user + ":" + std::string(password.reveal()));
}

class HttpRequest final : public Way {
  public:
    explicit HttpRequest(const SwitchPlan& plan) : plan_(plan) {}

    base::Status set(bool on, Until until) override {
        http::request<http::string_body> request;
        request.method_string(plan_.method);
        request.target(on ? plan_.on_target : plan_.off_target);
        request.set(http::field::host, plan_.address);
        request.set(http::field::user_agent, "lineside");
        request.keep_alive(false);
        request.body() = on ? plan_.on_body : plan_.off_body;
        if (!request.body().empty()) {
            request.set(http::field::content_type, plan_.content_type);
        }
        if (!plan_.user.empty()) {
            auto password = read_password();
            if (!password) {
                return tl::unexpected<base::Error>(password.error());
            }
            request.set(http::field::authorization, basic_login(plan_.user, *password));
        }
        request.prepare_payload();
        return ask(request, until);
    }

  private:
    [[nodiscard]] base::Result<base::Secret> read_password() const {
        auto text = base::read_file(plan_.password_file, kMostPassword);
        if (!text) {
            return base::fail("power.failed",
                              "Password of the power switch: " + text.error().message);
        }
        return base::Secret(std::string(base::trim_blanks(text->substr(0, text->find('\n')))));
    }
    base::Status ask(const http::request<http::string_body>& request, Until until) {
        asio::io_context context(1);
        beast::tcp_stream stream(context);
        stream.expires_at(until);
        beast::flat_buffer buffer;
        http::response_parser<http::string_body> answer;
        answer.body_limit(kMostAnswer);
        error_code failed = asio::error::timed_out;  // until the last of them says otherwise
        const auto read = [&](error_code wrong, std::size_t /*count*/) { failed = wrong; };
        const auto written = [&](error_code wrong, std::size_t /*count*/) {
            if (wrong) {
                failed = wrong;
            } else {
                http::async_read(stream, buffer, answer, read);
            }
        };
        stream.async_connect(*loop::endpoint_of(plan_.address), [&](error_code wrong) {
            if (wrong) {
                failed = wrong;
            } else {
                http::async_write(stream, request, written);
            }
        });
        context.run_until(until);
        if (failed) {
            return base::fail("power.failed",
                              fmt::format("Power switch {}: {}", plan_.address, failed.message()));
        }
        const auto status = answer.get().result_int();
        if (status < 200 || status > 299) {
            return base::fail("power.failed",
                              fmt::format("Power switch {} answered {}", plan_.address, status));
        }
        return {};
    }

    const SwitchPlan plan_;
};

}  // namespace

std::unique_ptr<Way> http_way(const SwitchPlan& plan) {
    return std::make_unique<HttpRequest>(plan);
}

}  // namespace lineside::power
