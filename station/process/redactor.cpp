// SPDX-License-Identifier: Apache-2.0
#include "station/process/redactor.h"

#include "station/base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <optional>
#include <set>

namespace lineside::process {
namespace {

constexpr std::string_view kMask = "***";
constexpr std::size_t kMaxBackslashes = 8;   // quoting of quoting of quoting
constexpr std::size_t kMaxPercents = 3;      // %252541
constexpr std::size_t kMinEncoded = 4;       // shorter base64 would be found in every other line

// The places where reading of one element may have ended, and whether the text ran out meanwhile.
struct Ends {
    static constexpr std::size_t kMost = 32;  // more ways to read one character than there are
    std::array<std::size_t, kMost> at{};
    std::size_t count = 0;
    bool ran_out = false;
    void add(std::size_t end) {
        const auto known = at.begin() + static_cast<std::ptrdiff_t>(count);
        if (count < kMost && std::find(at.begin(), known, end) == known) {
            at[count++] = end;
        }
    }
};

bool same_letter(char a, char b) {
    return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b));
}

// Does `word` stand at `at`? -1: no; 0: so far, but the text ends; 1: yes.
int stands(std::string_view text, std::size_t at, std::string_view word, bool any_case = false) {
    for (std::size_t i = 0; i < word.size(); ++i) {
        if (at + i >= text.size()) {
            return 0;
        }
        const char c = text[at + i];
        if (any_case ? !same_letter(c, word[i]) : c != word[i]) {
            return -1;
        }
    }
    return 1;
}

void try_word(std::string_view text, std::size_t at, std::string_view word, Ends& ends, bool any_case = false) {
    const int found = stands(text, at, word, any_case);
    if (found == 1) {
        ends.add(at + word.size());
    }
    ends.ran_out = ends.ran_out || found == 0;
}

std::optional<char32_t> code_point(std::string_view bytes) {
    const auto b = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
    switch (bytes.size()) {
        case 1: return b(0) < 0x80 ? std::optional<char32_t>(b(0)) : std::nullopt;
        case 2: return (b(0) & 0x1fU) << 6 | (b(1) & 0x3fU);
        case 3: return (b(0) & 0x0fU) << 12 | (b(1) & 0x3fU) << 6 | (b(2) & 0x3fU);
        case 4: return (b(0) & 0x07U) << 18 | (b(1) & 0x3fU) << 12 | (b(2) & 0x3fU) << 6 | (b(3) & 0x3fU);
        default: return std::nullopt;
    }
}

std::size_t utf8_length(std::string_view text, std::size_t at) {
    const auto lead = static_cast<unsigned char>(text[at]);
    const std::size_t wanted = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
    if (at + wanted > text.size()) {
        return 1;
    }
    for (std::size_t i = 1; i < wanted; ++i) {
        if ((static_cast<unsigned char>(text[at + i]) & 0xc0U) != 0x80U) {
            return 1;
        }
    }
    return wanted;
}

std::string_view html_name(char c) {
    switch (c) {
        case '&': return "&amp;";
        case '<': return "&lt;";
        case '>': return "&gt;";
        case '"': return "&quot;";
        case '\'': return "&#39;";
        default: return {};
    }
}

char short_escape(char c) {
    switch (c) {
        case '\n': return 'n';
        case '\t': return 't';
        case '\r': return 'r';
        default: return '\0';
    }
}

// One character of a secret (its UTF-8 bytes) in all its quotings, prepared.
struct Element {
    std::vector<std::string> raw;      // as it is; base64 has two spellings of one character
    std::string percent;               // "%41", compared in any case
    std::string x_escape;              // "x41", any case
    std::string octal;                 // "101"
    std::string u_escape;              // "u0041" or a surrogate pair "u...." "u....", any case
    std::string u_second;
    std::string html;
    char escape = '\0';                // 'n' of "\n"
    bool quote = false;                // '
    bool backslash = false;

