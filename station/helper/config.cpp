// SPDX-License-Identifier: Apache-2.0
#include "station/helper/config.h"

#include "station/base/files.h"
#include "station/base/text.h"
#include "station/usb/port_path.h"

#define TOML_EXCEPTIONS 0
#include "station/base/toml.h"

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>

#include <array>
#include <filesystem>
#include <optional>

namespace lineside::helper {
namespace {

using base::fail;
using base::Result;
using base::Status;

constexpr std::size_t kMaxConfig = 256 * 1024;

// Collects every complaint of the file, so that one run of an editor mends them all.
class Reader {
  public:
    Reader(const toml::table& root, std::string file) : root_(root), file_(std::move(file)) {}

    void complain(const toml::node* node, std::string_view sentence) {
        const auto at = node != nullptr ? node->source().begin : toml::source_position{};
        if (!errors_.empty()) {
            errors_ += '\n';
        }
        errors_ += fmt::format("{}:{}:{}: {}", file_, at.line, at.column, sentence);
    }

    void only(const toml::table& table, std::span<const std::string_view> known) {
        for (const auto& [key, node] : table) {
            if (std::find(known.begin(), known.end(), key.str()) == known.end()) {
                const std::string near = base::nearest(key.str(), known);
                complain(&node, fmt::format(
                                    "unknown key '{}'{}", key.str(),
                                    near.empty() ? "" : fmt::format("; did you mean '{}'?", near)));
            }
        }
    }

    std::string text(std::string_view key, std::string_view otherwise = {}, bool required = false) {
        const toml::node* node = root_.get(key);
        if (node == nullptr) {
            if (required) {
                complain(&root_, fmt::format("'{}' is missing", key));
            }
            return std::string(otherwise);
        }
        if (!node->is_string()) {
            complain(node, fmt::format("'{}' must be text", key));
            return {};
        }
        return std::string(node->as_string()->get());
    }

    std::string path(std::string_view key, bool required) {
        std::string value = text(key, {}, required);
        if (!value.empty() && !is_clean(value)) {
            complain(root_.get(key),
                     fmt::format("'{}' must be an absolute path without '..'", key));
        }
        return value;
    }

    std::vector<std::string> paths(std::string_view key) {
        std::vector<std::string> out;
        const toml::node* node = root_.get(key);
        if (node == nullptr) {
            return out;
        }
        const toml::array* list = node->as_array();
        if (list == nullptr) {
            complain(node, fmt::format("'{}' must be a list of paths", key));
            return out;
        }
        for (const toml::node& item : *list) {
            const auto* entry = item.as_string();
            if (entry == nullptr || !is_clean(entry->get())) {
                complain(&item, "must be an absolute path without '..'");
            } else {
                out.push_back(entry->get());
            }
        }
        return out;
    }

    // Names of container images, with or without their tags.
    std::vector<std::string> images(std::string_view key) {
        std::vector<std::string> out;
        const toml::node* node = root_.get(key);
        const toml::array* list = node == nullptr ? nullptr : node->as_array();
        if (node != nullptr && list == nullptr) {
            complain(node, fmt::format("'{}' must be a list of texts", key));
        }
        for (const toml::node& item : list == nullptr ? toml::array{} : *list) {
            const auto* entry = item.as_string();
            if (entry == nullptr || !is_image(entry->get())) {
                complain(&item,
                         "must be a container image's name, with or without its tag, such as "
                         "\"reeplayer/camera-sw\"");
            } else {
                out.push_back(entry->get());
            }
        }
        return out;
    }

    // Keys of ports, or of hubs all of whose ports are meant.
    std::vector<std::string> ports(std::string_view key) {
        std::vector<std::string> out;
        const toml::node* node = root_.get(key);
        const toml::array* list = node == nullptr ? nullptr : node->as_array();
        if (node != nullptr && list == nullptr) {
            complain(node, fmt::format("'{}' must be a list of ports", key));
        }
        for (const toml::node& item : list == nullptr ? toml::array{} : *list) {
            const auto* entry = item.as_string();
            if (entry == nullptr || !usb::is_port_key(entry->get())) {
                complain(&item,
                         "must be a port as station.toml has it, such as "
                         "\"pci-0000:00:14.0-usb-0:1.3\", or a hub's, for all its ports");
            } else {
                out.push_back(entry->get());
            }
        }
        return out;
    }

    Account account(std::string_view key) {
        const std::string name = text(key, {}, true);
        if (name.empty()) {
            return {};
        }
        auto found = find_account(name);
        if (!found) {
            complain(root_.get(key), found.error().message);
            return {};
        }
        return std::move(*found);
    }

