// SPDX-License-Identifier: Apache-2.0
// What a technician looks into: the host, and a job played again.
#include "web/api/api_fixture.h"
#include "workers/protocol/recording.h"

#include <sstream>

namespace lineside::api {
namespace {

class BenchApi : public testing::ApiTest {
  protected:
    void SetUp() override {
        ApiTest::SetUp();
        fill();
    }
    static std::vector<Json> lines_of(const std::string& text) {
        std::vector<Json> lines;
        std::istringstream in(text);
        for (std::string line; std::getline(in, line);) {
            if (!line.empty()) {
                lines.push_back(Json::parse(line));
            }
        }
        return lines;
    }
    // The tile at a moment, from what changed until then.
    static Json tile_at(const std::vector<Json>& lines, std::int64_t at_ms) {
        Json tile = Json::object();
        for (const Json& line : lines) {
            if (line.contains("set") && line["at"] <= at_ms) {
                tile.update(line["set"]);
            }
        }
        return tile;
    }
};

TEST_F(BenchApi, Host_is_looked_at_by_who_was_given) {
    EXPECT_EQ(get("/api/v1/doctor").status, 404U);
    auto api =
        std::make_shared<Api>(facade, std::make_shared<web::Counters>(), testing::fs::path());
    api->doctor = [](const engine::Done& done) { done(Json{{"verdict", "fit"}}); };
    router = make_router(api);
    EXPECT_EQ(get("/api/v1/doctor").json()["verdict"], "fit");
}

TEST_F(BenchApi, A_job_is_played_again_from_its_recording_and_changes_nothing) {
    log(1, "01-flash.1.events.jsonl",
        protocol::record_in(
            1,
            R"({"ev":"hello","v":1,"method":"jetson-usb","version":"1","silence_s":60,"chip_id":"before_write"})") +
            protocol::record_in(2,
                                R"({"ev":"phase","name":"write","index":1,"of":1,"weight":100})") +
            protocol::record_in(50, R"({"ev":"progress","done":40,"total":100,"unit":"%"})") +
            "not json\n" + protocol::record_in(99, R"({"ev":"result","ok":true})"));
    const auto got = get("/api/v1/jobs/1/replay");
    ASSERT_EQ(got.status, 200U) << got.text;
    EXPECT_EQ(got.type, "application/x-ndjson");
    const auto lines = lines_of(got.text);
    ASSERT_GE(lines.size(), 4U) << got.text;
    EXPECT_EQ(lines[0]["job"], 1);
    EXPECT_EQ(lines[0]["length_ms"], 60'000);
    EXPECT_EQ(lines[0]["steps"][0]["name"], "flash");
    EXPECT_EQ(lines[0]["steps"][0]["recorded"], true);
    EXPECT_EQ(lines.back()["end"], true);
    EXPECT_EQ(tile_at(lines, 0)["state"], "flashing") << "the step began with the job";
    EXPECT_EQ(tile_at(lines, 99)["state"], "restarting");
    const Json end = tile_at(lines, 60'000);
    EXPECT_EQ(end["state"], "pass");
    EXPECT_EQ(end["serial"], "RC26-00001");
    EXPECT_EQ(end["press"], nullptr);
    EXPECT_EQ(end["ticks"], (Json{{"image", true}, {"serial", true}, {"saved", true}}));
}

TEST_F(BenchApi, Without_a_recording_the_records_tell_the_verdict) {
    const auto lines = lines_of(get("/api/v1/jobs/2/replay").text);
    ASSERT_GE(lines.size(), 2U);
    EXPECT_EQ(lines[0]["steps"][0]["recorded"], false);
    const Json end = tile_at(lines, 60'000);
    EXPECT_EQ(end["state"], "fail");
    EXPECT_EQ(end["code"], "boot.none");
}

TEST_F(BenchApi, A_long_recording_comes_in_pieces_with_few_frames) {
    std::string text =
        protocol::record_in(1, R"({"ev":"phase","name":"write","index":1,"of":1,"weight":100})");
    for (int i = 0; i < 20'000; ++i) {
        text += protocol::record_in(
            2 + i / 300,
            fmt::format(R"({{"ev":"progress","done":{},"total":20000,"unit":"b"}})", i));
    }
    log(1, "01-flash.1.events.jsonl", text);
    pieces = 0;
    const auto got = get("/api/v1/jobs/1/replay");
    ASSERT_TRUE(got.whole);
    EXPECT_GT(pieces, 3);
    EXPECT_LT(lines_of(got.text).size(), 200U) << "progress alone is shown once a second";
    EXPECT_EQ(lines_of(got.text).back()["end"], true);
}

TEST_F(BenchApi, No_such_job_and_one_at_work_are_told) {
    EXPECT_EQ(get("/api/v1/jobs/99/replay").status, 404U);
    sql("INSERT INTO unit VALUES (9, '0x80009', '1420009', 'xavier-nx', 1)");
    sql("INSERT INTO job (id, unit_id, order_id, slot, port, attempt, epoch, state, actor, "
        "started_ms, started_mono_ns, boot) VALUES (9, 9, 1, '3', 'p3', 1, 1, 'flashing', "
        "'plug-in', 1, 0, 'b')");
    EXPECT_EQ(get("/api/v1/jobs/9/replay").status, 409U);
}

}  // namespace
}  // namespace lineside::api
