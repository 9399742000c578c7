// SPDX-License-Identifier: Apache-2.0
// `lineside setup` and `lineside check-mmc`: recipes onto disks, and the check of their file
// systems. Every target has its own thread.
#include "station/app/media_commands.h"
#include "station/app/media_words.h"
#include "station/app/setup_choice.h"
#include "station/base/files.h"
#include "workers/media/recipe/check_disk.h"
#include "workers/media/recipe/setup.h"

#include <CLI/CLI.hpp>

#include <sys/stat.h>
#include <termios.h>

#include <iostream>

namespace lineside::app {
namespace {

using base::Json;

constexpr int kAllPassed = 0;
constexpr int kNotAll = 1;
constexpr std::size_t kMostTargets = 64;
constexpr std::size_t kMostPassword = 512;

struct SetupArguments {
    std::string recipe, password_file, work = "/var/tmp", model;
    std::vector<std::string> targets, products;
    bool keep_password = false, probe = false, yes = false, json = false, progress = false;
    ChoiceArguments choice;
    std::string identifier, uboot, linux_version, misc, rootfs;
};

struct Target {
    std::string name;
    std::unique_ptr<media::Setup> setup;
    media::SetupProgress progress;
    media::SetupResult result;
};
using Targets = std::vector<std::unique_ptr<Target>>;
using Products = std::map<std::string, std::filesystem::path>;

Json to_json(const Target& target) {
    const media::SetupResult& result = target.result;
    Json partitions = Json::array(), products = Json::array();
    for (const media::PartitionMade& each : result.partitions) {
        partitions.push_back({{"name", each.name},
                              {"fs_type", each.fs_type},
                              {"uuid", each.uuid},
                              {"label", each.label},
                              {"begin", each.slice.begin},
                              {"bytes", each.slice.bytes}});
    }
    for (const media::ProductLoaded& each : result.products) {
        products.push_back({{"name", each.name},
                            {"file", each.file},
                            {"sha256", each.sha256},
                            {"members", each.members},
                            {"bytes", each.bytes},
                            {"proof", result.proven ? each.proof : "none"}});
    }
    Json json{{"target", target.name},
              {"verdict", verdict_of(result.status, result.proven)},
              {"partitions", std::move(partitions)},
              {"products", std::move(products)}};
    if (!result.status) {
        json["error"] = error_json(result.status.error());
    }
    return json;
}

std::string to_text(const Target& target) {
    const media::SetupResult& result = target.result;
    std::string text = fmt::format("{}: {}", target.name, verdict_of(result.status, result.proven));
    if (!result.status) {
        return fmt::format("{}: {}: {}\n", text, result.status.error().code,
                           result.status.error().message);
    }
    text += '\n';
    for (const media::PartitionMade& each : result.partitions) {
        text += fmt::format("  {} {} {} MiB, UUID {}\n", each.name, each.fs_type,
                            each.slice.bytes >> 20, each.uuid);
    }
    for (const media::ProductLoaded& each : result.products) {
        text += fmt::format("  {}: {} ({} members)\n", each.name, each.file, each.members);
    }
    return text;
}

base::Result<std::vector<media::Recipe>> read_recipe_file(const std::string& file) {
    auto text = base::read_file(file, media::kMaxRecipeBytes);
    if (!text) {
        return tl::unexpected<base::Error>(text.error());
    }
    media::Report report;
    const std::filesystem::path path = file;
    (void)media::parse_recipe_name(path.filename().string(), report);
    auto recipes = media::read_recipes(*text, report);
    if (!report.accepted()) {
        std::cerr << report.to_text(file, "");
        const media::Finding& first = report.errors().front();
        return base::fail("config.invalid", fmt::format("{}:{}: {}: {}", file, first.line,
                                                        first.field, first.message));
    }
    return recipes;
}

base::Result<Products> read_products(const std::vector<std::string>& words) {
    Products products;
    for (const std::string& word : words) {
        const auto equals = word.find('=');
        const std::string name = word.substr(0, equals);
        const auto& known = media::kProducts;
        if (equals == std::string::npos || equals + 1 == word.size() ||
            std::find(known.begin(), known.end(), name) == known.end()) {
            return base::fail("request.invalid",
                              fmt::format("--product {}: write NAME=FILE; names are {}",
                                          media::shown(word), fmt::join(known, ", ")));
        }
        if (!products.emplace(name, word.substr(equals + 1)).second) {
            return base::fail("request.invalid", "--product " + name + " is given twice");
        }
    }
    return products;
}

bool loads(const media::Recipe& recipe, const std::string& product) {
    return std::any_of(recipe.load.begin(), recipe.load.end(),
                       [&](const media::RecipeProduct& each) { return each.name == product; });
}

// Of several recipes each takes the products it loads; one alone takes all, and says which it does
// not load.
Products products_of(const media::Recipe& recipe, const Products& given, bool several) {
    Products taken;
    for (const auto& [name, file] : given) {
        if (!several || loads(recipe, name)) {
            taken.emplace(name, file);
        }
    }
    return taken;
}

// Asks at the terminal without showing what is typed.
base::Secret ask_secret(std::string_view question) {
    std::cerr << question << std::flush;
    termios shown{};
    const bool terminal = ::tcgetattr(STDIN_FILENO, &shown) == 0;
    termios hidden = shown;
    hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    if (terminal) {
        ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
    }
    std::string line;
    std::getline(std::cin, line);
    if (terminal) {
        ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
        std::cerr << '\n';
    }
    return base::Secret(std::move(line));
}

// Root's password from the file (one line), or asked twice; nothing where the product's own stays
// or nobody can be asked.
base::Result<std::optional<base::Secret>> password_of(const SetupArguments& arguments, bool asked) {
    if (arguments.keep_password) {
        return std::nullopt;
    }
    if (!arguments.password_file.empty()) {
        auto text = base::read_file(arguments.password_file, kMostPassword);
        if (!text) {
            return tl::unexpected<base::Error>(text.error());
        }
        if (text->ends_with('\n')) {
            text->pop_back();
        }
        if (text->find('\n') != std::string::npos) {
            return base::fail("config.invalid",
                              arguments.password_file + ": a password is one line");
        }
        return base::Secret(std::move(*text));
    }
    if (!asked || ::isatty(STDIN_FILENO) == 0) {
        return std::nullopt;
    }
    base::Secret first = ask_secret("Password for root on the medium: ");
    if (first.reveal() != ask_secret("Again: ").reveal()) {
        return base::fail("request.invalid", "the two passwords differ: begin again");
    }
    return first;
}

// One disk named twice, by whatever names, would be written by two at once.
base::Status all_different(const std::vector<std::string>& targets) {
    std::map<std::pair<dev_t, ino_t>, std::string> seen;
    for (const std::string& each : targets) {
        struct stat status {};
        if (::stat(each.c_str(), &status) != 0) {
            continue;  // told when it is judged
        }
        const auto key = S_ISBLK(status.st_mode) ? std::pair(status.st_rdev, ino_t{0})
                                                 : std::pair(status.st_dev, status.st_ino);
        const auto put = seen.emplace(key, each);
        if (!put.second) {
            return base::fail("request.invalid",
                              fmt::format("{} and {} are one disk", put.first->second, each));
        }
    }
    return {};
}

// Prepares all targets, or none is begun.
base::Status prepare_all(const SetupArguments& arguments, const std::atomic<bool>& stop,
                         Targets& targets) {
    const bool by_platform = names_platform(arguments.recipe);
    const auto recipe_file = by_platform ? choose_recipe(arguments.recipe, arguments.choice)
                                         : base::Result<std::string>(arguments.recipe);
    if (!recipe_file) {
        return tl::unexpected<base::Error>(recipe_file.error());
    }
    auto recipes = read_recipe_file(*recipe_file);
    if (!recipes) {
        return tl::unexpected<base::Error>(recipes.error());
    }
    if (recipes->size() != 1 && recipes->size() != arguments.targets.size()) {
        return base::fail(
            "request.invalid",
            fmt::format("{} holds {} recipes, each for its own medium, and {} targets "
                        "are named: name as many",
                        arguments.recipe, recipes->size(), arguments.targets.size()));
    }
    auto products = read_products(arguments.products);
    if (!products) {
        return tl::unexpected<base::Error>(products.error());
    }
    for (const auto& [name, file] : *products) {
        const std::string& product = name;
        if (std::none_of(recipes->begin(), recipes->end(),
                         [&](const media::Recipe& each) { return loads(each, product); })) {
            return base::fail("request.invalid",
                              fmt::format("no recipe of {} loads the product {}: leave it out",
                                          arguments.recipe, product));
        }
    }
    if (auto different = all_different(arguments.targets); !different) {
        return different;
    }
    if (by_platform) {
        auto chosen = choose_products(arguments.recipe, *recipes, arguments.choice, *products);
        if (!chosen) {
            return chosen;
        }
    }
    bool has_root = false;
    for (const media::Recipe& recipe : *recipes) {
        for (const media::RecipePartition& each : recipe.partitions) {
            has_root = has_root || each.mount_point == "/";
        }
    }
    auto password = password_of(arguments, has_root);
    if (!password) {
        return tl::unexpected<base::Error>(password.error());
    }
    for (std::size_t i = 0; i < arguments.targets.size(); ++i) {
        media::SetupPlan plan;
        plan.recipe = recipes->size() == 1 ? recipes->front() : (*recipes)[i];
        plan.products = products_of(plan.recipe, *products, recipes->size() > 1);
        plan.target = arguments.targets[i];
        plan.policy.model = arguments.model;
        plan.root_password = *password;
        plan.keep_root_password = arguments.keep_password;
        plan.probe_capacity = arguments.probe;
        plan.work = arguments.work;
        auto setup = media::Setup::prepare(std::move(plan), stop);
        if (!setup) {
            return base::with_context(setup.error(), arguments.targets[i]);
        }
        targets.push_back(std::make_unique<Target>());
        targets.back()->name = arguments.targets[i];
        targets.back()->setup = std::move(*setup);
    }
    return {};
}

// Everything on the targets is lost: somebody says yes to it.
base::Status confirmed(const SetupArguments& arguments, const Targets& targets) {
    if (arguments.yes) {
        return {};
    }
    for (const auto& each : targets) {
        const media::JudgedTarget& target = each->setup->target();
        std::cerr << fmt::format("{}: {} {} of {} MiB: everything on it will be lost\n", each->name,
                                 target.device ? target.model : "file", target.serial,
                                 target.bytes >> 20);
    }
    if (::isatty(STDIN_FILENO) == 0) {
        return base::fail("request.invalid",
                          "nobody is there to be asked whether it may be overwritten: say --yes");
    }
    std::cerr << "Go on? Type yes: " << std::flush;
    std::string answer;
    std::getline(std::cin, answer);
    return answer == "yes" ? base::Status() : base::fail("operator.stopped");
}

void tell(const Target& target, bool json) {
    const media::SetupProgress& progress = target.progress;
    if (json) {
        std::cerr << base::dump_json({{"progress",
                                       {{"target", target.name},
                                        {"phase", progress.phase.load()},
                                        {"unpacked", progress.unpacked.load()},
                                        {"verified", progress.verified.load()},
                                        {"bytes", target.setup->bytes_to_unpack()}}}})
                  << '\n';
        return;
    }
    std::cerr << fmt::format("{}: {}: {} MiB unpacked, {} MiB read back, of {} MiB\n", target.name,
                             progress.phase.load(), progress.unpacked >> 20,
                             progress.verified >> 20, target.setup->bytes_to_unpack() >> 20);
}

int run_setup(const SetupArguments& arguments) {
    const std::atomic<bool>& stop = stop_on_signals();
    Targets targets;
    auto ready = prepare_all(arguments, stop, targets);
    if (ready) {
        ready = confirmed(arguments, targets);
    }
    if (!ready) {
        return nothing_begun("setup", ready.error(), arguments.json);
    }
    std::vector<std::function<void()>> works;
    for (const auto& each : targets) {
        Target* const target = each.get();
        works.emplace_back([target] { target->result = target->setup->run(target->progress); });
    }
    side_by_side(works, [&] {
        for (const auto& each : targets) {
            if (arguments.progress) {
                tell(*each, arguments.json);
            }
        }
    });
    Answers answers(arguments.json);
    for (const auto& each : targets) {
        answers.add(each->result.proven, to_json(*each), to_text(*each));
    }
    answers.give({{"recipe", arguments.recipe}});
    return answers.all_passed() ? kAllPassed : kNotAll;
}

std::string_view to_text(media::PartitionCheck::Verdict verdict) {
    using Verdict = media::PartitionCheck::Verdict;
    return verdict == Verdict::clean ? "clean" : verdict == Verdict::faulty ? "faulty" : "skipped";
}

struct CheckArguments {
    std::string disk, only;
    bool json = false;
};

int run_check(const CheckArguments& arguments) {
    const auto checks = media::check_disk(arguments.disk, arguments.only, stop_on_signals());
    if (!checks) {
        return nothing_begun("check-mmc", checks.error(), arguments.json);
    }
    bool clean = true;
    Json list = Json::array();
    for (const media::PartitionCheck& each : *checks) {
        clean = clean && each.verdict != media::PartitionCheck::Verdict::faulty;
        list.push_back({{"begin", each.slice.begin},
                        {"bytes", each.slice.bytes},
                        {"fs_type", each.type},
                        {"label", each.label},
                        {"uuid", each.uuid},
                        {"verdict", to_text(each.verdict)},
                        {"message", each.words}});
    }
    if (arguments.json) {
        std::cout << base::dump_json(
                         {{"verdict", clean ? "clean" : "faulty"}, {"partitions", std::move(list)}})
                  << '\n';
        return clean ? kAllPassed : kNotAll;
    }
    for (std::size_t i = 0; i < checks->size(); ++i) {
        const media::PartitionCheck& each = (*checks)[i];
        std::cout << fmt::format("{}: {} {}: {}{}{}\n", i, each.type.empty() ? "?" : each.type,
                                 each.label, to_text(each.verdict), each.words.empty() ? "" : ": ",
                                 each.words);
    }
    return clean ? kAllPassed : kNotAll;
}

}  // namespace

void add_setup_commands(CLI::App& app, int& status) {
    auto arguments = std::make_shared<SetupArguments>();
    auto* setup = app.add_subcommand(
        "setup", "partition disks by a recipe, load its products, prove it by reading back");
    setup
        ->add_option("recipe", arguments->recipe,
                     "PLATFORM.yml or PLATFORM_IDENTIFIER.yml, or a platform of `lineside "
                     "platforms`: its products come from the build server")
        ->required();
    setup
        ->add_option("target", arguments->targets,
                     "disks, or files of the size wanted; one for each recipe of the file")
        ->required()
        ->expected(1, kMostTargets);
    setup->add_option("--product", arguments->products, "NAME=FILE: a tar, or one plain file")
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    auto* file = setup->add_option("--root-password-file", arguments->password_file,
                                   "root's password on the medium, one line");
    setup->add_flag("--keep-root-password", arguments->keep_password, "as the product has it")
        ->excludes(file);
    setup->add_option("-w,--working-dir", arguments->choice.folder, "as of lineside init");
    auto* identifier = setup->add_option("--identifier", arguments->identifier,
                                         "which of a platform's recipes; \"\": the one without");
    const std::array<std::pair<const char*, std::string*>, 4> versions{
        {{"-r,--rootfs", &arguments->rootfs},
         {"-u,--uboot", &arguments->uboot},
         {"-l,--linux", &arguments->linux_version},
         {"-m,--misc", &arguments->misc}}};
    for (const auto& [name, pattern] : versions) {
        setup->add_option(name, *pattern, "its version: a regular expression for a part of it");
    }
    setup->add_flag("-a,--auto", arguments->choice.automatic,
                    "of several versions the last by name; a rootfs: the newest factory one");
    setup->add_flag("-L,--Local,--local", arguments->choice.local,
                    "keep what is fetched in local.products");
    setup->add_option("--model", arguments->model, "what a disk must call itself");
    setup->add_option("--work", arguments->work, "folder for what must be unpacked first");
    setup->add_flag("--probe", arguments->probe, "find media that hold less than they say");
    setup->add_flag("--yes", arguments->yes, "overwrite without asking");
    setup->add_flag("--progress", arguments->progress, "a line a second on standard error");
    setup->add_flag("--json", arguments->json);
    setup->callback([&status, arguments, identifier] {
        if (identifier->count() > 0) {
            arguments->choice.identifier = arguments->identifier;
        }
        arguments->choice.patterns = {{"rootfs", arguments->rootfs},
                                      {"uboot", arguments->uboot},
                                      {"linux", arguments->linux_version},
                                      {"misc", arguments->misc}};
        status = run_setup(*arguments);
    });

    auto check = std::make_shared<CheckArguments>();
    auto* mmc =
        app.add_subcommand("check-mmc", "check every file system of a disk; changes nothing");
    mmc->add_option("disk", check->disk)->required();
    mmc->add_option("fs_type", check->only, "this one only")
        ->check(CLI::IsMember({"fat32", "vfat", "ext2", "ext3", "ext4", "btrfs"}));
    mmc->add_flag("--json", check->json);
    mmc->callback([&status, check] { status = run_check(*check); });
}

}  // namespace lineside::app
