// SPDX-License-Identifier: Apache-2.0
#include "station/labels/document.h"

#include <fmt/format.h>

#include <algorithm>

namespace lineside::labels {
namespace {

// After ^FH every "_xx" of a field is a byte. Letters, digits and blanks alone go as they are, so
// no value can end its field, change a prefix or be taken for an escape.
std::string field(std::string_view bytes) {
    std::string out = "^FH_^FD";
    for (const char c : bytes) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') || c == ' ' || c == '-' || c == '.';
        if (plain) {
            out += c;
        } else {
            out += fmt::format("_{:02X}", static_cast<unsigned char>(c));
        }
    }
    return out + "^FS\n";
}

// Subset B throughout; what ^BC takes for its own orders is written as the ZPL guide says.
std::string code128_data(std::string_view text) {
    std::string out = ">:";
    for (const char c : text) {
        out += c == '>' ? ">0" : c == '^' ? "><" : c == '~' ? ">=" : std::string(1, c);
    }
    return out;
}

// The escape sign of ^BX is doubled where the text holds it.
std::string datamatrix_data(std::string_view text) {
    std::string out;
    for (const char c : text) {
        out += c == '|' ? "||" : std::string(1, c);
    }
    return out;
}

}  // namespace

std::string to_zpl(const Document& document) {
    // ^CI28: fields are UTF-8.
    std::string out =
        fmt::format("^XA\n^CI28\n^PW{}\n^LL{}\n^LH0,0\n", document.width, document.height);
    for (const Part& part : document.parts) {
        // ^BQ begins ten dots lower than it is told.
        const int y = part.use == Use::qr ? std::max(part.y - 10, 0) : part.y;
        out += fmt::format("^FO{},{}", part.x, y);
        switch (part.use) {
            case Use::text:
                out += fmt::format("^A0N,{0},{0}", part.height) + field(part.text);
                break;
            case Use::qr:
                out += fmt::format("^BQN,2,{}", std::clamp(part.module, 1, 10)) +
                       field("MA," + part.text);
                break;
            case Use::code128:
                out += fmt::format("^BY{}^BCN,{},N,N,N,N", std::clamp(part.module, 1, 10),
                                   part.height) +
                       field(code128_data(part.text));
                break;
            case Use::datamatrix:
                out += fmt::format("^BXN,{},200,,,,|", part.module) +
                       field(datamatrix_data(part.text));
                break;
        }
    }
    if (document.tear_off) {
        out += fmt::format("^FO0,{}^GB{},1,1^FS\n", *document.tear_off, document.width);
    }
    return out + "^PQ1\n^XZ\n";
}

}  // namespace lineside::labels
