// SPDX-License-Identifier: Apache-2.0
#include "provisioning/fields.h"

#include "station/base/text.h"

#include <arpa/inet.h>

#include <algorithm>

namespace lineside::provisioning {
namespace {

constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr std::string_view kDigits = "0123456789";

bool is_printable(std::string_view text, char first) {
    return std::all_of(text.begin(), text.end(), [&](char c) { return c >= first && c <= '~'; });
}

bool is_alnum(char c) {
    return kLetters.find(c) != kLetters.npos || kDigits.find(c) != kDigits.npos;
}

// A letter or digit first, then letters, digits and `more`.
bool is_word(std::string_view text, std::size_t most, std::string_view more) {
    return !text.empty() && text.size() <= most && is_alnum(text.front()) &&
           std::all_of(text.begin(), text.end(),
                       [&](char c) { return is_alnum(c) || more.find(c) != more.npos; });
}

bool is_user(std::string_view text) {
    const auto legal = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    };
    return !text.empty() && text.size() <= 32 && text.front() != '-' &&
           kDigits.find(text.front()) == kDigits.npos &&
           std::all_of(text.begin(), text.end(), legal);
}

bool is_ipv4(std::string_view text) {
    in_addr parsed{};
    char back[INET_ADDRSTRLEN] = {};
    const std::string copy(text);
    return inet_pton(AF_INET, copy.c_str(), &parsed) == 1 &&
           inet_ntop(AF_INET, &parsed, back, sizeof back) != nullptr && text == back;
}

// One that a host may have for its own in a network.
bool is_host_ipv4(std::string_view text) {
    in_addr parsed{};
    const std::string copy(text);
    if (!is_ipv4(text) || inet_pton(AF_INET, copy.c_str(), &parsed) != 1) {
        return false;
    }
    const std::uint32_t first = ntohl(parsed.s_addr) >> 24U;
    return first != 0 && first != 127 && first < 224;
}

bool is_address(std::string_view text) {
    in6_addr parsed{};
    const std::string copy(text);
    return is_ipv4(text) || (text.size() < 46 && inet_pton(AF_INET6, copy.c_str(), &parsed) == 1);
}

bool is_ssid(std::string_view text) {
    return !text.empty() && text.size() <= 32 && std::none_of(text.begin(), text.end(), [](char c) {
        return static_cast<unsigned char>(c) < 0x20 || c == '\x7f';
    });
}

bool is_wpa(std::string_view text) {
    return text.size() >= 8 && text.size() <= 63 && is_printable(text, ' ');
}

// "host", "host:80", "10.0.0.1:80" or "[fe80::1]:80".
bool is_authority(std::string_view text) {
    const std::size_t bracket = text.starts_with('[') ? text.find(']') : 0;
    if (bracket == text.npos) {
        return false;
    }
    const std::size_t colon = text.find(':', bracket);
    const std::string_view host = text.substr(0, colon);
    if (colon != text.npos) {
        const auto port = base::to_int(text.substr(colon + 1));
        if (!port || *port < 1 || *port > 65535) {
            return false;
        }
    }
    if (bracket > 0) {
        const std::string inner(host.substr(1, bracket - 1));
        in6_addr parsed{};
        return host.size() == bracket + 1 && inet_pton(AF_INET6, inner.c_str(), &parsed) == 1;
    }
    return is_word(host, 253, "._-");
}

bool is_url(std::string_view text) {
    const auto rest = text.starts_with("https://")  ? text.substr(8)
                      : text.starts_with("http://") ? text.substr(7)
                                                    : std::string_view();
    return is_authority(rest.substr(0, rest.find_first_of("/?#"))) && text.size() <= 2048 &&
           is_printable(text, '!') && text.find_first_of("\"'`\\<>{}|^") == text.npos;
}

bool is_path(std::string_view text, bool may_be_relative) {
    if (text.empty() || text.size() > 255 || (text.front() != '/' && !may_be_relative) ||
        text.front() == '-') {
        return false;
    }
    constexpr std::string_view kMore = "._/+-";
    if (!std::all_of(text.begin(), text.end(),
                     [&](char c) { return is_alnum(c) || kMore.find(c) != kMore.npos; })) {
        return false;
    }
    const std::string framed = "/" + std::string(text) + "/";
    return framed.find("/../") == std::string::npos && framed.find("/./") == std::string::npos;
}

std::string unless(bool good, std::string_view wanted) {
    return good ? "" : std::string(wanted);
}

}  // namespace

