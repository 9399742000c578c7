// SPDX-License-Identifier: Apache-2.0
// Accounts, log-ins and screens over a real database file, with a cheap hash and a clock that the
// test turns.
#include "station/people/people_fixture.h"

#include <gtest/gtest.h>

#include <fstream>

namespace lineside::people {
namespace {

using base::Json;
using base::Secret;
using Opening = base::Result<Opened>;

Secret secret(const char* text) {
    return Secret(text);
}

class PeopleTest : public PeopleFixture {
  protected:
    Opening log_in(const char* name, const char* password, const char* from = "127.0.0.1") {
        return wait<Opening>(
            [&](auto done) { people->log_in(name, secret(password), from, done); });
    }
    base::Result<Json> make(const char* name, Role role, const char* password) {
        return wait<base::Result<Json>>(
            [&](auto done) { people->make_account(name, role, secret(password), "test", done); });
    }
    Opening first(const Secret& code, const char* name = "Ana Kim") {
        return wait<Opening>([&](auto done) {
            people->use_first_link(code, name, secret("correct horse 1"), "127.0.0.1", done);
        });
    }
    Secret link() {
        return wait<base::Result<Secret>>([&](auto done) { people->make_first_link("root", done); })
            .value();
    }
    std::string events() {
        std::string all;
        EXPECT_TRUE(store->read_now([&](Tx& tx) {
            return tx.each("SELECT kind, coalesce(actor, '-'), data FROM event ORDER BY seq", {},
                           [&](const db::Tx::Row& row) {
                               all += row.text(0) + " " + row.text(1) + " " + row.text(2) + "\n";
                               return true;
                           });
        }));
        return all;
    }
};

TEST_F(PeopleTest, First_link_makes_one_admin_once_and_not_after_a_quarter_of_an_hour) {
    EXPECT_TRUE(people->open_to_all());
    EXPECT_EQ(first(secret("guessed")).error().code, "people.link");
    const Secret code = link();
    clock.advance_ms(15 * 60'000);
    EXPECT_EQ(first(code).error().code, "people.link");
    const Secret again = link();
    const auto opened = first(again);
    ASSERT_TRUE(opened) << opened.error().message;
    EXPECT_EQ(opened->person.role, Role::admin);
    EXPECT_EQ(opened->person.name, "Ana Kim");
    EXPECT_FALSE(people->open_to_all());
    EXPECT_EQ(first(again, "Eve").error().code, "people.link");
    EXPECT_EQ(people->who(opened->key)->role, Role::admin);
    // A name that is taken leaves the link good for another.
    const Secret third = link();
    EXPECT_EQ(first(third, "ana kim").error().code, "request.conflict");
    EXPECT_TRUE(first(third, "Bo Li"));
}

TEST_F(PeopleTest, Key_and_password_are_nowhere_in_the_file) {
    const auto opened = first(link());
    ASSERT_TRUE(opened);
    people.reset();
    store.reset();
    std::string bytes;
    for (const char* suffix : {"", "-wal"}) {
        if (std::ifstream in(file.string() + suffix, std::ios::binary); in) {
            bytes.append(std::istreambuf_iterator<char>(in), {});
        }
    }
    EXPECT_NE(bytes.find("$argon2id$"), std::string::npos);
    EXPECT_EQ(bytes.find("correct horse"), std::string::npos);
    EXPECT_EQ(bytes.find(opened->key.reveal()), std::string::npos);
}

TEST_F(PeopleTest, Session_lives_over_a_restart_and_ends_by_shift_idleness_and_log_out) {
    const auto opened = first(link());
    ASSERT_TRUE(opened);
    begin();
    ASSERT_TRUE(people->who(opened->key));
    clock.advance_ms(8 * 3'600'000 - 1);
    EXPECT_TRUE(people->who(opened->key));  // used, so not idle
    clock.advance_ms(8 * 3'600'000 - 1);
    EXPECT_TRUE(people->who(opened->key));
    clock.advance_ms(2);
    EXPECT_FALSE(people->who(opened->key)) << "after 16 hours";
    const auto next = log_in("ana kim ", "correct horse 1");
    ASSERT_TRUE(next) << next.error().message;
    clock.advance_ms(8 * 3'600'000);
    EXPECT_FALSE(people->who(next->key)) << "idle for 8 hours";
    const auto last = log_in("ANA KIM", "correct horse 1");
    ASSERT_TRUE(last);
    EXPECT_TRUE(wait<base::Result<Json>>(
        [&](auto done) { people->log_out(*people->who(last->key), done); }));
    EXPECT_FALSE(people->who(last->key));
    EXPECT_EQ(ended.back(), last->person.session);
    begin();
    EXPECT_FALSE(people->who(last->key));
}

TEST_F(PeopleTest, Guessing_costs_time_from_where_it_is_done_and_names_are_not_told_apart) {
    ASSERT_TRUE(first(link()));
    const auto known = log_in("ana kim", "wrong password");
    const auto unknown = log_in("nobody", "wrong password");
    EXPECT_EQ(known.error().message, unknown.error().message);
    EXPECT_EQ(log_in("ana kim", "wrong password").error().code, "people.login");
    EXPECT_EQ(log_in("ana kim", "wrong password").error().code, "people.login");
    EXPECT_EQ(log_in("ana kim", "wrong password").error().code, "people.login");
    EXPECT_EQ(log_in("ana kim", "correct horse 1").error().code, "people.wait");
    EXPECT_TRUE(log_in("ana kim", "correct horse 1", "10.0.0.9")) << "she is not locked out";
    clock.advance_ms(2'000);
    EXPECT_TRUE(log_in("ana kim", "correct horse 1"));
    const std::string told = events();
    EXPECT_NE(told.find("session.refused ana kim"), std::string::npos) << told;
    EXPECT_EQ(told.find("nobody"), std::string::npos) << "may be a password";
}

TEST_F(PeopleTest, Role_and_end_of_an_account_count_at_once) {
    const auto admin = first(link());
    ASSERT_TRUE(admin);
    ASSERT_TRUE(make("Bo", Role::operator_, "battery staple 2"));
    const auto bo = log_in("bo", "battery staple 2");
    ASSERT_TRUE(bo);
    const std::int64_t account = bo->person.account;
    const auto done = [&](auto call) { return wait<base::Result<Json>>(call); };
    EXPECT_TRUE(done([&](auto d) { people->change_role(account, Role::qa, "Ana Kim", d); }));
    EXPECT_EQ(people->who(bo->key)->role, Role::qa);
    EXPECT_EQ(
        done([&](auto d) { people->change_role(admin->person.account, Role::qa, "Ana Kim", d); })
            .error()
            .code,
        "request.conflict");
    EXPECT_EQ(done([&](auto d) { people->close_account(admin->person.account, "Ana Kim", d); })
                  .error()
                  .code,
              "request.conflict");
    EXPECT_EQ(done([&](auto d) { people->change_role(99, Role::qa, "Ana Kim", d); }).error().code,
              "request.unknown");
    EXPECT_EQ(people->language_of(account), "");
    EXPECT_TRUE(done([&](auto d) { people->set_language(bo->person, "vi", d); }));
    EXPECT_EQ(people->language_of(account), "vi");
    EXPECT_EQ(done([&](auto d) { people->set_language(bo->person, "tlh", d); }).error().code,
              "request.invalid");
    EXPECT_TRUE(done([&](auto d) { people->close_account(account, "Ana Kim", d); }));
    EXPECT_FALSE(people->who(bo->key));
    EXPECT_EQ(ended.back(), bo->person.session);
    EXPECT_EQ(log_in("bo", "battery staple 2").error().code, "people.login");
    EXPECT_EQ(make("BO", Role::qa, "battery staple 2").error().code, "request.conflict");
    const std::string told = events();
    for (const char* each : {"link.made root", "account.made test", "account.role Ana Kim",
                             "account.closed Ana Kim"}) {
        EXPECT_NE(told.find(each), std::string::npos) << each << "\n" << told;
    }
    EXPECT_EQ(told.find("staple"), std::string::npos);
    EXPECT_EQ(told.find("argon2"), std::string::npos);
}

TEST_F(PeopleTest, Passwords_change_and_end_the_other_sessions) {
    ASSERT_TRUE(first(link()));
    const auto here = log_in("ana kim", "correct horse 1");
    const auto there = log_in("ana kim", "correct horse 1");
    ASSERT_TRUE(here && there);
    const auto change = [&](const char* old_one, const char* new_one) {
        return wait<base::Result<Json>>([&](auto done) {
            people->change_own_password(*people->who(here->key), secret(old_one), secret(new_one),
                                        done);
        });
    };
    EXPECT_EQ(change("not that one", "another horse 3").error().code, "people.login");
    EXPECT_EQ(change("correct horse 1", "short").error().code, "people.password");
    EXPECT_TRUE(change("correct horse 1", "another horse 3"));
    EXPECT_TRUE(people->who(here->key));
    EXPECT_FALSE(people->who(there->key));
    EXPECT_FALSE(log_in("ana kim", "correct horse 1"));
    EXPECT_TRUE(log_in("ana kim", "another horse 3"));
    EXPECT_TRUE(wait<base::Result<Json>>([&](auto done) {
        people->give_password(here->person.account, secret("given by admin"), "test", done);
    }));
    EXPECT_FALSE(people->who(here->key));
    EXPECT_TRUE(log_in("ana kim", "given by admin"));
}

TEST_F(PeopleTest, Who_logs_in_while_the_account_is_closed_or_gets_another_password_is_not_let_in) {
    ASSERT_TRUE(first(link()));
    for (const bool close : {false, true}) {
        ASSERT_TRUE(make(close ? "Bo" : "Cy", Role::qa, "battery staple 2"));
        const std::string name = close ? "bo" : "cy";
        const auto known = log_in(name.c_str(), "battery staple 2");
        ASSERT_TRUE(known);
        const std::int64_t account = known->person.account;
        std::optional<Opening> opened;
        std::optional<base::Result<Json>> changed;
        // Both are asked in one turn: the log-in is hashed while the change is committed, or after.
        people->log_in(name, secret("battery staple 2"), "::1",
                       [&](Opening got) { opened = std::move(got); });
        const auto done = [&](base::Result<Json> got) { changed = std::move(got); };
        close ? people->close_account(account, "Ana Kim", done)
              : people->give_password(account, secret("another one 3"), "Ana Kim", done);
        while (!opened || !changed) {
            loop.restart();
            loop.run_one();
        }
        ASSERT_TRUE(*changed);
        EXPECT_FALSE(people->who(known->key));
        EXPECT_FALSE(*opened && people->who((*opened)->key)) << name;
        begin();
        EXPECT_FALSE(*opened && people->who((*opened)->key)) << name << " after a restart";
    }
}

TEST_F(PeopleTest, Screen_is_let_in_by_the_code_it_shows_until_it_is_revoked) {
    ASSERT_TRUE(first(link()));
    const auto asked = people->ask_for_screen("127.0.0.1").value();
    EXPECT_EQ(asked.code.size(), 6U);
    EXPECT_FALSE(people->take_screen(asked.ticket).value());
    const auto confirm = [&](const std::string& code, const char* name) {
        return wait<base::Result<Json>>(
            [&](auto done) { people->confirm_screen(code, name, "Ana Kim", done); });
    };
    EXPECT_EQ(confirm(asked.code == "000000" ? "000001" : "000000", "Wall 1").error().code,
              "request.unknown");
    for (const char* unseen : {"Wall\u200b 1", "Wall \u202e1", "\ufeff", "a\nb"}) {
        EXPECT_EQ(confirm(asked.code, unseen).error().code, "request.invalid") << unseen;
    }
    EXPECT_TRUE(confirm(asked.code, "Wall 1"));
    EXPECT_EQ(confirm(asked.code, "Wall 2").error().code, "request.unknown") << "once";
    const auto opened = people->take_screen(asked.ticket).value();
    ASSERT_TRUE(opened);
    EXPECT_EQ(people->take_screen(asked.ticket).error().code, "request.unknown") << "once";
    clock.advance_ms(400LL * 24 * 3'600'000);
    begin();
    ASSERT_TRUE(people->who(opened->key)) << "does not expire";
    EXPECT_EQ(people->who(opened->key)->role, Role::display);
    EXPECT_EQ(people->list()["screens"][0]["name"], "Wall 1");
    const auto twin = people->ask_for_screen("127.0.0.1").value();
    EXPECT_EQ(confirm(twin.code, "Wall 1").error().code, "request.conflict");
    EXPECT_TRUE(wait<base::Result<Json>>(
        [&](auto done) { people->revoke_screen(opened->person.session, "Ana Kim", done); }));
    EXPECT_FALSE(people->who(opened->key));
    clock.advance_ms(10 * 60'000);
    EXPECT_EQ(people->take_screen(twin.ticket).error().code, "request.unknown");
}

TEST_F(PeopleTest, Who_asks_too_much_is_told_so_and_costs_bounded_memory) {
    const auto other = people->ask_for_screen("another").value();
    std::vector<People::Asked> own;
    for (int i = 0; i < 100; ++i) {
        own.push_back(people->ask_for_screen("x").value());
        clock.advance_ms(1);
    }
    EXPECT_TRUE(people->take_screen(other.ticket)) << "asks still";
    EXPECT_FALSE(people->take_screen(own[91].ticket)) << "its place went to a later one";
    EXPECT_TRUE(people->take_screen(own[92].ticket));
    int asked = 9;
    while (people->ask_for_screen("source " + std::to_string(asked))) {
        ASSERT_LT(++asked, 1000);
    }
    EXPECT_EQ(asked, 64);
    int busy = 0;
    int answered = 0;
    for (int i = 0; i < 30; ++i) {
        people->log_in("a", secret("b"), "source " + std::to_string(i), [&](const Opening& opened) {
            ++answered;
            busy += opened.error().code == "http.busy" ? 1 : 0;
        });
    }
    while (answered < 30) {
        loop.restart();
        loop.run_one();
    }
    EXPECT_EQ(busy, 22);
}

TEST(Password, Weak_ones_are_told_why) {
    for (const char* weak :
         {"", "short", "aaaaaaaaaaaa", "abababababab", "anakim-12345", "line\nbreak12"}) {
        EXPECT_EQ(check_password("AnaKim", Secret(weak)).error().code, "people.password") << weak;
    }
    EXPECT_FALSE(check_password("ana", Secret(std::string(300, 'x') + "abcdefg")));
    EXPECT_TRUE(check_password("ana", secret("correct horse 1")));
    EXPECT_TRUE(check_password("ana", secret("пароль из кириллицы")));
    EXPECT_FALSE(check_password("ana", secret("парольпар"))) << "nine characters";
}

TEST(Roles, Who_may_what) {
    using enum Role;
    const std::vector<std::pair<Role, std::vector<Role>>> may{
        {anyone, {anyone}},
        {display, {anyone, display}},
        {operator_, {anyone, display, operator_}},
        {qa, {anyone, display, operator_, qa}},
        {manager, {anyone, display, operator_, qa, manager}},
        {technician, {anyone, display, operator_, qa, technician}},
        {admin, {anyone, display, operator_, qa, manager, technician, admin}},
    };
    for (const auto& [has, all] : may) {
        for (const Role needed : {anyone, display, operator_, qa, manager, technician, admin}) {
            EXPECT_EQ(allows(has, needed), std::find(all.begin(), all.end(), needed) != all.end())
                << to_text(has) << " " << to_text(needed);
        }
    }
    EXPECT_FALSE(account_role("display"));
    EXPECT_FALSE(account_role("anyone"));
    EXPECT_EQ(account_role("operator"), operator_);
}

}  // namespace
}  // namespace lineside::people
