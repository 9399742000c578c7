// SPDX-License-Identifier: Apache-2.0
// The rules of batches, tokens, keys, the journal's chain and certificates.
#include "station/db/schema_fixture.h"

namespace lineside::db {
namespace {

class Truth : public Schema {
  protected:
    static std::string verb_of(const std::string& verb, const std::string& rest) {
        return verb + " INTO " + rest;
    }
    // Refused whatever is asked to happen on a conflict.
    void never(const std::string& rest) {
        for (const std::string verb :
             {"INSERT", "INSERT OR REPLACE", "INSERT OR IGNORE", "REPLACE"}) {
            bad(verb_of(verb, rest));
        }
    }
    void pass_job_1() {
        good(
            "INSERT INTO proof (job_id, kind, ok, expected, heard, at_ms) VALUES (1, 'image', 1, "
            "'a', 'a', 0), (1, 'serial', 1, 'a', 'a', 0)");
        lease_in(1, "burned");
        good("UPDATE job SET outcome = 'PASS', ended_ms = 1 WHERE id = 1");
    }
};

TEST_P(Truth, Batch_lives_from_loading_to_its_end) {
    bad("INSERT INTO batch (pool_id, name, loaded_ms, loaded_by, file_sha256, count, state) VALUES "
        "(1, 'n', 0, 'x', 'y', 1, 'open')");
    bad("UPDATE batch SET state = 'loading' WHERE id = 1");
    bad("UPDATE batch SET state = 'withdrawn' WHERE id = 1");  // by whom?
    bad("UPDATE batch SET state = 'closed', ended_ms = 1 WHERE id = 1");
    bad("UPDATE batch SET state = 'closed', ended_ms = 1, ended_by = 'ana' WHERE id = 3");
    bad("UPDATE batch SET order_id = 1 WHERE id = 1");
    bad("UPDATE batch SET count = 9 WHERE id = 1");
    lease_in(1, "issued");
    bad("UPDATE batch SET state = 'withdrawn', ended_ms = 1, ended_by = 'ana' WHERE id = 1");
    good("UPDATE batch SET state = 'withdrawn', ended_ms = 1, ended_by = 'ana' WHERE id = 2");
    good("UPDATE batch SET state = 'closed', ended_ms = 1, ended_by = 'ana' WHERE id = 1");
    for (const char* to : {"open", "loading", "withdrawn"}) {
        bad(std::string("UPDATE batch SET state = '") + to + "' WHERE id = 1");
    }
    bad("UPDATE batch SET ended_by = 'bob' WHERE id = 1");
}

TEST_P(Truth, Only_what_is_loading_grows_and_goes) {
    never(
        "serial (batch_id, value, value_key, token_sealed, token_mac) VALUES (1, 'N', 'n', "
        "x'09', " +
        bytes32(0x30) + ")");
    never(
        "serial (batch_id, value, value_key, token_sealed, token_mac, free) VALUES (3, 'N', 'n', "
        "x'09', " +
        bytes32(0x30) + ", 0)");
    never(
        "serial (batch_id, value, value_key, token_sealed, token_mac) VALUES (3, 'N', 'other', "
        "x'09', " +
        bytes32(0x30) + ")");
    never("lease (serial_id, unit_id, state, epoch, at_ms) VALUES (5, 2, 'reserved', 1, 0)");
    bad("DELETE FROM batch WHERE id = 3");
    good("DELETE FROM serial WHERE batch_id = 3");
    good("DELETE FROM token WHERE batch_id = 3");
    good("DELETE FROM batch WHERE id = 3");
    for (const char* table : {"serial", "token", "token_spare", "serial_field", "batch_template"}) {
        bad(std::string("DELETE FROM ") + table);
    }
    never("serial_field (serial_id, name, value) VALUES (2, 'ap_ssid', 'x')");
    never("batch_template VALUES (2, 'ap_ssid', 'x')");
    never("token_spare (batch_id, mac, sealed) VALUES (1, " + bytes32(0x30) + ", x'01')");
    bad("UPDATE batch_template SET template = 'x'");
    bad("UPDATE serial_field SET name = 'x'");
    bad("UPDATE serial_field SET sealed = NULL, value = 'x'");
    good("UPDATE serial_field SET sealed = x'0606'");  // another key
}

TEST_P(Truth, Free_is_what_the_leases_say) {
    bad("UPDATE serial SET free = 0 WHERE id = 2");
    lease_in(1, "burned");
    bad("UPDATE serial SET free = 1 WHERE id = 1");
}

TEST_P(Truth, Token_is_of_one_serial_for_ever) {
    never("token VALUES (" + bytes32(0x11) + ", 1, 2)");
    bad("UPDATE OR REPLACE token SET mac = " + bytes32(0x12) + " WHERE mac = " + bytes32(0x11));
    bad("UPDATE token SET serial_id = 2 WHERE mac = " + bytes32(0x11));
    // A token of another batch that is loading, live, spare or registered alone, does not come
    // again.
    for (const int mac : {0x11, 0x14, 0x21}) {
        never(
            "serial (id, batch_id, value, value_key, token_sealed, token_mac) VALUES (9, 3, 'N', "
            "'n', x'09', " +
            bytes32(mac) + ")");
        never("token_spare (batch_id, mac, sealed) VALUES (3, " + bytes32(mac) + ", x'01')");
    }
}

TEST_P(Truth, Token_changes_only_with_the_old_one_revoked) {
    const std::string change =
        "UPDATE serial SET token_sealed = x'99', token_mac = " + bytes32(0x21) + " WHERE id = 1";
    bad(change);
    good("UPDATE token_spare SET serial_id = 1 WHERE id = 1");
    bad("UPDATE token_spare SET serial_id = 2 WHERE id = 1");
    good("UPDATE token SET serial_id = 1 WHERE mac = " + bytes32(0x21));
    bad(change);
    never("token_revoked (serial_id, mac, sealed, at_ms, by_user, reason) VALUES (1, " +
          bytes32(0x12) + ", x'01', 0, 'ana', 'rework')");
    good("INSERT INTO token_revoked (serial_id, mac, sealed, at_ms, by_user, reason) VALUES (1, " +
         bytes32(0x11) + ", x'01', 0, 'ana', 'rework')");
    good(change);
    bad("DELETE FROM token_revoked");
    bad("UPDATE token_revoked SET reason = 'x'");
    bad("UPDATE serial SET token_mac = " + bytes32(0x11) + " WHERE id = 1");  // never back
}

TEST_P(Truth, Journal_only_grows_at_its_end) {
    bad("DELETE FROM event");
    bad("UPDATE event SET hash = " + bytes32(7));
    never("event (at_ms, mono_ns, boot, epoch, kind, data) VALUES (0, 0, 'b', 1, 'k', '{}')");
    never(
        "event (at_ms, mono_ns, boot, epoch, kind, data, prev, hash) VALUES (0, 0, 'b', 1, 'k', "
        "'{}', " +
        bytes32(7) + ", " + bytes32(8) + ")");
    never(
        "event (at_ms, mono_ns, boot, epoch, kind, data, prev, hash) VALUES (0, 0, 'b', 1, 'k', "
        "'{}', " +
        bytes32(1) + ", x'02')");
    bad("UPDATE station SET head_hash = x'01'");
    good("UPDATE station SET head_seq = 5");
    bad("UPDATE station SET head_seq = 4");
}

TEST_P(Truth, Anchors_and_certificates_stay) {
    never("anchor VALUES (5, " + bytes32(2) + ", 0, 'k', x'01', 'pass')");  // not that row's hash
    never("anchor VALUES (6, " + bytes32(1) + ", 0, 'k', x'01', 'pass')");
    good("INSERT INTO anchor VALUES (5, " + bytes32(1) + ", 0, 'k', x'01', 'pass')");
    never("anchor VALUES (5, " + bytes32(1) + ", 9, 'k', x'09', 'stop')");
    bad("UPDATE anchor SET at_ms = 5");
    bad("DELETE FROM anchor");
    never("certificate VALUES (1, 1, 5, 0, 'k', '{}')");  // not passed
    pass_job_1();
    never("certificate VALUES (1, 2, 5, 0, 'k', '{}')");  // another unit
    good("INSERT INTO certificate VALUES (1, 1, 5, 0, 'k', '{}')");
    never("certificate VALUES (1, 1, 5, 0, 'k', '{\"a\":1}')");
    bad("UPDATE certificate SET body = '{}'");
    bad("DELETE FROM certificate");
}

TEST_P(Truth, Keys_are_on_record_for_ever) {
    good("INSERT INTO seal_key VALUES (1, 'aa', NULL, 'current', 0)");
    never("seal_key VALUES (2, 'bb', NULL, 'current', 0)");
    never("seal_key VALUES (2, 'aa', NULL, 'retired', 0)");
    bad("UPDATE seal_key SET state = 'retired'");
    good("UPDATE seal_key SET state = 'retiring'");
    good("INSERT INTO seal_key VALUES (2, 'bb', x'01', 'current', 0)");
    bad("UPDATE seal_key SET state = 'current' WHERE id = 1");
    bad("UPDATE seal_key SET mac_key_sealed = NULL WHERE id = 2");
    good("UPDATE seal_key SET state = 'retired' WHERE id = 1");
    bad("DELETE FROM seal_key");
    good("INSERT INTO signing_key VALUES ('cc', 'PEM', 0, NULL)");
    never("signing_key VALUES ('cc', 'other', 0, NULL)");
    bad("UPDATE signing_key SET public_pem = 'x'");
    good("UPDATE signing_key SET retired_ms = 5");
    bad("UPDATE signing_key SET retired_ms = 6");
    bad("DELETE FROM signing_key");
}

TEST_P(Truth, Pass_without_a_chip_id_only_where_the_order_allows_it) {
    good(
        "INSERT INTO orders (id, name, profile, model, pool_id, quantity, state, opened_ms, "
        "opened_by, allow_no_chip) VALUES (2, 'lax', 'pr', 'nx', 1, 5, 'open', 0, 'x', 1)");
    bad("UPDATE orders SET allow_no_chip = 1 WHERE id = 1");
    good("UPDATE job SET unit_id = 3 WHERE id = 1");
    good(
        "INSERT INTO proof (job_id, kind, ok, expected, heard, at_ms) VALUES (1, 'image', 1, 'a', "
        "'a', 0), (1, 'serial', 1, 'a', 'a', 0)");
    good(
        "INSERT INTO lease (id, serial_id, unit_id, job_id, state, epoch, at_ms) VALUES (1, 1, 3, "
        "1, 'reserved', 1, 0); UPDATE lease SET state = 'issued'; UPDATE lease SET state = "
        "'burned'");
    bad("UPDATE job SET outcome = 'PASS', ended_ms = 1 WHERE id = 1");
    good("UPDATE job SET order_id = 2 WHERE id = 1");
    good("UPDATE job SET outcome = 'PASS', ended_ms = 1 WHERE id = 1");
}

TEST_P(Truth, Station_image_and_voided_serials) {
    never("station (id, name, created_ms) VALUES (1, 'other', 0)");
    bad("UPDATE station SET created_ms = 7");
    good("INSERT INTO image (id, key, profile, state) VALUES (1, 'k', 'p', 'building')");
    never("image (id, key, profile, state) VALUES (1, 'l', 'p', 'ready')");
    never("image (id, key, profile, state) VALUES (2, 'k', 'p', 'ready')");
    bad("DELETE FROM image");
    lease_in(1, "in_doubt");
    bad("UPDATE lease SET state = 'voided', reason = 'lost'");
    bad("UPDATE lease SET state = 'voided', by_user = 'ana'");
    good("UPDATE lease SET state = 'voided', reason = 'lost', by_user = 'ana'");
}

INSTANTIATE_TEST_SUITE_P(Connections, Truth, both_connections(), connection_name);

}  // namespace
}  // namespace lineside::db
