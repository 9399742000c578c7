// SPDX-License-Identifier: Apache-2.0
#include "station/app/classify_command.h"

#include "station/base/json.h"
#include "station/base/unique_fd.h"
#include "workers/jetson-usb/classify.h"
#include "workers/jetson-usb/package.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <iostream>
#include <memory>
#include <system_error>

namespace lineside::app {
namespace {

using base::Json;

constexpr std::size_t kBlock = std::size_t{4} << 20U;
constexpr int kUsage = 2;

struct Wanted {
    std::string method = "jetson-usb";
    std::string way;
    std::string file;
    std::optional<int> exit_status;
    bool json = false;
};

// In blocks that end with a line, so that a log of any size needs the same memory. Errors:
// config.missing, config.invalid (a folder, a read error).
base::Status read_file(const std::string& name, jetson_usb::Transcript& seen) {
    base::UniqueFd own;
    int fd = STDIN_FILENO;
    if (name != "-") {
        own.reset(::open(name.c_str(), O_RDONLY | O_CLOEXEC));
        fd = own.get();
        if (fd < 0) {
            return base::fail_errno("config.missing", "cannot open " + name, errno);
        }
    }
    struct stat about {};
    if (::fstat(fd, &about) == 0 && S_ISDIR(about.st_mode)) {
        return base::fail("config.invalid", name + " is a folder; name the tool's log in it");
    }
    const auto block = std::make_unique<char[]>(kBlock);
    std::size_t kept = 0;
    for (;;) {
        const auto got = ::read(fd, block.get() + kept, kBlock - kept);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return base::fail_errno("config.invalid", "cannot read " + name, errno);
        }
        const std::string_view bytes(block.get(), kept + static_cast<std::size_t>(got));
        if (got == 0) {
            jetson_usb::read_log(bytes, seen);
            return {};
        }
        // A line longer than a block is taken in pieces.
        const auto end = bytes.find_last_of("\n\r");
        const auto whole = end != std::string_view::npos ? end + 1
                           : bytes.size() == kBlock      ? bytes.size()
                                                         : 0;
        jetson_usb::read_log(bytes.substr(0, whole), seen);
        kept = bytes.size() - whole;
        std::char_traits<char>::move(block.get(), block.get() + whole, kept);
    }
}

Json text_or_null(std::string_view text) {
    return text.empty() ? Json(nullptr) : Json(text);
}

Json as_json(const jetson_usb::Classified& said) {
    Json board(nullptr);
    if (said.board) {
        board = {{"id", said.board->id},
                 {"sku", said.board->sku},
                 {"fab", said.board->fab},
                 {"rev", said.board->rev}};
    }
    const bool again = said.retry != jetson_usb::Retry::never;
    return {
        {"stage", text_or_null(said.stage)},
        {"stage_row", said.stage_row == 0 ? Json(nullptr) : Json(said.stage_row)},
        {"outcome", outcome_name(said.outcome)},
        {"row", said.row == 0 ? Json(nullptr) : Json(said.row)},
        {"class", text_or_null(class_name(said.what))},
        {"code", text_or_null(said.code)},
        {"action", text_or_null(said.action)},
        {"retry", again},
        {"retry_after", said.retry == jetson_usb::Retry::new_enumeration ? Json("new_enumeration")
                                                                         : Json(nullptr)},
        {"chip_id", text_or_null(said.chip_id)},
        {"board", std::move(board)},
        {"line", text_or_null(said.line)},
        {"last_lines", said.last_lines}};
}

void print(const jetson_usb::Classified& said) {
    std::cout << outcome_name(said.outcome);
    if (!said.stage.empty()) {
        std::cout << ", stage " << said.stage;
    }
    if (said.row != 0) {
        std::cout << ", row " << said.row;
    }
    if (said.what != jetson_usb::Class::none) {
        std::cout << ", " << class_name(said.what);
    }
    std::cout << "\n";
    if (!said.line.empty()) {
        std::cout << "  the tool: " << said.line << "\n";
    }
    if (!said.action.empty()) {
        std::cout << "  to do: " << said.action << "\n";
    }
    for (const std::string& line : said.last_lines) {
        std::cout << "  | " << line << "\n";
    }
}

int run(const Wanted& wanted) {
    if (wanted.method != "jetson-usb") {
        std::cerr << "lineside classify: no method '" << wanted.method
                  << "' has a log to classify; --method jetson-usb\n";
        return kUsage;
    }
    const auto way = jetson_usb::way_of(wanted.way);
    if (!way) {
        std::cerr << "lineside classify: no way '" << wanted.way
                  << "'; --way a (flash.sh), b (mass flash), c (initrd flash) or d (tegraflash)\n";
        return kUsage;
    }
    jetson_usb::Transcript seen(*way);
    if (auto read = read_file(wanted.file, seen); !read) {
        std::cerr << "lineside classify: " << read.error().message << "\n";
        return kUsage;
    }
    const auto said = jetson_usb::classify(seen, wanted.exit_status);
    if (wanted.json) {
        std::cout << as_json(said).dump() << "\n";
    } else {
        print(said);
    }
    return 0;
}

Json as_json(const jetson_usb::Package& about) {
    const auto letter = [&] {
        return about.way
                   ? Json(std::string(1, static_cast<char>('a' + static_cast<int>(*about.way))))
                   : Json(nullptr);
    };
    return {{"kind", about.way ? Json(way_name(*about.way)) : Json(nullptr)},
            {"way", letter()},
            {"ok", about.way && about.missing.empty()},
            {"board", text_or_null(about.board)},
            {"board_id", text_or_null(about.board_id)},
            {"sku", text_or_null(about.sku)},
            {"fab", text_or_null(about.fab)},
            {"release", text_or_null(about.release)},
            {"bytes", about.bytes},
            {"files", about.files},
            {"sha256", about.sha256},
            {"missing", about.missing},
            {"unknown", about.unknown}};
}

int run_import(const std::string& path, const std::string& board, bool json) {
    const auto listing = jetson_usb::listing_of(path);
    if (!listing) {
        std::cerr << "lineside import-check: " << listing.error().message << "\n";
        return kUsage;
    }
    const auto about = jetson_usb::inspect(*listing, board);
    const bool good = about.way && about.missing.empty();
    if (json) {
        std::cout << as_json(about).dump() << "\n";
        return good ? 0 : 1;
    }
    std::cout << (about.way ? way_name(*about.way) : std::string_view("no package known here"))
              << ", " << about.files << " files, " << about.bytes << " bytes\n  sha256 "
              << about.sha256 << "\n";
    for (const auto& [name, value] :
         {std::pair("board", &about.board), std::pair("board id", &about.board_id),
          std::pair("sku", &about.sku), std::pair("fab", &about.fab),
          std::pair("release", &about.release)}) {
        std::cout << "  " << name << ": " << (value->empty() ? "it does not say" : *value) << "\n";
    }
    for (const std::string& lack : about.missing) {
        std::cout << "  " << lack << "\n";
    }
    return good ? 0 : 1;
}

}  // namespace

