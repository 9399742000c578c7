// SPDX-License-Identifier: Apache-2.0
// One page of the label's own size, for printers behind a command that speak PDF, and to keep.
#include "station/base/freed.h"
#include "station/labels/document.h"

#include <cairo-pdf.h>
#include <fmt/format.h>
#include <pango/pangocairo.h>

#include <algorithm>
#include <memory>

namespace lineside::labels {
namespace {

constexpr double kPointsPerInch = 72;

using Surface = std::unique_ptr<cairo_surface_t, base::Freed<cairo_surface_destroy>>;
using Canvas = std::unique_ptr<cairo_t, base::Freed<cairo_destroy>>;
using Layout = std::unique_ptr<PangoLayout, base::Freed<g_object_unref>>;
using Chars = std::unique_ptr<char, base::Freed<g_free>>;
using Font = std::unique_ptr<PangoFontDescription, base::Freed<pango_font_description_free>>;

cairo_status_t append(void* to, const unsigned char* data, unsigned int length) {
    static_cast<std::string*>(to)->append(reinterpret_cast<const char*>(data), length);
    return CAIRO_STATUS_SUCCESS;
}

void draw_code(cairo_t* canvas, const Part& part) {
    const int row_height = part.use == Use::code128 ? part.height : part.module;
    int y = part.y;
    for (const auto& row : part.modules.rows) {
        for (std::size_t at = 0; at < row.size(); ++at) {
            if (row[at]) {
                cairo_rectangle(canvas, part.x + static_cast<int>(at) * part.module, y, part.module,
                                row_height);
            }
        }
        y += row_height;
    }
    // One fill for all: neighbours of one path leave no hairline between them.
    cairo_fill(canvas);
}

void draw_text(cairo_t* canvas, const Part& part) {
    const Layout layout(pango_cairo_create_layout(canvas));
    const Font font(pango_font_description_from_string("sans-serif"));
    pango_font_description_set_absolute_size(font.get(), part.height * double{PANGO_SCALE});
    pango_layout_set_font_description(layout.get(), font.get());
    pango_layout_set_single_paragraph_mode(layout.get(), TRUE);
    // A user's text, never marked up; what is no UTF-8 shows as replaced.
    const Chars valid(g_utf8_make_valid(part.text.data(), static_cast<gssize>(part.text.size())));
    pango_layout_set_text(layout.get(), valid.get(), -1);
    int width = 0;
    pango_layout_get_pixel_size(layout.get(), &width, nullptr);
    // Wider letters than the average: narrower, not cut.
    const double narrow = std::min(1.0, static_cast<double>(part.width) / std::max(width, 1));
    cairo_save(canvas);
    // Letters stand on the same line as in the picture of the page.
    const double line = part.y + part.height * 0.75;
    const double baseline =
        static_cast<double>(pango_layout_get_baseline(layout.get())) / PANGO_SCALE;
    cairo_translate(canvas, part.x, line - baseline);
    cairo_scale(canvas, narrow, 1);
    pango_cairo_show_layout(canvas, layout.get());
    cairo_restore(canvas);
}

}  // namespace

base::Result<std::string> to_pdf(const Document& document) {
    std::string out;
    const double scale = kPointsPerInch / document.dpi;
    const Surface surface(cairo_pdf_surface_create_for_stream(append, &out, document.width * scale,
                                                              document.height * scale));
    const Canvas canvas(cairo_create(surface.get()));
    cairo_scale(canvas.get(), scale, scale);
    for (const Part& part : document.parts) {
        if (part.use == Use::text) {
            draw_text(canvas.get(), part);
        } else {
            draw_code(canvas.get(), part);
        }
    }
    if (document.tear_off) {
        const double dashes[] = {12, 8};
        cairo_set_dash(canvas.get(), dashes, 2, 0);
        cairo_set_line_width(canvas.get(), 2);
        cairo_move_to(canvas.get(), 0, *document.tear_off);
        cairo_rel_line_to(canvas.get(), document.width, 0);
        cairo_stroke(canvas.get());
    }
    cairo_show_page(canvas.get());
    cairo_surface_finish(surface.get());
    for (const auto status : {cairo_status(canvas.get()), cairo_surface_status(surface.get())}) {
        if (status != CAIRO_STATUS_SUCCESS) {
            return base::fail("label.content", fmt::format("The label cannot be drawn as PDF: {}",
                                                           cairo_status_to_string(status)));
        }
    }
    return out;
}

}  // namespace lineside::labels
