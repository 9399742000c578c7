// SPDX-License-Identifier: Apache-2.0
// The ways to a printer over loopback and with real commands: what arrives, and what is said of one
// that is away, hangs, complains.
#include "station/labels/printer.h"

#include "station/labels/fake_printer.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace lineside::labels {
namespace {

using namespace std::chrono_literals;

class PrinterTest : public ::testing::Test {
  protected:
    Printed print(PrinterPlan plan, const std::string& bytes) {
        plan.silence = 300ms;
        Printer printer(loop, plan);
        std::optional<Printed> got;
        printer.print(bytes, [&](Printed printed) { got = std::move(printed); });
        EXPECT_TRUE(printer.busy());
        const auto until = std::chrono::steady_clock::now() + 10s;
        while (!got && std::chrono::steady_clock::now() < until) {
            loop.restart();
            loop.run_one_for(20ms);
        }
        EXPECT_TRUE(got.has_value());
        EXPECT_FALSE(printer.busy());
        return got.value_or(Printed{});
    }
    PrinterPlan port(const FakePrinter& fake) {
        PrinterPlan plan;
        plan.address = fake.address();
        return plan;
    }
    PrinterPlan shell(const std::string& script) {
        PrinterPlan plan;
        plan.command = {"sh", "-c", script};
        return plan;
    }
    boost::asio::io_context loop{1};
};

TEST_F(PrinterTest, APortGetsEveryByteOnce) {
    FakePrinter fake(loop);
    const std::string bytes(200'000, 'x');  // more than a socket holds
    EXPECT_TRUE(print(port(fake), bytes).ok);
    ASSERT_EQ(fake.labels.size(), 1U);
    EXPECT_EQ(fake.labels[0], bytes);
}

TEST_F(PrinterTest, OneThatIsAwayGotNothing) {
    PrinterPlan plan;
    {
        const FakePrinter fake(loop);
        plan = port(fake);
    }
    const Printed printed = print(plan, "label");
    EXPECT_FALSE(printed.ok);
    EXPECT_FALSE(printed.doubt);
    EXPECT_NE(printed.message.find("does not answer"), std::string::npos);
}

TEST_F(PrinterTest, OneThatHangsBehindTheLastByteIsInDoubt) {
    FakePrinter fake(loop);
    fake.hangs = true;
    const Printed printed = print(port(fake), "label");
    EXPECT_FALSE(printed.ok);
    EXPECT_TRUE(printed.doubt);
    EXPECT_NE(printed.message.find("did not say that it is done"), std::string::npos);
}

TEST_F(PrinterTest, OneThatHangsBeforeTheLastByteIsNot) {
    FakePrinter fake(loop);
    fake.hangs = true;
    const Printed printed = print(port(fake), std::string(20'000'000, 'x'));
    EXPECT_FALSE(printed.ok);
    EXPECT_FALSE(printed.doubt);
    EXPECT_NE(printed.message.find("takes nothing"), std::string::npos);
}

TEST_F(PrinterTest, OneThatKeepsTheLineOpenIsDoneWhereItIsSaidSo) {
    FakePrinter fake(loop);
    fake.hangs = true;
    PrinterPlan plan = port(fake);
    plan.wait_close = false;
    EXPECT_TRUE(print(plan, "label").ok);
}

TEST_F(PrinterTest, ACommandGetsTheBytesOnItsInput) {
    const std::string file = ::testing::TempDir() + "printed-" + std::to_string(::getpid());
    const std::string bytes(300'000, 'y');
    EXPECT_TRUE(print(shell("cat > " + file), bytes).ok);
    std::stringstream text;
    text << std::ifstream(file).rdbuf();
    EXPECT_EQ(text.str(), bytes);
    std::filesystem::remove(file);
}

TEST_F(PrinterTest, ACommandThatFailsIsQuoted) {
    const Printed printed =
        print(shell("cat >/dev/null; printf 'no such\\033[1m queue' >&2; exit 3"), "label");
    EXPECT_FALSE(printed.ok);
    EXPECT_FALSE(printed.doubt);
    EXPECT_EQ(printed.message, "sh ended with 3: no such [1m queue");
}

TEST_F(PrinterTest, ACommandThatReadsNothingDidNotPrint) {
    EXPECT_FALSE(print(shell("exit 0"), std::string(20'000'000, 'x')).ok);
}

TEST_F(PrinterTest, ACommandThatHangsIsEnded) {
    const Printed printed = print(shell("cat >/dev/null; sleep 60"), "label");
    EXPECT_FALSE(printed.ok);
    EXPECT_TRUE(printed.doubt);
    EXPECT_EQ(printed.message, "sh did not end");
}

TEST_F(PrinterTest, ACommandThatIsNotThereIsNamed) {
    PrinterPlan plan;
    plan.command = {"no-such-printer"};
    EXPECT_NE(print(plan, "label").message.find("no-such-printer cannot be started"),
              std::string::npos);
}

TEST_F(PrinterTest, AddressesAreAddresses) {
    EXPECT_TRUE(is_printer_address("192.168.1.9:9100"));
    EXPECT_TRUE(is_printer_address("[fd00::9]:9100"));
    for (const char* bad : {"", "192.168.1.9", "zebra:9100", "fd00::9:9100", "1.2.3.4:0",
                            "1.2.3.4:70000", "[1.2.3.4]:9100"}) {
        EXPECT_FALSE(is_printer_address(bad)) << bad;
    }
}

}  // namespace
}  // namespace lineside::labels
