// SPDX-License-Identifier: Apache-2.0
#include "workers/media/engine/medium.h"

#include "station/base/unique_fd.h"
#include "workers/media/engine/image_map.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <limits>

#ifndef BLKGETDISKSEQ  // Linux 5.15; Debian 12's header has it, an older one may not
#define BLKGETDISKSEQ _IOR(0x12, 128, __u64)
#endif

namespace lineside::media {
namespace {

using base::UniqueFd;

int error_or_zero(int result) {
    return result < 0 ? errno : 0;
}

// All of `bytes`, in as many calls as it takes; EIO where the medium ends before.
template <typename Call>
int whole(Call call, std::uint64_t offset, std::size_t length) {
    for (std::size_t done = 0; done < length;) {
        const ssize_t got = call(done, length - done, static_cast<off_t>(offset + done));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return got < 0 ? errno : EIO;
        }
        done += static_cast<std::size_t>(got);
    }
    return 0;
}

// What a device and a file have in common: two descriptors, one past the page cache.
class FileMedium : public Medium {
  public:
    FileMedium(std::string name, UniqueFd direct, UniqueFd buffered, std::uint64_t size, IoKind io)
        : name_(std::move(name)),
          direct_(std::move(direct)),
          buffered_(std::move(buffered)),
          size_(size),
          queue_(make_io_queue(direct_.get(), io)) {}

    [[nodiscard]] const std::string& name() const override { return name_; }
    [[nodiscard]] std::uint64_t size() const override { return size_; }
    [[nodiscard]] IoQueue& queue() override { return *queue_; }

    [[nodiscard]] int write_odd(std::uint64_t offset, std::span<const std::byte> bytes) override {
        return whole(
            [&](std::size_t at, std::size_t length, off_t where) {
                return ::pwrite(buffered_.get(), bytes.data() + at, length, where);
            },
            offset, bytes.size());
    }
    [[nodiscard]] int read_odd(std::uint64_t offset, std::span<std::byte> bytes) override {
        return whole(
            [&](std::size_t at, std::size_t length, off_t where) {
                return ::pread(buffered_.get(), bytes.data() + at, length, where);
            },
            offset, bytes.size());
    }

  protected:
    [[nodiscard]] int buffered() const { return buffered_.get(); }
    [[nodiscard]] int write_zeros(std::uint64_t begin, std::uint64_t end) {
        static constexpr std::array<std::byte, kAlignment> kZeros{};
        return write_odd(begin, std::span(kZeros).first(static_cast<std::size_t>(end - begin)));
    }

  private:
    std::string name_;
    UniqueFd direct_, buffered_;
    std::uint64_t size_;
    std::unique_ptr<IoQueue> queue_;
};

class PlainFile : public FileMedium {
  public:
    using FileMedium::FileMedium;
    [[nodiscard]] int zero(std::uint64_t begin, std::uint64_t end) override {
        return error_or_zero(::fallocate(buffered(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                                         static_cast<off_t>(begin),
                                         static_cast<off_t>(end - begin)));
    }
    [[nodiscard]] int discard(std::uint64_t /*begin*/, std::uint64_t /*end*/) override { return 0; }
    [[nodiscard]] int flush() override {
        const int failed = error_or_zero(::fdatasync(buffered()));
        (void)::posix_fadvise(buffered(), 0, 0, POSIX_FADV_DONTNEED);
        return failed;
    }
    [[nodiscard]] bool present() override { return true; }
};

class BlockDevice : public FileMedium {
  public:
    BlockDevice(std::string name, UniqueFd direct, UniqueFd buffered, std::uint64_t size, IoKind io)
        : FileMedium(std::move(name), std::move(direct), std::move(buffered), size, io) {}

