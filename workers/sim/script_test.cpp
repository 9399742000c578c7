// SPDX-License-Identifier: Apache-2.0
#include "workers/sim/script.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>

namespace lineside::sim {
namespace {

// Plays `script` and gives the result and all that was written to the channel.
std::pair<Result<Json>, std::string> run(const Json& script, const std::string& said = {}) {
    std::array<int, 2> ends{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
    const base::UniqueFd other(ends[0]);
    worker::Station station(ends[1]);
    protocol::JobLine job;
    job.job = 1;
    job.step = "x";
    job.params["script"] = script;
    const auto line = protocol::format(protocol::FromStation(job));
    EXPECT_GT(::write(other.get(), line.data(), line.size()), 0);
    EXPECT_TRUE(station.take_job(std::chrono::seconds(1)));
    EXPECT_EQ(::write(other.get(), said.data(), said.size()), static_cast<ssize_t>(said.size()));
    auto result = play(station, ends[1]);
    std::string heard(1 << 16, '\0');
    const auto got = ::recv(other.get(), heard.data(), heard.size(), MSG_DONTWAIT);
    heard.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return {std::move(result), std::move(heard)};
}

}  // namespace

TEST(Script, Sends_what_it_is_told_and_passes) {
    const auto [result, heard] = run(Json::parse(
        R"([{"send":{"ev":"fact","key":"k","value":"v"}},{"raw":"garbage\n"},{"after_ms":5},{"pass":{"n":1}},{"fail":"usb.link"}])"));
    ASSERT_TRUE(result);
    EXPECT_EQ((*result)["n"], 1);
    EXPECT_EQ(heard, "{\"ev\":\"fact\",\"key\":\"k\",\"value\":\"v\"}\ngarbage\n");
}

TEST(Script, Fails_with_the_code_it_is_told) {
    EXPECT_EQ(run(Json::parse(R"([{"fail":"usb.link"}])")).first.error().code, "usb.link");
    EXPECT_EQ(run(Json::parse(R"([{"frobnicate":1}])")).first.error().code, "config.invalid");
}

TEST(Script, Notices_stop_unless_it_is_deaf) {
    const std::string stop = "{\"ev\":\"stop\",\"reason\":\"operator\"}\n";
    EXPECT_EQ(run(Json::parse(R"([{"after_ms":5000}])"), stop).first.error().code,
              "operator.stopped");
    EXPECT_TRUE(run(Json::parse(R"([{"deaf":true},{"after_ms":20}])"), stop).first);
}

}  // namespace lineside::sim
