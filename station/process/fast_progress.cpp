// SPDX-License-Identifier: Apache-2.0
#include "station/process/fast_progress.h"

namespace lineside::process {
namespace {

constexpr std::size_t kMaxDigits = 18;  // fits into 64 bits whatever they are
constexpr std::size_t kMaxUnit = 64;

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// A cursor over a flat object; every reader returns false for what is not plain.
class Cursor {
  public:
    explicit Cursor(std::string_view text) : text_(text) {}

    bool take(char wanted) {
        if (at_ < text_.size() && text_[at_] == wanted) {
            ++at_;
            return true;
        }
        return false;
    }
    [[nodiscard]] bool at_end() const { return at_ == text_.size(); }
    [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

    bool text(std::string_view& out) {
        if (!take('"')) {
            return false;
        }
        const std::size_t begin = at_;
        while (at_ < text_.size() && text_[at_] != '"') {
            const auto c = static_cast<unsigned char>(text_[at_]);
            if (c < 0x20 || c > 0x7e || c == '\\') {
                return false;
            }
            ++at_;
        }
        out = text_.substr(begin, at_ - begin);
        return take('"');
    }

    // A JSON number; `whole` is its value when it is a plain whole one.
    bool number(std::optional<std::uint64_t>& whole) {
        const bool negative = take('-');
        const std::size_t begin = at_;
        std::uint64_t value = 0;
        while (is_digit(peek())) {
            value = value * 10 + static_cast<std::uint64_t>(text_[at_] - '0');
            ++at_;
        }
        const std::size_t digits = at_ - begin;
        if (digits == 0 || digits > kMaxDigits || (digits > 1 && text_[begin] == '0')) {
            return false;
        }
        bool plain = !negative;
        if (take('.')) {
            plain = false;
            if (!some_digits()) {
                return false;
            }
        }
        if (peek() == 'e' || peek() == 'E') {
            return false;
        }
        whole = plain ? std::optional<std::uint64_t>(value) : std::nullopt;
        return true;
    }

  private:
    bool some_digits() {
        const std::size_t begin = at_;
        while (is_digit(peek())) {
            ++at_;
        }
        return at_ > begin;
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

struct Members {
    std::string_view event;
    std::optional<std::uint64_t> done, total;
    std::uint64_t bytes = 0;
    std::string_view unit;

    bool put(std::string_view name, std::string_view text) {
        if (name == "ev") {
            event = text;
        } else if (name == "unit") {
            unit = text;
        } else if (name == "done" || name == "total" || name == "bytes") {
            return false;
        }
        return true;
    }
    bool put(std::string_view name, const std::optional<std::uint64_t>& number) {
        if (name == "done") {
            done = number;
            return number.has_value();
        }
        if (name == "total") {
            total = number;
            return number.has_value();
        }
        if (name == "bytes") {
            bytes = number.value_or(0);
            return number.has_value();
        }
        return name != "ev" && name != "unit";
    }
};

bool read_member(Cursor& in, Members& out) {
    std::string_view name;
    if (!in.text(name) || !in.take(':')) {
        return false;
    }
    if (in.peek() == '"') {
        std::string_view value;
        return in.text(value) && out.put(name, value);
    }
    std::optional<std::uint64_t> value;
    return in.number(value) && out.put(name, value);
}

}  // namespace

std::optional<protocol::Progress> fast_progress(std::string_view line) {
    if (line.size() > protocol::kMaxLine) {
        return std::nullopt;
    }
    Cursor in(line);
    Members members;
    if (!in.take('{')) {
        return std::nullopt;
    }
    do {
        if (!read_member(in, members)) {
            return std::nullopt;
        }
    } while (in.take(','));
    if (!in.take('}') || !in.at_end() || members.event != "progress" || !members.done ||
        !members.total || members.unit.size() > kMaxUnit) {
        return std::nullopt;
    }
    protocol::Progress out;
    out.done = *members.done;
    out.total = *members.total;
    out.unit = members.unit;
    out.bytes = members.bytes;
    return out;
}

}  // namespace lineside::process
