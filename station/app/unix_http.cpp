// SPDX-License-Identifier: Apache-2.0
#include "station/app/unix_http.h"

#include "station/base/json.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include <array>

namespace lineside::app {
namespace {

namespace http = boost::beast::http;

base::Error problem_of(unsigned status, const std::string& body) {
    base::Error error =
        base::make_error("request.refused", fmt::format("the station answered {}", status));
    if (auto json = base::parse_json(body, 4 * 1024 * 1024)) {
        error.code = base::field_or<std::string>(*json, "code", error.code).value_or(error.code);
        const auto detail = base::field_or<std::string>(*json, "detail", "").value_or("");
        const auto title = base::field_or<std::string>(*json, "title", "").value_or("");
        error.message = !detail.empty() ? detail : (!title.empty() ? title : error.message);
        error.hint = base::field_or<std::string>(*json, "hint", "").value_or("");
    }
    return error;
}

}  // namespace

std::string encode(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
        out += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return out;
}

base::Result<HttpAnswer> ask(const std::string& socket_path, const HttpAsk& what) {
    boost::asio::io_context context;
    boost::asio::local::stream_protocol::socket socket(context);
    boost::system::error_code error;
    socket.connect(socket_path, error);
    if (error) {
        return base::fail("config.missing", fmt::format("no station answers at {}: {}", socket_path,
                                                        error.message()));
    }
    http::request<http::string_body> request{http::string_to_verb(what.method), what.target, 11};
    request.set(http::field::host, "localhost");
    request.set("X-Lineside", "1");
    request.set(http::field::connection, "close");
    if (!what.content_type.empty()) {
        request.set(http::field::content_type, what.content_type);
        request.body() = what.body;
    }
    request.prepare_payload();
    http::write(socket, request, error);
    if (error) {
        return base::fail("request.refused",
                          "the station did not take the request: " + error.message());
    }
    boost::beast::flat_buffer buffer;
    http::response_parser<http::buffer_body> parser;
    parser.body_limit(boost::none);
    http::read_header(socket, buffer, parser, error);
    if (error) {
        return base::fail("request.refused", "the station gave no answer: " + error.message());
    }
    HttpAnswer answer;
    answer.status = parser.get().result_int();
    answer.anchor = std::string(parser.get()["Lineside-Anchor"]);
    const bool good = answer.status < 300;
    std::array<char, 65536> piece{};
    while (!parser.is_done()) {
        parser.get().body().data = piece.data();
        parser.get().body().size = piece.size();
        http::read(socket, buffer, parser, error);
        if (error && error != http::error::need_buffer) {
            return base::fail("request.refused", "the answer broke off: " + error.message());
        }
        const std::string_view got(piece.data(), piece.size() - parser.get().body().size);
        if (good && what.sink) {
            if (!what.sink(got)) {
                return base::fail("disk.full", "the output cannot be written");
            }
        } else {
            answer.body += got;
        }
    }
    if (!good) {
        base::Error refused = problem_of(answer.status, answer.body);
        // A refused batch tells its lines in the body, which the caller prints.
        if (refused.code == "batch.refused" || refused.code == "batch.invalid") {
            return answer;
        }
        return tl::unexpected<base::Error>(std::move(refused));
    }
    return answer;
}

}  // namespace lineside::app
