// SPDX-License-Identifier: Apache-2.0
#include "workers/replay/replay.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <fstream>
#include <thread>

namespace lineside::replay {
namespace {

class Replay : public testing::Test {
  protected:
    void SetUp() override {
        file_ =
            std::filesystem::temp_directory_path() / ("replay-test-" + std::to_string(::getpid()));
        std::array<int, 2> ends{};
        ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
        other_.reset(ends[0]);
        station_.emplace(ends[1]);
    }
    void TearDown() override {
        station_.reset();
        if (listener_.joinable()) {
            listener_.join();
        }
        std::filesystem::remove(file_);
    }
    void record(const std::string& text) { std::ofstream(file_) << text; }
    void say(const protocol::FromStation& message) {
        const auto line = protocol::format(message);
        ASSERT_GT(::write(other_.get(), line.data(), line.size()), 0);
    }
    // Listens until the ask has come, then answers it.
    void answer_the_ask(const protocol::Answer& answer) {
        listener_ = std::thread([this, answer] {
            std::array<char, 4096> bytes{};
            while (heard_.find("\"ask\"") == std::string::npos) {
                const auto got = ::read(other_.get(), bytes.data(), bytes.size());
                if (got <= 0) {
                    return;
                }
                heard_.append(bytes.data(), static_cast<std::size_t>(got));
            }
            say(answer);
        });
    }
    [[nodiscard]] std::string heard() {
        listener_.join();
        std::string text(1 << 16, '\0');
        const auto got = ::recv(other_.get(), text.data(), text.size(), MSG_DONTWAIT);
        text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
        return heard_ + text;
    }

    std::filesystem::path file_;
    base::UniqueFd other_;
    std::optional<worker::Station> station_;
    std::thread listener_;
    std::string heard_;
};

std::string a_recording() {
    using namespace protocol;
    Answer answer;
    answer.id = 1;
    answer.ok = true;
    Outcome outcome;
    outcome.error = base::make_error("usb.left", "left at 47 %");
    return record_in(3, R"({"ev":"hello","v":1,"method":"jetson-usb"})") +
           record_in(5, R"({"ev":"phase","name":"write","index":1,"of":1,"weight":1})") +
           record_in(100'000,
                     R"({"ev":"ask","id":1,"what":"unit.admit","args":{"chip_id":"0x88"}})") +
           record_out(100'001, answer) + record_in(100'002, "no message") +
           record_in(200'000, R"({"ev":"fact","key":"k","value":"v"})") +
           record_in(200'010, format(FromWorker(outcome)));
}

}  // namespace

TEST_F(Replay, Plays_the_workers_side_asks_anew_and_ends_with_the_recorded_result) {
    record(a_recording());
    const auto lines = read_recording(file_);
    ASSERT_TRUE(lines) << lines.error().message;
    EXPECT_EQ(lines->size(), 5U);
    protocol::Answer yes;
    yes.id = 1;
    yes.ok = true;
    answer_the_ask(yes);
    const auto before = worker::Station::Clock::now();
    const auto result = play(*station_, *lines, 10'000);
    EXPECT_LT(worker::Station::Clock::now() - before, std::chrono::seconds(30));
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, "usb.left");
    const auto text = heard();
    EXPECT_NE(text.find("\"ev\":\"phase\""), std::string::npos);
    EXPECT_NE(text.find("unit.admit"), std::string::npos);
    EXPECT_NE(text.find("\"key\":\"k\""), std::string::npos);
}

TEST_F(Replay, Refusal_of_the_station_that_listens_now_is_the_result) {
    record(a_recording());
    protocol::Answer no;
    no.id = 1;
    no.error = base::make_error("unit.duplicate_chip");
    answer_the_ask(no);
    EXPECT_EQ(play(*station_, *read_recording(file_), 10'000).error().code, "unit.duplicate_chip");
}

TEST_F(Replay, Broken_recording_names_its_line) {
    record("{\"at_ms\":1,\"dir\":\"in\",\"line\":{\"ev\":\"hello\"}}\n{oops\n");
    const auto lines = read_recording(file_);
    ASSERT_FALSE(lines);
    EXPECT_NE(lines.error().message.find(":2"), std::string::npos) << lines.error().message;
}

TEST_F(Replay, Recording_without_a_result_is_a_dead_worker) {
    record("{\"at_ms\":1,\"dir\":\"in\",\"line\":{\"ev\":\"hello\",\"v\":1,\"method\":\"x\"}}\n");
    EXPECT_EQ(play(*station_, *read_recording(file_), 1).error().code, "worker.died");
}

}  // namespace lineside::replay
