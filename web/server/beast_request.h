// SPDX-License-Identifier: Apache-2.0
// From Beast's parsed head and errors to our own types. Included by connection.cpp only, so that
// Beast's templates stay in one file. Internal to web/server. Thread: any (pure).
#pragma once

#include "station/base/text.h"
#include "web/server/admission.h"
#include "web/server/http.h"

#include <boost/beast/http/error.hpp>
#include <boost/beast/http/fields.hpp>
#include <boost/beast/http/message.hpp>

namespace lineside::web {

inline Verb verb_of(boost::beast::http::verb verb) {
    namespace http = boost::beast::http;
    switch (verb) {
        case http::verb::get:
            return Verb::get;
        case http::verb::head:
            return Verb::head;
        case http::verb::post:
            return Verb::post;
        case http::verb::put:
            return Verb::put;
        case http::verb::delete_:
            return Verb::del;
        default:
            return Verb::other;
    }
}

// Verb and headers; names in lower case.
inline Request request_of(const boost::beast::http::request_header<>& head) {
    Request request;
    request.verb = verb_of(head.method());
    for (const auto& field : head) {
        const auto name = field.name_string();
        const auto value = field.value();
        request.headers.push_back({base::to_lower_ascii({name.data(), name.size()}),
                                   std::string(value.data(), value.size())});
    }
    return request;
}

template <typename Parser>
Framed framed_of(const Parser& parser) {
    const auto& head = parser.get();
    Framed framed;
    framed.version = head.version();
    framed.target = {head.target().data(), head.target().size()};
    framed.chunked = parser.chunked();
    if (const auto length = parser.content_length()) {
        framed.length = *length;
    }
    return framed;
}

// What came is no HTTP (and not: it ended, or the socket failed).
inline bool is_nonsense(boost::system::error_code ec) {
    namespace http = boost::beast::http;
    static const auto& parser = make_error_code(http::error::bad_method).category();
    return ec && ec.category() == parser && ec != http::error::end_of_stream &&
           ec != http::error::partial_message;
}

// The beginning of what was received, at most so much as a request line may have.
template <class Buffer>
std::string_view start_of(const Buffer& buffer) {
    return {static_cast<const char*>(buffer.data().data()),
            std::min<std::size_t>(buffer.size(), 8192)};
}

// Beast calls every request line that does not end in " HTTP/1.x" one of another version.
inline bool names_a_version(std::string_view received) {
    const std::string_view line = received.substr(0, received.find("\r\n"));
    const auto digit = [](char c) { return c >= '0' && c <= '9'; };
    const std::size_t at = line.size() < 9 ? 0 : line.size() - 9;
    return line.size() < received.size() && std::count(line.begin(), line.end(), ' ') == 2 &&
           line.substr(at, 6) == " HTTP/" && digit(line[at + 6]) && line[at + 7] == '.' &&
           digit(line[at + 8]);
}

}  // namespace lineside::web
