// SPDX-License-Identifier: Apache-2.0
#include "station/process/fast_progress.h"

#include <gtest/gtest.h>

#include <random>

namespace lineside::process {
namespace {

// Where the fast reader gives a value, the protocol's own must give the same.
bool agrees(std::string_view line) {
    const auto fast = fast_progress(line);
    if (!fast) {
        return true;
    }
    const auto slow = protocol::parse_from_worker(line);
    const auto* progress = slow ? std::get_if<protocol::Progress>(&*slow) : nullptr;
    return progress != nullptr && progress->done == fast->done && progress->total == fast->total &&
           progress->unit == fast->unit;
}

}  // namespace

TEST(FastProgress, Reads_what_workers_send) {
    const auto progress =
        fast_progress(R"({"done":734003200,"ev":"progress","total":3221225472,"unit":"bytes"})");
    ASSERT_TRUE(progress);
    EXPECT_EQ(progress->done, 734003200U);
    EXPECT_EQ(progress->total, 3221225472U);
    EXPECT_EQ(progress->unit, "bytes");
    EXPECT_TRUE(
        fast_progress(R"({"ev":"progress","done":1,"total":2,"unit":"","t":1.5,"msg":"x"})"));
}

TEST(FastProgress, Leaves_everything_else_to_the_parser) {
    for (const char* line :
         {R"({"ev":"phase","name":"a"})", R"({"ev":"progress","done":-1,"total":2})",
          R"({"ev":"progress","done":1,"total":2,"unit":"\u0041"})",
          R"({"ev":"progress","done":1,"total":2,"x":{}})",
          R"({"ev":"progress","done":1.5,"total":2})", R"({"ev":"progress","done":01,"total":2})",
          R"({"ev":"progress","done":1,"total":2})"
          " ",
          R"({"ev":"progress","done":1,"total":2,})",
          R"({"ev":"progress","done":99999999999999999999,"total":2})", R"({"ev":"progress"})", "",
          "{", "{}", R"({"ev":"progress","done":1,"total":2)"}) {
        EXPECT_FALSE(fast_progress(line)) << line;
    }
}

TEST(FastProgress, Agrees_with_the_parser_on_mangled_lines) {
    const std::string line =
        R"({"done":12,"ev":"progress","total":34,"unit":"bytes","x":-1.5,"y":"z"})";
    const std::string letters = "{}\",:0123456789.eE-+\\abdonev \x01\xc3\xa4";
    std::mt19937 random(11);
    int fast = 0;
    for (int round = 0; round < 50000; ++round) {
        std::string mangled = line;
        for (unsigned n = random() % 4; n > 0; --n) {
            const std::size_t at = random() % mangled.size();
            switch (random() % 3) {
                case 0:
                    mangled[at] = letters[random() % letters.size()];
                    break;
                case 1:
                    mangled.erase(at, 1);
                    break;
                default:
                    mangled.insert(at, 1, letters[random() % letters.size()]);
                    break;
            }
        }
        fast += fast_progress(mangled) ? 1 : 0;
        ASSERT_TRUE(agrees(mangled)) << mangled;
    }
    EXPECT_GT(fast, 1000);
}

}  // namespace lineside::process
