// SPDX-License-Identifier: Apache-2.0
// What a station wrote is put into a copy, edited as somebody with a sqlite3 shell could
// (`.dbconfig enable_trigger off`), and shown to `audit verify`.
#include "station/audit/audit_verify.h"
#include "station/audit/journal_lines.h"
#include "station/base/files.h"
#include "station/engine/line_fixture.h"

#include <sqlite3.h>

#include <fstream>
#include <random>
#include <sstream>

namespace lineside::engine {
namespace {

using namespace testing;
namespace fs = std::filesystem;

struct Said {
    int status = 0;
    Json json;
    std::string err;
    [[nodiscard]] std::string verdict() const {
        if (status == 2) {
            return "unreadable: " + err;
        }
        return json.at("ok") == true
                   ? "ok"
                   : json.at("why").get<std::string>() + " " + json.at("first_bad_seq").dump();
    }
};

class AuditTest : public LineTest {
  protected:
    // A unit that passes, one that fails, one that is interrupted, one in doubt.
    void live() {
        open_line();
        to_pass("1");
        ASSERT_TRUE(acknowledge("1"));
        to_fail("2", "0xc2");
        to_serial("3", "0xc3");
        restart({});
        settle();
        bool stopped = false;
        engine->stop_all([&] { stopped = true; });
        run_until("the stop", [&] { return stopped; });
        last_ = seq("1");
        ASSERT_TRUE(base::replace_file(folder / "station.pub", signer->public_pem()));
        fs::create_directories(folder / "copy");
    }
    // A fresh copy of the database, where nothing is left in a WAL.
    void copy() {
        fs::remove(file());
        sql("SELECT 1");
        sqlite3* from = nullptr;
        ASSERT_EQ(sqlite3_open((folder / "station.db").c_str(), &from), SQLITE_OK);
        EXPECT_EQ(sqlite3_exec(from, fmt::format("VACUUM INTO '{}'", file().string()).c_str(),
                               nullptr, nullptr, nullptr),
                  SQLITE_OK);
        sqlite3_close(from);
    }
    [[nodiscard]] fs::path file() const { return folder / "copy" / "station.db"; }
    // Edits the copy on a connection that fires no triggers; the rules stay as they are.
    std::string edit(const std::string& statements) {
        sqlite3* db = nullptr;
        EXPECT_EQ(sqlite3_open(file().c_str(), &db), SQLITE_OK);
        EXPECT_EQ(sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr), SQLITE_OK);
        char* why = nullptr;
        sqlite3_exec(db,
                     ("PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON; BEGIN;" +
                      statements + ";COMMIT")
                         .c_str(),
                     nullptr, nullptr, &why);
        std::string refused = why == nullptr ? "" : why;
        sqlite3_free(why);
        sqlite3_close(db);
        return refused;
    }
    Said verify(audit::VerifyArguments arguments) {
        arguments.keys = {folder / "station.pub"};
        std::ostringstream out;
        std::ostringstream err;
        Said said;
        said.status = audit::run_audit_verify(arguments, out, err);
        said.json = said.status == 2 ? Json() : Json::parse(out.str());
        said.err = err.str();
        return said;
    }
    Said verify_copy() {
        audit::VerifyArguments arguments;
        arguments.db = file();
        return verify(arguments);
    }
    std::string after(const std::string& statements) {
        copy();
        const std::string refused = edit(statements);
        EXPECT_EQ(refused, "") << statements;
        const Said said = verify_copy();
        detail_ = said.json.value("detail", "");
        return said.verdict();
    }
    std::string why(const char* word, std::int64_t row) {
        return std::string(word) + " " + std::to_string(row);
    }
    std::int64_t last_ = 0;
    std::string detail_;
};

TEST_F(AuditTest, A_station_that_was_left_alone_is_good) {
    live();
    copy();
    const Said said = verify_copy();
    ASSERT_EQ(said.verdict(), "ok") << said.json.dump() << said.err;
    EXPECT_EQ(said.json.at("events"), last_);
    EXPECT_EQ(said.json.at("last_seq"), last_);
    EXPECT_EQ(said.json.at("last_anchor_seq"), last_) << "signed at stop";
    EXPECT_GE(said.json.at("anchors"), 4) << "two starts, a pass, a stop";
    audit::VerifyArguments live_one;  // as it is, while the station has it open
    live_one.db = folder / "station.db";
    EXPECT_EQ(verify(live_one).verdict(), "ok");
}

TEST_F(AuditTest, What_is_given_or_heard_twice_moves_no_lease_twice) {
    open_line();
    FakeWorker& serial = to_serial("1");
    serial.ask(2, "identity.issue");
    run_until("the same serial", [&] { return serial.answer(2) != nullptr; });
    const std::size_t before = launcher->workers.size();
    serial.ok();
    FakeWorker& reads = worker(before + 1, "read-serial");
    for (int i = 0; i < 2; ++i) {
        reads.say(protocol::Proof{"serial", {{"serial", tile("1")["serial"]}}});
        clock.advance_ms(5);
    }
    reads.ok();
    run_until("PASS", [&] { return state("1") == "pass"; });
    EXPECT_EQ(sql("SELECT count(*) FROM event WHERE kind = 'lease.burned'"), "1");
    EXPECT_EQ(sql("SELECT count(*) FROM event WHERE kind = 'serial.given_again'"), "1");
    bool stopped = false;
    engine->stop_all([&] { stopped = true; });
    run_until("the stop", [&] { return stopped; });
    ASSERT_TRUE(base::replace_file(folder / "station.pub", signer->public_pem()));
    fs::create_directories(folder / "copy");
    copy();
    const Said said = verify_copy();
    EXPECT_EQ(said.verdict(), "ok") << said.json.dump();
}

TEST_F(AuditTest, Edits_of_the_journal) {
    live();
    const auto middle = last_ / 2;
    EXPECT_EQ(after(fmt::format("UPDATE event SET at_ms = at_ms + 1 WHERE seq = {}", middle)),
              why("altered", middle));
    EXPECT_EQ(after(fmt::format("DELETE FROM event WHERE seq = {}", middle)),
              why("removed", middle));
    EXPECT_EQ(after(fmt::format("DELETE FROM event WHERE seq >= {}", middle)),
              why("truncated", middle));
    // … and every trace of what was there wiped out: the anchors beyond remember.
    const std::string cut = fmt::format(
        "DELETE FROM event WHERE seq > {0}; UPDATE sqlite_sequence SET seq = {0} WHERE name = "
        "'event'; UPDATE station SET head_seq = {0}, head_hash = (SELECT hash FROM event WHERE "
        "seq = {0})",
        last_ - 1);
    EXPECT_EQ(after(cut), why("truncated", last_));
    EXPECT_EQ(after(fmt::format("INSERT INTO event SELECT {0}, at_ms, mono_ns, boot, epoch, kind, "
                                "slot, unit_id, job_id, actor, data, hash, hash FROM event WHERE "
                                "seq = {1}",
                                last_ + 1, last_)),
              why("inserted", last_ + 1));
    EXPECT_EQ(after("INSERT INTO event SELECT -5, at_ms, mono_ns, boot, epoch, kind, slot, "
                    "unit_id, job_id, actor, data, prev, hash FROM event WHERE seq = 1"),
              "inserted -5");
    EXPECT_EQ(after(fmt::format("DELETE FROM event WHERE seq = {0}; UPDATE event SET seq = -seq "
                                "WHERE seq > {0}; UPDATE event SET seq = -seq - 1 WHERE seq < 0",
                                middle)),
              why("removed", middle));
    EXPECT_EQ(after("UPDATE station SET head_hash = zeroblob(32)"), why("altered", last_));
    EXPECT_EQ(after(fmt::format("UPDATE event SET hash = zeroblob(32) WHERE seq = {}", last_)),
              why("altered", last_));
}

TEST_F(AuditTest, Edits_of_the_rules) {
    live();
    copy();
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open(file().c_str(), &db), SQLITE_OK);
    ASSERT_EQ(sqlite3_exec(db, "DROP TRIGGER event_kept", nullptr, nullptr, nullptr), SQLITE_OK);
    sqlite3_close(db);
    Said said = verify_copy();
    EXPECT_EQ(said.verdict(), "altered null");
    EXPECT_NE(said.json.at("detail").get<std::string>().find("event_kept"), std::string::npos);
    // With a bad row, too, the row is told.
    edit("UPDATE event SET kind = 'x' WHERE seq = 3");
    EXPECT_EQ(verify_copy().verdict(), "altered 3");
}

