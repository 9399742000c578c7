// SPDX-License-Identifier: Apache-2.0
// The small languages inside a recipe: its file name, sizes and commands.
#include "station/base/text.h"
#include "workers/media/formats/recipe.h"

#include <charconv>

namespace lineside::media {
namespace {

bool all_digits(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

struct Unit {
    std::string_view name;
    std::uint64_t bytes;
};
constexpr std::array<Unit, 6> kUnits{{{"", 1},
                                      {"b", 1},
                                      {"kb", std::uint64_t{1} << 10},
                                      {"mb", std::uint64_t{1} << 20},
                                      {"gb", std::uint64_t{1} << 30},
                                      {"tb", std::uint64_t{1} << 40}}};

// Larger than any medium, and small enough for signed file offsets.
constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 62;

std::string size_is_wrong(std::string_view text, std::string_view why) {
    return fmt::format(
        "Partition size is not valid. Given value: {}: {}; write a whole number of bytes, a number "
        "with b, kb, mb, gb, tb or %, or max for the last partition",
        shown(text), why);
}

// `${file}`, `${device}` or `${deviceN}` at the start of `text`; its length, or why not.
struct Variable {
    std::size_t length = 0;
    std::string problem;
};

Variable variable_at(std::string_view text, std::size_t partitions) {
    const auto end =
        static_cast<std::size_t>(std::find(text.begin(), text.end(), '}') - text.begin());
    if (!text.starts_with("${") || end == text.size()) {
        return {0,
                "a $ that begins no variable: write ${file}, ${device} or ${deviceN}, or put "
                "the $ between single quotes"};
    }
    const std::string_view name = text.substr(2, end - 2);
    if (name == "file" || name == "device") {
        return {end + 1, ""};
    }
    if (name.starts_with("device") && all_digits(name.substr(6))) {
        const auto index = base::to_int(name.substr(6));
        if (index && std::cmp_less(*index, partitions)) {
            return {end + 1, ""};
        }
        return {0, fmt::format("${{{}}} names no partition: there are {}, counted from 0", name,
                               partitions)};
    }
    return {0, fmt::format("the variable {} is not known: there are ${{file}}, ${{device}} and "
                           "${{deviceN}}",
                           shown(text.substr(0, end + 1)))};
}

class Splitter {
  public:
    Splitter(std::string_view text, std::size_t partitions)
        : text_(text), partitions_(partitions) {}

    std::string run(std::vector<std::string>& words) {
        while (at_ < text_.size()) {
            std::string problem = step(words);
            if (!problem.empty()) {
                return problem;
            }
        }
        if (quote_ != '\0') {
            return fmt::format("a {} that is never closed", quote_);
        }
        end_word(words);
        return words.empty() ? "the command is empty: leave the product blank instead" : "";
    }

  private:
    std::string step(std::vector<std::string>& words) {
        const char c = text_[at_];
        if (static_cast<unsigned char>(c) < 0x20 && c != '\t') {
            return "a command is one line without control characters";
        }
        if (c == '$' && quote_ != '\'') {
            const Variable variable = variable_at(text_.substr(at_), partitions_);
            take(std::max<std::size_t>(variable.length, 1));
            return variable.problem;
        }
        if (quote_ == '\'' || (quote_ == '"' && c != '"' && c != '\\' && c != '`')) {
            if (c == quote_) {
                quote_ = '\0';
                ++at_;
            } else {
                take(1);
            }
            return {};
        }
        switch (c) {
            case '\'':
            case '"':
                quote_ = quote_ == '\0' ? c : '\0';
                in_word_ = true;
                ++at_;
                return {};
            case '\\':
                return escape();
            case ' ':
            case '\t':
                end_word(words);
                ++at_;
                return {};
            default:
                break;
        }
        if (std::string_view("|&;<>()`").find(c) != std::string_view::npos) {
            return fmt::format(
                "the command is run without a shell, so {} does nothing here: quote it, or make it "
                "one program with its arguments",
                shown({&c, 1}));
        }
        take(1);
        return {};
    }

    // Inside double quotes a shell keeps the backslash of everything but these.
    std::string escape() {
        if (at_ + 1 == text_.size()) {
            return "a backslash at the end";
        }
        const char next = text_[at_ + 1];
        if (quote_ == '"' && std::string_view("$`\"\\").find(next) == std::string_view::npos) {
            take(1);
            return {};
        }
        ++at_;
        take(1);
        return {};
    }

    void take(std::size_t count) {
        word_ += text_.substr(at_, count);
        in_word_ = true;
        at_ += count;
    }

    void end_word(std::vector<std::string>& words) {
        if (in_word_) {
            words.push_back(std::move(word_));
        }
        word_.clear();
        in_word_ = false;
    }

    std::string_view text_;
    std::size_t partitions_;
    std::size_t at_ = 0;
    char quote_ = '\0';
    bool in_word_ = false;
    std::string word_;
};

std::string why_no_name_part(std::string_view part, std::string_view what) {
    if (part.empty()) {
        return fmt::format("the {} is empty", what);
    }
    for (const char c : part) {
        if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7f || c == '/' || c == '\\') {
            return fmt::format("the {} holds a blank, a slash or a control character", what);
        }
    }
    return part.front() == '.' || part.front() == '-'
               ? fmt::format("the {} begins with {}", what, shown(part.substr(0, 1)))
               : "";
}

}  // namespace

std::optional<RecipeName> parse_recipe_name(std::string_view file_name, Report& report) {
    constexpr std::string_view kForm =
        "a recipe file is named {platform}.yml or {platform}_{identifier}.yml: rename it";
    auto refuse = [&](std::string_view why) {
        report.error({1, 1, "file name", fmt::format("{}: {}; {}", shown(file_name), why, kForm)});
        return std::nullopt;
    };
    if (!file_name.ends_with(".yml")) {
        return refuse("it does not end in .yml");
    }
    file_name.remove_suffix(4);
    const auto parts = base::split(file_name, '_');
    if (parts.size() > 2) {
        return refuse("platform and identifier must not contain underscores");
    }
    RecipeName name{std::string(parts[0]), parts.size() == 2 ? std::string(parts[1]) : ""};
    std::string why = why_no_name_part(parts[0], "platform");
    if (why.empty() && parts.size() == 2) {
        why = why_no_name_part(parts[1], "identifier");
    }
    return why.empty() ? std::optional(std::move(name)) : refuse(why);
}

std::string parse_partition_size(std::string_view text, PartitionSize& size) {
    const std::string_view given = text;
    text = base::trim_blanks(text);
    if (text == "max") {
        size = {PartitionSize::Kind::rest, 0};
        return {};
    }
    const auto digits = static_cast<std::size_t>(
        std::find_if(text.begin(), text.end(), [](char c) { return c < '0' || c > '9'; }) -
        text.begin());
    const std::string unit = base::to_lower_ascii(base::trim_blanks(text.substr(digits)));
    if (digits == 0) {
        return size_is_wrong(given, "it does not begin with a whole number");
    }
    std::uint64_t number = 0;
    const auto read = std::from_chars(text.data(), text.data() + digits, number);
    if (read.ec != std::errc()) {
        return size_is_wrong(given, "the number is too large");
    }
    if (number == 0) {
        return size_is_wrong(given, "it is 0");
    }
    if (unit == "%") {
        if (number > 100) {
            return size_is_wrong(given, "Percentage must range between 1% to 100%");
        }
        size = {PartitionSize::Kind::percent, number};
        return {};
    }
    const auto* known =
        std::find_if(kUnits.begin(), kUnits.end(), [&](const Unit& u) { return u.name == unit; });
    if (known == kUnits.end()) {
        return size_is_wrong(given, fmt::format("the unit {} is not known", shown(unit)));
    }
    if (number > kMostBytes / known->bytes) {
        return size_is_wrong(given, "it is larger than any disk");
    }
    size = {PartitionSize::Kind::bytes, number * known->bytes};
    return {};
}

std::string split_command(std::string_view text, std::size_t partitions,
                          std::vector<std::string>& words) {
    words.clear();
    return Splitter(text, partitions).run(words);
}

}  // namespace lineside::media
