// SPDX-License-Identifier: Apache-2.0
#include "station/engine/live_stream.h"

#include <gtest/gtest.h>

namespace lineside::engine {
namespace {

struct Page {
    std::vector<std::string> got;
    LiveStream::Sink sink() {
        return [this](const LiveEvent& e) {
            got.push_back(e.kind + (e.id ? std::to_string(*e.id) : ""));
        };
    }
};
base::Json snapshot() {
    return {{"snapshot", true}};
}

}  // namespace

TEST(LiveStream, A_new_page_gets_a_snapshot_first) {
    LiveStream stream;
    stream.begin(5);
    Page page;
    const auto handle = stream.subscribe(std::nullopt, page.sink(), snapshot);
    stream.publish(6, "tile", {});
    stream.publish(std::nullopt, "progress", {});
    EXPECT_EQ(page.got, (std::vector<std::string>{"reset5", "tile6", "progress"}));
}

TEST(LiveStream, A_page_that_comes_back_gets_what_it_missed) {
    LiveStream stream;
    stream.begin(5);
    stream.publish(6, "tile", {});
    stream.publish(8, "tile", {});
    Page page;
    const auto handle = stream.subscribe(6, page.sink(), snapshot);
    EXPECT_EQ(page.got, (std::vector<std::string>{"tile8"}));
}

TEST(LiveStream, Too_old_or_from_the_future_resets) {
    LiveStream stream(2);
    stream.begin(1);
    for (int i = 2; i < 7; ++i) {
        stream.publish(i, "tile", {});
    }
    Page old_page;
    Page future_page;
    const auto a = stream.subscribe(2, old_page.sink(), snapshot);
    const auto b = stream.subscribe(99, future_page.sink(), snapshot);
    EXPECT_EQ(old_page.got, (std::vector<std::string>{"reset6"}));
    EXPECT_EQ(future_page.got, (std::vector<std::string>{"reset6"}));
}

TEST(LiveStream, A_tile_that_changed_without_a_row_is_not_missed) {
    LiveStream stream;
    stream.begin(5);
    stream.publish(6, "tile", {});
    stream.publish(std::nullopt, "tile", {});  // a judged unit is taken out: nothing to journal
    stream.publish(std::nullopt, "progress", {});
    stream.publish(7, "tile", {});
    stream.publish(std::nullopt, "tile", {});
    Page page;
    Page later;
    const auto a = stream.subscribe(6, page.sink(), snapshot);
    const auto b = stream.subscribe(7, later.sink(), snapshot);
    EXPECT_EQ(page.got, (std::vector<std::string>{"tile", "tile7", "tile"}));
    EXPECT_EQ(later.got, (std::vector<std::string>{"tile"}));
}

TEST(LiveStream, A_page_from_before_the_restart_gets_a_snapshot) {
    LiveStream stream;
    stream.begin(5);
    Page page;
    const auto handle = stream.subscribe(5, page.sink(), snapshot);
    EXPECT_EQ(page.got, (std::vector<std::string>{"reset5"}));
}

TEST(LiveStream, What_fell_out_of_the_ring_without_a_row_resets_too) {
    LiveStream stream(1);
    stream.begin(5);
    stream.publish(6, "tile", {});
    stream.publish(std::nullopt, "tile", {});
    stream.publish(std::nullopt, "tile", {});
    Page page;
    const auto handle = stream.subscribe(6, page.sink(), snapshot);
    EXPECT_EQ(page.got, (std::vector<std::string>{"reset6"}));
}

TEST(LiveStream, A_dropped_handle_ends_the_subscription) {
    LiveStream stream;
    Page page;
    auto handle = stream.subscribe(std::nullopt, page.sink(), snapshot);
    handle.reset();
    stream.publish(1, "tile", {});
    EXPECT_EQ(page.got.size(), 1U);
    EXPECT_EQ(stream.subscribers(), 0U);
}

}  // namespace lineside::engine
