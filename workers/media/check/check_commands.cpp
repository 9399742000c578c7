// SPDX-License-Identifier: Apache-2.0
#include "workers/media/check/check_commands.h"

#include "station/base/files.h"
#include "workers/media/cards/recognition.h"
#include "workers/media/formats/bmap.h"
#include "workers/media/formats/recipe.h"
#include "workers/media/source/image_bytes.h"

#include <ostream>

namespace lineside::media {
namespace {

constexpr int kAccept = 0;
constexpr int kReject = 1;
constexpr int kUnreadable = 2;

// What one check prints where.
struct Answer {
    std::string_view command;
    std::string file;
    bool json;
    std::ostream& out;
    std::ostream& err;

    // What is far too long could be read, and is rejected.
    int unreadable(const base::Error& error) const {
        err << "lineside check " << command << ": " << error.message << '\n';
        if (!error.hint.empty()) {
            err << error.hint << '\n';
        }
        if (json) {
            Report report;
            report.error({1, 1, "", error.message});
            out << base::dump_json(report.to_json(file, 0)) << '\n';
        }
        return error.code == "config.invalid" ? kReject : kUnreadable;
    }

    int give(const Report& report, std::int64_t count, std::string_view accepted_as,
             const base::Json& more = base::Json::object()) const {
        if (json) {
            base::Json answer = report.to_json(file, count);
            answer.update(more);
            out << base::dump_json(answer) << '\n';
        } else {
            out << base::mended_text(report.to_text(file, accepted_as));
        }
        return report.accepted() ? kAccept : kReject;
    }
};

// More than a reader takes: each tells itself by how much a file is too long.
base::Result<std::string> bytes_of(const std::filesystem::path& file, std::size_t most) {
    return base::read_file(file, 4 * most);
}

}  // namespace

int run_check_recipe(const std::filesystem::path& file, bool json, std::ostream& out,
                     std::ostream& err) {
    const Answer answer{"recipe", file.string(), json, out, err};
    const auto text = bytes_of(file, kMaxRecipeBytes);
    if (!text) {
        return answer.unreadable(text.error());
    }
    Report report;
    const auto name = parse_recipe_name(file.filename().string(), report);
    const auto recipes = read_recipes(*text, report);
    return answer.give(
        report, static_cast<std::int64_t>(recipes.size()),
        fmt::format("{} recipes for {}", recipes.size(), name ? name->platform : std::string()));
}

int run_check_bmap(const std::filesystem::path& map_file,
                   const std::optional<std::filesystem::path>& image, bool json, std::ostream& out,
                   std::ostream& err) {
    const Answer answer{"bmap", map_file.string(), json, out, err};
    const auto text = bytes_of(map_file, kMaxBmapBytes);
    if (!text) {
        return answer.unreadable(text.error());
    }
    Report report;
    const Bmap map = read_bmap(*text, report);
    if (image) {
        auto bytes = ImageBytes::open(*image);
        if (!bytes) {
            return answer.unreadable(bytes.error());
        }
        if (report.accepted()) {
            const auto compared = compare_image(
                map, [&](std::size_t most) { return bytes->next(most); }, report);
            if (!compared) {
                report.error({1, 1, "", compared.error().message});
            }
        }
    }
    return answer.give(report, static_cast<std::int64_t>(map.ranges.size()),
                       fmt::format("bmap {}.{}, {} ranges, {} of {} bytes{}", map.major, map.minor,
                                   map.ranges.size(), map.mapped_blocks * map.block_size,
                                   map.image_size, image ? ", the image holds them" : ""));
}

int run_check_udev(const std::filesystem::path& file, bool json, std::ostream& out,
                   std::ostream& err) {
    const Answer answer{"udev", file.string(), json, out, err};
    const auto text = bytes_of(file, kMaxSightingBytes);
    if (!text) {
        return answer.unreadable(text.error());
    }
    Report report;
    const CardSighting sighting = read_sighting(*text, report);
    const CardGuess guess = report.accepted() ? recognise_card(sighting) : CardGuess();
    return answer.give(
        report, static_cast<std::int64_t>(guess.candidates.size()),
        fmt::format("scenario {}, {}{}", guess.scenario,
                    guess.candidates.empty() ? std::string("no card")
                                             : fmt::format("{}", fmt::join(guess.candidates, ", ")),
                    guess.ask ? "; ask which" : ""),
        {{"candidates", guess.candidates}, {"scenario", guess.scenario}, {"ask", guess.ask}});
}

}  // namespace lineside::media
