// SPDX-License-Identifier: Apache-2.0
#include "station/labels/template.h"

#include "station/base/text.h"

#include <fmt/format.h>

#include <array>
#include <utility>

namespace lineside::labels {
namespace {

struct Word {
    std::string_view name;
    std::string Values::*value;
};
constexpr std::array kWords{Word{"serial", &Values::serial},
                            Word{"model", &Values::model},
                            Word{"profile", &Values::profile},
                            Word{"order", &Values::order},
                            Word{"date", &Values::date},
                            Word{"unit", &Values::unit},
                            Word{"job", &Values::job},
                            Word{"slot", &Values::slot},
                            Word{"station", &Values::station},
                            Word{"chip_id", &Values::chip_id},
                            Word{"module_serial", &Values::module_serial}};

const Word* find_word(std::string_view name) {
    for (const Word& word : kWords) {
        if (word.name == name) {
            return &word;
        }
    }
    return nullptr;
}

}  // namespace

Template default_template() {
    Template plain;
    plain.id = "default";
    plain.elements = {{Use::qr, "{serial}", 2, 3, 18, 0},
                      {Use::text, "{serial}", 22, 4, 4, 0},
                      {Use::text, "{profile}", 22, 10, 3, 0},
                      {Use::text, "{model}", 22, 14.5, 3, 0},
                      {Use::text, "{date}  {station}", 22, 19, 2.5, 0}};
    return plain;
}

std::string fill(std::string_view text, const Values& values) {
    std::string out;
    while (!text.empty()) {
        const auto open = text.find('{');
        const auto close = open == std::string_view::npos ? open : text.find('}', open);
        if (close == std::string_view::npos) {
            break;
        }
        out += text.substr(0, open);
        const Word* word = find_word(text.substr(open + 1, close - open - 1));
        if (word != nullptr) {
            out += values.*(word->value);
        }
        text.remove_prefix(close + 1);
    }
    return out += text;
}

bool names_unit(std::string_view text) {
    for (const std::string_view word :
         {"{serial}", "{unit}", "{job}", "{chip_id}", "{module_serial}"}) {
        if (text.find(word) != std::string_view::npos) {
            return true;
        }
    }
    return false;
}

std::string template_problem(std::string_view text) {
    while (true) {
        const auto brace = text.find_first_of("{}");
        if (brace == std::string_view::npos) {
            return {};
        }
        const auto close = text.find_first_of("{}", brace + 1);
        if (text[brace] == '}' || close == std::string_view::npos || text[close] == '{') {
            return "has a brace without its other half";
        }
        const std::string_view name = text.substr(brace + 1, close - brace - 1);
        if (find_word(name) == nullptr) {
            std::vector<std::string_view> known;
            for (const Word& word : kWords) {
                known.push_back(word.name);
            }
            std::string near = base::nearest(name, known);
            if (near.empty()) {
                return fmt::format("there is no {{{}}}; there are {{{}}}", name,
                                   fmt::join(known, "}, {"));
            }
            return fmt::format("there is no {{{}}}; did you mean {{{}}}?", name, near);
        }
        text.remove_prefix(close + 1);
    }
}

}  // namespace lineside::labels
