// SPDX-License-Identifier: Apache-2.0
#include "workers/jetson-usb/transcript.h"

#include "workers/jetson-usb/line.h"
#include "workers/jetson-usb/sample_run.h"

#include <gtest/gtest.h>

#include <map>

namespace lineside::jetson_usb {
namespace {

struct Read {
    Transcript seen;
    std::vector<std::string> stages;  // each when it changed
    std::vector<double> percents;
    std::optional<Board> board;
    std::vector<std::string> chip_ids;
    std::map<std::string, std::string> facts;
};

Read read(const std::string& text) {
    Read out;
    for (const std::string& line : sample::lines(text)) {
        const Change change = out.seen.take(line);
        if (change.stage != nullptr &&
            (out.stages.empty() || out.stages.back() != change.stage->name)) {
            out.stages.emplace_back(change.stage->name);
        }
        if (change.board) {
            out.board = change.board;
        }
        if (change.chip_id) {
            out.chip_ids.push_back(*change.chip_id);
        }
        for (const auto& [key, value] : change.facts) {
            out.facts[key] = value;
        }
        out.percents.push_back(out.seen.percent());
    }
    return out;
}

}  // namespace

TEST(Transcript, Whole_run_goes_through_every_stage_once_in_order) {
    const auto run = read(sample::whole());
    EXPECT_EQ(run.stages,
              (std::vector<std::string>{
                  "start",      "uid",     "eeprom",    "eeprom-read", "eeprom-done", "board",
                  "host",       "sign",    "rcm",       "rcm-done",    "bct",         "blob",
                  "bootloader", "storage", "erase",     "firmware",    "erase",       "firmware",
                  "rootfs",     "kernel",  "bct-write", "reboot",      "done"}));
    EXPECT_EQ(run.seen.percent(), 100);
    EXPECT_TRUE(run.seen.success_line());
    EXPECT_FALSE(run.seen.error_line());
    EXPECT_TRUE(run.seen.unfinished().empty());
    EXPECT_TRUE(run.seen.wrote("APP"));
    EXPECT_TRUE(run.seen.wrote("kernel-bootctrl_b"));
    EXPECT_TRUE(run.seen.wrote("MEM_BCT_b"));
    EXPECT_FALSE(run.seen.wrote("BCT_b"));
    EXPECT_TRUE(std::is_sorted(run.percents.begin(), run.percents.end()));
}

TEST(Transcript, Learns_chip_id_board_and_release) {
    const auto run = read(sample::whole());
    EXPECT_EQ(run.chip_ids, std::vector<std::string>{"0x88021911645838891c00000019028200"});
    ASSERT_TRUE(run.board);
    EXPECT_EQ(run.board->id, "3668");
    EXPECT_EQ(run.board->fab, "100");
    EXPECT_EQ(run.board->sku, "0001");
    EXPECT_EQ(run.board->rev, "F.0");
    EXPECT_EQ(run.facts.at("bsp.release"), "R32 , REVISION: 7.4");
    EXPECT_EQ(run.facts.at("chip.ram_code"), "0x0");
}

TEST(Transcript, Noise_of_a_good_run_names_no_failure) {
    const auto run = read(sample::whole());
    EXPECT_EQ(run.seen.failure(), nullptr) << run.seen.failure_line();
}

TEST(Transcript, Board_is_known_before_the_first_write) {
    Transcript seen;
    for (const std::string& line : sample::lines(sample::whole())) {
        if (seen.take(line).board) {
            EXPECT_FALSE(seen.write_begun());
            return;
        }
    }
    FAIL() << "no board line";
}

TEST(Transcript, Empty_board_fields_are_seen_as_empty) {
    const auto run = read(sample::banner() + sample::host("Board ID() version() sku() revision()"));
    ASSERT_TRUE(run.board);
    EXPECT_TRUE(run.board->id.empty());
}

TEST(Transcript, Stamps_may_be_doubled_stale_or_missing) {
    EXPECT_EQ(without_stamps("[  12.3456 ] Erasing spi: 0"), "Erasing spi: 0");
    EXPECT_EQ(without_stamps("[ 12.3456 ] [   0.0001 ] x  "), "x");
    EXPECT_EQ(without_stamps("[ 123456.7890 ] x"), "x");
    EXPECT_EQ(without_stamps("[    1.0000 ] "), "");
    EXPECT_EQ(without_stamps("[....      ] 018%"), "[....      ] 018%");
    EXPECT_EQ(without_stamps("plain"), "plain");
}

TEST(Transcript, App_progress_follows_its_bar) {
    Transcript seen;
    for (const auto& line : sample::lines(sample::banner() + sample::host() +
                                          sample::until_bootloader() + sample::create_start())) {
        seen.take(line);
    }
    seen.take("[  60.0000 ] Writing partition APP with system.img [ 1073741824 bytes ]");
    EXPECT_DOUBLE_EQ(seen.percent(), 40);
    seen.take("[  60.0000 ] [............            ] 050%");
    EXPECT_DOUBLE_EQ(seen.percent(), 66.5);
    seen.take("[  60.0000 ] [......                  ] 030%");
    EXPECT_DOUBLE_EQ(seen.percent(), 66.5) << "never falls";
    EXPECT_EQ(seen.unfinished(), std::vector<std::string>{"APP"});
    EXPECT_EQ(seen.writing(), "APP");
}

TEST(Transcript, Write_that_stops_short_is_kept_even_if_the_next_one_is_whole) {
    const auto run = read(sample::banner() + sample::host() + sample::until_bootloader() +
                          "[ 12.0 ] Writing partition mb1 with a\n[ 12.0000 ] [..  ] 030%\r\n"
                          "Payload is more than buffer size\n" +
                          sample::write("mb1_b", "a"));
    EXPECT_EQ(run.seen.unfinished(), std::vector<std::string>{"mb1"});
}

TEST(Transcript, Garbage_is_survived) {
    Transcript seen;
    seen.take(std::string("\xff\xfe\0\x01", 4));
    seen.take(std::string(100'000, '['));
    seen.take("]%100%%%");
    EXPECT_EQ(seen.percent(), 0);
}

// Every row of the fact sheet's table, with a line as the tool prints it.
TEST(Stages, Each_row_is_reached_by_its_line) {
    const std::vector<std::pair<std::string, std::string>> rows{
        {"# L4T BSP Information:", "start"},
        {"# Target Board Information:", "uid"},
        {"./tegraflash.py --cmd \"dump eeprom boardinfo cvm.bin;reboot recovery\" ", "eeprom"},
        {"[ 1.0000 ] Retrieving EEPROM data", "eeprom-read"},
        {"[ 1.0000 ] Rebooting to recovery mode", "eeprom-done"},
        {"Board ID(3668) version(100) sku(0001) revision(F.0)", "board"},
        {"Making Boot image... done.", "host"},
        {"Reusing existing system.img... ", "host"},
        {"*** Flashing target device started. ***", "sign"},
        {"[ 1.0000 ] BR_CID: 0x88021911645838891c00000019028200", "rcm"},
        {"[ 1.0000 ] Boot Rom communication completed", "rcm-done"},
        {"[ 1.0000 ] Sending bct_mb1", "bct"},
        {"[ 1.0000 ] Sending blob", "blob"},
        {"[ 1.0000 ] tegrarcm_v2 --instance 1-2.3 --boot recovery", "bootloader"},
        {"[ 1.0000 ] Retrieving storage infomation", "storage"},
        {"[ 1.0000 ] Erasing spi: 0 ......... [Done]", "erase"},
        {"[ 1.0000 ] Erasing sdmmc_user: 3 ......... [Done]", "erase"},
        {"[ 1.0000 ] Writing partition mb1 with a.bin", "firmware"},
        {"[ 1.0000 ] Writing partition APP with system.img", "rootfs"},
        {"[ 1.0000 ] Writing partition kernel with boot.img", "kernel"},
        {"[ 1.0000 ] tegradevflash_v2 --instance 1-2.3 --write MEM_BCT_b x", "bct-write"},
        {"[ 1.0000 ] Flashing completed", "reboot"},
        {"[ 1.0000 ] Coldbooting the device", "reboot"},
        {"*** The target t186ref has been flashed successfully. ***", "done"},
    };
    Transcript seen;
    for (const auto& [line, stage] : rows) {
        const Change change = seen.take(line);
        ASSERT_NE(change.stage, nullptr) << line;
        EXPECT_EQ(change.stage->name, stage) << line;
    }
}

TEST(Stages, Cover_the_whole_without_a_gap_between_phases) {
    double at = 0;
    for (const PhaseSpan& span : phases()) {
        EXPECT_EQ(span.from_pct, at);
        at = span.to_pct;
    }
    EXPECT_EQ(at, 100);
    for (const Way way : kWays) {
        for (const Stage& stage : stages(way)) {
            EXPECT_LE(stage.from_pct, stage.to_pct) << stage.name;
            EXPECT_LE(stage.to_pct, 100) << stage.name;
        }
    }
}

}  // namespace lineside::jetson_usb
