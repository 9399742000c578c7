// SPDX-License-Identifier: Apache-2.0
#include "workers/jetson-usb/plan.h"

#include "station/base/files.h"
#include "station/base/text.h"

#include <fmt/format.h>

#include <algorithm>

namespace lineside::jetson_usb {
namespace {

constexpr const char* kInitrdTool = "tools/kernel_flash/l4t_initrd_flash_internal.sh";
constexpr const char* kInitrdWords = "tools/kernel_flash/initrdflashparam.txt";

std::vector<std::string> of_a_bsp() {
    return {"FUSELEVEL", "BOARDID",  "BOARDSKU", "BOARDREV",  "FAB",
            "RAMCODE",   "CHIP_SKU", "POWEROFF", "ROOTFS_DIR"};
}

}  // namespace

Result<std::vector<std::string>> initrd_words(const std::string& lane) {
    constexpr std::size_t kMost = 4096;
    const auto text = base::read_file(lane + "/" + kInitrdWords, kMost);
    if (!text) {
        return base::fail("image.broken",
                          fmt::format("The package has no readable {}: make it with "
                                      "l4t_initrd_flash.sh --no-flash",
                                      kInitrdWords));
    }
    std::string line = *text;
    std::replace_if(
        line.begin(), line.end(), [](char c) { return c == '\n' || c == '\r' || c == '\t'; }, ' ');
    std::vector<std::string> out;
    for (const auto word : base::split(line, ' ')) {
        // The script gives this line to a shell; here nothing of it may be more than a word.
        const auto plain = base::trim_blanks(word);
        if (plain.find_first_of("`$;&|<>()*?\\'") != std::string_view::npos) {
            return base::fail("image.broken",
                              fmt::format("{}: '{}' is no plain word", kInitrdWords, plain));
        }
        std::string bare(plain);
        bare.erase(std::remove(bare.begin(), bare.end(), '"'), bare.end());
        if (!bare.empty()) {
            out.push_back(std::move(bare));
        }
    }
    return out;
}

Result<Plan> plan_of(const Params& params, int instance) {
    Plan plan;
    plan.drop_env = of_a_bsp();
    switch (params.way) {
        case Way::flash:
            plan.argv = {"./flash.sh",    "-r",         "--usb-instance",
                         params.bus_port, params.board, params.rootdev};
            // USER: the tool's root check. SKIP_REC_IMG: recovery.img was made with the image;
            // making it again shares a file in /tmp with every other flash.sh.
            plan.set_env = {"USER=root", "SKIP_REC_IMG=1"};
            plan.executables = {"flash.sh", "bootloader/tegraflash.py"};
            plan.images = {"bootloader/system.img"};
            break;
        case Way::massflash:
            plan.argv = {"./nvaflash.sh", params.bus_port};
            // Unset, the script complains in each run; 1 would leave the unit switched off.
            plan.set_env = {"USER=root", "POWEROFF=0"};
            plan.executables = {"nvaflash.sh", "tegrarcm_v2", "tegradevflash_v2"};
            plan.images = {"system.img", "rcm_list_signed.xml", "flash.xml.bin"};
            // Made from the storage of the first unit that the package met, and taken for all.
            plan.stale = {"mbr_*", "gpt_*"};
            break;
        case Way::initrd: {
            auto words = initrd_words(params.lane);
            if (!words) {
                return tl::unexpected<base::Error>(words.error());
            }
            plan.argv = {std::string("./") + kInitrdTool,
                         "--usb-instance",
                         params.bus_port,
                         "--device-instance",
                         fmt::format("{}", instance),
                         "--flash-only"};
            plan.argv.insert(plan.argv.end(), words->begin(), words->end());
            plan.set_env = {"USER=root"};
            plan.executables = {kInitrdTool};
            plan.images = {"bootloader/flashcmd.txt",
                           fmt::format("bootloader/boot{}.img", instance)};
            break;
        }
        case Way::tegraflash:
            plan.argv = {"./" + params.tool, "--usb-instance", params.bus_port};
            plan.set_env = {"USER=root"};
            plan.executables = {params.tool};
            plan.stale = {".found-jetson", "log.initrd-flash.*", "rcm-boot.output"};
            break;
    }
    return plan;
}

}  // namespace lineside::jetson_usb