// State rows: who edits one contradicts a row of the journal.
TEST_F(AuditTest, Edits_of_the_state) {
    live();
    const auto pass = seq("kind = 'job.verdict' AND job_id = 1");
    const auto fail = seq("kind = 'job.verdict' AND job_id = 2");
    const auto queued = seq("kind = 'job.queued' AND job_id = 1");
    const auto signed_row = seq("kind = 'certificate.signed'");
    struct Edit {
        const char* sql;
        std::string verdict;
    };
    const Edit edits[] = {
        {"UPDATE job SET outcome = 'FAIL' WHERE id = 1", why("altered", pass)},
        {"UPDATE job SET outcome = 'PASS', code = NULL, message = NULL WHERE id = 2",
         why("altered", fail)},
        {"UPDATE job SET code = 'boot.none' WHERE id = 2", why("altered", fail)},
        {"UPDATE job SET message = 'nothing' WHERE id = 2", why("altered", fail)},
        {"UPDATE job SET ended_ms = ended_ms + 1 WHERE id = 2", why("altered", fail)},
        {"UPDATE job SET outcome = NULL, ended_ms = NULL, code = NULL, message = NULL WHERE id = 2",
         why("altered", fail)},
        {"UPDATE job SET outcome = 'PASS', ended_ms = 5 WHERE id = 3",
         why("altered", seq("job_id = 3"))},
        {"UPDATE job SET started_ms = started_ms - 1 WHERE id = 1", why("altered", queued)},
        {"UPDATE job SET actor = 'bob' WHERE id = 1", why("altered", queued)},
        {"UPDATE job SET attempt = 7 WHERE id = 1", why("altered", queued)},
        {"UPDATE job SET order_id = 99 WHERE id = 1", why("altered", queued)},
        {"UPDATE job SET image_key = 'x' WHERE id = 2",
         why("altered", seq("kind = 'job.queued' AND job_id = 2"))},
        {"UPDATE job SET tool_version = 'other' WHERE id = 1", why("altered", pass)},
        {"UPDATE job SET rework_reason = 'why not' WHERE id = 1", why("altered", pass)},
        {"DELETE FROM job WHERE id = 1", why("removed", queued)},
        {"UPDATE job SET acknowledged_by = 'bob' WHERE id = 1",
         why("altered", seq("kind = 'job.acknowledged' AND job_id = 1"))},
        {"UPDATE job SET acknowledged_ms = 5, acknowledged_by = 'bob' WHERE id = 2",
         why("altered", seq("job_id = 2"))},
        {"UPDATE unit SET model = 'other' WHERE id = 1", why("altered", queued)},
        {"UPDATE unit SET chip_id = 'other' WHERE id = 1",
         why("altered", seq("kind = 'unit.chip_id' AND unit_id = 1"))},
        {"UPDATE unit SET module_serial = 'other' WHERE id = 1", why("altered", pass)},
        {"UPDATE step SET outcome = 'failed' WHERE job_id = 1 AND idx = 0",
         why("altered", seq("kind = 'step.ended' AND job_id = 1 AND json_extract(data, "
                            "'$.index') = 0"))},
        {"UPDATE step SET ended_ms = 7 WHERE job_id = 1 AND idx = 0",
         why("altered", seq("kind = 'step.ended' AND job_id = 1 AND json_extract(data, "
                            "'$.index') = 0"))},
        {"UPDATE step SET name = 'flush' WHERE job_id = 1 AND idx = 0",
         why("altered", seq("kind = 'step.started' AND job_id = 1 AND json_extract(data, "
                            "'$.index') = 0"))},
        {"DELETE FROM step WHERE job_id = 2 AND idx = 0",
         why("altered", seq("kind = 'step.started' AND job_id = 2 AND json_extract(data, "
                            "'$.index') = 0"))},
        {"UPDATE step SET outcome = 'ok' WHERE outcome = 'interrupted'",
         why("altered", seq("kind = 'step.ended' AND job_id = 3"))},
        {"UPDATE proof SET ok = 0 WHERE job_id = 1 AND kind = 'image'",
         why("altered", seq("kind = 'proof.image' AND job_id = 1"))},
        {"UPDATE proof SET heard = 'SN-9' WHERE kind = 'serial'",
         why("altered", seq("kind = 'proof.serial'"))},
        {"DELETE FROM proof WHERE kind = 'serial'", why("altered", seq("kind = 'proof.serial'"))},
        {"INSERT INTO proof (job_id, kind, ok, expected, heard, at_ms) VALUES (2, 'serial', 1, "
         "'SN-2', 'SN-2', 5)",
         why("altered", seq("job_id = 2"))},
        {"UPDATE lease SET state = 'released' WHERE state = 'burned'",
         why("altered", seq("kind = 'lease.burned'"))},
        {"UPDATE lease SET state = 'voided', reason = 'x', by_user = 'bob' WHERE state = "
         "'in_doubt'",
         why("altered", seq("kind = 'lease.in_doubt'"))},
        {"UPDATE lease SET unit_id = 2 WHERE state = 'burned'",
         why("altered", seq("kind = 'lease.burned'"))},
        {"UPDATE serial SET value = 'SN-9', value_key = 'sn-9' WHERE value = 'SN-1'",
         why("altered", seq("kind = 'lease.burned'"))},
        {"DELETE FROM lease WHERE state = 'burned'",
         why("removed", std::stoll(sql("SELECT min(seq) FROM event WHERE kind GLOB 'lease.*' AND "
                                       "job_id = 1")))},
        {"INSERT INTO lease (serial_id, unit_id, state, epoch, at_ms) SELECT max(id), 2, 'burned', "
         "1, 5 FROM serial",
         "altered null"},
        {"DELETE FROM serial WHERE value = 'SN-5'", why("altered", seq("kind = 'batch.loaded'"))},
        {"UPDATE batch SET count = 50", why("altered", seq("kind = 'batch.loaded'"))},
        {"UPDATE orders SET profile = 'other'", why("altered", seq("kind = 'order.opened'"))},
        {"DELETE FROM certificate", why("removed", signed_row)},
        {"UPDATE certificate SET body = replace(body, 'SN-1', 'SN-2')", why("altered", pass)},
        {"UPDATE certificate SET seq = seq - 1", why("altered", pass - 1)},
        {"UPDATE certificate SET at_ms = at_ms - 1", why("altered", pass)},
        {"DELETE FROM anchor WHERE why = 'pass'", why("removed", signed_row)},
        {"DELETE FROM anchor WHERE why = 'stop'", why("removed", last_)},
        {"UPDATE anchor SET at_ms = 1 WHERE why = 'pass'", why("altered", signed_row)},
        {"UPDATE anchor SET signature = zeroblob(64) WHERE why = 'pass'",
         why("altered", signed_row)},
        {"DELETE FROM signing_key", why("removed", seq("kind = 'signing.key'"))},
        {"UPDATE signing_key SET public_pem = 'x'", why("altered", seq("kind = 'signing.key'"))},
    };
    for (const Edit& each : edits) {
        EXPECT_EQ(after(each.sql), each.verdict) << each.sql << "\n" << detail_;
    }
}

