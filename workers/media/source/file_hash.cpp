// SPDX-License-Identifier: Apache-2.0
#include "workers/media/source/file_hash.h"

#include "station/base/text.h"
#include "station/base/unique_fd.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace lineside::media {
namespace {

constexpr std::size_t kReadStep = 1024 * 1024;

}  // namespace

base::Status read_through(const std::filesystem::path& file, const std::atomic<bool>& stop,
                          const std::function<base::Status(std::string_view)>& take) {
    const base::UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) {
        return base::fail_errno(errno == ENOENT ? "config.missing" : "media.source",
                                "cannot open " + file.string(), errno);
    }
    std::string buffer(kReadStep, '\0');
    for (;;) {
        if (stop) {
            return base::fail("operator.stopped");
        }
        const ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return base::fail_errno("media.source", "cannot read " + file.string(), errno);
        }
        if (got == 0) {
            return {};
        }
        if (auto taken = take(std::string_view(buffer).substr(0, static_cast<std::size_t>(got)));
            !taken) {
            return taken;
        }
    }
}

base::Result<std::string> hash_of_file(const std::filesystem::path& file,
                                       const std::atomic<bool>& stop) {
    base::Sha256 hash;
    auto read = read_through(file, stop, [&](std::string_view piece) {
        hash.update(piece);
        return base::Status();
    });
    return read ? base::Result<std::string>(hash.hex()) : tl::unexpected<base::Error>(read.error());
}

}  // namespace lineside::media