std::string form_problem(Form form, std::string_view text) {
    switch (form) {
        case Form::user:
            return unless(is_user(text), "a user name of a-z, 0-9, _ and -");
        case Form::host_address:
            return unless(is_address(text), "an IPv4 or IPv6 address without zone");
        case Form::ipv4:
            return unless(is_host_ipv4(text), "a host's IPv4 address such as 10.0.0.1");
        case Form::ssid:
            return unless(is_ssid(text), "1 to 32 bytes without control characters");
        case Form::wpa_password:
            return unless(is_wpa(text), "8 to 63 printable ASCII characters");
        case Form::wpa_password_or_none:
            return unless(text.empty() || is_wpa(text),
                          "8 to 63 printable ASCII characters, or nothing for an "
                          "open network");
        case Form::version:
            return unless(is_word(text, 64, "._+-"), "a version of letters, digits, . _ + and -");
        case Form::serial:
            return unless(is_word(text, 64, "._-"),
                          "a serial of letters, digits, . _ and -, at most 64");
        case Form::token:
            return unless(!text.empty() && text.size() <= 4096 && is_printable(text, '!'),
                          "1 to 4096 printable ASCII characters without blanks");
        case Form::url:
            return unless(is_url(text), "an http:// or https:// address without user and password");
        case Form::develop:
            return unless(text == "true" || text == "1", "true or 1");
        case Form::script:
            return unless(is_word(text, 64, "._-"), "a file name of letters, digits, . _ and -");
        case Form::tools_dir:
            return unless(is_path(text, true), "a folder of letters, digits, . _ + - and /");
        case Form::unit_path:
        case Form::device_dir:
            return unless(is_path(text, false),
                          "an absolute path of letters, digits, . _ + - and /");
        case Form::sudo_rule:
            return unless(text == "sudo -n" || text == "sudo -S" || text == "none",
                          "\"sudo -n\", \"sudo -S\" or \"none\"");
        case Form::secret_text:
            return unless(!text.empty() && text.size() <= 4096 && is_printable(text, ' '),
                          "1 to 4096 printable ASCII characters");
        case Form::flag:
            return "true or false";
        case Form::seconds:
            return "whole seconds from 1 to 3600";
        case Form::port:
            return "a port number from 1 to 65535";
        case Form::http_status:
            return "an HTTP status from 100 to 599";
        case Form::phrase:
            return unless(!text.empty() && text.size() <= 200 && is_printable(text, ' '),
                          "1 to 200 printable ASCII characters");
    }
    return "something else";
}

std::string form_problem(Form form, const base::Json& value) {
    const auto whole = [&](std::int64_t most, std::int64_t least = 1) {
        return value.is_number_integer() && value.get<std::int64_t>() >= least &&
               value.get<std::int64_t>() <= most;
    };
    switch (form) {
        case Form::flag:
            return unless(value.is_boolean(), form_problem(form, std::string_view()));
        case Form::develop:
            return value.is_boolean() || (value.is_number_integer() && value == 1)
                       ? ""
                       : form_problem(form,
                                      value.is_string()
                                          ? std::string_view(value.get_ref<const std::string&>())
                                          : std::string_view());
        case Form::seconds:
            return unless(whole(3600), form_problem(form, std::string_view()));
        case Form::http_status:
            return unless(whole(599, 100), form_problem(form, std::string_view()));
        case Form::port:
            return unless(whole(65535), form_problem(form, std::string_view()));
        default:
            return value.is_string()
                       ? form_problem(form, std::string_view(value.get_ref<const std::string&>()))
                       : "a text";
    }
}

std::string_view form_source(Form form) {
    switch (form) {
        case Form::ssid:
            return "IEEE 802.11, 9.4.2.2";
        case Form::wpa_password:
        case Form::wpa_password_or_none:
            return "IEEE 802.11, J.4.1";
        case Form::ipv4:
            return "RFC 6890";
        case Form::url:
            return "RFC 3986";
        case Form::user:
            return "useradd(8)";
        case Form::serial:
        case Form::token:
            return "as in batch files";
        case Form::develop:
            return "set-service.sh -d";
        default:
            return "";
    }
}

}  // namespace lineside::provisioning
