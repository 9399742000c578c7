// SPDX-License-Identifier: Apache-2.0
// The exports against what SQLite itself says of the view.
#include "station/records/record_export.h"

#include "station/base/json.h"
#include "station/base/text.h"
#include "station/db/empty_database.h"
#include "station/db/store.h"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <utility>

namespace lineside::records {
namespace {

using base::Json;
using base::Status;

// Three ended jobs (a failed first attempt without serial, a passed second one, one aborted with a
// name like a formula) and one that still runs.
constexpr const char* kRows[] = {
    "INSERT INTO station (id, name, created_ms) VALUES (1, 'Line \"A\", hall 1', 0)",
    "INSERT INTO pool (id, name) VALUES (1, 'p')",
    "INSERT INTO batch (id, pool_id, name, test_only, loaded_ms, loaded_by, file_sha256, count)"
    " VALUES (1, 1, 'b1', 1, 0, 'x', 'y', 2)",
    "INSERT INTO serial (id, batch_id, value, value_key) VALUES (1, 1, 'RC-0001', 'rc-0001'), (2, "
    "1, 'RC-0002', 'rc-0002')",
    "UPDATE batch SET state = 'open'",
    "INSERT INTO orders (id, name, profile, model, pool_id, quantity, state, opened_ms, opened_by)"
    " VALUES (1, 'o1', 'pr', 'xavier-nx', 1, 5, 'open', 0, 'x')",
    "INSERT INTO unit (id, chip_id, model, first_ms) VALUES (1, '0xabc', 'xavier-nx', 0), (2, "
    "NULL, 'xavier-nx', 0)",
    "INSERT INTO job (id, unit_id, order_id, slot, port, attempt, epoch, state, image_key, actor, "
    "started_ms, started_mono_ns, boot)"
    " VALUES (1, 1, 1, '1', '1-1', 1, 1, 'x', 'aaaaaabb', 'plug-in', 1000, 0, 'b')",
    "UPDATE job SET outcome = 'FAIL', code = 'boot.none', message = 'Did not start', ended_ms = "
    "2000 WHERE id = 1",
    "INSERT INTO job (id, unit_id, order_id, slot, port, attempt, epoch, state, image_key, actor, "
    "started_ms, started_mono_ns, boot)"
    " VALUES (2, 1, 1, '1', '1-1', 2, 1, 'x', 'aaaaaabb', 'plug-in', 3000, 0, 'b')",
    "INSERT INTO lease (id, serial_id, unit_id, job_id, state, epoch, at_ms) VALUES (1, 1, 1, 2, "
    "'reserved', 1, 0)",
    "UPDATE lease SET state = 'issued'",
    "UPDATE lease SET state = 'burned'",
    "INSERT INTO proof (job_id, kind, ok, expected, heard, at_ms) VALUES (2, 'image', 1, 'a', 'a', "
    "0), (2, 'serial', 1, 'a', 'a', 0)",
    "UPDATE job SET outcome = 'PASS', ended_ms = 4500 WHERE id = 2",
    "INSERT INTO job (id, unit_id, order_id, slot, port, attempt, epoch, state, image_key, actor, "
    "started_ms, started_mono_ns, boot)"
    " VALUES (3, 2, 1, '2', '1-2', 1, 1, 'x', 'cccccc', '=cmd|''/c''!A1', 5000, 0, 'b')",
    "INSERT INTO lease (id, serial_id, unit_id, job_id, state, epoch, at_ms) VALUES (2, 2, 2, 3, "
    "'reserved', 1, 0)",
    "UPDATE lease SET state = 'released' WHERE id = 2",
    "UPDATE job SET outcome = 'ABORTED', code = 'operator.stopped', message = 'two\nlines', "
    "ended_ms = 6000 WHERE id = 3",
    "INSERT INTO job (id, unit_id, order_id, slot, port, attempt, epoch, state, actor, started_ms, "
    "started_mono_ns, boot)"
    " VALUES (4, 2, 1, '2', '1-2', 2, 1, 'x', 'a', 7000, 0, 'b')",
    "INSERT INTO step (job_id, idx, name, method, attempt, started_ms) VALUES"
    " (1, 0, 'flash', 'm', 1, 1), (2, 0, 'flash', 'm', 1, 1), (2, 1, 'set-serial', 'm', 1, 1),"
    " (3, 0, 'flash', 'm', 1, 1), (4, 0, 'flash', 'm', 1, 1)",
};

class ExportTest : public testing::Test {
  protected:
    void SetUp() override {
        std::string name = testing::TempDir() + "export-XXXXXX";
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        folder = spool = name;
        db::place_empty_database(folder / "station.db");
        store = db::Store::open(loop, folder / "station.db").value();
        ASSERT_TRUE(store->write_now([](db::Tx& tx) -> Status {
            for (const char* sql : kRows) {
                auto done = tx.run(sql);
                EXPECT_TRUE(done) << sql << ": " << done.error().message;
            }
            return {};
        }));
    }
    void TearDown() override {
        store.reset();
        std::filesystem::remove_all(folder);
    }
    void log(int job, const std::string& name, const std::string& text) const {
        std::filesystem::create_directories(folder / std::to_string(job));
        std::ofstream(folder / std::to_string(job) / name) << text;
    }
    // Piece by piece, each in a transaction of its own, as a slow client takes it.
    std::string exported(
        Format format, const std::map<std::string, std::string>& fields = {},
        const std::function<void()>& between = [] {}) {
        const auto file =
            make_export(format, parse_filter(fields).value(),
                        {.logs = [this](std::int64_t job) { return folder / std::to_string(job); },
                         .spool = spool});
        std::string bytes;
        pieces = 0;
        for (std::string piece = "-"; !piece.empty(); ++pieces) {
            const Status done = store->read_now([&](db::Tx& tx) -> Status {
                auto next = file->next(tx);
                EXPECT_TRUE(next);
                piece = next.value_or("");
                return {};
            });
            EXPECT_TRUE(done) << done.error().message;
            largest = std::max(largest, piece.size());
            bytes += piece;
            between();
        }
        return bytes;
    }
    // The view's columns, in its own order.
    std::vector<std::string> columns() {
        std::vector<std::string> names;
        EXPECT_TRUE(store->read_now([&](db::Tx& tx) {
            return tx.each("SELECT * FROM record_v1 LIMIT 1", {}, [&](const db::Tx::Row& row) {
                for (int i = 0; i < row.columns(); ++i) {
                    names.emplace_back(row.name(i));
                }
                return true;
            });
        }));
        return names;
    }
    // One JSON text for each row of the view, made by SQLite: `function` over every column as
    // `cell`, a piece of SQL.
    std::vector<Json> by_sqlite(const std::string& function, const std::string& cell) {
        std::string list;
        for (const std::string& name : columns()) {
            list += (list.empty() ? "" : ", ") + fmt::format(fmt::runtime(cell), name);
        }
        std::vector<Json> rows;
        EXPECT_TRUE(store->read_now([&](db::Tx& tx) {
            return tx.each(fmt::format("SELECT {}({}) FROM record_v1 ORDER BY job", function, list),
                           {}, [&](const db::Tx::Row& row) {
                               rows.push_back(Json::parse(row.text(0)));
                               return true;
                           });
        }));
        return rows;
    }
    // Many ended jobs of unit 2.
    void many(int count) {
        ASSERT_TRUE(store->write_now([&](db::Tx& tx) -> Status {
            EXPECT_TRUE(
                tx.run("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE"
                       " i < ?1) INSERT INTO job (unit_id, order_id, slot, port, attempt,"
                       " epoch, state, actor, started_ms, started_mono_ns, boot)"
                       " SELECT 2, 1, 's' || i, 'p', i + 2, 1, 'closed', 'plug-in', i, 0, 'b'"
                       " FROM n WHERE i <= ?1",
                       count));
            EXPECT_TRUE(
                tx.run("UPDATE job SET outcome = 'ERROR', code = 'usb.left', ended_ms ="
                       " started_ms + 5 WHERE outcome IS NULL AND id > 4"));
            return {};
        }));
    }
    std::vector<int> jobs(const std::map<std::string, std::string>& fields) {
        std::vector<int> ids;
        const Json rows = Json::parse(exported(Format::json, fields));
        for (const Json& row : rows) {
            ids.push_back(row["job"].get<int>());
        }
        return ids;
    }
    boost::asio::io_context loop;
    std::filesystem::path folder;
    std::filesystem::path spool;
    std::unique_ptr<db::Store> store;
    int pieces = 0;
    std::size_t largest = 0;
};

// Reads a CSV as RFC 4180 has it.
std::vector<std::vector<std::string>> read_csv(const std::string& text) {
    std::vector<std::vector<std::string>> rows;
    std::vector<std::string> row;
    std::string cell;
    bool quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (quoted) {
            if (c != '"') {
                cell += c;
            } else if (i + 1 < text.size() && text[i + 1] == '"') {
                cell += text[++i];
            } else {
                quoted = false;
            }
        } else if (c == '"') {
            quoted = true;
        } else if (c == ',' || c == '\r') {
            row.push_back(std::exchange(cell, {}));
            if (c == '\r') {
                EXPECT_EQ(text.at(++i), '\n');
                rows.push_back(std::exchange(row, {}));
            }
        } else {
            EXPECT_NE(c, '\n') << "a bare line end outside of quotes";
            cell += c;
        }
    }
    EXPECT_TRUE(cell.empty() && row.empty() && !quoted) << "the last line has its end";
    return rows;
}

// Reads a ZIP as a stranger would.
std::map<std::string, std::string> unzip(const std::string& bytes) {
    std::map<std::string, std::string> files;
    archive* reader = archive_read_new();
    archive_read_support_format_zip_seekable(reader);
    EXPECT_EQ(archive_read_open_memory(reader, bytes.data(), bytes.size()), ARCHIVE_OK);
    archive_entry* entry = nullptr;
    while (archive_read_next_header(reader, &entry) == ARCHIVE_OK) {
        std::string& content = files[archive_entry_pathname(entry)];
        std::array<char, 4096> part{};
        for (la_ssize_t got = 0; (got = archive_read_data(reader, part.data(), part.size())) > 0;) {
            content.append(part.data(), static_cast<std::size_t>(got));
        }
    }
    archive_read_free(reader);
    return files;
}

TEST_F(ExportTest, Json_equals_the_view) {
    for (const int more : {0, 1200}) {
        many(more);
        const Json rows = Json::parse(exported(Format::json));
        const auto expected = by_sqlite("json_object", "'{0}', \"{0}\"");
        ASSERT_EQ(rows.size(), 3U + static_cast<std::size_t>(more));
        ASSERT_EQ(rows.size(), expected.size());
        for (std::size_t i = 0; i < expected.size(); ++i) {
            EXPECT_EQ(rows[i], expected[i]);
        }
    }
    EXPECT_GT(pieces, 3);
    const Json rows = Json::parse(exported(Format::json));
    EXPECT_EQ(rows[1]["serial"], "RC-0001");
    EXPECT_EQ(rows[1]["image_proven"], 1);
    EXPECT_EQ(rows[1]["started"], "1970-01-01T00:00:03.000Z");
    EXPECT_TRUE(rows[2]["lease"].is_null()) << "a released serial goes to another unit";
    EXPECT_TRUE(rows[2]["serial"].is_null());
}

TEST_F(ExportTest, Json_keeps_the_order_of_the_columns) {
    const std::string text = exported(Format::json);
    std::size_t at = 0;
    for (const std::string& name : columns()) {
        const auto found = text.find("\"" + name + "\":", at);
        ASSERT_NE(found, std::string::npos) << name;
        at = found;
    }
    EXPECT_LT(at, text.find('}'));
}

TEST_F(ExportTest, Csv_equals_the_view_but_for_formulas) {
    // SQLite's own word for each cell; a text that begins like a formula gets the apostrophe.
    const std::string cell =
        "CASE WHEN typeof(\"{0}\") = 'text' AND \"{0}\" <> '' AND"
        " instr('=+-@' || char(9, 13), substr(\"{0}\", 1, 1)) > 0 THEN char(39) ELSE '' END"
        " || coalesce(CAST(\"{0}\" AS TEXT), '')";
    for (const int more : {0, 1200}) {
        many(more);
        const auto rows = read_csv(exported(Format::csv));
        ASSERT_EQ(rows.size(), 4U + static_cast<std::size_t>(more));
        EXPECT_EQ(rows[0], columns());
        const auto expected = by_sqlite("json_array", cell);
        ASSERT_EQ(rows.size(), expected.size() + 1);
        for (std::size_t i = 0; i < expected.size(); ++i) {
            EXPECT_EQ(rows[i + 1], expected[i].get<std::vector<std::string>>());
        }
    }
}

TEST_F(ExportTest, Csv_has_header_quotes_and_harmless_formulas) {
    const std::string csv = exported(Format::csv);
    EXPECT_TRUE(csv.starts_with("job,unit,attempt,serial,"));
    EXPECT_NE(csv.find("\"'=cmd|'/c'!A1\""), std::string::npos);
    EXPECT_NE(csv.find("\"Line \"\"A\"\", hall 1\""), std::string::npos);
    EXPECT_NE(csv.find("\"two\nlines\""), std::string::npos);
    EXPECT_EQ(exported(Format::csv, {{"slot", "none"}}), csv.substr(0, csv.find("\r\n") + 2));
    EXPECT_EQ(exported(Format::json, {{"slot", "none"}}), "[]\n");
}

TEST(CsvCell, Formula_characters) {
    for (const char* text : {"=1", "+1", "-1", "@x", "\tx", "\rx"}) {
        EXPECT_EQ(csv_cell(text), std::string("\"'") + text + "\"");
    }
    EXPECT_EQ(csv_cell("a=b"), "a=b");
    EXPECT_EQ(csv_cell(""), "");
    EXPECT_EQ(csv_cell("a\"b"), "\"a\"\"b\"");
}

TEST_F(ExportTest, Filters) {
    using Ids = std::vector<int>;
    EXPECT_EQ(jobs({}), (Ids{1, 2, 3}));
    EXPECT_EQ(jobs({{"result", "PASS"}}), (Ids{2}));
    EXPECT_EQ(jobs({{"result", "PASS,FAIL"}}), (Ids{1, 2}));
    EXPECT_EQ(jobs({{"slot", "2"}}), (Ids{3}));
    EXPECT_EQ(jobs({{"operator", "plug-in"}}), (Ids{1, 2}));
    EXPECT_EQ(jobs({{"batch", "b1"}, {"slot", "1"}}), (Ids{1, 2}));
    EXPECT_EQ(jobs({{"image", "aaaaaa"}}), (Ids{1, 2}));
    EXPECT_EQ(jobs({{"code", "F12"}}), (Ids{1}));
    EXPECT_EQ(jobs({{"since", "1970-01-01T00:00:04.500Z"}}), (Ids{2, 3}));
    EXPECT_EQ(jobs({{"until", "1970-01-01T00:00:04.500Z"}}), (Ids{1}));
    EXPECT_EQ(jobs({{"until", "1970-01-01"}}), (Ids{1, 2, 3}));
    EXPECT_EQ(jobs({{"serial_from", "rc-0002"}}), (Ids{})) << "released: it belongs to no record";
    EXPECT_EQ(jobs({{"serial_from", "RC-0001"}, {"serial_to", "RC-0001"}}), (Ids{1, 2}));
}

TEST_F(ExportTest, Zip_holds_records_logs_and_their_digests) {
    log(1, "01-flash.1.log", std::string(200'000, 'f'));
    log(2, "02-set-serial.1.log", "serial\n");
    log(2, "01-flash.1.log", "flash\n");
    log(2, "01-flash.1.events.jsonl", "{}\n");
    log(3, "01-flash.1.log", "aborted\n");
    ASSERT_TRUE(store->write_now([](db::Tx& tx) -> Status {
        EXPECT_TRUE(
            tx.run("INSERT INTO certificate (job_id, unit_id, seq, at_ms, key_id, body) "
                   "VALUES (2, 1, 1, 4500, 'k', '{\"of\":2}')"));
        return {};
    }));
    const auto files = unzip(exported(Format::zip));
    ASSERT_EQ(files.size(), 7U);
    EXPECT_EQ(files.at("certificates/RC-0001/2.json"), "{\"of\":2}");
    EXPECT_EQ(files.at("records.csv"), exported(Format::csv));
    EXPECT_EQ(files.at("records.json"), exported(Format::json));
    EXPECT_EQ(files.at("logs/RC-0001/2.log"),
              "==> 01-flash.1.log <==\nflash\n==> 02-set-serial.1.log <==\nserial\n");
    EXPECT_EQ(files.at("logs/RC-0001/1.log").size(), 200'023U);
    EXPECT_EQ(files.at("logs/unit-2/1.log"), "==> 01-flash.1.log <==\naborted\n");
    const auto index = read_csv(files.at("index.csv"));
    ASSERT_EQ(index.size(), 5U);
    for (std::size_t i = 1; i < index.size(); ++i) {
        const std::string& bytes = files.at(index[i].at(0));
        EXPECT_EQ(index[i].at(1), base::sha256_hex(bytes)) << index[i].at(0);
        EXPECT_EQ(index[i].at(2), std::to_string(bytes.size()));
    }
}

TEST_F(ExportTest, Zip_with_no_rows) {
    EXPECT_EQ(unzip(exported(Format::zip, {{"slot", "none"}})).size(), 3U);
}

TEST_F(ExportTest, Job_that_ends_meanwhile_is_in_no_part) {
    many(1200);
    const auto before = exported(Format::json);
    bool done = false;
    const auto files = unzip(exported(Format::zip, {}, [&] {
        if (!std::exchange(done, true)) {
            ASSERT_TRUE(store->write_now([](db::Tx& tx) -> Status {
                EXPECT_TRUE(
                    tx.run("UPDATE job SET outcome = 'ERROR', code = 'usb.left',"
                           " ended_ms = 9000 WHERE id = 4"));
                return {};
            }));
            many(1);
        }
    }));
    EXPECT_EQ(files.at("records.json"), before);
    EXPECT_EQ(read_csv(files.at("records.csv")).size(), 1U + 1203U);
    EXPECT_EQ(read_csv(files.at("index.csv")).size(), 1U + 1203U);
    EXPECT_EQ(files.size(), 3U + 1203U);
    EXPECT_EQ(Json::parse(exported(Format::json)).size(), 1205U) << "the next one has them";
}

TEST_F(ExportTest, Comes_in_small_pieces_and_may_be_dropped_half_way) {
    many(5000);
    for (const Format format : {Format::csv, Format::json, Format::zip}) {
        largest = 0;
        const std::string whole = exported(format);
        EXPECT_GT(whole.size(), 100'000U);
        EXPECT_GT(pieces, 10);
        EXPECT_LT(largest, 512U * 1024);
        auto file = make_export(format, {},
                                {.logs = [](std::int64_t) { return "/nowhere"; }, .spool = spool});
        EXPECT_TRUE(store->read_now([&](db::Tx& tx) -> Status {
            auto piece = file->next(tx);
            EXPECT_TRUE(piece && !piece->empty() && piece->size() < whole.size());
            return {};
        }));
        file.reset();  // the sanitizers look whether something is left over
    }
}

TEST_F(ExportTest, Zip_that_cannot_be_spooled_never_looks_whole) {
    many(5000);
    spool = folder / "gone";
    auto file = make_export(Format::zip, {},
                            {.logs = [](std::int64_t) { return "/nowhere"; }, .spool = spool});
    std::string bytes;
    base::Error why;
    while (why.code.empty()) {
        ASSERT_TRUE(store->read_now([&](db::Tx& tx) -> Status {
            auto piece = file->next(tx);
            EXPECT_FALSE(piece && piece->empty()) << "it ended well";
            why = piece ? base::Error() : piece.error();
            bytes += piece.value_or("");
            return {};
        }));
    }
    EXPECT_EQ(why.code, "station.bug");
    EXPECT_GT(bytes.size(), 100'000U) << "it is told late";
    EXPECT_EQ(bytes.find("PK\5\6"), std::string::npos) << "the mark of an archive's end";
}

// Leases move on while an export is taken: no two logs get one name.
TEST_F(ExportTest, Zip_names_each_log_once) {
    ASSERT_TRUE(store->write_now([](db::Tx& tx) -> Status {
        for (
            const char* sql : {
                "UPDATE batch SET state = 'closed', ended_ms = 1, ended_by = 'x'",
                "INSERT INTO batch (id, pool_id, name, test_only, loaded_ms, loaded_by, "
                "file_sha256, count) VALUES (2, 1, 'b2', 1, 0, 'x', 'z', 3)",
                "INSERT INTO serial (id, batch_id, value, value_key) VALUES (11, 2, 'Unit-2', "
                "'unit-2'), (12, 2, 'S', 's')",
                "UPDATE batch SET state = 'open' WHERE id = 2",
                "INSERT INTO unit (id, model, first_ms) VALUES (3, 'xavier-nx', 0), (4, "
                "'xavier-nx', 0)",
                "INSERT INTO job (id, unit_id, order_id, slot, port, attempt, epoch, state, actor, "
                "started_ms, started_mono_ns, boot) VALUES (10, 3, 1, '7', 'p', 1, 1, 'x', 'a', "
                "0, 0, 'b'), (11, 4, 1, '8', 'p', 1, 1, 'x', 'a', 0, 0, 'b')",
                "INSERT INTO lease (serial_id, unit_id, job_id, state, epoch, at_ms) VALUES (11, "
                "3, 10, 'reserved', 1, 0), (12, 4, 11, 'reserved', 1, 0)",
                "UPDATE lease SET state = 'issued' WHERE unit_id = 3",
                "UPDATE lease SET state = 'burned' WHERE unit_id = 3",
                "UPDATE job SET outcome = 'ERROR', code = 'usb.left', ended_ms = 9 WHERE id IN "
                "(10, 11)",
                // A second one of unit 2's first attempt.
                "INSERT INTO job (id, unit_id, order_id, slot, port, attempt, epoch, state, actor, "
                "started_ms, started_mono_ns, boot) VALUES (12, 2, 1, '9', 'p', 1, 1, 'x', 'a', "
                "0, 0, 'b')",
                "UPDATE job SET outcome = 'ERROR', code = 'usb.left', ended_ms = 9 WHERE id = 12",
            }) {
            auto done = tx.run(sql);
            EXPECT_TRUE(done) << sql << ": " << done.error().message;
        }
        return {};
    }));
    std::string names;
    for (const auto& [name, content] : unzip(exported(Format::zip))) {
        names += name.starts_with("logs/") ? name + " " : "";
    }
    EXPECT_EQ(names,
              "logs/RC-0001/1.log logs/RC-0001/2.log logs/S/1-job-11.log logs/Unit-2/1-job-10.log "
              "logs/unit-2/1-job-12.log logs/unit-2/1.log ");
}

TEST_F(ExportTest, Few_serials_looked_up_first_give_the_same_rows) {
    const auto jobs = [&](const RecordFilter& filter, bool few) {
        std::string found;
        const Where made = where(filter, few);
        EXPECT_TRUE(store->read_now([&](db::Tx& tx) {
            return tx.each("SELECT job FROM record_v1" + made.sql + " ORDER BY job", made.args,
                           [&](const db::Tx::Row& row) {
                               found += std::to_string(row.integer(0)) + " ";
                               return true;
                           });
        }));
        return found;
    };
    using Fields = std::map<std::string, std::string>;
    const std::vector<std::pair<Fields, std::string>> cases{
        {{{"serial_from", "rc-0001"}, {"serial_to", "RC-0002"}}, "1 2 "},
        {{{"serial_from", "RC-0002"}, {"serial_to", "RC-0002"}}, ""},  // a released one
        {{{"serial_from", "RC-0001"}, {"serial_to", "RC-0001"}, {"result", "FAIL"}}, "1 "},
        {{{"batch", "b1"}}, "1 2 "},
        {{{"batch", "b1"}, {"serial_from", "A"}, {"serial_to", "Z"}, {"slot", "2"}}, ""},
        {{{"batch", "none"}}, ""},
        {{{"serial_from", "RC-0001"}}, "1 2 "},
    };
    for (const auto& [fields, expected] : cases) {
        const auto filter = parse_filter(fields).value();
        EXPECT_EQ(jobs(filter, true), expected) << Json(fields);
        EXPECT_EQ(jobs(filter, false), expected) << Json(fields);
        const bool names_few = fields.contains("serial_to") || fields.contains("batch");
        EXPECT_TRUE(store->read_now([&](db::Tx& tx) -> Status {
            const auto few = asks_for_few_serials(tx, filter);
            EXPECT_EQ(few.value(), names_few);
            return {};
        }));
    }
}

}  // namespace
}  // namespace lineside::records
