// SPDX-License-Identifier: Apache-2.0
#include "station/base/files.h"

#include "station/base/unique_fd.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

namespace lineside::base {
namespace {

tl::unexpected<Error> file_error(std::string_view doing, const std::filesystem::path& path,
                                 int error) {
    const std::string what = fmt::format("{} {}", doing, path.string());
    if (error == ENOENT) {
        return fail_errno("config.missing", what, error);
    }
    return fail_writing("station.bug", what, error);
}

}  // namespace

Result<std::string> read_file(const std::filesystem::path& path, std::size_t max_bytes) {
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) {
        return file_error("cannot open", path, errno);
    }
    std::string content;
    while (true) {
        const std::size_t had = content.size();
        content.resize(had + 64 * 1024);
        const ssize_t got = ::read(fd.get(), content.data() + had, content.size() - had);
        if (got < 0) {
            return file_error("cannot read", path, errno);
        }
        content.resize(had + static_cast<std::size_t>(got));
        if (got == 0) {
            return content;
        }
        if (content.size() > max_bytes) {
            return fail("config.invalid",
                        fmt::format("{} is longer than {} bytes", path.string(), max_bytes));
        }
    }
}

Status replace_file(const std::filesystem::path& path, std::string_view content, mode_t mode) {
    const std::filesystem::path temporary = path.string() + ".tmp";
    {
        const UniqueFd fd(
            ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
        if (!fd) {
            return file_error("cannot write", temporary, errno);
        }
        while (!content.empty()) {
            const ssize_t put = ::write(fd.get(), content.data(), content.size());
            if (put < 0) {
                return file_error("cannot write", temporary, errno);
            }
            content.remove_prefix(static_cast<std::size_t>(put));
        }
        if (::fsync(fd.get()) != 0) {
            return file_error("cannot sync", temporary, errno);
        }
    }
    if (::rename(temporary.c_str(), path.c_str()) != 0) {
        return file_error("cannot replace", path, errno);
    }
    const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
    const UniqueFd dir(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!dir || ::fsync(dir.get()) != 0) {
        return file_error("cannot sync", folder, errno);
    }
    return {};
}

}  // namespace lineside::base
