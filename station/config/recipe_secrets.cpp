// SPDX-License-Identifier: Apache-2.0
#include "station/config/recipe_secrets.h"

#include "station/base/text.h"
#include "station/config/product_reader.h"

#include <algorithm>
#include <array>
#include <optional>

namespace lineside::config {
namespace {

constexpr std::string_view kMark = "(kept-";
constexpr std::string_view kComment = "#";

struct Place {
    std::size_t from = 0;  // bytes
    std::size_t to = 0;
    std::string field;
};

// Rather one too many: what is hidden can still be kept and written anew.
bool is_secret_name(std::string_view name) {
    const std::string low = base::to_lower_ascii(name);
    constexpr std::array<std::string_view, 7> kWords{"password", "passwd", "passphrase", "secret",
                                                     "token",    "psk",    "credential"};
    return low == "key" || low == "ssh_key" || low.ends_with("_key") || low.ends_with("-key") ||
           std::any_of(kWords.begin(), kWords.end(),
                       [&](std::string_view word) { return low.find(word) != std::string::npos; });
}

// Lines and columns of toml++ (from 1, columns in code points) as bytes, and back.
class Ruler {
  public:
    explicit Ruler(std::string_view text) : text_(text) {
        for (std::size_t at = text.find('\n'); at != std::string_view::npos;
             at = text.find('\n', at + 1)) {
            lines_.push_back(at + 1);
        }
    }
    [[nodiscard]] std::size_t byte_of(std::int64_t line, std::int64_t column) const {
        if (line < 1 || line > static_cast<std::int64_t>(lines_.size())) {
            return text_.size();
        }
        std::size_t at = lines_[static_cast<std::size_t>(line - 1)];
        for (std::int64_t i = 1; i < column && at < text_.size(); ++i) {
            at = after(at);
        }
        return at;
    }
    void place(std::size_t byte, Complaint& complaint) const {
        const auto next = std::upper_bound(lines_.begin(), lines_.end(), byte);
        complaint.line = next - lines_.begin();
        complaint.column = 1;
        for (std::size_t at = *(next - 1); at < byte && at < text_.size(); at = after(at)) {
            ++complaint.column;
        }
    }