    [[nodiscard]] int zero(std::uint64_t begin, std::uint64_t end) override {
        const std::uint64_t whole_end = end / kAlignment * kAlignment;
        if (begin < whole_end) {
            std::array<std::uint64_t, 2> range{begin, whole_end - begin};
            if (const int failed = error_or_zero(::ioctl(buffered(), BLKZEROOUT, range.data()));
                failed != 0) {
                return failed;
            }
        }
        return whole_end < end ? write_zeros(std::max(begin, whole_end), end) : 0;
    }
    [[nodiscard]] int discard(std::uint64_t begin, std::uint64_t end) override {
        std::array<std::uint64_t, 2> range{begin, end / kAlignment * kAlignment - begin};
        return error_or_zero(::ioctl(buffered(), BLKDISCARD, range.data()));
    }
    [[nodiscard]] int flush() override {
        int failed = error_or_zero(::fsync(buffered()));
        if (failed == 0) {
            failed = error_or_zero(::ioctl(buffered(), BLKFLSBUF, 0));
        }
        return failed == EACCES ? 0 : failed;  // the cache cannot be dropped without CAP_SYS_ADMIN
    }
    // A disk that left answers 0 bytes or not at all.
    [[nodiscard]] bool present() override {
        std::uint64_t bytes = 0;
        return ::ioctl(buffered(), BLKGETSIZE64, &bytes) == 0 && bytes == size();
    }
};

base::Result<UniqueFd> open_as(const std::filesystem::path& path, int flags) {
    UniqueFd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOCTTY | flags, 0644));
    if (!fd) {
        const int why = errno;
        if (why == EBUSY) {
            return base::fail("media.forbidden",
                              path.string() + " is in use: something on it is mounted or open");
        }
        const bool gone = why == ENXIO || why == ENODEV || why == ENOMEDIUM;
        const bool not_let = why == EACCES || why == EPERM || why == EROFS;
        return base::fail_errno(gone      ? "usb.left"
                                : not_let ? "media.forbidden"
                                          : "unit.storage",
                                "cannot open " + path.string(), why);
    }
    return fd;
}

base::Result<std::unique_ptr<Medium>> open_device(const MediumPlan& plan) {
    auto buffered = open_as(plan.path, O_EXCL);
    if (!buffered) {
        return tl::unexpected<base::Error>(buffered.error());
    }
    // The holder of the first descriptor may open it again.
    auto direct = open_as("/proc/self/fd/" + std::to_string(buffered->get()), O_DIRECT);
    if (!direct) {
        return tl::unexpected<base::Error>(direct.error());
    }
    std::uint64_t size = 0, sequence = 0;
    if (::ioctl(buffered->get(), BLKGETSIZE64, &size) != 0) {
        return base::fail_errno("usb.left", "cannot ask " + plan.path.string() + " for its size",
                                errno);
    }
    if (plan.diskseq != 0 && ::ioctl(buffered->get(), BLKGETDISKSEQ, &sequence) == 0 &&
        sequence != plan.diskseq) {
        return base::fail("media.forbidden",
                          plan.path.string() + " is another disk than the one that was judged");
    }
    return std::make_unique<BlockDevice>(plan.path.string(), std::move(*direct),
                                         std::move(*buffered), size, plan.io);
}

base::Result<std::unique_ptr<Medium>> open_file(const MediumPlan& plan) {
    auto buffered = open_as(plan.path, O_CREAT);
    if (!buffered) {
        return tl::unexpected<base::Error>(buffered.error());
    }
    if (::ftruncate(buffered->get(), static_cast<off_t>(plan.image_size)) != 0) {
        return base::fail_writing("unit.storage", "cannot size " + plan.path.string(), errno);
    }
    // tmpfs and some others have no O_DIRECT: through the page cache then.
    auto direct = open_as(plan.path, O_DIRECT);
    if (!direct) {
        direct = open_as(plan.path, 0);
    }
    if (!direct) {
        return tl::unexpected<base::Error>(direct.error());
    }
    return std::make_unique<PlainFile>(plan.path.string(), std::move(*direct), std::move(*buffered),
                                       plan.image_size, plan.io);
}

}  // namespace

base::Result<std::unique_ptr<Medium>> open_medium(const MediumPlan& plan) {
    struct stat status {};
    const bool there = ::stat(plan.path.c_str(), &status) == 0;
    if (there && S_ISBLK(status.st_mode)) {
        return open_device(plan);
    }
    if (there && !S_ISREG(status.st_mode)) {
        return base::fail("media.forbidden",
                          plan.path.string() + " is neither a block device nor a file");
    }
    if (!there && (plan.path.native().starts_with("/dev/") || errno != ENOENT)) {
        // A device that is not there must not become a file in /dev.
        return base::fail_errno("usb.left", "cannot find " + plan.path.string(),
                                there ? 0 : ENOENT);
    }
    return open_file(plan);
}

}  // namespace lineside::media
