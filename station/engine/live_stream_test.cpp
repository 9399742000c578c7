// SPDX-License-Identifier: Apache-2.0
#include "station/engine/live_stream.h"

#include <gtest/gtest.h>

namespace lineside::engine {
namespace {

using std::chrono::milliseconds;

base::Json tile(const std::string& slot) {
    return {{"tile", {{"slot", slot}}}};
}
base::Json progress(const std::string& slot, int percent) {
    return {{"slot", slot}, {"percent", percent}};
}
base::Json snapshot() {
    return {{"snapshot", true}};
}

// "tile6@1": what, its row, its slot. One line per tick.
struct Page {
    std::vector<std::string> got;
    LiveSink sink() {
        return [this](const LiveTickPtr& tick) {
            std::string line;
            for (const LiveEvent& e : tick->events) {
                const auto data = base::Json::parse(*e.text);
                const auto of = data.contains("tile") ? data["tile"] : data;
                line += (line.empty() ? "" : " ") + e.kind + (e.id ? std::to_string(*e.id) : "") +
                        (of.contains("slot") ? "@" + of["slot"].get<std::string>() : "");
            }
            got.push_back(line);
        };
    }
};
using Lines = std::vector<std::string>;

class LiveStreamTest : public testing::Test {
  protected:
    // Runs what is due now; a tick that has begun is not waited for.
    void turn() {
        loop.restart();
        loop.poll();
    }
    // Until no tick is under way.
    void rest() {
        loop.restart();
        loop.run();
    }
    boost::asio::io_context loop;
};

}  // namespace

TEST_F(LiveStreamTest, A_new_page_gets_a_snapshot_first) {
    LiveStream stream(loop);
    stream.begin(5);
    Page page;
    const auto handle = stream.subscribe(std::nullopt, page.sink(), snapshot);
    stream.publish(6, "tile", tile("1"));
    turn();
    EXPECT_EQ(page.got, (Lines{"reset5", "tile6@1"}));
}

TEST_F(LiveStreamTest, After_a_quiet_time_a_change_is_told_at_once_and_what_follows_together) {
    LiveStream stream(loop, 10, milliseconds(20));
    Page page;
    const auto handle = stream.subscribe(std::nullopt, page.sink(), snapshot);
    page.got.clear();
    stream.publish(6, "tile", tile("1"));
    turn();
    EXPECT_EQ(page.got, (Lines{"tile6@1"}));
    stream.publish(std::nullopt, "progress", progress("1", 5));
    stream.publish(7, "tile", tile("2"));
    stream.publish(std::nullopt, "beat", base::Json::object());
    turn();
    EXPECT_EQ(page.got.size(), 1U);
    rest();
    EXPECT_EQ(page.got, (Lines{"tile6@1", "progress@1 tile7@2 beat"}));
}

TEST_F(LiveStreamTest, Of_each_slot_the_newest_alone_is_told) {
    LiveStream stream(loop, 10, milliseconds(20));
    Page page;
    const auto handle = stream.subscribe(std::nullopt, page.sink(), snapshot);
    page.got.clear();
    for (int i = 1; i <= 40; ++i) {
        stream.publish(std::nullopt, "progress", progress(i % 2 == 0 ? "1" : "2", i));
        stream.publish(std::nullopt, "station", {{"n", i}});
    }
    stream.publish(9, "tile", tile("1"));  // has the percent of its slot
    stream.publish(std::nullopt, "progress", progress("1", 41));
    stream.publish(10, "tile", tile("3"));
    stream.publish(11, "tile", tile("3"));
    rest();
    EXPECT_EQ(page.got, (Lines{"progress@2 station tile9@1 progress@1 tile11@3"}));
}

TEST_F(LiveStreamTest, All_pages_get_one_text) {
    LiveStream stream(loop);
    std::vector<LiveTickPtr> ticks;
    const auto note = [&](const LiveTickPtr& tick) { ticks.push_back(tick); };
    const auto a = stream.subscribe(std::nullopt, note, snapshot);
    const auto b = stream.subscribe(std::nullopt, note, snapshot);
    ticks.clear();
    stream.publish(1, "tile", tile("1"));
    turn();
    ASSERT_EQ(ticks.size(), 2U);
    EXPECT_EQ(ticks[0], ticks[1]);
}

TEST_F(LiveStreamTest, Who_comes_in_the_middle_of_a_tick_does_not_end_it) {
    LiveStream stream(loop, 10, milliseconds(20));
    Page early;
    Page late;
    const auto a = stream.subscribe(std::nullopt, early.sink(), snapshot);
    stream.publish(1, "tile", tile("1"));
    const auto b = stream.subscribe(std::nullopt, late.sink(), snapshot);
    EXPECT_EQ(early.got, (Lines{"reset0"}));
    rest();
    EXPECT_EQ(early.got, (Lines{"reset0", "tile1@1"}));
    EXPECT_EQ(late.got, (Lines{"reset1", "tile1@1"}));
}

TEST_F(LiveStreamTest, A_page_that_comes_back_gets_the_newest_it_missed_of_each_slot) {
    LiveStream stream(loop);
    stream.begin(5);
    stream.publish(6, "tile", tile("1"));
    stream.publish(7, "tile", tile("2"));
    stream.publish(8, "tile", tile("1"));
    stream.publish(9, "tile", tile("1"));
    Page page;
    const auto handle = stream.subscribe(6, page.sink(), snapshot);
    EXPECT_EQ(page.got, (Lines{"tile7@2 tile9@1"}));
}

TEST_F(LiveStreamTest, Too_old_or_from_the_future_resets) {
    LiveStream stream(loop, 2);
    stream.begin(1);
    for (int i = 2; i < 7; ++i) {
        stream.publish(i, "tile", tile("1"));
    }
    Page old_page;
    Page future_page;
    const auto a = stream.subscribe(2, old_page.sink(), snapshot);
    const auto b = stream.subscribe(99, future_page.sink(), snapshot);
    EXPECT_EQ(old_page.got, (Lines{"reset6"}));
    EXPECT_EQ(future_page.got, (Lines{"reset6"}));
}

TEST_F(LiveStreamTest, Ten_thousand_rows_are_kept_and_no_more) {
    LiveStream stream(loop);
    stream.begin(0);
    for (int i = 1; i <= 10'001; ++i) {
        stream.publish(i, "tile", tile(std::to_string(i % 64)));
    }
    Page there;
    Page before;
    const auto a = stream.subscribe(1, there.sink(), snapshot);
    const auto b = stream.subscribe(0, before.sink(), snapshot);
    ASSERT_EQ(there.got.size(), 1U);
    EXPECT_EQ(std::count(there.got[0].begin(), there.got[0].end(), '@'), 64);
    EXPECT_EQ(before.got, (Lines{"reset10001"}));
}

TEST_F(LiveStreamTest, A_tile_that_changed_without_a_row_is_not_missed) {
    LiveStream stream(loop);
    stream.begin(5);
    stream.publish(6, "tile", tile("1"));
    stream.publish(std::nullopt, "tile", tile("2"));  // taken out: nothing to journal
    stream.publish(std::nullopt, "progress", progress("1", 3));
    stream.publish(7, "tile", tile("3"));
    stream.publish(std::nullopt, "tile", tile("4"));
    Page page;
    Page later;
    const auto a = stream.subscribe(6, page.sink(), snapshot);
    const auto b = stream.subscribe(7, later.sink(), snapshot);
    EXPECT_EQ(page.got, (Lines{"tile@2 tile7@3 tile@4"}));
    EXPECT_EQ(later.got, (Lines{"tile@4"}));
}

TEST_F(LiveStreamTest, A_page_from_before_the_restart_gets_a_snapshot) {
    LiveStream stream(loop);
    stream.begin(5);
    Page page;
    const auto handle = stream.subscribe(5, page.sink(), snapshot);
    EXPECT_EQ(page.got, (Lines{"reset5"}));
}

TEST_F(LiveStreamTest, What_changed_many_times_without_a_row_is_told_once) {
    LiveStream stream(loop, 1);
    stream.begin(5);
    stream.publish(6, "tile", tile("1"));
    for (int i = 0; i < 5; ++i) {
        stream.publish(std::nullopt, "tile", tile("1"));
    }
    Page page;
    const auto handle = stream.subscribe(6, page.sink(), snapshot);
    EXPECT_EQ(page.got, (Lines{"tile@1"}));
}

TEST_F(LiveStreamTest, What_is_missed_comes_in_the_order_it_was_told) {
    LiveStream stream(loop);
    stream.begin(5);
    stream.publish(6, "tile", tile("2"));
    stream.publish(7, "tile", tile("9"));
    stream.publish(8, "reset", snapshot());
    stream.publish(9, "tile", tile("10"));
    stream.publish(10, "tile", tile("2"));
    Page page;
    const auto handle = stream.subscribe(5, page.sink(), snapshot);
    EXPECT_EQ(page.got, (Lines{"reset10"}));  // from before the begin
    Page back;
    const auto again = stream.subscribe(6, back.sink(), snapshot);
    EXPECT_EQ(back.got, (Lines{"tile7@9 reset8 tile9@10 tile10@2"}));
}

TEST_F(LiveStreamTest, A_dropped_handle_ends_the_subscription) {
    LiveStream stream(loop);
    Page page;
    auto handle = stream.subscribe(std::nullopt, page.sink(), snapshot);
    handle.reset();
    stream.publish(1, "tile", tile("1"));
    turn();
    EXPECT_EQ(page.got.size(), 1U);
    EXPECT_EQ(stream.subscribers(), 0U);
}

}  // namespace lineside::engine