    static bool is_image(std::string_view name) {
        return !name.empty() && name.size() <= 255 &&
               std::isalnum(static_cast<unsigned char>(name.front())) != 0 &&
               std::all_of(name.begin(), name.end(), [](unsigned char c) {
                   return std::isalnum(c) != 0 ||
                          std::string_view("._:/@-").find(static_cast<char>(c)) !=
                              std::string_view::npos;
               });
    }

    static bool is_clean(std::string_view path) {
        if (path.size() < 2 || path.front() != '/' || path.back() == '/' || path.size() > 1024) {
            return false;
        }
        for (std::string_view part : base::split(path.substr(1), '/')) {
            if (part.empty() || part == "." || part == "..") {
                return false;
            }
        }
        return path.find_first_of(std::string_view("\n\0", 2)) == std::string_view::npos;
    }

    [[nodiscard]] const std::string& errors() const { return errors_; }

  private:
    const toml::table& root_;
    std::string file_;
    std::string errors_;
};

bool is_variable(std::string_view name) {
    return !name.empty() && name.size() <= 64 &&
           std::isdigit(static_cast<unsigned char>(name[0])) == 0 &&
           std::all_of(name.begin(), name.end(),
                       [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; });
}

void read_environment(const toml::table& root, Reader& in, Config& out) {
    const toml::node* node = root.get("environment");
    if (node == nullptr) {
        return;
    }
    if (!node->is_table()) {
        in.complain(node, "'environment' must be a table of texts");
        return;
    }
    for (const auto& [key, value] : *node->as_table()) {
        if (!is_variable(key.str()) || !value.is_string()) {
            in.complain(&value, fmt::format("'{}' is not a variable with a text", key.str()));
        } else {
            out.environment.emplace_back(std::string(key.str()), value.as_string()->get());
        }
    }
}

void read_profiles(const toml::table& root, Reader& in, Config& out) {
    const toml::node* node = root.get("profile");
    if (node == nullptr) {
        return;
    }
    if (!node->is_table()) {
        in.complain(node, "'profile' must be a table of profiles");
        return;
    }
    for (const auto& [key, value] : *node->as_table()) {
        const toml::table* profile = value.as_table();
        if (!base::is_name(key.str()) || profile == nullptr) {
            in.complain(&value, fmt::format("'{}' is not a profile id with a table", key.str()));
            continue;
        }
        static constexpr std::array<std::string_view, 1> kKnown{"bsp"};
        in.only(*profile, kKnown);
        const auto* bsp = profile->get_as<std::string>("bsp");
        if (bsp == nullptr || !Reader::is_clean(bsp->get())) {
            in.complain(&value, "'bsp' must be an absolute path without '..'");
        } else {
            out.bsp.emplace(std::string(key.str()), bsp->get());
        }
    }
}

Status owned_by_root(const std::string& path, const struct stat& status) {
    if (status.st_uid != 0 || (status.st_mode & 022) != 0) {
        return fail("config.invalid",
                    fmt::format("{} must belong to root and be writable by nobody else", path));
    }
    return {};
}

// Could the service or a worker put another folder in this one's place?
bool swappable(const Config& config, const struct stat& status) {
    const auto mode = status.st_mode;
    if (status.st_uid != 0 &&
        (status.st_uid == config.service.uid || status.st_uid == config.worker.uid)) {
        return true;
    }
    if ((mode & S_ISVTX) != 0) {
        return false;
    }
    if ((mode & S_IWOTH) != 0) {
        return true;
    }
    return (mode & S_IWGRP) != 0 && status.st_gid != 0 &&
           (status.st_gid == config.service.gid || status.st_gid == config.worker.gid);
}

Status check_above(const Config& config, const std::string& path) {
    for (std::filesystem::path up = std::filesystem::path(path).parent_path();;
         up = up.parent_path()) {
        struct stat status {};
        if (::stat(up.c_str(), &status) != 0) {
            return base::fail_errno("config.invalid", up.string(), errno);
        }
        if (swappable(config, status)) {
            return fail("config.invalid",
                        fmt::format("{} lies below {}, which the service or a worker may write",
                                    path, up.string()));
        }
        if (up == up.root_path()) {
            return {};
        }
    }
}

}  // namespace

std::string mark_of(const std::string& lanes) {
    return base::sha256_hex(lanes).substr(0, 12);
}

Result<Account> find_account(const std::string& name) {
    Account out;
    out.name = name;
    if (name.starts_with('#')) {
        const auto number = base::to_int(std::string_view(name).substr(1));
        if (!number || *number < 0 || *number > 0x7fffffff) {
            return fail("config.invalid", fmt::format("'{}' is not a user number", name));
        }
        out.uid = static_cast<uid_t>(*number);
        out.gid = static_cast<gid_t>(*number);
        return out;
    }
    const passwd* entry = ::getpwnam(name.c_str());  // at start only, one thread
    if (entry == nullptr) {
        return fail("config.invalid", fmt::format("there is no user '{}'", name));
    }
    out.uid = entry->pw_uid;
    out.gid = entry->pw_gid;
    std::array<gid_t, 64> groups{};
    int count = static_cast<int>(groups.size());
    if (::getgrouplist(name.c_str(), out.gid, groups.data(), &count) >= 0) {
        out.groups.assign(groups.begin(), groups.begin() + count);
    }
    return out;
}

Result<Config> parse_config(const std::string& text, const std::string& file) {
    const toml::parse_result parsed = toml::parse(text, file);
    if (!parsed) {
        const auto& at = parsed.error().source().begin;
        return fail("config.invalid", fmt::format("{}:{}:{}: {}", file, at.line, at.column,
                                                  parsed.error().description()));
    }
    const toml::table& root = parsed.table();
    Reader in(root, file);
    static constexpr std::array<std::string_view, 16> kKnown{
        "socket",      "service_user", "worker_user", "methods",     "lanes", "images",
        "cgroup_root", "lane_mode",    "tmp_size",    "hide",        "keep",  "cache",
        "environment", "profile",      "containers",  "switch_ports"};
    in.only(root, kKnown);
    Config out;
    out.socket = in.path("socket", true);
    out.service = in.account("service_user");
    out.worker = in.account("worker_user");
    out.methods = in.path("methods", true);
    out.lanes = in.path("lanes", true);
    out.images = in.path("images", true);
    out.cache = in.path("cache", false);
    out.cgroup_root = in.path("cgroup_root", false);
    out.hide = in.paths("hide");
    out.keep = in.paths("keep");
    out.containers = in.images("containers");
    out.switch_ports = in.ports("switch_ports");
    out.tmp_size = in.text("tmp_size", out.tmp_size);
    if (out.tmp_size.empty() ||
        out.tmp_size.find_first_not_of("0123456789kmg%") != std::string::npos) {
        in.complain(root.get("tmp_size"), "'tmp_size' must be a size like \"2g\"");
    }
    const std::string mode = in.text("lane_mode", "auto");
    out.lane_mode = mode == "overlay" ? LaneMode::overlay
                    : mode == "copy"  ? LaneMode::copy
                                      : LaneMode::automatic;
    if (mode != "auto" && mode != "overlay" && mode != "copy") {
        in.complain(root.get("lane_mode"), "'lane_mode' must be auto, overlay or copy");
    }
    if (out.socket.size() > 100) {
        in.complain(root.get("socket"), "'socket' must be at most 100 bytes long");
    }
    if (out.worker.uid == 0 && in.errors().empty()) {
        in.complain(root.get("worker_user"), "'worker_user' must not be root");
    }
    read_environment(root, in, out);
    read_profiles(root, in, out);
    if (!in.errors().empty()) {
        return fail("config.invalid", in.errors());
    }
    out.digest = base::sha256_hex(text);
    out.mark = mark_of(out.lanes);
    return out;
}

Result<Config> load_config(const std::string& file) {
    struct stat status {};
    if (::stat(file.c_str(), &status) != 0) {
        return base::fail_errno("config.missing", file, errno);
    }
    if (auto owned = owned_by_root(file, status); !owned) {
        return tl::unexpected(owned.error());
    }
    auto text = base::read_file(file, kMaxConfig);
    if (!text) {
        return tl::unexpected(text.error());
    }
    return parse_config(*text, file);
}

Status check_folders(const Config& config) {
    std::array<dev_t, 4> device{};
    std::size_t index = 0;
    for (const std::string* path :
         {&config.methods, &config.lanes, &config.images, &config.cache}) {
        if (path == &config.cache && path->empty()) {
            continue;
        }
        struct stat status {};
        if (::lstat(path->c_str(), &status) != 0) {
            return base::fail_errno("config.invalid", *path, errno);
        }
        if (!S_ISDIR(status.st_mode)) {
            return fail("config.invalid",
                        fmt::format("{} must be a folder, not a link or file", *path));
        }
        if (auto owned = owned_by_root(*path, status); !owned) {
            return owned;
        }
        if (auto above = check_above(config, *path); !above) {
            return above;
        }
        device[index++] = status.st_dev;
    }
    if (device[1] != device[2]) {
        return fail("config.invalid", "'lanes' and 'images' must lie on one file system");
    }
    return {};
}

}  // namespace lineside::helper
