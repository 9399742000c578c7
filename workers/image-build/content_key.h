// SPDX-License-Identifier: Apache-2.0
// The content key of an image: one digest over everything that decides what the build makes. Same
// key, same image; a changed byte, mode, owner, attribute or link of the tree, another board, root
// device, environment, `mutable` list or builder gives another key. Thread: any (pure).
#pragma once

#include "station/base/error.h"
#include "station/base/json.h"
#include "workers/proof/path_rules.h"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace lineside::image_build {

// Bump when this worker makes another image from the same inputs.
constexpr std::string_view kBuilderVersion = "2";

// Whether flash.sh is also run with --sign.
enum class Sign { as_layout, always, never };

struct BuildInputs {
    std::string profile;  // not part of the key: two profiles may share an image
    std::string board;
    std::string rootdev;
    std::string release;                             // words for people; not part of the key
    std::map<std::string, std::string> environment;  // for flash.sh: BOARDID, FAB, …
    Sign sign = Sign::as_layout;
    proof::PathRules mutable_paths;
    std::vector<std::string> unproven;  // partitions that no two units share; sorted
    std::string container;              // id of the container image it is built in; "" = the host
    // "flash": the tree is a BSP, whose flash.sh makes the image. "massflash", "initrd",
    // "tegraflash": it is a finished package of that kind.
    std::string way = "flash";
    [[nodiscard]] bool is_package() const { return way != "flash"; }
    std::string before_flash;  // key_lines() of prepare.h; "" = nothing is done before
};

// Reads the worker's params. Errors: config.invalid, naming the field.
[[nodiscard]] base::Result<BuildInputs> inputs_from_json(const base::Json& params);

[[nodiscard]] std::string content_key(const BuildInputs& inputs, std::string_view tree_sha256);

}  // namespace lineside::image_build
