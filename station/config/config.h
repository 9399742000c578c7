// SPDX-License-Identifier: Apache-2.0
// station.toml as values. Reading reports every error at once as "file:line:column: what is so";
// unknown keys are errors with the nearest known name; durations end in their unit (_s). Errors:
// config.missing, config.invalid.   Thread: any; read once at start.
#pragma once

#include "station/base/error.h"
#include "station/care/backup_folder.h"
#include "station/care/log_retention.h"
#include "station/core/profile.h"
#include "station/core/schedule.h"
#include "station/labels/template.h"
#include "station/power/plan.h"
#include "station/records/shift.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lineside::config {

struct SlotConfig {
    std::string label;                      // as on the sticker
    std::string port;                       // port key, see station/usb/port_path.h
    bool skip = false;                      // mode = "skip": shown, never used
    std::optional<power::SlotPower> power;  // how its unit is switched off and on
};

// The page on the line's network, under TLS; beside loopback, and only once there is an account.
struct WebConfig {
    std::vector<std::string> listen;  // addresses; empty: this host only
    std::uint16_t port = 8443;
    std::vector<std::string> names;     // "st3.example", "st3.example:443", lower case
    std::filesystem::path certificate;  // the site's; empty: the station makes its own
    std::filesystem::path key;          // of that one, or where its own is made
    std::filesystem::path made;         // where its own certificate is kept
};

// Who works at a screen by badge, how long at most.
struct PeopleConfig {
    std::chrono::milliseconds shift = std::chrono::hours(8);
};

// The keys that the site's scanners send first and last, by their names in a browser.
struct ScanKeys {
    std::string prefix = "F9";
    std::string end = "Enter";
};

// What the station is there for. Units of a training or demonstration station are not for sale.
enum class Use { production, training, demonstration };
[[nodiscard]] std::string_view to_text(Use use);  // as in station.toml

// How many people must release an image before a unit starts under it. `none`: training and
// demonstration only.
enum class ReleasePolicy { two, one, none };
[[nodiscard]] std::string_view to_text(ReleasePolicy policy);  // as in station.toml

struct Config {
    std::filesystem::path file;     // station.toml itself
    std::filesystem::path recipes;  // holds [[profile]] and [[recipe]]; empty: station.toml does
    std::string station_id;
    std::string station_name;
    Use use = Use::production;
    ReleasePolicy release = ReleasePolicy::two;
    std::filesystem::path data;         // database and logs
    std::filesystem::path key_file;     // seals the tokens; never inside `data`
    std::filesystem::path signing_key;  // signs journal and certificates; never inside `data`
    std::filesystem::path models_file;
    std::filesystem::path helper_socket;
    std::filesystem::path images;  // the helper's image folder, readable
    std::filesystem::path unix_socket;
    std::filesystem::path ui;          // built dashboard, may be missing
    std::string listen = "127.0.0.1";  // 127.0.0.1 or ::1 (both are then served)
    std::uint16_t port = 8080;
    WebConfig web;
    ScanKeys scan;
    PeopleConfig people;
    core::Limits limits;
    care::BackupPolicy backups;
    care::LogPolicy logs;
    std::chrono::milliseconds pass_stays{3000};  // a PASS is shown at least this long
    std::vector<SlotConfig> slots;
    records::Shifts shifts = records::default_shifts();
    std::vector<core::Profile> profiles;
    labels::PrinterPlan printer;
    std::map<std::string, labels::Template> labels;  // by profile; one that is not there gets none
};

struct Complaint {
    std::string file;
    std::int64_t line = 0;
    std::int64_t column = 0;
    std::string field;
    std::string message;
};

struct Reading {
    Config config;  // good only when there are no complaints
    std::vector<Complaint> complaints;
    bool unreadable = false;  // the file is not there or cannot be read: its one complaint says so
};

// Never fails as a call: a file that cannot be read is a complaint too. Reads the file that
// [station] recipes names, too; its complaints carry its name.
[[nodiscard]] Reading read_config(const std::filesystem::path& file);
// The same for a text that is there already; `file` is only named. `recipes` stands for the content
// of the file that [station] recipes names.
[[nodiscard]] Reading read_config_text(std::string_view text, const std::filesystem::path& file,
                                       std::optional<std::string_view> recipes = std::nullopt);
// The file in which profiles and recipes stand, by a station.toml that need not be good otherwise.
// Errors: config.missing, config.invalid (it is no TOML).
[[nodiscard]] base::Result<std::filesystem::path> recipes_file_of(
    const std::filesystem::path& station);
constexpr std::size_t kMaxRecipes = 256 * 1024;  // of a file of profiles and recipes alone
[[nodiscard]] std::string to_text(
    const Complaint& complaint);  // "station.toml:14:9: slot A3: port used twice"

// `lineside check config FILE [--json]`: exit status 0 accept, 1 reject, 2 usage
// (a file that cannot be read, too); writes to stdout.
[[nodiscard]] int run_check_config(const std::filesystem::path& file, bool json);

}  // namespace lineside::config
