// SPDX-License-Identifier: Apache-2.0
// Bounded field readers and the checks every message shares: lengths, names, USB ids. Private to
// workers/protocol. The bounds are those of PROTOCOL.md, "Bounds".
// Errors: protocol.invalid, naming the field.   Thread: any.
#pragma once

#include "station/base/json.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace lineside::protocol::detail {

using base::Json;

constexpr std::size_t kMaxName = 64;
constexpr std::size_t kMaxText = 8192;
constexpr int kMaxDepth = 16;

// Collects the first error of a row of reads, so that a parser reads like a list of fields:
//   Fields in(object);  hello.method = in.name("method");  …;  return in.status();
// Every reader gives a harmless default after the first error.
class Fields {
  public:
    explicit Fields(const Json& object) : object_(object) {}

    [[nodiscard]] std::string text(std::string_view name, std::size_t most, bool required = true);
    // As text(), but a word: 1 to 64 of [A-Za-z0-9._:-].
    [[nodiscard]] std::string word(std::string_view name);
    [[nodiscard]] std::int64_t number(std::string_view name, std::int64_t least, std::int64_t most);
    [[nodiscard]] std::int64_t number_or(std::string_view name, std::int64_t otherwise,
                                         std::int64_t least, std::int64_t most);
    [[nodiscard]] std::uint64_t count_or(std::string_view name, std::uint64_t otherwise);
    [[nodiscard]] double real_or(std::string_view name, double otherwise, double least,
                                 double most);
    [[nodiscard]] bool flag(std::string_view name);
    [[nodiscard]] bool flag_or(std::string_view name, bool otherwise);
    [[nodiscard]] Json object(std::string_view name);
    [[nodiscard]] Json object_or_empty(std::string_view name);
    [[nodiscard]] Json any_or_null(std::string_view name);
    [[nodiscard]] bool has(std::string_view name) const;  // there and not null
    // A list of at most `most` texts of at most 64 bytes; absent is empty.
    [[nodiscard]] std::vector<std::string> texts(std::string_view name, std::size_t most);

    void refuse(std::string_view name, std::string_view wanted);
    void adopt(const base::Status& other);
    [[nodiscard]] bool good() const { return status_.has_value(); }
    [[nodiscard]] base::Status status() const { return status_; }

  private:
    template <typename T>
    T take(base::Result<T> result, T otherwise) {
        if (result) {
            return std::move(*result);
        }
        if (status_) {
            status_ = tl::unexpected(std::move(result.error()));
        }
        return otherwise;
    }
    const Json& object_;
    base::Status status_;
};

[[nodiscard]] bool is_word(std::string_view text);
[[nodiscard]] bool is_usb_id(std::string_view text);  // "0955:7e19"

// "error" of result and answer. An unknown kind is read as the station's.
[[nodiscard]] base::Result<base::Error> read_error(const Json& message);
[[nodiscard]] Json write_error(const base::Error& error);

// What result and answer have in common: whether it went well, the value, or the error.
template <typename Said>
void read_said(Fields& in, const Json& message, Said& said) {
    said.ok = in.flag("ok");
    said.value = in.any_or_null("value");
    if (in.good() && !said.ok) {
        auto error = read_error(message);
        if (error) {
            said.error = std::move(*error);
        } else {
            in.adopt(tl::unexpected(error.error()));
        }
    }
}
template <typename Said>
void write_said(Json& out, const Said& said) {
    out["ok"] = said.ok;
    if (!said.value.is_null()) {
        out["value"] = said.value;
    }
    if (!said.ok) {
        out["error"] = write_error(said.error);
    }
}

// Parses the text of one line to an object with a text member "ev".
[[nodiscard]] base::Result<Json> read_line(std::string_view line, std::size_t most);
[[nodiscard]] std::string write_line(const Json& object);

}  // namespace lineside::protocol::detail
