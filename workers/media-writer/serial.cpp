// SPDX-License-Identifier: Apache-2.0
#include "workers/media-writer/serial.h"

#include "workers/media-writer/target.h"
#include "workers/media/engine/medium_checks.h"
#include "workers/media/engine/prepared_image.h"

#include <algorithm>

namespace lineside::media_writer {
namespace {

constexpr std::chrono::milliseconds kAnswerWithin{30'000};
constexpr std::size_t kLongestSerial = 64;  // as a batch may have them

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

base::Result<base::Json> write_serial(worker::Station& station) {
    station.phase("serial", 1, 1, 100);
    const auto work = begin_work(station.job());
    if (!work) {
        return tl::unexpected<base::Error>(work.error());
    }
    media::Medium& medium = *work->target.medium;
    const std::uint64_t at = work->params.serial_at;
    if (const std::string why = why_not_there(work->image->map(), at, medium.size());
        !why.empty()) {
        return base::fail("config.invalid", why);
    }
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
