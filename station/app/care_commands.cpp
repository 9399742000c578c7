// SPDX-License-Identifier: Apache-2.0
#include "station/app/care_commands.h"

#include "serial-pool/key_ring.h"
#include "serial-pool/token_vault.h"
#include "station/app/commands.h"
#include "station/app/output_file.h"
#include "station/app/unix_http.h"
#include "station/base/clock.h"
#include "station/base/json.h"
#include "station/care/restore.h"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <iostream>
#include <memory>
#include <optional>

namespace lineside::app {
namespace {

using base::Json;

struct Arguments {
    std::string output;
    std::string backup;
    std::string data = "/var/lib/lineside";
    std::optional<std::int64_t> units_since;
    std::string key_file;
};

int complain(const base::Error& error) {
    std::cerr << "lineside: " << error.message << "\n";
    return error.code == "config.missing" ? 3 : 1;
}

base::Result<Json> say(const std::string& socket, const char* method, const std::string& target) {
    auto answer = ask(socket, {method, target, "application/json",
                               std::string(method) == "POST" ? "{}" : "", nullptr});
    return answer ? base::parse_json(answer->body, 1 << 20)
                  : tl::unexpected<base::Error>(answer.error());
}

int show(const base::Result<Json>& answer) {
    if (!answer) {
        return complain(answer.error());
    }
    std::cout << base::dump_json(*answer) << "\n";
    return 0;
}

// The backup's own name on the station goes into a request; the facts beside it are made anew.
int save_backup(const std::string& socket, const Json& made, const std::string& output) {
    const auto path = base::field<std::string>(made, "file");
    if (!path) {
        return complain(path.error());
    }
    const std::string name = std::filesystem::path(*path).filename().string();
    if (const int saved = save_answer(socket, "/api/v1/backups/" + name, output);
        saved != 0 || output == "-") {
        return saved;
    }
    Json facts = made;
    facts.erase("file");
    facts.erase("copied");
    auto beside = OutputFile::open(output + ".json");
    auto told = beside ? beside->write(base::dump_json(facts) + "\n")
                       : base::Status(tl::unexpected<base::Error>(beside.error()));
    told = told ? beside->finish() : told;
    return told ? 0 : complain(told.error());
}

int back_up(const std::string& socket, const std::string& output) {
    auto made = say(socket, "POST", "/api/v1/backups");
    if (!made || output.empty()) {
        return show(made);
    }
    return save_backup(socket, *made, output);
}

std::string who_asks() {
    const uid_t uid = ::getuid();
    const passwd* user = ::getpwuid(uid);
    return user != nullptr ? fmt::format("uid {} ({})", uid, user->pw_name)
                           : fmt::format("uid {}", uid);
}

int put_back(const Arguments& arguments) {
    std::error_code ignored;
    if (!std::filesystem::is_directory(arguments.data, ignored)) {
        std::cerr << "lineside: there is no data folder " << arguments.data << "\n";
        return 2;
    }
    auto done = care::restore({arguments.backup, care::DataFolder(arguments.data),
                               arguments.units_since, who_asks(), base::SystemClock().wall_ms()});
    if (done && !done->value("batches_closed", Json::array()).empty()) {
        std::cerr << "lineside: of the time since the backup too little is known ("
                  << done->value("why", "")
                  << "): serials of the open batches may be on units, so these batches are closed. "
                     "Load new ones, never a file that may have been loaded since\n";
    }
    return show(done);
}

int append_key(const std::string& file) {
    std::error_code ignored;
    const bool is_new = !std::filesystem::exists(std::filesystem::symlink_status(file, ignored));
    auto done = is_new ? serial_pool::make_key_ring(file) : serial_pool::append_key(file);
    auto ring = done ? serial_pool::TokenVault::open(file, /*may_create=*/false)
                     : tl::unexpected<base::Error>(done.error());
    return show(ring ? base::Result<Json>(Json{{"key", ring->key_id()}})
                     : tl::unexpected<base::Error>(ring.error()));
}

}  // namespace

void add_care_commands(CLI::App& app, const std::string& socket, int& status) {
    auto arguments = std::make_shared<Arguments>();
    auto* backup = app.add_subcommand("backup", "make a backup of the running station now");
    backup->add_option("-o", arguments->output,
                       "fetch it into this file; FILE.json says what it is");
    backup->callback(
        [arguments, &socket, &status] { status = back_up(socket, arguments->output); });

    auto* restore = app.add_subcommand(
        "restore", "put a backup in the place of the records; the service must be stopped");
    restore->add_option("file", arguments->backup, "backup, or any sound copy of a database");
    restore->add_option("--data", arguments->data, "data folder")->capture_default_str();
    restore
        ->add_option(
            "--units-since", arguments->units_since,
            "at most so many units were begun since the backup: their serials are given up, "
            "and open batches stay open. Without it they are closed where the old records "
            "cannot be read")
        ->check(CLI::NonNegativeNumber);
    restore->callback([arguments, &status] { status = put_back(*arguments); });

    auto* key = app.get_subcommand("key");
    key->description("the station's keys");
    auto* rotate = key->add_subcommand("rotate", "seal with a new key from now on");
    rotate->callback(
        [&socket, &status] { status = show(say(socket, "POST", "/api/v1/keys/rotate")); });
    auto* keys = key->add_subcommand("status", "sealing keys on record, by id");
    keys->callback([&socket, &status] { status = show(say(socket, "GET", "/api/v1/keys")); });
    auto* append = key->add_subcommand(
        "append",
        "append a sealing key to a key file, e.g. the one a systemd credential comes from");
    append->add_option("file", arguments->key_file)->required();
    append->callback([arguments, &status] { status = append_key(arguments->key_file); });
}

}  // namespace lineside::app