    explicit Element(std::string_view bytes) {
        raw.emplace_back(bytes);
        for (const char c : bytes) {
            const auto value = static_cast<unsigned char>(c);
            percent += fmt::format("%{:02x}", value);
            x_escape += fmt::format("{}x{:02x}", x_escape.empty() ? "" : "\\", value);
            octal += fmt::format("{}{:03o}", octal.empty() ? "" : "\\", value);
        }
        if (const auto point = code_point(bytes)) {
            if (*point < 0x10000) {
                u_escape = fmt::format("u{:04x}", static_cast<unsigned>(*point));
            } else {
                u_escape = fmt::format("u{:04x}", 0xd800U + static_cast<unsigned>((*point - 0x10000) >> 10));
                u_second = fmt::format("u{:04x}", 0xdc00U + static_cast<unsigned>((*point - 0x10000) & 0x3ff));
            }
        }
        if (bytes.size() == 1) {
            html = html_name(bytes[0]);
            escape = short_escape(bytes[0]);
            quote = bytes[0] == '\'';
            backslash = bytes[0] == '\\';
            if (bytes[0] == ' ') {
                raw.emplace_back("+");
            }
        }
    }

    void read_escaped(std::string_view text, std::size_t at, Ends& ends) const {
        std::size_t slashes = 0;
        while (slashes < kMaxBackslashes && at + slashes < text.size() && text[at + slashes] == '\\') {
            ++slashes;
            if (backslash) {
                ends.add(at + slashes);
            }
        }
        if (slashes == 0) {
            return;
        }
        const std::size_t after = at + slashes;
        ends.ran_out = ends.ran_out || after >= text.size();
        for (const std::string& spelling : raw) {
            try_word(text, after, spelling, ends);
        }
        try_word(text, after, x_escape, ends, true);
        try_word(text, after, octal, ends);
        if (escape != '\0') {
            try_word(text, after, std::string_view(&escape, 1), ends);
        }
        if (u_second.empty()) {
            if (!u_escape.empty()) {
                try_word(text, after, u_escape, ends, true);
            }
        } else {
            const int first = stands(text, after, u_escape, true);
            ends.ran_out = ends.ran_out || first == 0;
            std::size_t next = after + u_escape.size();
            if (first == 1) {
                while (next < text.size() && text[next] == '\\') {
                    ++next;
                }
                ends.ran_out = ends.ran_out || next >= text.size();
                try_word(text, next, u_second, ends, true);
            }
        }
    }

    void read_percent(std::string_view text, std::size_t at, Ends& ends) const {
        std::size_t next = at + 1;
        for (std::size_t depth = 0; depth < kMaxPercents; ++depth) {
            try_word(text, next, std::string_view(percent).substr(1), ends, true);
            const int again = stands(text, next, "25");
            ends.ran_out = ends.ran_out || again == 0;
            if (again != 1) {
                return;
            }
            next += 2;
        }
    }

    void read(std::string_view text, std::size_t at, Ends& ends) const {
        if (at >= text.size()) {
            ends.ran_out = true;
            return;
        }
        for (const std::string& spelling : raw) {
            try_word(text, at, spelling, ends);
        }
        switch (text[at]) {
            case '\\': read_escaped(text, at, ends); break;
            case '%': read_percent(text, at, ends); break;
            case '&':
                if (!html.empty()) {
                    try_word(text, at, html, ends);
                }
                break;
            case '\'':
                if (quote) {
                    try_word(text, at, "'\\''", ends);
                    try_word(text, at, "'\"'\"'", ends);
                }
                break;
            default: break;
        }
    }

    // The first bytes this element can have.
    [[nodiscard]] std::string first_bytes() const {
        std::string out = "\\%";
        for (const std::string& spelling : raw) {
            out += spelling[0];
        }
        if (!html.empty()) {
            out += '&';
        }
        return out;
    }

