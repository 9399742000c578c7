// SPDX-License-Identifier: Apache-2.0
#include "workers/media/formats/yaml_tree.h"

#include <yaml.h>

#include <memory>

namespace lineside::media {
namespace {

std::int64_t one_based(std::size_t mark) {
    return static_cast<std::int64_t>(mark) + 1;
}

std::string_view view(const yaml_char_t* text) {
    return text == nullptr ? std::string_view() : reinterpret_cast<const char*>(text);
}

// libyaml marks nodes 1, 2, …; the tree counts from 0.
std::size_t index_of(int id) {
    return static_cast<std::size_t>(id) - 1;
}

YamlNode node_of(const yaml_node_t& from) {
    YamlNode node;
    node.line = one_based(from.start_mark.line);
    node.column = one_based(from.start_mark.column);
    const std::string_view tag = view(from.tag);
    switch (from.type) {
        case YAML_SCALAR_NODE:
            node.text.assign(reinterpret_cast<const char*>(from.data.scalar.value),
                             from.data.scalar.length);
            node.tagged = tag != YAML_STR_TAG;
            node.plain = from.data.scalar.style == YAML_PLAIN_SCALAR_STYLE && !node.tagged;
            break;
        case YAML_SEQUENCE_NODE:
            node.kind = YamlNode::Kind::sequence;
            node.tagged = tag != YAML_SEQ_TAG;
            for (auto* item = from.data.sequence.items.start; item < from.data.sequence.items.top;
                 ++item) {
                node.items.push_back(index_of(*item));
            }
            break;
        case YAML_MAPPING_NODE:
            node.kind = YamlNode::Kind::mapping;
            node.tagged = tag != YAML_MAP_TAG;
            for (auto* pair = from.data.mapping.pairs.start; pair < from.data.mapping.pairs.top;
                 ++pair) {
                node.pairs.push_back({index_of(pair->key), index_of(pair->value)});
            }
            break;
        case YAML_NO_NODE:
            break;
    }
    return node;
}

// A parser of `text` that frees itself.
class Parser {
  public:
    explicit Parser(std::string_view text) : good_(yaml_parser_initialize(&parser_) != 0) {
        if (good_) {
            // Where the encoding is said, libyaml takes a byte order mark for a letter.
            text.remove_prefix(text.starts_with("\xef\xbb\xbf") ? 3 : 0);
            yaml_parser_set_input_string(
                &parser_, reinterpret_cast<const unsigned char*>(text.data()), text.size());
            yaml_parser_set_encoding(&parser_, YAML_UTF8_ENCODING);
        }
    }
    ~Parser() {
        if (good_) {
            yaml_parser_delete(&parser_);
        }
    }
    Parser(const Parser&) = delete;
    Parser& operator=(const Parser&) = delete;
    [[nodiscard]] yaml_parser_t* get() { return &parser_; }
    [[nodiscard]] bool good() const { return good_; }

  private:
    yaml_parser_t parser_{};
    bool good_;
};

std::string problem_of(const yaml_parser_t& parser) {
    std::string text = parser.problem == nullptr ? "it cannot be read" : parser.problem;
    if (parser.context != nullptr) {
        text = std::string(parser.context) + ": " + text;
    }
    return "not valid YAML: " + text;
}

void complain(const yaml_parser_t& parser, Report& report) {
    report.error({one_based(parser.problem_mark.line), one_based(parser.problem_mark.column), "",
                  problem_of(parser) + ": mend it there or just above"});
}

struct Counts {
    std::size_t depth = 0, nodes = 0, anchors = 0, documents = 0;
};

bool has_anchor(const yaml_event_t& event) {
    switch (event.type) {
        case YAML_ALIAS_EVENT:
            return true;
        case YAML_SCALAR_EVENT:
            return event.data.scalar.anchor != nullptr;
        case YAML_SEQUENCE_START_EVENT:
            return event.data.sequence_start.anchor != nullptr;
        case YAML_MAPPING_START_EVENT:
            return event.data.mapping_start.anchor != nullptr;
        default:
            return false;
    }
}

std::string why_too_much(const yaml_event_t& event, const YamlLimits& limits, Counts& counts) {
    const bool begins =
        event.type == YAML_SEQUENCE_START_EVENT || event.type == YAML_MAPPING_START_EVENT;
    const bool ends = event.type == YAML_SEQUENCE_END_EVENT || event.type == YAML_MAPPING_END_EVENT;
    counts.depth = counts.depth + (begins ? 1U : 0U) - (ends ? 1U : 0U);
    counts.nodes += begins || event.type == YAML_SCALAR_EVENT ? 1U : 0U;
    counts.anchors += has_anchor(event) ? 1U : 0U;
    counts.documents += event.type == YAML_DOCUMENT_START_EVENT ? 1U : 0U;
    if (counts.depth > limits.depth) {
        return fmt::format("values inside each other, deeper than {}: no recipe is", limits.depth);
    }
    if (counts.anchors > limits.anchors) {
        return fmt::format("more than {} anchors and aliases: write the values out",
                           limits.anchors);
    }
    if (counts.nodes > limits.nodes || counts.documents > limits.documents) {
        return fmt::format("more than {} documents or {} values: split the file", limits.documents,
                           limits.nodes);
    }
    return {};
}

// libyaml's time grows with the square of depth and anchors: both are counted before it builds
// anything. False after an error.
bool is_bounded(std::string_view text, const YamlLimits& limits, Report& report) {
    Parser parser(text);
    Counts counts;
    for (;;) {
        yaml_event_t event;
        if (!parser.good() || yaml_parser_parse(parser.get(), &event) == 0) {
            complain(*parser.get(), report);
            return false;
        }
        const std::unique_ptr<yaml_event_t, void (*)(yaml_event_t*)> freed(&event,
                                                                           yaml_event_delete);
        if (event.type == YAML_STREAM_END_EVENT) {
            return true;
        }
        if (std::string why = why_too_much(event, limits, counts); !why.empty()) {
            report.error({one_based(event.start_mark.line), one_based(event.start_mark.column), "",
                          std::move(why)});
            return false;
        }
    }
}

}  // namespace

bool YamlNode::is_blank() const {
    return is_null() ||
           (kind == Kind::scalar && text.find_first_not_of(" \t") == std::string::npos);
}

std::vector<YamlDocument> read_yaml(std::string_view text, const YamlLimits& limits,
                                    Report& report) {
    std::vector<YamlDocument> documents;
    if (!is_bounded(text, limits, report)) {
        return documents;
    }
    Parser parser(text);
    for (;;) {
        yaml_document_t document;
        if (!parser.good() || yaml_parser_load(parser.get(), &document) == 0) {
            complain(*parser.get(), report);
            return documents;
        }
        const std::unique_ptr<yaml_document_t, void (*)(yaml_document_t*)> ended(
            &document, yaml_document_delete);
        if (yaml_document_get_root_node(&document) == nullptr) {
            return documents;
        }
        YamlDocument& made = documents.emplace_back();
        made.line = one_based(document.start_mark.line);
        for (auto* node = document.nodes.start; node < document.nodes.top; ++node) {
            made.nodes.push_back(node_of(*node));
        }
    }
}

}  // namespace lineside::media
