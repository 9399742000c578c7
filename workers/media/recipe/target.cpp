// SPDX-License-Identifier: Apache-2.0
#include "workers/media/recipe/target.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <cerrno>

namespace lineside::media {

base::Result<JudgedTarget> judge_target(const std::filesystem::path& path,
                                        const DiskPolicy& policy) {
    JudgedTarget judged;
    judged.path = path;
    judged.policy = policy;
    struct stat status {};
    if (::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode)) {
        judged.device = false;
        judged.bytes = static_cast<std::uint64_t>(status.st_size) / 512 * 512;
        return judged;
    }
    auto facts = read_disk_facts(path);
    if (!facts) {
        return tl::unexpected<base::Error>(facts.error());
    }
    if (const std::string why = why_not_written(*facts, policy); !why.empty()) {
        return base::fail("media.forbidden", why);
    }
    judged.bytes = facts->bytes;
    judged.diskseq = facts->diskseq;
    judged.model = facts->model;
    judged.serial = facts->serial;
    const base::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) {
        return base::fail_errno("media.forbidden", "cannot open " + path.string(), errno);
    }
    judged.sector = sector_of(fd.get());
    return judged;
}

base::Result<SetupTarget> SetupTarget::open(const JudgedTarget& judged) {
    auto again = judge_target(judged.path, judged.policy);
    if (!again) {
        return tl::unexpected<base::Error>(again.error());
    }
    if (again->device != judged.device || again->bytes != judged.bytes ||
        again->diskseq != judged.diskseq || again->serial != judged.serial) {
        return base::fail("media.forbidden",
                          judged.path.string() + " is another disk than the one that was judged");
    }
    SetupTarget target;
    target.device_ = judged.path;
    if (!judged.device) {
        auto loop = LoopDevice::attach({judged.path, 0, judged.bytes, judged.sector, false});
        if (!loop) {
            return tl::unexpected<base::Error>(loop.error());
        }
        target.device_ = loop->path();
        target.loop_ = std::move(*loop);
    }
    auto medium = open_medium({target.device_, judged.bytes, judged.diskseq, IoKind::best});
    if (!medium) {
        return tl::unexpected<base::Error>(medium.error());
    }
    target.medium_ = std::move(*medium);
    if (target.medium_->size() != judged.bytes) {
        return base::fail("media.forbidden",
                          fmt::format("{} holds {} bytes now, {} when it was judged",
                                      judged.path.string(), target.medium_->size(), judged.bytes));
    }
    // The same disk: its number stays its own as long as the medium holds it.
    target.fd_.reset(::open(target.device_.c_str(), O_RDWR | O_CLOEXEC));
    if (!target.fd_) {
        return base::fail_errno("unit.storage", "cannot open " + target.device_.string(), errno);
    }
    return target;
}

void SetupTarget::close() {
    medium_.reset();  // refused while somebody holds the disk exclusively
    (void)::ioctl(fd_.get(), BLKRRPART);
    fd_.reset();
}

}  // namespace lineside::media
