// SPDX-License-Identifier: Apache-2.0
// The export request hands on what station/records makes, piece by piece.
#include "station/records/record_export.h"
#include "web/api/api_fixture.h"

namespace lineside::api {
namespace {

using testing::ApiTest;

class ExportTest : public ApiTest {
  protected:
    std::string by_records(records::Format format, const records::RecordFilter& filter = {}) {
        const auto file = records::make_export(
            format, filter,
            {.logs = [this](std::int64_t job) { return folder / "logs" / std::to_string(job); },
             .spool = folder});
        std::string all;
        EXPECT_TRUE(store->read_now([&](Tx& tx) -> base::Status {
            for (auto piece = file->next(tx); piece && !piece->empty(); piece = file->next(tx)) {
                all += *piece;
            }
            return {};
        }));
        return all;
    }
};

TEST_F(ExportTest, Same_bytes_as_station_records) {
    for (const bool filled : {false, true}) {
        if (filled) {
            fill();
            log(2, "01-flash.1.log", std::string(300'000, 'x'));
        }
        for (const auto format :
             {records::Format::json, records::Format::csv, records::Format::zip}) {
            const std::string name(records::file_extension(format));
            pieces = 0;
            const auto got = get("/api/v1/records/export?format=" + name);
            EXPECT_EQ(got.status, 200U);
            EXPECT_TRUE(got.whole);
            EXPECT_EQ(got.text, by_records(format)) << name;
            EXPECT_EQ(got.type, records::media_type(format));
            const std::string& disposition = got.headers.at("Content-Disposition");
            EXPECT_EQ(disposition.find("attachment; filename=\"records-"), 0U);
            EXPECT_TRUE(disposition.ends_with("Z." + name + "\"")) << disposition;
            EXPECT_GE(pieces, 1);
        }
    }
    EXPECT_EQ(get("/api/v1/records/export?format=json").json().size(), 2U);
}

TEST_F(ExportTest, Filters_and_wrong_formats) {
    fill();
    records::RecordFilter filter;
    filter.results = {"FAIL"};
    const auto failed = get("/api/v1/records/export?format=csv&result=FAIL").text;
    EXPECT_EQ(failed, by_records(records::Format::csv, filter));
    EXPECT_NE(failed, by_records(records::Format::csv));
    EXPECT_EQ(get("/api/v1/records/export?format=xml").status, 400U);
    EXPECT_EQ(get("/api/v1/records/export").status, 400U);
}

}  // namespace
}  // namespace lineside::api
