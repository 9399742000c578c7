// SPDX-License-Identifier: Apache-2.0
#include "web/server/http.h"

#include "station/base/text.h"
#include "web/server/problem.h"

#include <algorithm>

namespace lineside::web {

std::string_view to_text(Verb verb) {
    switch (verb) {
        case Verb::get:
            return "GET";
        case Verb::head:
            return "HEAD";
        case Verb::post:
            return "POST";
        case Verb::put:
            return "PUT";
        case Verb::del:
            return "DELETE";
        case Verb::other:
            break;
    }
    return "OTHER";
}

std::string_view Request::header(std::string_view name) const {
    const auto found = std::find_if(headers.begin(), headers.end(),
                                    [&](const Header& h) { return h.name == name; });
    return found == headers.end() ? std::string_view{} : std::string_view(found->value);
}

std::size_t Request::header_count(std::string_view name) const {
    return static_cast<std::size_t>(std::count_if(headers.begin(), headers.end(),
                                                  [&](const Header& h) { return h.name == name; }));
}

std::optional<std::string> Request::query_value(std::string_view name) const {
    for (const auto& [key, value] : query) {
        if (key == name) {
            return value;
        }
    }
    return std::nullopt;
}

std::string_view Request::cookie(std::string_view name) const {
    std::string_view found;
    int times = 0;
    for (const Header& each : headers) {
        if (each.name != "cookie") {
            continue;
        }
        for (const std::string_view part : base::split(std::string_view(each.value), ';')) {
            const std::string_view pair = base::trim_blanks(part);
            const auto equals = pair.find('=');
            if (equals != std::string_view::npos && pair.substr(0, equals) == name) {
                found = pair.substr(equals + 1);
                ++times;
            }
        }
    }
    return times == 1 ? found : std::string_view{};
}

std::string Request::param(std::string_view name) const {
    for (const auto& [key, value] : params) {
        if (key == name) {
            return value;
        }
    }
    return {};
}

std::int64_t Request::number(std::string_view name) const {
    return base::to_int(param(name)).value_or(0);
}

Response json_response(unsigned status, const base::Json& value) {
    return text_response(status, "application/json", base::dump_json(value));
}

Response text_response(unsigned status, std::string content_type, std::string text) {
    Response response;
    response.status = status;
    response.content_type = std::move(content_type);
    response.text = std::move(text);
    return response;
}

Reply::~Reply() {
    if (send_) {
        send(problem_response(base::make_error("station.bug", "The request was not answered")));
    }
}

void Reply::send(Response response) {
    if (auto send = std::exchange(send_, nullptr)) {
        send(std::move(response));
    }
}

void Reply::json(unsigned status, const base::Json& value) {
    send(json_response(status, value));
}

void Reply::problem(const base::Error& error) {
    send(problem_response(error));
}

void Reply::outcome(const base::Result<base::Json>& result, unsigned status) {
    if (result) {
        json(status, *result);
    } else {
        problem(result.error());
    }
}

}  // namespace lineside::web
