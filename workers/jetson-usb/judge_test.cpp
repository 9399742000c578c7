// SPDX-License-Identifier: Apache-2.0
#include "workers/jetson-usb/judge.h"

#include "station/base/codes.h"
#include "workers/jetson-usb/sample_run.h"

#include <gtest/gtest.h>

namespace lineside::jetson_usb {
namespace {

Transcript read(const std::string& text, Way way = Way::flash) {
    Transcript seen(way);
    for (const std::string& line : sample::lines(text)) {
        seen.take(line);
    }
    return seen;
}

RunEnd exited(int status, bool gone = false, int took_ms = 60'000) {
    RunEnd end;
    end.status = status;
    end.unit_gone = gone;
    end.took = milliseconds(took_ms);
    return end;
}

std::string code(const std::string& text, const RunEnd& end, Way way = Way::flash) {
    const auto verdict = judge(end, read(text, way), Params{});
    EXPECT_TRUE(verdict || base::is_known_code(verdict.error().code)) << verdict.error().code;
    return verdict ? "ok" : verdict.error().code;
}

std::string until_app() {
    return sample::banner() + sample::eeprom() + sample::host() + sample::until_bootloader() +
           sample::create_start();
}
const std::string kHalfApp =
    "[  60.0000 ] Writing partition APP with system.img\n[  60.0000 ] [.....     ] 047%\r";

}  // namespace

TEST(Judge, Whole_run_with_all_signs_is_good) {
    EXPECT_EQ(code(sample::whole(), exited(0)), "ok");
}

// The hub was pulled just when the unit would have come back as its bootloader.
TEST(Judge, A_bootloader_does_not_answer_without_its_hub) {
    const std::string said =
        until_app() + "Error: None of the bootloaders are running on device. Check the UART log.\n";
    RunEnd end = exited(1);
    EXPECT_EQ(code(said, end), "unit.bootloader");
    end.hub_gone = true;
    EXPECT_EQ(code(said, end), "usb.left");
    // What the unit had said before is so all the same.
    EXPECT_EQ(code(said + "[  9.1 ] Parsing board information failed.\n", end), "unit.eeprom");
}

TEST(Judge, Exit_0_alone_proves_nothing) {
    EXPECT_EQ(code("", exited(0)), "tool.no_proof");
    EXPECT_EQ(code(until_app() + sample::app() + sample::rest() + sample::end(), exited(0)),
              "tool.no_proof");
    EXPECT_EQ(code("Error: Partition configuration is not specified\n", exited(0)),
              "tool.no_proof");
}

TEST(Judge, The_units_status_does_not_outweigh_what_the_host_failed_to_write) {
    const std::string end = "Final status: SUCCESS\nSuccessfully finished at x\n";
    const auto yocto = [&](const std::string& middle) {
        return code("Creating partitions\n" + middle + end, exited(0), Way::tegraflash);
    };
    EXPECT_EQ(yocto("[OK: /dev/sdb]\n"), "ok");
    EXPECT_EQ(yocto(""), "tool.no_proof");
    EXPECT_EQ(yocto("ERR: failed to write rootfs.ext4 to /dev/sdb2\n[OK: /dev/sdb]\n"),
              "tool.failed");
    EXPECT_EQ(yocto("ERR: partprobe failed\n[OK: /dev/sdb]\n"), "host.unfit");
}

TEST(Judge, Success_line_after_a_failed_write_is_no_proof) {
    EXPECT_EQ(code(until_app() + kHalfApp + "\nPayload is more than buffer size\n" +
                       sample::rest() + sample::end() + sample::success(),
                   exited(0)),
              "tool.no_proof");
    EXPECT_EQ(code(sample::whole() + "\nError: Return value 14\n", exited(0)), "tool.no_proof");
}

TEST(Judge, Incomplete_list_is_no_proof_and_names_the_partition) {
    const auto seen = read(until_app() + sample::app() + sample::write("kernel", "x") +
                           sample::end() + sample::success());
    const auto verdict = judge(exited(0), seen, Params{});
    ASSERT_FALSE(verdict);
    EXPECT_EQ(verdict.error().code, "tool.no_proof");
    EXPECT_NE(verdict.error().message.find("kernel-bootctrl_b"), std::string::npos);
}

TEST(Judge, Bare_error_words_of_good_runs_do_not_matter) {
    EXPECT_EQ(code("Error: Skip generating mem_bct because sdram_config is not defined\n" +
                       sample::whole(),
                   exited(0)),
              "ok");
}

TEST(Judge, Unplugged_unit_is_told_from_a_bad_link) {
    const auto text = until_app() + kHalfApp +
                      "\nError: Return value 8\nCommand tegradevflash_v2 --instance 1-1 --pt "
                      "flash.xml.bin --create\n"
                      "Failed flashing t186ref.\n";
    EXPECT_EQ(code(text, exited(1, true)), "usb.left");
    EXPECT_EQ(code(text, exited(1, false)), "usb.link");
    const auto verdict = judge(exited(1, true), read(text), Params{});
    EXPECT_NE(verdict.error().message.find("APP"), std::string::npos) << verdict.error().message;
}

TEST(Judge, Killed_tool_is_told_from_a_failed_one) {
    RunEnd killed;
    killed.how = RunEnd::How::signalled;
    killed.signal = 9;
    EXPECT_EQ(code(until_app(), killed), "tool.died");
    EXPECT_EQ(
        code(until_app() +
                 "\nError: Return value -9\nCommand tegradevflash_v2 x\nFailed flashing t186ref.\n",
             exited(1)),
        "tool.died");
    EXPECT_EQ(
        code(until_app() +
                 "./flash.sh: line 2345: 12345 Killed                  ./tegraflash.py --bl x\n"
                 "Failed flashing t186ref.\n",
             exited(1)),
        "tool.died");
    EXPECT_EQ(code(until_app() + "Error: Return value 137\n", exited(1)), "tool.died");
}

TEST(Judge, Full_disk_explains_an_end_without_a_cause_of_its_own) {
    RunEnd killed;
    killed.how = RunEnd::How::signalled;
    killed.signal = 7;
    killed.without_room = "/lane";
    const auto verdict = judge(killed, read(until_app() + kHalfApp), Params{});
    ASSERT_FALSE(verdict);
    EXPECT_EQ(verdict.error().code, "disk.full");
    EXPECT_NE(verdict.error().message.find("/lane"), std::string::npos) << verdict.error().message;

    const auto with_full_disk = [](const std::string& lines, RunEnd end) {
        end.without_room = "/lane";
        return code(until_app() + lines, end);
    };
    EXPECT_EQ(with_full_disk("\nError: Return value -7\n", exited(1)), "disk.full");
    EXPECT_EQ(with_full_disk("\nError: Return value 8\n", exited(1)), "disk.full");
    EXPECT_EQ(with_full_disk("", exited(3)), "disk.full");
    EXPECT_EQ(with_full_disk("\nError: Return value 8\n", exited(1, true)), "usb.left");
    EXPECT_EQ(with_full_disk("\nError: Return value 14\n", exited(1)), "unit.storage");
    EXPECT_EQ(with_full_disk(sample::whole(), exited(0)), "ok");
}

TEST(Judge, Silent_tool) {
    RunEnd silent;
    silent.how = RunEnd::How::silent;
    silent.silence = milliseconds(60'000);
    EXPECT_EQ(code(until_app() + kHalfApp, silent), "tool.silence");
    silent.unit_gone = true;
    EXPECT_EQ(code(until_app() + kHalfApp, silent), "usb.left");
}

TEST(Judge, Probe_failure_has_several_causes) {
    const std::string text = "# L4T BSP Information:\nError: probing the target board failed.\n";
    EXPECT_EQ(code(text, exited(14, true, 50)), "usb.left");
    EXPECT_EQ(code(text, exited(14, false, 1'000)), "usb.no_device");
    EXPECT_EQ(code(text, exited(14, false, 6'000)), "usb.cycle");
}

TEST(Judge, Failures_by_table) {
    struct Row {
        const char* text;
        int status;
        const char* code;
    };
    const std::vector<Row> rows{
        {"Error: Either RSA key file is not provided or SBK key file is provided for PKC protected "
         "target board.\n",
         14, "unit.fused"},
        {"Error: The Actual SoC ID(0x90) mismatches intended Tegra 194 SoC ID(0x19)\n", 14,
         "order.wrong_model"},
        {"Error: The Actual board family x mismatches\n", 14, "config.invalid"},
        {"[ 1.0000 ] Bootrom returned error 5\n[ 1.0000 ] Boot Rom communication failed\nError: "
         "Return value 8\nFailed flashing t186ref.\n",
         1, "unit.fused"},
        {"[ 1.0000 ] Boot Rom communication failed\nError: Return value 8\nReading board "
         "information failed.\n",
         1, "usb.link"},
        {"ERROR: calculated CRC8 0xd8 != stored CRC8 0x0\nParsing board information failed.\n", 1,
         "unit.eeprom"},
        {"Error: None of the bootloaders are running on device. Check the UART log.\nFailed "
         "flashing t186ref.\n",
         1, "unit.bootloader"},
        {"Error: Return value 4\nCommand tegradevflash_v2 x\n", 1, "unit.bootloader"},
        {"[ 1.0000 ] 0000000000000005: E> NV3P_SERVER: Could not write\nError: Return value 1\n", 1,
         "unit.storage"},
        {"Error: End sector for APP, expected at: 30777343, actual: 100\n", 1, "unit.storage"},
        {"File system.img exceeds partition size\n", 1, "image.broken"},
        {"file does not exist.\n", 15, "image.broken"},
        {"flash.sh requires root privilege\n", 21, "host.unfit"},
        {"", 17, "host.unfit"},
        {"", 12, "tool.missing"},
        {"/usr/bin/env: \xe2\x80\x98python\xe2\x80\x99: No such file or directory\nFailed flashing "
         "t186ref.\n",
         1, "host.unfit"},
        {"cp: error writing 'x': No space left on device\n", 1, "disk.full"},
        {"Traceback (most recent call last):\nUnicodeDecodeError: x\nFailed flashing t186ref.\n", 1,
         "tool.failed"},
        {"Error: Return value 1\nReading board information failed.\n", 1, "tool.failed"},
    };
    for (const Row& row : rows) {
        EXPECT_EQ(code(sample::banner() + row.text, exited(row.status)), row.code) << row.text;
    }
}

TEST(Judge, Every_row_of_the_table_has_a_known_code) {
    for (const Failure& row : failures()) {
        EXPECT_TRUE(base::is_known_code(row.code)) << row.name;
    }
    for (int status = 0; status < 256; ++status) {
        for (const Way way : kWays) {
            const ExitCode* known = exit_code(way, status);
            if (known != nullptr && known->failure.empty()) {
                EXPECT_TRUE(base::is_known_code(known->code)) << status;
            }
        }
    }
}

TEST(Board, Is_compared_with_the_order) {
    const ExpectedBoard wanted{"3668", {"0001"}, {}};
    EXPECT_TRUE(check_board({"3668", "100", "0001", "F.0"}, wanted));
    EXPECT_EQ(check_board({"3668", "100", "0000", "F.0"}, wanted).error().code,
              "order.wrong_model");
    EXPECT_EQ(check_board({"3767", "100", "0001", "F.0"}, wanted).error().code,
              "order.wrong_model");
    EXPECT_EQ(check_board({"", "", "", ""}, wanted).error().code, "unit.eeprom");
    EXPECT_FALSE(check_board({"3668", "100", "0001", "F.0"}, {"3668", {"0001"}, {"300"}}));
    EXPECT_TRUE(check_board({"3668", "100", "0001", "F.0"}, {"3668", {}, {}}));
}

}  // namespace lineside::jetson_usb
