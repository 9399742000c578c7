// SPDX-License-Identifier: Apache-2.0
#include "workers/media/builds/settings.h"

#include "station/base/files.h"
#include "station/base/text.h"
#include "workers/media/builds/recipe_source.h"
#include "workers/media/source/http_client.h"

#include "station/base/toml.h"

#include <sstream>

namespace lineside::media {
namespace {

constexpr std::string_view kFolder = ".flashtool";
constexpr std::string_view kFile = "flashtool.toml";
constexpr std::size_t kMostFile = 64 * 1024;
constexpr std::size_t kMostValue = 2048;

bool is_key(std::string_view name) {
    return std::any_of(kSettingKeys.begin(), kSettingKeys.end(),
                       [&](const SettingKey& each) { return each.name == name; });
}

std::string key_list() {
    std::string text;
    for (const SettingKey& each : kSettingKeys) {
        text += fmt::format("{}{}", text.empty() ? "" : ", ", each.name);
    }
    return text;
}

std::string unknown_key(std::string_view name) {
    std::vector<std::string_view> names;
    for (const SettingKey& each : kSettingKeys) {
        names.push_back(each.name);
    }
    const std::string near = base::nearest(base::to_lower_ascii(name), names);
    return near.empty() ? fmt::format("there is no key {}; there are {}", shown(name), key_list())
                        : fmt::format("there is no key {}; is {} meant?", shown(name), near);
}

// Why `value` is no folder, or "".
std::string why_no_folder(std::string_view key, std::string_view value) {
    if (!value.starts_with('/')) {
        return "it must be a whole path, from / on";
    }
    const std::filesystem::path path = value;
    for (const auto& part : path) {
        if (part == "..") {
            return "it must not hold ..";
        }
    }
    if (key == "recipes.user" && value.find('_') != std::string_view::npos) {
        return "the path must not include underscores";
    }
    return "";
}

// Why `value` is no address of a build server, or "".
std::string why_no_server(std::string& value) {
    while (value.ends_with('/') || value.ends_with(':')) {
        value.pop_back();
    }
    if (value.empty()) {
        return "";
    }
    if (value.find("://") == std::string::npos) {
        value = "http://" + value;
    }
    const auto url = parse_http_url(value);
    if (!url) {
        return url.error().message;
    }
    return url->target.find('?') != std::string::npos ? "it must not hold a ?" : "";
}

bool holds_port(std::string_view address) {
    const auto host = address.substr(std::min(address.find("://") + 3, address.size()));
    const auto end = host.substr(0, host.find('/'));
    const auto colon = end.rfind(':');
    return colon != std::string_view::npos && end.find(']', colon) == std::string_view::npos;
}

// What belongs together.
std::string why_not_together(const Settings& settings) {
    const auto server = settings.find("buildbot.server");
    const auto port = settings.find("buildbot.port");
    return server != settings.end() && port != settings.end() && !port->second.empty() &&
                   holds_port(server->second)
               ? "buildbot.server holds a port already: leave buildbot.port empty, or take the "
                 "port out of the address"
               : "";
}

// Text, or a whole number where a port is meant.
std::optional<std::string> value_of(std::string_view key, const toml::node& node) {
    if (const auto text = node.value_exact<std::string>()) {
        return *text;
    }
    if (const auto number = node.value_exact<std::int64_t>(); number && key == "buildbot.port") {
        return std::to_string(*number);
    }
    return std::nullopt;
}

Finding at(const toml::source_region& region, std::string field, std::string message) {
    return {static_cast<std::int64_t>(region.begin.line),
            static_cast<std::int64_t>(region.begin.column), std::move(field), std::move(message)};
}

void read_key(const std::string& name, const toml::key& key, const toml::node& node,
              Settings& settings, Report& report) {
    if (!is_key(name)) {
        report.error(at(key.source(), name, unknown_key(name)));
        return;
    }
    const auto text = value_of(name, node);
    if (!text) {
        report.error(at(node.source(), name, "must be text in quotes"));
        return;
    }
    auto value = setting_value(name, *text);
    if (!value) {
        report.error(at(node.source(), name, value.error().message));
        return;
    }
    settings[name] = std::move(*value);
}

}  // namespace

base::Result<std::filesystem::path> working_folder(const std::string& given) {
    std::error_code error;
    if (!given.empty()) {
        auto path = std::filesystem::absolute(given, error).lexically_normal();
        if (!path.has_filename() && path.has_relative_path()) {
            path = path.parent_path();
        }
        return path;
    }
    auto here = std::filesystem::current_path(error) / kFolder;
    if (!error && std::filesystem::is_directory(here, error)) {
        return here;
    }
    const char* const home = ::getenv("HOME");
    if (home == nullptr || *home != '/') {
        return base::fail("request.invalid",
                          "nobody says where the home folder is: name the working folder by -w");
    }
    return std::filesystem::path(home) / kFolder;
}

std::filesystem::path settings_file(const std::filesystem::path& folder) {
    return folder / kFile;
}

base::Result<std::string> setting_key(std::string_view name) {
    std::string key = base::to_lower_ascii(name);
    return is_key(key) ? base::Result<std::string>(std::move(key))
                       : base::fail("request.invalid", unknown_key(name));
}

base::Result<std::string> setting_value(std::string_view key, std::string_view given) {
    std::string value(trimmed(given));
    const auto refuse = [&](const std::string& why) {
        return base::fail("config.invalid", fmt::format("{}: {}", key, why));
    };
    if (value.size() > kMostValue || base::mended_text(value) != value ||
        std::any_of(value.begin(), value.end(),
                    [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; })) {
        return refuse("it must be one line of UTF-8, at most 2048 bytes");
    }
    if (key == "buildbot.server") {
        const std::string why = why_no_server(value);
        return why.empty() ? base::Result<std::string>(std::move(value)) : refuse(why);
    }
    if (key == "buildbot.port") {
        const auto port = base::to_int(value);
        if (!value.empty() && (!port || *port < 1 || *port > 65535)) {
            return refuse("must be a whole number from 1 to 65535, or empty");
        }
        return port ? std::to_string(*port) : value;
    }
    if (value.empty()) {
        return refuse("must not be empty");
    }
    const std::string why =
        key == "recipes.server" ? why_no_recipe_source(value) : why_no_folder(key, value);
    return why.empty() ? base::Result<std::string>(std::move(value)) : refuse(why);
}

base::Status set_setting(std::string_view assignment, Settings& settings) {
    const auto equals = assignment.find('=');
    if (equals == std::string_view::npos) {
        return base::fail("request.invalid", fmt::format("{}: write KEY=VALUE; keys are {}",
                                                         shown(assignment), key_list()));
    }
    auto key = setting_key(trimmed(assignment.substr(0, equals)));
    if (!key) {
        return tl::unexpected<base::Error>(key.error());
    }
    auto value = setting_value(*key, assignment.substr(equals + 1));
    if (!value) {
        return tl::unexpected<base::Error>(value.error());
    }
    settings[*key] = std::move(*value);
    return {};
}

std::string setting_default(std::string_view key, const std::filesystem::path& folder) {
    if (key == "recipes.server") {
        return std::string(kRecipeServer);
    }
    std::string path = key == "recipes.user"     ? (folder / "own-recipes").string()
                       : key == "local.products" ? (folder / "products").string()
                                                 : "";
    return setting_value(key, path) ? path : "";
}

Settings read_settings(std::string_view text, Report& report) {
    Settings settings;
    toml::table file;
    try {
        file = toml::parse(text);
    } catch (const toml::parse_error& error) {
        report.error(at(error.source(), "", fmt::format("{}; mend the line", error.description())));
        return settings;
    }
    for (const auto& [section, node] : file) {
        const std::string name(section.str());
        const auto* const table = node.as_table();
        if (table == nullptr) {
            report.error(at(section.source(), name,
                            fmt::format("{}: keys stand below a table: [recipes], [buildbot] or "
                                        "[local]",
                                        shown(name))));
            continue;
        }
        if (table->empty() && name != "recipes" && name != "buildbot" && name != "local") {
            report.error(at(section.source(), name, unknown_key(name)));
        }
        for (const auto& [key, value] : *table) {
            read_key(fmt::format("{}.{}", name, key.str()), key, value, settings, report);
        }
    }
    if (const std::string why = why_not_together(settings); !why.empty()) {
        report.error({1, 1, "buildbot.port", why});
    }
    return settings;
}

base::Result<Settings> load_settings(const std::filesystem::path& folder) {
    const auto file = settings_file(folder);
    const auto text = base::read_file(file, kMostFile);
    if (!text) {
        return text.error().code == "config.missing"
                   ? base::fail("config.missing", fmt::format("{} is not there; run: lineside init "
                                                              "-w {}",
                                                              file.string(), folder.string()))
                   : tl::unexpected<base::Error>(text.error());
    }
    Report report;
    auto settings = read_settings(*text, report);
    if (!report.accepted()) {
        std::string all;
        for (const Finding& each : report.errors()) {
            all +=
                fmt::format("{}{}:{}:{}: {}{}{}", all.empty() ? "" : "\n", file.string(), each.line,
                            each.column, each.field, each.field.empty() ? "" : ": ", each.message);
        }
        return base::fail("config.invalid", all);
    }
    return settings;
}

base::Status save_settings(const Settings& settings, const std::filesystem::path& folder) {
    if (const std::string why = why_not_together(settings); !why.empty()) {
        return base::fail("config.invalid", why);
    }
    toml::table file;
    for (const auto& [key, value] : settings) {
        const auto dot = key.find('.');
        const std::string section = key.substr(0, dot);
        if (!file.contains(section)) {
            file.insert(section, toml::table{});
        }
        toml::table& table = *file[section].as_table();
        const auto number = base::to_int(value);
        if (key == "buildbot.port" && number) {
            table.insert(key.substr(dot + 1), *number);
        } else {
            table.insert(key.substr(dot + 1), value);
        }
    }
    std::ostringstream text;
    text << "# Where recipes and their products come from; `lineside config` changes it.\n"
         << file << '\n';
    return base::replace_file(settings_file(folder), text.str());
}

base::Result<std::string> build_server_address(const Settings& settings) {
    const auto server = settings.find("buildbot.server");
    if (server == settings.end() || server->second.empty()) {
        return base::fail("config.missing",
                          "no build server is configured; run: lineside config "
                          "buildbot.server=http://HOST");
    }
    const auto port = settings.find("buildbot.port");
    if (port == settings.end() || port->second.empty()) {
        return server->second;
    }
    auto url = parse_http_url(server->second);
    if (!url) {
        return tl::unexpected<base::Error>(url.error());
    }
    const std::string path = url->target == "/" ? "" : url->target;
    return fmt::format("{}://{}:{}{}", url->tls ? "https" : "http", url->host, port->second, path);
}

}  // namespace lineside::media
