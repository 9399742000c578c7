// SPDX-License-Identifier: Apache-2.0
#include "workers/media-writer/serial.h"

#include "workers/media-writer/by_recipe.h"
#include "workers/media-writer/target.h"
#include "workers/media/engine/medium_checks.h"
#include "workers/media/engine/prepared_image.h"
#include "workers/media/recipe/layout.h"

#include <algorithm>

namespace lineside::media_writer {
namespace {

constexpr std::chrono::milliseconds kAnswerWithin{30'000};
constexpr std::size_t kLongestSerial = 64;  // as a batch may have them
// 34 sectors of 512 bytes, 6 of 4096: no table goes further than this.
constexpr std::uint64_t kBehindTables = 32 * 1024;

}  // namespace

std::string why_not_there(const media::ImageMap& map, std::uint64_t at, std::uint64_t bytes) {
    const std::uint64_t end = at + kSerialBlock;
    if (end > bytes || end < at) {
        return fmt::format("\"at\" {} is behind the end of the disk, which holds {} bytes", at,
                           bytes);
    }
    for (const media::Extent& each : map.extents()) {
        if (each.fill == media::Fill::data && at < each.end && end > each.begin) {
            return fmt::format(
                "\"at\" {} is inside of the image's data ({} to {}): take a block that the image "
                "leaves free",
                at, each.begin, each.end);
        }
    }
    return {};
}

SerialBlock block_of(std::string_view serial) {
    SerialBlock block{};
    const std::string text = std::string(serial.substr(0, kLongestSerial)) + "\n";
    std::transform(text.begin(), text.end(), block.begin(),
                   [](char c) { return static_cast<std::byte>(c); });
    return block;
}

std::string serial_in(const SerialBlock& block) {
    std::string text;
    for (const std::byte each : block) {
        const char letter = static_cast<char>(each);
        if (letter == '\n' || text.size() > kLongestSerial) {
            break;
        }
        if (letter <= ' ' || letter > '~') {
            return {};
        }
        text += letter;
    }
    return text.size() > kLongestSerial || block[text.size()] != std::byte{'\n'} ? std::string()
                                                                                 : text;
}

std::string why_not_before_partitions(std::uint64_t at) {
    if (at >= kBehindTables && at <= media::kSliceAlignment - kSerialBlock) {
        return {};
    }
    return fmt::format(
        "\"at\" {} is not between the partition table and the first partition: take a block from "
        "{} to {}",
        at, kBehindTables, media::kSliceAlignment - kSerialBlock);
}

namespace {

struct Place {
    Target target;
    std::uint64_t at = 0;
};

base::Result<Place> place_in_image(const protocol::JobLine& job) {
    auto work = begin_work(job);
    if (!work) {
        return tl::unexpected<base::Error>(work.error());
    }
    Place place{std::move(work->target), work->params.serial_at};
    const std::string why =
        why_not_there(work->image->map(), place.at, place.target.medium->size());
    return why.empty() ? base::Result<Place>(std::move(place)) : base::fail("config.invalid", why);
}

// What commands of the recipe wrote there (a boot loader) was proven, and stays.
base::Result<Place> place_in_recipe(const protocol::JobLine& job) {
    const auto params = read_params(job);
    if (!params) {
        return tl::unexpected<base::Error>(params.error());
    }
    if (const std::string why = why_not_before_partitions(params->serial_at); !why.empty()) {
        return base::fail("config.invalid", why);
    }
    auto target = open_target(*params, media::kSliceAlignment);
    if (!target) {
        return tl::unexpected<base::Error>(target.error());
    }
    Place place{std::move(*target), params->serial_at};
    SerialBlock there{};
    if (const int error = place.target.medium->read_odd(place.at, there); error != 0) {
        return media::io_error(*place.target.medium, {error, place.at}, "cannot be read");
    }
    if (there != SerialBlock{}) {
        return base::fail("config.invalid",
                          fmt::format("a command of the recipe wrote at byte {}: take another "
                                      "block for the serial",
                                      place.at));
    }
    return place;
}

}  // namespace

base::Result<base::Json> write_serial(worker::Station& station) {
    station.phase("serial", 1, 1, 100);
    auto place = holds_recipe(station.job()) ? place_in_recipe(station.job())
                                             : place_in_image(station.job());
    if (!place) {
        return tl::unexpected<base::Error>(place.error());
    }
    media::Medium& medium = *place->target.medium;
    const std::uint64_t at = place->at;
    // Nothing can fail any more but the disk: from here on the serial is this disk's.
    auto issued = station.ask("identity.issue", base::Json::object(), kAnswerWithin);
    if (!issued) {
        return issued;
    }
    const auto serial = base::field<std::string>(*issued, "serial");
    if (!serial) {
        return tl::unexpected<base::Error>(serial.error());
    }
    const SerialBlock block = block_of(*serial);
    if (const int error = medium.write_odd(at, block); error != 0) {
        return media::io_error(medium, {error, at}, "cannot be written");
    }
    if (const int error = medium.flush(); error != 0) {
        return media::io_error(medium, {error, at}, "did not keep what was written");
    }
    SerialBlock heard{};
    if (const int error = medium.read_odd(at, heard); error != 0) {
        return media::io_error(medium, {error, at}, "cannot be read back");
    }
    if (auto go_on = station.check(); !go_on) {
        return tl::unexpected<base::Error>(go_on.error());
    }
    station.proof("serial", {{"serial", serial_in(heard)}});
    return base::Json();
}

}  // namespace lineside::media_writer
