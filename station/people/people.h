// SPDX-License-Identifier: Apache-2.0
// Who is who: accounts, log-ins, wall screens. Answers "who holds this session" from memory at
// once; what changes is committed with its journal row before it counts. Passwords are hashed on a
// thread of its own. Until the first account is made the station is open to whoever reaches it,
// which is loopback alone.
// Thread: the io_context's, callbacks too.   Lifetime: callbacks end with it.
#pragma once

#include "station/base/clock.h"
#include "station/base/json.h"
#include "station/base/secret.h"
#include "station/db/store.h"
#include "station/people/badge_rows.h"
#include "station/people/password.h"
#include "station/people/pauses.h"
#include "station/people/people_rows.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

namespace lineside::people {

struct PeopleParts {
    boost::asio::io_context& loop;
    db::Store& store;
    const base::Clock& clock;
    std::function<journal::Stamp()> stamp;
    HashCost cost{};
    std::chrono::milliseconds shift = std::chrono::hours(8);  // what a badge opens at most
};

struct Person {
    std::int64_t session = 0;
    std::int64_t account = 0;  // 0: a screen
    std::string name;
    Role role = Role::anyone;
};

// Who works at an enrolled screen by badge.
struct Holder {
    std::string name;
    std::int64_t until_ms = 0;  // UTC
};

// What a browser gets: the key goes into its cookie and nowhere else.
struct Opened {
    base::Secret key;
    Person person;
    std::int64_t expires_ms = 0;  // UTC; 0: never
};

class People {
  public:
    using Done = std::function<void(base::Result<base::Json>)>;
    using DoneOpened = std::function<void(base::Result<Opened>)>;

    explicit People(PeopleParts parts);
    ~People();
    People(const People&) = delete;
    People& operator=(const People&) = delete;

    // Reads what there is. Errors: db.failed.
    [[nodiscard]] base::Status start();

    // No account is active: everybody may do everything.
    [[nodiscard]] bool open_to_all() const;
    [[nodiscard]] std::optional<Person> who(const base::Secret& key);

    // Errors: people.login (name or password is wrong), people.wait (too many tries; the message
    // says how long), http.busy.
    void log_in(std::string name, base::Secret password, std::string source, DoneOpened done);
    void log_out(const Person& person, Done done);

    // A code that makes one admin's account, once, within 15 minutes; only this life of the service
    // knows it.
    void make_first_link(std::string actor, std::function<void(base::Result<base::Secret>)> done);
    // Errors: people.link (not that code, or too late), people.password, request.invalid.
    void use_first_link(base::Secret code, std::string name, base::Secret password,
                        std::string source, DoneOpened done);

    void make_account(std::string name, Role role, base::Secret password, std::string actor,
                      Done done);
    void change_role(std::int64_t account, Role role, std::string actor, Done done);
    // By an admin; ends the account's sessions.
    void give_password(std::int64_t account, base::Secret password, std::string actor, Done done);
    // By its owner, who says the old one; ends the owner's other sessions. Errors: people.login.
    void change_own_password(const Person& person, base::Secret old_one, base::Secret new_one,
                             Done done);
    // Of the page, for its owner at each log-in. Errors: request.invalid.
    void set_language(const Person& person, std::string language, Done done);
    [[nodiscard]] std::string language_of(std::int64_t account) const;  // "" = none was chosen
    void close_account(std::int64_t account, std::string actor, Done done);

    // A wall screen asks to be let in: it shows the code, a technician confirms it, the screen
    // takes its session with the ticket. Errors: http.busy (too many ask).
    struct Asked {
        std::string code;  // six digits
        base::Secret ticket;
    };
    [[nodiscard]] base::Result<Asked> ask_for_screen(std::string source);
    // Errors: request.unknown (no screen shows that code), request.conflict (name is taken).
    void confirm_screen(const std::string& code, std::string name, std::string actor, Done done);
    // Nothing: not confirmed yet. Errors: request.unknown (asked too long ago: ask anew).
    [[nodiscard]] base::Result<std::optional<Opened>> take_screen(const base::Secret& ticket);
    void revoke_screen(std::int64_t session, std::string actor, Done done);

