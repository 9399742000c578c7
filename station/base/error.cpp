// SPDX-License-Identifier: Apache-2.0
#include "station/base/error.h"

#include "station/base/codes.h"

#include <fmt/format.h>

#include <cerrno>
#include <system_error>

namespace lineside::base {

std::string_view to_text(Kind kind) {
    switch (kind) {
        case Kind::unit:
            return "unit";
        case Kind::station:
            return "station";
        case Kind::operator_:
            return "operator";
        case Kind::config:
            return "config";
    }
    return "station";
}

Kind kind_from_text(std::string_view text) {
    if (text == "unit") {
        return Kind::unit;
    }
    if (text == "operator") {
        return Kind::operator_;
    }
    if (text == "config") {
        return Kind::config;
    }
    return Kind::station;
}

Error make_error(std::string_view code, std::string message) {
    const CodeEntry& entry = code_entry(code);
    Error error;
    error.code = code;
    error.kind = entry.kind;
    error.message = message.empty() ? std::string(entry.sentence) : std::move(message);
    error.hint = entry.action;
    error.retry = entry.retry;
    return error;
}

tl::unexpected<Error> fail(std::string_view code, std::string message) {
    return tl::unexpected<Error>(make_error(code, std::move(message)));
}

tl::unexpected<Error> fail_errno(std::string_view code, std::string_view doing, int error_number) {
    return fail(code,
                fmt::format("{}: {}", doing,
                            std::error_code(error_number, std::generic_category()).message()));
}

bool no_room(int error_number) {
    return error_number == ENOSPC || error_number == EDQUOT;
}

tl::unexpected<Error> fail_writing(std::string_view code, std::string_view doing,
                                   int error_number) {
    return fail_errno(no_room(error_number) ? "disk.full" : code, doing, error_number);
}

tl::unexpected<Error> with_context(Error error, std::string_view doing) {
    error.message = fmt::format("{}: {}", doing, error.message);
    return tl::unexpected<Error>(std::move(error));
}

}  // namespace lineside::base
