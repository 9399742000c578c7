// SPDX-License-Identifier: Apache-2.0
#include "workers/media-writer/target.h"

namespace lineside::media_writer {
Result<media::DiskFacts> judged(const Params& params) {
    auto facts = media::read_disk_facts("/dev/" + params.disk.name);
    if (!facts) {
        return facts;
    }
    if (facts->bytes == 0) {
        return base::fail("usb.left", params.disk.name + ": there is no medium in it any more");
    }
    if (const std::string why = media::why_not_written(*facts, params.policy); !why.empty()) {
        return base::fail("media.forbidden", why);
    }
    // The name may have been given to another disk since the station saw it.
    if ((params.disk.sequence != 0 && facts->diskseq != params.disk.sequence) ||
        facts->bytes != params.disk.bytes) {
        return base::fail("media.forbidden",
                          params.disk.name + " is another disk than the one that was plugged in");
    }
    return facts;
}

std::string why_another(const media::DiskFacts& then, const media::DiskFacts& now) {
    const std::array<std::pair<std::string_view, bool>, 5> same{{
        {"place", then.sysfs == now.sysfs},
        {"sequence", then.diskseq == now.diskseq},
        {"size", then.bytes == now.bytes},
        {"model", then.model == now.model},
        {"serial", then.serial == now.serial},
    }};
    for (const auto& [what, equal] : same) {
        if (!equal) {
            return fmt::format("{} is another disk than a moment ago: its {} differs", now.dev,
                               what);
        }
    }
    return {};
}

Result<Target> open_target(const Params& params, std::uint64_t image_bytes) {
    auto before = judged(params);
    if (!before) {
        return tl::unexpected<base::Error>(before.error());
    }
    if (before->bytes < image_bytes) {
        return base::fail("media.too_small", fmt::format("{} holds {} bytes, the image has {}",
                                                         before->dev, before->bytes, image_bytes));
    }
    auto medium = media::open_medium({"/dev/" + params.disk.name, image_bytes, before->diskseq});
    if (!medium) {
        return tl::unexpected<base::Error>(medium.error());
    }
    // Held exclusively from here on: what is so now stays so.
    const auto now = judged(params);
    if (!now) {
        return tl::unexpected<base::Error>(now.error());
    }
    const std::string why = why_another(*before, *now);
    if (!why.empty() || (*medium)->size() != now->bytes) {
        return base::fail("media.forbidden", why.empty() ? now->dev + " changed its size" : why);
    }
    return Target{std::move(*before), std::move(*medium)};
}

Result<Work> begin_work(const protocol::JobLine& job) {
    auto params = read_params(job);
    if (!params) {
        return tl::unexpected<base::Error>(params.error());
    }
    auto image = media::PreparedImage::load(params->image);
    if (!image) {
        return tl::unexpected<base::Error>(image.error());
    }
    auto target = open_target(*params, (*image)->map().size());
    if (!target) {
        return tl::unexpected<base::Error>(target.error());
    }
    return Work{std::move(*params), std::move(*image), std::move(*target)};
}

}  // namespace lineside::media_writer
