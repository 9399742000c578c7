// SPDX-License-Identifier: Apache-2.0
// The queue over a real database file and a printer on loopback: what waits is printed, what cannot
// be fails and stays, a restart prints nothing twice.
#include "station/labels/print_queue.h"

#include "station/db/empty_database.h"
#include "station/db/file_fixture.h"
#include "station/labels/fake_printer.h"

#include <gtest/gtest.h>

namespace lineside::labels {
namespace {

using namespace std::chrono_literals;
using base::JobId;

class PrintQueueTest : public db::FileTest {
  protected:
    void SetUp() override {
        db::FileTest::SetUp();
        db::place_empty_database(file);
        store = std::move(db::Store::open(loop, file).value());
        for (const char* sql :
             {"INSERT INTO station (id, name, created_ms) VALUES (1, 'st', 0)",
              "INSERT INTO pool (id, name) VALUES (1, 'p')",
              "INSERT INTO batch (id, pool_id, name, test_only, loaded_ms, loaded_by, "
              "file_sha256, count) VALUES (1, 1, 'b', 1, 0, 'x', 'y', 2)",
              "INSERT INTO serial (id, batch_id, value, value_key) VALUES (1, 1, 'RC-1', "
              "'rc-1'), (2, 1, 'RC-2', 'rc-2')",
              "UPDATE batch SET state = 'open'",
              "INSERT INTO orders (id, name, profile, model, pool_id, quantity, state, "
              "opened_ms, opened_by) VALUES (1, 'o', 'camera', 'nx', 1, 5, 'open', 0, 'x')",
              "INSERT INTO unit (id, chip_id, model, first_ms) VALUES (1, 'c1', 'nx', 0), (2, "
              "'c2', 'nx', 0)"}) {
            run(sql);
        }
        for (int i : {1, 2}) {
            run(
                fmt::format("INSERT INTO job (id, unit_id, order_id, slot, port, attempt, epoch, "
                            "state, actor, started_ms, started_mono_ns, boot) VALUES ({0}, {0}, 1, "
                            "'{0}', 'p{0}', 1, 1, 'verifying', 'x', 0, 0, 'b')",
                            i));
        }
        pass(1);
    }
    void TearDown() override {
        queue.reset();
        store.reset();
        db::FileTest::TearDown();
    }
    void pass(int job) {
        run(fmt::format(
            "INSERT INTO lease (serial_id, unit_id, job_id, state, epoch, at_ms) VALUES "
            "({0}, {0}, {0}, 'reserved', 1, 1)",
            job));
        run(fmt::format("UPDATE lease SET state = 'issued' WHERE unit_id = {}", job));
        run(fmt::format("UPDATE lease SET state = 'burned' WHERE unit_id = {}", job));
        run(fmt::format(
            "INSERT INTO step (job_id, idx, name, method, attempt, started_ms, ended_ms, "
            "outcome) VALUES ({0}, 0, 'flash', 'sim', 1, 0, 1, 'ok')",
            job));
        for (const auto* kind : {"image", "serial"}) {
            run(
                fmt::format("INSERT INTO proof (job_id, kind, ok, expected, heard, at_ms) VALUES "
                            "({0}, '{1}', 1, 'RC-{0}', 'RC-{0}', 1)",
                            job, kind));
        }
        run(fmt::format(
            "UPDATE job SET outcome = 'PASS', state = 'closed', ended_ms = 86400000 WHERE id = {}",
            job));
    }
    void run(const std::string& sql) {
        const auto done = store->write_now([&](Tx& tx) -> Status {
            auto ran = tx.run(sql);
            return ran ? Status() : Status(tl::unexpected(ran.error()));
        });
        ASSERT_TRUE(done) << done.error().message << "\n" << sql;
    }
    journal::Stamp stamp() { return {clock.wall_ms(), 0, "b", 1}; }
    void begin(const std::string& address) {
        queue.reset();
        PrinterPlan plan;
        plan.address = address;
        plan.silence = 200ms;
        Drawing drawing;
        drawing.station = "line2";
        drawing.labels["camera"] = plain;
        drawing.names = {{"nx", "Xavier NX"}, {"camera", "Camera"}};
        queue = std::make_unique<PrintQueue>(
            QueueParts{loop, *store, clock, [this] { return stamp(); }, plan, drawing,
                       [this](const LabelRow& label) { changes.push_back(label.state); },
                       [this](bool some) { failing = some; }, 10ms});
        ASSERT_TRUE(queue->start());
    }
    LabelRow write(const std::function<Result<LabelRow>(Tx&)>& work) {
        Result<LabelRow> row = base::fail("station.bug");
        EXPECT_TRUE(store->write_now([&](Tx& tx) -> Status {
            row = work(tx);
            return {};
        }));
        EXPECT_TRUE(row) << row.error().message;
        return row.value_or(LabelRow{});
    }
    LabelRow ask(int job) {
        return write([&](Tx& tx) { return ask_label(tx, stamp(), JobId(job), "default", "ana"); });
    }
    std::string sql(const std::string& query) {
        std::string text = "-";
        EXPECT_TRUE(store->read_now([&](Tx& tx) {
            return tx.each(query, {}, [&](const Tx::Row& row) {
                text = row.is_null(0) ? "null" : row.text(0);
                return false;
            });
        }));
        return text;
    }
    void until(const std::function<bool()>& so) {
        const auto end = std::chrono::steady_clock::now() + 10s;
        while (!so() && std::chrono::steady_clock::now() < end) {
            clock.advance_ms(20);  // its pauses are the clock's
            loop.restart();
            loop.run_one_for(10ms);
        }
        EXPECT_TRUE(so());
    }
    void until_state(const std::string& state) {
        until([&] { return sql("SELECT state FROM label ORDER BY id DESC") == state; });
    }

