// SPDX-License-Identifier: Apache-2.0
// What the web server may ask about profiles and recipes as text. JSON shapes are those of
// web/api/openapi.yaml. Thread: the io_context's, callbacks too.
#pragma once

#include "station/base/error.h"
#include "station/base/json.h"

#include <functional>
#include <string>

namespace lineside::engine {

// A text as a page has it: secrets are marks in it (station/config/recipe_secrets.h).
struct RecipeEdit {
    std::string text;
    std::string revision;  // of what was edited
    std::string reason;    // of a save
};

class Recipes {
  public:
    using Done = std::function<void(base::Result<base::Json>)>;
    virtual ~Recipes() = default;

    // The file that holds profiles and recipes, its secrets hidden.   Errors: config.missing,
    // config.invalid (what is no TOML cannot be shown).
    virtual void show(Done done) = 0;
    // What `lineside check config` would say if the file were so; with `orders`, which open orders
    // start nothing any more at the next start.   Errors: request.conflict (the file has changed
    // since).
    virtual void check(RecipeEdit edit, bool orders, Done done) = 0;
    // In force at the next start. The earlier version is kept beside the file.   Errors:
    // request.conflict, request.invalid (no reason), config.invalid, request.refused (station.toml
    // holds the profiles), disk.full, db.failed.
    virtual void save(RecipeEdit edit, std::string actor, Done done) = 0;
};

}  // namespace lineside::engine
