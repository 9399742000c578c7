// SPDX-License-Identifier: Apache-2.0
// [printer] and [[label]]: what is read, and every complaint with its line.
#include "station/config/config.h"

#include <gtest/gtest.h>

namespace lineside::config {
namespace {

constexpr std::string_view kStation = R"([station]
id = "st"
data = "/var/lib/lineside"
key_file = "/etc/lineside/key"
[[recipe]]
id = "r"
[[recipe.step]]
use = "flash"
method = "sim"
[[recipe.step]]
use = "prove-image"
[[recipe.step]]
use = "set-serial"
[[recipe.step]]
use = "read-serial"
[[profile]]
id = "camera"
model = "xavier-nx"
board = "b"
rootdev = "r"
bsp = "/opt/bsp"
recipe = "r"
)";

Reading read(const std::string& more) {
    return read_config_text(std::string(kStation) + more, "s.toml");
}
std::string complaints(const std::string& more) {
    std::string text;
    for (const auto& complaint : read(more).complaints) {
        if (complaint.field.starts_with("printer") || complaint.field.starts_with("label") ||
            complaint.field == "profile.label") {
            text += to_text(complaint) + "\n";
        }
    }
    return text;
}

TEST(LabelConfig, NoPrinterNoLabel) {
    const Reading reading = read("");
    EXPECT_FALSE(reading.config.printer.there());
    EXPECT_TRUE(reading.config.labels.empty());
}

TEST(LabelConfig, APrinterGivesEveryProductThePlainLabel) {
    const Reading reading = read("[printer]\naddress = \"192.168.1.9:9100\"\n");
    EXPECT_EQ(complaints("[printer]\naddress = \"192.168.1.9:9100\"\n"), "");
    EXPECT_EQ(reading.config.labels.at("camera").id, "default");
    EXPECT_EQ(reading.config.printer.when, labels::When::acknowledge);
    EXPECT_FALSE(reading.config.printer.verify);
}

TEST(LabelConfig, AProductNamesItsLabelOrNone) {
    const std::string label = R"(label = "small"
[printer]
command = ["lp", "-d", "zebra"]
language = "pdf"
print = "at_once"
verify_label = true
silence_s = 5
[[label]]
id = "small"
width_mm = 40
height_mm = 20.5
dpi = 300
[[label.element]]
use = "datamatrix"
text = "https://example/{serial}"
x_mm = 1
y_mm = 1.5
size_mm = 15
)";
    EXPECT_EQ(complaints(label), "");
    const Config config = read(label).config;
    const labels::Template& small = config.labels.at("camera");
    EXPECT_EQ(small.dpi, 300);
    EXPECT_EQ(small.height_mm, 20.5);
    ASSERT_EQ(small.elements.size(), 1U);
    EXPECT_EQ(small.elements[0].use, labels::Use::datamatrix);
    EXPECT_EQ(config.printer.language, labels::Language::pdf);
    EXPECT_EQ(config.printer.when, labels::When::at_once);
    EXPECT_TRUE(config.printer.verify);
    EXPECT_EQ(config.printer.command.size(), 3U);
    EXPECT_TRUE(
        read("label = \"none\"\n[printer]\naddress = \"1.2.3.4:9100\"\n").config.labels.empty());
}

TEST(LabelConfig, WrongValuesAreNamedWithTheirLine) {
    EXPECT_EQ(complaints("label = \"big\"\n"),
              "s.toml:23:9: profile.label there is no label 'big'\n");
    EXPECT_EQ(complaints("[printer]\naddress = \"zebra\"\nprint = \"never\"\nspeed = 3\n"),
              "s.toml:24:11: printer.address must be an address with its port, such as "
              "192.168.1.9:9100 or [fd00::9]:9100\n"
              "s.toml:25:9: printer.print must be \"acknowledge\" or \"at_once\"\n"
              "s.toml:26:1: printer.speed is not a known key\n");
    EXPECT_NE(complaints("[printer]\nprint = \"at_once\"\n").find("address or command"),
              std::string::npos);
    EXPECT_NE(complaints("[printer]\naddress = \"1.2.3.4:9\"\ncommand = [\"lp\"]\n").find("one of"),
              std::string::npos);
    const std::string said = complaints(R"([[label]]
id = "small"
height_mm = 20
dpi = 72
[[label.element]]
use = "qrcode"
text = "{token}"
x_mm = 60
y_mm = 10
size_mm = 15
)");
    for (const char* part : {"s.toml:26:7: label.dpi must be 152, 203, 300 or 600",
                             "s.toml:28:7: label.element.use", "there is no {token}",
                             "label.element.x_mm lies outside", "label.element.size_mm reaches"}) {
        EXPECT_NE(said.find(part), std::string::npos) << part << "\n" << said;
    }
    EXPECT_NE(complaints("[[label]]\nid = \"none\"\n").find("label.id must be"), std::string::npos);
}

}  // namespace
}  // namespace lineside::config
