// SPDX-License-Identifier: Apache-2.0
// Test fixture: the schema on plain SQL, as a sqlite3 shell with its defaults (no foreign keys, no
// recursive triggers) or the service would meet it.
#pragma once

#include "station/db/connection.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <string>
#include <vector>

namespace lineside::db {

// A MAC or a hash of 32 bytes as SQL.
inline std::string bytes32(int n) {
    return fmt::format("x'{:064x}'", n);
}

// Parameter: pragmas of the connection.
class Schema : public testing::TestWithParam<const char*> {
  protected:
    void SetUp() override {
        sqlite3* made = nullptr;
        ASSERT_EQ(sqlite3_open(":memory:", &made), SQLITE_OK);
        db.reset(made);
        ASSERT_TRUE(migrate(db.get(), "memory"));
        good(GetParam());
        good(
            "INSERT INTO station (id, name, created_ms) VALUES (1, 'st', 0);"
            "INSERT INTO pool (id, name) VALUES (1, 'p');"
            "INSERT INTO batch (id, pool_id, name, test_only, loaded_ms, loaded_by, file_sha256, "
            "count)"
            " VALUES (1, 1, 'b', 0, 0, 'x', 'y', 3), (2, 1, 'test', 1, 0, 'x', 'y', 1);"
            "INSERT INTO serial (id, batch_id, value, value_key, token_sealed, token_mac) VALUES"
            " (1, 1, 'S1', 's1', x'01', " +
            bytes32(0x11) + "), (2, 1, 'S2', 's2', x'02', " + bytes32(0x12) +
            "), (3, 1, 'S3', 's3', x'03', " + bytes32(0x13) +
            "), (4, 2, 'T1', 't1', NULL, NULL);"
            "INSERT INTO batch_template VALUES (1, 'ap_ssid', 'Cam-{serial}');"
            "INSERT INTO token_spare (id, batch_id, mac, sealed) VALUES (1, 1, " +
            bytes32(0x21) +
            ", x'05');"
            "INSERT INTO serial_field (serial_id, name, sealed) VALUES (1, 'ap_password', x'06');"
            "UPDATE batch SET state = 'open';"
            "INSERT INTO batch (id, pool_id, name, test_only, loaded_ms, loaded_by, file_sha256, "
            "count) VALUES (3, 1, 'half', 0, 0, 'x', 'y', 1);"
            "INSERT INTO serial (id, batch_id, value, value_key, token_sealed, token_mac) VALUES"
            " (5, 3, 'H1', 'h1', x'07', " +
            bytes32(0x14) +
            ");"
            "INSERT INTO orders (id, name, profile, model, pool_id, quantity, state, opened_ms, "
            "opened_by)"
            " VALUES (1, 'o', 'pr', 'nx', 1, 5, 'open', 0, 'x');"
            "INSERT INTO unit (id, chip_id, model, first_ms) VALUES (1, 'c1', 'nx', 0), (2, 'c2', "
            "'nx', 0), (3, NULL, 'nx', 0);"
            "INSERT INTO job (id, unit_id, order_id, slot, port, attempt, epoch, state, actor, "
            "started_ms, started_mono_ns, boot)"
            " VALUES (1, 1, 1, '1', 'x', 1, 1, 's', 'a', 0, 0, 'b'), (2, 2, 1, '2', 'x', 1, 1, "
            "'s', 'a', 0, 0, 'b');"
            "INSERT INTO step (id, job_id, idx, name, method, attempt, started_ms) VALUES (1, 1, "
            "0, 'flash', 'm', 1, 0);"
            "INSERT INTO event (seq, at_ms, mono_ns, boot, epoch, kind, data, prev, hash) VALUES "
            "(5, 0, 0, 'b', 1, 'k', '{}', " +
            bytes32(0) + ", " + bytes32(1) + ")");
    }
    int run(const std::string& sql) {
        char* text = nullptr;
        const int rc = sqlite3_exec(db.get(), sql.c_str(), nullptr, nullptr, &text);
        message = text == nullptr ? "" : text;
        sqlite3_free(text);
        return rc;
    }
    void good(const std::string& sql) { EXPECT_EQ(run(sql), SQLITE_OK) << sql << ": " << message; }
    // Refused, and not a byte of any table is different.
    void bad(const std::string& sql) {
        const std::string before = dump();
        EXPECT_NE(run(sql), SQLITE_OK) << sql;
        EXPECT_EQ(dump(), before) << sql;
    }
    std::string dump() {
        std::string all;
        const auto add = [](void* to, int columns, char** values, char** /*names*/) {
            for (int i = 0; i < columns; ++i) {
                *static_cast<std::string*>(to) +=
                    std::string(values[i] == nullptr ? "NULL" : values[i]) + "|";
            }
            *static_cast<std::string*>(to) += "\n";
            return 0;
        };
        for (const char* table : {"station",        "pool",          "batch",       "serial",
                                  "orders",         "unit",          "job",         "step",
                                  "proof",          "lease",         "once_mark",   "event",
                                  "token",          "token_revoked", "token_spare", "serial_field",
                                  "batch_template", "seal_key",      "signing_key", "anchor",
                                  "certificate",    "image",         "label",       "image_release",
                                  "slot_closing",   "badge",         "badge_shift", "account",
                                  "session"}) {
            all += table;
            EXPECT_EQ(sqlite3_exec(db.get(), (std::string("SELECT * FROM ") + table).c_str(), add,
                                   &all, nullptr),
                      SQLITE_OK);
        }
        return all;
    }
    // A lease `id` of serial 1 and unit 1 brought into `state` by allowed moves.
    void lease_in(int id, const std::string& state) {
        const std::string where = " WHERE id = " + std::to_string(id);
        good("INSERT INTO lease (id, serial_id, unit_id, job_id, state, epoch, at_ms) VALUES (" +
             std::to_string(id) + ", 1, 1, 1, 'reserved', 1, 0)");
        std::vector<std::string> way;
        if (state == "released") {
            way = {"released"};
        } else if (state == "burned") {
            way = {"issued", "burned"};
        } else if (state == "voided") {
            way = {"issued", "in_doubt", "voided"};
        } else if (state == "in_doubt") {
            way = {"issued", "in_doubt"};
        } else if (state == "issued") {
            way = {"issued"};
        }
        for (const std::string& each : way) {
            const std::string whom = each == "voided" ? "', reason = 'lost', by_user = 'ana'" : "'";
            good("UPDATE lease SET state = '" + each + whom + where);
        }
    }
    Connection db;
    std::string message;
};

// A sqlite3 shell with its defaults, and the station's own connection.
inline auto both_connections() {
    return testing::Values(
        "PRAGMA foreign_keys = OFF; PRAGMA recursive_triggers = OFF",
        "PRAGMA foreign_keys = ON; PRAGMA recursive_triggers = ON; PRAGMA trusted_schema = OFF");
}
inline std::string connection_name(const testing::TestParamInfo<const char*>& one) {
    return one.index == 0 ? "shell" : "station";
}

}  // namespace lineside::db
