// SPDX-License-Identifier: Apache-2.0
#include "workers/media/builds/recipe_source.h"

#include "station/base/files.h"
#include "station/base/text.h"
#include "station/base/unique_fd.h"
#include "workers/media/formats/recipe.h"
#include "workers/media/recipe/fat_files.h"
#include "workers/media/source/http_client.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cstdio>

namespace lineside::media {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr std::string_view kFetched = "platforms";
constexpr std::size_t kMostFiles = 1000;
constexpr auto kMostTime = 300s;                              // of git, all in all
constexpr std::string_view kMostBytes = "--fsize=268435456";  // of any one file that git makes

// What git and the ssh it starts find their keys, agents and proxies by; nobody is asked.
std::vector<std::string> git_environment() {
    std::vector<std::string> list{
        "GIT_TERMINAL_PROMPT=0", "GIT_ALLOW_PROTOCOL=file:git:http:https:ssh",
        "GIT_SSH_COMMAND=ssh -oBatchMode=yes -oConnectTimeout=10", "GIT_LFS_SKIP_SMUDGE=1"};
    for (const char* const name : {"HOME", "SSH_AUTH_SOCK", "SSL_CERT_FILE", "GIT_SSL_CAINFO",
                                   "https_proxy", "HTTPS_PROXY", "http_proxy", "no_proxy"}) {
        const char* const value = ::getenv(name);
        if (value != nullptr) {
            list.push_back(fmt::format("{}={}", name, value));
        }
    }
    return list;
}

bool is_repository(const fs::path& folder) {
    std::error_code error;
    return fs::exists(folder / ".git", error) ||
           (fs::is_directory(folder / "objects", error) &&
            fs::is_directory(folder / "refs", error) && fs::exists(folder / "HEAD", error));
}

// git@host:path, with names that cannot be taken for an option.
bool is_scp_address(std::string_view address) {
    const auto sign = address.find('@'), colon = address.find(':');
    const auto plain = [](std::string_view part, std::string_view more) {
        return !part.empty() && part.front() != '-' &&
               std::all_of(part.begin(), part.end(), [&](char c) {
                   return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || more.find(c) != std::string_view::npos;
               });
    };
    return sign != std::string_view::npos && colon != std::string_view::npos && sign < colon &&
           plain(address.substr(0, sign), "._-") &&
           plain(address.substr(sign + 1, colon - sign - 1), ".-") &&
           plain(address.substr(colon + 1), "._-/~+");
}

// The rest of an address behind its scheme: host and path are there, nothing looks like an option.
bool has_host_and_path(std::string_view rest) {
    const auto slash = rest.find('/');
    return slash != std::string_view::npos && slash > 0 && slash + 1 < rest.size() &&
           rest.front() != '-' && rest.front() != '/';
}

bool is_yml(const std::string& name) {
    return name.ends_with(".yml") && name != "template.yml";
}

// The names of regular files of `folder` that may be recipes, sorted.
base::Result<std::vector<std::string>> recipe_names(const fs::path& folder) {
    std::vector<std::string> names;
    std::error_code error;
    for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
        const std::string name = it->path().filename().string();
        if (is_yml(name) && it->symlink_status(error).type() == fs::file_type::regular) {
            names.push_back(name);
        }
        if (names.size() > kMostFiles) {
            return base::fail("media.source", fmt::format("{} holds more than {} recipes",
                                                          folder.string(), kMostFiles));
        }
    }
    if (error) {
        return base::fail_errno("config.missing", "cannot read the folder " + folder.string(),
                                error.value());
    }
    std::sort(names.begin(), names.end());
    return names;
}

base::Status clone(const std::string& address, const fs::path& into, const Programs& programs) {
    ProgramLimits limits;
    limits.most = kMostTime;
    limits.environment = git_environment();
    auto said = programs.run({"prlimit",
                              std::string(kMostBytes),
                              "--",
                              "git",
                              "-c",
                              "core.hooksPath=/dev/null",
                              "-c",
                              "core.symlinks=false",
                              "-c",
                              "core.fsmonitor=false",
                              "-c",
                              "http.lowSpeedLimit=1000",
                              "-c",
                              "http.lowSpeedTime=30",
                              "clone",
                              "--quiet",
                              "--no-recurse-submodules",
                              "--single-branch",
                              "--no-tags",
                              "--no-hardlinks",
                              "--template=",
                              "--",
                              address,
                              into.string()},
                             limits);
    if (!said) {
        return said.error().code == "operator.stopped"
                   ? tl::unexpected<base::Error>(said.error())
                   : base::fail("media.source",
                                fmt::format("the recipes cannot be fetched from {}: {}", address,
                                            said.error().message));
    }
    return {};
}

base::Result<std::string> commit_of(const fs::path& tree, const Programs& programs) {
    ProgramLimits limits;
    limits.most = 30s;
    limits.environment = git_environment();
    const auto said = programs.run(
        {"git", "-C", tree.string(), "rev-parse", "--verify", "--quiet", "HEAD"}, limits);
    if (!said) {
        return base::fail("media.source",
                          "the repository of recipes is empty; put recipes into it");
    }
    return std::string(trimmed(*said));
}

base::Status copy_folder(const fs::path& from, const fs::path& into) {
    const auto names = recipe_names(from);
    if (!names) {
        return tl::unexpected<base::Error>(names.error());
    }
    std::error_code error;
    fs::create_directory(into, error);
    for (const std::string& name : *names) {
        const auto text = base::read_file(from / name, 4 * kMaxRecipeBytes);
        if (!text) {
            return tl::unexpected<base::Error>(text.error());
        }
        if (auto put = base::replace_file(into / name, *text); !put) {
            return put;
        }
    }
    return {};
}

