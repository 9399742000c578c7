// SPDX-License-Identifier: Apache-2.0
// What is printed and shown of hostile values; the codes' modules; what does not fit.
#include "station/labels/document.h"

#include <gtest/gtest.h>

namespace lineside::labels {
namespace {

using ::testing::Test;

Values values(std::string serial) {
    Values v;
    v.serial = std::move(serial);
    v.model = "Xavier NX";
    v.profile = "Camera";
    v.date = "2026-11-28";
    v.station = "line2";
    v.slot = "7";
    return v;
}

Template one(Use use, double size = 20, double width = 0) {
    Template t;
    t.id = "t";
    t.width_mm = 100;
    t.height_mm = 30;
    t.elements = {{use, "{serial}", 5, 5, size, width}};
    return t;
}

std::string zpl(const Template& t, const std::string& serial) {
    return to_zpl(make_document(t, values(serial), false).value());
}

// The text between ^FD and ^FS, its hex undone: what the printer is given.
std::string given(const std::string& text) {
    const auto from = text.find("^FH_^FD") + 7;
    const std::string field = text.substr(from, text.find("^FS", from) - from);
    std::string out;
    for (std::size_t i = 0; i < field.size(); ++i) {
        if (field[i] == '_') {
            out += static_cast<char>(std::stoi(field.substr(i + 1, 2), nullptr, 16));
            i += 2;
        } else {
            out += field[i];
        }
    }
    return out;
}

TEST(LabelTemplate, WordsAreFilledInAndUnknownOnesNamed) {
    EXPECT_EQ(fill("S/N {serial} of {model}", values("A1")), "S/N A1 of Xavier NX");
    // What a value holds is not a template again.
    EXPECT_EQ(fill("{serial}", values("{model}")), "{model}");
    EXPECT_EQ(template_problem("S/N {serial} {date}"), "");
    EXPECT_EQ(template_problem("{seriall}"), "there is no {seriall}; did you mean {serial}?");
    EXPECT_NE(template_problem("{token}"), "");
    EXPECT_NE(template_problem("{serial"), "");
    EXPECT_NE(template_problem("serial}"), "");
    EXPECT_NE(template_problem("{serial{model}}"), "");
}

TEST(LabelZpl, NoValueCanBeACommand) {
    const std::string hostile = "A^XZ^XA~JR_1,;\\\"\r\n\t'<&>{model}";
    const std::string text = zpl(one(Use::text, 3), hostile);
    // One label, begun once and ended once; no tilde at all.
    EXPECT_EQ(text.find("^XA"), 0U);
    EXPECT_EQ(text.rfind("^XA"), 0U);
    EXPECT_EQ(text.find("^XZ"), text.size() - 4);
    EXPECT_EQ(text.find('~'), std::string::npos);
    EXPECT_EQ(given(text),
              "A^XZ^XA~JR_1,;\\\"?"
              "?"
              "?'<&>{model}");
}

TEST(LabelZpl, OtherAlphabetsGoAsUtf8InHex) {
    const std::string text = zpl(one(Use::text, 3), "Gerät 相机");
    EXPECT_NE(text.find("^CI28"), std::string::npos);
    EXPECT_TRUE(
        std::all_of(text.begin(), text.end(), [](char c) { return c >= '\n' && c < 0x7f; }));
    EXPECT_EQ(given(text), "Gerät 相机");
}

TEST(LabelZpl, CodesArePrintersOwn) {
    EXPECT_EQ(given(zpl(one(Use::qr), "RC26^1")), "MA,RC26^1");
    EXPECT_NE(zpl(one(Use::qr), "RC26").find("^BQN,2,"), std::string::npos);
    // Code 128 takes > ^ ~ for orders: written as its guide says.
    EXPECT_EQ(given(zpl(one(Use::code128), "A>B^C~D")), ">:A>0B><C>=D");
    EXPECT_NE(zpl(one(Use::code128), "RC26").find("^BCN,"), std::string::npos);
    EXPECT_EQ(given(zpl(one(Use::datamatrix), "A|B_1")), "A||B_1");
    EXPECT_NE(zpl(one(Use::datamatrix), "RC26").find("^BXN,"), std::string::npos);
}

TEST(LabelSvg, NoValueCanBeMarkup) {
    const auto document =
        make_document(one(Use::text, 3), values("</text><script>alert(1)</script>&\"'"), false);
    const std::string svg = to_svg(document.value());
    EXPECT_EQ(svg.find("<script"), std::string::npos);
    EXPECT_NE(svg.find("&lt;script&gt;alert(1)&lt;/script&gt;&amp;&quot;&#39;"), std::string::npos);
    EXPECT_EQ(svg.find("style"), std::string::npos);
    EXPECT_EQ(svg.find("href"), std::string::npos);
}

TEST(LabelPdf, IsOnePageOfTheLabelsSize) {
    Template t = one(Use::text, 3);
    for (const std::string& value : {std::string("RC26-1"), std::string("<b>&\xC3\xA4\xE6\x9D\xBF"),
                                     std::string(200, 'W'), std::string("\xFF\xFE broken")}) {
        const std::string pdf = to_pdf(make_document(t, values(value), false).value()).value();
        EXPECT_EQ(pdf.substr(0, 5), "%PDF-");
        EXPECT_NE(pdf.find("/Count 1"), std::string::npos);
        // 100 x 30 mm in points, of whole dots.
        EXPECT_NE(pdf.find("/MediaBox [ 0 0 283.3"), std::string::npos) << pdf.substr(0, 2000);
        EXPECT_EQ(pdf.find("/JavaScript"), std::string::npos);
    }
}

TEST(LabelCodes, ModulesAreThoseOfTheSymbol) {
    // QR: version 1 has 21 x 21 modules, with the three finders.
    const auto document = make_document(one(Use::qr), values("RC26-00042"), false).value();
    const Part& qr = document.parts.front();
    ASSERT_EQ(qr.modules.columns, 21);
    ASSERT_EQ(qr.modules.rows.size(), 21U);
    for (const auto& [row, column] : {std::pair(0, 0), {0, 14}, {14, 0}}) {
        for (int i = 0; i < 7; ++i) {
            EXPECT_TRUE(qr.modules.rows[static_cast<std::size_t>(row)]
                                       [static_cast<std::size_t>(column + i)]);
        }
    }
    EXPECT_EQ(qr.module, 160 / 21);  // 20 mm at 203 dpi
    // Code 128 B: start, each letter, check (11 modules), stop (13).
    const auto bars = make_document(one(Use::code128, 10), values("RC26"), false).value();
    EXPECT_EQ(bars.parts.front().modules.columns, 11 * 6 + 13);
    EXPECT_EQ(document.codes, (std::vector<std::string>{"RC26-00042", "RC26-00042"}));
}

TEST(LabelCodes, ACodeThatEveryUnitHasTellsNoLabelApart) {
    Template t = one(Use::qr);
    t.elements.push_back({Use::qr, "{model} {date}", 40, 5, 20, 0});
    t.elements.push_back({Use::qr, "https://x/{serial}", 70, 5, 20, 0});
    EXPECT_EQ(make_document(t, values("A1"), false).value().codes,
              (std::vector<std::string>{"A1", "A1", "https://x/A1"}));
}

TEST(LabelCodes, WhatDoesNotFitIsAnError) {
    EXPECT_EQ(make_document(one(Use::code128), values("Gerät"), false).error().code,
              "label.content");
    EXPECT_EQ(make_document(one(Use::qr, 2), values("RC26"), false).error().code, "label.content");
    EXPECT_EQ(make_document(one(Use::qr), values(""), false).error().code, "label.content");
    Template wide = one(Use::code128, 10, 10);
    EXPECT_EQ(make_document(wide, values(std::string(60, 'x')), false).error().code,
              "label.content");
}

TEST(LabelText, TooLongATextIsSmallerNotCut) {
    const std::string serial(120, 'x');
    const auto document = make_document(one(Use::text, 5), values(serial), false).value();
    EXPECT_EQ(document.parts.front().text, serial);
    EXPECT_LT(document.parts.front().height, 40);
    EXPECT_GT(document.parts.front().height, 0);
}

TEST(LabelText, StripAndTrainingAreSaid) {
    Values v = values("A1");
    EXPECT_EQ(to_svg(make_document(default_template(), v, false).value()).find("TRAINING"),
              std::string::npos);
    v.training = true;
    const auto document = make_document(default_template(), v, true).value();
    EXPECT_EQ(document.height, 200 + 64 + 64) << "two strips";
    EXPECT_EQ(document.tear_off, 200 + 64);
    for (const std::string& text : {to_svg(document), to_zpl(document)}) {
        EXPECT_NE(text.find("TRAINING"), std::string::npos);
        EXPECT_NE(text.find("SLOT 7"), std::string::npos);
    }
}

// A template may fill its label to the edges: what marks it as training stands below all of that.
TEST(LabelText, TrainingLiesOverNoElement) {
    for (const auto& [width, height] : {std::pair(50.0, 25.0), {20.0, 8.0}, {100.0, 150.0}}) {
        Template t{"full", width, height, 203, {}};
        t.elements.push_back({Use::text, "{serial}", 0, height - 3, 3, 0});
        t.elements.push_back({Use::text, "{model}", 0, 0, height, 0});
        Values v = values("RC26-00042");
        const int own = make_document(t, v, false).value().height;
        v.training = true;
        for (const bool strip : {false, true}) {
            const auto document = make_document(t, v, strip).value();
            int below = own;  // where the one before ends
            int marks = 0;
            for (const Part& part : document.parts) {
                if (part.text != "TRAINING" && part.text != "SLOT 7") {
                    EXPECT_LE(part.y + part.height, own);
                    continue;
                }
                EXPECT_GE(part.y, below) << part.text;
                EXPECT_LE(part.x + part.width, document.width);
                below = part.y + part.height;
                ++marks;
            }
            EXPECT_EQ(marks, strip ? 2 : 1);
            EXPECT_LE(below, document.height);
        }
    }
}

}  // namespace
}  // namespace lineside::labels
