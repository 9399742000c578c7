// SPDX-License-Identifier: Apache-2.0
#include "workers/jetson-usb/classify.h"

#include "station/base/codes.h"
#include "workers/jetson-usb/sample_run.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>
#include <tuple>

namespace lineside::jetson_usb {
namespace {

Classified said(Way way, std::string_view text, std::optional<int> exit_status = std::nullopt) {
    Transcript seen(way);
    read_log(text, seen);
    return classify(seen, exit_status);
}

constexpr Way kA = Way::flash;
constexpr Way kB = Way::massflash;
constexpr Way kC = Way::initrd;
constexpr Way kD = Way::tegraflash;

std::string rcm(int value) {
    return fmt::format(
        "[   0.1100 ] Boot Rom communication\n[   0.1200 ] tegrarcm_v2 --instance 1-2.3 --chip "
        "0x19 0 --rcm rcm_list_signed.xml\n[   5.2000 ] Boot Rom communication failed\n"
        "Error: Return value {}\nCommand tegrarcm_v2 --instance 1-2.3 --chip 0x19 0 --rcm "
        "rcm_list_signed.xml\nFailed flashing t186ref.\n",
        value);
}

// What it does to a text to have passed through a terminal, a logger or a Windows editor.
std::vector<std::string> disguised(const std::string& text) {
    std::string upper = text;
    for (char& letter : upper) {
        letter = static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
    }
    std::vector<std::string> out{text, upper};
    std::string stamped;
    std::string coloured;
    std::string returns;
    std::string nuls;
    for (const std::string& line : sample::lines(text)) {
        stamped += "2026-11-28T10:11:12.345+01:00 bench7 [  12.3456 ] [   0.0001 ] " + line + "\n";
        coloured += "\x1b[0;31m\x1b]0;title\x07" + line + "\x1b[0m\r\n";
        returns += line + "\r";
        nuls += std::string("\0\0", 2) + line + std::string("\0\n", 2);
    }
    std::string wide;
    for (const char letter : text) {
        wide += letter == ' ' ? "  " : std::string(1, letter);
    }
    out.insert(out.end(),
               {stamped, coloured, returns, nuls, wide, text.substr(0, text.size() - 1)});
    return out;
}

std::string initrd_start() {
    return "*  Step 1: Build the flashing environment    *\nCreate flash environment 0\n"
           "*  Step 2: Boot the device with flash initrd image *\nEntering RCM boot\n"
           "[   0.5000 ] BR_CID: 0x88021911645838891c00000019028200\n"
           "[   6.2000 ] Sending blob\nRCM-boot started\n"
           "*  Step 3: Start the flashing process *\n";
}
std::string initrd_end() {
    return "SSH ready\n[ 2]: l4t_flash_from_kernel: Starting to create gpt for emmc\n"
           "[ 3]: l4t_flash_from_kernel: Starting to flash to qspi\n"
           "Copied 65536 bytes from a.bin to address 0x00010000 in flash\n"
           "writing item=16, 9:0:APP, 1, 2, a\nFormatting APP partition /dev/nvme0n1p1 ...\n"
           "tar: Read checkpoint 325000\n[ 208]: x: Successfully flash the qspi\n"
           "[ 306]: x: Flashing success\nFlash is successful\nReboot device\nCleaning up...\n";
}
std::string initrd_good() {
    return initrd_start() +
           "Waiting for target to boot-up...\nWaiting for target to boot-up...\n"
           "Waiting for device to expose ssh ......Run command: flash on "
           "fc00:1:1:0::2\n" +
           initrd_end();
}

std::string mass_banner(std::string_view what) {
    return fmt::format("\n*** {}\n/x/tool --instance 1-2\n*** {} succeeded.\n", what, what);
}
std::string mass_good() {
    std::string out =
        "\n*** Boot Rom communication\n/x/tegrarcm_v2 --instance 1-2 --rcm rcm_list_signed.xml\n"
        "BR_CID: 0x88021911645838891c00000019028200\nRCM version 0X190001\nBoot Rom communication "
        "completed\n*** Boot Rom communication succeeded.\n";
    for (const char* banner :
         {"Checking applet", "Sending BCTs", "Sending bootloader and pre-requisite binaries",
          "Booting Recovery", "Checking applet", "Checking CPU bootloader"}) {
        out += mass_banner(banner);
    }
    out += "\n*** Flashing the device\nErasing spi: 0 ......... [Done]\n" +
           sample::write("mb1", "mb1.bin") + sample::write("APP", "system.img") +
           sample::write("kernel-bootctrl_b", "x.bin") + "*** Flashing the device succeeded.\n";
    return out + mass_banner("Writing the BR BCT") +
           "nvaflash.sh: line 88: [: : integer expression expected\n" +
           mass_banner("Rebooting the device");
}

std::string tegra(std::string_view status) {
    return fmt::format(
        "Starting at 2024-07-05T11:43:56+00:00\nMachine:       jetson-xavier-nx-devkit-emmc\n"
        "Rootfs device: mmcblk0p1\nFound Jetson device in recovery mode at USB 1-2.3\n"
        "== Step 1: Signing binaries at 2024-07-05T11:43:57+00:00 ==\n"
        "== Step 2: Boot Jetson via RCM at 2024-07-05T11:44:57+00:00 ==\n"
        "== Step 3: Sending flash sequence commands at x ==\n"
        "Waiting for USB storage device flashpkg from 2b640a08...[/dev/sdb]\n"
        "== Step 4: Writing partitions on internal storage device at x ==\nCreating partitions\n"
        "Writing partitions\n  Writing boot.img (size=37214208) to /dev/sdb2 (size=67108864)...\n"
        "[OK: /dev/sdb]\n== Step 5: Waiting for final status from device at x ==\n"
        "Waiting for USB storage device flashpkg from 2b640a08...[/dev/sdb]\n"
        "Final status: {}\nSuccessfully finished at 2024-07-05T12:13:41+00:00\n"
        "Host-side log:              log.initrd-flash.2024-07-05-11.43.56\n",
        status);
}

struct Row {
    int row;
    Way way;
    std::string text;
    Class what;
    std::optional<int> exit_status = std::nullopt;
};

}  // namespace

TEST(Classify, Good_runs_of_each_way_are_flashed) {
    for (const auto& [way, text] :
         {std::pair(kA, sample::whole()), std::pair(kB, mass_good()), std::pair(kC, initrd_good()),
          std::pair(kD, tegra("SUCCESS"))}) {
        for (const std::string& form : disguised(text)) {
            const auto out = said(way, form, 0);
            EXPECT_EQ(out.outcome, Outcome::flashed) << way_name(way) << "\n"
                                                     << form.substr(0, 300);
            EXPECT_EQ(out.row, 0);
            EXPECT_EQ(out.stage, "done");
            EXPECT_EQ(said(way, form).outcome, Outcome::flashed) << "the text alone";
        }
        if (way != kD) {
            EXPECT_EQ(said(way, text, 0).chip_id, "0x88021911645838891c00000019028200");
            EXPECT_EQ(said(way, text, 1).outcome, Outcome::failed) << "status 1 rules";
        }
        EXPECT_EQ(said(way, text, 137).outcome, Outcome::failed) << "killed";
        EXPECT_NE(said(way, text.substr(0, text.size() / 2), 0).outcome, Outcome::flashed);
        EXPECT_EQ(said(way, text.substr(0, text.size() / 2)).outcome, Outcome::unknown)
            << way_name(way);
    }
    ASSERT_TRUE(said(kA, sample::whole(), 0).board);
    EXPECT_EQ(said(kA, sample::whole(), 0).board->sku, "0001");
}

TEST(Classify, Final_status_of_meta_tegra_rules) {
    EXPECT_EQ(said(kD, tegra("FAILED"), 0).outcome, Outcome::failed);
    EXPECT_EQ(said(kD, tegra("FAILED")).outcome, Outcome::failed);
    EXPECT_EQ(said(kD, tegra("PENDING"), 0).outcome, Outcome::failed);
    EXPECT_EQ(said(kD, tegra("SUCCESS"), 1).outcome, Outcome::flashed);
    EXPECT_EQ(said(kD, "Successfully finished at 2024\n", 0).outcome, Outcome::unknown);
    EXPECT_EQ(said(kD, "ERR: write failure to internal storage at x\n", 0).what, Class::stor);
    EXPECT_EQ(said(kD, "Waiting for Jetson to appear on USB.......\n", 124).what, Class::nodev);
    const auto doflash = sample::until_bootloader() + sample::create_start() + sample::app() +
                         sample::rest() + sample::end();
    EXPECT_EQ(said(kD, doflash, 0).outcome, Outcome::flashed);
}

TEST(Classify, Exit_0_with_an_error_is_not_flashed) {
    EXPECT_EQ(said(kA, sample::whole() + "Error: Return value 14\n", 0).row, 18);
    EXPECT_EQ(said(kA, "Error: Partition configuration is not specified\n", 0).outcome,
              Outcome::unknown);
    EXPECT_EQ(said(kC, initrd_good() + "Error flashing qspi\n", 0).row, 29);
    EXPECT_EQ(said(kB, mass_good() + "*** Error: Writing the MEM BCT failed.\n", 0).outcome,
              Outcome::failed);
    EXPECT_EQ(said(kA, "", 0).outcome, Outcome::unknown);
    EXPECT_EQ(said(kA, "", std::nullopt).outcome, Outcome::unknown);
    EXPECT_EQ(said(kA, "", 1).outcome, Outcome::failed);
}

// No pipefail: what the host failed to write is hidden, and the unit says that all is well.
TEST(Classify, The_units_word_of_success_hides_nothing_of_the_hosts) {
    const auto good = tegra("SUCCESS");
    const std::string end = "[OK: /dev/sdb]\n";
    const auto instead = [&](std::string line) {
        return std::string(good).replace(good.find(end), end.size(), std::move(line));
    };
    for (const auto& [line, row] :
         {std::pair("ERR: failed to write rootfs.ext4 to /dev/sdb2\n", 0),
          std::pair("[FAIL: /dev/sdb]\n", 0),
          std::pair("dd: error writing '/dev/sdb2': Input/output error\n", 0),
          std::pair("bmaptool: ERROR: An error occurred\n", 0),
          std::pair("ERR: partprobe failed after partitioning\n", 32),
          std::pair("Error looking up object for device /dev/sdb\n", 31), std::pair("", 0)}) {
        for (const auto status : {std::optional<int>(), std::optional(0), std::optional(7)}) {
            EXPECT_EQ(said(kD, instead(line), status).outcome, Outcome::failed) << line;
            EXPECT_EQ(said(kD, instead(line), status).row, row) << line;
        }
    }
    EXPECT_EQ(said(kD, instead(end + "Creating partitions\nWriting partitions\n" + end)).outcome,
              Outcome::flashed)
        << "two disks";
}

TEST(Classify, Success_without_the_list_of_writes_is_not_flashed) {
    const auto without_writes = [](const std::string& text) {
        std::string out;
        std::istringstream lines(text);
        for (std::string line; std::getline(lines, line);) {
            if (line.find("Writing partition ") == std::string::npos) {
                out += line + "\n";
            }
        }
        return out;
    };
    EXPECT_EQ(said(kB, without_writes(mass_good()), 0).outcome, Outcome::unknown);
    EXPECT_EQ(said(kB, mass_banner("Rebooting the device")).outcome, Outcome::unknown);
    EXPECT_EQ(said(kD, "Flashing completed\nColdbooting the device\n", 0).outcome,
              Outcome::unknown);
    EXPECT_EQ(said(kA, without_writes(sample::whole()), 0).outcome, Outcome::unknown);
}

TEST(Classify, Exit_status_goes_before_what_the_tool_waited_for) {
    const auto waits = initrd_start() + "Waiting for target to boot-up...\n";
    const auto ssh = waits + "Waiting for device to expose ssh ......\n";
    for (const auto& [status, row] :
         {std::pair(102, 25), std::pair(103, 27), std::pair(105, 25), std::pair(114, 26),
          std::pair(4, 23), std::pair(11, 1), std::pair(110, 0), std::pair(1, 24)}) {
        EXPECT_EQ(said(kC, ssh, status).row, row) << status;
    }
    EXPECT_EQ(said(kC, waits, 1).row, 23);
    EXPECT_EQ(said(kC, ssh + "Timeout\n", 1).row, 24);
}

TEST(Classify, Noise_is_not_told_as_what_decided) {
    const auto out = said(kA, sample::whole() + "Cannot Open USB\nBootloader version 1\nlast\n", 1);
    EXPECT_EQ(out.outcome, Outcome::failed);
    EXPECT_EQ(out.line, "last");
    EXPECT_EQ(said(kA, "Bootloader version 1\n" + rcm(8), 1).row, 5);
    std::string glued;
    for (int i = 0; i < 4; ++i) {
        glued += sample::whole();
    }
    std::replace(glued.begin(), glued.end(), '\n', ' ');
    EXPECT_EQ(said(kA, glued.substr(0, 15'000) + " Error: Return value 14\n").row, 18);
}

TEST(Classify, Every_row_of_the_fact_sheet) {
    const std::string boot = "Waiting for target to boot-up...\n";
    std::string sixty;
    for (int i = 0; i < 60; ++i) {
        sixty += boot;
    }
    const std::string locked =
        sample::whole().replace(sample::whole().find("[  13.0000 ] Writing partition"), 12,
                                "[  13.0000 ]") +
        "usb 1-2.3: New USB device found, idVendor=0955, idProduct=7e19, bcdDevice= 1.02\n";
    const std::vector<Row> rows{
        {1, kA, "Error: probing the target board failed.\n       Make sure the target board\n",
         Class::nodev, 14},
        {1, kA, "", Class::nodev, 14},
        {1, kC, "*** Error: ECID read failed.\n", Class::nodev},
        {2, kA, "Failed to read UID\nError: probing the target board failed.\n", Class::cycle, 14},
        {3, kB, "BootRom is not running\n*** Error: Boot Rom communication failed.\n",
         Class::cycle},
        {4, kA, rcm(3), Class::link},
        {4, kA, "[ 1.0 ] Bootrom returned error 5\n" + rcm(8), Class::keys},
        {5, kA, rcm(8), Class::link},
        {5, kD, "Error: Return value 8\nCommand tegrarcm_v2 --chip 0x19 0 --rcm rcm_list.xml\n",
         Class::cycle},
        {6, kA, "[ 0.3 ] RCM version 0X8\n", Class::cycle, 1},
        {6, kA, "[ 0.3 ] RCM version 0X13\n", Class::cycle},
        {7, kC,
         "[ 5.1 ] ERROR: might be timeout in USB write.\nError: Return value 3\nCommand "
         "tegrarcm_v2 --new_session --chip 0x23 0 --uid --download bct_br br_bct_BR.bct\n",
         Class::link},
        {8, kA, "No Board Spec. and no target connected\n", Class::cycle},
        {9, kA,
         "Cannot Open USB\nError: None of the bootloaders are running on device. Check the "
         "UART log.\nFailed flashing t186ref.\n",
         Class::hw, 1},
        {10, kA,
         "[  9.0 ] tegrarcm_v2 --boot recovery\n[  9.1 ] Cannot Open USB\n[ 40.2 ] USB "
         "communication failed.Check if device is in recovery\n",
         Class::link},
        {10, kB,
         "*** Checking CPU bootloader\nNo device on specified bus-port[1-4]\nCannot Open "
         "USB\n*** Error: Checking CPU bootloader failed.\n",
         Class::link, 1},
        {11, kA, "Reading board information failed.\n", Class::none, 1},
        {11, kA, "Error: Return value 8\nReading board information failed.\n", Class::link, 1},
        {12, kA, "Parsing board information failed.\n", Class::eeprom, 1},
        {12, kA, "ERROR: calculated CRC8 0xd8 != stored CRC8 0x0\n", Class::eeprom},
        {13, kA, "Error: The Actual SoC ID(0x90) mismatches intended Tegra 194 SoC ID(0x19)\n",
         Class::wrong, 14},
        {14, kA, "Error: The Actual board family x mismatches intended y\n", Class::wrong, 14},
        {15, kA,
         "Error: Either RSA key file is not provided or SBK key file is provided for PKC "
         "protected target board.\n",
         Class::keys, 14},
        {15, kA, "Error: key given for none SBK and PKC protected target board.\n", Class::keys},
        {16, kB, "Error: End sector for APP, expected at: 30777343, actual: 30535679\n",
         Class::stor},
        {17, kA, "File system.img exceeds partition size 15032385536\n", Class::host},
        {18, kA, "0000000000000007: E> NV3P_SERVER: Could not write to partition APP.\n",
         Class::stor},
        {18, kA, "Error: Return value 14\nFailed flashing t186ref.\n", Class::stor, 1},
        {19, kA, "file does not exist.\n", Class::host, 15},
        {19, kA, "", Class::host, 15},
        {20, kA, "flash.sh requires root privilege\n", Class::host, 21},
        {21, kB, "No devices to flash\n", Class::nodev, 6},
        {22, kC, "Too many devices in RCM mode\n", Class::host, 1},
        {23, kC, initrd_start() + sixty + "Timeout\nCleaning up...\n", Class::link, 1},
        {23, kC, initrd_start() + sixty, Class::link, 4},
        {23, kC, "Device failed to boot to the initrd flash kernel. Please retrieve the log\n",
         Class::link},
        {24, kC, initrd_start() + boot + "Waiting for device to expose ssh ............Timeout\n",
         Class::net, 1},
        {25, kC, "SSH is not ready\n", Class::net},
        {25, kC, "", Class::net, 102},
        {26, kC, "NFS server is not running\n", Class::net, 114},
        {26, kC, "clnt_create: RPC: Program not registered\n", Class::net},
        {27, kC, "mount.nfs: Connection timed out\nFlash failure\n", Class::net, 103},
        {27, kC,
         "mount.nfs: mounting fc00:1:1:0::1:/x failed, reason given by server: No such file "
         "or directory\n",
         Class::net},
        {29, kC, "Error flashing external device\nFlash failure\n", Class::stor, 1},
        {29, kC, "Error flashing non-qspi storage\n", Class::stor},
        {30, kA, locked, Class::hw, 0},
        {31, kD, "Error looking up object for device /dev/sdb\n", Class::host},
        {32, kC, "partprobe failed\n", Class::host},
        {32, kD, "ERR: unmount /media/x on device /dev/sdb failed\n", Class::host},
        {33, kA, "E> Task 50 failed (err: 0x1f1f)\n", Class::hw},
        {33, kA, "ALIASCHECKER: failed\n", Class::hw},
        {33, kA, "[0000.5] MB1_MSS: x\n[0000.9] I> Reset to recovery mode\n", Class::hw},
        {34, kC, "ERROR sshpass not found! To install - please run: x\n", Class::host, 1},
        {34, kA, "ERROR xmllint not found! To install - please run: x\n", Class::host, 17},
        {34, kC, "ERROR abootimg not found!\n", Class::host},
        {35, kA, "Board ID() version() sku() revision()\n", Class::eeprom, 1},
        {35, kA, "ERROR: Unrecognized module SKU \n", Class::eeprom},
    };
    std::set<int> covered{28};
    for (const Row& row : rows) {
        covered.insert(row.row);
        for (const std::string& text : disguised(row.text)) {
            if (row.row == 30 && text.starts_with("2026")) {
                continue;  // told by the stamps, which are not the tool's own there
            }
            const auto out = said(row.way, text, row.exit_status);
            EXPECT_EQ(out.outcome, Outcome::failed) << row.row << "\n" << text.substr(0, 400);
            EXPECT_EQ(out.row, row.row) << text.substr(0, 400);
            EXPECT_EQ(class_name(out.what), class_name(row.what)) << text.substr(0, 400);
            EXPECT_TRUE(base::is_known_code(out.code)) << out.code;
            EXPECT_FALSE(out.action.empty()) << row.row;
            EXPECT_EQ(out.retry == Retry::new_enumeration,
                      row.row <= 10 || (row.row == 11 && out.what == Class::link))
                << row.row;
        }
    }
    EXPECT_EQ(covered.size(), 35);
}

TEST(Classify, A_line_alone_tells_its_stage) {
    const std::vector<std::tuple<Way, const char*, int>> rows{
        {kA, "# L4T BSP Information:", 1},
        {kA, "# Target Board Information:", 2},
        {kA, "./tegraflash.py --cmd \"dump eeprom boardinfo cvm.bin;reboot recovery\"", 3},
        {kA, "Board ID(3668) version(300) sku(0001) revision(B.0)", 4},
        {kA, "Reusing existing system.img... ", 5},
        {kA, "*** Flashing target device started. ***", 6},
        {kA, "[ 6.1 ] BR_CID: 0x88021911645838891c00000019028200", 7},
        {kA, "[ 6.9 ] Boot Rom communication completed", 8},
        {kA, "[ 8.1 ] Sending bct_mem", 9},
        {kA, "[ 8.5 ] Sending blob", 10},
        {kA, "[ 9.0 ] tegrarcm_v2 --instance 1-2 --boot recovery", 11},
        {kA, "[ 11.2 ] Retrieving storage infomation", 12},
        {kA, "[ 14.1 ] Erasing sdmmc_user: 3 ......... [Done]", 13},
        {kA, "Writing partition mb1_b with mb1.bin.encrypt [ 246768 bytes ]", 14},
        {kA, "[ 60.0 ] Writing partition APP with system.img", 15},
        {kA, "[ 300.0 ] Writing partition kernel-dtb with x.dtb.encrypt", 16},
        {kB, "Writing partition recovery with recovery.img.encrypt", 16},
        {kA, "[ 300.9 ] tegradevflash_v2 --instance 1-2 --write MB1_BCT x", 17},
        {kA, "[ 301 ] Flashing completed", 18},
        {kC, "Entering RCM boot", 2},
        {kC, "Waiting for target to boot-up...", 4},
        {kC, "tar: Read checkpoint 30000", 10},
        {kC, "Reboot device", 13},
    };
    for (const auto& [way, line, row] : rows) {
        EXPECT_EQ(said(way, std::string(line) + "\n").stage_row, row) << line;
    }
}

TEST(Classify, Polling_without_stamps_ends_too) {
    const std::string begun = sample::banner() + sample::host() +
                              "Boot Rom communication completed\nSending blob\n"
                              "tegrarcm_v2 --instance 1-2.3 --boot recovery\n";
    const std::string round =
        "No device on specified bus-port[1-2.3]\nUSB communication failed.Check if device is in "
        "recovery\nCannot Open USB\n";
    std::string rounds = round;
    EXPECT_EQ(said(kA, begun + rounds).outcome, Outcome::unknown) << "it may go on";
    for (int i = 0; i < 30; ++i) {
        rounds += round;
    }
    EXPECT_EQ(said(kA, begun + rounds).row, 10);
    EXPECT_EQ(said(kA, begun + rounds + "Bootloader version 01.00.0000\n").row, 0);
}

TEST(Classify, Harmless_row_is_named_and_is_no_failure) {
    const std::string noise = "rpcbind: another rpcbind is already running. Aborting\n";
    EXPECT_EQ(said(kC, noise).row, 28);
    EXPECT_EQ(said(kC, noise).outcome, Outcome::unknown);
    EXPECT_EQ(said(kC, noise + initrd_good(), 0).outcome, Outcome::flashed);
}

TEST(Classify, Noise_is_no_failure) {
    const std::string noise =
        "Warning: EKS partition magic header mismatch!\nAssuming zero filled SBK key\n"
        "Warning: pub_key.key is not found\nHeader already present for x\n"
        "Error: Skip generating mem_bct because sdram_config is not defined\n"
        "Error: try getting custinfo fail. Moving on\n"
        "Error: The backup GPT table is corrupt, but the primary appears OK, so that will be "
        "used.\n"
        "./flash.sh: line 2661: [: : integer expression expected\n20+0 records in\n"
        "RTNETLINK answers: File exists\nWarning: Permanently added 'fe80::1' to the list\n";
    EXPECT_EQ(said(kA, noise).outcome, Outcome::unknown);
    EXPECT_EQ(said(kA, noise).row, 0);
    for (const auto& [way, text] :
         {std::pair(kA, sample::whole()), std::pair(kB, mass_good()), std::pair(kC, initrd_good()),
          std::pair(kD, tegra("SUCCESS"))}) {
        EXPECT_EQ(said(way, noise + text + noise, 0).outcome, Outcome::flashed) << way_name(way);
    }
}

TEST(Classify, Unknown_failure_keeps_the_last_lines_and_says_so) {
    const auto out = said(kA, sample::banner() + "weird one\nweird two\n", 9);
    EXPECT_EQ(out.outcome, Outcome::failed);
    EXPECT_EQ(out.row, 0);
    EXPECT_EQ(out.code, "tool.failed");
    ASSERT_GE(out.last_lines.size(), 2U);
    EXPECT_EQ(out.last_lines.back(), "weird two");
    EXPECT_NE(out.action.find("last lines"), std::string::npos);
}

TEST(Classify, Interleaved_and_hostile_output) {
    EXPECT_EQ(said(kA, "[  40.1 ] [....      ] 018%[  40.2 ] Error: Return value 14\n", 1).row, 18);
    const std::string blob(3'000'000, 'x');
    EXPECT_EQ(said(kA, blob + "\nfile does not exist.\n" + blob, 15).row, 19);
    EXPECT_EQ(said(kA, std::string(1'000'000, '\0'), 1).outcome, Outcome::failed);
    EXPECT_EQ(said(kA, std::string("\xff\xfe\x1b[\x1b]\x1b", 7)).outcome, Outcome::unknown);
    EXPECT_EQ(said(kA, "error:   return \t value  14\n").row, 18);
    EXPECT_EQ(said(kA, "stderr: something\n").outcome, Outcome::unknown);
}

TEST(Classify, A_write_that_did_not_end_is_not_flashed) {
    const auto text = sample::banner() + sample::eeprom() + sample::host() +
                      sample::until_bootloader() + sample::create_start() +
                      "[ 60.0 ] Writing partition APP with system.img\n[ 60.0 ] [...   ] 047%\r\n" +
                      sample::rest() + sample::end() + sample::success();
    EXPECT_EQ(said(kA, text, 0).outcome, Outcome::failed);
    EXPECT_NE(said(kA, sample::banner() + sample::success(), 0).outcome, Outcome::flashed);
}

}  // namespace lineside::jetson_usb
