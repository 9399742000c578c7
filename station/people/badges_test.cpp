// SPDX-License-Identifier: Apache-2.0
// Badges over a real database file: what one opens, where, for how long; and that it stands
// nowhere.
#include "station/base/text.h"
#include "station/people/people_fixture.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace lineside::people {
namespace {

using base::Json;
using base::Secret;
using std::chrono::hours;

class BadgesTest : public PeopleFixture {
  protected:
    void SetUp() override {
        PeopleFixture::SetUp();
        const auto code =
            wait<Result<Secret>>([&](auto done) { people->make_first_link("root", done); }).value();
        admin = wait<Result<Opened>>([&](auto done) {
                    people->use_first_link(code, "Ana Kim", Secret("correct horse 1"), "::1", done);
                }).value();
        olu = account("Olu");
        screen = let_in("Wall 1");
    }
    Result<Json> done(const std::function<void(People::Done)>& call) {
        return wait<Result<Json>>(call);
    }
    std::int64_t account(const char* name) {
        return done([&](auto d) {
                   people->make_account(name, Role::operator_, Secret("battery staple 2"),
                                        "Ana Kim", d);
               })
            .value()["account"];
    }
    Opened let_in(const char* name) {
        const auto asked = people->ask_for_screen("::1").value();
        EXPECT_TRUE(done([&](auto d) { people->confirm_screen(asked.code, name, "Ana Kim", d); }));
        return people->take_screen(asked.ticket).value().value();
    }
    Secret badge(std::int64_t of) {
        return wait<Result<Secret>>([&](auto d) { people->make_badge(of, "Ana Kim", d); }).value();
    }
    Result<Json> scan(const Opened& at, const Secret& code) {
        return done([&](auto d) { people->open_shift(at.person.session, code, "10.0.0.7", d); });
    }
    std::string code_of(const Result<Json>& result) {
        return result ? "fine" : result.error().code;
    }
    Role role(const Opened& at) {
        const auto person = people->who(at.key);
        return person ? person->role : Role::anyone;
    }

