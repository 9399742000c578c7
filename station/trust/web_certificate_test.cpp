// SPDX-License-Identifier: Apache-2.0
#include "station/trust/web_certificate.h"

#include "station/base/files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

namespace lineside::trust {
namespace {

constexpr std::int64_t kDay = std::int64_t{24} * 3600 * 1000;
constexpr std::int64_t kNow = 1'790'000'000'000;
const WebNames kNames{{"station3.line2.example"}, {"192.168.10.5", "fd00::5"}};

class WebCertificateTest : public ::testing::Test {
  protected:
    void SetUp() override {
        folder =
            std::filesystem::temp_directory_path() / ("ls-web-cert-" + std::to_string(::getpid()));
        std::filesystem::create_directories(folder);
        key = folder / "web.key";
        certificate = folder / "web.pem";
    }
    void TearDown() override { std::filesystem::remove_all(folder); }
    [[nodiscard]] base::Result<WebIdentity> own(std::int64_t now = kNow,
                                                const WebNames& names = kNames) const {
        return own_identity(certificate, key, names, now);
    }
    void put(const std::filesystem::path& file, std::string_view text, mode_t mode = 0600) {
        ASSERT_TRUE(base::replace_file(file, text, mode));
    }
    std::filesystem::path folder, key, certificate;
};

TEST_F(WebCertificateTest, Own_one_is_made_once_and_kept) {
    const auto made = own();
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_EQ(made->facts.names.dns, kNames.dns);
    EXPECT_EQ(made->facts.names.addresses, kNames.addresses);
    EXPECT_EQ(made->facts.sha256.size(), 32U * 3 - 1);
    EXPECT_LT(made->facts.not_before_ms, kNow - kDay);
    struct stat file {};
    ASSERT_EQ(::stat(key.c_str(), &file), 0);
    EXPECT_EQ(file.st_mode & 0777U, 0600U);
    const auto again = own(kNow + kDay);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->facts.sha256, made->facts.sha256);
}

TEST_F(WebCertificateTest, Own_one_is_signed_anew_with_the_same_key) {
    const auto made = own();
    ASSERT_TRUE(made);
    const auto near_its_end = own(made->facts.not_after_ms - 29 * kDay);
    ASSERT_TRUE(near_its_end);
    EXPECT_NE(near_its_end->facts.sha256, made->facts.sha256);
    EXPECT_EQ(near_its_end->facts.key_sha256, made->facts.key_sha256);
    EXPECT_GT(near_its_end->facts.not_after_ms, made->facts.not_after_ms);

    const auto other_names = own(kNow, {{"other.example"}, {}});
    ASSERT_TRUE(other_names);
    EXPECT_EQ(other_names->facts.key_sha256, made->facts.key_sha256);
    EXPECT_EQ(other_names->facts.names.dns,
              (std::vector<std::string>{"station3.line2.example", "other.example"}));
    EXPECT_EQ(own()->facts.sha256, other_names->facts.sha256) << "it has all of these names, too";

    put(certificate, "rubbish", 0644);
    EXPECT_TRUE(own());
    // Of a clock that was ahead when it was signed: nobody's browser would take it yet.
    ASSERT_TRUE(own(kNow + 300 * kDay));
    EXPECT_TRUE(own()) << "signed for now";
    EXPECT_LT(own()->facts.not_before_ms, kNow);
}

TEST_F(WebCertificateTest, Key_that_others_may_read_or_that_is_none_is_refused) {
    ASSERT_TRUE(own());
    std::filesystem::permissions(key, std::filesystem::perms(0644));
    EXPECT_EQ(own().error().code, "config.invalid");
    put(key, "rubbish");
    const auto refused = own();
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message.find("remove it"), std::string::npos);
}

TEST_F(WebCertificateTest, Sites_own_is_checked_with_its_key_and_its_time) {
    const auto made = own();
    ASSERT_TRUE(made);
    const auto taken = site_identity(certificate, key, kNow);
    ASSERT_TRUE(taken) << taken.error().message;
    EXPECT_EQ(taken->facts.sha256, made->facts.sha256);

    const auto says = [&](const base::Result<WebIdentity>& result, std::string_view part) {
        return !result && result.error().message.find(part) != std::string::npos;
    };
    EXPECT_TRUE(says(site_identity(certificate, key, made->facts.not_after_ms + 1), "has run out"));
    EXPECT_TRUE(says(site_identity(certificate, key, kNow - 10 * kDay), "not valid yet"));
    EXPECT_EQ(site_identity(folder / "none.pem", key, kNow).error().code, "config.missing");
    EXPECT_FALSE(site_identity(certificate, folder / "none.key", kNow));
    ASSERT_TRUE(own_identity(folder / "2.pem", folder / "2.key", kNames, kNow));
    EXPECT_TRUE(says(site_identity(certificate, folder / "2.key", kNow), "is not the key of"));
    put(certificate, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", 0644);
    EXPECT_TRUE(says(site_identity(certificate, key, kNow), "holds no certificate"));
}

TEST_F(WebCertificateTest, Names_that_would_end_the_list_are_no_names) {
    // What config lets through cannot do this; the certificate must not be the one that finds out.
    EXPECT_FALSE(own(kNow, {{"a,IP:1.2.3.4\n"}, {"nonsense"}}));
}

}  // namespace
}  // namespace lineside::trust
