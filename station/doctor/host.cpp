// SPDX-License-Identifier: Apache-2.0
#include "station/doctor/host.h"

#include "station/base/files.h"
#include "station/base/text.h"

#include <pwd.h>
#include <algorithm>

namespace lineside::doctor {
namespace {

constexpr std::size_t kMaxFile = 1024 * 1024;

}  // namespace

bool Host::exists(const std::string& absolute) const {
    std::error_code error;
    return std::filesystem::exists(path(absolute), error);
}

bool Host::hidden(const std::string& absolute) const {
    std::error_code error;
    return !std::filesystem::exists(path(absolute), error) && error == std::errc::permission_denied;
}

bool Host::sees_processes() const {
    return !real() || exists("/proc/1");
}

std::optional<std::string> Host::read(const std::string& absolute) const {
    auto text = base::read_file(path(absolute), kMaxFile);
    if (!text) {
        return std::nullopt;
    }
    if (text->ends_with('\n')) {
        text->pop_back();
    }
    return std::move(*text);
}

std::optional<std::int64_t> Host::number(const std::string& absolute) const {
    const auto text = read(absolute);
    return text ? base::to_int(*text) : std::nullopt;
}

bool Host::program(const std::string& name) const {
    for (const char* folder :
         {"/usr/local/sbin/", "/usr/local/bin/", "/usr/sbin/", "/usr/bin/", "/sbin/", "/bin/"}) {
        if (exists(folder + name)) {
            return true;
        }
    }
    return false;
}

bool Host::user(const std::string& name) const {
    if (real()) {
        return ::getpwnam(name.c_str()) != nullptr;  // also users that are not in the file
    }
    const auto file = read("/etc/passwd");
    return file && ("\n" + *file).find("\n" + name + ":") != std::string::npos;
}

bool Host::process(const std::string& name) const {
    // The kernel keeps 15 characters of a name.
    const std::string wanted = name.substr(0, 15);
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(path("/proc"), error)) {
        const std::string pid = entry.path().filename();
        if (base::to_int(pid) && read("/proc/" + pid + "/comm") == wanted) {
            return true;
        }
    }
    return false;
}

}  // namespace lineside::doctor