// `tree` takes the place of `target`, which is gone afterwards.
base::Status put_in_place(const fs::path& tree, const fs::path& target) {
    if (::rename(tree.c_str(), target.c_str()) == 0) {
        return {};
    }
    if (::renameat2(AT_FDCWD, tree.c_str(), AT_FDCWD, target.c_str(), RENAME_EXCHANGE) != 0) {
        return base::fail_writing("media.source", "cannot write " + target.string(), errno);
    }
    return {};  // the old one goes with the temporary folder
}

void judge(RecipeFile& file) {
    Report report;
    if (const auto name = parse_recipe_name(file.name, report)) {
        file.platform = name->platform;
        file.identifier = name->identifier;
    }
    const auto text = base::read_file(file.path, 4 * kMaxRecipeBytes);
    if (!text) {
        report.error({1, 1, "", text.error().message});
    } else {
        const auto recipes = read_recipes(*text, report);
        file.recipes = report.accepted() ? recipes.size() : 0;
    }
    file.errors = report.errors();
    file.warnings = report.warnings();
}

}  // namespace

std::string why_no_recipe_source(std::string_view address) {
    constexpr std::string_view kForms =
        "write git@HOST:PATH.git, https://HOST/PATH.git or the whole path of a folder";
    if (address.starts_with('/')) {
        return "";
    }
    for (const std::string_view scheme : {"https://", "http://", "git://", "ssh://", "file://"}) {
        if (!address.starts_with(scheme)) {
            continue;
        }
        const auto rest = address.substr(scheme.size());
        if (scheme == "file://") {
            return rest.starts_with('/') ? "" : fmt::format("it names no whole path; {}", kForms);
        }
        const auto host = rest.substr(0, rest.find('/'));
        const auto sign = host.rfind('@');
        if (sign != std::string_view::npos &&
            (scheme != "ssh://" || host.substr(0, sign).find(':') != std::string_view::npos)) {
            return "it holds a user name or password, which others could read: let git ask a "
                   "credential helper, or use git@HOST:PATH.git with a key";
        }
        return has_host_and_path(rest) && rest.find(' ') == std::string_view::npos
                   ? ""
                   : fmt::format("host or path is missing; {}", kForms);
    }
    return is_scp_address(address) ? "" : fmt::format("it is no address git can use; {}", kForms);
}

base::Result<FetchedRecipes> fetch_recipes(const std::string& address, const fs::path& folder,
                                           Fetch which, const Programs& programs) {
    const fs::path target = folder / kFetched;
    std::error_code error;
    const base::UniqueFd lock(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!lock) {
        return base::fail_errno("config.missing", "cannot open " + folder.string(), errno);
    }
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
        return base::fail("request.conflict", "somebody else fetches recipes into " +
                                                  folder.string() + "; wait until they are there");
    }
    if (fs::exists(target, error) != (which == Fetch::again)) {
        return which == Fetch::again
                   ? base::fail("request.conflict",
                                "there are no recipes yet; run: lineside recipes init")
                   : base::fail("request.conflict",
                                "the recipes are there already; run: lineside "
                                "recipes update");
    }
    auto temporary = TemporaryFolder::make(folder);
    if (!temporary) {
        return tl::unexpected<base::Error>(temporary.error());
    }
    const fs::path tree = temporary->path() / "tree";
    FetchedRecipes fetched;
    const bool plain = address.starts_with('/') && !is_repository(address);
    if (auto got = plain ? copy_folder(address, tree) : clone(address, tree, programs); !got) {
        return tl::unexpected<base::Error>(got.error());
    }
    if (!plain) {
        auto commit = commit_of(tree, programs);
        if (!commit) {
            return tl::unexpected<base::Error>(commit.error());
        }
        fetched.commit = std::move(*commit);
    }
    const auto names = recipe_names(tree);
    if (!names) {
        return tl::unexpected<base::Error>(names.error());
    }
    fetched.files = names->size();
    if (auto put = put_in_place(tree, target); !put) {
        return tl::unexpected<base::Error>(put.error());
    }
    return fetched;
}

std::vector<const RecipeFile*> RecipeShelf::of(std::string_view platform,
                                               const std::optional<std::string>& identifier) const {
    std::vector<const RecipeFile*> found;
    for (const RecipeFile& each : files) {
        if (each.platform == platform && each.recipes > 0 &&
            (!identifier || *identifier == each.identifier)) {
            found.push_back(&each);
        }
    }
    return found;
}

RecipeShelf list_recipes(const Settings& settings, const fs::path& folder) {
    RecipeShelf shelf;
    const auto user = settings.find("recipes.user");
    const std::array<std::pair<fs::path, std::string>, 2> places{
        {{folder / kFetched, "repository"},
         {user == settings.end() ? fs::path() : fs::path(user->second), "user"}}};
    for (const auto& [place, source] : places) {
        std::error_code error;
        if (place.empty() || !fs::exists(place, error)) {
            shelf.warnings.push_back(
                source == "user" ? fmt::format("the folder of your own recipes, {}, is not there",
                                               shown(place.string()))
                                 : "no recipes are fetched yet; run: lineside recipes init");
            continue;
        }
        const auto names = recipe_names(place);
        if (!names) {
            shelf.warnings.push_back(names.error().message);
            continue;
        }
        for (const std::string& name : *names) {
            RecipeFile file;
            file.path = place / name;
            file.name = name;
            file.source = source;
            judge(file);
            shelf.files.push_back(std::move(file));
        }
    }
    std::stable_sort(
        shelf.files.begin(), shelf.files.end(), [](const RecipeFile& a, const RecipeFile& b) {
            return std::tie(a.platform, a.identifier) < std::tie(b.platform, b.identifier);
        });
    return shelf;
}

}  // namespace lineside::media
