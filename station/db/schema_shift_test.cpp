// SPDX-License-Identifier: Apache-2.0
// The rules of what people decide during a shift: slots, releases of images, labels, badges.
#include "station/db/schema_fixture.h"

namespace lineside::db {
namespace {

class Shift : public Schema {
  protected:
    void pass_job_1() {
        good(
            "INSERT INTO proof (job_id, kind, ok, expected, heard, at_ms) VALUES (1, 'image', 1, "
            "'a', 'a', 0), (1, 'serial', 1, 'a', 'a', 0)");
        lease_in(1, "burned");
        good("UPDATE job SET outcome = 'PASS', ended_ms = 1 WHERE id = 1");
    }
};

TEST_P(Shift, A_slot_is_closed_once_and_opened_again_with_a_reason) {
    good(
        "INSERT INTO slot_closing (id, slot, closed_ms, closed_by, reason) VALUES (1, '3', 5, "
        "'ana', 'cable')");
    for (const char* verb : {"INSERT", "INSERT OR REPLACE"}) {
        bad(
            fmt::format("{} INTO slot_closing (slot, closed_ms, closed_by, reason) VALUES ('3', 6, "
                        "'ben', 'x')",
                        verb));
    }
    bad("INSERT INTO slot_closing (slot, closed_ms, closed_by, reason) VALUES ('4', 6, 'ben', ' "
        "')");
    bad("UPDATE slot_closing SET reason = 'other'");
    bad("UPDATE slot_closing SET reopened_ms = 9, reopened_by = 'tom'");
    bad("DELETE FROM slot_closing");
    good(
        "UPDATE slot_closing SET reopened_ms = 9, reopened_by = 'tom', reopen_reason = 'new "
        "cable'");
    bad("UPDATE slot_closing SET reopen_reason = 'other'");
    good(
        "INSERT INTO slot_closing (slot, closed_ms, closed_by, reason) VALUES ('3', 10, 'a', 'b')");
}

TEST_P(Shift, Two_people_release_an_image_not_one_twice) {
    good("INSERT INTO image (id, key, profile, state) VALUES (1, 'k', 'pr', 'ready')");
    const auto by = [](const char* who) {
        return fmt::format(
            "INSERT INTO image_release (image_id, kind, by_user, at_ms) VALUES (1, 'release', "
            "'{}', 1)",
            who);
    };
    good(by("ana"));
    bad(by("ana"));
    bad(by("Ana"));
    good(by("ben"));
    bad("INSERT INTO image_release (image_id, kind, by_user, at_ms) VALUES (1, 'emergency', 'x', "
        "1)");
    bad("UPDATE image_release SET by_user = 'eve'");
    bad("DELETE FROM image_release");
    good(
        "INSERT INTO image_release (image_id, kind, by_user, at_ms, reason) VALUES (1, "
        "'withdrawal', 'ana', 2, 'wrong firmware')");
    good(by("ana"));
}

TEST_P(Shift, An_order_stays_closed_and_a_job_keeps_its_release) {
    good("UPDATE orders SET state = 'paused'; UPDATE orders SET state = 'open'");
    bad("UPDATE orders SET recipe = '[]'");
    bad("UPDATE orders SET quantity = quantity + 1");
    good(
        "INSERT INTO image (id, key, profile, state) VALUES (1, 'k', 'pr', 'ready'), (2, 'l', "
        "'pr', 'ready'); UPDATE orders SET image_id = 1 WHERE id = 1");
    bad("UPDATE orders SET image_id = 2 WHERE id = 1");
    bad("UPDATE orders SET image_id = NULL WHERE id = 1");
    good("UPDATE orders SET state = 'closed', ended_ms = 1, ended_by = 'ana'");
    bad("UPDATE orders SET state = 'open'");
    bad("UPDATE job SET image_release = 'two' WHERE id = 1");
    bad("UPDATE job SET image_release = 'one' WHERE id = 1");
}

TEST_P(Shift, Labels_are_of_units_that_passed) {
    const std::string label =
        "INTO label (job_id, copy, template, reason, asked_ms, asked_by, state) VALUES ";
    bad("INSERT " + label + "(1, 1, 't', NULL, 1, 'ana', 'waiting')");
    pass_job_1();
    bad("INSERT " + label + "(2, 1, 't', NULL, 1, 'ana', 'waiting')");
    bad("INSERT " + label + "(1, 1, 't', NULL, 1, 'ana', 'printed')");
    good("INSERT " + label + "(1, 1, 't', NULL, 1, 'ana', 'waiting')");
    bad("INSERT OR REPLACE " + label + "(1, 1, 't', NULL, 1, 'ben', 'waiting')");
    bad("INSERT " + label + "(1, 2, 't', NULL, 1, 'ana', 'waiting')");  // why another?
    good("INSERT " + label + "(1, 2, 't', 'torn', 1, 'ana', 'waiting')");
    bad("UPDATE label SET state = 'printed' WHERE copy = 1");
    good("UPDATE label SET state = 'failed', message = 'no paper', tries = 1 WHERE copy = 1");
    good("UPDATE label SET state = 'printed', printed_ms = 7, tries = 2 WHERE copy = 1");
    bad("UPDATE label SET state = 'waiting', printed_ms = NULL WHERE copy = 1");
    bad("UPDATE label SET reason = 'other' WHERE copy = 2");
    good("UPDATE label SET checked_ms = 9, checked_by = 'ana' WHERE copy = 1");
    bad("UPDATE label SET checked_ms = NULL, checked_by = NULL WHERE copy = 1");
    bad("DELETE FROM label");
}

TEST_P(Shift, A_badge_is_one_a_person_and_works_at_a_screen_alone) {
    good(
        "INSERT INTO account (id, name, name_key, role, password, made_ms, made_by) VALUES (1, "
        "'Ana', 'ana', 'operator', 'x', 0, 'x')");
    good(
        "INSERT INTO session (id, hash, account_id, source, opened_ms, opened_by, expires_ms) "
        "VALUES (1, " +
        bytes32(1) + ", 1, 's', 0, 'ana', 9)");
    good("INSERT INTO session (id, hash, screen, source, opened_ms, opened_by) VALUES (2, " +
         bytes32(2) + ", 'wall', 's', 0, 'tom')");
    good("INSERT INTO badge (id, account_id, hash, made_ms, made_by) VALUES (1, 1, " + bytes32(5) +
         ", 0, 'tom')");
    bad("INSERT INTO badge (account_id, hash, made_ms, made_by) VALUES (1, " + bytes32(6) +
        ", 0, 'tom')");
    bad("UPDATE badge SET account_id = 2");
    bad("DELETE FROM badge");
    const auto shift = [](int session) {
        return fmt::format(
            "INSERT INTO badge_shift (badge_id, session_id, opened_ms, expires_ms) VALUES (1, {}, "
            "0, 9)",
            session);
    };
    bad(shift(1));  // an account's session
    good(shift(2));
    bad(shift(2));
    good("UPDATE badge_shift SET ended_ms = 3, ended_by = 'next badge'");
    bad("UPDATE badge_shift SET ended_ms = 4");
    good("UPDATE badge SET revoked_ms = 5, revoked_by = 'tom'");
    bad(shift(2));
    good("UPDATE account SET language = 'vi'");
    bad("UPDATE account SET language = 'xx'");
    good("INSERT INTO badge (account_id, hash, made_ms, made_by) VALUES (1, " + bytes32(6) +
         ", 0, 'tom')");
}

INSTANTIATE_TEST_SUITE_P(Connections, Shift, both_connections(), connection_name);

}  // namespace
}  // namespace lineside::db
