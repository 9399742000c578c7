// SPDX-License-Identifier: Apache-2.0
// Backups and keys over the API; what a log that went by policy looks like.
#include "web/api/api_fixture.h"

namespace lineside::api::testing {
namespace {

class CareTest : public ApiTest {};

TEST_F(CareTest, Backup_is_made_by_who_asks_and_can_be_fetched) {
    const auto made = post("/api/v1/backups", "{}");
    EXPECT_EQ(made.status, 201U);
    EXPECT_EQ(facade.calls, (std::vector<std::string>{"backup uid 1000 (ana)"}));
    EXPECT_EQ(post("/api/v1/backups", "{\"path\":\"/etc\"}").status, 400U);
    facade.backups = folder / "backups";
    fs::create_directories(facade.backups);
    const std::string bytes(700'000, 'b');
    std::ofstream(facade.backups / "station-20261120T104124Z-7.db") << bytes;
    std::ofstream(folder / "station.db.json") << "secret";
    const auto got = get("/api/v1/backups/station-20261120T104124Z-7.db");
    EXPECT_EQ(got.status, 200U);
    EXPECT_EQ(got.text, bytes);
    for (const char* name : {"station-20261120T104124Z-8.db", "station.db.json", "..%2Fstation.db",
                             "station-..db", "station-%2e%2e%2fx.db"}) {
        EXPECT_GE(get(std::string("/api/v1/backups/") + name).status, 400U) << name;
    }
}

TEST_F(CareTest, Key_is_turned_by_who_asks_and_its_ids_are_told) {
    facade.answer = Json{{"key", "2dc3080c0d291834"}, {"before", ""}};
    EXPECT_EQ(post("/api/v1/keys/rotate", "{}").json()["key"], "2dc3080c0d291834");
    EXPECT_EQ(facade.calls, (std::vector<std::string>{"rotate_key uid 1000 (ana)"}));
    EXPECT_EQ(get("/api/v1/keys").status, 200U);
    facade.answer = base::fail("request.refused", "cannot be written by the station");
    EXPECT_EQ(post("/api/v1/keys/rotate", "{}").status, 403U);
}

TEST_F(CareTest, Log_that_went_by_policy_says_so_on_page_and_download) {
    fill();
    fs::remove_all(folder / "logs" / "1");
    event(1'795'171'284'010,
          {"job.log_retired", "", base::UnitId(1), base::JobId(1), "", Json::object()});
    const auto page = get("/api/v1/jobs/1/log");
    EXPECT_EQ(page.status, 200U);
    EXPECT_NE(page.text.find("removed on 2026-11-20 by the station's policy"), std::string::npos);
    const auto file = get("/api/v1/jobs/1/log/download");
    EXPECT_EQ(file.status, 200U);
    EXPECT_EQ(file.text, page.text);
    EXPECT_EQ(page.headers.at("X-Log-Size"), std::to_string(page.text.size()));
    EXPECT_EQ(get("/api/v1/jobs/2/log").text, "");  // it never had one
}

}  // namespace
}  // namespace lineside::api::testing
