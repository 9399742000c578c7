// SPDX-License-Identifier: Apache-2.0
// Wall screens: enrolled by a code that a technician reads off them.
#include "station/people/people_work.h"

namespace lineside::people {

using base::Json;
using base::Secret;

namespace {

constexpr std::int64_t kAskMs = 10 * 60'000;
constexpr std::size_t kAskers = 64;
constexpr std::ptrdiff_t kAskersOfASource = 8;

}  // namespace

void People::drop_old_askers() {
    std::erase_if(askers_,
                  [now = mono_ms()](const auto& each) { return each.second.until_mono_ms <= now; });
}

Result<People::Asked> People::ask_for_screen(std::string source) {
    drop_old_askers();
    // Whoever asks again and again takes the places of their own earlier asking, nobody else's.
    const auto own = [&](const auto& each) {
        return each.second.source == source && !each.second.opened;
    };
    if (std::count_if(askers_.begin(), askers_.end(), own) >= kAskersOfASource) {
        auto oldest = askers_.end();
        for (auto each = askers_.begin(); each != askers_.end(); ++each) {
            if (own(*each) && (oldest == askers_.end() ||
                               each->second.until_mono_ms < oldest->second.until_mono_ms)) {
                oldest = each;
            }
        }
        askers_.erase(oldest);
    }
    if (askers_.size() >= kAskers) {
        return base::fail("http.busy", "Many screens ask to be let in");
    }
    Asked asked;
    do {
        asked.code = random_digits(6);
    } while (std::any_of(askers_.begin(), askers_.end(),
                         [&](const auto& each) { return each.second.code == asked.code; }));
    asked.ticket = random_key();
    askers_[key_hash(asked.ticket)] =
        Asker{asked.code, std::move(source), mono_ms() + kAskMs, std::nullopt};
    return asked;
}

void People::confirm_screen(const std::string& code, std::string name, std::string actor,
                            Done done) {
    drop_old_askers();
    auto good = good_name("name", name);
    if (!good) {
        return done(tl::unexpected<base::Error>(good.error()));
    }
    const auto asker = std::find_if(askers_.begin(), askers_.end(), [&](const auto& each) {
        return each.second.code == code && !each.second.opened;
    });
    if (asker == askers_.end()) {
        return done(base::fail("request.unknown", "No screen shows this code"));
    }
    SessionRow row;
    Secret key = random_key();
    row.hash = key_hash(key);
    row.screen = *good;
    row.source = asker->second.source;
    row.opened_by = std::move(actor);
    commit<SessionRow>(
        [row, stamp = parts_.stamp()](Tx& tx) { return add_session(tx, stamp, row, ""); },
        [this, key, ticket = asker->first, done = std::move(done)](Result<SessionRow> added) {
            if (!added) {
                return done(tl::unexpected<base::Error>(added.error()));
            }
            keep(*added);
            if (const auto waits = askers_.find(ticket); waits != askers_.end()) {
                waits->second.opened = Opened{key, person_of(*added), 0};
            }
            done(Json{{"screen", added->id}, {"name", added->screen}});
        });
}

Result<std::optional<Opened>> People::take_screen(const Secret& ticket) {
    drop_old_askers();
    const auto asker = askers_.find(key_hash(ticket));
    if (asker == askers_.end()) {
        return base::fail("request.unknown", "This screen asked too long ago");
    }
    if (!asker->second.opened) {
        return std::optional<Opened>();
    }
    auto opened = std::move(asker->second.opened);
    askers_.erase(asker);
    return opened;
}

void People::revoke_screen(std::int64_t session, std::string actor, Done done) {
    const auto known = std::find_if(sessions_.begin(), sessions_.end(), [&](const auto& each) {
        return each.second.row.id == session && each.second.row.account == 0;
    });
    if (known == sessions_.end()) {
        return done(base::fail("request.unknown", "There is no such screen"));
    }
    change([session, actor,
            stamp = parts_.stamp()](Tx& tx) { return end_sessions(tx, stamp, {session}, actor); },
           [this, session] { forget({session}); }, std::move(done));
}

}  // namespace lineside::people
