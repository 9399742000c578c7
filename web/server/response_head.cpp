// SPDX-License-Identifier: Apache-2.0
#include "web/server/response_head.h"

#include "station/base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>

namespace lineside::web {
namespace {

// No script, style or frame but our own files; nothing inline; nobody may frame us.
constexpr std::string_view kPolicy =
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action "
    "'self'; "
    "frame-ancestors 'none'";

constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kSecurity{{
    {"Content-Security-Policy", kPolicy},
    {"X-Content-Type-Options", "nosniff"},
    {"X-Frame-Options", "DENY"},
    {"Referrer-Policy", "no-referrer"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
}};

// A header value never ends its line, whatever a route puts into it.
std::string one_line(std::string_view value) {
    std::string text(value);
    std::erase_if(text, [](char c) {
        return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
    });
    return text;
}

bool has(const Response& response, std::string_view name) {
    return std::any_of(response.headers.begin(), response.headers.end(), [&](const Header& h) {
        return base::to_lower_ascii(h.name) == base::to_lower_ascii(name);
    });
}

}  // namespace

std::string_view reason_phrase(unsigned status) {
    switch (status) {
        case 200:
            return "OK";
        case 201:
            return "Created";
        case 202:
            return "Accepted";
        case 204:
            return "No Content";
        case 206:
            return "Partial Content";
        case 304:
            return "Not Modified";
        case 308:
            return "Permanent Redirect";
        case 400:
            return "Bad Request";
        case 401:
            return "Unauthorized";
        case 403:
            return "Forbidden";
        case 404:
            return "Not Found";
        case 405:
            return "Method Not Allowed";
        case 408:
            return "Request Timeout";
        case 409:
            return "Conflict";
        case 411:
            return "Length Required";
        case 413:
            return "Content Too Large";
        case 414:
            return "URI Too Long";
        case 415:
            return "Unsupported Media Type";
        case 421:
            return "Misdirected Request";
        case 422:
            return "Unprocessable Content";
        case 429:
            return "Too Many Requests";
        case 431:
            return "Request Header Fields Too Large";
        case 500:
            return "Internal Server Error";
        case 503:
            return "Service Unavailable";
        case 505:
            return "HTTP Version Not Supported";
        case 507:
            return "Insufficient Storage";
        default:
            return "Other";
    }
}

std::string http_date(std::int64_t unix_seconds) {
    constexpr std::array kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    constexpr std::array kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                 "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const std::time_t when = unix_seconds;
    std::tm tm{};
    ::gmtime_r(&when, &tm);
    return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
                       kDays[static_cast<std::size_t>(tm.tm_wday)], tm.tm_mday,
                       kMonths[static_cast<std::size_t>(tm.tm_mon)], tm.tm_year + 1900, tm.tm_hour,
                       tm.tm_min, tm.tm_sec);
}

Framing framing_of(const Response& response, unsigned version) {
    Framing framing;
    framing.version = version;
    if (response.source) {
        framing.length = response.source->length();
        framing.chunked = !framing.length && version == 11;
    } else if (!response.push) {
        framing.length = response.payload().size();
    }
    framing.keep_alive = !response.close && (framing.length || framing.chunked);
    return framing;
}

std::string response_head(const Response& response, const Framing& framing) {
    std::string head;
    head.reserve(1024);
    const auto add = [&head](std::string_view name, std::string_view value) {
        head.append(name).append(": ").append(value).append("\r\n");
    };
    head = fmt::format("HTTP/1.1 {} {}\r\n", response.status, reason_phrase(response.status));
    add("Date", http_date(std::time(nullptr)));
    if (!response.content_type.empty()) {
        add("Content-Type", one_line(response.content_type));
    }
    if (framing.length && response.status != 204 && response.status != 304) {
        add("Content-Length", fmt::format("{}", *framing.length));
    }
    if (framing.chunked) {
        add("Transfer-Encoding", "chunked");
    }
    if (!framing.keep_alive) {
        add("Connection", "close");
    } else if (framing.version == 10) {
        add("Connection", "keep-alive");
    }
    if (!has(response, "Cache-Control")) {
        add("Cache-Control", "no-store");
    }
    for (const auto& [name, value] : kSecurity) {
        add(name, value);
    }
    if (framing.strict_transport) {
        add("Strict-Transport-Security", "max-age=31536000");
    }
    for (const Header& header : response.headers) {
        add(one_line(header.name), one_line(header.value));
    }
    head += "\r\n";
    return head;
}

}  // namespace lineside::web
