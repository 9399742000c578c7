// SPDX-License-Identifier: Apache-2.0
#include "station/base/key_file.h"

#include "station/base/unique_fd.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace lineside::base {

Result<Secret> read_key_file(const std::filesystem::path& file, std::size_t max_bytes,
                             std::string_view code) {
    const std::string name = file.string();
    const UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (!fd) {
        return fail_errno(code, fmt::format("cannot open the key file {}", name), errno);
    }
    struct stat facts {};
    if (::fstat(fd.get(), &facts) != 0 || !S_ISREG(facts.st_mode)) {
        return fail(code, fmt::format("the key file {} is not a file", name));
    }
    if ((facts.st_mode & 077U) != 0 || (facts.st_uid != ::geteuid() && facts.st_uid != 0)) {
        return fail(
            code, fmt::format("the key file {} is open to others; run: chmod 600 {}", name, name));
    }
    if (facts.st_size < 0 || static_cast<std::size_t>(facts.st_size) > max_bytes) {
        return fail(code, fmt::format("{} is not a key file", name));
    }
    // One buffer of the final size: a string that grew would leave copies of the key behind.
    std::string content(static_cast<std::size_t>(facts.st_size), '\0');
    const ssize_t got = ::read(fd.get(), content.data(), content.size());
    Secret secret(std::move(content));
    if (got != facts.st_size) {
        return fail(code, fmt::format("cannot read the key file {}", name));
    }
    return secret;
}

}  // namespace lineside::base