    // Hands every pair of bytes a text can begin with to `mark`; `next` = first bytes of what follows.
    template <typename Mark>
    void mark_pairs(std::string_view next, const Mark& mark) const {
        for (const std::string& spelling : raw) {
            for (const char second : spelling.size() > 1 ? std::string_view(spelling).substr(1, 1) : next) {
                mark(spelling[0], second);
            }
            mark('\\', spelling[0]);
        }
        for (const char second : {'\\', 'x', 'X', 'u', 'U', octal[0], escape}) {
            mark('\\', second);
        }
        if (backslash) {
            for (const char second : next) {
                mark('\\', second);
            }
        }
        mark('%', percent[1]);
        mark('%', static_cast<char>(std::toupper(static_cast<unsigned char>(percent[1]))));
        mark('%', '2');
        if (!html.empty()) {
            mark('&', html[1]);
        }
        if (quote) {
            mark('\'', '\\');
            mark('\'', '"');
        }
    }
};

// Line ends within base64, as they are or JSON-escaped.
std::size_t skip_line_end(std::string_view text, std::size_t at, bool& ran_out) {
    for (int i = 0; i < 2; ++i) {
        if (at >= text.size()) {
            ran_out = true;
            return at;
        }
        if (text[at] == '\n' || text[at] == '\r') {
            ++at;
        } else if (text[at] == '\\') {
            if (at + 1 >= text.size()) {
                ran_out = true;
                return at;
            }
            if (text[at + 1] != 'n' && text[at + 1] != 'r') {
                return at;
            }
            at += 2;
        } else {
            return at;
        }
    }
    return at;
}

// The part of base64 that depends on `secret` alone when `before` bytes of something else precede it.
std::string base64_core(std::string_view secret, std::size_t before) {
    std::string bytes(before, '\0');
    bytes += secret;
    std::string text = base::to_base64(bytes);
    const std::size_t whole = (bytes.size() * 8) / 6;  // characters without a bit of padding or of what follows
    text.resize(whole);
    return text.substr((before * 8 + 5) / 6);
}

}  // namespace

struct Redactor::Pattern {
    std::vector<Element> elements;
    bool wrapped = false;  // base64: line ends may stand between any two characters

    [[nodiscard]] Found match(std::string_view text, std::size_t at, bool final) const {
        Ends open;
        open.add(at);
        bool ran_out = false;
        for (std::size_t i = 0; i < elements.size(); ++i) {
            Ends ends;
            for (std::size_t n = 0; n < open.count; ++n) {
                const std::size_t place = open.at[n];
                elements[i].read(text, place, ends);
                if (wrapped && i > 0) {
                    const std::size_t next = skip_line_end(text, place, ends.ran_out);
                    if (next != place) {
                        elements[i].read(text, next, ends);
                    }
                }
            }
            ran_out = ran_out || ends.ran_out;
            open = ends;
            if (open.count == 0) {
                break;
            }
        }
        Found found;
        found.begin = at;
        if (ran_out && !final) {
            found.kind = Found::partial;
        } else if (open.count > 0) {
            found.kind = Found::whole;
            found.end = *std::max_element(open.at.begin(), open.at.begin() + static_cast<std::ptrdiff_t>(open.count));
        }
        return found;
    }
};

Redactor::Redactor() = default;
Redactor::~Redactor() = default;

void Redactor::add(const base::Secret& secret) {
    const std::string_view value = secret.reveal();
    if (value.empty() || std::any_of(secrets_.begin(), secrets_.end(),
                                     [&](const base::Secret& known) { return known.reveal() == value; })) {
        return;
    }
    secrets_.push_back(secret);
    shortest_ = secrets_.size() == 1 ? value.size() : std::min(shortest_, value.size());
    const auto keep = [&](std::unique_ptr<Pattern> pattern) {
        mark(*pattern);
        patterns_.push_back(std::move(pattern));
    };

    auto text = std::make_unique<Pattern>();
    for (std::size_t at = 0; at < value.size();) {
        const std::size_t length = utf8_length(value, at);
        text->elements.emplace_back(value.substr(at, length));
        at += length;
    }
    keep(std::move(text));

    std::set<std::string> seen;
    for (std::size_t before = 0; before < 3; ++before) {
        const std::string core = base64_core(value, before);
        if (core.size() < kMinEncoded || !seen.insert(core).second) {
            continue;
        }
        auto pattern = std::make_unique<Pattern>();
        pattern->wrapped = true;
        for (const char c : core) {
            Element& element = pattern->elements.emplace_back(std::string_view(&c, 1));
            if (c == '+' || c == '/') {
                element.raw.emplace_back(c == '+' ? "-" : "_");
            }
        }
        keep(std::move(pattern));
    }
    if (value.size() * 2 >= 2 * kMinEncoded) {
        auto pattern = std::make_unique<Pattern>();
        for (const char c : value) {
            for (const char digit : fmt::format("{:02x}", static_cast<unsigned char>(c))) {
                Element& element = pattern->elements.emplace_back(std::string_view(&digit, 1));
                if (digit >= 'a') {
                    element.raw.emplace_back(1, static_cast<char>(digit - 'a' + 'A'));
                }
            }
        }
        keep(std::move(pattern));
    }
}