  private:
    [[nodiscard]] std::size_t after(std::size_t at) const {
        do {
            ++at;
        } while (at < text_.size() && (static_cast<unsigned char>(text_[at]) & 0xC0U) == 0x80U);
        return at;
    }
    std::string_view text_;
    std::vector<std::size_t> lines_{0};
};

void find_values(const toml::node& node, const std::string& field, bool secret, const Ruler& ruler,
                 std::vector<Place>& places) {
    if (const auto* table = node.as_table()) {
        for (const auto& [key, value] : *table) {
            const std::string name(key.str());
            find_values(value, field.empty() ? name : field + "." + name,
                        secret || is_secret_name(name), ruler, places);
        }
    } else if (const auto* list = node.as_array()) {
        for (const toml::node& one : *list) {
            find_values(one, field, secret, ruler, places);
        }
    } else if (secret) {
        const auto& where = node.source();
        places.push_back({ruler.byte_of(where.begin.line, where.begin.column),
                          ruler.byte_of(where.end.line, where.end.column), field});
    }
}

// Behind a string that begins at `at`.
std::size_t skip_string(std::string_view text, std::size_t at) {
    const char quote = text[at];
    const std::string three(3, quote);
    const bool lines = text.substr(at, 3) == three;
    at += lines ? 3 : 1;
    while (at < text.size()) {
        if (quote == '"' && text[at] == '\\') {
            at += 2;
        } else if (lines && text.substr(at, 3) == three) {
            at += 3;
            while (at < text.size() && text[at] == quote) {
                ++at;  // quotes at the end belong to it
            }
            return at;
        } else if (!lines && text[at] == quote) {
            return at + 1;
        } else {
            ++at;
        }
    }
    return at;
}

// What stands behind "password =" in a comment: a line that was put aside.
std::optional<Place> secret_of_comment(std::string_view text, std::size_t from, std::size_t to) {
    for (std::size_t at = from; at < to; ++at) {
        if (text[at] != '=' && text[at] != ':') {
            continue;
        }
        std::size_t end = at;
        while (end > from && (text[end - 1] == ' ' || text[end - 1] == '\t' ||
                              text[end - 1] == '"' || text[end - 1] == '\'')) {
            --end;
        }
        std::size_t begin = end;
        while (begin > from && text[begin - 1] != ' ' && text[begin - 1] != '\t' &&
               text[begin - 1] != '#') {
            --begin;
        }
        std::size_t value = at + 1;
        while (value < to && (text[value] == ' ' || text[value] == '\t')) {
            ++value;
        }
        if (value < to && is_secret_name(text.substr(begin, end - begin))) {
            return Place{value, to, std::string(kComment)};
        }
    }
    return std::nullopt;
}

void find_comments(std::string_view text, std::vector<Place>& places) {
    for (std::size_t at = 0; at < text.size();) {
        if (text[at] == '"' || text[at] == '\'') {
            at = skip_string(text, at);
        } else if (text[at] == '#') {
            std::size_t end = std::min(text.find('\n', at), text.size());
            const std::size_t next = end;
            while (end > at && text[end - 1] == '\r') {
                --end;
            }
            if (auto place = secret_of_comment(text, at, end)) {
                places.push_back(std::move(*place));
            }
            at = next;
        } else {
            ++at;
        }
    }
}

std::optional<std::vector<Place>> find_secrets(std::string_view text, const std::string& file,
                                               std::vector<Complaint>& complaints) {
    const auto root = parse(text, file, complaints);
    if (!root) {
        return std::nullopt;
    }
    std::vector<Place> places;
    find_values(*root, "", false, Ruler(text), places);
    find_comments(text, places);
    std::sort(places.begin(), places.end(),
              [](const Place& a, const Place& b) { return a.from < b.from; });
    return places;
}

std::string mark_of(std::size_t number, const std::string& field) {
    const char* quote = field == kComment ? "" : "\"";
    return fmt::format("{0}{1}{2}){0}", quote, kMark, number);
}

// The number of the mark that `text` is; nothing: it is none.
std::optional<std::size_t> number_of(std::string_view text) {
    if (text.size() > 2 && text.front() == text.back() &&
        (text.front() == '"' || text.front() == '\'')) {
        text = text.substr(1, text.size() - 2);
    }
    if (!text.starts_with(kMark) || !text.ends_with(')')) {
        return std::nullopt;
    }
    const auto number = base::to_int(text.substr(kMark.size(), text.size() - kMark.size() - 1));
    return number && *number > 0 ? std::optional(static_cast<std::size_t>(*number)) : std::nullopt;
}

}  // namespace

base::Result<HiddenSecrets> HiddenSecrets::of(std::string text) {
    std::vector<Complaint> complaints;
    const auto places = find_secrets(text, "", complaints);
    if (!places) {
        const Complaint& first = complaints.front();
        return base::fail("config.invalid", fmt::format("line {}, column {}: {}", first.line,
                                                        first.column, first.message));
    }
    HiddenSecrets hidden;
    std::size_t done = 0;
    for (const Place& place : *places) {
        if (place.from < done || place.to <= place.from) {
            return base::fail("station.bug", "A secret's place could not be found");
        }
        hidden.secrets_.push_back({place.field, text.substr(place.from, place.to - place.from)});
        hidden.shown_ += text.substr(done, place.from - done);
        hidden.shown_ += mark_of(hidden.secrets_.size(), place.field);
        done = place.to;
    }
    hidden.shown_ += text.substr(done);
    // Nothing is shown on trust: what is hidden now must be all there is to hide.
    const auto again = find_secrets(hidden.shown_, "", complaints);
    const bool whole =
        again && again->size() == hidden.secrets_.size() &&
        std::all_of(again->begin(), again->end(), [&](const Place& place) {
            return number_of(
                       std::string_view(hidden.shown_).substr(place.from, place.to - place.from)) ==
                   static_cast<std::size_t>(&place - again->data()) + 1;
        });
    if (!whole) {
        return base::fail("station.bug", "The secrets of this file could not be hidden safely");
    }
    return hidden;
}

Meant HiddenSecrets::put_back(std::string_view edited, const std::string& file) const {
    Meant meant;
    meant.edited_ = edited;
    const auto places = find_secrets(edited, file, meant.complaints);
    if (!places) {
        return meant;
    }
    const Ruler ruler(edited);
    const auto complain = [&](std::size_t at, std::string field, std::string message) {
        Complaint complaint{file, 0, 0, std::move(field), std::move(message)};
        ruler.place(at, complaint);
        meant.complaints.push_back(std::move(complaint));
    };
    std::size_t done = 0;
    for (const Place& place : *places) {
        const auto slice = edited.substr(place.from, place.to - place.from);
        const auto number = number_of(slice);
        meant.text += edited.substr(done, place.from - done);
        done = place.to;
        const std::size_t begins = meant.text.size();
        if (!number) {
            meant.text += slice;
            if (place.field != kComment) {
                meant.written.push_back(place.field);
            }
        } else if (*number > secrets_.size()) {
            complain(place.from, place.field,
                     fmt::format("there is no kept value {}; write the value itself", *number));
        } else if (secrets_[*number - 1].field != place.field) {
            complain(place.from, place.field,
                     fmt::format("(kept-{}) is the value of {} and may not stand here; write the "
                                 "value itself",
                                 *number, secrets_[*number - 1].field));
        } else {
            meant.text += secrets_[*number - 1].as_written;
        }
        meant.pieces_.push_back({place.from, place.to, begins, meant.text.size()});
    }
    meant.text += edited.substr(done);
    for (std::size_t at = edited.find(kMark); at != std::string_view::npos;
         at = edited.find(kMark, at + 1)) {
        const bool known = std::any_of(places->begin(), places->end(), [&](const Place& place) {
            return place.from <= at && at < place.to &&
                   number_of(edited.substr(place.from, place.to - place.from));
        });
        if (!known) {
            complain(at, "", "a kept value may only stand where it was; write the value itself");
        }
    }
    return meant;
}

Complaint Meant::in_edited(Complaint complaint) const {
    if (complaint.line < 1) {
        return complaint;
    }
    const std::size_t at = Ruler(text).byte_of(complaint.line, complaint.column);
    std::size_t place = at;
    for (const Piece& piece : pieces_) {
        if (at >= piece.meant_to) {
            place = piece.edited_to + (at - piece.meant_to);
        } else if (at >= piece.meant_from) {
            place = piece.edited_from;
        }
    }
    Ruler(edited_).place(place, complaint);
    return complaint;
}

}  // namespace lineside::config
