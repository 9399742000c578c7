// SPDX-License-Identifier: Apache-2.0
#include "workers/sdk/tool_lines.h"

#include <gtest/gtest.h>

#include <vector>

namespace lineside::worker {
namespace {

std::vector<std::string> cut(std::string_view stream, std::size_t piece, std::size_t bound = 1024) {
    std::vector<std::string> out;
    ToolLines lines(bound);
    const auto take = [&](std::string_view line) { out.emplace_back(line); };
    for (std::size_t at = 0; at < stream.size(); at += piece) {
        lines.push(stream.substr(at, piece), take);
    }
    lines.finish(take);
    return out;
}

}  // namespace

TEST(ToolLines, Return_newline_and_both_end_a_line) {
    const std::vector<std::string> wanted{"a", "[.   ] 018%", "[....] 100%", "b", "", "rest"};
    for (std::size_t piece = 1; piece < 12; ++piece) {
        EXPECT_EQ(cut("a\n[.   ] 018%\r[....] 100%\r\nb\n\nrest", piece), wanted) << piece;
    }
}

TEST(ToolLines, Long_line_comes_in_pieces) {
    EXPECT_EQ(cut("aaaabbbbcc\nd\n", 3, 4), (std::vector<std::string>{"aaaa", "bbbb", "cc", "d"}));
}

}  // namespace lineside::worker
