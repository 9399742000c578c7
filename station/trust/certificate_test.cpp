// SPDX-License-Identifier: Apache-2.0
#include "station/trust/certificate.h"

#include "station/base/text.h"
#include "station/trust/canonical_json.h"

#include <gtest/gtest.h>

namespace lineside::trust {
namespace {

using base::Json;

CertificateFacts facts() {
    CertificateFacts f;
    f.station = "line2-st1";
    f.unit = 7;
    f.job = 9;
    f.attempt = 2;
    f.order = "N-1";
    f.model = "xavier-nx";
    f.serial = "00042";
    f.chip_id = "0x80021012";
    f.module_serial = "1421024";
    f.image_key = std::string(64, 'a');
    f.image_digest = std::string(64, 'b');
    f.release = CertificateFacts::Release{"emergency", "ana", "line stands still"};
    f.tool_version = "32.7.4";
    f.person = "uid 1000 (ana)";
    f.rework_reason = "camera replaced";
    f.started_ms = 1700000000000;
    f.ended_ms = 1700000100000;
    f.steps = {{"flash", 1, 1700000000001, 1700000050000, "failed"},
               {"flash", 2, 1700000050001, 1700000090000, "ok"}};
    f.proofs = {{"image", true, f.image_digest, f.image_digest, 1700000090001},
                {"serial", false, "00042", "", 1700000090002},
                {"serial", true, "00042", "00042", 1700000090003}};
    f.seq = 55;
    f.head.fill(0xcd);
    return f;
}

// Of a disk that was written: nobody heard a serial, there is no chip id.
CertificateFacts facts_of_disk() {
    CertificateFacts f = facts();
    f.serial.clear();
    f.chip_id.reset();
    f.proofs = {{"image", true, f.image_digest, f.image_digest, 1700000090001}};
    return f;
}

class CertificateTest : public ::testing::Test {
  protected:
    void SetUp() override { ASSERT_TRUE(keys_.add_pem(key_.public_pem(), "test")); }
    // The field a reader of `text` names, "good" when there is none.
    [[nodiscard]] std::string fault(const std::string& text) const {
        const auto read = read_certificate(text, keys_);
        return read ? "good" : read.error().field;
    }
    // As `fault`, of an object somebody else made and the station signed.
    [[nodiscard]] std::string signed_fault(Json object) const {
        object.erase("signature");
        const std::string type = object.value("type", "x");
        return fault(*sign_object(std::move(object), type, key_));
    }
    SigningKey key_ = *SigningKey::generate();
    PublicKeys keys_;
};

TEST_F(CertificateTest, Says_how_the_image_was_released) {
    const Json object = certificate_object(facts());
    EXPECT_EQ(object.at("image_release"),
              (Json{{"how", "emergency"}, {"by", "ana"}, {"reason", "line stands still"}}));
    Json made = Json::parse(*make_certificate(facts(), key_));
    made["image_release"]["reason"] = nullptr;
    EXPECT_EQ(signed_fault(made), "image_release.reason");
    made["image_release"] = {{"how", "two"}, {"by", "ana, ben"}, {"reason", "x"}};
    EXPECT_EQ(signed_fault(made), "image_release.reason");
    made["image_release"]["how"] = "three";
    EXPECT_EQ(signed_fault(made), "image_release.how");
    made["image_release"] = nullptr;
    EXPECT_EQ(signed_fault(made), "good");
    made.erase("image_release");
    EXPECT_EQ(signed_fault(made), "image_release");
}

TEST_F(CertificateTest, A_disk_has_no_serial_and_nobody_heard_one) {
    const auto text = make_certificate(facts_of_disk(), key_);
    ASSERT_TRUE(text) << text.error().message;
    EXPECT_EQ(fault(*text), "good");
    Json made = Json::parse(*text);
    EXPECT_EQ(made["serial"], "");
    made["serial"] = "00042";
    EXPECT_EQ(signed_fault(made), "proofs") << "a serial that was not heard";
    CertificateFacts heard = facts_of_disk();
    heard.proofs.push_back({"serial", true, "00042", "00042", 1700000090002});
    EXPECT_FALSE(make_certificate(heard, key_));
    made = Json::parse(*text);
    made["proofs"].push_back({{"kind", "serial"},
                              {"ok", true},
                              {"expected", "00042"},
                              {"heard", "00042"},
                              {"at_ms", 1700000090002}});
    EXPECT_EQ(signed_fault(made), "serial");
}

TEST_F(CertificateTest, The_first_kind_is_read_still) {
    Json old = Json::parse(*make_certificate(facts(), key_));
    old["type"] = kFirstCertificateType;
    EXPECT_EQ(signed_fault(old), "image_release") << "it has no such field";
    old.erase("image_release");
    EXPECT_EQ(signed_fault(old), "good");
}

TEST_F(CertificateTest, Says_what_was_made_and_is_an_anchor) {
    const auto text = make_certificate(facts(), key_);
    ASSERT_TRUE(text) << text.error().message;
    const auto read = read_certificate(*text + "\n", keys_);
    ASSERT_TRUE(read) << read.error().field << read.error().why;
    EXPECT_EQ(read->object.at("serial"), "00042");
    EXPECT_EQ(read->anchor.seq, 55);
    EXPECT_EQ(read->anchor.head, facts().head);
    EXPECT_EQ(read->anchor.station, "line2-st1");
}

TEST_F(CertificateTest, Every_changed_value_is_found) {
    const Json good = Json::parse(*make_certificate(facts(), key_));
    int changed = 0;
    const Json flat = good.flatten();
    for (const auto& [path, value] : flat.items()) {
        Json bent = good;
        Json& place = bent[Json::json_pointer(path)];
        if (place.is_string()) {
            place = place.get<std::string>() + "0";
        } else if (place.is_boolean()) {
            place = !place.get<bool>();
        } else {
            place = place.get<std::uint64_t>() + 1;
        }
        EXPECT_NE(fault(*canonical_json(bent)), "good") << path;
        ++changed;
    }
    EXPECT_GT(changed, 35);
    Json bent = good;
    bent["serial"] = "00043";  // consistent, so that only the signature can tell
    for (auto& proof : bent["proofs"]) {
        if (proof["kind"] == "serial" && proof["ok"] == true) {
            proof["expected"] = proof["heard"] = "00043";
        }
    }
    EXPECT_EQ(fault(*canonical_json(bent)), "signature");
}

TEST_F(CertificateTest, Names_the_field_that_is_bad) {
    const Json good = Json::parse(*make_certificate(facts(), key_));
    ASSERT_EQ(signed_fault(good), "good");
    for (const auto& [name, value] : good.items()) {
        if (name == "signature" || name == "key" || name == "type") {
            continue;  // signing puts them back
        }
        Json lacks = good;
        lacks.erase(name);
        EXPECT_EQ(signed_fault(lacks), name);
        Json wrong = good;
        wrong[name] = Json::parse("[[1]]");
        EXPECT_EQ(signed_fault(wrong).substr(0, name.size()), name);
    }
    struct Bent {
        const char* pointer;
        Json value;
        const char* field;
    };
    for (const auto& bent : {
             Bent{"/extra", 1, "extra"},
             Bent{"/unit", 0, "unit"},
             Bent{"/unit", -1, "unit"},
             Bent{"/attempt", 1.5, "attempt"},
             Bent{"/serial", "", "serial"},
             Bent{"/chip_id", nullptr, "chip_id"},
             Bent{"/chip_id_waived", true, "chip_id"},
             Bent{"/image/key", "short", "image.key"},
             Bent{"/image/extra", 1, "image.extra"},
             Bent{"/image/digest", std::string(64, 'c'), "proofs[0].expected"},
             Bent{"/steps/1/outcome", "fine", "steps[1].outcome"},
             Bent{"/steps/1/outcome", "failed", "steps"},
             Bent{"/steps/0/extra", "x", "steps[0].extra"},
             Bent{"/steps", Json::array(), "steps"},
             Bent{"/proofs/2/ok", false, "proofs[2].ok"},
             Bent{"/proofs/2/heard", "00043", "proofs[2].heard"},
             Bent{"/proofs/0/kind", "serial", "proofs"},
             Bent{"/proofs/0/ok", "yes", "proofs[0].ok"},
             Bent{"/journal/seq", 0, "journal.seq"},
             Bent{"/journal/head", "00", "journal.head"},
         }) {
        Json object = good;
        object[Json::json_pointer(bent.pointer)] = bent.value;
        EXPECT_EQ(signed_fault(object), bent.field) << bent.pointer;
    }
}

TEST_F(CertificateTest, Other_bytes_keys_and_kinds) {
    const std::string good = *make_certificate(facts(), key_);
    EXPECT_EQ(fault(" " + good), "");
    EXPECT_EQ(fault(good + "\n\n"), "");
    EXPECT_EQ(fault(""), "");
    EXPECT_EQ(fault("{}"), "type");
    EXPECT_EQ(fault("[]"), "");
    std::string twice = good;
    twice.insert(1, R"("attempt":3,)");  // a key that is there twice
    EXPECT_EQ(fault(twice), "");
    EXPECT_EQ(fault(*make_certificate(facts(), *SigningKey::generate())), "key");
    Json bent = Json::parse(good);
    bent["signature"] = "AAAA";
    EXPECT_EQ(fault(*canonical_json(bent)), "signature");
    bent["signature"] = "not base64";
    EXPECT_EQ(fault(*canonical_json(bent)), "signature");
    bent["key"] = "0000000000000000";
    EXPECT_EQ(fault(*canonical_json(bent)), "key");
    // Signed as another kind of object: a signature holds for its own kind only.
    Json object = Json::parse(good);
    object.erase("signature");
    Json other = Json::parse(*sign_object(object, kAnchorType, key_));
    other["type"] = kCertificateType;
    EXPECT_EQ(fault(*canonical_json(other)), "signature");
}

TEST_F(CertificateTest, Is_not_made_of_facts_that_prove_nothing) {
    const auto refused = [&](const CertificateFacts& f) { return !make_certificate(f, key_); };
    CertificateFacts f = facts();
    f.proofs.pop_back();
    EXPECT_TRUE(refused(f));
    f = facts();
    f.serial = "00043";
    EXPECT_TRUE(refused(f));
    f = facts();
    f.chip_id.reset();  // the certificate itself says that this was waived
    const auto waived = make_certificate(f, key_);
    ASSERT_TRUE(waived);
    EXPECT_EQ(Json::parse(*waived).at("chip_id_waived"), true);
    f = facts();
    f.rework_reason = "bad \xff byte";
    EXPECT_FALSE(refused(f));
}

TEST_F(CertificateTest, Anchors) {
    Anchor anchor;
    anchor.station = "line2-st1";
    anchor.seq = 4;
    anchor.head.fill(1);
    anchor.at_ms = 1700000000000;
    anchor = *sign_anchor(anchor, key_);
    EXPECT_FALSE(check_anchor(anchor, keys_));
    const std::string text = *anchor_text(anchor);
    const auto read = read_anchor(text, keys_);
    ASSERT_TRUE(read) << read.error().field << read.error().why;
    EXPECT_EQ(read->seq, 4);
    EXPECT_EQ(read->head, anchor.head);
    EXPECT_EQ(read->signature, anchor.signature);
    const Json whole = Json::parse(text);
    for (const auto& [name, value] : whole.items()) {
        Json bent = whole;
        bent[name] = value.is_string() ? Json(value.get<std::string>() + "0")
                                       : Json(value.get<std::uint64_t>() + 1);
        EXPECT_FALSE(read_anchor(*canonical_json(bent), keys_)) << name;
        bent.erase(name);
        const auto lacking = read_anchor(*canonical_json(bent), keys_);
        ASSERT_FALSE(lacking);
        EXPECT_EQ(lacking.error().field, name);
    }
    anchor.seq = 5;
    ASSERT_TRUE(check_anchor(anchor, keys_));
    EXPECT_EQ(check_anchor(anchor, keys_)->field, "signature");
    EXPECT_EQ(read_anchor(*make_certificate(facts(), key_), keys_).error().field, "type");
}

}  // namespace
}  // namespace lineside::trust
