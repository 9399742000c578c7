// SPDX-License-Identifier: Apache-2.0
// Each route against a real database: shapes of openapi.yaml, refusals, logs.
#include "web/api/api_fixture.h"

namespace lineside::api {
namespace {

using testing::ApiTest;

TEST_F(ApiTest, Presses_reach_the_slot_the_person_saw) {
    facade.wall_json["tiles"] = {
        {{"slot", "3"}, {"job", 12}, {"ack", "ready"}, {"retry", true}, {"outcome", "FAIL"}},
        {{"slot", "4"},
         {"job", 13},
         {"ack", "when_unplugged"},
         {"retry", false},
         {"outcome", nullptr}},
        {{"slot", "5"}, {"job", nullptr}, {"ack", "none"}}};
    const auto done = post("/api/v1/slots/3/acknowledge", "{\"job\":12}");
    EXPECT_EQ(done.status, 200U);
    EXPECT_EQ(done.json()["tile"]["slot"], "3");
    EXPECT_EQ(done.json()["seq"], 7);
    EXPECT_EQ(post("/api/v1/slots/3/retry", "{\"job\":12}").status, 200U);
    EXPECT_EQ(post("/api/v1/slots/4/stop", "{\"job\":13}").status, 202U);
    EXPECT_EQ(post("/api/v1/slots/3/recovery", "{\"job\":12}").json()["tile"]["slot"], "3");
    EXPECT_EQ(facade.calls,
              (std::vector<std::string>{"acknowledge 3 uid 1000 (ana)", "retry 3 uid 1000 (ana)",
                                        "stop 4 uid 1000 (ana)", "recovery 3 uid 1000 (ana)"}));
    facade.calls.clear();
    EXPECT_EQ(post("/api/v1/slots/3/power", "{}").json()["tile"]["slot"], "3");
    EXPECT_EQ(post("/api/v1/slots/3/power", "{\"job\":12}").status, 400U);
    EXPECT_EQ(facade.calls, std::vector<std::string>{"power 3 uid 1000 (ana)"});
    facade.calls.clear();

    const auto code = [&](const std::string& slot, const std::string& what,
                          const std::string& body) {
        const auto got = post("/api/v1/slots/" + slot + "/" + what, body);
        return fmt::format("{} {}", got.status, got.json().value("code", ""));
    };
    EXPECT_EQ(code("3", "acknowledge", "{\"job\":11}"), "409 slot.job_changed");
    EXPECT_EQ(code("4", "acknowledge", "{\"job\":13}"), "409 slot.ack_not_ready");
    EXPECT_EQ(code("5", "acknowledge", "{\"job\":13}"), "409 slot.job_changed");
    EXPECT_EQ(code("4", "retry", "{\"job\":13}"), "409 slot.no_retry");
    EXPECT_EQ(code("3", "stop", "{\"job\":12}"), "409 slot.no_job");
    EXPECT_EQ(code("3", "recovery", "{\"job\":11}"), "409 slot.job_changed");
    EXPECT_EQ(code("9", "stop", "{\"job\":12}"), "404 request.unknown");
    for (const std::string body : {"", "[]", "{}", "{\"job\":\"12\"}", "{\"job\":12,\"x\":1}",
                                   "{\"job\":1.5}", "{\"job\":", "nonsense"}) {
        EXPECT_EQ(code("3", "acknowledge", body), "400 request.invalid") << body;
    }
    EXPECT_TRUE(facade.calls.empty());
    facade.answer = base::fail("request.conflict", "Slot 3 has nothing to acknowledge");
    EXPECT_EQ(code("3", "acknowledge", "{\"job\":12}"), "409 request.conflict");
    facade.answer = Json{{"acknowledged", {"1", "2"}}};
    EXPECT_EQ(post("/api/v1/acknowledge-passed", "{}").json()["acknowledged"].size(), 2U);
    EXPECT_EQ(post("/api/v1/acknowledge-passed", "{\"job\":1}").status, 400U);
}

TEST_F(ApiTest, Every_route_of_the_table_is_reached_by_its_path) {
    for (const Endpoint& each : endpoints()) {
        std::string target(each.pattern);
        for (std::size_t at = target.find('{'); at != std::string::npos; at = target.find('{')) {
            const bool image = target.compare(at, 7, "{image}") == 0;
            target.replace(at, target.find('}') + 1 - at, std::string(image ? 64 : 1, '1'));
        }
        Request request;
        request.verb = each.verb;
        auto parsed = web::parse_target(target).value();
        request.path = parsed.path;
        request.segments = parsed.segments;
        std::string allow;
        const auto match = router.find(request, allow);
        ASSERT_TRUE(match) << target << ": " << match.error().message;
        EXPECT_EQ(match->route->pattern, each.pattern);
    }
    web::Route unknown;
    unknown.pattern = "/api/v1/things/{thing}";
    EXPECT_THROW(web::Router({unknown}, nullptr), std::logic_error);
}

TEST_F(ApiTest, Numbers_of_a_stretch_of_time) {
    fill();
    const auto got = get("/api/v1/numbers?since=1970-01-01T00:00Z&until=1970-01-01T01:00Z");
    ASSERT_EQ(got.status, 200U) << got.text;
    EXPECT_EQ(got.json()["sums"]["made"], 1);
    EXPECT_EQ(got.json()["codes"][0]["display_code"], "F12");
    EXPECT_EQ(got.json()["times"]["steps"][0]["word"], "Flashing");
    EXPECT_EQ(get("/api/v1/numbers?since=1970-01-01T00:00Z&until=1970-01-01T01:00Z&order=none")
                  .json()["sums"]["made"],
              0);
    for (const char* wrong : {"", "?since=0", "?until=5", "?since=x&until=5", "?since=5&until=5",
                              "?since=0&until=9999999999999", "?since=0&until=5&slot=1"}) {
        EXPECT_EQ(get(std::string("/api/v1/numbers") + wrong).status, 400U) << wrong;
    }
}

TEST_F(ApiTest, Slot_health_names_the_slots_in_the_order_of_the_line) {
    fill();
    facade.wall_json["tiles"] = Json::array();
    for (const char* slot : {"2", "10", "1"}) {
        facade.wall_json["tiles"].push_back({{"slot", slot}, {"mapped", true}});
    }
    facade.wall_json["tiles"].push_back({{"slot", "3"}, {"mapped", false}});
    const auto got = get("/api/v1/slots?since=1970-01-01T00:00Z&until=1970-01-01T01:00Z");
    ASSERT_EQ(got.status, 200U) << got.text;
    std::string names;
    const Json slots = got.json()["slots"];
    for (const Json& each : slots) {
        names += each["slot"].get<std::string>() + " ";
    }
    EXPECT_EQ(names.substr(0, 7), "2 10 1 ");
    EXPECT_EQ(names.find("3 "), std::string::npos);
}

TEST_F(ApiTest, Serial_in_doubt_is_given_up_by_name_with_a_reason) {
    const auto done = post("/api/v1/serials/RC26-00002/void", R"({"reason":"unit scrapped"})");
    EXPECT_EQ(done.status, 200U) << done.text;
    EXPECT_EQ(facade.calls,
              (std::vector<std::string>{"void RC26-00002 unit scrapped uid 1000 (ana)"}));
    EXPECT_EQ(post("/api/v1/serials/RC26-00002/void", "{}").status, 400U);
    EXPECT_EQ(post("/api/v1/serials/RC26:2/void", R"({"reason":"x"})").status, 404U);
}

// Of all that is written in a unit's job; that no kind is missing is looked after by
// tests/lint/history_words.py.
TEST_F(ApiTest, History_is_told_in_sentences) {
    fill();
    const Json of_serial{{"serial", "RC26-00001"}};
    const std::vector<std::pair<journal::Event, std::string>> rows{
        {{"lease.issued", "1", base::UnitId(1), base::JobId(1), "", of_serial},
         "serial RC26-00001 issued"},
        {{"lease.in_doubt", "1", base::UnitId(1), base::JobId(1), "", of_serial},
         "serial RC26-00001 in doubt: it may be on the unit"},
        {{"token.kept", "1", base::UnitId(1), base::JobId(1), "", of_serial},
         "token of serial RC26-00001 kept: there is no other"},
        {{"job.rework_allowed", "1", base::UnitId(1), base::JobId(1), "ana", {{"reason", "fell"}}},
         "may be made again: fell"},
        {{"job.log_retired", "", {}, base::JobId(1), "", Json::object()},
         "log removed after its time; the record stays"},
    };
    std::vector<std::string> wanted{"unit found in slot 1"};
    for (const auto& [what, sentence] : rows) {
        event(70000, what);
        wanted.push_back(sentence);
    }
    event(70000, {"step.started", "1", base::UnitId(1), base::JobId(1), "", Json::object()});
    std::vector<std::string> told;
    const auto unit = get("/api/v1/units/1").json();
    for (const auto& line : unit["history"]) {
        told.push_back(line["sentence"]);
    }
    EXPECT_EQ(told, wanted);
}

TEST_F(ApiTest, Unit_page_tells_facts_proofs_attempts_and_history) {
    fill();
    facade.wall_json["tiles"] = {{{"slot", "1"}, {"unit", 1}, {"present", true}}};
    const auto unit = get("/api/v1/units/1").json();
    EXPECT_EQ(unit["unit"], 1);
    EXPECT_EQ(unit["serial"], "RC26-00001");
    EXPECT_EQ(unit["slot"], "1");
    EXPECT_EQ(unit["tile"]["unit"], 1);
    EXPECT_EQ(unit["proofs"][0]["kind"], "image");
    EXPECT_EQ(unit["proofs"][0]["sentence"], "11 partitions and 512 files equal the image's");
    EXPECT_EQ(unit["proofs"][1]["sentence"], "Unit reports RC26-00001, as leased");
    EXPECT_EQ(unit["proofs"][2]["ok"], true);
    EXPECT_EQ(unit["attempts"][0]["outcome"], "PASS");
    std::map<std::string, std::string> facts;
    for (const auto& fact : unit["facts"]) {
        facts[fact["key"]] = fact["value"];
    }
    EXPECT_EQ(facts["board"], "3668-0000");
    EXPECT_EQ(facts["chip_id"], "0x80001");
    const auto failed = get("/api/v1/units/2").json();
    EXPECT_TRUE(failed["tile"].is_null());
    EXPECT_TRUE(failed["proofs"][0]["ok"].is_null());
    EXPECT_EQ(failed["attempts"][0]["display_code"], "F12");
    ASSERT_EQ(failed["history"].size(), 3U);
    EXPECT_EQ(failed["history"][0]["sentence"], "unit found in slot 2");
    EXPECT_TRUE(failed["history"][0]["actor"].is_null());
    EXPECT_EQ(failed["history"][1]["sentence"], "FAIL: Did not start (F12)");
    EXPECT_EQ(failed["history"][2]["actor"], "screen");
    EXPECT_EQ(get("/api/v1/units/99").status, 404U);
}

TEST_F(ApiTest, Job_tells_steps_lease_and_verdict) {
    fill();
    const auto job = get("/api/v1/jobs/2").json();
    EXPECT_EQ(job["outcome"], "FAIL");
    EXPECT_EQ(job["code"], "boot.none");
    EXPECT_EQ(job["display_code"], "F12");
    EXPECT_EQ(job["action"], "Put in repair bin");
    EXPECT_EQ(job["running"], false);
    EXPECT_EQ(job["order"]["name"], "2611-07");
    EXPECT_EQ(job["image"]["name"], "xavier-nx 32.7.2");
    EXPECT_EQ(job["lease"]["state"], "in_doubt");
    EXPECT_EQ(job["steps"][0]["word"], "Flashing");
    EXPECT_EQ(job["steps"][0]["state"], "done");
    EXPECT_EQ(job["log"]["ended"], true);
    EXPECT_EQ(get("/api/v1/jobs/99").status, 404U);
    const auto passed = get("/api/v1/jobs/1").json();
    EXPECT_TRUE(passed["code"].is_null());
    EXPECT_TRUE(passed["retry"].is_null());
    EXPECT_EQ(passed["log"]["size"], 17);
}

TEST_F(ApiTest, Log_is_one_run_of_bytes_over_all_steps) {
    fill();
    sql("INSERT INTO step (job_id, idx, name, method, attempt, started_ms) VALUES (1, 1, "
        "'set-nvme', 'provision-ssh', 1, 5)");
    sql("INSERT INTO step (job_id, idx, name, method, attempt, started_ms) VALUES (1, 1, "
        "'set-nvme', 'provision-ssh', 2, 6)");
    log(1, "02-set-nvme.1.log", std::string("\xff\x00\n", 3));
    log(1, "02-set-nvme.2.log", "again\n");
    log(1, "02-set-nvme.1.events.jsonl", "{}\n");
    std::filesystem::create_symlink("/etc/passwd", folder / "logs/1/03-other.1.log");
    const std::string whole = "flash says hello\n" + std::string("\xff\x00\n", 3) + "again\n";
    const auto piece = get("/api/v1/jobs/1/log");
    EXPECT_EQ(piece.text, whole);
    EXPECT_EQ(piece.headers.at("X-Log-From"), "0");
    EXPECT_EQ(piece.headers.at("X-Log-Size"), "26");
    EXPECT_EQ(piece.headers.at("X-Log-End"), "true");
    EXPECT_EQ(get("/api/v1/jobs/1/log?from=15&max=4").text, whole.substr(15, 4));
    const auto tail = get("/api/v1/jobs/1/log?from=-9");
    EXPECT_EQ(tail.text, whole.substr(17));
    EXPECT_EQ(tail.headers.at("X-Log-From"), "17");
    EXPECT_EQ(get("/api/v1/jobs/1/log?from=-9&max=3").text, whole.substr(17, 3));
    EXPECT_EQ(get("/api/v1/jobs/1/log?from=-1000").text, whole);
    EXPECT_EQ(get("/api/v1/jobs/1/log?from=1000").text, "");
    EXPECT_EQ(get("/api/v1/jobs/1/log?from=-9223372036854775808").text, whole);
    EXPECT_EQ(get("/api/v1/jobs/1/log?from=9223372036854775807").text, "");
    EXPECT_EQ(get("/api/v1/jobs/1/log?max=0").status, 400U);
    EXPECT_EQ(get("/api/v1/jobs/1/log?max=1048577").status, 400U);
    EXPECT_EQ(get("/api/v1/jobs/1/log?from=x").status, 400U);
    const auto file = get("/api/v1/jobs/1/log/download");
    EXPECT_EQ(file.headers.at("Content-Disposition"),
              "attachment; filename=\"RC26-00001-attempt1.log\"");
    EXPECT_EQ(file.text, "==> 01-flash.1.log <==\nflash says hello\n==> 02-set-nvme.1.log <==\n" +
                             std::string("\xff\x00\n", 3) + "==> 02-set-nvme.2.log <==\nagain\n");
    EXPECT_EQ(get("/api/v1/jobs/2/log").text, "");
    EXPECT_EQ(get("/api/v1/jobs/99/log").status, 404U);
}

TEST_F(ApiTest, Pool_batches_and_doubt) {
    fill();
    const auto pool = get("/api/v1/pool").json();
    EXPECT_EQ(pool["pools"][0]["name"], "camera");
    EXPECT_EQ(pool["pools"][0]["free"], 1);
    EXPECT_EQ(pool["in_doubt"][0]["serial"], "RC26-00002");
    facade.answer = Json{{"verdict", "accept"},
                         {"count", 1},
                         {"errors", Json::array()},
                         {"warnings", {{{"file", ""}, {"line", 2}}}}};
    const auto check =
        post("/api/v1/pool/preview?pool=camera&batch=B-2&file=pairs.csv", "serial,token\nA,b\n");
    EXPECT_EQ(check.status, 200U);
    EXPECT_EQ(check.json()["warnings"][0]["file"], "pairs.csv");
    EXPECT_TRUE(facade.last_load.preview);
    EXPECT_EQ(facade.last_load.csv, "serial,token\nA,b\n");
    facade.answer = Json{{"verdict", "reject"},
                         {"count", 0},
                         {"errors", {{{"file", ""}, {"line", 3}}}},
                         {"warnings", Json::array()}};
    const auto refused =
        post("/api/v1/pool/batches?pool=camera&batch=B-2&file=pairs.csv&test_only=1", "x");
    EXPECT_EQ(refused.status, 422U);
    EXPECT_EQ(refused.type, "application/problem+json");
    EXPECT_EQ(refused.json()["code"], "batch.refused");
    EXPECT_EQ(refused.json()["check"]["errors"][0]["file"], "pairs.csv");
    EXPECT_TRUE(facade.last_load.test_only);
    facade.answer = base::fail("request.conflict", "A batch B-2 is loaded already");
    EXPECT_EQ(post("/api/v1/pool/batches?pool=camera&batch=B-2", "x").json()["code"],
              "batch.exists");
    const auto taken = post("/api/v1/pool/preview?pool=camera&batch=B-2", "x");
    EXPECT_EQ(taken.status, 409U);
    EXPECT_EQ(taken.json()["code"], "batch.exists");
    facade.answer = Json{{"batch", {{"name", "B-2"}}}, {"count", 1}, {"left", 2}};
    EXPECT_EQ(post("/api/v1/pool/batches?pool=camera&batch=B-2", "x").status, 201U);
    // Without a name the station makes one.
    EXPECT_EQ(post("/api/v1/pool/batches?pool=camera", "x").status, 201U);
    for (const std::string query : {"", "?batch=B-2", "?pool=..&batch=B", "?pool=a&batch=b/c",
                                    "?pool=a&batch=b&test_only=yes"}) {
        EXPECT_EQ(post("/api/v1/pool/batches" + query, "x").status, 400U) << query;
    }
}

TEST_F(ApiTest, Batches_are_generated_and_ended) {
    fill();
    facade.answer = Json{{"batch", {{"name", "G-1"}}}, {"count", 5}, {"left", 7}};
    const auto made = post("/api/v1/pool/generate",
                           R"({"pool":"camera","count":5,"prefix":"C","width":4,"check":"luhn",)"
                           R"("check_counter_only":true,"token_length":32,"order":"o"})");
    EXPECT_EQ(made.status, 201U) << made.text;
    ASSERT_TRUE(facade.last_load.range);
    EXPECT_EQ(facade.last_load.range->count, 5);
    EXPECT_EQ(facade.last_load.range->from, 1);
    EXPECT_TRUE(facade.last_load.range->check_counter_only);
    EXPECT_EQ(facade.last_load.order, "o");
    facade.answer = Json{{"verdict", "accept"}, {"count", 5}};
    EXPECT_EQ(post("/api/v1/pool/generate", R"({"pool":"camera","count":5,"preview":true})").status,
              200U);
    for (const std::string body :
         {"", "[]", R"({"pool":"camera"})", R"({"pool":"camera","count":"5"})",
          R"({"pool":"camera","count":5,"tokens":3})", R"({"pool":"camera","count":1.5})"}) {
        EXPECT_EQ(post("/api/v1/pool/generate", body).status, 400U) << body;
    }
    EXPECT_EQ(post("/api/v1/pool/batches/B-1/withdraw", "{}").status, 400U) << "a reason is needed";
    EXPECT_EQ(post("/api/v1/pool/warn", R"({"pool":"camera"})").status, 400U);
    const auto none = get("/api/v1/pool/batches/none/account");
    EXPECT_EQ(none.status, 404U) << none.text;
    EXPECT_EQ(none.json()["code"], "request.unknown");
}

TEST_F(ApiTest, Records_filter_page_and_count) {
    fill();
    const auto all = get("/api/v1/records").json();
    ASSERT_EQ(all["rows"].size(), 2U);
    EXPECT_EQ(all["total"], 2);
    EXPECT_EQ(all["units"], 2);
    EXPECT_EQ(all["counts"]["PASS"], 1);
    EXPECT_TRUE(all["next_cursor"].is_null());
    const auto& failed = all["rows"][0];
    EXPECT_EQ(failed["job"], 2);
    EXPECT_EQ(failed["display_code"], "F12");
    EXPECT_EQ(failed["pool"], "camera");
    EXPECT_EQ(failed["order_name"], "2611-07");
    EXPECT_EQ(failed["image_name"], "xavier-nx 32.7.2");
    EXPECT_EQ(failed["duration_s"], 60.0);
    EXPECT_EQ(all["rows"][1]["proof_serial"], "RC26-00001");
    const auto first = get("/api/v1/records?limit=1").json();
    EXPECT_EQ(first["rows"].size(), 1U);
    EXPECT_EQ(first["total"], 2);
    const auto second =
        get("/api/v1/records?limit=1&cursor=" + first["next_cursor"].get<std::string>()).json();
    EXPECT_EQ(second["rows"][0]["job"], 1);
    EXPECT_TRUE(second["next_cursor"].is_null());
    const auto total = [&](const std::string& query) {
        return get("/api/v1/records?" + query).json().value("total", -1);
    };
    EXPECT_EQ(total("result=PASS"), 1);
    EXPECT_EQ(total("result=PASS,FAIL"), 2);
    EXPECT_EQ(total("serial_from=rc26-00002"), 1);
    EXPECT_EQ(total("serial_to=RC26-00001"), 1);
    EXPECT_EQ(total("code=F12"), 1);
    EXPECT_EQ(total("code=boot.none&slot=2&batch=B-1&image=aaaaaa"), 1);
    EXPECT_EQ(total("since=1970-01-01T00:01:02Z"), 1);
    EXPECT_EQ(total("until=1970-01-01T00:01:02Z"), 1);
    EXPECT_EQ(total("since=1970-01-01T01:01:02%2B01:00"), 1);
    EXPECT_EQ(get("/api/v1/records?result=MAYBE").json()["code"], "http.parameter");
    EXPECT_EQ(get("/api/v1/records?since=yesterday").status, 400U);
    EXPECT_EQ(get("/api/v1/records?limit=501").status, 400U);
    EXPECT_EQ(get("/api/v1/records?cursor=x").status, 400U);
    EXPECT_EQ(get("/api/v1/records?batch=%27%20OR%201=1%20--").json()["total"], 0);
}

TEST_F(ApiTest, Orders_images_and_status_join_live_and_stored) {
    fill();
    const auto orders = get("/api/v1/orders").json()["orders"];
    EXPECT_EQ(orders[0]["made"], 1);
    EXPECT_EQ(orders[0]["state"], "open");
    EXPECT_EQ(orders[0]["pool"], "camera");
    const auto images = get("/api/v1/images").json()["images"];
    EXPECT_EQ(images[0]["builds"], 1);
    EXPECT_EQ(images[0]["size"], 1000);
    facade.status_json = {{"station", {{"id", "s"}}},
                          {"slots", Json::array()},
                          {"orders",
                           {{{"id", 1},
                             {"image_ready", true},
                             {"changed", "step 1"},
                             {"image_error", "no room"},
                             {"in_force", {{"install-mcutool", {{"enabled", true}}}}}}}},
                          {"images",
                           {{{"id", std::string(64, 'a')}, {"builds", 2}},
                            {{"id", nullptr}, {"state", "building"}}}}};
    EXPECT_EQ(orders[0]["in_force"], nullptr);
    const auto live = get("/api/v1/orders").json()["orders"][0];
    EXPECT_EQ(live["changed"], "step 1");
    EXPECT_EQ(live["image_error"], "no room");
    EXPECT_EQ(live["in_force"], (Json{{"install-mcutool", {{"enabled", true}}}}));
    const auto status = get("/api/v1/status").json();
    EXPECT_EQ(status["images"][0]["builds"], 2);
    EXPECT_EQ(status["images"][0]["files"], 512);
    EXPECT_EQ(status["images"][1]["state"], "building");
    EXPECT_EQ(status["orders"][0]["image_ready"], true);
    EXPECT_EQ(status["orders"][0]["name"], "2611-07");
    EXPECT_EQ(status["pools"][0]["name"], "camera");
    facade.answer = Json{{"id", 2}, {"name", "X"}};
    EXPECT_EQ(
        post("/api/v1/orders", R"({"name":"X","profile":"p","pool":"camera","quantity":3})").status,
        201U);
    EXPECT_EQ(facade.calls.back(), "open_order X uid 1000 (ana)");
    for (const std::string body :
         {"{}", R"({"name":"X","profile":"p","pool":"camera","quantity":"3"})", R"({"name":1})",
          R"({"name":"X","profile":"p","pool":"c","quantity":3,"more":1})"}) {
        EXPECT_EQ(post("/api/v1/orders", body).status, 400U) << body;
    }
}

TEST_F(ApiTest, Orders_are_paused_and_closed_and_images_released) {
    fill();
    facade.answer = Json{{"id", 1}};
    EXPECT_EQ(post("/api/v1/orders/2611-07/pause", "{}").status, 200U);
    EXPECT_EQ(facade.calls.back(), "order 2611-07 paused  uid 1000 (ana)");
    EXPECT_EQ(post("/api/v1/orders/2611-07/resume", "{}").status, 200U);
    EXPECT_EQ(facade.calls.back(), "order 2611-07 open  uid 1000 (ana)");
    EXPECT_EQ(post("/api/v1/orders/2611-07/close", "{}").status, 400U);
    EXPECT_EQ(post("/api/v1/orders/2611-07/close", R"({"reason":"sold"})").status, 200U);
    EXPECT_EQ(facade.calls.back(), "order 2611-07 closed sold uid 1000 (ana)");
    const std::string image = "/api/v1/images/" + std::string(64, 'a');
    EXPECT_EQ(post(image + "/release", "{}").status, 200U);
    EXPECT_EQ(facade.calls.back(), "release aaaaaa  uid 1000 (ana)");
    EXPECT_EQ(post(image + "/release", R"({"reason":"x"})").status, 400U);
    EXPECT_EQ(post(image + "/emergency", "{}").status, 400U);
    EXPECT_EQ(post(image + "/emergency", R"({"reason":"haste"})").status, 200U);
    EXPECT_EQ(facade.calls.back(), "emergency aaaaaa haste uid 1000 (ana)");
    EXPECT_EQ(post(image + "/withdraw", R"({"reason":"bad"})").status, 200U);
    EXPECT_EQ(facade.calls.back(), "withdrawal aaaaaa bad uid 1000 (ana)");
    EXPECT_EQ(post("/api/v1/images/zz/release", "{}").status, 404U);
}

TEST_F(ApiTest, Orders_and_images_say_how_far_and_how_released) {
    fill();
    const auto order = get("/api/v1/orders").json()["orders"][0];
    EXPECT_EQ(order["account"], (Json{{"units", 2}, {"passed", 1}, {"failed", 1}, {"in_work", 0}}));
    EXPECT_EQ(order["opened_by"], "page");
    sql("INSERT INTO image_release (image_id, kind, by_user, at_ms, reason) VALUES (1, "
        "'emergency', 'ana', 7, 'haste')");
    const auto images = get("/api/v1/images").json();
    EXPECT_EQ(images["policy"], "two");
    EXPECT_EQ(images["images"][0]["release"]["how"], "emergency");
    EXPECT_EQ(images["images"][0]["said"][0],
              (Json{{"kind", "emergency"}, {"by", "ana"}, {"at", 7}, {"reason", "haste"}}));
    EXPECT_EQ(get("/api/v1/jobs/1").json()["image_release"], nullptr);
}

TEST_F(ApiTest, Health_metrics_clock_and_the_page_itself) {
    EXPECT_EQ(get("/healthz").status, 200U);
    facade.health_json = {{"status", "failing"}, {"version", "0"}};
    facade.wall_json["station"]["alarms"] = {{{"sentence", "Station's disk is full"}}};
    const auto sick = get("/healthz");
    EXPECT_EQ(sick.status, 503U);
    EXPECT_EQ(sick.json()["ok"], false);
    EXPECT_EQ(sick.json()["problems"][0], "Station's disk is full");
    const auto metrics = get("/metrics");
    EXPECT_TRUE(metrics.text.starts_with("lineside_test 1\n# TYPE lineside_web_"));
    EXPECT_GT(get("/api/v1/clock").json()["mono_ns"].get<std::int64_t>(), 0);
    EXPECT_TRUE(get("/api/v1/openapi.yaml").text.find("openapi: 3.1.0") != std::string::npos);
    EXPECT_EQ(get("/api/v1/wall").json()["seq"], 7);
}

TEST_F(ApiTest, Without_a_dashboard_there_is_a_plain_page) {
    facade.wall_json["tiles"] = {{{"slot", "<3>"},
                                  {"word", "PASS"},
                                  {"outcome", "PASS"},
                                  {"serial", "RC26-1"},
                                  {"percent", 3}}};
    facade.wall_json["station"]["counts"]["pass"] = {{"count", 1}};
    const auto page = get("/units/4");
    EXPECT_EQ(page.status, 200U);
    EXPECT_NE(page.text.find("&lt;3&gt;"), std::string::npos);
    EXPECT_EQ(page.text.find("<3>"), std::string::npos);
    EXPECT_NE(page.text.find("npm run build"), std::string::npos);
    EXPECT_NE(page.text.find("1 passed"), std::string::npos);
    EXPECT_EQ(page.text.find("<script"), std::string::npos);
    EXPECT_EQ(page.text.find("style="), std::string::npos);
    EXPECT_EQ(get("/plain.css").type, "text/css; charset=utf-8");
    EXPECT_EQ(get("/api/v2/x").status, 404U);
}

TEST_F(ApiTest, A_broken_database_is_an_answer) {
    facade.run_on_database = nullptr;
    for (const std::string target :
         {"/api/v1/units/1", "/api/v1/jobs/1", "/api/v1/jobs/1/log", "/api/v1/pool",
          "/api/v1/records", "/api/v1/orders", "/api/v1/images", "/api/v1/status",
          "/api/v1/records/export?format=json", "/api/v1/jobs/1/certificate"}) {
        const auto got = get(target);
        EXPECT_EQ(got.status, 503U) << target;
        EXPECT_EQ(got.json()["code"], "db.failed");
    }
}

}  // namespace
}  // namespace lineside::api
