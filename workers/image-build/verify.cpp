// SPDX-License-Identifier: Apache-2.0
#include "station/base/files.h"
#include "station/base/text.h"
#include "workers/image-build/build.h"
#include "workers/image-build/stat_cache.h"
#include "workers/image-build/tree_scan.h"
#include "workers/proof/escape.h"
#include "workers/proof/image_record.h"

namespace lineside::image_build {
namespace {

using base::Json;
using proof::FileRecord;
namespace fs = std::filesystem;

// Names the first thing of the tree that is not as tree.jsonl says.
std::string first_broken(const fs::path& folder, const Tree& tree) {
    std::vector<FileRecord> kept;
    const auto read =
        proof::read_manifest(folder / "tree.jsonl", [&](FileRecord record) -> base::Status {
            kept.push_back(std::move(record));
            return {};
        });
    return read ? proof::escape_name(first_difference(kept, tree.records)) : "tree.jsonl";
}

base::Status check_manifest(const fs::path& folder, const proof::ImageRecord& image) {
    auto text = base::read_file(folder / "manifest.jsonl", 1UL << 30U);
    if (!text || base::sha256_hex(*text) != image.manifest_sha256) {
        return base::fail("image.broken", "manifest.jsonl is not the one of this image");
    }
    proof::ProofDigest digest;
    for (const auto& partition : image.partitions) {
        if (partition.proven) {
            digest.add(partition);
        }
    }
    auto read =
        proof::read_manifest(folder / "manifest.jsonl", [&](FileRecord record) -> base::Status {
            if (is_proven(record, image.mutable_paths)) {
                digest.add(record);
            }
            return {};
        });
    if (!read) {
        return read;
    }
    if (digest.hex() != image.digest) {
        return base::fail("image.broken", "image.json does not fit its manifest");
    }
    return {};
}

}  // namespace

base::Result<Json> verify_image(worker::Station& station, const Places& places) {
    const auto& ref = station.job().image;
    if (!ref) {
        return base::fail("config.invalid", "verify needs an image");
    }
    const fs::path folder = ref->dir;
    auto full = base::field_or<bool>(station.job().params, "full", false);
    if (!full) {
        return base::fail("config.invalid", "\"full\" must be true or false");
    }
    auto image = proof::read_image(folder);
    if (!image) {
        return tl::unexpected(image.error());
    }
    if (image->id != ref->id) {
        return base::fail("image.broken", "image.json belongs to another image");
    }
    if (auto checked = check_manifest(folder, *image); !checked) {
        return tl::unexpected(checked.error());
    }
    station.phase("verify", 1, 1, 1);
    const fs::path cached = cache_file(places, image->id);
    if (*full && !cached.empty()) {
        std::error_code ignored;
        fs::remove(cached, ignored);
    }
    StatCache cache(cached);
    const Tick tick = [&](std::uint64_t done, std::uint64_t total) -> base::Status {
        station.progress(done, total, "bytes");
        station.keep_alive();
        return station.check();
    };
    auto tree = scan_tree(folder / "tree", cache, tick);
    if (!tree) {
        return tree.error().code == "image.build" ? base::fail("image.broken", tree.error().message)
                                                  : tl::unexpected(tree.error());
    }
    if (tree->sha256 != image->tree_sha256) {
        return base::fail("image.broken",
                          "the cached tree differs at " + first_broken(folder, *tree));
    }
    if (const auto saved = cache.save(); !saved) {
        station.log("warn", "the stat cache was not kept: " + saved.error().message);
    }
    Json told = told_of(*image);
    told["known"] = cache.hits();
    return told;
}

}  // namespace lineside::image_build
