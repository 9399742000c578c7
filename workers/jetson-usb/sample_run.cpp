// SPDX-License-Identifier: Apache-2.0
#include "workers/jetson-usb/sample_run.h"

#include <fmt/format.h>

namespace lineside::jetson_usb::sample {

std::string bar(double at) {
    std::string out;
    for (int percent : {18, 54, 90}) {
        // After \r the stamp comes again with a stale time, and is missing in the last burst.
        out += fmt::format("[ {:8.4f} ] [....      ] {:03d}%\r", at, percent);
    }
    return out + "[................................................] 100%\r\n";
}

std::string write(std::string_view partition, std::string_view file, double at) {
    return fmt::format("[ {:8.4f} ] Writing partition {} with {}\n{}", at, partition, file,
                       bar(at));
}

std::string banner() {
    return "###############################################################################\n"
           "# L4T BSP Information:\n# R32 , REVISION: 7.4\n"
           "###############################################################################\n"
           "# Target Board Information:\n"
           "# Name: jetson-xavier-nx-devkit-emmc, Board Family: t186ref, SoC: Tegra 194, \n"
           "# OpMode: production, Boot Authentication: NS, \n# Disk encryption: disabled ,\n";
}

std::string rom() {
    return "[   0.0213 ] Generating RCM messages\n"
           "[   0.1000 ] Copying signature to RCM mesages\n"
           "[   0.1100 ] Boot Rom communication\n"
           "[   0.1200 ] tegrarcm_v2 --instance 1-2.3 --chip 0x19 0 --rcm rcm_list_signed.xml "
           "--skipuid\n"
           "[   0.1300 ] RCM version 0X190001\n"
           "[   0.9300 ] Boot Rom communication completed\n"
           "[   1.9000 ] \n"
           "[   1.9300 ] Applet version 01.00.0000\n";
}

std::string eeprom() {
    return "./tegraflash.py --instance 1-2.3 --chip 0x19 --applet "
           "\"/l/bootloader/mb1_t194_prod.bin\" --skipuid "
           "--cmd \"dump eeprom boardinfo cvm.bin;reboot recovery\" \n"
           "Welcome to Tegra Flash\nversion 1.0.0\n \n" +
           rom() +
           "[   2.0000 ] tegrarcm_v2 --instance 1-2.3 --boot recovery\n"
           "[   3.1000 ] MB2 Applet version 01.00.0000\n"
           "[   3.2000 ] Retrieving board information\n"
           "[   3.3000 ] Chip minor revision: 2\n[   3.3000 ] Ram code: 0x0\n[   3.3000 ] Chip "
           "sku: 0xde\n"
           "[   3.3000 ] Chip Sample: prod\n"
           "[   3.4000 ] Retrieving EEPROM data\n"
           "[   3.5000 ] Rebooting to recovery mode\n"
           "[   3.6000 ] tegrarcm_v2 --instance 1-2.3 --reboot recovery\n";
}

std::string host(std::string_view board) {
    std::string out(board);
    return out.append(
        "\n./flash.sh: line 2661: [: : integer expression expected\n"
        "copying bctfile(/l/bootloader/x.cfg)... done.\nMaking Boot image... done.\n"
        "20+0 records in\n20+0 records out\n"
        "Reusing existing system.img... \ndone.\n"
        "./tegraflash.py --bl nvtboot_recovery_cpu_t194.bin --cmd \"flash; reboot\" --chip 0x19\n"
        "saving flash command in /l/bootloader/flashcmd.txt\n"
        "*** Flashing target device started. ***\n");
}

std::string until_bootloader() {
    return "[   4.2000 ] Warning: EKS partition magic header mismatch!\n"
           "[   4.3000 ] Header already present for cboot_t194.bin\n"
           "[   6.0000 ] Boot Rom communication\n"
           "[   6.1000 ] BR_CID: 0x88021911645838891c00000019028200\n"
           "[   6.1000 ] RCM version 0X190001\n"
           "[   6.9000 ] Boot Rom communication completed\n"
           "[   8.0000 ] Sending BCTs\n[   8.1000 ] Sending bct_bootrom\n" +
           bar(8.1) + "[   8.2000 ] Sending bct_mb1\n" + bar(8.2) +
           "[   8.4000 ] Generating blob\n" +
           "[   8.5000 ] Sending bootloader and pre-requisite binaries\n[   8.5100 ] Sending "
           "blob\n" +
           bar(8.6) +
           "[   9.0000 ] tegrarcm_v2 --instance 1-2.3 --boot recovery\n"
           "[   9.1000 ] No device on specified bus-port[1-2.3]\n"
           "[   9.1000 ] USB communication failed.Check if device is in recovery\n"
           "[  10.1000 ] Cannot Open USB\n"
           "[  11.1000 ] Bootloader version 01.00.0000\n[  11.1100 ] Bootloader version "
           "01.00.0000\n"
           "[  11.2000 ] Retrieving storage infomation\n"
           "[  11.3000 ] Applet is not running on device. Continue with Bootloader\n";
}

std::string create_start() {
    return "[  12.0000 ] Flashing the device\n"
           "[  12.0100 ] tegradevflash_v2 --instance 1-2.3 --pt flash.xml.bin --create\n"
           "[  12.1000 ] Erasing spi: 0 ......... [Done]\n" +
           write("secondary_gpt", "gpt_secondary_3_0.bin", 13) +
           "[  14.0000 ] Erasing sdmmc_user: 3 ......... [Done]\n" +
           write("master_boot_record", "mbr_1_3.bin") +
           write("primary_gpt", "gpt_primary_1_3.bin") +
           write("secondary_gpt", "gpt_secondary_1_3.bin") +
           write("mb1", "mb1_t194_prod_sigheader.bin.encrypt") +
           write("VER_b", "qspi_bootblob_ver.txt") + write("master_boot_record", "mbr_1_3.bin");
}

std::string app() {
    return write("APP", "system.img", 60);
}

std::string rest() {
    return write("kernel", "boot_sigheader.img.encrypt") +
           write("recovery", "recovery_sigheader.img.encrypt") +
           write("kernel-bootctrl_b", "kernel_bootctrl.bin");
}

std::string end() {
    std::string out;
    for (const char* name : {"BCT", "MB1_BCT", "MB1_BCT_b", "MEM_BCT", "MEM_BCT_b"}) {
        out += fmt::format(
            "[ 300.0000 ] tegradevflash_v2 --instance 1-2.3 --write {} x.bct\n"
            "[ 300.0100 ] Bootloader version 01.00.0000\n{}[ 300.0300 ] \n",
            name, write(name, "x.bct", 300));
    }
    return out +
           "[ 301.0000 ] Flashing completed\n\n[ 301.1000 ] Coldbooting the device\n"
           "[ 301.2000 ] tegradevflash_v2 --instance 1-2.3 --reboot coldboot\n";
}

std::string success() {
    return "*** The target t186ref has been flashed successfully. ***\n"
           "Reset the board to boot from internal eMMC.\n";
}

std::string whole() {
    return banner() + eeprom() + host() + until_bootloader() + create_start() + app() + rest() +
           end() + success();
}

// Cut as the runner cuts: \r, \n and \r\n.
std::vector<std::string> lines(std::string_view text) {
    std::vector<std::string> out(1);
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\r' || text[i] == '\n') {
            if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') {
                ++i;
            }
            out.emplace_back();
        } else {
            out.back() += text[i];
        }
    }
    return out;
}

}  // namespace lineside::jetson_usb::sample
