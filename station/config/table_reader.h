// SPDX-License-Identifier: Apache-2.0
// Reads one TOML table key by key, collecting complaints with line and column instead of stopping
// at the first. finish() complains about every key nobody asked for. Thread: any.
#pragma once

#include "station/base/json.h"
#include "station/config/config.h"

#include "station/base/toml.h"

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace lineside::config {

class TableReader {
  public:
    // `table` may be null: then required keys complain at `where` (the parent's place).
    TableReader(const toml::table* table, const toml::node* where, std::string name,
                std::string file, std::vector<Complaint>& complaints);

    [[nodiscard]] bool there() const { return table_ != nullptr; }
    [[nodiscard]] bool has(std::string_view key) const {
        return table_ != nullptr && table_->contains(key);
    }
    [[nodiscard]] std::string text(std::string_view key, std::string otherwise);
    [[nodiscard]] std::string required_text(std::string_view key);
    [[nodiscard]] std::int64_t number(std::string_view key, std::int64_t otherwise,
                                      std::int64_t least, std::int64_t most);
    [[nodiscard]] double real(std::string_view key, double otherwise, double least, double most);
    [[nodiscard]] bool flag(std::string_view key, bool otherwise);
    [[nodiscard]] std::chrono::milliseconds seconds(std::string_view key, double otherwise);
    // A sub-table or null; the key counts as asked for.
    [[nodiscard]] const toml::table* table(std::string_view key);
    // Tables of an array of tables.
    [[nodiscard]] std::vector<const toml::table*> tables(std::string_view key);
    // A list of texts; left out: an empty one.
    [[nodiscard]] std::vector<std::string> texts(std::string_view key);
    // Complains unless the key is left out, a list of texts, or where `one_will_do` a text.
    void check_texts(std::string_view key, bool one_will_do = false);
    // Everything not asked for yet, as JSON (dates and such as text); counts as asked for.
    [[nodiscard]] base::Json rest();
    void complain(std::string_view key, std::string message);
    void finish();

  private:
    [[nodiscard]] const toml::node* node(std::string_view key);
    const toml::table* table_;
    const toml::node* where_;
    std::string name_;
    std::string file_;
    std::vector<Complaint>& complaints_;
    std::set<std::string, std::less<>> asked_;
};

[[nodiscard]] base::Json to_json(const toml::node& node);

}  // namespace lineside::config
