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

}  // namespace lineside::web