    Opened admin;
    Opened screen;
    std::int64_t olu = 0;
};

TEST_F(BadgesTest, OpensOperatorAtAScreenUnderItsHoldersNameForOneShift) {
    const Secret code = badge(olu);
    ASSERT_EQ(code.reveal().size(), 31U);
    EXPECT_EQ(code.reveal().substr(0, 5), "LSB1:");
    EXPECT_EQ(role(screen), Role::display);
    ASSERT_TRUE(scan(screen, code));
    EXPECT_EQ(people->who(screen.key)->name, "Olu");
    EXPECT_EQ(people->who(screen.key)->role, Role::operator_);
    EXPECT_EQ(people->who(screen.key)->account, 0) << "no account's own rights";
    clock.advance_ms(8 * 3'600'000 - 1);
    begin();
    EXPECT_EQ(role(screen), Role::operator_) << "over a restart";
    clock.advance_ms(1);
    EXPECT_EQ(role(screen), Role::display);
    EXPECT_EQ(people->who(screen.key)->name, "Wall 1");
}

TEST_F(BadgesTest, AnAdminsBadgeOpensOperatorOnly) {
    ASSERT_TRUE(scan(screen, badge(admin.person.account)));
    EXPECT_EQ(role(screen), Role::operator_);
}

TEST_F(BadgesTest, AScannerInLowerCaseIsUnderstood) {
    std::string text = base::to_lower_ascii(badge(olu).reveal());
    EXPECT_TRUE(scan(screen, Secret(" " + text + " ")));
}

TEST_F(BadgesTest, TheNextBadgeTakesOver) {
    const std::int64_t mai = account("Mai");
    const Secret first = badge(olu);
    const Secret second = badge(mai);
    ASSERT_TRUE(scan(screen, first));
    ASSERT_TRUE(scan(screen, second));
    EXPECT_EQ(people->who(screen.key)->name, "Mai");
    EXPECT_TRUE(done([&](auto d) { people->end_shift(screen.person.session, "Mai", d); }));
    EXPECT_EQ(role(screen), Role::display);
    EXPECT_EQ(role(admin), Role::admin);
}

TEST_F(BadgesTest, OpensNothingButAScreenAndAllRefusalsAreOne) {
    const Secret code = badge(olu);
    const Opened another = admin;
    EXPECT_EQ(code_of(scan(another, code)), "people.badge");
    Opened nobody;
    EXPECT_EQ(code_of(scan(nobody, code)), "people.badge");
    const auto wrong = scan(screen, Secret("LSB1:AAAAAAAAAAAAAAAAAAAAAAAAAA"));
    const auto account = scan(another, code);
    ASSERT_FALSE(wrong || account);
    EXPECT_EQ(wrong.error().message, account.error().message);
    EXPECT_EQ(role(screen), Role::display);
}

TEST_F(BadgesTest, RevokingClosingPuttingOutEndTheShiftAtOnce) {
    const Secret first = badge(olu);
    ASSERT_TRUE(scan(screen, first));
    ASSERT_TRUE(done([&](auto d) { people->revoke_badge(olu, "Ana Kim", d); }));
    EXPECT_EQ(role(screen), Role::display);
    EXPECT_EQ(code_of(scan(screen, first)), "people.badge");

    const Secret second = badge(olu);
    ASSERT_TRUE(scan(screen, second));
    const Secret third = badge(olu);  // a new one is the only one
    EXPECT_EQ(role(screen), Role::display);
    EXPECT_EQ(code_of(scan(screen, second)), "people.badge");

    ASSERT_TRUE(scan(screen, third));
    ASSERT_TRUE(done([&](auto d) { people->revoke_screen(screen.person.session, "Ana Kim", d); }));
    EXPECT_FALSE(people->who(screen.key));
    const Opened again = let_in("Wall 1");
    ASSERT_TRUE(scan(again, third));
    ASSERT_TRUE(done([&](auto d) { people->close_account(olu, "Ana Kim", d); }));
    EXPECT_EQ(role(again), Role::display);
    EXPECT_EQ(code_of(scan(again, third)), "people.badge");
    begin();
    EXPECT_EQ(role(again), Role::display);
}

TEST_F(BadgesTest, GuessingCostsAGrowingPause) {
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(code_of(scan(screen, Secret("LSB1:WRONG"))), "people.badge");
    }
    EXPECT_EQ(code_of(scan(screen, Secret("LSB1:WRONG"))), "people.badge");
    const Secret code = badge(olu);
    EXPECT_EQ(code_of(scan(screen, code)), "people.wait");
    clock.advance_ms(2000);
    EXPECT_TRUE(scan(screen, code));
}

TEST_F(BadgesTest, ABadgeStandsNowhereAndTheJournalTellsWho) {
    const Secret code = badge(olu);
    const Secret wrong("LSB1:WRONGWRONGWRONGWRONGWRONGW");
    ASSERT_TRUE(scan(screen, code));
    EXPECT_FALSE(scan(screen, wrong));
    ASSERT_TRUE(done([&](auto d) { people->revoke_badge(olu, "Ana Kim", d); }));
    std::string told;
    ASSERT_TRUE(store->read_now([&](Tx& tx) {
        return tx.each("SELECT kind, coalesce(actor, '-') FROM event ORDER BY seq", {},
                       [&](const db::Tx::Row& row) {
                           told += row.text(0) + " " + row.text(1) + "\n";
                           return true;
                       });
    }));
    for (const char* each : {"badge.made Ana Kim", "shift.opened Olu", "badge.refused Wall 1",
                             "shift.ended Ana Kim", "badge.revoked Ana Kim"}) {
        EXPECT_NE(told.find(each), std::string::npos) << each << "\n" << told;
    }
    const std::string listed = people->list().dump();
    int looked_at = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        std::stringstream text;
        text << std::ifstream(entry.path()).rdbuf();
        ++looked_at;
        for (const Secret* each : {&code, &wrong}) {
            const std::string bits(each->reveal().substr(5));
            EXPECT_EQ(text.str().find(bits), std::string::npos) << entry.path();
            EXPECT_EQ(listed.find(bits), std::string::npos);
        }
    }
    EXPECT_GT(looked_at, 0);
}

}  // namespace
}  // namespace lineside::people
