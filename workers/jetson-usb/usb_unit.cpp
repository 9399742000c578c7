// SPDX-License-Identifier: Apache-2.0
#include "workers/jetson-usb/usb_unit.h"

#include <fmt/format.h>

#include <cstdint>
#include <fstream>
#include <iterator>

namespace lineside::jetson_usb {
namespace {

// USB 2.0, tables 9-8, 9-10 and 9-13: each descriptor begins with its length and its type.
constexpr std::size_t kDeviceLength = 18;
constexpr std::size_t kVendorAt = 8;
constexpr std::size_t kProductAt = 10;
constexpr std::size_t kEndpointLength = 7;
constexpr std::uint8_t kDevice = 1;
constexpr std::uint8_t kConfiguration = 2;
constexpr std::uint8_t kEndpoint = 5;
constexpr std::uint8_t kBulk = 2;  // in the two low bits of an endpoint's attributes
constexpr std::uint8_t kIn = 0x80;

std::uint8_t byte(std::string_view bytes, std::size_t at) {
    return static_cast<std::uint8_t>(bytes[at]);
}

unsigned word(std::string_view bytes, std::size_t at) {
    return byte(bytes, at) + 256U * byte(bytes, at + 1);
}

}  // namespace

std::optional<UsbUnit> parse_descriptors(std::string_view bytes) {
    if (bytes.size() < kDeviceLength || byte(bytes, 0) != kDeviceLength ||
        byte(bytes, 1) != kDevice) {
        return std::nullopt;
    }
    UsbUnit unit;
    unit.id = fmt::format("{:04x}:{:04x}", word(bytes, kVendorAt), word(bytes, kProductAt));
    bytes.remove_prefix(kDeviceLength);
    int configurations = 0;
    while (bytes.size() >= 2) {
        const std::size_t length = byte(bytes, 0);
        const std::uint8_t type = byte(bytes, 1);
        if (length < 2 || length > bytes.size() ||
            (type == kConfiguration && ++configurations > 1)) {
            break;
        }
        if (type == kEndpoint && length >= kEndpointLength && (byte(bytes, 3) & 3U) == kBulk) {
            ((byte(bytes, 2) & kIn) != 0 ? unit.bulk_in : unit.bulk_out) = true;
        }
        bytes.remove_prefix(length);
    }
    return unit;
}

std::optional<UsbUnit> unit_at(std::string_view bus_port, const std::filesystem::path& devices) {
    std::ifstream file(devices / bus_port / "descriptors", std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    return parse_descriptors(bytes);
}

bool hub_above(std::string_view bus_port, const std::filesystem::path& devices) {
    const auto dot = bus_port.rfind('.');
    std::error_code none;
    return dot == std::string_view::npos ||
           std::filesystem::exists(devices / bus_port.substr(0, dot), none);
}

}  // namespace lineside::jetson_usb
