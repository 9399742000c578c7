// SPDX-License-Identifier: Apache-2.0
#include "workers/protocol/line_splitter.h"

#include <gtest/gtest.h>

namespace lineside::protocol {
namespace {

std::vector<std::string> drain(LineSplitter& splitter) {
    std::vector<std::string> out;
    while (true) {
        auto line = splitter.next();
        if (!line || !*line) {
            return out;
        }
        out.emplace_back(**line);
    }
}

}  // namespace

TEST(LineSplitter, Cuts_at_any_split_of_the_stream) {
    const std::string stream = "one\n\ntwo\nthree\n";
    for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
        LineSplitter splitter(16);
        splitter.push(std::string_view(stream).substr(0, cut));
        auto lines = drain(splitter);
        splitter.push(std::string_view(stream).substr(cut));
        for (auto& line : drain(splitter)) {
            lines.push_back(line);
        }
        EXPECT_EQ(lines, (std::vector<std::string>{"one", "", "two", "three"})) << cut;
        EXPECT_EQ(splitter.pending(), 0U);
    }
}

TEST(LineSplitter, Takes_a_line_of_exactly_the_bound_and_no_byte_more) {
    LineSplitter splitter(4);
    splitter.push("1234\n");
    EXPECT_EQ(drain(splitter), std::vector<std::string>{"1234"});
    splitter.push("12345");
    EXPECT_FALSE(splitter.next());
    splitter.push("\nok\n");
    EXPECT_FALSE(splitter.next()) << "a broken stream stays broken";
}

TEST(LineSplitter, Says_when_the_last_line_was_cut_off) {
    LineSplitter splitter(16);
    splitter.push("a\nhalf");
    EXPECT_EQ(drain(splitter).size(), 1U);
    EXPECT_EQ(splitter.pending(), 4U);
}

}  // namespace lineside::protocol
