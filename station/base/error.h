// SPDX-License-Identifier: Apache-2.0
// Errors are values. Every function that can fail returns Result<T>; exceptions are for bugs and
// out-of-memory only. An Error carries a code of the closed list in codes.h, who is to blame, one
// plain sentence, and what to do about it. Error texts never contain a secret.
// Thread: any (plain values).
#pragma once

#include <tl/expected.hpp>

#include <string>
#include <string_view>

namespace lineside::base {

// Whom an error blames. It decides the outcome of a job: unit -> FAIL, operator_ -> ABORTED,
// everything else -> ERROR.
enum class Kind { unit, station, operator_, config };

[[nodiscard]] std::string_view to_text(Kind kind);
// Unknown text gives Kind::station: a stranger's word never blames a unit.
[[nodiscard]] Kind kind_from_text(std::string_view text);

struct [[nodiscard]] Error {
    std::string code;  // "area.what", see codes.h
    Kind kind = Kind::station;
    std::string message;  // one plain sentence, what is so
    std::string hint;     // what to do, imperative; may be empty
    bool retry = false;   // can trying again help?
};

template <typename T>
using Result = tl::expected<T, Error>;
using Status = Result<void>;

// An error whose kind, hint and retry come from the table of codes.h; `message` replaces its
// sentence.
[[nodiscard]] Error make_error(std::string_view code, std::string message = {});
[[nodiscard]] tl::unexpected<Error> fail(std::string_view code, std::string message = {});
// As fail(), with strerror(error_number) added: "cannot open /x: No such file or directory".
[[nodiscard]] tl::unexpected<Error> fail_errno(std::string_view code, std::string_view doing,
                                               int error_number);
// As fail_errno, but disk.full where the error number says that there was no room.
[[nodiscard]] tl::unexpected<Error> fail_writing(std::string_view code, std::string_view doing,
                                                 int error_number);
// True for the error numbers of a disk, or a quota, without room.
[[nodiscard]] bool no_room(int error_number);
// The same error told with what was being done: "<doing>: <message>".
[[nodiscard]] tl::unexpected<Error> with_context(Error error, std::string_view doing);

}  // namespace lineside::base
