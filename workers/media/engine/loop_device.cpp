// SPDX-License-Identifier: Apache-2.0
#include "workers/media/engine/loop_device.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <sys/ioctl.h>

#include <cerrno>

namespace lineside::media {
namespace {

// Others take loop devices too: the free one may be theirs by the time it is configured.
constexpr int kTries = 64;

tl::unexpected<base::Error> unfit(std::string_view doing, int why) {
    return base::fail_errno("host.unfit", fmt::format("{} (loop devices need root)", doing), why);
}

}  // namespace

std::uint32_t sector_of(int fd) {
    int bytes = 0;
    return ::ioctl(fd, BLKSSZGET, &bytes) == 0 && bytes >= 512 ? static_cast<std::uint32_t>(bytes)
                                                               : 512;
}

base::Result<LoopDevice> LoopDevice::attach(const LoopPlan& plan) {
    const int access = plan.read_only ? O_RDONLY : O_RDWR;
    const base::UniqueFd backing(::open(plan.backing.c_str(), access | O_CLOEXEC | O_NOCTTY));
    if (!backing) {
        const int why = errno;
        const bool gone = why == ENXIO || why == ENODEV || why == ENOMEDIUM || why == ENOENT;
        return base::fail_errno(gone ? "usb.left" : "unit.storage",
                                "cannot open " + plan.backing.string(), why);
    }
    const base::UniqueFd control(::open("/dev/loop-control", O_RDWR | O_CLOEXEC));
    if (!control) {
        return unfit("cannot open /dev/loop-control", errno);
    }
    loop_config config{};
    config.fd = static_cast<std::uint32_t>(backing.get());
    config.block_size = plan.sector;
    config.info.lo_offset = plan.offset;
    config.info.lo_sizelimit = plan.bytes;
    // Direct: the bytes lie in one cache only, and reading back reaches the medium.
    config.info.lo_flags = LO_FLAGS_AUTOCLEAR | LO_FLAGS_DIRECT_IO |
                           (plan.read_only ? static_cast<unsigned>(LO_FLAGS_READ_ONLY) : 0U);
    for (int i = 0; i < kTries; ++i) {
        const int number = ::ioctl(control.get(), LOOP_CTL_GET_FREE);
        if (number < 0) {
            return unfit("cannot get a loop device", errno);
        }
        std::filesystem::path path = fmt::format("/dev/loop{}", number);
        base::UniqueFd fd(::open(path.c_str(), access | O_CLOEXEC));
        if (!fd) {
            return unfit("cannot open " + path.string(), errno);
        }
        if (::ioctl(fd.get(), LOOP_CONFIGURE, &config) == 0) {
            return LoopDevice(std::move(path), std::move(fd));
        }
        if (errno != EBUSY) {
            return unfit("cannot configure " + path.string(), errno);
        }
    }
    return unfit("cannot get a loop device", EBUSY);
}

base::Status LoopDevice::flush() const {
    if (::fsync(fd_.get()) != 0 || ::ioctl(fd_.get(), BLKFLSBUF, 0) != 0) {
        return base::fail_errno("unit.storage", path_.string() + " did not keep what was written",
                                errno);
    }
    return {};
}

}  // namespace lineside::media
