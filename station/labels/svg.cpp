// SPDX-License-Identifier: Apache-2.0
#include "station/base/markup.h"
#include "station/labels/document.h"

#include <fmt/format.h>

namespace lineside::labels {
namespace {

// Dark modules, neighbours of a row as one.
std::string path(const Part& part) {
    std::string out;
    const bool bars = part.use == Use::code128;
    const int row_height = bars ? part.height : part.module;
    int y = part.y;
    for (const auto& row : part.modules.rows) {
        for (std::size_t from = 0; from < row.size();) {
            std::size_t to = from;
            while (to < row.size() && row[to]) {
                ++to;
            }
            if (to > from) {
                const int width = static_cast<int>(to - from) * part.module;
                out +=
                    fmt::format("M{} {}h{}v{}h-{}z", part.x + static_cast<int>(from) * part.module,
                                y, width, row_height, width);
            }
            from = to + 1;
        }
        y += row_height;
    }
    return out;
}

}  // namespace

std::string to_svg(const Document& document) {
    std::string out = fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{:.2f}mm\" height=\"{:.2f}mm\" "
        "viewBox=\"0 0 {} {}\">\n<rect width=\"{}\" height=\"{}\" fill=\"#fff\"/>\n",
        document.width * 25.4 / document.dpi, document.height * 25.4 / document.dpi, document.width,
        document.height, document.width, document.height);
    for (const Part& part : document.parts) {
        if (part.use == Use::text) {
            // Letters stand on their line, which is at three quarters of ZPL's height.
            out += fmt::format(
                "<text x=\"{}\" y=\"{}\" font-size=\"{}\" font-family=\"sans-serif\" "
                "fill=\"#000\" xml:space=\"preserve\">{}</text>\n",
                part.x, part.y + part.height * 3 / 4, part.height, base::escape_markup(part.text));
        } else {
            out += fmt::format("<path d=\"{}\" fill=\"#000\" shape-rendering=\"crispEdges\"/>\n",
                               path(part));
        }
    }
    if (document.tear_off) {
        out += fmt::format(
            "<path d=\"M0 {}h{}\" stroke=\"#000\" stroke-width=\"2\" stroke-dasharray=\"12 8\"/>\n",
            *document.tear_off, document.width);
    }
    return out + "</svg>\n";
}

}  // namespace lineside::labels
