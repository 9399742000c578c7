// SPDX-License-Identifier: Apache-2.0
#include "station/helper/method.h"

#include "station/base/files.h"

#define TOML_EXCEPTIONS 0
#include "station/base/toml.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>

namespace lineside::helper {
namespace {

using base::fail;
using base::Result;

constexpr std::size_t kMaxManifest = 64 * 1024;
constexpr std::size_t kMaxMethods = 64;

Result<struct stat> root_owned(const std::string& path, mode_t type) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) {
        return base::fail_errno("worker.spawn", path, errno);
    }
    if ((status.st_mode & S_IFMT) != type || status.st_uid != 0 || (status.st_mode & 022) != 0) {
        return fail("worker.spawn",
                    fmt::format("{} must belong to root and be writable by nobody else", path));
    }
    return status;
}

Result<Method> read_manifest(const std::string& path, const std::string& folder) {
    auto text = base::read_file(path, kMaxManifest);
    if (!text) {
        return tl::unexpected(text.error());
    }
    const toml::parse_result parsed = toml::parse(*text, path);
    if (!parsed) {
        return fail("worker.spawn", fmt::format("{}: {}", path, parsed.error().description()));
    }
    const toml::table& root = parsed.table();
    const auto* exec = root.get_as<std::string>("exec");
    if (exec == nullptr || exec->get().empty() || exec->get().find('/') != std::string::npos ||
        exec->get().front() == '.') {
        return fail("worker.spawn",
                    fmt::format("{}: 'exec' must name a file in the method's folder", path));
    }
    Method out;
    out.executable = folder + "/" + exec->get();
    for (const auto& [key, flag] : {std::pair{"root", &out.root}, std::pair{"build", &out.build}}) {
        if (const toml::node* node = root.get(key); node != nullptr) {
            if (!node->is_boolean()) {
                return fail("worker.spawn",
                            fmt::format("{}: '{}' must be true or false", path, key));
            }
            *flag = node->as_boolean()->get();
        }
    }
    return out;
}

}  // namespace

Result<Method> MethodTable::find(const std::string& name) {
    const std::string folder = folder_ + "/" + name;
    const std::string manifest = folder + "/method.toml";
    if (auto owned = root_owned(folder, S_IFDIR); !owned) {
        return tl::unexpected(owned.error());
    }
    const auto status = root_owned(manifest, S_IFREG);
    if (!status) {
        return tl::unexpected(status.error());
    }
    const long long stamp = status->st_mtim.tv_sec * 1'000'000'000LL + status->st_mtim.tv_nsec +
                            static_cast<long long>(status->st_ino);
    auto it = known_.find(name);
    if (it == known_.end() || it->second.stamp != stamp) {
        auto method = read_manifest(manifest, folder);
        if (!method) {
            return method;
        }
        if (known_.size() > kMaxMethods) {
            known_.clear();
        }
        it = known_.insert_or_assign(name, Known{stamp, std::move(*method)}).first;
    }
    if (auto owned = root_owned(it->second.method.executable, S_IFREG); !owned) {
        return tl::unexpected(owned.error());
    }
    return it->second.method;
}

}  // namespace lineside::helper
