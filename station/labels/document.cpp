// SPDX-License-Identifier: Apache-2.0
#include "station/labels/document.h"

#include <fmt/format.h>
#include <zint.h>

#include <algorithm>
#include <cmath>
#include <memory>

namespace lineside::labels {
namespace {

constexpr double kStripMm = 8;
constexpr double kLetterWidth = 0.6;  // of its height, on the average
constexpr std::size_t kLongestText = 512;

int to_dots(double mm, int dpi) {
    return static_cast<int>(std::lround(mm * dpi / 25.4));
}

// What cannot be printed on one line, and what XML forbids, is shown as what it is: not there.
std::string one_line(std::string_view text) {
    std::string out;
    for (const char c : text.substr(0, kLongestText)) {
        const auto byte = static_cast<unsigned char>(c);
        out += byte < 0x20 || byte == 0x7f ? '?' : c;
    }
    return out;
}

std::size_t letters(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned>(c) & 0xC0U) != 0x80;
    }));
}

struct FreeSymbol {
    void operator()(zint_symbol* symbol) const { ZBarcode_Delete(symbol); }
};

base::Result<Modules> encode(Use use, const std::string& text) {
    const std::unique_ptr<zint_symbol, FreeSymbol> symbol(ZBarcode_Create());
    if (!symbol) {
        return base::fail("label.content", "No memory for a code");
    }
    if (use == Use::code128) {
        // The same subset for printer and picture, so that both are as wide.
        const bool ascii =
            std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
        if (!ascii) {
            return base::fail("label.content",
                              "Code 128 holds letters of ASCII alone: use a QR code");
        }
        symbol->symbology = BARCODE_CODE128B;
        symbol->input_mode = DATA_MODE;
    } else {
        symbol->symbology = use == Use::qr ? BARCODE_QRCODE : BARCODE_DATAMATRIX;
        symbol->input_mode = UNICODE_MODE;
        if (use == Use::qr) {
            symbol->option_1 = 2;  // level M, as in the printer's own code
        } else {
            symbol->option_3 = DM_SQUARE;
        }
    }
    const int said =
        ZBarcode_Encode(symbol.get(), reinterpret_cast<const unsigned char*>(text.data()),
                        static_cast<int>(text.size()));
    if (said >= ZINT_ERROR) {
        return base::fail("label.content",
                          fmt::format("A code cannot hold its text: {}", symbol->errtxt));
    }
    Modules modules;
    modules.columns = symbol->width;
    for (int row = 0; row < symbol->rows; ++row) {
        std::vector<bool>& bits = modules.rows.emplace_back();
        for (int column = 0; column < symbol->width; ++column) {
            const unsigned byte = symbol->encoded_data[row][column / 8];
            bits.push_back(((byte >> (column % 8)) & 1U) != 0);
        }
    }
    return modules;
}

Part text_part(std::string text, int x, int y, int height, int room) {
    Part part;
    part.text = std::move(text);
    part.x = x;
    part.y = y;
    part.width = std::max(room, 1);
    // Too long a text is smaller, not cut: half a serial is another serial.
    const double needs =
        kLetterWidth * static_cast<double>(std::max<std::size_t>(letters(part.text), 1));
    part.height = std::clamp(static_cast<int>(part.width / needs), 1, std::max(height, 1));
    return part;
}

}  // namespace

base::Result<Document> make_document(const Template& label, const Values& values, bool strip) {
    Document out;
    out.dpi = label.dpi;
    out.width = to_dots(label.width_mm, label.dpi);
    out.height = to_dots(label.height_mm, label.dpi);
    out.codes.push_back(values.serial);
    for (const Element& element : label.elements) {
        std::string text = one_line(fill(element.text, values));
        const int x = to_dots(element.x_mm, label.dpi);
        const int y = to_dots(element.y_mm, label.dpi);
        const int size = to_dots(element.size_mm, label.dpi);
        const int room =
            element.width_mm > 0 ? to_dots(element.width_mm, label.dpi) : out.width - x;
        if (element.use == Use::text) {
            out.parts.push_back(text_part(std::move(text), x, y, size, room));
            continue;
        }
        if (text.empty()) {
            return base::fail("label.content",
                              fmt::format("\"{}\" is empty for this unit", element.text));
        }
        auto modules = encode(element.use, text);
        if (!modules) {
            return tl::unexpected<base::Error>(modules.error());
        }
        Part part;
        part.use = element.use;
        part.x = x;
        part.y = y;
        part.height = size;
        part.width = room;
        part.module = (element.use == Use::code128 ? room : size) / std::max(modules->columns, 1);
        part.modules = std::move(*modules);
        if (part.module < 1) {
            return base::fail("label.content",
                              fmt::format("The code of \"{}\" needs more room", element.text));
        }
        if (names_unit(element.text)) {
            out.codes.push_back(text);
        }
        part.text = std::move(text);
        out.parts.push_back(std::move(part));
    }
    // Below the template's own room, which it may use to its last dot.
    const auto add_strip = [&](std::string text) {
        const int at = out.height + to_dots(kStripMm * 0.25, label.dpi);
        const int left = out.width / 20;
        out.height += to_dots(kStripMm, label.dpi);
        out.parts.push_back(text_part(std::move(text), left, at, to_dots(kStripMm * 0.6, label.dpi),
                                      out.width - 2 * left));
    };
    if (values.training) {
        add_strip("TRAINING");
    }
    if (strip) {
        out.tear_off = out.height;
        add_strip("SLOT " + one_line(values.slot));
    }
    return out;
}

base::Result<std::string> to_bytes(const Document& document, Language language) {
    switch (language) {
        case Language::zpl:
            return to_zpl(document);
        case Language::svg:
            return to_svg(document);
        case Language::pdf:
            break;
    }
    return to_pdf(document);
}

}  // namespace lineside::labels
