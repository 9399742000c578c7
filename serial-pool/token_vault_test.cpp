// SPDX-License-Identifier: Apache-2.0
#include "serial-pool/token_vault.h"

#include "station/base/text.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

namespace lineside::serial_pool {
namespace {

using base::Secret;

const TokenPlace kPlace{"RC-1", "b1"};

TokenVault vault_of(char fill) {
    return TokenVault::from_master(Secret(std::string(32, fill))).value();
}

TEST(TokenVault, Opens_what_it_sealed) {
    const TokenVault vault = vault_of('k');
    for (const std::string& token :
         {std::string("t"), std::string(4096, 'x'), std::string("!~\"#")}) {
        const std::string sealed = vault.seal(Secret(token), kPlace).value();
        EXPECT_EQ(sealed.size(), token.size() + 37);
        if (token.size() > 3) {
            EXPECT_EQ(sealed.find(token), std::string::npos);
        }
        EXPECT_EQ(vault.open_token(sealed, kPlace).value().reveal(), token);
    }
}

TEST(TokenVault, Same_token_never_looks_the_same) {
    const TokenVault vault = vault_of('k');
    TokenVault::Bulk bulk(vault);
    std::set<std::string> seen;
    for (int i = 0; i < 2000; ++i) {
        seen.insert(bulk.seal("token", kPlace).value());
    }
    EXPECT_EQ(seen.size(), 2000U);
    EXPECT_EQ(vault.open_token(*seen.begin(), kPlace).value().reveal(), "token");
}

TEST(TokenVault, Moved_to_another_row_it_does_not_open) {
    const TokenVault vault = vault_of('k');
    const std::string sealed = vault.seal(Secret("token"), kPlace).value();
    for (const TokenPlace& place : {TokenPlace{"RC-2", "b1"},
                                    {"RC-1", "b2"},
                                    {"RC-1b1", ""},
                                    {"RC-", "1b1"},
                                    {"rc-1", "b1"}}) {
        const auto opened = vault.open_token(sealed, place);
        ASSERT_FALSE(opened);
        EXPECT_EQ(opened.error().code, "secret.broken");
    }
}

TEST(TokenVault, Any_changed_byte_is_noticed) {
    const TokenVault vault = vault_of('k');
    const std::string sealed = vault.seal(Secret("token"), kPlace).value();
    for (std::size_t i = 0; i < sealed.size(); ++i) {
        std::string changed = sealed;
        changed[i] = static_cast<char>(changed[i] ^ 1);
        const auto opened = vault.open_token(changed, kPlace);
        ASSERT_FALSE(opened) << i;
        EXPECT_EQ(opened.error().message.find("token\""), std::string::npos);
    }
    for (std::size_t size = 0; size < sealed.size(); ++size) {
        EXPECT_FALSE(vault.open_token(std::string_view(sealed).substr(0, size), kPlace)) << size;
    }
}

TEST(TokenVault, Another_key_says_so) {
    const std::string sealed = vault_of('k').seal(Secret("token"), kPlace).value();
    const TokenVault other = vault_of('o');
    const auto opened = other.open_token(sealed, kPlace);
    ASSERT_FALSE(opened);
    EXPECT_NE(opened.error().message.find(other.key_id()), std::string::npos);
    EXPECT_NE(opened.error().message.find(vault_of('k').key_id()), std::string::npos);
}

TEST(TokenVault, Mac_is_equal_for_equal_tokens_under_one_key) {
    const TokenVault vault = vault_of('k');
    TokenVault::Bulk bulk(vault);
    const std::string first = bulk.mac("token").value();
    EXPECT_EQ(first.size(), 32U);
    EXPECT_NE(bulk.mac("other").value(), first);
    EXPECT_EQ(bulk.mac("token").value(), first);
    EXPECT_EQ(vault.mac("token").value(), first);
    EXPECT_NE(vault_of('o').mac("token").value(), first);
}

// The stored form must not change by accident: tokens sealed today are opened in years. The numbers
// were made by another program (Python's hmac and cryptography) from the description in the header.
TEST(TokenVault, Form_is_the_documented_one) {
    const TokenVault vault = vault_of('k');
    EXPECT_EQ(vault.key_id(), "2dc3080c0d291834");
    const auto bytes = base::from_hex(
        "012dc3080c0d291834000102030405060708090a0bb4f370f6cf91955feeef39783dfba414b075aae350");
    const auto opened = vault.open_token(std::string(bytes->begin(), bytes->end()), kPlace);
    ASSERT_TRUE(opened) << opened.error().message;
    EXPECT_EQ(opened->reveal(), "token");
    const std::string mac = vault.mac("token").value();
    EXPECT_EQ(base::to_hex({reinterpret_cast<const std::uint8_t*>(mac.data()), mac.size()}),
              "e6590dbbfe283fdee5fda62c7986e51d6f5f3a34270ddb9b9b6c8e0df96f6d11");
}

class KeyFile : public testing::Test {
  protected:
    void SetUp() override {
        std::string name = testing::TempDir() + "key-XXXXXX";
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        folder = name;
        file = folder / "station.key";
    }
    void TearDown() override { std::filesystem::remove_all(folder); }
    std::filesystem::path folder;
    std::filesystem::path file;
};

TEST_F(KeyFile, Is_made_once_and_for_the_owner_only) {
    EXPECT_FALSE(TokenVault::open(file, false));
    const auto made = TokenVault::open(file, true);
    ASSERT_TRUE(made) << made.error().message;
    struct stat facts {};
    ASSERT_EQ(::stat(file.c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 0777U, 0600U);
    EXPECT_EQ(TokenVault::open(file, true)->key_id(), made->key_id());
    EXPECT_EQ(TokenVault::open(file, false)->key_id(), made->key_id());
}

TEST_F(KeyFile, Open_to_others_is_refused) {
    ASSERT_TRUE(TokenVault::open(file, true));
    ::chmod(file.c_str(), 0640);
    const auto opened = TokenVault::open(file, true);
    ASSERT_FALSE(opened);
    EXPECT_NE(opened.error().message.find("chmod 600"), std::string::npos);
}

TEST_F(KeyFile, Damaged_is_refused_and_never_replaced) {
    for (const char* content : {"", "lineside-key-1 ", "lineside-key-1 abcd\n", "nonsense\n"}) {
        std::ofstream(file) << content;
        ::chmod(file.c_str(), 0600);
        EXPECT_FALSE(TokenVault::open(file, true)) << content;
    }
    std::filesystem::remove(file);
    std::filesystem::create_symlink(folder / "elsewhere", file);
    EXPECT_FALSE(TokenVault::open(file, true));
    EXPECT_FALSE(TokenVault::from_master(Secret("short")));
}

}  // namespace
}  // namespace lineside::serial_pool
