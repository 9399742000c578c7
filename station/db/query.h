// SPDX-License-Identifier: Apache-2.0
// Typed SQL over one connection. Statements are prepared once per connection and cached by text.
// One statement per call; a closure never begins, commits or attaches, and never says OR REPLACE.
// The schema's no_replace triggers fire before ON CONFLICT and OR IGNORE can act: look first, then
// insert.
//   tx.run("UPDATE lease SET state = ?1 WHERE id = ?2", "issued", lease.value)
//   tx.one<std::int64_t, std::optional<std::string>>("SELECT id, chip_id FROM unit WHERE id = ?1",
//   7)
// Column types: std::int64_t, double, bool, std::string, Blob, Id<Tag>, std::optional<any of them>.
// Errors: db.failed with SQLite's text (disk.full for SQLITE_FULL); a RAISE(ABORT) of the schema
// comes back as lease.refused.   Thread: the one that runs the transaction.
#pragma once

#include "station/base/error.h"
#include "station/base/ids.h"

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

struct sqlite3;
struct sqlite3_stmt;

namespace lineside::db {

// An empty text is stored as NULL where a column means "none" by it.
[[nodiscard]] inline std::optional<std::string> null_if_empty(const std::string& text) {
    return text.empty() ? std::nullopt : std::optional(text);
}

struct Blob {
    std::string bytes;
    bool operator==(const Blob&) const = default;
};

// What can be bound: NULL, integer, real, text, blob.
using Value = std::variant<std::nullptr_t, std::int64_t, double, std::string, Blob>;

inline Value to_value(std::nullptr_t) {
    return nullptr;
}
inline Value to_value(bool v) {
    return std::int64_t{v};
}
template <std::integral I>
requires(!std::same_as<I, bool>) Value to_value(I v) {
    return static_cast<std::int64_t>(v);
}
inline Value to_value(double v) {
    return v;
}
inline Value to_value(const char* v) {
    return std::string(v);
}
inline Value to_value(std::string_view v) {
    return std::string(v);
}
inline Value to_value(std::string v) {
    return v;
}
inline Value to_value(Blob v) {
    return v;
}
template <typename Tag>
Value to_value(base::Id<Tag> v) {
    return v.value;
}
template <typename T>
Value to_value(const std::optional<T>& v) {
    return v ? to_value(*v) : Value(nullptr);
}

class Tx {
  public:
    explicit Tx(sqlite3* connection);
    ~Tx();
    Tx(const Tx&) = delete;
    Tx& operator=(const Tx&) = delete;

    // Rows changed.
    template <typename... Args>
    [[nodiscard]] base::Result<std::int64_t> run(std::string_view sql, const Args&... args) {
        return run_values(sql, {to_value(args)...});
    }
    // Runs an INSERT and gives the new row's id; 0 when it inserted nothing.
    template <typename... Args>
    [[nodiscard]] base::Result<std::int64_t> insert(std::string_view sql, const Args&... args) {
        auto changed = run_values(sql, {to_value(args)...});
        if (!changed) {
            return tl::unexpected<base::Error>(changed.error());
        }
        return *changed == 0 ? 0 : last_insert_id();
    }
    // First row or nothing.
    template <typename... Columns, typename... Args>
    [[nodiscard]] base::Result<std::optional<std::tuple<Columns...>>> one(std::string_view sql,
                                                                          const Args&... args) {
        std::optional<std::tuple<Columns...>> row;
        auto done = each(sql, {to_value(args)...}, [&](const Row& r) {
            row = take<Columns...>(r, std::index_sequence_for<Columns...>{});
            return false;
        });
        if (!done) {
            return tl::unexpected<base::Error>(done.error());
        }
        return row;
    }
    // Is there a row?
    template <typename... Args>
    [[nodiscard]] base::Result<bool> any(std::string_view sql, const Args&... args) {
        bool found = false;
        auto done = each(sql, {to_value(args)...}, [&](const Row&) {
            found = true;
            return false;
        });
        return done ? base::Result<bool>(found) : tl::unexpected<base::Error>(done.error());
    }
    template <typename... Columns, typename... Args>
    [[nodiscard]] base::Result<std::vector<std::tuple<Columns...>>> all(std::string_view sql,
                                                                        const Args&... args) {
        std::vector<std::tuple<Columns...>> rows;
        auto done = each(sql, {to_value(args)...}, [&](const Row& r) {
            rows.push_back(take<Columns...>(r, std::index_sequence_for<Columns...>{}));
            return true;
        });
        if (!done) {
            return tl::unexpected<base::Error>(done.error());
        }
        return rows;
    }

    // One row while it is being read; columns count from 0.
    class Row {
      public:
        explicit Row(sqlite3_stmt* statement) : statement_(statement) {}
        [[nodiscard]] int columns() const;
        [[nodiscard]] std::string_view name(int column) const;
        [[nodiscard]] Value value(int column) const;
        [[nodiscard]] bool is_null(int column) const;
        [[nodiscard]] std::int64_t integer(int column) const;
        [[nodiscard]] double real(int column) const;
        [[nodiscard]] std::string text(int column) const;
        [[nodiscard]] Blob blob(int column) const;

      private:
        sqlite3_stmt* statement_;
    };
    // Calls `visit` for each row until it returns false. Flat memory: for exports.
    [[nodiscard]] base::Status each(std::string_view sql, std::vector<Value> args,
                                    const std::function<bool(const Row&)>& visit);
    [[nodiscard]] base::Result<std::int64_t> run_values(std::string_view sql,
                                                        std::vector<Value> args);
    [[nodiscard]] std::int64_t last_insert_id() const;
    [[nodiscard]] sqlite3* connection() const { return connection_; }

  private:
    template <typename T>
    struct Column;
    template <typename... Columns, std::size_t... I>
    static std::tuple<Columns...> take(const Row& row, std::index_sequence<I...>) {
        return std::tuple<Columns...>{Column<Columns>::get(row, static_cast<int>(I))...};
    }
    sqlite3* connection_;
    struct Cache;
    std::unique_ptr<Cache> cache_;
};

template <std::integral I>
struct Tx::Column<I> {
    static I get(const Row& row, int i) { return static_cast<I>(row.integer(i)); }
};
template <>
struct Tx::Column<double> {
    static double get(const Row& row, int i) { return row.real(i); }
};
template <>
struct Tx::Column<std::string> {
    static std::string get(const Row& row, int i) { return row.text(i); }
};
template <>
struct Tx::Column<Blob> {
    static Blob get(const Row& row, int i) { return row.blob(i); }
};
template <typename Tag>
struct Tx::Column<base::Id<Tag>> {
    static base::Id<Tag> get(const Row& row, int i) { return base::Id<Tag>(row.integer(i)); }
};
template <typename T>
struct Tx::Column<std::optional<T>> {
    static std::optional<T> get(const Row& row, int i) {
        return row.is_null(i) ? std::nullopt : std::optional<T>(Column<T>::get(row, i));
    }
};

}  // namespace lineside::db