TEST_F(AuditTest, Exports_and_anchors_from_outside) {
    live();
    std::string lines;
    ASSERT_TRUE(store->read_now([&](db::Tx& tx) -> base::Status {
        audit::JournalExport journal(signer);
        while (true) {
            auto piece = journal.next(tx, 1700000000000);
            if (!piece) {
                return tl::unexpected<base::Error>(piece.error());
            }
            if (piece->empty()) {
                return {};
            }
            lines += *piece;
        }
    }));
    const auto write = [&](const std::string& name, const std::string& text) {
        std::ofstream(folder / name) << text;
        audit::VerifyArguments arguments;
        arguments.export_file = folder / name;
        return verify(arguments);
    };
    const Said good = write("journal.jsonl", lines);
    ASSERT_EQ(good.verdict(), "ok") << good.json.dump() << good.err;
    EXPECT_EQ(good.json.at("events"), last_);
    EXPECT_EQ(good.json.at("last_anchor_seq"), last_);
    std::vector<std::string> rows;
    std::istringstream in(lines);
    for (std::string line; std::getline(in, line);) {
        rows.push_back(line);
    }
    ASSERT_EQ(static_cast<std::int64_t>(rows.size()), last_ + 1);
    const auto joined = [](const std::vector<std::string>& some) {
        std::string text;
        for (const auto& line : some) {
            text += line + "\n";
        }
        return text;
    };
    auto bent = rows;
    bent.erase(bent.begin() + 6);
    EXPECT_EQ(write("removed", joined(bent)).verdict(), "removed 7");
    bent = rows;
    bent[6].replace(bent[6].find("\"at_ms\":"), 9, "\"at_ms\":9");
    EXPECT_EQ(write("altered", joined(bent)).verdict(), "altered 7");
    bent = rows;
    bent[6] = "rubbish";
    EXPECT_EQ(write("rubbish", joined(bent)).verdict(), "altered 7");
    bent = rows;
    bent.pop_back();
    EXPECT_EQ(write("cut", joined(bent)).verdict(), why("truncated", last_ + 1));
    bent.resize(10);
    EXPECT_EQ(write("cut", joined(bent)).verdict(), "truncated 11");
    bent.push_back(rows.back());
    EXPECT_EQ(write("cut in between", joined(bent)).verdict(), "truncated 11");
    EXPECT_EQ(write("empty", "").status, 2);
    EXPECT_EQ(write("other", "a\nb\n").status, 2);

    // The anchor of the export, and the certificate, kept elsewhere.
    std::ofstream(folder / "kept") << rows.back() << "\n"
                                   << sql("SELECT body FROM certificate") << "\n";
    audit::VerifyArguments arguments;
    arguments.db = file();
    arguments.anchors = {folder / "kept"};
    copy();
    Said said = verify(arguments);
    ASSERT_EQ(said.verdict(), "ok") << said.err;
    // Everything behind row 5 is gone, with all that remembered it in the database.
    edit(
        "DELETE FROM event WHERE seq > 5; DELETE FROM anchor WHERE seq > 5; DELETE FROM "
        "certificate; UPDATE sqlite_sequence SET seq = 5 WHERE name = 'event'; UPDATE station "
        "SET head_seq = 5, head_hash = (SELECT hash FROM event WHERE seq = 5)");
    EXPECT_EQ(verify(arguments).verdict(), "truncated 6");
    const auto other = trust::SigningKey::generate();
    std::ofstream(folder / "other.pub") << other->public_pem();
    arguments.keys = {folder / "other.pub"};
    std::ostringstream out;
    std::ostringstream err;
    EXPECT_EQ(audit::run_audit_verify(arguments, out, err), 2) << "kept by another key";
    EXPECT_NE(err.str().find("kept:1: key"), std::string::npos) << err.str();
}