    std::unique_ptr<db::Store> store;
    std::unique_ptr<PrintQueue> queue;
    Template plain = default_template();
    base::FakeClock clock;
    std::vector<std::string> changes;
    bool failing = false;
};

TEST_F(PrintQueueTest, WhatWasAskedForIsPrintedOnceAndTold) {
    FakePrinter fake(loop);
    begin(fake.address());
    const LabelRow label = ask(1);
    EXPECT_EQ(ask(1).id, label.id);  // once a job
    queue->look(label);
    until_state("printed");
    ASSERT_EQ(fake.labels.size(), 1U);
    EXPECT_NE(fake.labels[0].find("^FDRC-1^FS"), std::string::npos);
    EXPECT_NE(fake.labels[0].find("^FDXavier NX^FS"), std::string::npos);
    EXPECT_EQ(sql("SELECT group_concat(kind) FROM (SELECT kind FROM event WHERE kind LIKE "
                  "'label.%' ORDER BY seq)"),
              "label.asked,label.printed");
    EXPECT_FALSE(failing);
}

TEST_F(PrintQueueTest, OnPassOnly) {
    EXPECT_TRUE(store->read_now([](Tx& tx) -> Status {
        EXPECT_EQ(subject_of(tx, JobId(2)).error().code, "request.conflict");
        EXPECT_EQ(subject_of(tx, JobId(9)).error().code, "request.unknown");
        return {};
    }));
    const auto asked = store->write_now([&](Tx& tx) -> Status {
        auto row = ask_label(tx, stamp(), JobId(2), "default", "ana");
        return row ? Status() : Status(tl::unexpected(row.error()));
    });
    ASSERT_FALSE(asked);
    EXPECT_EQ(asked.error().code, "request.conflict");
    EXPECT_EQ(sql("SELECT count(*) FROM label"), "0");
}

TEST_F(PrintQueueTest, AfterSoManyTriesItFailsAndTryAgainPrintsIt) {
    std::string away;
    {
        const FakePrinter fake(loop);
        away = fake.address();
    }
    begin(away);
    const LabelRow label = ask(1);
    queue->look(label);
    until_state("failed");
    EXPECT_EQ(sql("SELECT tries FROM label"), "5");
    EXPECT_EQ(sql("SELECT outcome FROM job WHERE id = 1"), "PASS");
    until([&] { return failing; });
    FakePrinter fake(loop);
    begin(fake.address());
    queue->look(write([&](Tx& tx) { return label_again(tx, stamp(), label.id, "ana"); }));
    until_state("printed");
    EXPECT_EQ(fake.labels.size(), 1U);
    until([&] { return !failing; });
}

TEST_F(PrintQueueTest, OneUnitsLabelHoldsUpNoOthers) {
    pass(2);
    run("UPDATE unit SET module_serial = 'M-2' WHERE id = 2");
    plain.elements.push_back({Use::qr, "{module_serial}", 30, 3, 15, 0});
    const LabelRow first = ask(1);  // says no module serial: its code would be empty
    const LabelRow second = ask(2);
    FakePrinter fake(loop);
    begin(fake.address());
    until([&] {
        return sql(fmt::format("SELECT state FROM label WHERE id = {}", second.id)) == "printed";
    });
    ASSERT_EQ(fake.labels.size(), 1U);
    EXPECT_NE(fake.labels[0].find("RC-2"), std::string::npos);
    EXPECT_EQ(sql(fmt::format("SELECT state FROM label WHERE id = {}", first.id)), "failed");
    EXPECT_EQ(sql(fmt::format("SELECT tries FROM label WHERE id = {}", first.id)), "0");
}

TEST_F(PrintQueueTest, AHangingPrinterLeavesADoubtThatAPersonSettles) {
    FakePrinter fake(loop);
    fake.hangs = true;
    begin(fake.address());
    const LabelRow label = ask(1);
    queue->look(label);
    until_state("failed");
    EXPECT_EQ(sql("SELECT tries FROM label"), "1");  // not printed twice unawares
    Json list;
    EXPECT_TRUE(store->read_now([&](Tx& tx) -> Status {
        list = open_labels(tx).value()["labels"];
        return {};
    }));
    ASSERT_EQ(list.size(), 1U);
    EXPECT_EQ(list[0]["doubt"], true);
    EXPECT_EQ(list[0]["serial"], "RC-1");
    const auto again = store->write_now([&](Tx& tx) -> Status {
        auto row = label_again(tx, stamp(), label.id, "ana");
        return row ? Status() : Status(tl::unexpected(row.error()));
    });
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, "request.conflict");
    EXPECT_EQ(write([&](Tx& tx) { return label_found(tx, stamp(), label.id, "ana"); }).state,
              "printed");
}

TEST_F(PrintQueueTest, ARestartPrintsWhatWaitsAndNotWhatMayBePrinted) {
    pass(2);
    const LabelRow first = ask(1);
    const LabelRow second = ask(2);
    EXPECT_TRUE(store->write_now([&](Tx& tx) -> Status {
        EXPECT_TRUE(begin_try(tx, 7, first.id).value());
        return {};
    }));
    FakePrinter fake(loop);
    begin(fake.address());
    until([&] {
        return sql(fmt::format("SELECT state FROM label WHERE id = {}", second.id)) == "printed";
    });
    ASSERT_EQ(fake.labels.size(), 1U);
    EXPECT_NE(fake.labels[0].find("RC-2"), std::string::npos);
    EXPECT_EQ(sql(fmt::format("SELECT message FROM label WHERE id = {}", first.id)),
              "Station stopped while this label was being printed: it may be printed");
}

TEST_F(PrintQueueTest, AnotherCopyNeedsThatNoneWaitsAndIsTold) {
    FakePrinter fake(loop);
    begin(fake.address());
    const auto copy = [&](Tx& tx) {
        return ask_copy(tx, stamp(), JobId(1), "default", "torn", "quy");
    };
    const LabelRow first = ask(1);
    EXPECT_TRUE(store->write_now([&](Tx& tx) -> Status {
        EXPECT_EQ(copy(tx).error().code, "request.conflict");
        return {};
    }));
    queue->look(first);
    until_state("printed");
    const LabelRow second = write(copy);
    EXPECT_EQ(second.copy, 2);
    queue->look(second);
    until([&] { return fake.labels.size() == 2; });
    EXPECT_EQ(sql("SELECT actor || ' ' || json_extract(data, '$.reason') FROM event WHERE kind = "
                  "'label.reprint'"),
              "quy torn");
}

TEST_F(PrintQueueTest, WhatIsNoUnitsGoesFirstAndIsKeptNowhere) {
    FakePrinter fake(loop);
    begin(fake.address());
    std::optional<Status> done;
    queue->print_now("^XAsecret^XZ", [&](Status status) { done = std::move(status); });
    until([&] { return done.has_value(); });
    EXPECT_TRUE(done->has_value());
    EXPECT_EQ(fake.labels, (std::vector<std::string>{"^XAsecret^XZ"}));
    EXPECT_EQ(sql("SELECT count(*) FROM label"), "0");
}

}  // namespace
}  // namespace lineside::labels
