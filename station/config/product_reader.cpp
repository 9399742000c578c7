// SPDX-License-Identifier: Apache-2.0
#include "station/config/product_reader.h"

#include "station/base/files.h"
#include "station/base/text.h"
#include "station/config/recipe_reader.h"
#include "station/usb/models.h"

#include <set>

namespace lineside::config {
namespace {

// The label of a product: the one it names, none, or where there is a printer the plain one.
void give_label(const toml::table& table, const core::Profile& profile, const Labels& labels,
                const std::string& file, Reading& reading) {
    if (profile.label.empty()) {
        if (reading.config.printer.there() && profile.serials) {
            reading.config.labels[profile.id] = labels::default_template();
        }
    } else if (const auto found = labels.find(profile.label); found != labels.end()) {
        reading.config.labels[profile.id] = found->second;
    } else if (profile.label != labels::kNoLabel) {
        TableReader in(&table, &table, "profile", file, reading.complaints);
        in.complain("label", fmt::format("there is no label '{}'", profile.label));
    }
}

void read_profiles(const std::vector<const toml::table*>& tables, const Recipes& recipes,
                   const Labels& labels, const std::string& file, Reading& reading) {
    std::set<std::string> ids;
    for (const toml::table* table : tables) {
        core::Profile profile = read_profile(*table, recipes, file, reading.complaints);
        if (!profile.id.empty() && !ids.insert(profile.id).second) {
            TableReader in(table, table, "profile", file, reading.complaints);
            in.complain("id", fmt::format("profile {} is there twice", profile.id));
        }
        give_label(*table, profile, labels, file, reading);
        reading.config.profiles.push_back(std::move(profile));
    }
}

// A profile's model is one the station knows. Where the table of models is not to be read, as on
// another host, nothing is said.
void check_models(const std::vector<const toml::table*>& tables, const std::string& file,
                  Reading& reading) {
    const auto models = usb::read_models(reading.config.models_file);
    if (!models) {
        return;
    }
    std::vector<std::string_view> known;
    for (const usb::Model& model : models->models) {
        known.push_back(model.id);
    }
    for (std::size_t i = 0; i < tables.size(); ++i) {
        const toml::table* table = tables[i];
        TableReader in(table, table, "profile", file, reading.complaints);
        const auto model = (*table)["model"].value_or(std::string());
        const bool disk = reading.config.profiles[i].disk;
        if (const usb::Model* known_one = models->by_id(model);
            known_one != nullptr && known_one->disk != disk) {
            in.complain("model", fmt::format("'{}' is {} disk, and the recipe's flash writes {}",
                                             model, disk ? "no" : "a", disk ? "one" : "none"));
        }
        if (!model.empty() && models->by_id(model) == nullptr) {
            const std::string near = base::nearest(model, known);
            in.complain("model", near.empty()
                                     ? fmt::format("there is no model '{}'; take one of {}", model,
                                                   fmt::join(known, ", "))
                                     : fmt::format("there is no model '{}'; did you mean '{}'?",
                                                   model, near));
        }
    }
}

}  // namespace

std::optional<toml::table> parse(std::string_view text, const std::string& file,
                                 std::vector<Complaint>& complaints) {
    try {
        return toml::parse(text, std::string_view(file));
    } catch (const toml::parse_error& error) {
        complaints.push_back({file, static_cast<std::int64_t>(error.source().begin.line),
                              static_cast<std::int64_t>(error.source().begin.column), "",
                              std::string(error.description())});
        return std::nullopt;
    }
}

void read_products(TableReader& top, const Labels& labels, const std::string& file,
                   Reading& reading) {
    const Recipes recipes = read_recipes(top.tables("recipe"), file, reading.complaints);
    const auto profiles = top.tables("profile");
    read_profiles(profiles, recipes, labels, file, reading);
    check_models(profiles, file, reading);
}

void read_recipes_file(std::optional<std::string_view> given, const Labels& labels,
                       Reading& reading) {
    const std::string file = reading.config.recipes.string();
    std::string kept;
    if (!given) {
        auto text = base::read_file(file, kMaxRecipes);
        if (!text) {
            reading.complaints.push_back({file, 0, 0, "", text.error().message});
            return;
        }
        kept = std::move(*text);
    }
    const auto root = parse(given ? *given : kept, file, reading.complaints);
    if (!root) {
        return;
    }
    TableReader top(&*root, &*root, "", file, reading.complaints);
    read_products(top, labels, file, reading);
    top.finish();
}

}  // namespace lineside::config