TEST_F(AuditTest, The_head_is_signed_each_hour_in_which_something_was_written) {
    patience.sign_every = std::chrono::milliseconds(30);
    open_line();
    const auto hours = [&] {
        return std::stoi(sql("SELECT count(*) FROM anchor WHERE why = 'hour'"));
    };
    const auto several_hours = [&] {
        const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(200);
        while (std::chrono::steady_clock::now() < until) {
            loop.restart();
            loop.run_one_for(std::chrono::milliseconds(20));
        }
    };
    run_until("the hour", [&] { return hours() >= 1; });
    several_hours();  // on a slow machine the line was opened in several
    const int quiet = hours();
    several_hours();  // and nothing happens
    EXPECT_EQ(hours(), quiet);
    to_fail("1");
    run_until("the next hour", [&] { return hours() > quiet; });
}

TEST_F(AuditTest, Another_key_retires_the_one_before_and_both_are_needed) {
    live();
    const auto first = signer;
    signer = std::make_shared<audit::Signer>(trust::SigningKey::generate().value(), "line1");
    restart({});
    settle();
    EXPECT_EQ(sql("SELECT count(*) FROM signing_key WHERE retired_ms IS NULL"), "1");
    EXPECT_EQ(sql("SELECT key_id FROM signing_key WHERE retired_ms IS NULL"), signer->key_id());
    copy();
    EXPECT_EQ(verify_copy().verdict(), why("altered", seq("kind = 'journal.signed'")))
        << "the old key alone";
    ASSERT_TRUE(store->read_now(
        [&](db::Tx& tx) { return audit::publish_keys(tx, folder / "public-keys"); }));
    audit::VerifyArguments arguments;
    arguments.db = file();
    arguments.keys = {folder / "public-keys"};
    std::ostringstream out;
    std::ostringstream err;
    EXPECT_EQ(audit::run_audit_verify(arguments, out, err), 0) << out.str() << err.str();
    // A key that was retired signs nothing any more.
    auto refused = store->write_now([&](db::Tx& tx) -> base::Status {
        auto row = first->begin(tx, {2'000'000'000'000, 0, "b", 9});
        return row ? base::Status() : tl::unexpected<base::Error>(row.error());
    });
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, "signing.broken");
}

