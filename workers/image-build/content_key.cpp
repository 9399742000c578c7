// SPDX-License-Identifier: Apache-2.0
#include "workers/image-build/content_key.h"

#include "station/base/text.h"
#include "workers/proof/escape.h"

#include <array>

namespace lineside::image_build {
namespace {

// What flash.sh reads for an image that is built without a unit (l4t: BOARDID, FAB … name the
// module, FUSELEVEL is legal with --no-flash only). Nothing else gets into the tool's environment.
constexpr std::array<std::string_view, 8> kEnvironment{
    "BOARDID", "BOARDREV", "BOARDSKU", "CHIPREV", "CHIP_SKU", "FAB", "FUSELEVEL", "RAMCODE"};

constexpr std::array<std::string_view, 4> kWays{"flash", "massflash", "initrd", "tegraflash"};

bool is_word(std::string_view text) {
    constexpr std::string_view kLegal =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-";
    return !text.empty() && text.size() <= 64 && text.front() != '-' &&
           text.find_first_not_of(kLegal) == std::string_view::npos;
}

tl::unexpected<base::Error> invalid(std::string_view field, std::string_view wanted) {
    return base::fail("config.invalid", fmt::format("\"{}\" must be {}", field, wanted));
}

base::Result<std::vector<std::string>> texts(const base::Json& params, const char* name) {
    std::vector<std::string> out;
    const auto list = params.find(name);
    if (list == params.end() || list->is_null()) {
        return out;
    }
    if (!list->is_array()) {
        return invalid(name, "a list of texts");
    }
    for (const base::Json& item : *list) {
        if (!item.is_string()) {
            return invalid(name, "a list of texts");
        }
        out.push_back(item.get<std::string>());
    }
    return out;
}

}  // namespace

base::Result<BuildInputs> inputs_from_json(const base::Json& params) {
    if (!params.is_object()) {
        return invalid("params", "an object");
    }
    BuildInputs out;
    for (const auto& [name, into] :
         {std::pair{"profile", &out.profile}, std::pair{"board", &out.board},
          std::pair{"rootdev", &out.rootdev}}) {
        auto value = base::field<std::string>(params, name);
        if (!value || !is_word(*value)) {
            return invalid(name, "a word of letters, digits, '.', '_', '+' and '-'");
        }
        *into = std::move(*value);
    }
    auto release = base::field_or<std::string>(params, "release", "");
    if (!release || release->size() > 200) {
        return invalid("release", "a text of at most 200 bytes");
    }
    out.release = std::move(*release);
    auto way = base::field_or<std::string>(params, "way", "flash");
    if (!way || std::find(kWays.begin(), kWays.end(), *way) == kWays.end()) {
        return invalid("way", fmt::format("{}", fmt::join(kWays, ", ")));
    }
    out.way = std::move(*way);
    if (const auto sign = params.find("sign"); sign != params.end() && !sign->is_null()) {
        if (!sign->is_boolean()) {
            return invalid("sign", "true or false");
        }
        out.sign = sign->get<bool>() ? Sign::always : Sign::never;
    }
    if (const auto env = params.find("env"); env != params.end() && !env->is_null()) {
        if (!env->is_object()) {
            return invalid("env", "a table");
        }
        for (const auto& [name, value] : env->items()) {
            if (std::find(kEnvironment.begin(), kEnvironment.end(), name) == kEnvironment.end()) {
                return invalid("env",
                               fmt::format("made of {}; not \"{}\"", fmt::join(kEnvironment, ", "),
                                           proof::escape_name(name)));
            }
            if (!value.is_string() || !is_word(value.get<std::string>())) {
                return invalid("env." + name, "a word");
            }
            out.environment[name] = value.get<std::string>();
        }
    }
    auto rules = texts(params, "mutable");
    if (!rules) {
        return tl::unexpected(rules.error());
    }
    auto parsed = proof::PathRules::parse(*rules);
    if (!parsed) {
        return tl::unexpected(parsed.error());
    }
    out.mutable_paths = std::move(*parsed);
    auto unproven = texts(params, "unproven");
    if (!unproven) {
        return tl::unexpected(unproven.error());
    }
    out.unproven = std::move(*unproven);
    if (!params.contains("unproven")) {
        // APP is mounted read-write; VER holds the time of the very run that flashed the unit.
        out.unproven = {"APP", "VER", "VER_b"};
    }
    for (const std::string& name : out.unproven) {
        if (!is_word(name)) {
            return invalid("unproven", "a list of partition names");
        }
    }
    std::sort(out.unproven.begin(), out.unproven.end());
    return out;
}

std::string content_key(const BuildInputs& inputs, std::string_view tree_sha256) {
    std::string text =
        fmt::format("lineside-image-key 1\nbuilder {}\nboard {}\nrootdev {}\nsign {}\n",
                    kBuilderVersion, inputs.board, inputs.rootdev,
                    inputs.sign == Sign::as_layout ? "as layout"
                    : inputs.sign == Sign::always  ? "true"
                                                   : "false");
    for (const auto& [name, value] : inputs.environment) {
        text += fmt::format("env {} {}\n", name, value);
    }
    for (const std::string& rule : inputs.mutable_paths.rules()) {
        text += fmt::format("mutable {}\n", proof::escape_name(rule));
    }
    for (const std::string& name : inputs.unproven) {
        text += fmt::format("unproven {}\n", name);
    }
    if (!inputs.container.empty()) {
        text += fmt::format("container {}\n", inputs.container);
    }
    if (inputs.is_package()) {
        text += fmt::format("way {}\n", inputs.way);
    }
    text += inputs.before_flash;
    text += fmt::format("tree {}\n", tree_sha256);
    return base::sha256_hex(text);
}

}  // namespace lineside::image_build
