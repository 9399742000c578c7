// SPDX-License-Identifier: Apache-2.0
#include "workers/media-image/image.h"

#include "station/base/text.h"
#include "workers/media-image/params.h"
#include "workers/media/source/file_hash.h"
#include "workers/media/source/image_bytes.h"

#include <atomic>
#include <future>

namespace lineside::media_image {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::milliseconds kTick{200};

// Does `work` on a thread of its own and serves the station meanwhile; a stop is obeyed within a
// piece. The work is bounded by the job's total time, so it counts as alive while it computes.
template <typename T>
Result<T> beside(worker::Station& station,
                 const std::function<Result<T>(const std::atomic<bool>&)>& work) {
    std::atomic<bool> stop{false};
    auto doing = std::async(std::launch::async, [&] { return work(stop); });
    base::Status go_on;
    while (doing.wait_for(std::chrono::seconds(0)) != std::future_status::ready) {
        station.keep_alive();
        station.wait({}, kTick);
        if (go_on) {
            go_on = station.check();
            stop = !go_on.has_value();
        }
    }
    auto done = doing.get();
    return go_on ? std::move(done) : Result<T>(tl::unexpected<base::Error>(go_on.error()));
}

Result<std::string> key_of(const media::ImagePlan& plan, const std::atomic<bool>& stop) {
    const auto image = media::hash_of_file(plan.file, stop);
    const auto bmap = plan.bmap ? media::hash_of_file(*plan.bmap, stop) : Result<std::string>("");
    if (!image || !bmap) {
        return !image ? image : bmap;
    }
    // The name says how the file is packed.
    return base::sha256_hex(
        fmt::format("lineside-media-key 1\n{}\n{}\n{}\n{}\n{}\n",
                    static_cast<int>(media::packing_of(plan.file)), *image, *bmap,
                    plan.hash == media::PieceHash::xxh3 ? "xxh3" : "sha256", plan.sha256));
}

Json told(const media::PreparedImage& image) {
    return {{"digest", image.digest()},
            {"sha256", image.sha256()},
            {"partitions", 0},
            {"files", 0},
            {"bytes", image.map().size()},
            {"data", image.map().bytes_of(media::Fill::data)},
            {"tool_version", fmt::format("media-image {}", LINESIDE_VERSION)}};
}

using Image = std::shared_ptr<const media::PreparedImage>;

Result<media::ImagePlan> plan_of(worker::Station& station, const Places& places) {
    return read_plan(station.job().params, places.source);
}

}  // namespace

namespace {

Json told(const media::PreparedRecipe& recipe) {
    return {{"digest", recipe.digest()},
            {"sha256", recipe.digest()},
            {"partitions", recipe.plan().recipe.partitions.size()},
            {"files", recipe.files()},
            {"bytes", recipe.bytes()},
            {"data", recipe.bytes()},
            {"tool_version", fmt::format("media-image {}", LINESIDE_VERSION)}};
}

using Recipe = media::PreparedRecipe;

// The three jobs, of a recipe.
Result<Json> recipe_key(worker::Station& station, const fs::path& folder) {
    const auto source = read_recipe_source(station.job().params, folder);
    if (!source) {
        return tl::unexpected<base::Error>(source.error());
    }
    station.phase("key", 1, 1, 100);
    const auto key = beside<std::string>(
        station, [&](const std::atomic<bool>& stop) { return Recipe::key_of(*source, stop); });
    return key ? Result<Json>(Json{{"key", *key}}) : tl::unexpected<base::Error>(key.error());
}

void clear_folder(const fs::path& folder) {
    std::error_code ignored;
    for (const auto& left : fs::directory_iterator(folder, ignored)) {
        fs::remove_all(left.path(), ignored);
    }
}

Result<Json> recipe_build(worker::Station& station, const Places& places) {
    const auto source = read_recipe_source(station.job().params, places.source);
    const auto wanted = base::field<std::string>(station.job().params, "key");
    if (!source || !wanted) {
        return tl::unexpected<base::Error>(!source ? source.error() : wanted.error());
    }
    station.phase("image", 1, 1, 100);
    const auto recipe =
        beside<Recipe>(station, [&](const std::atomic<bool>& stop) -> Result<Recipe> {
            auto taken = Recipe::ingest(*source, places.out, stop);
            // Looked at again behind the copy: a file that changed under it is another recipe.
            const auto key = taken ? Recipe::key_of(*source, stop) : Result<std::string>("");
            if (!key) {
                return tl::unexpected<base::Error>(key.error());
            }
            if (taken && *key != *wanted) {
                return base::fail("media.source", source->recipe.string() +
                                                      " or a file of its products changed while "
                                                      "they were taken into the cache");
            }
            return taken;
        });
    if (!recipe) {
        clear_folder(places.out);
        return tl::unexpected<base::Error>(recipe.error());
    }
    Json value = told(*recipe);
    value["id"] = *wanted;
    return value;
}

Result<Json> recipe_verify(worker::Station& station) {
    station.phase("check", 1, 1, 100);
    const auto recipe =
        beside<Recipe>(station, [&](const std::atomic<bool>& stop) -> Result<Recipe> {
            auto loaded = Recipe::load(station.job().image->dir);
            if (!loaded) {
                return loaded;
            }
            const auto same = loaded->check(stop);
            return same ? std::move(loaded)
                        : Result<Recipe>(tl::unexpected<base::Error>(same.error()));
        });
    return recipe ? Result<Json>(told(*recipe)) : tl::unexpected<base::Error>(recipe.error());
}

}  // namespace

