// SPDX-License-Identifier: Apache-2.0
#include "workers/media/formats/bmap.h"
#include "station/base/text.h"
#include "workers/media/formats/digest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lineside::media {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// 10 blocks of 512 bytes and a bit; block n is full of the letter 'a' + n.
std::string image() {
    std::string bytes;
    for (int block = 0; block < 11; ++block) {
        bytes.append(block == 10 ? 100 : 512, static_cast<char>('a' + block));
    }
    return bytes;
}

std::string hash(const std::string& type, std::string_view bytes) {
    auto digest = Digest::of(type);
    digest->update(bytes);
    return digest->end();
}

struct Map {
    std::string version = "2.0";
    std::string type = "sha256";  // empty: no checksums
    std::string size = "5220", block = "512", count = "11", mapped = "5";
    std::vector<std::pair<std::string, std::string>> ranges{// text, bytes it covers
                                                            {"0-1", ""},
                                                            {"4", ""},
                                                            {" 9 - 10 ", ""}};
    std::string more;  // before BlockMap
    bool sealed = true;
};

std::string xml_of(Map map) {
    const bool modern = map.version != "1.2" && map.version != "1.3";
    const std::string attribute = modern ? "chksum" : "sha1";
    const std::string bytes = image();
    std::string text = "<?xml version=\"1.0\" ?>\n<!-- <BmapFileChecksum> " + std::string(64, '0') +
                       " -->\n<bmap version=\"" + map.version + "\">\n";
    auto add = [&](const std::string& name, const std::string& value) {
        if (value != "-") {
            text += fmt::format("    <{}> {} </{}>\n", name, value, name);
        }
    };
    add("ImageSize", map.size);
    add("BlockSize", map.block);
    add("BlocksCount", map.count);
    add("MappedBlocksCount", map.mapped);
    if (modern) {
        add("ChecksumType", map.type.empty() ? "-" : map.type);
    }
    const std::string kind = map.type.empty() || !Digest::of(map.type) ? "sha256" : map.type;
    const std::string zeros(Digest::of(modern ? kind : "sha1")->hex_digits(), '0');
    if (map.version != "1.2" && map.sealed) {
        add(modern ? "BmapFileChecksum" : "BmapFileSHA1", zeros);
    }
    text += map.more + "    <BlockMap>\n";
    for (const auto& [range, given] : map.ranges) {
        std::string sum = given;
        if (sum.empty()) {
            const auto trimmed = std::string(base::trim_blanks(range));
            const auto dash = trimmed.find('-');
            const auto first = std::stoul(trimmed);
            const auto last =
                dash == std::string::npos ? first : std::stoul(trimmed.substr(dash + 1));
            sum = first * 512 < bytes.size() && first <= last
                      ? hash(modern ? kind : "sha1",
                             bytes.substr(first * 512, (last - first + 1) * 512))
                      : zeros;
        }
        text += sum == "-"
                    ? fmt::format("        <Range>{}</Range>\n", range)
                    : fmt::format("        <Range {}=\"{}\">{}</Range>\n", attribute, sum, range);
    }
    text += "    </BlockMap>\n</bmap>\n";
    if (map.version != "1.2" && map.sealed) {
        const std::string sum = hash(modern ? kind : "sha1", text);
        const auto at =
            text.find(">", text.find(modern ? "    <BmapFileChecksum>" : "    <BmapFileSHA1>"));
        text.replace(at + 2, zeros.size(), sum);
    }
    return text;
}

std::vector<std::string> errors_of(const std::string& xml, std::int64_t* warnings = nullptr) {
    Report report;
    (void)read_bmap(xml, report);
    std::vector<std::string> found;
    for (const Finding& each : report.errors()) {
        found.push_back(fmt::format("{} {}: {}", each.line, each.field, each.message));
    }
    if (warnings != nullptr) {
        *warnings = report.warnings_total();
    }
    return found;
}

