// SPDX-License-Identifier: Apache-2.0
#include "provisioning/shell.h"

#include <fmt/format.h>

namespace lineside::provisioning {

std::string shell_quote(std::string_view text) {
    text = text.substr(0, text.find('\0'));
    constexpr std::string_view kPlain =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+:,./_-";
    if (!text.empty() && text.find_first_not_of(kPlain) == std::string_view::npos) {
        return std::string(text);
    }
    std::string out = "'";
    for (const char c : text) {
        if (c == '\'') {
            out += "'\\''";
        } else {
            out.push_back(c);
        }
    }
    out.push_back('\'');
    return out;
}

std::string ExecEnd::how_text() const {
    switch (how) {
        case How::exited:
            return fmt::format("ended with {}", status);
        case How::signalled:
            return "was killed by signal " + signal;
        case How::silent:
            return "said nothing for too long";
        case How::overdue:
            return "took too long";
    }
    return "ended";
}

}  // namespace lineside::provisioning
