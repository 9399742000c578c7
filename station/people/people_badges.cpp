// SPDX-License-Identifier: Apache-2.0
// Badges: made for an account, printed by who asks for it, and what one opens on an enrolled
// screen.
#include "station/people/people_work.h"

namespace lineside::people {

using base::Json;
using base::Secret;

namespace {

constexpr std::size_t kLongestBadge = 64;

// As a scanner with its shift key locked reads it, too.
Secret in_capitals(const Secret& code) {
    std::string text(base::trim_blanks(code.reveal()));
    std::transform(text.begin(), text.end(), text.begin(), [](char c) {
        return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    });
    return Secret(std::move(text));
}

}  // namespace

void People::make_badge(std::int64_t account, std::string actor,
                        std::function<void(Result<Secret>)> done) {
    Secret code = random_badge();
    BadgeRow row;
    row.account = account;
    row.hash = key_hash(code);
    commit<BadgeRow>([row, actor = std::move(actor),
                      stamp = parts_.stamp()](Tx& tx) { return add_badge(tx, stamp, row, actor); },
                     [this, code, done = std::move(done)](Result<BadgeRow> added) {
                         if (!added) {
                             return done(tl::unexpected<base::Error>(added.error()));
                         }
                         forget_badge(added->account);
                         badges_[added->hash] = std::move(*added);
                         done(code);
                     });
}

void People::revoke_badge(std::int64_t account, std::string actor, Done done) {
    if (!accounts_.contains(account)) {
        return done(base::fail("request.unknown", "There is no such account"));
    }
    change([account, actor = std::move(actor),
            stamp = parts_.stamp()](Tx& tx) { return revoke_badges_of(tx, stamp, account, actor); },
           [this, account] { forget_badge(account); }, std::move(done));
}

void People::open_shift(std::int64_t session, Secret code, std::string source, Done done) {
    const auto screen = std::find_if(sessions_.begin(), sessions_.end(), [&](const auto& each) {
        return each.second.row.id == session && each.second.row.account == 0;
    });
    const std::string key = "badge\n" + std::to_string(session);
    const std::int64_t now = mono_ms();
    if (const auto wait = std::max(by_source_.wait_ms(source, now), by_account_.wait_ms(key, now));
        wait > 0) {
        return done(base::fail("people.wait",
                               fmt::format("Too many tries. Try again in {}", in_words(wait))));
    }
    const bool readable = code.reveal().size() <= kLongestBadge;
    const auto badge = readable ? badges_.find(key_hash(in_capitals(code))) : badges_.end();
    // One answer for all: not a screen, no such badge, a revoked one.
    if (screen == sessions_.end() || badge == badges_.end()) {
        by_source_.failed(source, now);
        by_account_.failed(key, now);
        journal::Event event;
        event.kind = "badge.refused";
        event.actor = screen == sessions_.end() ? "" : screen->second.row.screen;
        event.data = {{"session", session}, {"from", source}};
        return commit<std::int64_t>(
            [event, stamp = parts_.stamp()](Tx& tx) { return journal::append(tx, stamp, event); },
            [done = std::move(done)](const Result<std::int64_t>&) {
                done(base::fail("people.badge"));
            });
    }
    by_account_.good(key);
    ShiftRow shift;
    shift.badge = badge->second.id;
    shift.account = badge->second.account;
    shift.session = session;
    shift.expires_ms = parts_.clock.wall_ms() + parts_.shift.count();
    const std::string holder = accounts_.at(shift.account).name;
    commit<ShiftRow>([shift, holder, stamp = parts_.stamp()](
                         Tx& tx) { return add_shift(tx, stamp, shift, holder); },
                     [this, holder, done = std::move(done)](const Result<ShiftRow>& added) {
                         if (!added) {
                             return done(tl::unexpected<base::Error>(added.error()));
                         }
                         keep_shift(*added);
                         done(Json{{"name", holder}, {"until_ms", added->expires_ms}});
                     });
}

void People::end_shift(std::int64_t session, std::string actor, Done done) {
    change([session, actor = std::move(actor),
            stamp = parts_.stamp()](Tx& tx) { return end_shifts_at(tx, stamp, session, actor); },
           [this, session] { shifts_.erase(session); }, std::move(done));
}

std::string People::name_of(std::int64_t account) const {
    const auto known = accounts_.find(account);
    return known == accounts_.end() ? "" : known->second.name;
}

std::optional<Holder> People::holder_at(std::int64_t session) const {
    const auto shift = shifts_.find(session);
    if (shift == shifts_.end() || is_over(shift->second)) {
        return std::nullopt;
    }
    return Holder{accounts_.at(shift->second.row.account).name, shift->second.row.expires_ms};
}

// A clock that was set back makes no shift longer.
bool People::is_over(const Shift& shift) const {
    return parts_.clock.wall_ms() >= shift.row.expires_ms || mono_ms() >= shift.until_mono_ms;
}

void People::keep_shift(const ShiftRow& row) {
    const auto left = row.expires_ms - parts_.clock.wall_ms();
    shifts_[row.session] = {row, mono_ms() + std::min<std::int64_t>(left, parts_.shift.count())};
}

void People::forget_badge(std::int64_t account) {
    std::erase_if(badges_, [&](const auto& each) { return each.second.account == account; });
    std::erase_if(shifts_, [&](const auto& each) { return each.second.row.account == account; });
}

// Shifts whose time is over end on record.
void People::sweep_shifts() {
    for (const auto& [session, shift] : shifts_) {
        if (is_over(shift)) {
            change([id = session, stamp = parts_.stamp()](
                       Tx& tx) { return end_shifts_at(tx, stamp, id, "time"); },
                   [this, id = session, row = shift.row.id] {
                       if (const auto now = shifts_.find(id);
                           now != shifts_.end() && now->second.row.id == row) {
                           shifts_.erase(now);
                       }
                   },
                   [](const Result<Json>&) {});
        }
    }
}

}  // namespace lineside::people