TEST(Bmap, EachVersionIsRead) {
    for (const std::string version : {"1.2", "1.3", "1.4", "2.0"}) {
        Map map;
        map.version = version;
        std::int64_t warnings = 0;
        EXPECT_THAT(errors_of(xml_of(map), &warnings), IsEmpty()) << version;
        EXPECT_EQ(warnings, 0) << version;
    }
    for (const std::string version : {"1.7", "2.1", "2.99"}) {
        Map map;
        map.version = version;
        std::int64_t warnings = 0;
        EXPECT_THAT(errors_of(xml_of(map), &warnings), IsEmpty()) << version;
        EXPECT_EQ(warnings, 1) << version;
    }
    for (const std::string version :
         {"3.0", "10.0", "0.9", "1.0", "1.1", "2", "", "2.x", "x", "2.0.0", "-1.2", "2."}) {
        Map map;
        map.version = version;
        EXPECT_THAT(errors_of(xml_of(map)), ElementsAre(HasSubstr("version"))) << version;
    }
}

TEST(Bmap, EachChecksumTypeIsKnown) {
    for (const std::string type : {"md5", "sha1", "sha224", "sha256", "sha384", "sha512"}) {
        Map map;
        map.type = type;
        EXPECT_THAT(errors_of(xml_of(map)), IsEmpty()) << type;
    }
    Map map;
    map.type = "crc32";
    EXPECT_THAT(errors_of(xml_of(map)), ElementsAre(HasSubstr("\"crc32\" is not known")));
    map.type = "";
    EXPECT_THAT(errors_of(xml_of(map)), ElementsAre(HasSubstr("ChecksumType: it is missing")));
}

TEST(Bmap, ItsOwnChecksumIsJudged) {
    const std::string good = xml_of({});
    std::string bad = good;
    bad.replace(bad.find("<?xml version=\"1.0\" ?>"), 22, "<?xml version='1.0' ?> ");
    EXPECT_THAT(errors_of(bad), ElementsAre(HasSubstr("the map was changed or cut")));
    // The checksum's digits inside a comment before it are not the field.
    Map map;
    map.sealed = false;
    EXPECT_THAT(errors_of(xml_of(map)), ElementsAre(HasSubstr("BmapFileChecksum: it is missing")));
    map.version = "1.3";
    EXPECT_THAT(errors_of(xml_of(map)), ElementsAre(HasSubstr("BmapFileSHA1: it is missing")));
    map.more = "    <BmapFileSHA1>12ab</BmapFileSHA1>\n";
    EXPECT_THAT(errors_of(xml_of(map)), ElementsAre(HasSubstr("is no sha1 of 40 digits")));
}

TEST(Bmap, CountsRangesAndSizes) {
    struct Case {
        std::string name;
        Map map;
        std::string error;
    };
    std::vector<Case> cases;
    auto add = [&](const std::string& name, const std::string& error, auto change) {
        Map map;
        change(map);
        cases.push_back({name, map, error});
    };
    add("mapped too small", "the ranges hold 5 blocks", [](Map& m) { m.mapped = "4"; });
    add("mapped above all", "more than the 11 blocks", [](Map& m) {
        m.mapped = "12";
        m.ranges = {{"0-10", ""}};
    });
    add("count", "5220 bytes in blocks of 512 are 11", [](Map& m) { m.count = "10"; });
    add("size 0", "an image of 0 bytes", [](Map& m) { m.size = "0"; });
    add("block 0", "BlockSize: it is 0", [](Map& m) { m.block = "0"; });
    add("negative", "ImageSize: \"-1\" is no whole number", [](Map& m) { m.size = "-1"; });
    add("huge", "is no whole number in range", [](Map& m) { m.size = "99999999999999999999"; });
    add("hex", "is no whole number in range", [](Map& m) { m.block = "0x200"; });
    add("no size", "ImageSize: it is missing", [](Map& m) { m.size = "-"; });
    add("no mapped", "MappedBlocksCount: it is missing", [](Map& m) { m.mapped = "-"; });
    add("past the end", "block 11 is past the end", [](Map& m) { m.ranges = {{"7-11", ""}}; });
    add("overlap", "ranges stand in order and never overlap", [](Map& m) {
        m.ranges = {{"0-3", ""}, {"3-4", ""}};
    });
    add("order", "ranges stand in order", [](Map& m) { m.ranges = {{"5-8", ""}, {"0", ""}}; });
    add("backwards", "ends before it begins", [](Map& m) {
        m.ranges = {{"5-4", std::string(64, '0')}};
    });
    add("twice", "ImageSize: it is there twice",
        [](Map& m) { m.more = "<ImageSize>5220</ImageSize>"; });
    add("short sum", "is no sha256 of 64 digits", [](Map& m) { m.ranges = {{"0-4", "abcd"}}; });
    for (const std::string text : {"", "a", "1-", "-1", "1-2-3", "1,2", "0x1", "1 2", "+1"}) {
        add("range " + text, "is no range", [&](Map& m) {
            m.ranges = {{text, std::string(64, '0')}};
        });
    }
    for (const Case& each : cases) {
        EXPECT_THAT(errors_of(xml_of(each.map)), ElementsAre(HasSubstr(each.error))) << each.name;
    }
    Map touching;
    touching.ranges = {{"0-1", ""}, {"2-4", ""}};
    EXPECT_THAT(errors_of(xml_of(touching)), IsEmpty());
    Map bare;
    bare.ranges[1].second = "-";
    std::int64_t warnings = 0;
    EXPECT_THAT(errors_of(xml_of(bare), &warnings), IsEmpty());
    EXPECT_EQ(warnings, 1);
}