void Redactor::mark(const Pattern& pattern) {
    std::string next;
    if (pattern.elements.size() > 1) {
        const Element& second = pattern.elements[1];
        next = second.first_bytes();
        if (second.quote) {
            next += '\'';
        }
        if (pattern.wrapped) {
            next += "\n\r";
        }
    } else {
        for (int c = 0; c < 256; ++c) {
            next += static_cast<char>(c);
        }
    }
    pattern.elements.front().mark_pairs(next, [this](char a, char b) { pairs_.set(pair_of(a, b)); });
    for (const char first : pattern.elements.front().first_bytes()) {
        last_.set(static_cast<unsigned char>(first));
    }
}

Redactor::Found Redactor::match(std::string_view text, std::size_t at, bool final) const {
    Found best;
    for (const auto& pattern : patterns_) {
        const Found found = pattern->match(text, at, final);
        if (found.kind == Found::partial) {
            return found;  // the longest match wins, so nothing is decided yet
        }
        if (found.kind == Found::whole && (best.kind == Found::none || found.end > best.end)) {
            best = found;
        }
    }
    return best;
}

Redactor::Found Redactor::find(std::string_view text, std::size_t from, bool final) const {
    if (patterns_.empty()) {
        return {};
    }
    for (std::size_t at = from; at + 1 < text.size(); ++at) {
        if (pairs_[pair_of(text[at], text[at + 1])]) {
            const Found found = match(text, at, final);
            if (found.kind != Found::none) {
                return found;
            }
        }
    }
    // The last byte: the beginning of something, or a secret of one character.
    if (from < text.size() && last_[static_cast<unsigned char>(text.back())]) {
        return match(text, text.size() - 1, final);
    }
    return {};
}

std::string Redactor::redact(std::string_view text, int& count) const {
    std::string out;
    std::size_t done = 0;
    for (Found found = find(text, 0, true); found.kind == Found::whole; found = find(text, done, true)) {
        out += text.substr(done, found.begin - done);
        out += kMask;
        done = found.end;
        ++count;
    }
    out += text.substr(done);
    return out;
}

void Redactor::redact(base::Json& value, int& count) const {
    if (value.is_string()) {
        auto& text = value.get_ref<std::string&>();
        if (contains(text)) {
            text = redact(text, count);
        }
    } else if (value.is_array()) {
        for (base::Json& item : value) {
            redact(item, count);
        }
    } else if (value.is_object()) {
        base::Json out = base::Json::object();
        for (auto it = value.begin(); it != value.end(); ++it) {
            redact(it.value(), count);
            const bool name_too = shortest_ >= kMinEncoded && contains(it.key());
            out[name_too ? redact(it.key(), count) : it.key()] = std::move(it.value());
        }
        value = std::move(out);
    }
}

std::string RedactingStream::push(std::string_view bytes) {
    held_ += bytes;
    return take(false);
}

std::string RedactingStream::finish() { return take(true); }

std::string RedactingStream::take(bool final) {
    std::string out;
    std::size_t done = 0;
    while (true) {
        const Redactor::Found found = redactor_.find(held_, done, final);
        if (found.kind == Redactor::Found::none) {
            out.append(held_, done);
            held_.clear();
            return out;
        }
        out.append(held_, done, found.begin - done);
        if (found.kind == Redactor::Found::partial) {
            held_.erase(0, found.begin);
            return out;
        }
        out += kMask;
        ++count_;
        done = found.end;
    }
}

}  // namespace lineside::process