    // A badge for the account; the one before is revoked. What it holds goes to the printer and
    // nowhere else: it cannot be had a second time. Errors: request.unknown (no active account).
    void make_badge(std::int64_t account, std::string actor,
                    std::function<void(base::Result<base::Secret>)> done);
    void revoke_badge(std::int64_t account, std::string actor, Done done);
    // A badge was scanned where `session` is shown: role operator there, under the holder's name,
    // for a shift or until the next badge. {"name","until_ms"}. Errors: people.badge (not an
    // enrolled screen, or no badge that is good; never which), people.wait.
    void open_shift(std::int64_t session, base::Secret code, std::string source, Done done);
    void end_shift(std::int64_t session, std::string actor, Done done);
    [[nodiscard]] std::string name_of(std::int64_t account) const;  // "": no such account
    [[nodiscard]] std::optional<Holder> holder_at(std::int64_t session) const;

    // {"accounts":[{"account","name","role","active","made_ms","made_by","sessions","badge_ms"}],
    //  "screens":[{"screen","name","since_ms","by"}]}
    [[nodiscard]] base::Json list() const;

    // Called with each session that ended, so that what still streams to it is cut; with 0 when the
    // station is open no more, so that who came without a session is cut too.
    void on_ended(std::function<void(std::int64_t session)> call) { ended_ = std::move(call); }

  private:
    struct Waiting;
    struct Session {
        SessionRow row;
        std::int64_t used_mono_ms = 0;
    };

    [[nodiscard]] std::int64_t mono_ms() const;
    [[nodiscard]] bool is_over(const Session& session) const;
    [[nodiscard]] Person person_of(const SessionRow& row) const;
    [[nodiscard]] std::vector<std::int64_t> sessions_of(std::int64_t account,
                                                        std::int64_t but = 0) const;
    void forget(const std::vector<std::int64_t>& sessions);
    void keep(SessionRow row);
    // Runs `work` on the hashing thread and `then` with its result on the loop.
    template <typename T>
    void hash_work(std::function<T()> work, std::function<void(T)> then);
    [[nodiscard]] base::Status no_room_to_hash() const;
    void sweep();
    void open_session(std::int64_t account, std::string source, DoneOpened done);
    void refuse(const std::string& name, std::int64_t account, const std::string& source,
                const std::string& pair, const DoneOpened& done);
    template <typename T>
    void commit(std::function<base::Result<T>(db::Tx&)> work,
                std::function<void(base::Result<T>)> then);
    void change(std::function<base::Status(db::Tx&)> work, std::function<void()> applied,
                Done done);
    void drop_old_askers();
    struct Shift {
        ShiftRow row;
        std::int64_t until_mono_ms = 0;
    };
    [[nodiscard]] bool is_over(const Shift& shift) const;
    void keep_shift(const ShiftRow& row);
    void forget_badge(std::int64_t account);
    void sweep_shifts();

    PeopleParts parts_;
    std::map<std::int64_t, AccountRow> accounts_;
    std::unordered_map<std::string, Session> sessions_;  // by hash of their keys
    std::unordered_map<std::string, BadgeRow> badges_;   // live ones, by hash
    std::map<std::int64_t, Shift> shifts_;               // by the screen's session
    Pauses by_source_{20};
    Pauses by_account_{3};  // of one source
    struct Link {
        std::string hash;
        std::int64_t until_mono_ms = 0;
    };
    std::optional<Link> link_;
    struct Asker {
        std::string code;
        std::string source;
        std::int64_t until_mono_ms = 0;
        std::optional<Opened> opened;
    };
    std::unordered_map<std::string, Asker> askers_;  // by hash of their tickets
    std::string nobodys_hash_;                       // what an unknown name is compared with
    int hashing_ = 0;
    std::function<void(std::int64_t)> ended_;
    boost::asio::steady_timer sweep_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
    boost::asio::thread_pool pool_{1};
};

}  // namespace lineside::people
