// SPDX-License-Identifier: Apache-2.0
#include "station/trust/signing_key.h"

#include "station/base/files.h"
#include "station/base/text.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

namespace lineside::trust {
namespace {

namespace fs = std::filesystem;

class SigningKeyTest : public ::testing::Test {
  protected:
    void SetUp() override {
        std::string pattern = (fs::temp_directory_path() / "signing-XXXXXX").string();
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        folder_ = pattern;
        file_ = folder_ / "station.sign";
    }
    void TearDown() override { fs::remove_all(folder_); }
    fs::path folder_;
    fs::path file_;
};

// RFC 8032, section 7.1, test 2: key, message and signature of the standard.
TEST_F(SigningKeyTest, Signs_as_the_standard_says) {
    // RFC 8410: the 32 bytes of the key behind this constant head.
    const auto der = base::from_hex(
        "302e020100300506032b657004220420"
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
    const std::string content(der->begin(), der->end());
    ASSERT_TRUE(base::replace_file(file_,
                                   "-----BEGIN PRIVATE KEY-----\n" + base::to_base64(content) +
                                       "\n-----END PRIVATE KEY-----\n",
                                   0600));
    auto key = SigningKey::open(file_, false);
    ASSERT_TRUE(key) << key.error().message;
    auto signature = key->sign("\x72");
    ASSERT_TRUE(signature);
    EXPECT_EQ(base::to_hex({reinterpret_cast<const std::uint8_t*>(signature->data()), 64}),
              "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
              "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
    // Its public key, hashed by another program: sha256sum of the 32 bytes.
    EXPECT_EQ(key->id(), "39f713d0a644253f");
}

TEST_F(SigningKeyTest, Is_made_once_for_its_owner_alone) {
    auto made = SigningKey::open(file_, true);
    ASSERT_TRUE(made) << made.error().message;
    struct stat facts {};
    ASSERT_EQ(::stat(file_.c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 07777U, 0600U);
    auto again = SigningKey::open(file_, true);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->id(), made->id());
    EXPECT_EQ(again->public_pem(), made->public_pem());
    EXPECT_EQ(made->public_pem().find("PRIVATE"), std::string::npos);
    EXPECT_NE(SigningKey::generate()->id(), made->id());
}

TEST_F(SigningKeyTest, A_key_that_is_gone_open_or_none_is_told) {
    auto gone = SigningKey::open(file_, false);
    ASSERT_FALSE(gone);
    EXPECT_EQ(gone.error().code, "signing.broken");
    EXPECT_NE(gone.error().message.find("lineside key make"), std::string::npos);
    ASSERT_TRUE(SigningKey::open(file_, true));
    ASSERT_EQ(::chmod(file_.c_str(), 0640), 0);
    auto open = SigningKey::open(file_, false);
    ASSERT_FALSE(open);
    EXPECT_NE(open.error().message.find("chmod 600"), std::string::npos);
    ASSERT_TRUE(base::replace_file(file_, "rubbish", 0600));
    EXPECT_FALSE(SigningKey::open(file_, true)) << "a file that is no key is never replaced";
    EXPECT_EQ(base::read_file(file_, 100).value(), "rubbish");
    auto nowhere = SigningKey::open(folder_ / "no" / "such", true);
    ASSERT_FALSE(nowhere);
    EXPECT_NE(nowhere.error().message.find("signing_key"), std::string::npos);
}

TEST_F(SigningKeyTest, Verifies_only_what_was_signed_by_a_key_it_knows) {
    const auto key = SigningKey::generate();
    const auto other = SigningKey::generate();
    PublicKeys keys;
    ASSERT_TRUE(keys.add_pem("a comment\n" + key->public_pem(), "test"));
    const std::string signature = *key->sign("message");
    EXPECT_TRUE(keys.verify(key->id(), "message", signature));
    EXPECT_FALSE(keys.verify(key->id(), "massage", signature));
    EXPECT_FALSE(keys.verify(other->id(), "message", *other->sign("message")));
    EXPECT_FALSE(keys.verify(key->id(), "message", *other->sign("message")));
    EXPECT_FALSE(keys.verify(key->id(), "message", signature.substr(1)));
    EXPECT_FALSE(keys.verify(key->id(), "message", ""));
    for (std::size_t i = 0; i < signature.size(); ++i) {
        std::string bent = signature;
        bent[i] = static_cast<char>(bent[i] ^ 1);
        EXPECT_FALSE(keys.verify(key->id(), "message", bent)) << i;
    }
}

TEST_F(SigningKeyTest, Public_keys_of_a_file_or_a_folder) {
    const auto one = SigningKey::generate();
    const auto two = SigningKey::generate();
    ASSERT_TRUE(publish_key(folder_ / "public-keys", one->id(), one->public_pem()));
    ASSERT_TRUE(publish_key(folder_ / "public-keys", two->id(), two->public_pem()));
    struct stat facts {};
    ASSERT_EQ(::stat((folder_ / "public-keys" / (one->id() + ".pub")).c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 0444U, 0444U);
    PublicKeys from_folder;
    ASSERT_TRUE(from_folder.add_path(folder_ / "public-keys"));
    EXPECT_TRUE(from_folder.knows(one->id()) && from_folder.knows(two->id()));
    std::ofstream(folder_ / "both") << one->public_pem() << two->public_pem();
    PublicKeys from_file;
    ASSERT_TRUE(from_file.add_path(folder_ / "both"));
    EXPECT_TRUE(from_file.knows(one->id()) && from_file.knows(two->id()));
    EXPECT_FALSE(PublicKeys().add_path(folder_)) << "no *.pub in it";
    EXPECT_FALSE(PublicKeys().add_path(folder_ / "none"));
    ASSERT_TRUE(SigningKey::open(file_, true));
    EXPECT_FALSE(PublicKeys().add_path(file_)) << "a private key is no public one";
    EXPECT_FALSE(PublicKeys().add_pem(
        "-----BEGIN PUBLIC KEY-----\nrubbish\n-----END PUBLIC KEY-----\n", "x"));
}

}  // namespace
}  // namespace lineside::trust
