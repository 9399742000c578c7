// SPDX-License-Identifier: Apache-2.0
#include "station/people/people.h"

#include "station/base/text.h"
#include "station/people/people_work.h"

#include <algorithm>
#include <map>

namespace lineside::people {

using base::Json;
using base::Secret;

namespace {

constexpr std::int64_t kShiftMs = 16 * 3'600'000;  // nobody stays logged in longer
constexpr std::int64_t kIdleMs = 8 * 3'600'000;
constexpr std::chrono::minutes kSweepEvery{1};
constexpr int kMostHashing = 8;  // a tenth of a second each

}  // namespace

People::People(PeopleParts parts) : parts_(std::move(parts)), sweep_(parts_.loop) {}

People::~People() {
    *alive_ = false;
    pool_.join();
}

base::Status People::start() {
    auto hash = hash_password(random_key(), parts_.cost);
    if (!hash) {
        return tl::unexpected<base::Error>(hash.error());
    }
    nobodys_hash_ = std::move(*hash);
    sweep();
    return parts_.store.read_now([&](Tx& tx) -> Status {
        auto accounts = read_accounts(tx);
        auto sessions = read_open_sessions(tx);
        auto badges = read_badges(tx);
        auto shifts = read_shifts(tx);
        if (!accounts || !sessions || !badges || !shifts) {
            return tl::unexpected<base::Error>(!accounts   ? accounts.error()
                                               : !sessions ? sessions.error()
                                               : !badges   ? badges.error()
                                                           : shifts.error());
        }
        for (BadgeRow& each : *badges) {
            std::string its_hash = each.hash;
            badges_[std::move(its_hash)] = std::move(each);
        }
        for (const ShiftRow& each : *shifts) {
            keep_shift(each);
        }
        for (AccountRow& each : *accounts) {
            accounts_[each.id] = std::move(each);
        }
        for (SessionRow& each : *sessions) {
            keep(std::move(each));
        }
        return {};
    });
}

std::int64_t People::mono_ms() const {
    return parts_.clock.mono_ns() / 1'000'000;
}

bool People::open_to_all() const {
    return std::none_of(accounts_.begin(), accounts_.end(),
                        [](const auto& each) { return each.second.active; });
}

bool People::is_over(const Session& session) const {
    return session.row.expires_ms != 0 && (parts_.clock.wall_ms() >= session.row.expires_ms ||
                                           mono_ms() - session.used_mono_ms >= kIdleMs);
}

Person People::person_of(const SessionRow& row) const {
    if (row.account == 0) {
        if (const auto holder = holder_at(row.id)) {
            return {row.id, 0, holder->name, Role::operator_};
        }
        return {row.id, 0, row.screen, Role::display};
    }
    const AccountRow& account = accounts_.at(row.account);
    return {row.id, row.account, account.name, account.role};
}

std::optional<Person> People::who(const Secret& key) {
    const auto found = sessions_.find(key_hash(key));
    if (found == sessions_.end() || is_over(found->second)) {
        return std::nullopt;
    }
    found->second.used_mono_ms = mono_ms();
    return person_of(found->second.row);
}

void People::keep(SessionRow row) {
    std::string hash = row.hash;
    sessions_[std::move(hash)] = Session{std::move(row), mono_ms()};
}

std::vector<std::int64_t> People::sessions_of(std::int64_t account, std::int64_t but) const {
    std::vector<std::int64_t> found;
    for (const auto& [hash, session] : sessions_) {
        if (session.row.account == account && session.row.id != but) {
            found.push_back(session.row.id);
        }
    }
    return found;
}

void People::forget(const std::vector<std::int64_t>& sessions) {
    for (const std::int64_t id : sessions) {
        std::erase_if(sessions_, [&](const auto& each) { return each.second.row.id == id; });
        shifts_.erase(id);
        if (ended_) {
            ended_(id);
        }
    }
}

base::Status People::no_room_to_hash() const {
    if (hashing_ >= kMostHashing) {
        return base::fail("http.busy", "Many log in at this moment");
    }
    return {};
}

void People::change(std::function<Status(Tx&)> work, std::function<void()> applied, Done done) {
    commit<Json>(
        [work = std::move(work)](Tx& tx) -> Result<Json> {
            auto did = work(tx);
            return did ? Result<Json>(Json{{"done", true}})
                       : tl::unexpected<base::Error>(did.error());
        },
        [applied = std::move(applied), done = std::move(done)](Result<Json> did) {
            if (did) {
                applied();
            }
            done(std::move(did));
        });
}

// Whoever is over is told apart at once (who()); here their rows and what still streams to them
// end.
void People::sweep() {
    sweep_.expires_after(kSweepEvery);
    sweep_.async_wait([this, alive = alive_](const boost::system::error_code& error) {
        if (error || !*alive) {
            return;
        }
        sweep_shifts();
        std::vector<std::int64_t> over;
        for (const auto& [hash, session] : sessions_) {
            if (is_over(session)) {
                over.push_back(session.row.id);
            }
        }
        if (!over.empty()) {
            change([over, stamp = parts_.stamp()](
                       Tx& tx) { return end_sessions(tx, stamp, over, "time"); },
                   [this, over] { forget(over); }, [](const base::Result<Json>&) {});
        }
        sweep();
    });
}

// ---------------------------------------------------------------- log in and out

void People::open_session(std::int64_t account, std::string source, DoneOpened done) {
    SessionRow row;
    Secret key = random_key();
    row.hash = key_hash(key);
    row.account = account;
    row.source = std::move(source);
    row.opened_by = accounts_.at(account).name;
    row.expires_ms = parts_.clock.wall_ms() + kShiftMs;
    commit<SessionRow>([row, password = accounts_.at(account).password, stamp = parts_.stamp()](
                           Tx& tx) { return add_session(tx, stamp, row, password); },
                       [this, key, done = std::move(done)](Result<SessionRow> added) {
                           if (!added) {
                               return done(tl::unexpected<base::Error>(added.error()));
                           }
                           keep(*added);
                           done(Opened{key, person_of(*added), added->expires_ms});
                       });
}

void People::refuse(const std::string& name, std::int64_t account, const std::string& source,
                    const std::string& pair, const DoneOpened& done) {
    const std::int64_t now = mono_ms();
    by_source_.failed(source, now);
    by_account_.failed(pair, now);
    const int left = by_account_.tries_left(pair, now);
    auto error = base::make_error(
        "people.login",
        left > 0
            ? fmt::format("Name or password is wrong. {} more {} without a "
                          "pause",
                          left, left == 1 ? "try" : "tries")
            : fmt::format("Name or password is wrong. The next try counts in {}",
                          in_words(std::max<std::int64_t>(1'000, by_account_.wait_ms(pair, now)))));
    journal::Event event;
    event.kind = "session.refused";
    // What was typed as a name may be a password: only names that are accounts are written down.
    event.actor = account == 0 ? "" : name;
    event.data = {{"from", source}};
    commit<std::int64_t>(
        [event, stamp = parts_.stamp()](Tx& tx) { return journal::append(tx, stamp, event); },
        [done, error](const Result<std::int64_t>& told) {
            done(tl::unexpected<base::Error>(told ? error : told.error()));
        });
}

void People::log_in(std::string name, Secret password, std::string source, DoneOpened done) {
    const std::string wanted = base::to_lower_ascii(base::trim_blanks(name));
    if (wanted.size() > kLongestName || password.reveal().size() > kLongestPassword) {
        return done(base::fail("people.login"));
    }
    const std::string pair = source + "\n" + wanted;
    const std::int64_t now = mono_ms();
    if (const auto wait = std::max(by_source_.wait_ms(source, now), by_account_.wait_ms(pair, now));
        wait > 0) {
        return done(base::fail("people.wait",
                               fmt::format("Too many tries. Try again in {}", in_words(wait))));
    }
    if (auto room = no_room_to_hash(); !room) {
        return done(tl::unexpected<base::Error>(room.error()));
    }
    std::int64_t account = 0;
    std::string hash = nobodys_hash_;
    for (const auto& [id, row] : accounts_) {
        if (row.active && base::to_lower_ascii(row.name) == wanted) {
            account = id;
            hash = row.password;
        }
    }
    hash_work<bool>([hash, password] { return fits(hash, password); },
                    [this, account, hash, wanted, source, pair, done = std::move(done)](bool fit) {
                        const auto row = accounts_.find(account);
                        // The account may have changed while the hash was made.
                        const bool good = fit && row != accounts_.end() && row->second.active &&
                                          row->second.password == hash;
                        if (!good) {
                            return refuse(wanted, account, source, pair, done);
                        }
                        by_source_.good(source);
                        by_account_.good(pair);
                        open_session(account, source, done);
                    });
}

void People::log_out(const Person& person, Done done) {
    change([id = person.session, who = person.name,
            stamp = parts_.stamp()](Tx& tx) { return end_sessions(tx, stamp, {id}, who); },
           [this, id = person.session] { forget({id}); }, std::move(done));
}

// ---------------------------------------------------------------- for the page

Json People::list() const {
    std::map<std::int64_t, std::int64_t> badge_ms;
    for (const auto& [hash, badge] : badges_) {
        badge_ms[badge.account] = badge.made_ms;
    }
    Json accounts = Json::array();
    for (const auto& [id, row] : accounts_) {
        accounts.push_back({{"account", id},
                            {"name", row.name},
                            {"role", to_text(row.role)},
                            {"active", row.active},
                            {"made_ms", row.made_ms},
                            {"made_by", row.made_by},
                            {"sessions", sessions_of(id).size()},
                            {"badge_ms", badge_ms.contains(id) ? Json(badge_ms[id]) : Json()}});
    }
    std::map<std::int64_t, Json> screens;
    for (const auto& [hash, session] : sessions_) {
        if (session.row.account == 0) {
            screens[session.row.id] = {{"screen", session.row.id},
                                       {"name", session.row.screen},
                                       {"since_ms", session.row.opened_ms},
                                       {"by", session.row.opened_by}};
        }
    }
    Json list = Json::array();
    for (auto& [id, screen] : screens) {
        list.push_back(std::move(screen));
    }
    return {{"accounts", std::move(accounts)}, {"screens", std::move(list)}};
}

}  // namespace lineside::people
