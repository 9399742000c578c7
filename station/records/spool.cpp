// SPDX-License-Identifier: Apache-2.0
#include "station/records/spool.h"

#include <fcntl.h>
#include <stdlib.h>  // NOLINT: mkostemp

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

namespace lineside::records {
namespace {

constexpr std::size_t kPiece = 64 * 1024;

}  // namespace

base::Status Spool::open() {
    file_.reset(::open(folder_.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    if (!file_ && (errno == EOPNOTSUPP || errno == EISDIR)) {
        // A file system without nameless files: the name goes at once.
        std::string name = folder_ / ".spool-XXXXXX";
        file_.reset(::mkostemp(name.data(), O_CLOEXEC));
        if (file_) {
            ::unlink(name.c_str());
        }
    }
    if (!file_) {
        return base::fail_writing(
            "station.bug", fmt::format("cannot make a temporary file in {}", folder_.native()),
            errno);
    }
    return {};
}

base::Status Spool::append(std::string_view bytes) {
    buffer_.append(bytes);
    return buffer_.size() < kPiece ? base::Status() : flush();
}

base::Status Spool::flush() {
    if (!file_) {
        if (auto opened = open(); !opened) {
            return opened;
        }
    }
    std::size_t done = 0;
    while (done < buffer_.size()) {
        const auto n = ::pwrite(file_.get(), buffer_.data() + done, buffer_.size() - done,
                                static_cast<off_t>(written_));
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return base::fail_writing("station.bug", "cannot write a temporary file", errno);
        }
        done += static_cast<std::size_t>(n);
        written_ += static_cast<std::uint64_t>(n);
    }
    buffer_.clear();
    return {};
}

base::Result<std::string> Spool::next() {
    if (read_ == written_) {
        read_ += buffer_.size();
        written_ = read_;
        return std::exchange(buffer_, {});
    }
    std::string piece(std::min<std::uint64_t>(kPiece, written_ - read_), '\0');
    const auto n = ::pread(file_.get(), piece.data(), piece.size(), static_cast<off_t>(read_));
    if (n < 0 && errno == EINTR) {
        return next();
    }
    if (n <= 0) {
        return base::fail_errno("station.bug", "cannot read a temporary file", n < 0 ? errno : EIO);
    }
    piece.resize(static_cast<std::size_t>(n));
    read_ += piece.size();
    return piece;
}

}  // namespace lineside::records