// Any value of the journal or of a state row that is compared, changed to any other.
TEST_F(AuditTest, Random_edits) {
    live();
    copy();
    const fs::path clean = folder / "copy" / "clean.db";
    fs::rename(file(), clean);
    std::mt19937 dice(7);
    const auto roll = [&](std::size_t below) {
        return std::uniform_int_distribution<std::size_t>(0, below - 1)(dice);
    };
    const std::vector<std::pair<std::string, std::vector<std::string>>> kCompared{
        {"event",
         {"at_ms", "mono_ns", "boot", "epoch", "kind", "slot", "unit_id", "job_id", "actor", "data",
          "prev", "hash"}},
        {"job",
         {"unit_id", "order_id", "slot", "port", "outcome", "code", "message", "image_key", "actor",
          "started_ms", "ended_ms"}},
        {"step", {"name", "started_ms", "ended_ms", "outcome", "code"}},
        {"proof", {"job_id", "kind", "ok", "expected", "heard", "at_ms"}},
        {"lease", {"unit_id", "state", "at_ms"}},
        {"certificate", {"unit_id", "seq", "at_ms", "key_id", "body"}},
        {"anchor", {"hash", "at_ms", "key_id", "signature"}},
        {"signing_key", {"key_id", "public_pem"}},
    };
    for (int edits = 0; edits < 150;) {
        const auto& [table, columns] = kCompared[edits % 2 == 0 ? 0 : roll(kCompared.size())];
        const auto& column = columns[roll(columns.size())];
        const std::string row =
            sql(fmt::format("SELECT rowid FROM {} ORDER BY rowid LIMIT 1 "
                            "OFFSET {} % (SELECT count(*) FROM {})",
                            table, roll(1000), table));
        const std::string type =
            sql(fmt::format("SELECT type FROM pragma_table_info('{}') WHERE "
                            "name = '{}'",
                            table, column));
        const std::string value =
            type == "INTEGER"  ? fmt::format("coalesce({}, 0) + {}", column, 1 + roll(1000))
            : type == "BLOB"   ? fmt::format("randomblob(length({}))", column)
            : column == "data" ? R"('{"x":)" + std::to_string(roll(1000)) + "}'"
                               : fmt::format("coalesce({}, '') || 'x'", column);
        fs::copy_file(clean, file(), fs::copy_options::overwrite_existing);
        const std::string refused =
            edit(fmt::format("UPDATE {} SET {} = {} WHERE rowid = {}", table, column, value, row));
        if (refused.starts_with("UNIQUE constraint")) {
            continue;  // an index holds what the triggers no longer do
        }
        ASSERT_EQ(refused, "");
        const Said said = verify_copy();
        ++edits;
        ASSERT_EQ(said.status, 1) << table << "." << column << " of row " << row << ": "
                                  << said.verdict();
        if (table == "event") {
            ASSERT_EQ(said.verdict(), "altered " + row) << column;
        }
    }
}

}  // namespace
}  // namespace lineside::engine
