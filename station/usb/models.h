// SPDX-License-Identifier: Apache-2.0
// The table of board models as data (deploy/models.toml): which USB ids mean which module, which
// are never a target. A new board needs no C++. Errors: config.missing, config.invalid
// (file:line:column).   Thread: any (constant after reading).
#pragma once

#include "station/base/error.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace lineside::usb {

constexpr std::uint16_t kNvidia = 0x0955;

struct Model {
    std::string id;                   // "xavier-nx"
    std::string name;                 // "Xavier NX"
    std::vector<std::uint16_t> pids;  // in recovery mode; of a disk none
    bool disk = false;                // USB mass storage that is written by itself
    // Of the device that shows the disk, "0955:7035"; none: any but NVIDIA's.
    std::vector<std::string> usb_ids = {};
};
struct Never {
    std::uint16_t pid = 0;
    std::string why;
};

struct Models {
    std::vector<Model> models;
    std::vector<Never> never;
    std::vector<std::uint16_t> gadgets;  // booted L4T

    [[nodiscard]] const Model* in_recovery(std::uint16_t vendor, std::uint16_t product) const;
    // Of the disk that a USB device shows. Never of a booted unit's, and of NVIDIA's devices and
    // Linux gadgets only where a row names them: what a unit shows while it is flashed is no card.
    [[nodiscard]] const Model* of_disk(std::uint16_t vendor, std::uint16_t product) const;
    [[nodiscard]] const Never* never_a_target(std::uint16_t vendor, std::uint16_t product) const;
    [[nodiscard]] bool is_gadget(std::uint16_t vendor, std::uint16_t product) const;
    [[nodiscard]] const Model* by_id(const std::string& id) const;
};

[[nodiscard]] base::Result<Models> read_models(const std::filesystem::path& file);

}  // namespace lineside::usb