TEST(Bmap, XmlThatIsNone) {
    const std::string good = xml_of({});
    EXPECT_THAT(errors_of(good.substr(0, good.size() / 2)),
                ElementsAre(HasSubstr("not valid XML")));
    EXPECT_THAT(errors_of(""), ElementsAre(HasSubstr("not valid XML")));
    EXPECT_THAT(errors_of("<map version='2.0'/>"), ElementsAre(HasSubstr("outermost element")));
    const std::string bomb =
        "<?xml version='1.0'?>\n<!DOCTYPE bmap [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b "
        "'&a;&a;&a;&a;&a;&a;&a;&a;'><!ENTITY c '&b;&b;&b;&b;&b;&b;&b;&b;&b;'>]>\n<bmap "
        "version='2.0'><ImageSize>&c;</ImageSize></bmap>";
    EXPECT_THAT(errors_of(bomb), ElementsAre(HasSubstr("a document type")));
    std::string deep = "<bmap version='2.0'>";
    for (int i = 0; i < 10'000; ++i) {
        deep += "<x>";
    }
    EXPECT_FALSE(errors_of(deep).empty());
    EXPECT_FALSE(errors_of("<bmap version='2.0'><ImageSize>" + std::string(100'000, '1')).empty());
    EXPECT_FALSE(errors_of("<bmap version='2.0'/>").empty());
}

std::vector<std::string> compared(const Map& wanted, const std::string& bytes, std::size_t piece) {
    Report report;
    const Bmap map = read_bmap(xml_of(wanted), report);
    EXPECT_TRUE(report.accepted());
    std::size_t at = 0;
    const auto done = compare_image(
        map,
        [&](std::size_t) -> base::Result<std::string_view> {
            const auto rest = std::string_view(bytes).substr(at, piece);
            at += rest.size();
            return rest;
        },
        report);
    EXPECT_TRUE(done.has_value());
    std::vector<std::string> found;
    for (const Finding& each : report.errors()) {
        found.push_back(each.field + ": " + each.message);
    }
    return found;
}

TEST(Bmap, TheImageIsCompared) {
    for (const std::string version : {"1.2", "1.3", "1.4", "2.0"}) {
        Map map;
        map.version = version;
        for (const std::size_t piece : {1U, 7U, 512U, 5000U, 100000U}) {
            EXPECT_THAT(compared(map, image(), piece), IsEmpty()) << version << piece;
        }
        std::string bad = image();
        bad[5219] ^= 1;  // the last byte, in the part of a block
        EXPECT_THAT(compared(map, bad, 512), ElementsAre(HasSubstr("Range[2]: the image differs")));
        bad = image();
        bad[512 * 3] ^= 1;  // in no range: not the map's business
        EXPECT_THAT(compared(map, bad, 512), IsEmpty());
        EXPECT_THAT(compared(map, image() + "x", 512), ElementsAre(HasSubstr("ImageSize")));
        EXPECT_FALSE(compared(map, image().substr(0, 5219), 512).empty());
        EXPECT_FALSE(compared(map, "", 512).empty());
    }
}

}  // namespace
}  // namespace lineside::media
