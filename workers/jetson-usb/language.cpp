// SPDX-License-Identifier: Apache-2.0
#include "workers/jetson-usb/language.h"

namespace lineside::jetson_usb {
namespace {

struct SignRow {
    Sign sign;
    std::string_view words;
    const char* expression;
};

// clang-format off
constexpr std::array kSigns{
    SignRow{Sign::write,          "writing partition ", nullptr},
    SignRow{Sign::board,          "board id(", nullptr},
    SignRow{Sign::chip,           "br_cid:|ecid is ", nullptr},
    SignRow{Sign::error_value,    "return value ", nullptr},
    SignRow{Sign::failed,         "failed flashing|board information failed|complete (with failures)|flash failure|error flashing|final status: failed|*** error:|reboot failed|flashing failed|failed to flash", nullptr},
    SignRow{Sign::failed,         "error: none of", nullptr},
    SignRow{Sign::failed,         "err: ", R"((^|[\s\]])ERR: )"},
    SignRow{Sign::failed,         "bmaptool: error|dd: error |dd: failed to open|[fail: ", nullptr},
    SignRow{Sign::probe,          "probing the target board failed", nullptr},
    SignRow{Sign::complaint,      "error|fail|refused|cannot|traceback|exception|not found|err:|timeout", nullptr},
    SignRow{Sign::noise,          "cannot open usb|usb communication failed|applet is not running on device. continue|magic header mismatch|pub_key.key is not found|integer expression expected|skip generating mem_bct|try getting custinfo fail|backup gpt table is corrupt", nullptr},
    SignRow{Sign::life,           "bootloader version|applet version|retrieving |saved platform info|erasing |writing |sending |succeeded|communication completed|ssh ready", nullptr},
    SignRow{Sign::command,        "tegrarcm_v2 |tegradevflash_v2 |tegrarcm |tegradevflash ", nullptr},
    SignRow{Sign::rom,            "boot rom communication", nullptr},
    SignRow{Sign::rom_version,    "rcm version 0x", nullptr},
    SignRow{Sign::wait_boot,      "waiting for target to boot-up", nullptr},
    SignRow{Sign::wait_ssh,       "waiting for device to expose ssh", nullptr},
    SignRow{Sign::timeout,        "timeout", R"((^|[.\s\]])timeout\W*$)"},
    SignRow{Sign::memory_fault,   "mb1_mss", nullptr},
    SignRow{Sign::back_to_recovery, "reset to recovery mode", nullptr},
    SignRow{Sign::erase_spi,      "erasing spi|erasing qspi", nullptr},
    SignRow{Sign::seen_in_recovery, "0955:7|idproduct=7|product: apx|nvidia corp. apx", R"(0955:7(?:721|[0-9a-f](?:19|23|26|18|21))\b|idProduct=7(?:721|[0-9a-f](?:19|23|26|18|21))\b|\bAPX\b)"},
    SignRow{Sign::banner_good,    "succeeded", nullptr},
    SignRow{Sign::status_line,    "final status:", nullptr},
    SignRow{Sign::session,        "== step |waiting for usb storage device|waiting for jetson to appear|found jetson device", nullptr},
    SignRow{Sign::disk_begun,     "creating partitions", nullptr},
    SignRow{Sign::disk_done,      "[ok: ", nullptr},
    SignRow{Sign::written,        "flashing success|flash is successful", nullptr},
    SignRow{Sign::reboot,         "reboot device|reboot target", nullptr},
    SignRow{Sign::plain_success,  "success", R"((^|[\]:]\s*)success\W*$)"},
    SignRow{Sign::flash_completed, "flashing completed", nullptr},
    SignRow{Sign::coldboot,       "coldbooting the device|--reboot coldboot", nullptr},
    SignRow{Sign::whole_success,  "flash complete (success)", nullptr},
    SignRow{Sign::item,           "writing item=", nullptr},
    SignRow{Sign::checkpoint,     "tar: read checkpoint ", nullptr},
    SignRow{Sign::percent,        "%", R"(\]\s*(\d{1,3})%)"},
};
constexpr std::string_view kEscape = "\x1b";
constexpr std::string_view kNul{"\0", 1};
// clang-format on

}  // namespace

RE2::Options expression_options() {
    RE2::Options options(RE2::Latin1);  // a device's error text may be anything but UTF-8
    options.set_case_sensitive(false);
    return options;
}

Language::Language(Way way) {
    for (std::size_t i = 0; i < failures().size(); ++i) {
        add(Kind::failure, i, failures()[i].words, failures()[i].regex);
    }
    for (std::size_t i = 0; i < stages(way).size(); ++i) {
        add(Kind::stage, i, stages(way)[i].words, stages(way)[i].regex);
    }
    for (std::size_t i = 0; i < fact_rows().size(); ++i) {
        add(Kind::fact, i, fact_rows()[i].words, fact_rows()[i].regex);
    }
    for (const SignRow& row : kSigns) {
        add(Kind::sign, static_cast<std::size_t>(row.sign), row.words, row.expression);
    }
    for (const std::string_view text : {kEscape, kNul}) {
        add(Kind::sign, static_cast<std::size_t>(Sign::unclean), text, nullptr);
    }
    words_ = std::make_unique<Words>(texts_);
}

void Language::add(Kind kind, std::size_t index, std::string_view words, const char* expression) {
    if (words.empty()) {
        return;
    }
    const RE2* compiled = nullptr;
    if (expression != nullptr) {
        // As in the words, a run of blanks matches one.
        std::string text;
        for (const char* letter = expression; *letter != '\0'; ++letter) {
            *letter == ' ' ? text += "\\s+" : text += *letter;
        }
        expressions_.push_back(std::make_unique<RE2>(text, expression_options()));
        compiled = expressions_.back().get();
    }
    while (!words.empty()) {
        const auto end = std::min(words.find('|'), words.size());
        texts_.push_back(words.substr(0, end));
        mark_of_.push_back(static_cast<std::uint16_t>(marks_.size()));
        words.remove_prefix(std::min(end + 1, words.size()));
    }
    marks_.push_back({kind, static_cast<std::uint16_t>(index), compiled});
}

const Language& Language::of(Way way) {
    static const std::array<Language, 4> kAll{Language(Way::flash), Language(Way::massflash),
                                              Language(Way::initrd), Language(Way::tegraflash)};
    return kAll[static_cast<std::size_t>(way)];
}

}  // namespace lineside::jetson_usb
