// SPDX-License-Identifier: Apache-2.0
// What a label shows and where: the template of station.toml, and the values of one unit that fill
// its words. A secret is no value, so none can be printed.
// Thread: any (plain values).
#pragma once

#include "station/base/error.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lineside::labels {

enum class Use { text, qr, code128, datamatrix };

// Millimetres from the label's upper left corner.
struct Element {
    Use use = Use::text;
    std::string text;  // with words in braces: "S/N {serial}"
    double x_mm = 0;
    double y_mm = 0;
    double size_mm = 3;   // height of letters or bars, side of a square code
    double width_mm = 0;  // of text or bars at most; 0: to the label's right edge
};

struct Template {
    std::string id;
    double width_mm = 50;
    double height_mm = 25;
    int dpi = 203;  // of the printer
    std::vector<Element> elements;
};

// For a product that names none: QR code, serial and name, 50 x 25 mm.
[[nodiscard]] Template default_template();

struct Values {
    std::string serial;
    std::string model;
    std::string profile;
    std::string order;
    std::string date;  // "2026-11-28", of the verdict
    std::string unit;
    std::string job;
    std::string slot;
    std::string station;
    std::string chip_id;
    std::string module_serial;
    bool training = false;  // the label says so
};

// `text` with each word in braces replaced.
[[nodiscard]] std::string fill(std::string_view text, const Values& values);
// Does it say which unit it is? A code of the order alone is on every unit's label.
[[nodiscard]] bool names_unit(std::string_view text);
// Why `text` is no template: an unknown word, with the nearest known one; "" when it is one.
[[nodiscard]] std::string template_problem(std::string_view text);

enum class When { acknowledge, at_once };
enum class Language { zpl, svg, pdf };

// [printer] of station.toml. Neither address nor command: there is none.
struct PrinterPlan {
    std::string address;               // "192.168.1.9:9100"
    std::vector<std::string> command;  // gets the label on its standard input; no shell
    Language language = Language::zpl;
    When when = When::acknowledge;
    bool verify = false;     // the label is scanned at its slot before the tile clears
    bool wait_close = true;  // the printer closes the connection when it has taken all
    std::chrono::milliseconds silence{15'000};  // without progress
    [[nodiscard]] bool there() const { return !address.empty() || !command.empty(); }
};

// A profile that names this gets no label.
inline constexpr std::string_view kNoLabel = "none";

}  // namespace lineside::labels
