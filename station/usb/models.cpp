// SPDX-License-Identifier: Apache-2.0
#include "station/usb/models.h"

#include "station/base/files.h"

#include <fmt/format.h>
#include "station/base/toml.h"

#include <algorithm>

namespace lineside::usb {
namespace {

constexpr std::uint16_t kLinux = 0x1d6b;  // whose ids gadgets of Linux have, also a unit's

// PIDs are written as text ("7e19"), because that is how everybody knows them.
std::optional<std::uint16_t> pid_of(const toml::node& node) {
    const auto text = node.value<std::string>();
    if (!text || text->size() != 4 ||
        text->find_first_not_of("0123456789abcdef") != std::string::npos) {
        return std::nullopt;
    }
    return static_cast<std::uint16_t>(std::stoul(*text, nullptr, 16));
}

std::vector<std::uint16_t> pids_of(const toml::table& table, std::string_view key) {
    std::vector<std::uint16_t> pids;
    if (const toml::array* list = table[key].as_array(); list != nullptr) {
        for (const toml::node& node : *list) {
            if (const auto pid = pid_of(node)) {
                pids.push_back(*pid);
            }
        }
    }
    return pids;
}

// Nothing: something of it is missing or has another form.
std::optional<Model> disk_of(const toml::node& node) {
    const toml::table* row = node.as_table();
    if (row == nullptr) {
        return std::nullopt;
    }
    Model model{(*row)["id"].value_or(std::string()), (*row)["name"].value_or(std::string()), {}};
    model.disk = true;
    if (const toml::node* ids = row->get("usb_ids"); ids != nullptr) {
        if (!ids->is_array()) {
            return std::nullopt;
        }
        for (const toml::node& each : *ids->as_array()) {
            const auto id = each.value<std::string>();
            if (!id || id->size() != 9 || (*id)[4] != ':' ||
                id->find_first_not_of("0123456789abcdef:") != std::string::npos) {
                return std::nullopt;
            }
            model.usb_ids.push_back(*id);
        }
    }
    return model.id.empty() || model.name.empty() ? std::nullopt : std::optional(std::move(model));
}

}  // namespace

const Model* Models::in_recovery(std::uint16_t vendor, std::uint16_t product) const {
    for (const Model& model : models) {
        if (vendor == kNvidia &&
            std::find(model.pids.begin(), model.pids.end(), product) != model.pids.end()) {
            return &model;
        }
    }
    return nullptr;
}

const Model* Models::of_disk(std::uint16_t vendor, std::uint16_t product) const {
    if (is_gadget(vendor, product) || never_a_target(vendor, product) != nullptr) {
        return nullptr;
    }
    const std::string id = fmt::format("{:04x}:{:04x}", vendor, product);
    const Model* any = nullptr;
    for (const Model& model : models) {
        if (!model.disk) {
            continue;
        }
        if (std::find(model.usb_ids.begin(), model.usb_ids.end(), id) != model.usb_ids.end()) {
            return &model;
        }
        if (any == nullptr && model.usb_ids.empty() && vendor != kNvidia && vendor != kLinux) {
            any = &model;
        }
    }
    return any;
}

const Never* Models::never_a_target(std::uint16_t vendor, std::uint16_t product) const {
    for (const Never& row : never) {
        if (vendor == kNvidia && row.pid == product) {
            return &row;
        }
    }
    return nullptr;
}

bool Models::is_gadget(std::uint16_t vendor, std::uint16_t product) const {
    return vendor == kNvidia && std::find(gadgets.begin(), gadgets.end(), product) != gadgets.end();
}

const Model* Models::by_id(const std::string& id) const {
    for (const Model& model : models) {
        if (model.id == id) {
            return &model;
        }
    }
    return nullptr;
}

base::Result<Models> read_models(const std::filesystem::path& file) {
    auto text = base::read_file(file, 1024 * 1024);
    if (!text) {
        return tl::unexpected<base::Error>(text.error());
    }
    toml::table root;
    try {
        root = toml::parse(*text, std::string_view(file.native()));
    } catch (const toml::parse_error& error) {
        return base::fail("config.invalid",
                          fmt::format("{}:{}:{}: {}", file.string(), error.source().begin.line,
                                      error.source().begin.column, error.description()));
    }
    Models models;
    if (const toml::array* list = root["model"].as_array(); list != nullptr) {
        for (const toml::node& node : *list) {
            const toml::table* row = node.as_table();
            if (row == nullptr) {
                continue;
            }
            Model model{(*row)["id"].value_or(std::string()),
                        (*row)["name"].value_or(std::string()), pids_of(*row, "pids")};
            if (model.id.empty() || model.name.empty() || model.pids.empty()) {
                return base::fail(
                    "config.invalid",
                    fmt::format("{}:{}: a model needs id, name and pids (four hex digits each)",
                                file.string(), node.source().begin.line));
            }
            models.models.push_back(std::move(model));
        }
    }
    if (const toml::array* list = root["disk"].as_array(); list != nullptr) {
        for (const toml::node& node : *list) {
            auto disk = disk_of(node);
            if (!disk || models.by_id(disk->id) != nullptr) {
                return base::fail(
                    "config.invalid",
                    fmt::format(
                        "{}:{}: a disk needs an id of its own, a name, and usb_ids, where it "
                        "has them, as \"0955:7035\"",
                        file.string(), node.source().begin.line));
            }
            models.models.push_back(std::move(*disk));
        }
    }
    if (const toml::array* list = root["never"].as_array(); list != nullptr) {
        for (const toml::node& node : *list) {
            if (const toml::table* row = node.as_table();
                row != nullptr && row->get("pid") != nullptr) {
                if (const auto pid = pid_of(*row->get("pid"))) {
                    models.never.push_back({*pid, (*row)["why"].value_or(std::string())});
                }
            }
        }
    }
    models.gadgets = pids_of(root, "gadgets");
    if (const toml::table* gadget = root["gadget"].as_table(); gadget != nullptr) {
        models.gadgets = pids_of(*gadget, "pids");
    }
    if (models.models.empty() || models.gadgets.empty()) {
        return base::fail(
            "config.invalid",
            fmt::format("{}: needs [[model]] tables and [gadget] pids", file.string()));
    }
    return models;
}

}  // namespace lineside::usb
