// SPDX-License-Identifier: Apache-2.0
#include "serial-pool/unit_fields.h"

#include "serial-pool/csv_reader.h"
#include "station/base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

namespace lineside::serial_pool {
namespace {

bool is_control(char c) {
    return static_cast<unsigned char>(c) < ' ' || c == 0x7F;
}

tl::unexpected<base::Error> wrong(std::string_view what) {
    return base::fail(
        "request.invalid",
        fmt::format("ap_ssid: {}; write it like Cam-{{serial}} or Cam-{{serial:-4}}", what));
}

}  // namespace

std::string why_no_ssid(std::string_view text) {
    if (text.empty()) {
        return "the ap_ssid is missing";
    }
    if (text.size() > kMaxSsid) {
        return fmt::format("the ap_ssid has {} bytes, at most {} are allowed", text.size(),
                           kMaxSsid);
    }
    return std::any_of(text.begin(), text.end(), is_control)
               ? "the ap_ssid holds a control character"
               : "";
}

std::string why_no_ap_password(std::string_view text) {
    if (text.empty()) {
        return "the ap_password is missing";
    }
    if (!std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; })) {
        return "the ap_password holds a character that is not printable ASCII";
    }
    if (text.size() < kMinApPassword || text.size() > kMaxApPassword) {
        return fmt::format("the ap_password has {} characters, {} to {} are allowed", text.size(),
                           kMinApPassword, kMaxApPassword);
    }
    return "";
}

base::Result<SsidTemplate> SsidTemplate::parse(std::string_view text) {
    if (!find_bad_bytes(text, 1).empty() || std::any_of(text.begin(), text.end(), is_control)) {
        return wrong("the template is not UTF-8 text of one line");
    }
    constexpr std::string_view kOpen = "{serial";
    SsidTemplate made;
    made.text_ = text;
    while (true) {
        const std::size_t brace = text.find_first_of("{}");
        if (brace == std::string_view::npos) {
            made.parts_.push_back({std::string(text), false, 0});
            break;
        }
        Part part{std::string(text.substr(0, brace)), true, 0};
        text.remove_prefix(brace);
        const std::size_t close = text.find('}');
        if (!text.starts_with(kOpen) || close == std::string_view::npos) {
            return wrong("a brace in the template stands for nothing");
        }
        const std::string_view inside = text.substr(kOpen.size(), close - kOpen.size());
        if (!inside.empty()) {
            const auto length =
                inside.front() == ':' ? base::to_int(inside.substr(1)) : std::nullopt;
            if (!length || *length == 0 || *length > 64 || *length < -64) {
                return wrong(
                    "behind {serial: stands how many characters of it, 1 to 64, with - "
                    "from its end");
            }
            part.length = *length;
        }
        text.remove_prefix(close + 1);
        made.parts_.push_back(std::move(part));
    }
    if (made.parts_.size() == 1) {
        return wrong("without {serial} all units would have one name");
    }
    return made;
}

std::string SsidTemplate::of(std::string_view serial) const {
    std::string made;
    for (const Part& part : parts_) {
        made += part.literal;
        const auto wanted = static_cast<std::size_t>(std::abs(part.length));
        if (!part.serial) {
            continue;
        }
        if (part.length == 0 || wanted >= serial.size()) {
            made += serial;
        } else {
            made +=
                part.length > 0 ? serial.substr(0, wanted) : serial.substr(serial.size() - wanted);
        }
    }
    return made;
}

}  // namespace lineside::serial_pool
