// SPDX-License-Identifier: Apache-2.0
#include "station/audit/journal_lines.h"

#include "station/base/text.h"
#include "station/trust/canonical_json.h"

namespace lineside::audit {
namespace {

using base::Json;
using db::Tx;

constexpr std::int64_t kSlice = 500;
constexpr std::size_t kMaxLine = 16UL << 20U;

// Takes the columns of one row in their order, and remembers one that has not its type.
struct Columns {
    const Tx::Row& row;
    ChainRow& into;
    int column = 0;

    void number(std::int64_t& to) { required<std::int64_t>(to); }
    void text(std::string& to) { required<std::string>(to); }
    template <typename T>
    void required(T& to) {
        const db::Value value = row.value(column++);
        if (const T* found = std::get_if<T>(&value)) {
            to = *found;
        } else {
            strange();
        }
    }
    template <typename T>
    void optional(std::optional<T>& to) {
        const db::Value value = row.value(column++);
        if (const T* found = std::get_if<T>(&value)) {
            to = *found;
        } else if (!std::holds_alternative<std::nullptr_t>(value)) {
            strange();
        }
    }
    void hash(std::optional<trust::Hash>& to) {
        const db::Value value = row.value(column++);
        const auto* blob = std::get_if<db::Blob>(&value);
        to = blob != nullptr ? trust::hash_from_bytes(blob->bytes) : std::nullopt;
    }
    void strange() { into.strange = std::string(row.name(column - 1)); }
};

Json hex_or_null(const std::optional<trust::Hash>& hash) {
    return hash ? Json(base::to_hex(*hash)) : Json();
}
template <typename T>
Json or_null(const std::optional<T>& value) {
    return value ? Json(*value) : Json();
}

// The same of a line's fields.
struct Fields {
    const Json& object;
    bool good = true;

    template <typename T>
    T required(const char* name) {
        auto value = base::field<T>(object, name);
        good = good && value;
        return value.value_or(T{});
    }
    template <typename T>
    std::optional<T> optional(const char* name) {
        const auto found = object.find(name);
        good = good && found != object.end();
        return found == object.end() || found->is_null() ? std::nullopt
                                                         : std::optional<T>(required<T>(name));
    }
};

}  // namespace

ChainRow chain_row(const Tx::Row& row) {
    ChainRow out;
    Columns in{row, out};
    in.number(out.row.seq);
    in.number(out.row.at_ms);
    in.number(out.row.mono_ns);
    in.text(out.row.boot);
    in.number(out.row.epoch);
    in.text(out.row.kind);
    in.optional(out.row.slot);
    in.optional(out.row.unit_id);
    in.optional(out.row.job_id);
    in.optional(out.row.actor);
    in.text(out.row.data);
    in.hash(out.prev);
    in.hash(out.hash);
    return out;
}

std::string to_line(const ChainRow& row) {
    const trust::EventRow& e = row.row;
    const Json object{{"seq", e.seq},
                      {"at_ms", e.at_ms},
                      {"mono_ns", std::to_string(e.mono_ns)},
                      {"boot", e.boot},
                      {"epoch", e.epoch},
                      {"kind", e.kind},
                      {"slot", or_null(e.slot)},
                      {"unit_id", or_null(e.unit_id)},
                      {"job_id", or_null(e.job_id)},
                      {"actor", or_null(e.actor)},
                      {"data", e.data},
                      {"prev", hex_or_null(row.prev)},
                      {"hash", hex_or_null(row.hash)}};
    // A row somebody tampered with need not have a canonical text; it is exported all the same.
    return trust::canonical_json(object).value_or(base::dump_json(object));
}

std::optional<ChainRow> from_line(std::string_view line) {
    const auto object = base::parse_json(line, kMaxLine);
    if (!object || !object->is_object() || object->size() != 13) {
        return std::nullopt;
    }
    Fields in{*object};
    ChainRow row;
    const auto mono_ns = base::to_int(in.required<std::string>("mono_ns"));
    row.row = {in.required<std::int64_t>("seq"),
               in.required<std::int64_t>("at_ms"),
               mono_ns.value_or(0),
               in.required<std::string>("boot"),
               in.required<std::int64_t>("epoch"),
               in.required<std::string>("kind"),
               in.optional<std::string>("slot"),
               in.optional<std::int64_t>("unit_id"),
               in.optional<std::int64_t>("job_id"),
               in.optional<std::string>("actor"),
               in.required<std::string>("data")};
    row.prev = trust::hash_from_hex(in.optional<std::string>("prev").value_or(""));
    row.hash = trust::hash_from_hex(in.optional<std::string>("hash").value_or(""));
    return in.good && mono_ns ? std::optional(row) : std::nullopt;
}

base::Result<std::string> JournalExport::next(Tx& tx, std::int64_t now_ms) {
    std::string out;
    if (ended_) {
        return out;
    }
    if (anchor_.empty()) {
        auto head = journal_head(tx);
        auto anchor = head ? signer_->anchor_of_head(tx, now_ms)
                           : base::Result<std::string>(tl::unexpected(head.error()));
        if (!anchor) {
            return anchor;
        }
        last_ = head->seq;
        anchor_ = std::move(*anchor);
    }
    std::int64_t rows = 0;
    auto read = tx.each(
        fmt::format("SELECT {} FROM event WHERE seq > ?1 AND seq <= ?2 ORDER BY seq LIMIT {}",
                    kChainColumns, kSlice),
        {done_, last_}, [&](const Tx::Row& row) {
            const ChainRow found = chain_row(row);
            out += to_line(found) + "\n";
            done_ = found.row.seq;
            ++rows;
            return true;
        });
    if (!read) {
        return tl::unexpected<base::Error>(read.error());
    }
    if (rows < kSlice) {
        out += anchor_ + "\n";
        ended_ = true;
    }
    return out;
}

}  // namespace lineside::audit
