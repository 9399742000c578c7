// SPDX-License-Identifier: Apache-2.0
// A YAML file as a tree with positions, read by libyaml: every scalar stays the text that was
// written, so that "010", "yes" and "1e3" never turn into something else. Aliases are shared nodes,
// never copied: a "bomb" of nested aliases costs what its bytes cost. Merge keys (<<) are plain
// keys here.
// Errors: media.recipe with line and column.   Thread: any; plain values.
#pragma once

#include "workers/media/formats/report.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lineside::media {

struct YamlNode {
    enum class Kind { scalar, sequence, mapping };
    struct Pair {
        std::size_t key, value;  // indices into YamlDocument::nodes
    };

    Kind kind = Kind::scalar;
    std::int64_t line = 1, column = 1;
    std::string text;     // of a scalar
    bool plain = false;   // a scalar without quotes and without a tag
    bool tagged = false;  // !something: this reader gives tags no meaning
    std::vector<std::size_t> items;
    std::vector<Pair> pairs;

    // Nothing behind the colon, `~` or null.
    [[nodiscard]] bool is_null() const {
        return kind == Kind::scalar && plain &&
               (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL");
    }
    // Null, or quotes with nothing but blanks inside.
    [[nodiscard]] bool is_blank() const;
};

struct YamlDocument {
    std::int64_t line = 1;
    std::vector<YamlNode> nodes;  // nodes[0] is the root; empty for a document of nothing
};

struct YamlLimits {
    std::size_t documents = 64;
    std::size_t nodes = 20'000;  // of a file, keys and lists too
    std::size_t depth = 32;      // of values inside values
    std::size_t anchors = 256;   // and aliases, of a file
};

// Everything up to the first error, which is told in `report`.
[[nodiscard]] std::vector<YamlDocument> read_yaml(std::string_view text, const YamlLimits& limits,
                                                  Report& report);

}  // namespace lineside::media
