// SPDX-License-Identifier: Apache-2.0
// For tests only: the routes over a fake facade and a real database file, called without sockets.
#pragma once

#include "station/db/empty_database.h"
#include "station/db/store.h"
#include "station/journal/journal.h"
#include "web/api/api.h"
#include "web/server/problem.h"
#include "web/server/target.h"
#include "web/server/test_support.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace lineside::api::testing {

namespace fs = std::filesystem;

struct Got {
    unsigned status = 0;
    std::string type;
    std::map<std::string, std::string> headers;
    std::string text;
    bool whole = true;
    [[nodiscard]] Json json() const { return Json::parse(text, nullptr, false); }
};

class ApiTest : public ::testing::Test {
  protected:
    void SetUp() override {
        folder = fs::temp_directory_path() / fmt::format("ls-api-{}", ::getpid());
        fs::create_directories(folder / "logs");
        db::place_empty_database(folder / "station.db");
        auto opened = db::Store::open(loop, folder / "station.db");
        ASSERT_TRUE(opened) << opened.error().message;
        store = std::move(*opened);
        facade.logs = (folder / "logs").native();
        facade.spool = folder.native();
        facade.run_on_database = [this](const std::function<base::Status(Tx&)>& work) {
            return store->read_now(work);
        };
        router = make_router(
            std::make_shared<Api>(facade, std::make_shared<web::Counters>(), fs::path()));
    }
    void TearDown() override {
        store.reset();
        fs::remove_all(folder);
    }
    void sql(const std::string& text) {
        auto done = store->write_now([&](Tx& tx) -> base::Status {
            auto ran = tx.run(text);
            return ran ? base::Status() : base::Status(tl::unexpected(ran.error()));
        });
        ASSERT_TRUE(done) << done.error().message << "\n" << text;
    }
    void event(std::int64_t at_ms, const journal::Event& what) {
        auto done = store->write_now([&](Tx& tx) -> base::Status {
            auto seq = journal::append(tx, {at_ms, 0, "b", 1}, what);
            return seq ? base::Status() : base::Status(tl::unexpected(seq.error()));
        });
        ASSERT_TRUE(done) << done.error().message;
    }
    // A station with one pool, one order, one unit that passed in job 1 and one that failed in
    // job 2.
    void fill() {
        sql("INSERT INTO station (id, name, created_ms) VALUES (1, 'line2-st1', 0)");
        sql("INSERT INTO pool (id, name, low_mark) VALUES (1, 'camera', 1)");
        sql("INSERT INTO batch (id, pool_id, name, test_only, loaded_ms, loaded_by, file_sha256, "
            "count) VALUES (1, 1, 'B-1', 1, 1000, 'page', 'x', 3)");
        for (int i = 1; i <= 3; ++i) {
            sql(
                fmt::format("INSERT INTO serial (id, batch_id, value, value_key) VALUES ({0}, 1, "
                            "'RC26-0000{0}', 'rc26-0000{0}')",
                            i));
        }
        sql("UPDATE batch SET state = 'open'");
        sql("INSERT INTO image (id, key, profile, state, partitions, files, bytes, builds, "
            "tool_version, built_ms) VALUES"
            " (1, '" +
            std::string(64, 'a') + "', 'xavier-nx', 'ready', 11, 512, 1000, 1, '32.7.2', 5)");
        sql("INSERT INTO orders (id, name, profile, model, image_id, pool_id, quantity, state, "
            "opened_ms, opened_by) VALUES (1, '2611-07', 'xavier-nx', 'xavier-nx', 1, 1, 10, "
            "'open', 1, 'page')");
        for (int i = 1; i <= 2; ++i) {
            sql(fmt::format(
                "INSERT INTO unit VALUES ({0}, '0x8000{0}', '142000{0}', 'xavier-nx', 1)", i));
            sql(fmt::format(
                "INSERT INTO job (id, unit_id, order_id, slot, port, attempt, epoch, state, "
                "image_key, board, tool_version,"
                " actor, started_ms, started_mono_ns, boot) VALUES ({0}, {0}, 1, '{0}', 'p{0}', 1, "
                "1, 'flashing', '{1}',"
                " '{{\"id\":\"3668\",\"sku\":\"0000\"}}', '32.7.2', 'plug-in', {0}000, 0, 'b')",
                i, std::string(64, 'a')));
            sql(
                fmt::format("INSERT INTO step (job_id, idx, name, method, attempt, started_ms, "
                            "ended_ms, outcome) VALUES"
                            " ({0}, 0, 'flash', 'jetson-usb', 1, {0}000, {0}100, 'ok')",
                            i));
            sql(
                fmt::format("INSERT INTO lease (serial_id, unit_id, job_id, state, epoch, at_ms) "
                            "VALUES ({0}, {0}, {0}, 'reserved', 1, 1)",
                            i));
            sql(fmt::format("UPDATE lease SET state = 'issued' WHERE unit_id = {}", i));
            event(i * 1000, {"job.queued",
                             std::to_string(i),
                             base::UnitId(i),
                             base::JobId(i),
                             "plug-in",
                             {{"attempt", 1}}});
        }
        sql("UPDATE lease SET state = 'burned' WHERE unit_id = 1");
        sql("UPDATE lease SET state = 'in_doubt' WHERE unit_id = 2");
        sql("INSERT INTO proof (job_id, kind, ok, expected, heard, at_ms) VALUES (1, 'image', 1, "
            "'d', 'd', 1500)");
        sql("INSERT INTO proof (job_id, kind, ok, expected, heard, at_ms) VALUES (1, 'serial', 1, "
            "'RC26-00001', 'RC26-00001', 1600)");
        sql("UPDATE job SET outcome = 'PASS', state = 'closed', ended_ms = 61000 WHERE id = 1");
        sql("UPDATE job SET outcome = 'FAIL', state = 'closed', ended_ms = 62000, code = "
            "'boot.none', message = '=Did not, \"start\"' WHERE id = 2");
        event(62000, {"job.verdict",
                      "2",
                      base::UnitId(2),
                      base::JobId(2),
                      "",
                      {{"outcome", "FAIL"}, {"code", "boot.none"}}});
        event(63000,
              {"job.acknowledged", "2", base::UnitId(2), base::JobId(2), "page", Json::object()});
        log(1, "01-flash.1.log", "flash says hello\n");
    }
    void log(int job, const std::string& name, const std::string& text) {
        fs::create_directories(folder / "logs" / std::to_string(job));
        std::ofstream(folder / "logs" / std::to_string(job) / name) << text;
    }
    Got ask(web::Verb verb, const std::string& target_text, const std::string& body = "") {
        Request request;
        request.verb = verb;
        request.actor = {"uid 1000 (ana)", "command line"};
        request.body = body;
        request.upload = std::make_shared<std::string>(body);
        auto target = web::parse_target(target_text);
        if (!target) {
            return {web::status_of(target.error().code), "", {}, "", true};
        }
        request.path = target->path;
        request.segments = target->segments;
        request.query = target->query;
        Got got;
        const auto keep = [this, &got](web::Response response) {
            got.status = response.status;
            got.type = response.content_type;
            for (auto& header : response.headers) {
                got.headers[header.name] = header.value;
            }
            got.text = response.shared_text ? *response.shared_text : response.text;
            while (response.source) {
                base::Result<std::string> piece;
                response.source->next(
                    [&piece](base::Result<std::string> next) { piece = std::move(next); });
                got.whole = piece.has_value();
                if (!piece || piece->empty()) {
                    break;
                }
                got.text += *piece;
                ++pieces;
            }
        };
        std::string allow;
        auto match = router.find(request, allow);
        if (!match) {
            keep(web::problem_response(match.error()));
            return got;
        }
        const auto reply = std::make_shared<web::Reply>(keep);
        match->route != nullptr ? match->route->handler(request, reply)
                                : match->fallback(request, reply);
        return got;
    }
    Got get(const std::string& target) { return ask(Verb::get, target); }
    Got post(const std::string& target, const std::string& body) {
        return ask(Verb::post, target, body);
    }

    boost::asio::io_context loop{1};
    fs::path folder;
    std::unique_ptr<db::Store> store;
    web::testing::FakeFacade facade;
    web::Router router;
    int pieces = 0;
};

}  // namespace lineside::api::testing