void add_import_check_command(CLI::App& app, int& status) {
    auto path = std::make_shared<std::string>();
    auto board = std::make_shared<std::string>();
    auto json = std::make_shared<bool>(false);
    auto* command = app.add_subcommand(
        "import-check", "what a BSP tree or a flash package is for; changes nothing");
    command->add_option("path", *path, "folder, mfi_*.tbz2 or *.tegraflash.tar.gz")->required();
    command->add_option("--board", *board, "of a tree for many boards the one that is meant");
    command->add_flag("--json", *json);
    command->callback([path, board, json, &status] { status = run_import(*path, *board, *json); });
}

void add_classify_command(CLI::App& app, int& status) {
    auto wanted = std::make_shared<Wanted>();
    auto* command = app.add_subcommand("classify", "what a flash tool's log says of its run");
    command->add_option("--method", wanted->method, "jetson-usb");
    command
        ->add_option("--way", wanted->way,
                     "a flash, b massflash, c initrd, d tegraflash: see workers/jetson-usb")
        ->required();
    command->add_option("--exit", wanted->exit_status, "the tool's exit status, where it is known")
        ->check(CLI::Range(-255, 255));
    command->add_option("file", wanted->file, "the log, - = stdin")->required();
    command->add_flag("--json", wanted->json);
    command->callback([wanted, &status] { status = run(*wanted); });
}

}  // namespace lineside::app
