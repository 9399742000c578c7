// SPDX-License-Identifier: Apache-2.0
#include "loop_disk.h"

#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "sysfs.h"

namespace line {
namespace {

constexpr int kTries = 20;  // others take loop devices, too

[[noreturn]] void fail(const std::string& what) {
    throw std::runtime_error(what + ": " + std::strerror(errno));
}

}  // namespace

LoopDisk::LoopDisk(const std::filesystem::path& file) {
    const int backing = ::open(file.c_str(), O_RDWR | O_CLOEXEC);
    const int control = ::open("/dev/loop-control", O_RDWR | O_CLOEXEC);
    for (int left = backing < 0 || control < 0 ? 0 : kTries; left > 0 && fd_ < 0; left--) {
        const int number = ::ioctl(control, LOOP_CTL_GET_FREE);
        if (number < 0) {
            break;
        }
        name_ = "loop" + std::to_string(number);
        number_ = "7:" + std::to_string(number);
        fd_ = ::open(("/dev/" + name_).c_str(), O_RDWR | O_CLOEXEC);
        loop_config wanted{};
        wanted.fd = static_cast<unsigned>(backing);
        wanted.info.lo_flags = LO_FLAGS_AUTOCLEAR;  // also when the line is killed
        if (fd_ >= 0 && ::ioctl(fd_, LOOP_CONFIGURE, &wanted) != 0) {
            const int why = errno;
            ::close(fd_);
            fd_ = -1;
            errno = why;
        }
    }
    const int why = errno;
    ::close(backing);
    ::close(control);
    errno = why;
    if (fd_ < 0) {
        fail(file.string() + " cannot be a disk");
    }
    bytes_ = 512 * std::stoull(read_file("/sys/block/" + name_ + "/size"));
    std::error_code none;
    const std::string counted = "/sys/block/" + name_ + "/diskseq";
    sequence_ = std::filesystem::exists(counted, none) ? read_file(counted) : "0";
}

void LoopDisk::pull() {
    if (fd_ < 0) {
        return;
    }
    // Nothing is left of it for who is writing: it begins where its file ends.
    loop_info64 info{};
    if (::ioctl(fd_, LOOP_GET_STATUS64, &info) == 0) {
        info.lo_offset = (bytes_ + 511) / 512 * 512;
        for (int left = kTries; left > 0 && ::ioctl(fd_, LOOP_SET_STATUS64, &info) != 0; left--) {
            ::usleep(1000);  // pages of it are still in the cache (EAGAIN)
        }
    }
    ::ioctl(fd_, LOOP_CLR_FD);  // when its last user is gone
    ::close(fd_);
    fd_ = -1;
}

}  // namespace line
