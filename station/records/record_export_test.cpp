// SPDX-License-Identifier: Apache-2.0
#include "station/records/record_export.h"

#include "station/base/json.h"
#include "station/base/text.h"
#include "station/db/store.h"

#include <archive.h>
#include <archive_entry.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

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
};

class ExportTest : public testing::Test {
  protected:
    void SetUp() override {
        std::string name = testing::TempDir() + "export-XXXXXX";
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        folder = name;
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
    std::string exported(Format format, const std::map<std::string, std::string>& fields = {}) {
        std::string bytes;
        const LogFolder logs = [this](std::int64_t job) { return folder / std::to_string(job); };
        const Status done = store->read_now([&](db::Tx& tx) {
            return export_records(tx, format, parse_filter(fields).value(), logs,
                                  [&](std::string piece) {
                                      EXPECT_LE(piece.size(), 64U * 1024);
                                      bytes += piece;
                                      return true;
                                  });
        });
        EXPECT_TRUE(done) << done.error().message;
        return bytes;
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
    std::unique_ptr<db::Store> store;
};

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
    const Json rows = Json::parse(exported(Format::json));
    ASSERT_EQ(rows.size(), 3U);
    ASSERT_TRUE(store->read_now([&](db::Tx& tx) -> Status {
        std::size_t at = 0;
        return tx.each("SELECT * FROM record_v1 ORDER BY job", {}, [&](const db::Tx::Row& row) {
            const Json& object = rows[at++];
            EXPECT_EQ(object.size(), static_cast<std::size_t>(row.columns()));
            for (int i = 0; i < row.columns(); ++i) {
                const Json& cell = object.at(std::string(row.name(i)));
                EXPECT_EQ(cell.is_null(), row.is_null(i)) << row.name(i);
                if (cell.is_string()) {
                    EXPECT_EQ(cell.get<std::string>(), row.text(i));
                } else if (!cell.is_null()) {
                    EXPECT_EQ(cell.get<std::int64_t>(), row.integer(i));
                }
            }
            return true;
        });
    }));
    EXPECT_EQ(rows[1]["serial"], "RC-0001");
    EXPECT_EQ(rows[1]["image_proven"], 1);
    EXPECT_EQ(rows[1]["started"], "1970-01-01T00:00:03.000Z");
    EXPECT_TRUE(rows[2]["lease"].is_null()) << "a released serial goes to another unit";
    EXPECT_TRUE(rows[2]["serial"].is_null());
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
    log(1, "01-flash.log", std::string(200'000, 'f'));
    log(2, "02-serial.log", "serial\n");
    log(2, "01-flash.log", "flash\n");
    log(2, "01-flash.events.jsonl", "{}\n");
    log(3, "01-flash.log", "aborted\n");
    const auto files = unzip(exported(Format::zip));
    ASSERT_EQ(files.size(), 6U);
    EXPECT_EQ(files.at("records.csv"), exported(Format::csv));
    EXPECT_EQ(files.at("records.json"), exported(Format::json));
    EXPECT_EQ(files.at("logs/RC-0001/2.log"),
              "==> 01-flash.log <==\nflash\n==> 02-serial.log <==\nserial\n");
    EXPECT_EQ(files.at("logs/RC-0001/1.log").size(), 200'021U);
    EXPECT_EQ(files.at("logs/unit-2/1.log"), "==> 01-flash.log <==\naborted\n");
    const std::string& index = files.at("index.csv");
    EXPECT_NE(index.find("logs/RC-0001/2.log," + base::sha256_hex(files.at("logs/RC-0001/2.log"))),
              std::string::npos);
    EXPECT_NE(index.find(base::sha256_hex(files.at("logs/RC-0001/1.log"))), std::string::npos);
}

TEST_F(ExportTest, Zip_with_no_logs_and_no_rows) {
    EXPECT_EQ(unzip(exported(Format::zip, {{"slot", "none"}})).size(), 3U);
}

TEST_F(ExportTest, Receiver_that_leaves_ends_the_export) {
    for (const Format format : {Format::csv, Format::json, Format::zip}) {
        EXPECT_FALSE(store->read_now([&](db::Tx& tx) {
            return export_records(
                tx, format, {}, [](std::int64_t) { return std::filesystem::path("/nowhere"); },
                [](std::string) { return false; });
        }));
    }
}

}  // namespace
}  // namespace lineside::records
