// SPDX-License-Identifier: Apache-2.0
// One label as it will be: every word filled in, every code a matrix of modules, all in dots of the
// printer. Printed and shown from the same values, so that what is seen is what is printed.
// Thread: any (pure). Memory: bounded by the limits of the template and of the codes.
#pragma once

#include "station/labels/template.h"

#include <optional>
#include <string>
#include <vector>

namespace lineside::labels {

struct Modules {
    int columns = 0;
    std::vector<std::vector<bool>> rows;  // true: dark
};

struct Part {
    Use use = Use::text;
    std::string text;  // UTF-8, one line
    int x = 0;         // dots
    int y = 0;
    int height = 0;  // of letters, bars or the square
    int width = 0;   // of text at most
    int module = 0;  // dots of one module of a code
    Modules modules;
};

struct Document {
    int width = 0;
    int height = 0;
    int dpi = 203;
    std::optional<int> tear_off;  // here the label ends and the strip with the slot begins
    std::vector<Part> parts;
    // What a scanner reads off this label and no other: the text of each code that names the unit,
    // and the serial.
    std::vector<std::string> codes;
};

// With `strip` the label is longer by a strip to tear off that names the slot.
// Errors: label.content (a value does not fit its code, or the code not its place).
[[nodiscard]] base::Result<Document> make_document(const Template& label, const Values& values,
                                                   bool strip);

// ZPL II for a printer: ^XA to ^XZ, pure ASCII, every value in hex where it could be a command.
[[nodiscard]] std::string to_zpl(const Document& document);
// A picture of its own: no script, no style, nothing from elsewhere.
[[nodiscard]] std::string to_svg(const Document& document);
// One page of the label's size; letters by the fonts of this host, those used go with it.
// Errors: label.content.
[[nodiscard]] base::Result<std::string> to_pdf(const Document& document);
// In the printer's or the asker's language. Errors: label.content.
[[nodiscard]] base::Result<std::string> to_bytes(const Document& document, Language language);

}  // namespace lineside::labels
