// SPDX-License-Identifier: Apache-2.0
#include "station/config/table_reader.h"

#include "station/base/text.h"

#include <cmath>

namespace lineside::config {

TableReader::TableReader(const toml::table* table, const toml::node* where, std::string name,
                         std::string file, std::vector<Complaint>& complaints)
    : table_(table),
      where_(where),
      name_(std::move(name)),
      file_(std::move(file)),
      complaints_(complaints) {}

const toml::node* TableReader::node(std::string_view key) {
    asked_.emplace(key);
    return table_ == nullptr ? nullptr : table_->get(key);
}

void TableReader::complain(std::string_view key, std::string message) {
    const toml::node* at = table_ == nullptr ? nullptr : table_->get(key);
    if (at == nullptr) {
        at = table_ != nullptr ? table_ : where_;
    }
    Complaint complaint;
    complaint.file = file_;
    if (at != nullptr) {
        complaint.line = at->source().begin.line;
        complaint.column = at->source().begin.column;
    }
    complaint.field = name_.empty() ? std::string(key) : fmt::format("{}.{}", name_, key);
    complaint.message = std::move(message);
    complaints_.push_back(std::move(complaint));
}

std::string TableReader::text(std::string_view key, std::string otherwise) {
    const toml::node* found = node(key);
    if (found == nullptr) {
        return otherwise;
    }
    if (const auto value = found->value_exact<std::string>()) {
        return *value;
    }
    complain(key, "must be text in quotes");
    return otherwise;
}

std::string TableReader::required_text(std::string_view key) {
    if (node(key) == nullptr) {
        complain(key, "is missing");
        return {};
    }
    std::string value = text(key, "");
    if (value.empty() && node(key)->is_string()) {
        complain(key, "must not be empty");
    }
    return value;
}

std::int64_t TableReader::number(std::string_view key, std::int64_t otherwise, std::int64_t least,
                                 std::int64_t most) {
    const toml::node* found = node(key);
    if (found == nullptr) {
        return otherwise;
    }
    const auto value = found->value_exact<std::int64_t>();
    if (!value || *value < least || *value > most) {
        complain(key, fmt::format("must be a whole number from {} to {}", least, most));
        return otherwise;
    }
    return *value;
}

double TableReader::real(std::string_view key, double otherwise, double least, double most) {
    const toml::node* found = node(key);
    if (found == nullptr) {
        return otherwise;
    }
    const auto value = found->value<double>();
    if (!value || !found->is_number() || !(*value >= least && *value <= most)) {
        complain(key, fmt::format("must be a number from {} to {}", least, most));
        return otherwise;
    }
    return *value;
}

bool TableReader::flag(std::string_view key, bool otherwise) {
    const toml::node* found = node(key);
    if (found == nullptr) {
        return otherwise;
    }
    if (const auto value = found->value_exact<bool>()) {
        return *value;
    }
    complain(key, "must be true or false");
    return otherwise;
}

std::chrono::milliseconds TableReader::seconds(std::string_view key, double otherwise) {
    const toml::node* found = node(key);
    double value = otherwise;
    if (found != nullptr) {
        const auto given = found->value<double>();
        if (!given || !found->is_number() || !std::isfinite(*given) || *given <= 0 ||
            *given > 86'400) {
            complain(key, "must be seconds, more than 0 and at most 86400");
        } else {
            value = *given;
        }
    }
    return std::chrono::milliseconds(static_cast<std::int64_t>(value * 1000));
}

const toml::table* TableReader::table(std::string_view key) {
    const toml::node* found = node(key);
    if (found != nullptr && !found->is_table()) {
        complain(key, "must be a table");
        return nullptr;
    }
    return found == nullptr ? nullptr : found->as_table();
}

std::vector<const toml::table*> TableReader::tables(std::string_view key) {
    std::vector<const toml::table*> result;
    const toml::node* found = node(key);
    if (found == nullptr) {
        return result;
    }
    const toml::array* list = found->as_array();
    if (list == nullptr) {
        complain(key, fmt::format("must be written as [[{}]]", key));
        return result;
    }
    for (const toml::node& item : *list) {
        if (const toml::table* row = item.as_table(); row != nullptr) {
            result.push_back(row);
        } else {
            complain(key, "must hold tables only");
        }
    }
    return result;
}

std::vector<std::string> TableReader::texts(std::string_view key) {
    check_texts(key);
    std::vector<std::string> out;
    const toml::node* found = node(key);
    if (const toml::array* list = found == nullptr ? nullptr : found->as_array()) {
        for (const toml::node& one : *list) {
            if (const auto* text = one.as_string()) {
                out.push_back(text->get());
            }
        }
    }
    return out;
}

void TableReader::check_texts(std::string_view key, bool one_will_do) {
    const toml::node* found = node(key);
    if (found == nullptr || (one_will_do && found->is_string())) {
        return;
    }
    const toml::array* list = found->as_array();
    if (list == nullptr || !std::all_of(list->begin(), list->end(),
                                        [](const toml::node& n) { return n.is_string(); })) {
        complain(key, "must be a list of texts");
    }
}

base::Json TableReader::rest() {
    base::Json result = base::Json::object();
    if (table_ == nullptr) {
        return result;
    }
    for (const auto& [key, value] : *table_) {
        if (!asked_.contains(key.str())) {
            asked_.emplace(key.str());
            result[std::string(key.str())] = to_json(value);
        }
    }
    return result;
}

void TableReader::finish() {
    if (table_ == nullptr) {
        return;
    }
    const std::vector<std::string_view> known(asked_.begin(), asked_.end());
    for (const auto& [key, value] : *table_) {
        if (asked_.contains(key.str())) {
            continue;
        }
        const std::string near = base::nearest(key.str(), known);
        Complaint complaint;
        complaint.file = file_;
        complaint.line = key.source().begin.line;
        complaint.column = key.source().begin.column;
        complaint.field =
            name_.empty() ? std::string(key.str()) : fmt::format("{}.{}", name_, key.str());
        complaint.message = near.empty()
                                ? "is not a known key"
                                : fmt::format("is not a known key; did you mean '{}'?", near);
        complaints_.push_back(std::move(complaint));
    }
}

base::Json to_json(const toml::node& node) {
    if (const auto* table = node.as_table(); table != nullptr) {
        base::Json result = base::Json::object();
        for (const auto& [key, value] : *table) {
            result[std::string(key.str())] = to_json(value);
        }
        return result;
    }
    if (const auto* list = node.as_array(); list != nullptr) {
        base::Json result = base::Json::array();
        for (const toml::node& item : *list) {
            result.push_back(to_json(item));
        }
        return result;
    }
    if (const auto value = node.value_exact<std::string>()) {
        return *value;
    }
    if (const auto value = node.value_exact<std::int64_t>()) {
        return *value;
    }
    if (const auto value = node.value_exact<bool>()) {
        return *value;
    }
    if (const auto value = node.value_exact<double>()) {
        return *value;
    }
    return nullptr;
}

}  // namespace lineside::config
