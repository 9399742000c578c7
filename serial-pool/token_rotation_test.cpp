// SPDX-License-Identifier: Apache-2.0
#include "serial-pool/token_rotation.h"

#include "serial-pool/pool_fixture.h"
#include "serial-pool/serial_range.h"

namespace lineside::serial_pool {
namespace {

class TokenRotation : public PoolFixture {
  protected:
    void SetUp() override {
        PoolFixture::SetUp();
        sql("INSERT INTO pool (id, name) VALUES (1, 'p')");
    }
    // Batch `id` with one serial; `rule` as SQL.
    void batch(int id, const std::string& serial, const std::string& token, const std::string& rule,
               const std::vector<std::string>& spares) {
        const std::string name = "b" + std::to_string(id);
        sql("INSERT INTO batch (id, pool_id, name, loaded_ms, loaded_by, file_sha256, count, "
            "token_rule) VALUES (" +
            std::to_string(id) + ", 1, '" + name + "', 0, 'x', 'y', 1, " + rule + ")");
        const auto seal = [&](const std::string& text, const std::string& of) {
            return db::Blob{vault->seal(base::Secret(text), {of, name}).value()};
        };
        const auto mac = [&](const std::string& text) {
            return db::Blob{vault->mac(text).value()};
        };
        const auto done = store->write_now([&](db::Tx& tx) -> base::Status {
            EXPECT_TRUE(
                tx.run("INSERT INTO serial (id, batch_id, value, value_key, token_sealed, "
                       "token_mac) VALUES (?1, ?1, ?2, lower(?2), ?3, ?4)",
                       id, serial, seal(token, serial), mac(token)));
            for (const std::string& spare : spares) {
                EXPECT_TRUE(
                    tx.run("INSERT INTO token_spare (batch_id, mac, sealed) VALUES (?1, ?2, ?3)",
                           id, mac(spare), seal(spare, "")));
            }
            return {};
        });
        ASSERT_TRUE(done);
        sql("UPDATE batch SET state = 'open' WHERE id = " + std::to_string(id));
        lease.serial = base::SerialId(id);
        lease.value = serial;
        lease.batch = name;
        lease.has_token = true;
    }
    TokenChange rotate() {
        Move move;
        move.reason = "rework";
        return run<TokenChange>([&](db::Tx& tx) { return rotate_token(tx, *vault, lease, move); })
            .value();
    }
    std::string live() {
        std::string token;
        EXPECT_TRUE(store->read_now([&](db::Tx& tx) -> base::Status {
            auto row = tx.one<db::Blob, db::Blob>(
                "SELECT token_sealed, token_mac FROM serial WHERE id = ?1", lease.serial);
            const auto& [sealed, mac] = **row;
            token = std::string(
                vault->open_token(sealed.bytes, {lease.value, lease.batch}).value().reveal());
            EXPECT_EQ(mac.bytes, vault->mac(token).value());
            return {};
        }));
        return token;
    }
    std::int64_t count(const std::string& what) {
        std::int64_t n = 0;
        EXPECT_TRUE(store->read_now([&](db::Tx& tx) -> base::Status {
            n = std::get<0>(**tx.one<std::int64_t>("SELECT count(*) FROM " + what));
            return {};
        }));
        return n;
    }
    Lease lease;
};

TEST_F(TokenRotation, Takes_spare_tokens_in_order_then_keeps_what_it_has) {
    batch(1, "S1", "first", "NULL", {"second", "third"});
    EXPECT_EQ(rotate(), TokenChange::rotated);
    EXPECT_EQ(live(), "second");
    EXPECT_EQ(rotate(), TokenChange::rotated);
    EXPECT_EQ(live(), "third");
    EXPECT_EQ(rotate(), TokenChange::kept);
    EXPECT_EQ(live(), "third");
    EXPECT_EQ(count("token_revoked WHERE serial_id = 1 AND reason = 'rework'"), 2);
    EXPECT_EQ(count("token"), 3);
    EXPECT_EQ(count("token_spare WHERE serial_id IS NULL"), 0);
}

TEST_F(TokenRotation, Draws_by_the_batchs_own_rule) {
    batch(1, "S1", "first",
          "'" + to_text(TokenRule{std::string(TokenMaker::kAlphanumeric), 24}) + "'", {});
    EXPECT_EQ(rotate(), TokenChange::rotated);
    const std::string second = live();
    EXPECT_EQ(second.size(), 24U);
    EXPECT_EQ(rotate(), TokenChange::rotated);
    EXPECT_NE(live(), second);
    EXPECT_EQ(count("token WHERE serial_id = 1"), 3);
}

TEST_F(TokenRotation, Without_spare_or_rule_the_token_stays) {
    batch(1, "S1", "first", "NULL", {});
    batch(2, "S2", "other", "NULL", {"not for S1"});
    lease.serial = base::SerialId(1);
    lease.value = "S1";
    lease.batch = "b1";
    EXPECT_EQ(rotate(), TokenChange::kept);
    EXPECT_EQ(live(), "first");
    EXPECT_EQ(count("token_revoked"), 0);
    lease.has_token = false;
    EXPECT_EQ(rotate(), TokenChange::kept);
}

TEST_F(TokenRotation, Rule_that_cannot_be_read_is_an_error_and_changes_nothing) {
    batch(1, "S1", "first", "'{}'", {});
    const auto bad =
        run<TokenChange>([&](db::Tx& tx) { return rotate_token(tx, *vault, lease, {}); });
    EXPECT_FALSE(bad);
    EXPECT_EQ(live(), "first");
}

}  // namespace
}  // namespace lineside::serial_pool
