// SPDX-License-Identifier: Apache-2.0
#include "station/audit/audit_verify.h"

#include "station/audit/journal_lines.h"
#include "station/audit/marks.h"
#include "station/audit/state_check.h"
#include "station/base/text.h"
#include "station/db/connection.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <fstream>
#include <ostream>

namespace lineside::audit {
namespace {

using base::Json;
using base::Result;
using base::Status;
using db::Tx;

// What was found out, for the one line of output.
struct Verdict {
    std::optional<Finding> finding;
    std::int64_t events = 0;
    std::int64_t last_seq = 0;
    trust::Hash head{};
    std::int64_t marks = 0;
    std::int64_t last_mark = 0;
};

Verdict verdict_of(ChainCheck& check) {
    Verdict verdict;
    verdict.finding = check.finish();
    verdict.events = check.events();
    verdict.last_seq = check.last_seq();
    verdict.head = check.head();
    verdict.marks = check.marks_held();
    verdict.last_mark = check.last_mark_held();
    return verdict;
}

// A finding with a place goes before one without, an earlier one before a later one.
void keep_earlier(std::optional<Finding>& kept, std::optional<Finding> other) {
    if (other &&
        (!kept || (other->first_bad_seq &&
                   (!kept->first_bad_seq || *other->first_bad_seq < *kept->first_bad_seq)))) {
        kept = std::move(other);
    }
}

Result<Head> head_of(Tx& tx) {
    auto head = journal_head(tx);
    auto given = tx.one<std::int64_t>(
        "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'event'");
    if (!head || !given) {
        return tl::unexpected<base::Error>(!head ? head.error() : given.error());
    }
    return Head{head->seq, head->hash, std::get<0>(**given)};
}

// The names the station had when it signed: they stand in the rows that tell of a signature.
Result<std::vector<std::string>> stations(Tx& tx) {
    std::vector<std::string> names;
    auto rows = tx.all<std::optional<std::string>>(
        "SELECT DISTINCT json_extract(data, '$.station') FROM event"
        " WHERE kind IN ('journal.signed', 'certificate.signed') AND json_valid(data)");
    if (!rows) {
        return tl::unexpected<base::Error>(rows.error());
    }
    for (auto& [name] : *rows) {
        if (name) {
            names.push_back(std::move(*name));
        }
    }
    return names;
}

// Anchors the database keeps. One that does not hold is a finding: its row was written by others.
Result<std::vector<Mark>> marks_of(Tx& tx, const trust::PublicKeys& keys,
                                   std::optional<Finding>& finding) {
    auto names = stations(tx);
    if (!names) {
        return tl::unexpected<base::Error>(names.error());
    }
    std::vector<Mark> marks;
    auto read = tx.each(
        "SELECT seq, hash, at_ms, key_id, signature FROM anchor ORDER BY seq", {},
        [&](const Tx::Row& row) {
            trust::Anchor anchor;
            anchor.seq = row.integer(0);
            anchor.head = trust::hash_from_bytes(row.blob(1).bytes).value_or(trust::kChainStart);
            anchor.at_ms = row.integer(2);
            anchor.key_id = row.text(3);
            anchor.signature = row.blob(4).bytes;
            std::optional<trust::Fault> fault =
                trust::Fault{"station", "is in no row of the journal"};
            for (const std::string& name : *names) {
                anchor.station = name;
                fault = trust::check_anchor(anchor, keys);
                if (!fault) {
                    break;
                }
            }
            if (fault) {
                keep_earlier(finding, Finding{anchor.seq, Why::altered,
                                              fmt::format("the anchor of row {}: {}", anchor.seq,
                                                          trust::to_text(*fault))});
            } else {
                marks.push_back({anchor.seq, anchor.head, "anchor of the database"});
            }
            return true;
        });
    return read ? Result<std::vector<Mark>>(std::move(marks))
                : tl::unexpected<base::Error>(read.error());
}

Result<std::optional<Finding>> schema_finding(sqlite3* connection) {
    const auto expected = db::expected_schema();
    const auto found = db::schema_of(connection);
    if (!expected || !found) {
        return tl::unexpected<base::Error>((expected ? found : expected).error());
    }
    if (const auto differs = db::schema_difference(*expected, *found)) {
        return std::optional(
            Finding{std::nullopt, Why::altered, "the database's rules were changed: " + *differs});
    }
    return std::optional<Finding>();
}

Result<Verdict> verify_snapshot(sqlite3* connection, const trust::PublicKeys& keys,
                                std::vector<Mark> marks) {
    Tx tx(connection);
    std::optional<Finding> other;
    auto rules = schema_finding(connection);
    auto head = head_of(tx);
    auto own = marks_of(tx, keys, other);
    if (!rules || !head || !own) {
        return tl::unexpected<base::Error>(!rules  ? rules.error()
                                           : !head ? head.error()
                                                   : own.error());
    }
    keep_earlier(other, std::move(*rules));
    marks.insert(marks.end(), own->begin(), own->end());
    ChainCheck check(*head, std::move(marks));
    auto read = tx.each(fmt::format("SELECT {} FROM event ORDER BY seq", kChainColumns), {},
                        [&](const Tx::Row& row) { return check.add(chain_row(row)); });
    if (!read) {
        return tl::unexpected<base::Error>(read.error());
    }
    Verdict verdict = verdict_of(check);
    if (!verdict.finding) {  // a journal that cannot be trusted explains no state
        auto state = check_state(tx, keys);
        if (!state) {
            return tl::unexpected<base::Error>(state.error());
        }
        keep_earlier(other, std::move(*state));
    }
    keep_earlier(verdict.finding, std::move(other));
    return verdict;
}

Result<Verdict> verify_db(const std::filesystem::path& file, const trust::PublicKeys& keys,
                          std::vector<Mark> marks) {
    auto connection = db::open_for_reading_only(file);
    if (!connection) {
        return tl::unexpected<base::Error>(connection.error());
    }
    const auto version = db::pragma_number(connection->get(), "PRAGMA user_version");
    if (!version) {
        return tl::unexpected<base::Error>(version.error());
    }
    if (const int newest = db::migrations().back().version; *version != newest) {
        return base::fail("db.failed",
                          fmt::format("{} has schema {}, this program's is {}; the station brings "
                                      "it up to date when it starts",
                                      file.string(), *version, newest));
    }
    if (auto begun = db::execute(connection->get(), "BEGIN", "cannot read the journal"); !begun) {
        return tl::unexpected<base::Error>(begun.error());
    }
    auto verdict = verify_snapshot(connection->get(), keys, std::move(marks));
    if (auto ended = db::execute(connection->get(), "ROLLBACK", "cannot read the journal");
        !ended && verdict) {
        return tl::unexpected<base::Error>(ended.error());
    }
    return verdict;
}

// The anchors of an export: its last line, and whatever else was put behind it.
Result<std::vector<Mark>> marks_of_export(std::ifstream& file, const std::string& name,
                                          const trust::PublicKeys& keys,
                                          std::optional<Finding>& finding) {
    std::vector<Mark> marks;
    std::string last;
    for (std::string line; std::getline(file, line);) {
        last = std::move(line);
    }
    if (last.empty()) {
        return base::fail("config.invalid", fmt::format("{} is empty", name));
    }
    if (from_line(last)) {
        return marks;  // cut off: the walk tells where
    }
    auto mark = read_mark(last, keys);
    if (mark) {
        marks.push_back(std::move(*mark));
    } else {
        finding = Finding{
            std::nullopt, Why::altered,
            "the signature in the last line does not hold: " + trust::to_text(mark.error())};
    }
    return marks;
}

Result<Verdict> verify_export(const std::filesystem::path& path, const trust::PublicKeys& keys,
                              std::vector<Mark> marks) {
    std::ifstream file(path);
    if (!file) {
        return base::fail("config.missing", fmt::format("cannot open {}", path.string()));
    }
    std::optional<Finding> other;
    auto own = marks_of_export(file, path.string(), keys, other);
    if (!own) {
        return tl::unexpected<base::Error>(own.error());
    }
    const bool signed_end = !own->empty();
    marks.insert(marks.end(), own->begin(), own->end());
    ChainCheck check(std::nullopt, std::move(marks));
    file.clear();
    file.seekg(0);
    std::int64_t number = 0;
    bool wanted = true;
    for (std::string line; wanted && std::getline(file, line);) {
        ++number;
        if (auto row = from_line(line)) {
            wanted = check.add(std::move(*row));
        } else if (file.peek() != std::ifstream::traits_type::eof()) {
            if (number == 1) {
                return base::fail("config.invalid",
                                  fmt::format("{} is no export of a journal", path.string()));
            }
            keep_earlier(other, Finding{check.last_seq() + 1, Why::altered,
                                        fmt::format("line {} is no row of a journal", number)});
            wanted = false;
        }
    }
    Verdict verdict = verdict_of(check);
    if (!signed_end && !other && !verdict.finding) {
        other = Finding{verdict.last_seq + 1, Why::truncated,
                        "the export ends without its signed last line"};
    }
    // A line that is no row is what makes the rows end there: it is told, not the end.
    keep_earlier(other, std::move(verdict.finding));
    verdict.finding = std::move(other);
    return verdict;
}

Json to_json(const Verdict& verdict) {
    if (verdict.finding) {
        const Finding& f = *verdict.finding;
        return {{"ok", false},
                {"first_bad_seq", f.first_bad_seq ? Json(*f.first_bad_seq) : Json()},
                {"why", to_text(f.why)},
                {"detail", f.detail}};
    }
    return {{"ok", true},
            {"events", verdict.events},
            {"last_seq", verdict.last_seq},
            {"head", base::to_hex(verdict.head)},
            {"anchors", verdict.marks},
            {"last_anchor_seq", verdict.marks > 0 ? Json(verdict.last_mark) : Json()}};
}

Result<Verdict> verify(const VerifyArguments& arguments) {
    trust::PublicKeys keys;
    for (const auto& path : arguments.keys) {
        if (auto added = keys.add_path(path); !added) {
            return tl::unexpected<base::Error>(added.error());
        }
    }
    std::vector<Mark> marks;
    for (const auto& file : arguments.anchors) {
        auto read = read_marks(file, keys);
        if (!read) {
            return tl::unexpected<base::Error>(read.error());
        }
        marks.insert(marks.end(), read->begin(), read->end());
    }
    return arguments.export_file.empty()
               ? verify_db(arguments.db, keys, std::move(marks))
               : verify_export(arguments.export_file, keys, std::move(marks));
}

}  // namespace

int run_audit_verify(const VerifyArguments& arguments, std::ostream& out, std::ostream& err) {
    const auto verdict = verify(arguments);
    if (!verdict) {
        err << "lineside: " << verdict.error().message << "\n";
        return 2;
    }
    out << base::dump_json(to_json(*verdict)) << "\n";
    return verdict->finding ? 1 : 0;
}

}  // namespace lineside::audit
