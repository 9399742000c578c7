// SPDX-License-Identifier: Apache-2.0
#include "workers/media-writer/params.h"

#include <fmt/format.h>

#include <algorithm>

namespace lineside::media_writer {
namespace {

Status read_disk(const Json& params, SeenDisk& disk) {
    const auto seen = params.find("disk");
    if (seen == params.end() || !seen->is_object()) {
        return base::fail("config.invalid", "\"disk\" is missing: the station says which it saw");
    }
    const auto name = base::field<std::string>(*seen, "name");
    const auto bytes = base::field<std::uint64_t>(*seen, "bytes");
    const auto sequence = base::field_or<std::uint64_t>(*seen, "sequence", 0);
    if (!name || !bytes || !sequence) {
        return tl::unexpected<base::Error>(!name    ? name.error()
                                           : !bytes ? bytes.error()
                                                    : sequence.error());
    }
    const auto fits = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
    };
    if (name->empty() || name->size() > 32 || !std::all_of(name->begin(), name->end(), fits)) {
        return base::fail("config.invalid", "\"disk\" must have the kernel's name of a disk: sdb");
    }
    disk = {*name, *bytes, *sequence};
    return {};
}

// "1-1.3": what it is in sysfs, below which its disks are, and nobody else's: a disk behind a hub
// at that port is below "1-1.3/1-1.3.1".
Result<std::string> below_port(const std::string& bus_port) {
    const bool good = !bus_port.empty() && bus_port.size() <= 64 &&
                      bus_port.find_first_not_of("0123456789-.") == std::string::npos &&
                      bus_port.find('-') != std::string::npos;
    if (!good) {
        return base::fail("config.invalid", "the job line names no USB port");
    }
    return fmt::format("/{0}/{0}:", bus_port);
}

}  // namespace

Result<Params> read_params(const protocol::JobLine& job) {
    Params params;
    if (auto disk = read_disk(job.params, params.disk); !disk) {
        return tl::unexpected<base::Error>(disk.error());
    }
    auto below = below_port(job.bus_port);
    const auto model = base::field_or<std::string>(job.params, "disk_model", "");
    const auto least = base::field_or<std::uint64_t>(job.params, "least_bytes", 0);
    const auto most = base::field_or<std::uint64_t>(job.params, "most_bytes", 0);
    const auto probe = base::field_or<bool>(job.params, "probe", true);
    const auto discard = base::field_or<bool>(job.params, "discard", false);
    const auto serial_at = base::field_or<std::uint64_t>(job.params, "at", 0);
    const std::array<const base::Error*, 7> wrong{
        !below ? &below.error() : nullptr,        !model ? &model.error() : nullptr,
        !least ? &least.error() : nullptr,        !most ? &most.error() : nullptr,
        !probe ? &probe.error() : nullptr,        !discard ? &discard.error() : nullptr,
        !serial_at ? &serial_at.error() : nullptr};
    for (const base::Error* each : wrong) {
        if (each != nullptr) {
            return tl::unexpected<base::Error>(*each);
        }
    }
    if (*serial_at % kSerialBlock != 0) {
        return base::fail("config.invalid",
                          fmt::format("\"at\" must be a multiple of {}", kSerialBlock));
    }
    if (!job.image) {
        return base::fail("config.invalid", "the job line names no image");
    }
    params.policy = {std::move(*below), *model, *least, *most};
    params.probe = *probe;
    params.discard = *discard;
    params.serial_at = *serial_at;
    params.image = job.image->dir;
    return params;
}

}  // namespace lineside::media_writer
