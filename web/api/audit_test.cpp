// SPDX-License-Identifier: Apache-2.0
// What others check the station by, as the API hands it out.
#include "station/audit/audit_verify.h"
#include "station/base/text.h"
#include "station/trust/certificate.h"
#include "web/api/api_fixture.h"

#include <sstream>

namespace lineside::api {
namespace {

class AuditApi : public testing::ApiTest {
  protected:
    void SetUp() override {
        ApiTest::SetUp();
        fill();
        facade.signer_key = signer_;
        ASSERT_TRUE(keys_.add_pem(signer_->public_pem(), "test"));
        std::ofstream(folder / "key.pub") << signer_->public_pem();
    }
    int verify(const std::string& journal, Json& said) {
        std::ofstream(folder / "journal.jsonl") << journal;
        audit::VerifyArguments arguments;
        arguments.export_file = folder / "journal.jsonl";
        arguments.keys = {folder / "key.pub"};
        std::ostringstream out;
        std::ostringstream err;
        const int status = audit::run_audit_verify(arguments, out, err);
        said = Json::parse(out.str(), nullptr, false);
        return status;
    }
    std::shared_ptr<const audit::Signer> signer_ =
        std::make_shared<const audit::Signer>(trust::SigningKey::generate().value(), "line2-st1");
    trust::PublicKeys keys_;
};

TEST_F(AuditApi, Journal_is_what_audit_verify_reads) {
    for (int i = 0; i < 1200; ++i) {  // more than one slice
        event(70000 + i, {"test.row", "", {}, {}, "", {{"n", i}}});
    }
    const auto got = get("/api/v1/audit/journal");
    ASSERT_EQ(got.status, 200U);
    EXPECT_TRUE(got.whole);
    Json said;
    ASSERT_EQ(verify(got.text, said), 0) << said.dump();
    EXPECT_GE(said["events"], 1200);
    EXPECT_EQ(said["anchors"], 1);
    auto bent = got.text;
    bent.replace(bent.find("test.row"), 8, "test.raw");
    EXPECT_EQ(verify(bent, said), 1);
    facade.signer_key.reset();
    EXPECT_NE(get("/api/v1/audit/journal").status, 200U);
}

TEST_F(AuditApi, Records_come_with_the_head_of_the_journal) {
    event(70000, {"test.row", "", {}, {}, "", Json::object()});
    for (const std::string format : {"csv", "json", "zip"}) {
        const auto got = get("/api/v1/records/export?format=" + format);
        ASSERT_EQ(got.status, 200U);
        const auto text = trust::from_strict_base64(got.headers.at("Lineside-Anchor"));
        ASSERT_TRUE(text);
        const auto anchor = trust::read_anchor(*text, keys_);
        ASSERT_TRUE(anchor) << trust::to_text(anchor.error());
        EXPECT_EQ(std::to_string(anchor->seq), got.headers.at("Lineside-Journal-Seq"));
        EXPECT_EQ(base::to_hex(anchor->head), got.headers.at("Lineside-Journal-Head"));
        EXPECT_GT(anchor->seq, 0);
        EXPECT_EQ(got.text.find("anchor.json") != std::string::npos, format == "zip");
    }
}

TEST_F(AuditApi, Certificate_is_the_one_that_was_signed) {
    EXPECT_EQ(get("/api/v1/jobs/1/certificate").status, 404U) << "an older PASS has none";
    EXPECT_EQ(get("/api/v1/jobs/1").json()["certificate"], false);
    sql("INSERT INTO certificate (job_id, unit_id, seq, at_ms, key_id, body) VALUES (1, 1, 1, 1, "
        "'k', '{\"type\":\"x\"}')");
    const auto got = get("/api/v1/jobs/1/certificate");
    EXPECT_EQ(got.status, 200U);
    EXPECT_EQ(got.text, "{\"type\":\"x\"}\n");
    EXPECT_EQ(got.type, "application/json");
    EXPECT_EQ(get("/api/v1/jobs/1").json()["certificate"], true);
}

}  // namespace
}  // namespace lineside::api
