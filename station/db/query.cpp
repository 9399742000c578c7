// SPDX-License-Identifier: Apache-2.0
#include "station/db/query.h"

#include "station/db/connection.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <cctype>
#include <unordered_map>

namespace lineside::db {
namespace {

using base::Result;
using base::Status;

struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Statement = std::unique_ptr<sqlite3_stmt, Finalize>;

// Statements are long and differ at their ends; equality reads all of them anyway.
struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
        constexpr std::size_t kEnd = 32;
        const auto end = text.substr(text.size() - std::min(text.size(), kEnd));
        return std::hash<std::string_view>{}(end) + text.size();
    }
};

// The words of a statement in upper case, without string literals; enough to find a forbidden one.
std::vector<std::string> first_words(std::string_view sql) {
    std::vector<std::string> words;
    std::string word;
    char quote = 0;
    for (const char c : sql) {
        if (quote != 0) {
            quote = c == quote ? '\0' : quote;
        } else if (c == '\'' || c == '"') {
            quote = c;
        } else if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_') {
            word.push_back(static_cast<char>(std::toupper(static_cast<unsigned char>(c))));
            continue;
        }
        if (!word.empty()) {
            words.push_back(std::move(word));
            word.clear();
        }
    }
    if (!word.empty()) {
        words.push_back(std::move(word));
    }
    return words;
}

// REPLACE deletes rows behind the triggers' back; a closure that ends the transaction would commit
// the half work of others.
const char* forbidden(std::string_view sql) {
    const auto words = first_words(sql);
    if (words.empty()) {
        return "an empty statement";
    }
    for (std::size_t i = 0; i + 1 < words.size(); ++i) {
        if (words[i] == "OR" && words[i + 1] == "REPLACE") {
            return "OR REPLACE";
        }
    }
    for (const char* word : {"REPLACE", "BEGIN", "COMMIT", "END", "ROLLBACK", "SAVEPOINT",
                             "RELEASE", "ATTACH", "DETACH", "VACUUM"}) {
        if (words.front() == word) {
            return word;
        }
    }
    return nullptr;
}

int bind_value(sqlite3_stmt* statement, int index, const Value& value) {
    struct Visitor {
        sqlite3_stmt* statement;
        int index;
        int operator()(std::nullptr_t) const { return sqlite3_bind_null(statement, index); }
        int operator()(std::int64_t v) const { return sqlite3_bind_int64(statement, index, v); }
        int operator()(double v) const { return sqlite3_bind_double(statement, index, v); }
        int operator()(const std::string& v) const {
            return sqlite3_bind_text64(statement, index, v.data(), v.size(), SQLITE_STATIC,
                                       SQLITE_UTF8);
        }
        int operator()(const Blob& v) const {
            // A null pointer would bind NULL; an empty blob is not NULL.
            const char* data = v.bytes.empty() ? "" : v.bytes.data();
            return sqlite3_bind_blob64(statement, index, data, v.bytes.size(), SQLITE_STATIC);
        }
    };
    return std::visit(Visitor{statement, index}, value);
}

}  // namespace

struct Tx::Cache {
    using Map = std::unordered_map<std::string, Statement, TextHash, std::equal_to<>>;
    using Node = Map::node_type;
    Map idle;
};

Tx::Tx(sqlite3* connection) : connection_(connection), cache_(std::make_unique<Cache>()) {}
Tx::~Tx() = default;

Status Tx::each(std::string_view sql, std::vector<Value> args,
                const std::function<bool(const Row&)>& visit) {
    // Taken out of the cache while it runs, so that `visit` may run the same text again; with its
    // node, so that nothing is allocated for a statement that is known.
    Cache::Node node;
    Statement statement;
    if (auto found = cache_->idle.find(sql); found != cache_->idle.end()) {
        node = cache_->idle.extract(found);
        statement = std::move(node.mapped());
    } else {
        if (const char* word = forbidden(sql); word != nullptr) {
            return base::fail("station.bug", fmt::format("a transaction may not say {}", word));
        }
        sqlite3_stmt* made = nullptr;
        const char* tail = nullptr;
        const int rc = sqlite3_prepare_v3(connection_, sql.data(), static_cast<int>(sql.size()),
                                          SQLITE_PREPARE_PERSISTENT, &made, &tail);
        statement.reset(made);
        if (rc != SQLITE_OK) {
            return sqlite_error(connection_, "prepare");
        }
        const std::string_view rest = sql.substr(static_cast<std::size_t>(tail - sql.data()));
        if (made == nullptr || rest.find_first_not_of(" \t\r\n;") != std::string_view::npos) {
            return base::fail("station.bug", "one statement per call");
        }
    }
    if (sqlite3_bind_parameter_count(statement.get()) != static_cast<int>(args.size())) {
        return base::fail("station.bug",
                          fmt::format("statement wants {} values, {} given",
                                      sqlite3_bind_parameter_count(statement.get()), args.size()));
    }
    for (std::size_t i = 0; i < args.size(); ++i) {
        if (bind_value(statement.get(), static_cast<int>(i) + 1, args[i]) != SQLITE_OK) {
            return sqlite_error(connection_, "bind");
        }
    }
    const Row row(statement.get());
    Status status;
    while (true) {
        const int rc = sqlite3_step(statement.get());
        if (rc == SQLITE_DONE) {
            break;
        }
        if (rc != SQLITE_ROW) {
            status = sqlite_error(connection_, "run");
            break;
        }
        if (!visit(row)) {
            break;
        }
    }
    sqlite3_reset(statement.get());
    sqlite3_clear_bindings(statement.get());
    if (node.empty()) {
        cache_->idle.insert_or_assign(std::string(sql), std::move(statement));
    } else {
        node.mapped() = std::move(statement);
        cache_->idle.insert(std::move(node));
    }
    return status;
}

Result<std::int64_t> Tx::run_values(std::string_view sql, std::vector<Value> args) {
    const sqlite3_int64 before = sqlite3_total_changes64(connection_);
    auto done = each(sql, std::move(args), [](const Row&) { return true; });
    if (!done) {
        return tl::unexpected<base::Error>(done.error());
    }
    // changes() keeps the number of an older statement when this one changed nothing by its kind.
    return sqlite3_total_changes64(connection_) == before ? 0 : sqlite3_changes64(connection_);
}

std::int64_t Tx::last_insert_id() const {
    return sqlite3_last_insert_rowid(connection_);
}

int Tx::Row::columns() const {
    return sqlite3_column_count(statement_);
}
std::string_view Tx::Row::name(int column) const {
    return sqlite3_column_name(statement_, column);
}
bool Tx::Row::is_null(int column) const {
    return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}
std::int64_t Tx::Row::integer(int column) const {
    return sqlite3_column_int64(statement_, column);
}
double Tx::Row::real(int column) const {
    return sqlite3_column_double(statement_, column);
}

std::string Tx::Row::text(int column) const {
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
    if (text == nullptr) {
        return {};
    }
    return {text, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

Blob Tx::Row::blob(int column) const {
    const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_, column));
    if (bytes == nullptr) {
        return {};
    }
    return Blob{{bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))}};
}

Value Tx::Row::value(int column) const {
    switch (sqlite3_column_type(statement_, column)) {
        case SQLITE_INTEGER:
            return integer(column);
        case SQLITE_FLOAT:
            return real(column);
        case SQLITE_TEXT:
            return text(column);
        case SQLITE_BLOB:
            return blob(column);
        default:
            return nullptr;
    }
}

}  // namespace lineside::db
