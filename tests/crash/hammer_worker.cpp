// SPDX-License-Identifier: Apache-2.0
// The worker of tests/crash/hammer: says what a recorded worker of each step said, as fast as it
// can, with the serial that the station gives now. Its unit is a folder,
// LINESIDE_HAMMER_UNITS/<slot>: `chip` says who it is, `<chip>.serial` gets a line for each serial
// it was ever given, before anything is confirmed. It stands in for jetson-usb and provision-ssh in
// one.
#include "workers/proof/image_record.h"
#include "workers/sdk/worker.h"

#include "station/base/files.h"
#include "station/base/text.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace lineside::hammer {
namespace {

using base::Json;
using base::Result;
using worker::milliseconds;
using worker::Station;

constexpr milliseconds kAskWithin{60'000};

std::filesystem::path unit_folder(const Station& station) {
    const char* units = std::getenv("LINESIDE_HAMMER_UNITS");
    return std::filesystem::path(units != nullptr ? units : "/nonexistent") / station.job().slot;
}

Result<std::string> chip_of(const Station& station) {
    auto chip = base::read_file(unit_folder(station) / "chip", 256);
    if (!chip) {
        return chip;
    }
    return std::string(base::trim_blanks(std::string_view(*chip).substr(0, chip->find('\n'))));
}

std::filesystem::path memory_of(const Station& station, const std::string& chip) {
    return unit_folder(station) / (chip + ".serial");
}

Result<Json> flash(Station& station) {
    const auto chip = chip_of(station);
    if (!chip) {
        return tl::unexpected(chip.error());
    }
    return station.ask("unit.admit", {{"chip_id", *chip}}, kAskWithin);
}

Result<Json> prove_image(Station& station) {
    if (!station.job().image) {
        return base::fail("config.missing", "the job has no image");
    }
    const auto image = proof::read_image(station.job().image->dir);
    if (!image) {
        return tl::unexpected(image.error());
    }
    station.proof("image", {{"digest", image->digest}, {"partitions", 0}, {"files", 0}});
    return Json();
}

Result<Json> set_serial(Station& station) {
    const auto chip = chip_of(station);
    if (!chip) {
        return tl::unexpected(chip.error());
    }
    const auto identity = station.ask("identity.issue", Json::object(), kAskWithin);
    if (!identity) {
        return identity;
    }
    const auto serial = base::field<std::string>(*identity, "serial");
    if (!serial) {
        return tl::unexpected(serial.error());
    }
    const std::string line = *serial + "\n";
    const base::UniqueFd memory(
        ::open(memory_of(station, *chip).c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
    if (!memory || ::write(memory.get(), line.data(), line.size()) < 0) {
        return base::fail_errno("station.bug", "the unit's memory", errno);
    }
    return Json();
}

Result<Json> read_serial(Station& station) {
    const auto chip = chip_of(station);
    if (!chip) {
        return tl::unexpected(chip.error());
    }
    const auto memory = base::read_file(memory_of(station, *chip), 1 << 20);
    if (!memory) {
        return tl::unexpected(memory.error());
    }
    const auto lines = base::split(*memory, '\n');  // the last one is empty: each line is ended
    station.proof("serial", {{"serial", lines.size() < 2 ? "" : lines[lines.size() - 2]}});
    return Json();
}

Result<Json> work(Station& station) {
    const std::string& step = station.job().step;
    if (step == "flash") {
        return flash(station);
    }
    if (step == "prove-image") {
        return prove_image(station);
    }
    if (step == "set-serial") {
        return set_serial(station);
    }
    return step == "read-serial" ? read_serial(station) : Result<Json>(Json());
}

}  // namespace
}  // namespace lineside::hammer

int main() {
    return lineside::worker::run({"hammer", LINESIDE_VERSION, 60}, lineside::hammer::work);
}
