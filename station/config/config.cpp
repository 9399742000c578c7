// SPDX-License-Identifier: Apache-2.0
#include "station/config/config.h"

#include "station/base/files.h"
#include "station/base/text.h"
#include "station/config/label_reader.h"
#include "station/config/power_reader.h"
#include "station/config/product_reader.h"
#include "station/config/table_reader.h"
#include "station/usb/port_path.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <iostream>
#include <map>

namespace lineside::config {
namespace {

constexpr std::string_view kTraining = "TRAINING";
constexpr std::size_t kMaxFile = 4 * 1024 * 1024;

// One of the words of an enumeration; left out: `value` stays.
template <typename Word>
void read_word(TableReader& in, std::string_view key, Word& value,
               std::initializer_list<Word> words) {
    const std::string text = in.text(key, std::string(to_text(value)));
    std::string known;
    for (const Word word : words) {
        if (to_text(word) == text) {
            value = word;
            return;
        }
        known += fmt::format("{}\"{}\"", known.empty() ? "" : ", ", to_text(word));
    }
    in.complain(key, fmt::format("must be one of {}", known));
}

void read_station(TableReader& in, Config& config) {
    config.station_id = in.required_text("id");
    config.station_name = in.text("name", config.station_id);
    read_word(in, "use", config.use, {Use::production, Use::training, Use::demonstration});
    if (config.use == Use::training && !config.station_name.starts_with(kTraining)) {
        // On every record, export and certificate, so that nobody takes them for real ones.
        config.station_name = std::string(kTraining) + " " + config.station_name;
    }
    config.data = in.required_text("data");
    config.recipes = in.text("recipes", "");
    if (!config.recipes.empty() && config.recipes.is_relative()) {
        in.complain("recipes",
                    "must be a whole path, such as /var/lib/lineside-setup/recipes.toml");
    }
    config.key_file = in.required_text("key_file");
    config.signing_key = in.text("signing_key", "");
    config.models_file = in.text("models", "/usr/share/lineside/models.toml");
    config.helper_socket = in.text("helper_socket", "/run/lineside-helper/helper.sock");
    config.images = in.text("images", "/var/lib/lineside-helper/images");
    config.unix_socket = in.text("unix_socket", "/run/lineside/station.sock");
    config.ui = in.text("ui", "/usr/share/lineside/ui");
    config.listen = in.text("listen", "127.0.0.1");
    config.port = static_cast<std::uint16_t>(in.number("port", 8080, 0, 65535));
    config.pass_stays = in.seconds("pass_stays_s", 3);
    if (config.listen != "127.0.0.1" && config.listen != "::1") {
        in.complain("listen",
                    "must be 127.0.0.1 or ::1: without a login the station serves this host only");
    }
    // "x/" is x with an empty last part.
    const auto data = (config.data / "").lexically_normal().string();
    if (config.signing_key.empty() && !config.key_file.empty()) {
        config.signing_key = config.key_file.string() + ".sign";
        if (config.key_file.string().starts_with("/run/credentials/")) {
            in.complain("signing_key",
                        "must be set: systemd's credentials folder, where key_file is, cannot be "
                        "written; take /var/lib/lineside-keys/signing.pem");
        }
    }
    const auto in_data = [&](const std::filesystem::path& file) {
        return !config.data.empty() && file.lexically_normal().string().starts_with(data);
    };
    if (in_data(config.recipes)) {
        in.complain("recipes",
                    "must lie outside the data folder, else a copy of the data carries the units' "
                    "passwords");
    }
    if (in_data(config.key_file)) {
        in.complain("key_file",
                    "must lie outside the data folder, else a copy of the data carries its key");
    }
    if (in_data(config.signing_key)) {
        in.complain("signing_key",
                    "must lie outside the data folder, else who has the data can sign another");
    }
    in.finish();
}

void read_release(TableReader in, Config& config) {
    using enum ReleasePolicy;
    read_word(in, "policy", config.release, {two, one, none});
    if (config.release == none && config.use == Use::production) {
        in.complain("policy",
                    "\"none\" is for a station with use = \"training\" or \"demonstration\"; "
                    "take \"two\" or \"one\"");
    }
    in.finish();
}

bool is_address(const std::string& text) {
    std::array<unsigned char, sizeof(in6_addr)> bytes{};
    return ::inet_pton(AF_INET, text.c_str(), bytes.data()) == 1 ||
           ::inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1;
}

// "st3.example", "st3.example:443"
bool is_host_name(std::string_view text) {
    const auto colon = text.find(':');
    if (colon != std::string_view::npos) {
        const auto port = base::to_int(text.substr(colon + 1));
        if (!port || *port < 1 || *port > 65535) {
            return false;
        }
        text = text.substr(0, colon);
    }
    return !text.empty() && text.size() <= 253 && text.front() != '.' && text.front() != '-' &&
           text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.-") ==
               std::string_view::npos;
}

void read_web(TableReader in, Config& config) {
    WebConfig& web = config.web;
    web.listen = in.texts("listen");
    for (const std::string& address : web.listen) {
        if (!is_address(address)) {
            in.complain("listen", fmt::format("'{}' is no address, such as 192.168.10.5, 0.0.0.0 "
                                              "or ::",
                                              address));
        }
    }
    web.port = static_cast<std::uint16_t>(in.number("port", 8443, 0, 65535));
    if (web.port != 0 && web.port == config.port) {
        in.complain("port", "must be another one than that of [station], which stays in the clear");
    }
    for (std::string& name : web.names = in.texts("names")) {
        name = base::to_lower_ascii(name);
        if (!is_host_name(name)) {
            in.complain("names",
                        fmt::format("'{}' is no host name, such as st3.line2.example", name));
        }
    }
    web.certificate = in.text("certificate", "");
    web.key = in.text("key", "");
    if (web.certificate.empty() != web.key.empty()) {
        in.complain(web.key.empty() ? "key" : "certificate",
                    "is missing: a certificate of the site comes with its key");
    }
    if (web.certificate.empty()) {  // beside the other key that the station makes for itself
        web.key = config.signing_key.parent_path() / "web.key";
        web.made = config.signing_key.parent_path() / "web.pem";
    }
    in.finish();
}

// "F9", "~", "Enter": a key's name in a browser, or the character it writes.
void read_scan(TableReader in, Config& config) {
    config.scan.prefix = in.text("prefix", "F9");
    config.scan.end = in.text("end", "Enter");
    for (const auto& [name, key] :
         {std::pair("prefix", &config.scan.prefix), std::pair("end", &config.scan.end)}) {
        if (key->empty() || key->size() > 16) {
            in.complain(name,
                        "must be a key as a browser names it, such as \"F9\", \"~\" or \"Enter\"");
        }
    }
    if (config.scan.prefix == config.scan.end) {
        in.complain("end", "must be another key than prefix");
    }
    in.finish();
}

void read_people(TableReader in, Config& config) {
    config.people.shift = std::chrono::hours(in.number("shift_h", 8, 1, 24));
    in.finish();
}

void read_care(TableReader backup, TableReader logs, Config& config) {
    config.backups.every = std::chrono::minutes(backup.number("every_min", 60, 1, 10'080));
    config.backups.keep = static_cast<int>(backup.number("keep", 48, 1, 100'000));
    config.backups.copy_to = backup.text("copy_to", "");
    if (!config.backups.copy_to.empty() && config.backups.copy_to.is_relative()) {
        backup.complain("copy_to", "must be a whole path, best on another disk");
    }
    backup.finish();
    config.logs.keep_days = logs.number("keep_days", 3650, 1, 36'500);
    config.logs.max_bytes = static_cast<std::uint64_t>(logs.number("max_gb", 0, 0, 1'000'000))
                            << 30U;
    logs.finish();
}

void read_slots(const std::vector<const toml::table*>& tables, const std::string& file,
                Reading& reading) {
    std::map<std::string, std::string> port_of;
    std::map<std::string, bool> labels;
    for (const toml::table* table : tables) {
        TableReader in(table, table, "slot", file, reading.complaints);
        SlotConfig slot;
        slot.label = in.required_text("label");
        slot.port = in.required_text("port");
        const std::string mode = in.text("mode", "auto");
        if (mode != "auto" && mode != "skip") {
            in.complain("mode", "must be \"auto\" or \"skip\"");
        }
        slot.skip = mode == "skip";
        if (!slot.label.empty() &&
            (slot.label.size() > 16 ||
             slot.label.find_first_not_of(
                 "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") !=
                 std::string::npos)) {
            in.complain("label", "must be 1 to 16 letters, digits, '.', '_' or '-'");
        }
        if (!slot.port.empty() && !usb::is_port_key(slot.port)) {
            in.complain("port", fmt::format("slot {}: must look like pci-0000:00:14.0-usb-0:1.3",
                                            slot.label));
        }
        slot.power =
            read_power(*table, in.table("power"), in.table("recovery"), file, reading.complaints);
        if (!labels.emplace(slot.label, true).second) {
            in.complain("label", fmt::format("slot {} is there twice", slot.label));
        }
        if (const auto [other, fresh] = port_of.emplace(slot.port, slot.label); !fresh) {
            in.complain("port", fmt::format("slot {}: port used twice, also by slot {}", slot.label,
                                            other->second));
        }
        in.finish();
        reading.config.slots.push_back(std::move(slot));
    }
}

// "06:00" as minutes of the day.
std::optional<int> minutes_of_day(std::string_view text) {
    const bool shape = text.size() == 5 && text[2] == ':' &&
                       text.find_first_not_of("0123456789:") == std::string_view::npos;
    const auto hour = shape ? base::to_int(text.substr(0, 2)) : std::nullopt;
    const auto minute = shape ? base::to_int(text.substr(3)) : std::nullopt;
    if (!hour || !minute || *hour > 23 || *minute > 59) {
        return std::nullopt;
    }
    return static_cast<int>(*hour * 60 + *minute);
}

unsigned read_days(TableReader& in) {
    constexpr std::array<std::string_view, 7> kDays{"sun", "mon", "tue", "wed",
                                                    "thu", "fri", "sat"};
    unsigned days = 0;
    for (const std::string& day : in.texts("days")) {
        const auto* const known = std::find(kDays.begin(), kDays.end(), day);
        if (known == kDays.end()) {
            in.complain("days", fmt::format("'{}' is no day: take mon, tue, wed, thu, fri, sat or "
                                            "sun",
                                            day));
        } else {
            days |= 1U << static_cast<unsigned>(known - kDays.begin());
        }
    }
    return days == 0 ? records::kEveryDay : days;
}

// Without one there are the three of records::default_shifts().
void read_shifts(const std::vector<const toml::table*>& tables, const std::string& file,
                 Reading& reading) {
    records::Shifts shifts;
    for (const toml::table* table : tables) {
        TableReader in(table, table, "shift", file, reading.complaints);
        records::Shift shift;
        shift.name = in.required_text("name");
        const std::string start = in.required_text("start");
        const auto minutes = minutes_of_day(start);
        if (!start.empty() && !minutes) {
            in.complain("start", "must be a time on the wall, such as \"06:00\"");
        }
        shift.start_min = minutes.value_or(0);
        shift.days = read_days(in);
        if (shift.name.size() > 32 || shift.name.find_first_of("\"\r\n,") != std::string::npos) {
            in.complain("name", "must be at most 32 bytes, without commas and quotes");
        }
        for (const records::Shift& other : shifts) {
            if (other.name == shift.name) {
                in.complain("name", fmt::format("shift {} is there twice", shift.name));
            } else if (other.start_min == shift.start_min) {
                in.complain("start", fmt::format("shift {} begins then, too", other.name));
            }
        }
        in.finish();
        shifts.push_back(std::move(shift));
    }
    if (!shifts.empty()) {
        reading.config.shifts = std::move(shifts);
    }
}

}  // namespace

std::string_view to_text(Use use) {
    return use == Use::production ? "production"
           : use == Use::training ? "training"
                                  : "demonstration";
}

std::string_view to_text(ReleasePolicy policy) {
    return policy == ReleasePolicy::two ? "two" : policy == ReleasePolicy::one ? "one" : "none";
}

base::Result<std::filesystem::path> recipes_file_of(const std::filesystem::path& station) {
    auto text = base::read_file(station, kMaxFile);
    if (!text) {
        return tl::unexpected<base::Error>(text.error());
    }
    Reading reading;
    const auto root = parse(*text, station.string(), reading.complaints);
    if (!root) {
        return base::fail("config.invalid", to_text(reading.complaints.front()));
    }
    const auto named = (*root)["station"]["recipes"].value_or(std::string());
    return named.empty() ? station : std::filesystem::path(named);
}

Reading read_config(const std::filesystem::path& file) {
    Reading reading;
    auto text = base::read_file(file, kMaxFile);
    if (!text) {
        reading.complaints.push_back({file.string(), 0, 0, "", text.error().message});
        reading.unreadable = true;
        return reading;
    }
    return read_config_text(*text, file);
}

Reading read_config_text(std::string_view text, const std::filesystem::path& file,
                         std::optional<std::string_view> recipes) {
    Reading reading;
    reading.config.file = file;
    const auto root = parse(text, file.string(), reading.complaints);
    if (!root) {
        return reading;
    }
    TableReader top(&*root, &*root, "", file.string(), reading.complaints);
    const auto part = [&](const char* name) {
        return TableReader(top.table(name), &*root, name, file.string(), reading.complaints);
    };
    if (top.table("station") == nullptr) {
        top.complain("station", "is missing: [station] with id, data and key_file");
    } else {
        TableReader in = part("station");
        read_station(in, reading.config);
    }
    read_release(part("release"), reading.config);
    read_scan(part("scan"), reading.config);
    read_web(part("web"), reading.config);
    read_people(part("people"), reading.config);
    TableReader limits = part("limits");
    reading.config.limits.jobs = static_cast<int>(limits.number("jobs", 64, 1, 512));
    reading.config.limits.per_root_port =
        static_cast<int>(limits.number("per_root_port", 16, 1, 512));
    reading.config.limits.learn = limits.flag("learn", true);
    limits.finish();
    read_care(part("backup"), part("logs"), reading.config);
    read_slots(top.tables("slot"), file.string(), reading);
    read_shifts(top.tables("shift"), file.string(), reading);
    reading.config.printer = read_printer(part("printer"));
    const Labels labels = read_labels(top.tables("label"), file.string(), reading.complaints);
    if (reading.config.recipes.empty()) {
        read_products(top, labels, file.string(), reading);
    } else {
        for (const char* key : {"profile", "recipe"}) {
            if (!top.tables(key).empty()) {
                top.complain(key,
                             fmt::format("must stand in {}, which [station] recipes names, and "
                                         "nowhere else",
                                         reading.config.recipes.string()));
            }
        }
        read_recipes_file(recipes, labels, reading);
    }
    top.finish();
    return reading;
}

std::string to_text(const Complaint& c) {
    std::string place = c.file;
    if (c.line > 0) {
        place += fmt::format(":{}:{}", c.line, c.column);
    }
    return c.field.empty() ? fmt::format("{}: {}", place, c.message)
                           : fmt::format("{}: {} {}", place, c.field, c.message);
}

int run_check_config(const std::filesystem::path& file, bool json) {
    const Reading reading = read_config(file);
    const bool good = reading.complaints.empty();
    if (json) {
        base::Json errors = base::Json::array();
        for (const Complaint& c : reading.complaints) {
            errors.push_back({{"file", c.file},
                              {"line", c.line},
                              {"column", c.column},
                              {"field", c.field},
                              {"message", c.message}});
        }
        const base::Json answer{{"verdict", good ? "accept" : "reject"},
                                {"count", good ? reading.config.slots.size() : 0},
                                {"warnings", base::Json::array()},
                                {"errors", std::move(errors)}};
        std::cout << base::dump_json(answer) << "\n";
    } else {
        for (const Complaint& c : reading.complaints) {
            std::cout << to_text(c) << "\n";
        }
        std::cout << (good
                          ? fmt::format("accept: {} slots, {} profiles",
                                        reading.config.slots.size(), reading.config.profiles.size())
                          : fmt::format("reject: {} errors", reading.complaints.size()))
                  << "\n";
    }
    return reading.unreadable ? 2 : good ? 0 : 1;
}

}  // namespace lineside::config
