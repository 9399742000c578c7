// SPDX-License-Identifier: Apache-2.0
// The rules of leases, jobs and records.
#include "station/db/schema_fixture.h"

namespace lineside::db {
namespace {

const std::vector<std::string> kStates{"reserved", "issued",   "burned",
                                       "in_doubt", "released", "voided"};

bool allowed(const std::string& from, const std::string& to) {
    return from == to || (from == "reserved" && (to == "issued" || to == "released")) ||
           (from == "issued" && (to == "burned" || to == "in_doubt")) ||
           (from == "in_doubt" && (to == "issued" || to == "burned" || to == "voided"));
}

TEST_P(Schema, Lease_moves_only_along_the_list) {
    for (const std::string& from : kStates) {
        for (const std::string& to : kStates) {
            for (const std::string verb : {"UPDATE", "UPDATE OR REPLACE", "UPDATE OR IGNORE"}) {
                good("SAVEPOINT one");
                lease_in(1, from);
                const std::string sql = verb + " lease SET state = '" + to +
                                        "', reason = 'lost', by_user = 'ana' WHERE id = 1";
                allowed(from, to) ? good(sql) : bad(sql);
                good("ROLLBACK TO one; RELEASE one");
            }
        }
    }
}

TEST_P(Schema, Lease_starts_reserved) {
    for (const std::string& state : kStates) {
        const std::string sql =
            "INSERT INTO lease (serial_id, unit_id, state, epoch, at_ms) VALUES (2, 2, '" + state +
            "', 1, 0)";
        good("SAVEPOINT one");
        state == "reserved" ? good(sql) : bad(sql);
        good("ROLLBACK TO one; RELEASE one");
    }
    bad("INSERT INTO lease (serial_id, unit_id, state, epoch, at_ms) VALUES (2, 2, 'mine', 1, 0)");
}

TEST_P(Schema, Lease_is_never_deleted_replaced_or_turned) {
    for (const std::string& state : kStates) {
        good("SAVEPOINT one");
        lease_in(1, state);
        bad("DELETE FROM lease");
        bad("DELETE FROM lease WHERE id = 1");
        bad("UPDATE lease SET serial_id = 2");
        bad("UPDATE lease SET unit_id = 2");
        bad("UPDATE OR REPLACE lease SET id = 9");
        for (const std::string verb :
             {"INSERT OR REPLACE", "REPLACE", "INSERT OR IGNORE", "INSERT"}) {
            bad(verb +
                " INTO lease (id, serial_id, unit_id, state, epoch, at_ms) VALUES (1, 2, 2, "
                "'reserved', 1, 0)");
            if (state != "released") {
                bad(verb +
                    " INTO lease (serial_id, unit_id, state, epoch, at_ms) VALUES (1, 2, "
                    "'reserved', 1, 0)");
            }
            if (state != "released" && state != "voided") {
                bad(verb +
                    " INTO lease (serial_id, unit_id, state, epoch, at_ms) VALUES (2, 1, "
                    "'reserved', 1, 0)");
            }
        }
        good("ROLLBACK TO one; RELEASE one");
    }
}

TEST_P(Schema, Released_serial_and_voided_unit_are_free_again) {
    lease_in(1, "released");
    lease_in(2, "voided");
    good(
        "INSERT INTO lease (serial_id, unit_id, state, epoch, at_ms) VALUES (2, 1, 'reserved', 1, "
        "0)");
    bad("INSERT INTO lease (serial_id, unit_id, state, epoch, at_ms) VALUES (1, 2, 'reserved', 1, "
        "0)");
}

TEST_P(Schema, Record_shows_the_serial_a_unit_holds_or_held) {
    good("UPDATE job SET outcome = 'FAIL', code = 'x', state = 'closed', ended_ms = 1");
    const auto shown = [&] {
        std::string all;
        const auto add = [](void* to, int, char** values, char**) {
            *static_cast<std::string*>(to) = values[0];
            return 0;
        };
        sqlite3_exec(db.get(),
                     "SELECT coalesce(serial || ' ' || lease, 'none') FROM record_v1 WHERE unit = "
                     "1",
                     add, &all, nullptr);
        return all;
    };
    EXPECT_EQ(shown(), "none");
    lease_in(1, "released");
    EXPECT_EQ(shown(), "none");
    lease_in(2, "voided");
    EXPECT_EQ(shown(), "S1 voided");
    for (const char* state : {"reserved", "issued", "in_doubt", "burned"}) {
        good(
            "SAVEPOINT one; INSERT INTO lease (id, serial_id, unit_id, job_id, state, epoch, "
            "at_ms) "
            "VALUES (3, 2, 1, 1, 'reserved', 1, 0)");
        if (std::string(state) != "reserved") {
            good("UPDATE lease SET state = 'issued' WHERE id = 3");
            good(std::string("UPDATE lease SET state = '") + state + "' WHERE id = 3");
        }
        EXPECT_EQ(shown(), std::string("S2 ") + state);
        good("ROLLBACK TO one; RELEASE one");
    }
    good(
        "INSERT INTO lease (id, serial_id, unit_id, job_id, state, epoch, at_ms) "
        "VALUES (4, 3, 1, 1, 'reserved', 1, 0); UPDATE lease SET state = 'released' WHERE id = 4");
    EXPECT_EQ(shown(), "S1 voided");
}

TEST_P(Schema, Free_mark_follows_the_lease) {
    const auto free = [&] {
        std::string all;
        const auto add = [](void* to, int, char** values, char**) {
            *static_cast<std::string*>(to) += values[0];
            return 0;
        };
        sqlite3_exec(db.get(), "SELECT id FROM serial WHERE free = 1 ORDER BY id", add, &all,
                     nullptr);
        return all;
    };
    EXPECT_EQ(free(), "12345");
    lease_in(1, "released");
    EXPECT_EQ(free(), "12345");
    lease_in(2, "voided");
    EXPECT_EQ(free(), "2345");
}

TEST_P(Schema, Serials_and_batches_stay_as_loaded) {
    bad("DELETE FROM serial");
    bad("DELETE FROM batch");
    bad("UPDATE serial SET value = 'X' WHERE id = 1");
    bad("UPDATE serial SET value_key = 'x' WHERE id = 1");
    bad("UPDATE OR REPLACE serial SET id = 2 WHERE id = 1");
    bad("UPDATE serial SET batch_id = 2 WHERE id = 1");
    bad("UPDATE OR REPLACE serial SET token_mac = " + bytes32(0x12) + " WHERE id = 1");
    bad("UPDATE serial SET token_sealed = NULL, token_mac = NULL WHERE id = 1");
    bad("UPDATE serial SET token_mac = NULL WHERE id = 1");
    good("UPDATE serial SET token_sealed = x'0101' WHERE id = 1");  // sealed anew under another key
    for (const std::string verb : {"INSERT", "INSERT OR REPLACE", "INSERT OR IGNORE", "REPLACE"}) {
        const std::string into =
            verb + " INTO serial (id, batch_id, value, value_key, token_sealed, token_mac) VALUES ";
        bad(into + "(1, 3, 'N', 'n', x'09', " + bytes32(0x19) + ")");
        bad(into + "(9, 3, 'S1', 's1', x'09', " + bytes32(0x19) + ")");
        bad(into + "(9, 3, 'N', 'n', x'09', " + bytes32(0x11) + ")");
        bad(into + "(9, 3, 'N', 'n', NULL, NULL)");
        bad(into + "(9, 3, 'N', 'n', x'09', NULL)");
        const std::string batch = verb +
                                  " INTO batch (id, pool_id, name, loaded_ms, loaded_by, "
                                  "file_sha256, count) VALUES ";
        bad(batch + "(1, 1, 'new', 0, 'x', 'y', 1)");
        bad(batch + "(9, 1, 'b', 0, 'x', 'y', 1)");
        bad(verb + " INTO pool VALUES (9, 'p', 0)");
        bad(verb + " INTO pool VALUES (1, 'q', 0)");
    }
    bad("UPDATE batch SET name = 'c' WHERE id = 1");
    bad("UPDATE batch SET test_only = 1 WHERE id = 1");
    bad("UPDATE OR REPLACE batch SET id = 2 WHERE id = 1");
    bad("DELETE FROM pool");
    bad("UPDATE pool SET name = 'q'");
    good("UPDATE pool SET low_mark = 5");
    bad("INSERT INTO serial (batch_id, value, value_key) VALUES (2, 'T2', 't2')");  // it is open
}

TEST_P(Schema, Pass_needs_its_proofs) {
    const std::string pass = "UPDATE job SET outcome = 'PASS', ended_ms = 1 WHERE id = 1";
    bad(pass);
    good(
        "INSERT INTO proof (job_id, kind, ok, expected, heard, at_ms) VALUES (1, 'image', 1, 'a', "
        "'a', 0)");
    bad(pass);
    good(
        "INSERT INTO proof (job_id, kind, ok, expected, heard, at_ms) VALUES (1, 'serial', 0, 'a', "
        "'b', 0),"
        " (2, 'serial', 1, 'a', 'a', 0)");
    bad(pass);
    good(
        "INSERT INTO proof (job_id, kind, ok, expected, heard, at_ms) VALUES (1, 'serial', 1, 'a', "
        "'a', 0)");
    bad(pass);
    lease_in(1, "issued");
    bad(pass);
    good("UPDATE lease SET state = 'burned'");
    good(pass);
    for (const char* sql :
         {"UPDATE job SET outcome = 'FAIL' WHERE id = 1",
          "UPDATE job SET outcome = NULL, ended_ms = NULL WHERE id = 1",
          "UPDATE job SET code = 'x' WHERE id = 1", "UPDATE job SET unit_id = 2 WHERE id = 1",
          "UPDATE job SET image_key = 'x' WHERE id = 1", "UPDATE job SET ended_ms = 9 WHERE id = 1",
          "DELETE FROM proof", "UPDATE proof SET ok = 1",
          "INSERT INTO proof (job_id, kind, ok, expected, heard, at_ms) VALUES (1, 'image', 1, "
          "'a', "
          "'a', 0)",
          "DELETE FROM job",
          "INSERT OR REPLACE INTO proof (id, job_id, kind, ok, expected, heard, at_ms) VALUES (2, "
          "1, 'serial', 1, 'a', 'a', 0)"}) {
        bad(sql);
    }
    good("UPDATE job SET acknowledged_ms = 5, acknowledged_by = 'ana' WHERE id = 1");
}

TEST_P(Schema, Jobs_begin_open_one_per_slot_and_stay) {
    const std::string columns =
        " INTO job (id, unit_id, order_id, slot, port, attempt, epoch, state, actor, started_ms,"
        " started_mono_ns, boot, outcome, ended_ms) VALUES ";
    for (const std::string verb : {"INSERT", "INSERT OR REPLACE", "INSERT OR IGNORE"}) {
        bad(verb + columns + "(9, 1, 1, '9', 'x', 1, 1, 's', 'a', 0, 0, 'b', 'PASS', 1)");
        bad(verb + columns + "(1, 1, 1, '9', 'x', 1, 1, 's', 'a', 0, 0, 'b', NULL, NULL)");
        bad(verb + columns + "(9, 1, 1, '1', 'x', 1, 1, 's', 'a', 0, 0, 'b', NULL, NULL)");
    }
    bad("UPDATE OR REPLACE job SET slot = '2' WHERE id = 1");
    bad("UPDATE OR REPLACE job SET id = 2 WHERE id = 1");
    good("UPDATE job SET unit_id = 2 WHERE id = 1");
    good("UPDATE job SET outcome = 'ERROR', code = 'x', ended_ms = 1 WHERE id = 2");
    good("UPDATE OR REPLACE job SET slot = '2' WHERE id = 1");
}

TEST_P(Schema, Units_steps_orders_marks_and_events_stay) {
    good(
        "INSERT INTO once_mark (id, job_id, name, flash_step_id, state, at_ms) VALUES (1, 1, "
        "'nvme', 1, 'begun', 0)");
    good("UPDATE once_mark SET state = 'done'");
    bad("UPDATE once_mark SET state = 'begun'");
    for (const char* table : {"unit", "step", "orders", "once_mark", "event", "station"}) {
        bad(std::string("DELETE FROM ") + table);
    }
    for (const std::string verb : {"INSERT", "INSERT OR REPLACE", "INSERT OR IGNORE"}) {
        bad(verb + " INTO unit (id, chip_id, model, first_ms) VALUES (1, 'c9', 'nx', 0)");
        bad(verb + " INTO unit (id, chip_id, model, first_ms) VALUES (9, 'c1', 'nx', 0)");
        bad(verb +
            " INTO step (id, job_id, idx, name, method, attempt, started_ms) VALUES (9, 1, 0, 'f', "
            "'m', 1, 0)");
        bad(verb +
            " INTO step (id, job_id, idx, name, method, attempt, started_ms) VALUES (1, 1, 5, 'f', "
            "'m', 1, 0)");
        bad(verb +
            " INTO once_mark (id, job_id, name, flash_step_id, state, at_ms) VALUES (9, 1, 'nvme', "
            "1, 'begun', 0)");
        bad(verb +
            " INTO event (seq, at_ms, mono_ns, boot, epoch, kind, data, prev, hash) VALUES (5, 0, "
            "0, 'b', 1, 'k', '{}', " +
            bytes32(1) + ", " + bytes32(2) + ")");
        bad(verb +
            " INTO orders (id, name, profile, model, pool_id, quantity, state, opened_ms, "
            "opened_by)"
            " VALUES (9, 'o', 'pr', 'nx', 1, 5, 'open', 0, 'x')");
    }
    bad("UPDATE unit SET chip_id = 'c9' WHERE id = 1");
    bad("UPDATE OR REPLACE unit SET chip_id = 'c1' WHERE id = 3");
    good("UPDATE unit SET chip_id = 'c3' WHERE id = 3");
    bad("UPDATE event SET kind = 'z'");
    bad("UPDATE OR REPLACE step SET id = 9");
    bad("UPDATE orders SET name = 'z'");
    good("UPDATE orders SET state = 'closed'");
    const std::string event =
        "INSERT INTO event (at_ms, mono_ns, boot, epoch, kind, prev, hash, data) VALUES (0, 0, "
        "'b', "
        "1, 'k', ";
    bad(event + bytes32(0) + ", " + bytes32(2) + ", '{}')");  // not behind the last one
    good(event + bytes32(1) + ", " + bytes32(2) + ", '{\"a\":1}')");
    bad(event + bytes32(2) + ", " + bytes32(3) + ", 'text')");
    bad("INSERT INTO event (seq, at_ms, mono_ns, boot, epoch, kind, prev, hash, data) VALUES (3, "
        "0, "
        "0, 'b', 1, 'k', " +
        bytes32(2) + ", " + bytes32(3) + ", '{}')");
}

INSTANTIATE_TEST_SUITE_P(Connections, Schema, both_connections(), connection_name);

}  // namespace
}  // namespace lineside::db
