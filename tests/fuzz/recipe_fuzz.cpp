// SPDX-License-Identifier: Apache-2.0
// A recipe file as anybody might write it. Whatever it holds: complaints stand inside the file, and
// what is accepted keeps the rules of recipes.
#include "station/base/json.h"
#include "workers/media/formats/recipe.h"

#include <cstdlib>
#include <set>

namespace {

using namespace lineside;
using namespace lineside::media;

void must(bool so) {
    if (!so) {
        std::abort();
    }
}

void look_at(const Recipe& recipe) {
    must(recipe.partition_table == "msdos" || recipe.partition_table == "gpt");
    must(!recipe.partitions.empty() && recipe.partitions.size() <= kMaxPartitions);
    std::set<std::string> names;
    std::uint64_t percent = 0;
    std::size_t in_percent = 0;
    for (std::size_t i = 0; i < recipe.partitions.size(); ++i) {
        const RecipePartition& part = recipe.partitions[i];
        must(!part.name.empty() && names.insert(part.name).second && !part.fs_type.empty());
        const bool rest = part.size.kind == PartitionSize::Kind::rest;
        must(rest ? i + 1 == recipe.partitions.size() : part.size.value > 0);
        must(part.mount_point.empty() || part.mount_point[0] == '/');
        if (part.size.kind == PartitionSize::Kind::percent) {
            percent += part.size.value;
            ++in_percent;
        }
    }
    must(percent <= 100 && (in_percent == 0 || in_percent == recipe.partitions.size()));
    for (const RecipeProduct& product : recipe.load) {
        must(product.device.has_value() != !product.command.empty());
        must(!product.device || *product.device < recipe.partitions.size());
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    Report report;
    const auto recipes = read_recipes(bytes, report);
    const std::int64_t lines = std::ssize(bytes) + 2;  // YAML has line breaks of its own
    for (const Finding& each : report.errors()) {
        must(each.line >= 1 && each.line <= lines && each.column >= 1 && !each.message.empty());
    }
    must(!base::dump_json(report.to_json("f", 1)).empty());
    if (report.accepted()) {
        must(!recipes.empty());
        std::for_each(recipes.begin(), recipes.end(), look_at);
    }
    const auto line = bytes.substr(0, std::min(bytes.find('\n'), size));
    Report names;
    if (const auto name = parse_recipe_name(line, names)) {
        must(!name->platform.empty() && names.accepted());
        must((name->platform + name->identifier).find('_') == std::string::npos);
    }
    return 0;
}
