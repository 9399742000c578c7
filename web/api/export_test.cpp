// SPDX-License-Identifier: Apache-2.0
// The exports equal those of station/records, stay small in memory, and the ZIP opens.
#include "station/base/text.h"
#include "station/records/record_export.h"
#include "web/api/api_fixture.h"
#include "web/api/record_writer.h"

#include <archive.h>
#include <archive_entry.h>

namespace lineside::api {
namespace {

using testing::ApiTest;

class ExportTest : public ApiTest {
  protected:
    std::string by_records(records::Format format, const records::RecordFilter& filter = {}) {
        std::string all;
        auto done = store->read_now([&](Tx& tx) {
            return records::export_records(tx, format, filter, {}, [&](std::string piece) {
                all += piece;
                return true;
            });
        });
        EXPECT_TRUE(done);
        return all;
    }
    // Many ended jobs of unit 2.
    void many(int count) {
        sql(
            fmt::format("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < "
                        "{}) INSERT INTO job (unit_id, order_id,"
                        " slot, port, attempt, epoch, state, actor, started_ms, started_mono_ns, "
                        "boot) SELECT 2, 1, 's' || i, 'p', i + 1,"
                        " 1, 'closed', 'plug-in', i, 0, 'b' FROM n",
                        count));
        sql("UPDATE job SET outcome = 'ERROR', code = 'usb.left', ended_ms = started_ms + 5 WHERE "
            "outcome IS NULL");
    }
    static std::map<std::string, std::string> unzip(const std::string& bytes) {
        std::map<std::string, std::string> files;
        archive* zip = archive_read_new();
        archive_read_support_format_zip(zip);
        EXPECT_EQ(archive_read_open_memory(zip, bytes.data(), bytes.size()), ARCHIVE_OK);
        archive_entry* entry = nullptr;
        while (archive_read_next_header(zip, &entry) == ARCHIVE_OK) {
            std::string content;
            char part[8192];
            la_ssize_t n = 0;
            while ((n = archive_read_data(zip, part, sizeof(part))) > 0) {
                content.append(part, static_cast<std::size_t>(n));
            }
            EXPECT_EQ(n, 0) << archive_error_string(zip);
            files[archive_entry_pathname(entry)] = content;
        }
        archive_read_free(zip);
        return files;
    }
};

TEST_F(ExportTest, Same_bytes_as_station_records) {
    EXPECT_EQ(get("/api/v1/records/export?format=json").text, by_records(records::Format::json));
    EXPECT_EQ(get("/api/v1/records/export?format=csv").text, by_records(records::Format::csv));
    fill();
    many(1200);
    const auto json = get("/api/v1/records/export?format=json");
    EXPECT_EQ(json.text, by_records(records::Format::json));
    EXPECT_EQ(json.json().size(), 1202U);
    const auto csv = get("/api/v1/records/export?format=csv");
    EXPECT_EQ(csv.text, by_records(records::Format::csv));
    EXPECT_NE(csv.text.find("\"'=Did not, \"\"start\"\"\""), std::string::npos);
    EXPECT_EQ(csv.headers.at("Content-Disposition").find("attachment; filename=\"records-"), 0U);
    records::RecordFilter filter;
    filter.results = {"FAIL"};
    EXPECT_EQ(get("/api/v1/records/export?format=csv&result=FAIL").text,
              by_records(records::Format::csv, filter));
    EXPECT_EQ(get("/api/v1/records/export?format=xml").status, 400U);
    EXPECT_EQ(get("/api/v1/records/export").status, 400U);
}

TEST_F(ExportTest, Zip_holds_tables_logs_and_their_digests) {
    fill();
    log(2, "01-flash.1.log", std::string(300'000, 'x'));
    const auto zip = get("/api/v1/records/export?format=zip");
    EXPECT_TRUE(zip.whole);
    const auto files = unzip(zip.text);
    ASSERT_EQ(files.size(), 5U);
    EXPECT_EQ(files.at("records.json"), by_records(records::Format::json));
    EXPECT_EQ(files.at("records.csv"), by_records(records::Format::csv));
    EXPECT_EQ(files.at("logs/RC26-00001/1.log"), "==> 01-flash.1.log <==\nflash says hello\n");
    const auto& large = files.at("logs/RC26-00002/1.log");
    EXPECT_EQ(large.size(), 300'000U + 23U);
    EXPECT_NE(files.at("index.csv")
                  .find("logs/RC26-00002/1.log," + base::sha256_hex(large) +
                        ",300023,2,2,RC26-00002,1,FAIL\r\n"),
              std::string::npos);
}

TEST_F(ExportTest, Comes_in_pieces_and_an_unread_one_costs_nothing) {
    fill();
    many(5000);
    pieces = 0;
    const auto zip = get("/api/v1/records/export?format=zip");
    EXPECT_GT(pieces, 10);
    EXPECT_EQ(unzip(zip.text).size(), 3U + 5002U);
    // Dropped half way: nothing is left over, nothing is called.
    auto filter = records::RecordFilter{};
    auto writer = zip_writer(filter, [](std::int64_t) { return std::string("/nowhere"); });
    ASSERT_TRUE(store->read_now([&](Tx& tx) -> base::Status {
        auto piece = writer->next(tx);
        EXPECT_TRUE(piece && !piece->empty() && piece->size() < 1024 * 1024);
        return {};
    }));
    writer.reset();
}

}  // namespace
}  // namespace lineside::api
