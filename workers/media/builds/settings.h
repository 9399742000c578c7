// SPDX-License-Identifier: Apache-2.0
// Where recipes for cards and their products come from: the working folder and its file
// `flashtool.toml`, with the keys of embEDUx Flashtool.
//   recipes.server   git address or folder that recipes are fetched from
//   recipes.user     folder with recipes of one's own; no underscore in its path
//   buildbot.server  address of the build server; empty: there is none
//   buildbot.port    its port, where the address holds none
//   local.products   folder that fetched products are kept in, when asked for
// Errors: config.invalid (file, line, key and remedy), config.missing, request.invalid, disk.full.
// Thread: any; blocks on disk.
#pragma once

#include "workers/media/formats/report.h"

#include <array>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lineside::media {

struct SettingKey {
    std::string_view name;  // "recipes.server"
    std::string_view what;  // what is asked for, one line
};
constexpr std::array<SettingKey, 5> kSettingKeys{{
    {"recipes.server",
     "where recipes are fetched from: git@HOST:PATH.git, https://HOST/PATH.git or a folder"},
    {"recipes.user", "folder with recipes of your own; its path must not include underscores"},
    {"buildbot.server", "address of the build server: http://HOST; empty: none"},
    {"buildbot.port", "port of its web page; empty: the address holds it, or the usual one"},
    {"local.products", "folder that fetched products are kept in, when --local is said"},
}};
constexpr std::string_view kRecipeServer = "https://github.com/embEDUx/flashtool-recipes";

// The values by key, as text; a key that is not set is not there.
using Settings = std::map<std::string, std::string, std::less<>>;

// The working folder: `given`, or `.flashtool` of the current folder where it is, or of the home
// folder.
[[nodiscard]] base::Result<std::filesystem::path> working_folder(const std::string& given);
[[nodiscard]] std::filesystem::path settings_file(const std::filesystem::path& folder);
// The key as it is written here ("Recipes.Server" is recipes.server), or why there is none.
[[nodiscard]] base::Result<std::string> setting_key(std::string_view name);
// The key's value as it is kept, or why it cannot be.
[[nodiscard]] base::Result<std::string> setting_value(std::string_view key, std::string_view value);
// "KEY=VALUE" into `settings`.
[[nodiscard]] base::Status set_setting(std::string_view assignment, Settings& settings);
// What somebody gets who only presses return.
[[nodiscard]] std::string setting_default(std::string_view key,
                                          const std::filesystem::path& folder);

// All complaints at once in `report`; good only where it has no error.
[[nodiscard]] Settings read_settings(std::string_view text, Report& report);
[[nodiscard]] base::Result<Settings> load_settings(const std::filesystem::path& folder);
// What belongs together is judged together, then the file is replaced as a whole.   Durable: yes.
[[nodiscard]] base::Status save_settings(const Settings& settings,
                                         const std::filesystem::path& folder);
// The build server's address with its port; config.missing where there is none.
[[nodiscard]] base::Result<std::string> build_server_address(const Settings& settings);

}  // namespace lineside::media
