// SPDX-License-Identifier: Apache-2.0
#include "station/base/text.h"
#include "workers/media/formats/recipe.h"
#include "workers/media/formats/recipe_tables.h"
#include "workers/media/formats/yaml_tree.h"

#include <set>
#include <span>

namespace lineside::media {
namespace {

constexpr std::array<std::string_view, 2> kDocumentKeys{"type", "recipe"};
constexpr std::array<std::string_view, 3> kRecipeKeys{"partition_table", "partitions", "load"};
constexpr std::array<std::string_view, 6> kPartitionKeys{"name",        "size",       "fs_type",
                                                         "mount_point", "mount_opts", "flags"};
constexpr std::array<std::string_view, 2> kProductKeys{"device", "command"};

using Names = std::span<const std::string_view>;

std::string joined(Names names) {
    return fmt::format("{}", fmt::join(names, ", "));
}

bool has_control(std::string_view text) {
    return std::any_of(text.begin(), text.end(),
                       [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

class Reader {
  public:
    Reader(const YamlDocument& document, std::size_t number, Report& report)
        : document_(document), number_(number), report_(report) {}

    Recipe run() {
        recipe_.line = document_.line;
        if (document_.nodes.empty()) {
            return std::move(recipe_);
        }
        const YamlNode& root = document_.nodes[0];
        const Map top = map_of(root, "", "", kDocumentKeys);
        const YamlNode* type = top.find("type");
        const YamlNode* recipe = top.find("recipe");
        if (root.kind != YamlNode::Kind::mapping) {
            complain(root, "",
                     fmt::format("document({}): does not define attribute type: write "
                                 "type: mmc and recipe: with its settings",
                                 number_));
            return std::move(recipe_);
        }
        read_type(root, type);
        if (recipe == nullptr || recipe->is_blank()) {
            complain(recipe == nullptr ? root : *recipe, "recipe",
                     fmt::format("document({}): does not define attribute recipe: add recipe: with "
                                 "its settings",
                                 number_));
        } else {
            read_recipe(*recipe);
        }
        return std::move(recipe_);
    }

  private:
    struct Map {
        std::vector<std::pair<std::string_view, const YamlNode*>> values;
        [[nodiscard]] const YamlNode* find(std::string_view name) const {
            for (const auto& [key, value] : values) {
                if (key == name) {
                    return value;
                }
            }
            return nullptr;
        }
    };

    void complain(const YamlNode& at, std::string_view field, std::string message) {
        report_.error({at.line, at.column, std::string(field), std::move(message)});
    }
    void warn(const YamlNode& at, std::string_view field, std::string message) {
        report_.warning({at.line, at.column, std::string(field), std::move(message)});
    }

    // The known keys of a mapping; what is unknown or comes twice is complained about. `owner`
    // names it in the message as Flashtool does, empty for a document.
    Map map_of(const YamlNode& node, const std::string& field, std::string_view owner,
               Names known) {
        Map map;
        if (node.kind != YamlNode::Kind::mapping) {
            if (!field.empty()) {
                complain(node, field,
                         fmt::format("must be settings, one a line: {}", joined(known)));
            }
            return map;
        }
        refuse_tag(node, field);
        for (const YamlNode::Pair& pair : node.pairs) {
            const YamlNode& key = document_.nodes[pair.key];
            const std::string name = key.kind == YamlNode::Kind::scalar ? key.text : "(no word)";
            const std::string where = field.empty() ? name : field + "." + name;
            if (std::find(known.begin(), known.end(), name) == known.end()) {
                unknown_key(key, where, name, owner, known);
            } else if (map.find(name) != nullptr) {
                complain(key, where,
                         fmt::format("Attribute {} is given twice: keep one of them", name));
            } else {
                map.values.emplace_back(*std::find(known.begin(), known.end(), name),
                                        &document_.nodes[pair.value]);
            }
        }
        return map;
    }

    void unknown_key(const YamlNode& key, const std::string& where, const std::string& name,
                     std::string_view owner, Names known) {
        const std::string near = base::nearest(name, known);
        complain(key, base::mended_text(where),
                 fmt::format("Attribute {} is not allowed for {}; {}", plain(name),
                             owner.empty() ? "a document" : fmt::format("recipe {}", owner),
                             near.empty() ? fmt::format("allowed are {}: remove it", joined(known))
                                          : fmt::format("did you mean {}?", near)));
    }

    void require(const YamlNode& at, const std::string& field, const Map& map, Names wanted) {
        std::vector<std::string_view> missing;
        for (const std::string_view name : wanted) {
            if (map.find(name) == nullptr) {
                missing.push_back(name);
            }
        }
        if (!missing.empty()) {
            complain(at, field,
                     fmt::format("Attributes are missing: {}; add each, its value may be "
                                 "blank where nothing is meant",
                                 joined(missing)));
        }
    }

    void refuse_tag(const YamlNode& node, std::string_view field) {
        if (node.tagged) {
            complain(node, field, "a tag (!…) has no meaning in a recipe: remove it");
        }
    }

    // The text of a scalar, "" for a blank one and for what is no scalar (complained about).
    std::string scalar(const YamlNode& node, std::string_view field) {
        if (node.kind != YamlNode::Kind::scalar) {
            complain(node, field, "must be one value, not a list or settings");
            return {};
        }
        refuse_tag(node, field);
        return node.is_blank() ? std::string() : std::string(trimmed(node.text));
    }

    void read_type(const YamlNode& root, const YamlNode* type) {
        if (type == nullptr || type->is_blank()) {
            complain(type == nullptr ? root : *type, "type",
                     fmt::format("document({}): does not define attribute type: write type: mmc",
                                 number_));
        } else if (const std::string text = scalar(*type, "type");
                   !text.empty() && base::to_lower_ascii(text) != "mmc") {
            complain(*type, "type",
                     fmt::format("recipe type {} is not known: the one known is mmc", shown(text)));
        }
    }

    void read_recipe(const YamlNode& node) {
        const Map map = map_of(node, "recipe", "MMC", kRecipeKeys);
        if (node.kind != YamlNode::Kind::mapping) {
            return;
        }
        require(node, "recipe", map, kRecipeKeys);
        if (const YamlNode* table = map.find("partition_table")) {
            read_table(*table);
        }
        std::size_t count = 0;
        if (const YamlNode* partitions = map.find("partitions")) {
            count = partitions->items.size();
            read_partitions(*partitions);
        }
        if (const YamlNode* load = map.find("load")) {
            read_load(*load, count);
        }
    }

    void read_table(const YamlNode& node) {
        recipe_.partition_table = scalar(node, "recipe.partition_table");
        if (recipe_.partition_table != "msdos" && recipe_.partition_table != "gpt" &&
            node.kind == YamlNode::Kind::scalar) {
            complain(node, "recipe.partition_table",
                     fmt::format("Partition table {} stated in document is not supported! Write "
                                 "msdos or gpt",
                                 plain(recipe_.partition_table)));
        }
    }

    void read_partitions(const YamlNode& node) {
        const std::string field = "recipe.partitions";
        if (node.kind != YamlNode::Kind::sequence || node.items.empty()) {
            complain(node, field, "must be a list with at least one partition: begin each with -");
            return;
        }
        refuse_tag(node, field);
        const std::size_t most = recipe_.partition_table == "msdos" ? 4 : kMaxPartitions;
        if (node.items.size() > most) {
            complain(node, field,
                     fmt::format("{} partitions, and the table {} holds {}: take some out{}",
                                 node.items.size(), recipe_.partition_table, most,
                                 most == 4 ? " or use gpt" : ""));
        }
        std::vector<const YamlNode*> size_nodes;
        for (std::size_t i = 0; i < std::min(node.items.size(), kMaxPartitions); ++i) {
            const YamlNode& item = document_.nodes[node.items[i]];
            size_nodes.push_back(
                read_partition(item, fmt::format("{}[{}]", field, i), i + 1 == node.items.size()));
        }
        check_percent(node, size_nodes);
    }

    // The node of its size, or null where none could be read.
    const YamlNode* read_partition(const YamlNode& node, const std::string& field, bool last) {
        RecipePartition& part = recipe_.partitions.emplace_back();
        const Map map = map_of(node, field, "Partition", kPartitionKeys);
        if (node.kind != YamlNode::Kind::mapping) {
            return nullptr;
        }
        require(node, field, map, kPartitionKeys);
        const YamlNode* good_size = nullptr;
        for (const auto& [key, value] : map.values) {
            const std::string where = fmt::format("{}.{}", field, key);
            if (key == "name") {
                read_name(*value, where, part);
            } else if (key == "size") {
                good_size = read_size(*value, where, last, part) ? value : nullptr;
            } else if (key == "fs_type") {
                read_fs_type(*value, where, part);
            } else if (key == "mount_point") {
                read_mount_point(*value, where, part);
            } else if (key == "mount_opts") {
                read_mount_opts(*value, where, part);
            }
        }
        if (const YamlNode* flags = map.find("flags")) {  // its message names the partition
            read_flags(*flags, field + ".flags", part);
        }
        check_label(node, field, part);
        return good_size;
    }

    void read_name(const YamlNode& node, const std::string& field, RecipePartition& part) {
        part.name = scalar(node, field);
        std::transform(part.name.begin(), part.name.end(), part.name.begin(), [](char c) {
            return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
        });
        if (part.name.empty()) {
            if (node.kind == YamlNode::Kind::scalar) {
                complain(node, field,
                         "Partition must contain a name. Write the label it shall get");
            }
        } else if (has_control(part.name)) {
            complain(node, field, "a name is one line without control characters");
        } else if (!names_.insert(part.name).second) {
            complain(node, field,
                     fmt::format("Name of a partition must be unique! {} occurs twice (upper and "
                                 "lower case are the same): choose another",
                                 shown(part.name)));
        }
    }

    bool read_size(const YamlNode& node, const std::string& field, bool last,
                   RecipePartition& part) {
        const std::string text = scalar(node, field);
        if (node.kind != YamlNode::Kind::scalar) {
            return false;
        }
        if (const std::string why = parse_partition_size(text, part.size); !why.empty()) {
            complain(node, field, why);
            return false;
        }
        if (part.size.kind == PartitionSize::Kind::rest && !last) {
            complain(
                node, field,
                "Only the last partition can state the max flag for size. Write a number here");
        }
        return true;
    }

    void read_fs_type(const YamlNode& node, const std::string& field, RecipePartition& part) {
        part.fs_type = scalar(node, field);
        const bool known = std::any_of(kFileSystems.begin(), kFileSystems.end(),
                                       [&](const FileSystem& f) { return f.name == part.fs_type; });
        if (!known && node.kind == YamlNode::Kind::scalar) {
            complain(node, field,
                     fmt::format("Filesystem type {} is not supported. Write fat32, vfat, ext2, "
                                 "ext3, ext4 or btrfs",
                                 plain(part.fs_type)));
        }
    }

    // Both become fields of fstab, where blanks and control characters end a field or a line.
    void read_mount_point(const YamlNode& node, const std::string& field, RecipePartition& part) {
        part.mount_point = scalar(node, field);
        const std::string_view text = part.mount_point;
        if (text.empty()) {
            return;
        }
        const auto steps = base::split(text, '/');
        if (!text.starts_with('/') || has_control(text) ||
            std::find(steps.begin(), steps.end(), "..") != steps.end()) {
            complain(node, field,
                     fmt::format("the mount point {} is no path from / without ..: write one, or "
                                 "leave it blank",
                                 shown(text)));
        } else if (!mount_points_.insert(part.mount_point).second) {
            warn(node, field,
                 fmt::format("the mount point {} occurs twice: the later one hides the first",
                             shown(text)));
        }
    }

    void read_mount_opts(const YamlNode& node, const std::string& field, RecipePartition& part) {
        part.mount_opts = scalar(node, field);
        if (has_control(part.mount_opts) || part.mount_opts.find(' ') != std::string::npos) {
            complain(node, field,
                     "mount options are one word, separated by commas: take the blanks out");
        }
    }

    void read_flags(const YamlNode& node, const std::string& field, RecipePartition& part) {
        const std::string text = scalar(node, field);
        if (text.empty()) {
            return;
        }
        for (const std::string_view each : base::split(text, ',')) {
            const std::string_view name = trimmed(each);
            const auto* flag = std::find_if(kFlags.begin(), kFlags.end(),
                                            [&](const Flag& f) { return f.name == name; });
            if (flag == kFlags.end()) {
                refuse_flag(node, field, name, part);
                continue;
            }
            if (std::find(part.flags.begin(), part.flags.end(), name) != part.flags.end()) {
                warn(node, field, fmt::format("the flag {} is given twice", name));
                continue;
            }
            if (!(recipe_.partition_table == "gpt" ? flag->gpt : flag->msdos)) {
                warn(node, field,
                     fmt::format("a table {} has no flag {}: it will not be set",
                                 recipe_.partition_table, name));
            }
            part.flags.emplace_back(name);
        }
    }

    void refuse_flag(const YamlNode& node, const std::string& field, std::string_view name,
                     const RecipePartition& part) {
        std::vector<std::string_view> names;
        for (const Flag& each : kFlags) {
            names.push_back(each.name);
        }
        const std::string near = base::nearest(name, names);
        complain(node, field,
                 fmt::format(
                     "Flag {} for partition {} is not valid. {}", plain(name), plain(part.name),
                     near.empty() || near == name ? "Write libparted's names, separated by commas"
                                                  : fmt::format("Did you mean {}?", near)));
    }

    void check_label(const YamlNode& node, const std::string& field, const RecipePartition& part) {
        for (const FileSystem& each : kFileSystems) {
            if (each.name == part.fs_type && part.name.size() > each.label_bytes) {
                warn(node, field + ".name",
                     fmt::format("a label of {} holds {} bytes: {} is cut there", part.fs_type,
                                 each.label_bytes, shown(part.name)));
            }
        }
    }

    // All sizes in percent or none, and never more than the whole.
    void check_percent(const YamlNode& list, const std::vector<const YamlNode*>& nodes) {
        std::uint64_t sum = 0;
        const YamlNode* other = nullptr;
        std::size_t other_index = 0;
        for (std::size_t i = 0; i < nodes.size(); ++i) {
            const PartitionSize& size = recipe_.partitions[i].size;
            if (nodes[i] != nullptr && size.kind == PartitionSize::Kind::percent) {
                sum += size.value;
            } else if (nodes[i] != nullptr && other == nullptr) {
                other = nodes[i];
                other_index = i;
            }
        }
        if (sum > 0 && other != nullptr) {
            complain(*other, fmt::format("recipe.partitions[{}].size", other_index),
                     "sizes are all in % or none is: write this one in % too, or the others in mb");
        } else if (sum > 100) {
            complain(list, "recipe.partitions",
                     fmt::format("the sizes add up to {} %: make them 100 % at most", sum));
        }
    }

    void read_load(const YamlNode& node, std::size_t partitions) {
        const Map map = map_of(node, "recipe.load", "Load", kProducts);
        for (const auto& [key, value] : map.values) {
            read_product(*value, std::string(key), partitions);
        }
    }

    void read_product(const YamlNode& node, const std::string& name, std::size_t partitions) {
        const std::string field = "recipe.load." + name;
        if (node.is_blank() || (node.kind == YamlNode::Kind::mapping && node.pairs.empty())) {
            return;
        }
        const Map map = map_of(node, field, "Product", kProductKeys);
        if (node.kind != YamlNode::Kind::mapping) {
            return;
        }
        const YamlNode* device = map.find("device");
        const YamlNode* command = map.find("command");
        device = device != nullptr && device->is_null() ? nullptr : device;
        command = command != nullptr && command->is_null() ? nullptr : command;
        if ((device == nullptr) == (command == nullptr)) {
            complain(node, field,
                     fmt::format("Load config: Product \"{}\" config must state exactly one "
                                 "attribute (device|command). {}",
                                 name,
                                 device == nullptr ? "Add one, or leave the product blank"
                                                   : "Remove one of the two"));
            return;
        }
        RecipeProduct product{name, std::nullopt, {}};
        if (device != nullptr) {
            const std::string text = scalar(*device, field + ".device");
            const auto index = base::to_int(text);
            if (!index || text.starts_with('+') || !std::in_range<std::size_t>(*index) ||
                std::cmp_greater_equal(*index, partitions)) {
                complain(
                    *device, field + ".device",
                    fmt::format("{} is the index of no partition: there are {}, counted from 0",
                                shown(text), partitions));
                return;
            }
            product.device = static_cast<std::size_t>(*index);
        } else {
            const std::string text = scalar(*command, field + ".command");
            const std::string why = split_command(text, partitions, product.command);
            if (!why.empty()) {
                if (command->kind == YamlNode::Kind::scalar) {
                    complain(*command, field + ".command", why);
                }
                return;
            }
        }
        recipe_.load.push_back(std::move(product));
    }

    const YamlDocument& document_;
    std::size_t number_;
    Report& report_;
    Recipe recipe_;
    std::set<std::string> names_, mount_points_;
};

}  // namespace

std::vector<Recipe> read_recipes(std::string_view text, Report& report) {
    std::vector<Recipe> recipes;
    if (text.size() > kMaxRecipeBytes) {
        report.error(
            {1, 1, "",
             fmt::format("a recipe file of more than {} bytes: split it", kMaxRecipeBytes)});
        return recipes;
    }
    const auto documents = read_yaml(text, YamlLimits(), report);
    if (documents.empty() && report.accepted()) {
        report.error({1, 1, "",
                      "no recipe in it: a recipe file holds at least one YAML document with type: "
                      "and recipe:"});
    }
    for (std::size_t i = 0; i < documents.size(); ++i) {
        recipes.push_back(Reader(documents[i], i, report).run());
    }
    return recipes;
}

}  // namespace lineside::media
