// SPDX-License-Identifier: Apache-2.0
// Rotation of the sealing key: what is sealed stays openable at every moment, wherever it is
// killed; afterwards the old key opens nothing.
#include "serial-pool/seal_keys.h"

#include "serial-pool/key_ring.h"
#include "serial-pool/pool_fixture.h"
#include "station/base/text.h"

#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <fstream>
#include <thread>

namespace lineside::serial_pool {
namespace {

using base::Secret;
using base::Status;
using db::Tx;

Secret master(char c) {
    return Secret(std::string(32, c));
}
TokenVault vault_of(std::string_view keys) {
    std::vector<Secret> masters;
    for (const char c : keys) {
        const Secret one = master(c);
        masters.push_back(one);
    }
    return TokenVault::from_masters(masters).value();
}

class SealKeys : public PoolFixture {
  protected:
    void SetUp() override {
        PoolFixture::SetUp();
        begin(*vault);
        std::string csv = "serial,token\n";
        for (int i = 0; i < 300; ++i) {
            csv += fmt::format("S{:03},token-{}\n", i, i);
        }
        ASSERT_TRUE(load("p", "b", csv));
        // A spare token, a revoked one, a field: by hand, sealed as their places say.
        sql("INSERT INTO batch (id, pool_id, name, test_only, loaded_ms, loaded_by, file_sha256, "
            "count) VALUES (90, 1, 'more', 0, 0, 'x', 'y', 1)");
        const std::string mac = vault->mac("spare").value();
        put("INSERT INTO token_spare (batch_id, mac, sealed) VALUES (90, ?1, ?2)", db::Blob{mac},
            db::Blob{vault->seal(Secret("spare"), {"", "more"}).value()});
        put("INSERT INTO serial (id, batch_id, value, value_key, token_sealed, token_mac) VALUES "
            "(900, 90, 'X', 'x', ?1, ?2)",
            db::Blob{vault->seal(Secret("one"), {"X", "more"}).value()},
            db::Blob{vault->mac("one").value()});
        put("INSERT INTO serial_field (serial_id, name, sealed) VALUES (?1, 'ap_password', ?2)",
            900, db::Blob{vault->seal(Secret("wifi"), {"X", "more", "ap_password"}).value()});
        sql("UPDATE batch SET state = 'open' WHERE id = 90");
        sql("INSERT INTO token_revoked (serial_id, mac, sealed, at_ms, by_user, reason) SELECT id, "
            "token_mac, token_sealed, 1, 'ana', 'test' FROM serial WHERE id = 900");
    }
    static std::string hex(const std::string& bytes) {
        return base::to_hex({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
    }
    template <typename... Args>
    void put(std::string_view text, const Args&... args) {
        auto done = store->write_now([&](Tx& tx) -> Status {
            auto ran = tx.run(text, args...);
            return ran ? Status() : tl::unexpected<base::Error>(ran.error());
        });
        ASSERT_TRUE(done) << done.error().message;
    }
    base::Result<std::optional<KeyChange>> settle(const TokenVault& with) {
        return run<std::optional<KeyChange>>(
            [&](Tx& tx) { return settle_keys(tx, with, 1'700'000'000'000); });
    }
    void begin(TokenVault& with) {
        ASSERT_TRUE(settle(with));
        auto adopted = store->read_now([&](Tx& tx) { return adopt_keys(tx, with); });
        ASSERT_TRUE(adopted) << adopted.error().message;
    }
    std::int64_t number(const std::string& text) {
        std::int64_t n = -1;
        EXPECT_TRUE(store->read_now([&](Tx& tx) -> Status {
            n = std::get<0>(*tx.one<std::int64_t>(text).value());
            return {};
        }));
        return n;
    }
    // How many of the sealed forms open with this vault, of 304 in four tables.
    int opening(const TokenVault& with) {
        int n = 0;
        EXPECT_TRUE(store->read_now([&](Tx& tx) -> Status {
            const auto rows = tx.all<db::Blob, std::string, std::string, std::string>(
                "SELECT token_sealed, value, (SELECT name FROM batch WHERE id = batch_id), '' FROM "
                "serial UNION ALL SELECT sealed, '', 'more', '' FROM "
                "token_spare UNION ALL SELECT sealed, 'X', 'more', '' FROM token_revoked UNION ALL "
                "SELECT sealed, 'X', 'more', name FROM serial_field");
            for (const auto& [sealed, serial, batch, field] : *rows) {
                n += with.open_token(sealed.bytes, {serial, batch, field}) ? 1 : 0;
            }
            return {};
        }));
        return n;
    }
    std::int64_t sealed_by(const TokenVault& with) {
        return number(
            "SELECT (SELECT count(*) FROM serial WHERE hex(substr(token_sealed,2,8)) = "
            "upper('" +
            with.key_id() + "'))");
    }
    // All that is left to do, as the background does it.
    void finish(const TokenVault& with) {
        while (reseal(*store, with, {}).value() != 0) {
        }
        ASSERT_TRUE(store->write_now([&](Tx& tx) -> Status {
            const auto retiring = retiring_keys(tx).value();
            for (const std::string& id : retiring) {
                if (auto done = retire_key(tx, id); !done) {
                    return done;
                }
            }
            return {};
        }));
    }
};

TEST_F(SealKeys, First_start_puts_the_key_on_record) {
    EXPECT_EQ(number("SELECT count(*) FROM seal_key WHERE state = 'current' AND key_id = '" +
                     vault_of("k").key_id() + "' AND mac_key_sealed IS NULL"),
              1);
    EXPECT_FALSE(settle(*vault)->has_value());
}

TEST_F(SealKeys, Rotation_reseals_every_place_and_the_old_key_opens_nothing) {
    TokenVault both = vault_of("kn");
    const auto change = settle(both).value();
    ASSERT_TRUE(change);
    EXPECT_EQ(change->before, vault_of("k").key_id());
    EXPECT_EQ(change->key_id, vault_of("n").key_id());
    begin(both);
    EXPECT_EQ(opening(both), 304);
    finish(both);
    EXPECT_EQ(opening(both), 304);
    EXPECT_EQ(opening(vault_of("n")), 304);
    EXPECT_EQ(opening(vault_of("k")), 0);
    EXPECT_EQ(number("SELECT count(*) FROM seal_key WHERE state = 'retired'"), 1);
    // With the new key alone: still one uniqueness, so a token that was is refused.
    TokenVault alone = vault_of("n");
    begin(alone);
    EXPECT_TRUE(store->read_now([&](Tx& tx) { return check_keys(tx, alone); }));
    EXPECT_EQ(alone.mac("token-7").value(), vault_of("k").mac("token-7").value());
    EXPECT_NE(alone.mac("token-7").value(), vault_of("n").mac("token-7").value());
}

TEST_F(SealKeys, Second_rotation_hands_the_uniqueness_key_on) {
    for (const char* keys : {"kn", "nm", "mz"}) {
        TokenVault next = vault_of(keys);
        begin(next);
        finish(next);
    }
    TokenVault last = vault_of("z");
    begin(last);
    EXPECT_EQ(opening(last), 304);
    EXPECT_EQ(last.mac("x").value(), vault_of("k").mac("x").value());
}

TEST_F(SealKeys, Stopped_at_every_slice_it_goes_on_where_it_was) {
    for (int stop_at = 1; stop_at < 12; ++stop_at) {
        TokenVault both = vault_of("kn");
        begin(both);
        int asked = 0;
        (void)reseal(*store, both, [&] { return ++asked < stop_at; });
        EXPECT_EQ(opening(both), 304) << stop_at;
    }
    TokenVault both = vault_of("kn");
    begin(both);
    finish(both);
    EXPECT_EQ(opening(vault_of("n")), 304);
}

TEST_F(SealKeys, Load_that_began_before_is_found_and_sealed_anew) {
    TokenVault both = vault_of("k");
    begin(both);
    auto bulk = std::make_unique<TokenVault::Bulk>(both);  // a load at work
    const auto file = folder / "ring";
    std::ofstream(file) << "lineside-key-1 " << std::string(64, '6') << "\n";
    ::chmod(file.c_str(), 0600);
    ASSERT_TRUE(both.read_again(file));
    begin(both);
    EXPECT_TRUE(both.older_in_use());
    EXPECT_EQ(base::from_hex(both.key_id()),
              base::from_hex(hex(both.seal(Secret("t"), {"a", "b"})->substr(1, 8))));
    const auto late = bulk->seal("late", {"L1", "b2"}).value();
    EXPECT_EQ(hex(late.substr(1, 8)), vault_of("k").key_id());
    bulk.reset();
    EXPECT_FALSE(both.older_in_use());
    EXPECT_EQ(both.open_token(late, {"L1", "b2"})->reveal(), "late");
}

TEST_F(SealKeys, Others_write_while_a_big_pool_is_sealed_anew) {
    std::string csv = "serial,token\n";
    for (int i = 0; i < 30'000; ++i) {
        csv += fmt::format("L{:05},long-{}\n", i, i);
    }
    ASSERT_TRUE(load("p", "long", csv));
    TokenVault both = vault_of("kn");
    begin(both);
    std::atomic<bool> ended{false};
    std::vector<std::int64_t> waits_us;
    std::thread writer([&] {
        for (int i = 0; !ended; ++i) {
            const auto from = std::chrono::steady_clock::now();
            sql(fmt::format("INSERT INTO pool (name) VALUES ('w{}')", i));
            waits_us.push_back(std::chrono::duration_cast<std::chrono::microseconds>(
                                   std::chrono::steady_clock::now() - from)
                                   .count());
        }
    });
    const auto changed = reseal(*store, both, {});
    ended = true;
    writer.join();
    EXPECT_EQ(changed.value(), 30'304);
    std::sort(waits_us.begin(), waits_us.end());
    // A slice is at most 9 ms of statements: many writes of others come in between.
    ASSERT_GT(waits_us.size(), 10U);
    std::printf("writes meanwhile: %zu, median %lld us, 99 of 100 within %lld us\n",
                waits_us.size(), static_cast<long long>(waits_us[waits_us.size() / 2]),
                static_cast<long long>(waits_us[waits_us.size() * 99 / 100]));
}

TEST_F(SealKeys, Lost_or_wrong_key_is_told_by_name) {
    const auto lost = settle(vault_of("o"));
    ASSERT_FALSE(lost);
    EXPECT_NE(lost.error().message.find("have key " + vault_of("o").key_id()), std::string::npos);
    EXPECT_NE(lost.error().message.find("need key " + vault_of("k").key_id()), std::string::npos);
    // The old line went too early: rows still need it.
    TokenVault both = vault_of("kn");
    begin(both);
    TokenVault early = vault_of("n");
    const auto told = store->read_now([&](Tx& tx) { return check_keys(tx, early); });
    ASSERT_FALSE(told);
    EXPECT_NE(told.error().message.find("need key " + vault_of("k").key_id()), std::string::npos);
    // Back to a key that was: refused, the record of it stays.
    finish(both);
    const auto back = settle(vault_of("nk"));
    ASSERT_FALSE(back);
    EXPECT_NE(back.error().message.find("was retired"), std::string::npos);
}

TEST_F(SealKeys, Sealed_form_moved_to_another_row_does_not_open_after_a_rotation_either) {
    TokenVault both = vault_of("kn");
    begin(both);
    finish(both);
    ASSERT_TRUE(store->read_now([&](Tx& tx) -> Status {
        const auto [sealed] =
            *tx.one<db::Blob>("SELECT token_sealed FROM serial WHERE value = 'S001'").value();
        EXPECT_TRUE(both.open_token(sealed.bytes, {"S001", "b"}));
        EXPECT_FALSE(both.open_token(sealed.bytes, {"S002", "b"}));
        EXPECT_FALSE(both.open_token(sealed.bytes, {"S001", "c"}));
        EXPECT_FALSE(both.open_token(sealed.bytes, {"S001", "b", "ap_password"}));
        return {};
    }));
}

#ifdef LINESIDE_CRASHPOINTS
// The child is this program anew: it finds its database in the environment and sets nothing up.
class SealKeysKilled : public SealKeys, public testing::WithParamInterface<const char*> {
  protected:
    void SetUp() override {
        GTEST_FLAG_SET(death_test_style, "threadsafe");
        if (std::getenv("LINESIDE_TEST_DB") == nullptr) {
            SealKeys::SetUp();
            store.reset();
            ::setenv("LINESIDE_CRASH_AT", GetParam(), 1);
            ::setenv("LINESIDE_TEST_DB", (folder / "station.db").c_str(), 1);
        }
    }
    static void rotate() {
        boost::asio::io_context io;
        auto opened = db::Store::open(io, std::getenv("LINESIDE_TEST_DB")).value();
        TokenVault both = vault_of("kn");
        (void)opened->write_now([&](Tx& tx) -> Status {
            auto change = settle_keys(tx, both, 1);
            return change ? Status() : tl::unexpected<base::Error>(change.error());
        });
        (void)opened->read_now([&](Tx& tx) { return adopt_keys(tx, both); });
        (void)reseal(*opened, both, {});
    }
};

TEST_P(SealKeysKilled, Nothing_is_lost_and_the_next_one_ends_it) {
    EXPECT_EXIT(rotate(), testing::KilledBySignal(SIGKILL), "");
    ::unsetenv("LINESIDE_CRASH_AT");
    ::unsetenv("LINESIDE_TEST_DB");
    store = db::Store::open(loop, folder / "station.db").value();
    EXPECT_EQ(opening(vault_of("kn")), 304);
    TokenVault both = vault_of("kn");
    begin(both);
    finish(both);
    EXPECT_EQ(opening(vault_of("n")), 304);
    EXPECT_EQ(opening(vault_of("k")), 0);
}
// Commits: the key's row, then a slice for each of the four tables.
INSTANTIATE_TEST_SUITE_P(Points, SealKeysKilled,
                         testing::Values("key_row_written", "before_commit", "after_commit",
                                         "before_commit:2", "after_commit:2", "before_commit:3",
                                         "after_commit:3", "before_commit:4", "after_commit:4",
                                         "before_commit:5", "after_commit:5", "reseal_rows",
                                         "reseal_rows:150", "reseal_rows:301", "reseal_rows:304"));
#endif

class KeyRing : public testing::Test {
  protected:
    void SetUp() override {
        std::string name = testing::TempDir() + "ring-XXXXXX";
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        folder = name;
        file = folder / "station.key";
    }
    void TearDown() override { std::filesystem::remove_all(folder); }
    std::vector<std::string> ids() const { return TokenVault::open(file, false)->key_ids(); }
    std::filesystem::path folder;
    std::filesystem::path file;
};

TEST_F(KeyRing, Grows_at_its_end_and_loses_what_is_retired_but_never_its_last) {
    ASSERT_TRUE(make_key_ring(file));
    ASSERT_TRUE(append_key(file));
    ASSERT_TRUE(append_key(file));
    const auto three = ids();
    ASSERT_EQ(three.size(), 3U);
    EXPECT_EQ(TokenVault::open(file, false)->key_id(), three[2]);
    ASSERT_TRUE(drop_keys(file, {three[0], three[2]}));
    EXPECT_EQ(ids(), (std::vector<std::string>{three[1], three[2]}));
    struct stat facts {};
    ASSERT_EQ(::stat(file.c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 0777U, 0600U);
}

TEST_F(KeyRing, Is_bounded) {
    ASSERT_TRUE(make_key_ring(file));
    for (int i = 1; i < 16; ++i) {
        ASSERT_TRUE(append_key(file));
    }
    EXPECT_FALSE(append_key(file));
    EXPECT_EQ(ids().size(), 16U);
}

}  // namespace
}  // namespace lineside::serial_pool
