// SPDX-License-Identifier: Apache-2.0
#include "station/db/query.h"

#include <gtest/gtest.h>
#include <sqlite3.h>

namespace lineside::db {
namespace {

class QueryTest : public testing::Test {
  protected:
    void SetUp() override {
        ASSERT_EQ(sqlite3_open(":memory:", &raw), SQLITE_OK);
        tx.emplace(raw);
        ASSERT_TRUE(tx->run("CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT, c REAL, d BLOB)"));
    }
    void TearDown() override {
        tx.reset();
        sqlite3_close(raw);
    }
    sqlite3* raw = nullptr;
    std::optional<Tx> tx;
};

TEST_F(QueryTest, Types_come_back_as_they_went_in) {
    const std::string text("nul\0inside", 10);
    EXPECT_EQ(tx->insert("INSERT INTO t (b, c, d) VALUES (?1, ?2, ?3)", text, 1.5,
                         Blob{std::string("\0\1", 2)})
                  .value(),
              1);
    EXPECT_EQ(tx->insert("INSERT INTO t (b, c, d) VALUES (?1, ?2, ?3)", nullptr,
                         std::optional<double>(), Blob{})
                  .value(),
              2);
    const auto rows = tx->all<base::UnitId, std::optional<std::string>, std::optional<double>,
                              std::optional<Blob>>("SELECT a, b, c, d FROM t ORDER BY a")
                          .value();
    ASSERT_EQ(rows.size(), 2U);
    EXPECT_EQ(rows[0], (std::tuple{base::UnitId(1), std::optional(text), std::optional(1.5),
                                   std::optional(Blob{std::string("\0\1", 2)})}));
    EXPECT_EQ(rows[1], (std::tuple{base::UnitId(2), std::optional<std::string>(),
                                   std::optional<double>(), std::optional(Blob{})}));
}

TEST_F(QueryTest, One_gives_nothing_when_there_is_no_row) {
    EXPECT_FALSE((tx->one<std::int64_t>("SELECT a FROM t")).value());
    ASSERT_TRUE(tx->insert("INSERT INTO t (a) VALUES (?1)", 7));
    EXPECT_EQ(std::get<0>(*tx->one<std::int64_t>("SELECT a FROM t").value()), 7);
}

TEST_F(QueryTest, Rows_changed_are_counted) {
    EXPECT_EQ(tx->run("INSERT INTO t (b) VALUES ('x'), ('x'), ('y')").value(), 3);
    EXPECT_EQ(tx->run("UPDATE t SET c = 1 WHERE b = ?1", "x").value(), 2);
    EXPECT_EQ(tx->run("UPDATE t SET c = 1 WHERE b = ?1", "none").value(), 0);
    EXPECT_EQ(tx->run("SELECT 1").value(), 0);
    EXPECT_EQ(tx->insert("INSERT INTO t (b) SELECT 'z' WHERE 0").value(), 0);
}

TEST_F(QueryTest, Same_statement_may_run_inside_itself) {
    ASSERT_TRUE(tx->run("INSERT INTO t (b) VALUES ('x'), ('y')"));
    int seen = 0;
    ASSERT_TRUE(tx->each("SELECT b FROM t", {}, [&](const Tx::Row&) {
        return tx->each("SELECT b FROM t", {}, [&](const Tx::Row&) { return ++seen > 0; })
            .has_value();
    }));
    EXPECT_EQ(seen, 4);
}

TEST_F(QueryTest, Closures_cannot_end_the_transaction_or_replace_rows) {
    for (const char* sql :
         {"BEGIN", "commit", "ROLLBACK", "SAVEPOINT x", "RELEASE x", "end", "VACUUM",
          "ATTACH 'x' AS y", "INSERT OR REPLACE INTO t (a) VALUES (1)",
          "insert or\n replace INTO t (a) VALUES (1)", "UPDATE OR REPLACE t SET a = 1",
          "REPLACE INTO t (a) VALUES (1)", "", "SELECT 1; SELECT 2"}) {
        EXPECT_FALSE(tx->run(sql)) << sql;
    }
    EXPECT_TRUE(tx->run("SELECT replace(b, 'x', 'y'), 'OR REPLACE' FROM t"));
}

TEST_F(QueryTest, Wrong_number_of_values_is_an_error) {
    EXPECT_FALSE(tx->run("SELECT ?1"));
    EXPECT_FALSE(tx->run("SELECT 1", 2));
}

TEST_F(QueryTest, Errors_carry_the_text_and_the_statement_works_again) {
    ASSERT_TRUE(tx->insert("INSERT INTO t (a) VALUES (?1)", 1));
    const auto twice = tx->insert("INSERT INTO t (a) VALUES (?1)", 1);
    ASSERT_FALSE(twice);
    EXPECT_EQ(twice.error().code, "db.failed");
    EXPECT_NE(twice.error().message.find("UNIQUE"), std::string::npos);
    EXPECT_EQ(tx->insert("INSERT INTO t (a) VALUES (?1)", 2).value(), 2);
    EXPECT_FALSE(tx->run("SELECT nonsense FROM nowhere"));
}

}  // namespace
}  // namespace lineside::db
