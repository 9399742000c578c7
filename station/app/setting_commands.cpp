// SPDX-License-Identifier: Apache-2.0
// `lineside init` and `config`: the working folder with the settings of recipes for cards.
#include "station/app/media_commands.h"
#include "station/app/media_words.h"
#include "station/app/shelf_words.h"
#include "station/base/text.h"

#include <CLI/CLI.hpp>

#include <unistd.h>

#include <iostream>
#include <set>

namespace lineside::app {
namespace {

using base::Json;
using media::Settings;
namespace fs = std::filesystem;

struct SettingArguments {
    std::string folder;
    std::vector<std::string> words;
    bool json = false, yes = false;
};

bool somebody_is_there() {
    return ::isatty(STDIN_FILENO) != 0;
}

Json settings_json(const fs::path& folder, const Settings& settings) {
    Json values = Json::object();
    for (const media::SettingKey& key : media::kSettingKeys) {
        const auto value = settings.find(key.name);
        values[std::string(key.name)] = value == settings.end() ? Json() : Json(value->second);
    }
    return {{"folder", folder.string()},
            {"file", media::settings_file(folder).string()},
            {"settings", std::move(values)}};
}

void give_settings(const fs::path& folder, const Settings& settings, bool json) {
    if (json) {
        std::cout << base::dump_json(settings_json(folder, settings)) << '\n';
        return;
    }
    std::cout << media::settings_file(folder).string() << '\n';
    for (const auto& [key, value] : settings) {
        std::cout << fmt::format("  {} = {}\n", key, value);
    }
}

// Asks until the answer is one; return alone takes what stands there.
base::Status ask_setting(const media::SettingKey& key, const std::string& otherwise,
                         Settings& settings) {
    for (;;) {
        std::cerr << fmt::format("{}: {}\n  [{}]: ", key.name, key.what, otherwise) << std::flush;
        std::string answer;
        if (!std::getline(std::cin, answer)) {
            return base::fail("operator.stopped");
        }
        const auto value = media::setting_value(key.name, answer.empty() ? otherwise : answer);
        if (value) {
            settings[std::string(key.name)] = *value;
            return {};
        }
        std::cerr << value.error().message << '\n';
    }
}

base::Status save(const Settings& settings, const fs::path& folder) {
    if (auto saved = media::save_settings(settings, folder); !saved) {
        return saved;
    }
    // The folder of somebody's own recipes is there from the start, as the others will be.
    std::error_code ignored;
    if (const auto user = settings.find("recipes.user"); user != settings.end()) {
        fs::create_directories(user->second, ignored);
    }
    return {};
}

base::Status init(const SettingArguments& arguments, const fs::path& folder, Settings& settings) {
    std::error_code error;
    if (fs::exists(media::settings_file(folder), error)) {
        auto there = media::load_settings(folder);
        if (!there) {
            return tl::unexpected<base::Error>(there.error());
        }
        settings = std::move(*there);
    }
    for (const std::string& word : arguments.words) {
        if (auto set = media::set_setting(word, settings); !set) {
            return set;
        }
    }
    for (const media::SettingKey& key : media::kSettingKeys) {
        if (settings.contains(key.name)) {
            continue;
        }
        const std::string otherwise = media::setting_default(key.name, folder);
        if (somebody_is_there() && !arguments.yes) {
            if (auto asked = ask_setting(key, otherwise, settings); !asked) {
                return asked;
            }
        } else if (otherwise.empty() && key.name.starts_with("buildbot.")) {
            settings[std::string(key.name)] = "";
        } else if (otherwise.empty()) {
            return base::fail("request.invalid",
                              fmt::format("{} has no default below {}: add {}=/PATH", key.name,
                                          folder.string(), key.name));
        } else {
            settings[std::string(key.name)] = otherwise;
        }
    }
    fs::create_directories(folder, error);
    if (error) {
        return base::fail_writing("config.missing", "cannot make " + folder.string(),
                                  error.value());
    }
    return save(settings, folder);
}

// The keys of a section that is named on its own: "Recipes".
base::Result<std::set<std::string>> keys_of_section(const std::string& word) {
    std::set<std::string> keys, sections;
    const std::string section = base::to_lower_ascii(word);
    for (const media::SettingKey& key : media::kSettingKeys) {
        const std::string name(key.name.substr(0, key.name.find('.')));
        sections.insert(name);
        if (name == section || key.name == section) {
            keys.emplace(key.name);
        }
    }
    if (keys.empty()) {
        return base::fail("request.invalid",
                          fmt::format("there is no section {}; there are {}; or write KEY=VALUE",
                                      media::shown(word), fmt::join(sections, ", ")));
    }
    return keys;
}

base::Status change(const SettingArguments& arguments, const fs::path& folder, Settings& settings) {
    auto there = media::load_settings(folder);
    if (!there) {
        return tl::unexpected<base::Error>(there.error());
    }
    settings = std::move(*there);
    std::set<std::string> asked;
    bool changed = false;
    for (const std::string& word : arguments.words) {
        if (word.find('=') != std::string::npos) {
            if (auto set = media::set_setting(word, settings); !set) {
                return set;
            }
            changed = true;
            continue;
        }
        auto keys = keys_of_section(word);
        if (!keys) {
            return tl::unexpected<base::Error>(keys.error());
        }
        asked.merge(*keys);
    }
    const bool all = arguments.words.empty();
    if (somebody_is_there() && !arguments.json) {
        for (const media::SettingKey& key : media::kSettingKeys) {
            if (!all && !asked.contains(std::string(key.name))) {
                continue;
            }
            const auto value = settings.find(key.name);
            if (auto done =
                    ask_setting(key, value == settings.end() ? "" : value->second, settings);
                !done) {
                return done;
            }
            changed = true;
        }
    }
    return changed ? save(settings, folder) : base::Status();
}

int run_settings(const SettingArguments& arguments, std::string_view command) {
    const auto folder = media::working_folder(arguments.folder);
    if (!folder) {
        return refused(command, folder.error(), arguments.json);
    }
    Settings settings;
    const auto done = command == "init" ? init(arguments, *folder, settings)
                                        : change(arguments, *folder, settings);
    if (!done) {
        return refused(command, done.error(), arguments.json);
    }
    give_settings(*folder, settings, arguments.json);
    return 0;
}

}  // namespace

void add_setting_commands(CLI::App& app, int& status) {
    const auto add = [&](const char* name, const char* words) {
        auto arguments = std::make_shared<SettingArguments>();
        auto* command = app.add_subcommand(name, words);
        command->add_option("-w,--working-dir", arguments->folder,
                            "working folder; otherwise .flashtool here or in the home folder");
        command->add_flag("--json", arguments->json);
        return std::pair(command, arguments);
    };
    auto [init, init_of] = add("init", "make a working folder for recipes for cards");
    init->add_option("setting", init_of->words,
                     "KEY=VALUE: recipes.server, recipes.user, buildbot.server, buildbot.port, "
                     "local.products");
    init->add_flag("--yes", init_of->yes, "take the defaults without asking");
    init->callback([&status, of = init_of] { status = run_settings(*of, "init"); });

    auto [config, config_of] = add("config", "show or change where recipes and products come from");
    config->add_option("what", config_of->words,
                       "KEY=VALUE, or Recipes, Buildbot, Local: to be asked");
    config->callback([&status, of = config_of] { status = run_settings(*of, "config"); });
}

}  // namespace lineside::app
