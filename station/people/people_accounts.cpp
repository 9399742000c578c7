// SPDX-License-Identifier: Apache-2.0
// Accounts: the first one by a link of root's, the others by an admin.
#include "station/people/people_work.h"

namespace lineside::people {

using base::Json;
using base::Secret;

namespace {

constexpr std::int64_t kLinkMs = 15 * 60'000;

}  // namespace

// ---------------------------------------------------------------- the first account

void People::make_first_link(std::string actor, std::function<void(Result<Secret>)> done) {
    journal::Event event;
    event.kind = "link.made";
    event.actor = std::move(actor);
    commit<std::int64_t>(
        [event, stamp = parts_.stamp()](Tx& tx) { return journal::append(tx, stamp, event); },
        [this, done = std::move(done)](const Result<std::int64_t>& told) {
            if (!told) {
                return done(tl::unexpected<base::Error>(told.error()));
            }
            Secret code = random_key();
            link_ = Link{key_hash(code), mono_ms() + kLinkMs};
            done(std::move(code));
        });
}

void People::use_first_link(Secret code, std::string name, Secret password, std::string source,
                            DoneOpened done) {
    const auto refused = [&](auto error) {
        return done(tl::unexpected<base::Error>(std::move(error)));
    };
    if (const auto wait = by_source_.wait_ms(source, mono_ms()); wait > 0) {
        return done(base::fail("people.wait",
                               fmt::format("Too many tries. Try again in {}", in_words(wait))));
    }
    if (!link_ || link_->until_mono_ms <= mono_ms() || key_hash(code) != link_->hash) {
        by_source_.failed(source, mono_ms());
        return done(base::fail("people.link"));
    }
    auto good = good_name("name", name);
    if (!good) {
        return refused(good.error());
    }
    if (auto strong = check_password(*good, password); !strong) {
        return refused(strong.error());
    }
    if (auto room = no_room_to_hash(); !room) {
        return refused(room.error());
    }
    const Link used = *link_;
    link_.reset();  // once: a second use while the first is at work finds none
    hash_work<Result<std::string>>(
        [password, cost = parts_.cost] { return hash_password(password, cost); },
        [this, used, name = *good, source, done = std::move(done)](Result<std::string> hash) {
            AccountRow row;
            row.name = name;
            row.role = Role::admin;
            row.password = hash ? *hash : "";
            commit<AccountRow>(
                [row, hash = std::move(hash), stamp = parts_.stamp()](Tx& tx) {
                    return hash ? add_account(tx, stamp, row, "first link")
                                : Result<AccountRow>(tl::unexpected<base::Error>(hash.error()));
                },
                [this, used, source, done](Result<AccountRow> added) {
                    if (!added) {
                        if (!link_) {
                            link_ = used;  // the name was taken: the link is still good
                        }
                        return done(tl::unexpected<base::Error>(added.error()));
                    }
                    const bool was_open = open_to_all();
                    const std::int64_t id = added->id;
                    accounts_[id] = std::move(*added);
                    if (was_open && ended_) {
                        ended_(0);
                    }
                    open_session(id, source, done);
                });
        });
}

// ---------------------------------------------------------------- accounts

void People::make_account(std::string name, Role role, Secret password, std::string actor,
                          Done done) {
    auto good = good_name("name", name);
    auto strong = good ? check_password(*good, password) : Status();
    auto room = no_room_to_hash();
    if (!good || !strong || !room) {
        return done(tl::unexpected<base::Error>(!good     ? good.error()
                                                : !strong ? strong.error()
                                                          : room.error()));
    }
    hash_work<Result<std::string>>(
        [password, cost = parts_.cost] { return hash_password(password, cost); },
        [this, name = *good, role, actor, done = std::move(done)](Result<std::string> hash) {
            if (!hash) {
                return done(tl::unexpected<base::Error>(hash.error()));
            }
            AccountRow row;
            row.name = name;
            row.role = role;
            row.password = std::move(*hash);
            commit<AccountRow>([row, actor, stamp = parts_.stamp()](
                                   Tx& tx) { return add_account(tx, stamp, row, actor); },
                               [this, done](Result<AccountRow> added) {
                                   if (!added) {
                                       return done(tl::unexpected<base::Error>(added.error()));
                                   }
                                   const std::int64_t id = added->id;
                                   Json made{{"account", id}, {"name", added->name}};
                                   accounts_[id] = std::move(*added);
                                   done(std::move(made));
                               });
        });
}

void People::change_role(std::int64_t account, Role role, std::string actor, Done done) {
    change([account, role, actor,
            stamp = parts_.stamp()](Tx& tx) { return set_role(tx, stamp, account, role, actor); },
           [this, account, role] { accounts_.at(account).role = role; }, std::move(done));
}

void People::set_language(const Person& person, std::string language, Done done) {
    change(
        [account = person.account, language, actor = person.name, stamp = parts_.stamp()](Tx& tx) {
            return people::set_language(tx, stamp, account, language, actor);
        },
        [this, account = person.account, language] { accounts_.at(account).language = language; },
        std::move(done));
}

std::string People::language_of(std::int64_t account) const {
    const auto known = accounts_.find(account);
    return known == accounts_.end() ? "" : known->second.language;
}

void People::give_password(std::int64_t account, Secret password, std::string actor, Done done) {
    const auto known = accounts_.find(account);
    auto strong =
        known == accounts_.end() ? Status() : check_password(known->second.name, password);
    auto room = no_room_to_hash();
    if (!strong || !room) {
        return done(tl::unexpected<base::Error>(!strong ? strong.error() : room.error()));
    }
    hash_work<Result<std::string>>(
        [password, cost = parts_.cost] { return hash_password(password, cost); },
        [this, account, actor, done = std::move(done)](Result<std::string> hash) {
            if (!hash) {
                return done(tl::unexpected<base::Error>(hash.error()));
            }
            change(
                [account, hash = *hash, actor, stamp = parts_.stamp()](Tx& tx) {
                    auto set = set_password(tx, stamp, account, hash, actor);
                    return set ? end_sessions_of(tx, stamp, account, 0, actor) : set;
                },
                [this, account, hash = *hash] {
                    accounts_.at(account).password = hash;
                    forget(sessions_of(account));
                },
                done);
        });
}

void People::change_own_password(const Person& person, Secret old_one, Secret new_one, Done done) {
    const auto known = accounts_.find(person.account);
    if (known == accounts_.end()) {
        return done(base::fail("request.unknown", "A screen has no password"));
    }
    const std::string pair = "own\n" + base::to_lower_ascii(person.name);
    if (const auto wait = by_account_.wait_ms(pair, mono_ms()); wait > 0) {
        return done(base::fail("people.wait",
                               fmt::format("Too many tries. Try again in {}", in_words(wait))));
    }
    auto strong = check_password(person.name, new_one);
    auto room = no_room_to_hash();
    if (!strong || !room) {
        return done(tl::unexpected<base::Error>(!strong ? strong.error() : room.error()));
    }
    using Hashed = std::optional<Result<std::string>>;
    const std::string before = known->second.password;
    hash_work<Hashed>(
        [before, old_one, new_one, cost = parts_.cost]() -> Hashed {
            return fits(before, old_one) ? Hashed(hash_password(new_one, cost)) : std::nullopt;
        },
        [this, person, pair, before, done = std::move(done)](Hashed hash) {
            if (!hash || accounts_.at(person.account).password != before) {
                by_account_.failed(pair, mono_ms());
                return done(base::fail("people.login", "The old password is not right"));
            }
            if (!*hash) {
                return done(tl::unexpected<base::Error>(hash->error()));
            }
            by_account_.good(pair);
            change(
                [person, hash = **hash, stamp = parts_.stamp()](Tx& tx) {
                    auto set = set_password(tx, stamp, person.account, hash, person.name);
                    return set ? end_sessions_of(tx, stamp, person.account, person.session,
                                                 person.name)
                               : set;
                },
                [this, person, hash = **hash] {
                    accounts_.at(person.account).password = hash;
                    forget(sessions_of(person.account, person.session));
                },
                done);
        });
}

void People::close_account(std::int64_t account, std::string actor, Done done) {
    change(
        [account, actor, stamp = parts_.stamp()](Tx& tx) {
            auto closed = people::close_account(tx, stamp, account, actor);
            auto revoked = closed ? revoke_badges_of(tx, stamp, account, actor) : closed;
            return revoked ? end_sessions_of(tx, stamp, account, 0, actor) : revoked;
        },
        [this, account] {
            accounts_.at(account).active = false;
            forget_badge(account);
            forget(sessions_of(account));
        },
        std::move(done));
}

}  // namespace lineside::people