Result<Json> make_key(worker::Station& station) {
    const auto places = find_places(false);
    if (places && names_recipe(station.job().params)) {
        return recipe_key(station, places->source);
    }
    const auto plan = places ? plan_of(station, *places)
                             : Result<media::ImagePlan>(tl::unexpected(places.error()));
    if (!plan) {
        return tl::unexpected<base::Error>(plan.error());
    }
    station.phase("key", 1, 1, 100);
    const auto key = beside<std::string>(
        station, [&](const std::atomic<bool>& stop) { return key_of(*plan, stop); });
    return key ? Result<Json>(Json{{"key", *key}}) : tl::unexpected<base::Error>(key.error());
}

Result<Json> build_image(worker::Station& station) {
    const auto places = find_places(true);
    if (places && names_recipe(station.job().params)) {
        return recipe_build(station, *places);
    }
    const auto plan = places ? plan_of(station, *places)
                             : Result<media::ImagePlan>(tl::unexpected(places.error()));
    const auto wanted = base::field<std::string>(station.job().params, "key");
    if (!plan || !wanted) {
        return tl::unexpected<base::Error>(!plan ? plan.error() : wanted.error());
    }
    station.phase("image", 1, 1, 100);
    const auto image = beside<Image>(station, [&](const std::atomic<bool>& stop) -> Result<Image> {
        auto taken = media::PreparedImage::ingest(*plan, places->out, stop);
        if (!taken) {
            return taken;
        }
        // Looked at again behind the copy: a file that changed under it is another image.
        const auto key = key_of(*plan, stop);
        if (!key) {
            return tl::unexpected<base::Error>(key.error());
        }
        if (*key != *wanted) {
            return base::fail("media.source",
                              plan->file.string() + " changed while it was taken into the cache");
        }
        return taken;
    });
    if (!image) {
        clear_folder(places->out);
        return tl::unexpected<base::Error>(image.error());
    }
    Json value = told(**image);
    value["id"] = *wanted;
    return value;
}

Result<Json> verify_image(worker::Station& station) {
    if (!station.job().image) {
        return base::fail("config.invalid", "the job line names no image");
    }
    if (Recipe::is_in(station.job().image->dir)) {
        return recipe_verify(station);
    }
    station.phase("check", 1, 1, 100);
    const auto image = beside<Image>(station, [&](const std::atomic<bool>& stop) -> Result<Image> {
        auto loaded = media::PreparedImage::load(station.job().image->dir);
        if (!loaded) {
            return loaded;
        }
        const auto same = (*loaded)->check(stop);
        return same ? loaded : tl::unexpected<base::Error>(same.error());
    });
    return image ? Result<Json>(told(**image)) : tl::unexpected<base::Error>(image.error());
}

}  // namespace lineside::media_image
