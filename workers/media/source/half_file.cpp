// SPDX-License-Identifier: Apache-2.0
#include "workers/media/source/half_file.h"

#include "station/base/files.h"

#include <fcntl.h>
#include <sys/stat.h>

namespace lineside::media {

base::Status HalfFile::open() {
    fd_.reset(::open(part_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644));
    struct stat status {};
    if (!fd_ || ::fstat(fd_.get(), &status) != 0) {
        return base::fail_writing("media.source", "cannot write " + part_.string(), errno);
    }
    const auto mark = base::read_file(mark_file_, kMostMark);
    mark_ = mark && status.st_size > 0 ? *mark : "";
    size_ = static_cast<std::uint64_t>(status.st_size);
    return mark_.empty() ? begin_anew("") : base::Status();
}

base::Status HalfFile::begin_anew(const std::string& mark) {
    mark_ = mark;
    size_ = 0;
    if (::ftruncate(fd_.get(), 0) != 0) {
        return base::fail_writing("media.source", "cannot write " + part_.string(), errno);
    }
    if (mark.empty()) {
        std::error_code ignored;
        std::filesystem::remove(mark_file_, ignored);
        return {};
    }
    return base::replace_file(mark_file_, mark);
}

base::Status HalfFile::append(std::string_view piece) {
    while (!piece.empty()) {
        const auto put = ::pwrite(fd_.get(), piece.data(), piece.size(), static_cast<off_t>(size_));
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put <= 0) {
            return base::fail_writing("media.source", "cannot write " + part_.string(), errno);
        }
        size_ += static_cast<std::uint64_t>(put);
        piece.remove_prefix(static_cast<std::size_t>(put));
    }
    return {};
}

base::Status HalfFile::become(const std::filesystem::path& file) {
    if (::fsync(fd_.get()) != 0 || ::rename(part_.c_str(), file.c_str()) != 0) {
        return base::fail_writing("media.source", "cannot write " + file.string(), errno);
    }
    std::error_code ignored;
    std::filesystem::remove(mark_file_, ignored);
    const base::UniqueFd folder(
        ::open(file.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    return !folder || ::fsync(folder.get()) != 0
               ? base::fail_writing("media.source", "cannot sync the folder of " + file.string(),
                                    errno)
               : base::Status();
}

}  // namespace lineside::media
