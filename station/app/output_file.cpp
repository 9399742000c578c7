// SPDX-License-Identifier: Apache-2.0
#include "station/app/output_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace lineside::app {
namespace {

// What a file made by open(2) with 0666 would have.
mode_t usual_mode() {
    const mode_t mask = ::umask(0);
    ::umask(mask);
    return 0666 & ~mask;
}

}  // namespace

tl::unexpected<base::Error> OutputFile::failed(int error) const {
    return base::fail_writing("request.refused", fmt::format("cannot write {}", name_), error);
}

base::Result<OutputFile> OutputFile::open(const std::string& name) {
    OutputFile out;
    out.name_ = name;
    if (name == "-") {
        out.name_ = "standard output";
        out.fd_ = STDOUT_FILENO;
        return out;
    }
    struct stat old {};
    const bool there = ::stat(name.c_str(), &old) == 0;
    if (there && S_ISDIR(old.st_mode)) {
        return out.failed(EISDIR);
    }
    if (there && !S_ISREG(old.st_mode)) {
        out.own_.reset(::open(name.c_str(), O_WRONLY | O_CLOEXEC));
    } else {
        std::error_code unused;
        out.target_ =
            there ? std::filesystem::canonical(name, unused) : std::filesystem::path(name);
        if (unused) {
            return out.failed(unused.value());
        }
        std::string part = out.target_.string() + ".part-XXXXXX";
        out.own_.reset(::mkostemp(part.data(), O_CLOEXEC));
        if (out.own_) {
            out.part_ = part;
        }
    }
    out.fd_ = out.own_.get();
    if (!out.own_ || (!out.part_.empty() &&
                      ::fchmod(out.fd_, there ? old.st_mode & 07777 : usual_mode()) != 0)) {
        return out.failed(errno);
    }
    return out;
}

OutputFile::~OutputFile() {
    if (own_ && !part_.empty()) {  // moved from: own_ is empty
        ::unlink(part_.c_str());
    }
}

base::Status OutputFile::write(std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t put = ::write(fd_, bytes.data(), bytes.size());
        if (put < 0 && errno != EINTR) {
            return failed(errno);
        }
        bytes.remove_prefix(put < 0 ? 0 : static_cast<std::size_t>(put));
    }
    return {};
}

base::Status OutputFile::finish() {
    if (part_.empty()) {
        return {};
    }
    if (::fsync(fd_) != 0 || ::rename(part_.c_str(), target_.c_str()) != 0) {
        return failed(errno);
    }
    part_.clear();
    return {};
}

}  // namespace lineside::app
