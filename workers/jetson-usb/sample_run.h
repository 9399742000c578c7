// SPDX-License-Identifier: Apache-2.0
// Transcripts for tests in the shape of real runs: stamps (also stale, doubled, missing), bars
// redrawn with \r, noise on stderr, sic spellings. Written by hand from notes on real runs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lineside::jetson_usb::sample {

[[nodiscard]] std::string bar(double at);
[[nodiscard]] std::string write(std::string_view partition, std::string_view file,
                                double at = 40.1);
// The stretches of one run, in order.
[[nodiscard]] std::string banner();
[[nodiscard]] std::string eeprom();
[[nodiscard]] std::string host(
    std::string_view board = "Board ID(3668) version(100) sku(0001) revision(F.0)");
[[nodiscard]] std::string until_bootloader();
[[nodiscard]] std::string create_start();
[[nodiscard]] std::string app();
[[nodiscard]] std::string rest();
[[nodiscard]] std::string end();
[[nodiscard]] std::string success();
[[nodiscard]] std::string whole();

// Cut as the runner cuts: \r, \n and \r\n.
[[nodiscard]] std::vector<std::string> lines(std::string_view text);

}  // namespace lineside::jetson_usb::sample
