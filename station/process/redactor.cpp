// SPDX-License-Identifier: Apache-2.0
#include "station/process/redactor.h"

#include "station/base/text.h"
#include "station/process/quoting.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace lineside::process {
namespace {

using quoting::Element;
using quoting::Ends;

constexpr std::string_view kMask = "***";
constexpr std::size_t kMinEncoded = 4;  // shorter base64 would be found in every other line

// The part of base64 that depends on `secret` alone when `before` bytes of something else precede
// it.
std::string base64_core(std::string_view secret, std::size_t before) {
    std::string bytes(before, '\0');
    bytes += secret;
    std::string text = base::to_base64(bytes);
    const std::size_t whole =
        (bytes.size() * 8) / 6;  // characters without a bit of padding or of what follows
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
                    const std::size_t next = quoting::skip_line_end(text, place, ends.ran_out);
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
            found.end = *std::max_element(
                open.at.begin(), open.at.begin() + static_cast<std::ptrdiff_t>(open.count));
        }
        return found;
    }
};

Redactor::Redactor() = default;
Redactor::~Redactor() = default;

void Redactor::add(const base::Secret& secret) {
    const std::string_view value = secret.reveal();
    if (value.empty() ||
        std::any_of(secrets_.begin(), secrets_.end(),
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
        const std::size_t length = quoting::utf8_length(value, at);
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
    pattern.elements.front().mark_pairs(next,
                                        [this](char a, char b) { pairs_.set(pair_of(a, b)); });
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
    for (Found found = find(text, 0, true); found.kind == Found::whole;
         found = find(text, done, true)) {
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

std::string RedactingStream::finish() {
    return take(true);
}

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
