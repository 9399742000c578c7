// SPDX-License-Identifier: Apache-2.0
// The emulated unit with the host's tools played, as far as one can see without them.
#include "tests/real-tools/unit/module.h"
#include "tests/real-tools/unit/words.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

namespace lineside::real_tools {
namespace {

using namespace std::chrono_literals;

struct Packet {
    PacketHeader header;
    std::string body;
    bool fits = false;
};

std::vector<Packet> cut(std::string_view bytes, std::size_t step) {
    std::vector<Packet> out;
    PacketReader reader;
    std::string body;
    for (; !bytes.empty(); bytes.remove_prefix(std::min(step, bytes.size()))) {
        reader.push(bytes.substr(0, step),
                    {[&](const PacketHeader&, std::string_view piece) { body += piece; },
                     [&](const PacketHeader& header, bool fits) {
                         out.push_back({header, std::exchange(body, {}), fits});
                     }});
    }
    return out;
}

class ModuleTest : public testing::Test {
  protected:
    ModuleTest() {
        std::string name = (std::filesystem::temp_directory_path() / "module-test-XXXXXX").string();
        folder_ = mkdtemp(name.data());
    }
    ~ModuleTest() override { std::filesystem::remove_all(folder_); }

    Module& power_on(const Orders& orders = {}) {
        module_.emplace(orders, folder_);
        module_->enumerated();
        return *module_;
    }
    void run_mb1() {
        (void)module_->answer(96);
        for (int i = 0; i < 3; ++i) {
            module_->take(word(8) + "1234");
        }
        (void)module_->answer(96);
    }
    std::string say(std::string_view body) {
        module_->take(make_packet(PacketType::command, sequence_++, body));
        return module_->answer(4096);
    }
    std::string data(std::string_view body) {
        module_->take(make_packet(PacketType::data, sequence_++, body));
        return module_->answer(4096);
    }
    // A word of operation, then what it takes.
    static std::string write_of(const std::string& name, std::uint64_t size) {
        std::string out = word(3) + word(1) + word(3) + std::string(8, '\0');
        append_number(out, size, 8);
        return out + name + std::string(40 - name.size(), '\0');
    }
    std::string kept(const std::string& name) {
        std::ifstream file(folder_ / name, std::ios::binary);
        return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    }

    std::filesystem::path folder_;
    std::optional<Module> module_;
    std::uint32_t sequence_ = 0;
};

TEST(Packets, AreCutHoweverTheyCome) {
    const std::string stream = make_packet(PacketType::ack, 7, "") +
                               make_packet(PacketType::command, 8, "body") +
                               make_packet(PacketType::nack, 9, word(3));
    for (std::size_t step = 1; step <= stream.size(); ++step) {
        const auto packets = cut(stream, step);
        ASSERT_EQ(packets.size(), 3U) << step;
        EXPECT_EQ(packets[0].header.sequence, 7U);
        EXPECT_EQ(packets[1].body, "body");
        EXPECT_EQ(packets[2].body, word(3));
        EXPECT_TRUE(packets[0].fits && packets[1].fits && packets[2].fits);
    }
    std::string broken = stream;
    broken[41] = static_cast<char>(broken[41] ^ 1);
    EXPECT_FALSE(cut(broken, 5)[1].fits);
}

TEST_F(ModuleTest, ChipIdIsGivenOnceAndLastByteFirst) {
    Module& module = power_on();
    ASSERT_TRUE(module.has_answer());
    const auto id = module.answer(96);
    ASSERT_EQ(id.size(), 16U);
    EXPECT_EQ(id[0], '\0');
    EXPECT_EQ(static_cast<unsigned char>(id[15]), 0x88);
    EXPECT_FALSE(module.has_answer());
}

TEST_F(ModuleTest, RomThatRefusesSaysItsStatusAndTakesNothingMore) {
    Module& module = power_on(parse_orders("rom-status 5\n"));
    (void)module.answer(96);
    module.take(word(8) + "1234");
    EXPECT_EQ(module.answer(4), word(0x190001));
    module.take(word(8) + "1234");
    EXPECT_EQ(module.answer(96), word(5));
    module.take(word(8) + "1234");
    EXPECT_FALSE(module.has_answer());
}

TEST_F(ModuleTest, ThreeRomMessagesStartTheLoader) {
    Module& module = power_on();
    (void)module.answer(96);
    module.take(word(8) + "12");
    EXPECT_FALSE(module.has_answer());
    module.take("34");
    EXPECT_EQ(module.answer(4), word(0x190001));
    module.take(word(8) + "1234" + word(5) + "1");
    EXPECT_EQ(module.answer(96), word(0) + word(0));
    const auto packets = cut(say(word(1)), 4096);
    ASSERT_EQ(packets.size(), 4U);  // ack, response, data, status
    EXPECT_EQ(word_at(packets[2].body, 0), 4U);
}

TEST_F(ModuleTest, WritesWhatComes) {
    power_on();
    run_mb1();
    say(write_of("APP", 6));
    EXPECT_EQ(cut(data("abcd"), 4096).size(), 1U);  // an ack: not all is here
    EXPECT_EQ(cut(data("ef"), 4096).size(), 2U);    // ack, status
    EXPECT_EQ(kept("APP"), "abcdef");
    EXPECT_NE(kept("journal.jsonl").find(R"("ev":"written","n":6,"name":"APP")"),
              std::string::npos);
}

TEST_F(ModuleTest, HangsWhereItIsTold) {
    Module& module = power_on(parse_orders("hang APP 50\n"));
    run_mb1();
    say(write_of("APP", 4));
    EXPECT_EQ(cut(data("a"), 4096).size(), 1U);
    EXPECT_EQ(data("b"), "");
    EXPECT_FALSE(module.has_answer());
    EXPECT_FALSE(module.absence());
}

TEST_F(ModuleTest, LeavesForRecoveryAndForGood) {
    Module& module = power_on();
    run_mb1();
    say(word(7) + word(0));
    ASSERT_TRUE(module.absence());
    EXPECT_TRUE(module.absence()->until);
    module.enumerated();
    EXPECT_EQ(module.answer(96).size(), 16U);  // the boot ROM again, its id fresh
    run_mb1();
    say(word(7) + word(1));
    ASSERT_TRUE(module.absence());
    EXPECT_FALSE(module.absence()->until);
}

TEST(OrdersTest, UnknownAndIncompleteOnesAreErrors) {
    EXPECT_EQ(parse_orders("sku 0003\n").sku, "0003");
    EXPECT_THROW((void)parse_orders("skew 0003\n"), std::runtime_error);
    EXPECT_THROW((void)parse_orders("hang APP\n"), std::runtime_error);
    EXPECT_THROW((void)parse_orders("chip-id 0x12\n"), std::runtime_error);
}

}  // namespace
}  // namespace lineside::real_tools
