// SPDX-License-Identifier: Apache-2.0
// Runs the golden lines of conformance.json: what must be taken, as which event, and what must be
// refused. A worker in another language can run the same file.
#include "station/base/files.h"
#include "workers/protocol/messages.h"

#include <gtest/gtest.h>

namespace lineside::protocol {
namespace {

template <typename Message>
void check(const base::Json& row, const std::string& text, const base::Result<Message>& parsed) {
    const bool wanted = row.at("taken").get<bool>();
    ASSERT_EQ(parsed.has_value(), wanted) << text << (parsed ? "" : "\n" + parsed.error().message);
    if (!wanted) {
        EXPECT_EQ(parsed.error().code, "protocol.invalid");
        return;
    }
    const bool unknown = std::holds_alternative<Unknown>(*parsed);
    EXPECT_EQ(unknown, row.value("unknown", false)) << text;
    if (row.value("exact", false)) {
        EXPECT_EQ(base::Json::parse(format(*parsed)), row.at("line")) << text;
    }
}

}  // namespace

TEST(Conformance, Golden_lines) {
    const auto file = base::read_file(LINESIDE_CONFORMANCE, 1U << 20U);
    ASSERT_TRUE(file) << file.error().message;
    const auto rows = base::Json::parse(*file);
    for (const auto& row : rows.at("lines")) {
        const auto text =
            row.contains("text") ? row.at("text").get<std::string>() : row.at("line").dump();
        if (row.at("from") == "worker") {
            check(row, text, parse_from_worker(text));
        } else {
            check(row, text, parse_from_station(text));
        }
    }
    EXPECT_GE(rows.at("lines").size(), 40U);
}

}  // namespace lineside::protocol
