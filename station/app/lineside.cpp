// SPDX-License-Identifier: Apache-2.0
// The command line. `check`, `classify` and `doctor` work without a service; everything else asks
// the running one over its Unix socket, so that the database has one writer.
#include "provisioning/session/check_session.h"
#include "serial-pool/check_batch.h"
#include "station/app/audit_commands.h"
#include "station/app/care_commands.h"
#include "station/app/classify_command.h"
#include "station/app/commands.h"
#include "station/app/media_commands.h"
#include "station/app/replay_command.h"
#include "station/app/training_command.h"
#include "station/config/config.h"
#ifdef LINESIDE_HAVE_DOCTOR
#include "station/doctor/doctor.h"
#endif

#include <CLI/CLI.hpp>

#include <iostream>

int main(int argc, char** argv) {
    using namespace lineside;
    CLI::App app("Lineside: the factory station's command line");
    app.require_subcommand(1);
    app.set_version_flag("--version", LINESIDE_VERSION);
    std::string socket = "/run/lineside/station.sock";
    app.add_option("--socket", socket, "the station's Unix socket")->envname("LINESIDE_SOCKET");
    bool json = false;
    int status = 0;

    auto* show = app.add_subcommand("status", "what the station is doing");
    show->add_flag("--json", json, "everything, as JSON");
    show->callback([&] { status = app::show_status(socket, json); });

    auto* pool = app.add_subcommand("pool", "serials and tokens");
    pool->require_subcommand(1);
    auto* pool_status = pool->add_subcommand("status", "what is left");
    pool_status->add_flag("--json", json, "as JSON");
    pool_status->callback([&] { status = app::show_pool(socket, json); });
    app::PoolLoad load;
    auto* pool_load = pool->add_subcommand("load", "load a batch, all of it or nothing");
    pool_load->add_option("file", load.file, "CSV file")->required();
    pool_load->add_option("--pool", load.pool, "pool to load into")->required();
    pool_load->add_option("--batch", load.batch, "name of the batch");
    pool_load->add_flag("--test-only", load.test_only, "tokens may be missing");
    pool_load->add_flag("--preview", load.preview, "check only");
    pool_load->add_option("--order", load.order, "for this order alone");
    pool_load->add_option("--ap-ssid", load.ap_ssid,
                          "template of the units' access points: Cam-{serial:-4}");
    pool_load->callback([&] { status = app::load_pool(socket, load); });

    app::PoolGenerate range;
    auto* generate = pool->add_subcommand("generate", "count serials, draw tokens, load the batch");
    generate->add_option("--pool", range.into.pool, "pool to load into")->required();
    generate->add_option("--batch", range.into.batch, "name of the batch");
    generate->add_option("--order", range.into.order, "for this order alone");
    generate->add_flag("--test-only", range.into.test_only, "needs no tokens");
    generate->add_flag("--preview", range.into.preview, "show, store nothing");
    generate->add_option("--ap-ssid", range.into.ap_ssid, "template of the units' access points");
    generate->add_option("--prefix", range.prefix);
    generate->add_option("--from", range.from, "first counter")->required();
    generate->add_option("--count", range.count, "how many serials")->required();
    generate->add_option("--step", range.step);
    generate->add_option("--width", range.width, "digits of the counter, filled up with zeros");
    generate->add_option("--suffix", range.suffix);
    generate->add_option("--check", range.check,
                         "check characters at the end: luhn, luhn:ALPHABET, iso7064-11-2, "
                         "iso7064-97-10, iso7064-37,36 …");
    generate->add_flag("--check-counter-only", range.check_counter_only,
                       "they cover the counter, not prefix and suffix");
    generate->add_option("--tokens", range.token_length, "draw tokens of this length");
    generate->add_option("--token-alphabet", range.token_alphabet, "letters and digits by default");
    generate->callback([&] { status = app::generate_pool(socket, range); });

    std::string batch_name;
    std::string withdraw_reason;
    for (const auto& [what, words] :
         {std::pair("account", "where each serial of a batch went"),
          {"close", "give out nothing more of a batch, and where each serial went"},
          {"withdraw", "take back a batch no unit has anything of"}}) {
        auto* command = pool->add_subcommand(what, words);
        command->add_option("batch", batch_name)->required();
        command->add_flag("--json", json, "as JSON");
        if (std::string_view(what) == "withdraw") {
            command->add_option("--reason", withdraw_reason)->required();
        }
        command->callback([&, what = std::string(what)] {
            status = app::batch_account(socket, batch_name, what, withdraw_reason, json);
        });
    }
    std::string warn_pool;
    std::int64_t warn_at = 0;
    auto* warn = pool->add_subcommand("warn-at", "from how many serials on the station warns");
    warn->add_option("pool", warn_pool)->required();
    warn->add_option("serials", warn_at)->required();
    warn->callback([&] { status = app::warn_pool_at(socket, warn_pool, warn_at); });

    app::OrderOpen order;
    auto* orders = app.add_subcommand("order", "orders");
    orders->require_subcommand(1);
    auto* order_open = orders->add_subcommand("open", "open an order");
    order_open->add_option("--name", order.name)->required();
    order_open->add_option("--profile", order.profile)->required();
    order_open->add_option("--pool", order.pool, "left out where the profile gives no serials");
    order_open->add_option("--quantity", order.quantity)->required();
    order_open->add_flag("--close-others", order.close_others,
                         "close every open order of the same model");
    order_open->add_flag("--rotate-token", order.rotate_token,
                         "a reworked unit gets another token, where there is one");
    order_open->add_flag("--allow-no-chip", order.allow_no_chip,
                         "a unit without a chip id may pass");
    order_open->callback([&] { status = app::open_order(socket, order); });

    auto* slot = app.add_subcommand("slot", "press a tile's button");
    slot->require_subcommand(1);
    std::string label;
    for (const char* what : {"acknowledge", "retry", "stop"}) {
        auto* press = slot->add_subcommand(what, std::string(what) + " the unit of a slot");
        press->add_option("slot", label)->required();
        press->callback([&, what] { status = app::press_slot(socket, label, what); });
    }

    std::string reason;
    auto* rework =
        slot->add_subcommand("rework", "say why a unit that passed before is made again");
    rework->add_option("slot", label)->required();
    rework->add_option("--reason", reason)->required();
    rework->callback([&] { status = app::press_slot(socket, label, "rework", reason); });
    std::string serial;
    auto* doubt = pool->add_subcommand("doubt", "serials that may or may not be on a unit");
    doubt->add_flag("--json", json, "as JSON");
    doubt->callback([&] { status = app::show_doubt(socket, json); });
    auto* give_up = pool->add_subcommand("void", "give up a serial that is in doubt, for ever");
    give_up->add_option("serial", serial)->required();
    give_up->add_option("--reason", reason)->required();
    give_up->callback([&] { status = app::void_serial(socket, serial, reason); });

    // An empty variable of a script must not turn a filter into "everything", a comparison into
    // none.
    const CLI::Validator given(
        [](const std::string& text) { return text.empty() ? "it is empty" : ""; }, "TEXT");
    auto* admin = app.add_subcommand("admin", "who may do what");
    admin->require_subcommand(1);
    auto* link = admin->add_subcommand(
        "first-link", "print a link that makes one admin's account; good once, for 15 minutes");
    link->callback([&] { status = app::print_first_link(socket); });
    auto* cert = app.add_subcommand(
        "cert", "address and certificate of the page on the network, with SHA-256 fingerprints");
    cert->add_flag("--json", json, "as JSON");
    cert->callback([&] { status = app::print_certificate(socket, json); });

    app::Export wanted;
    auto* exported = app.add_subcommand("export", "records of finished attempts");
    exported->add_option("--format", wanted.format)->check(CLI::IsMember({"csv", "json", "zip"}));
    exported->add_option("--serial", wanted.serial, "A..B, both included")->check(given);
    exported
        ->add_option("--since", wanted.since,
                     "ended at or after: 2026-11-20, 2026-11-20T10:41Z or UTC milliseconds")
        ->check(given);
    exported->add_option("--until", wanted.until, "ended before; a date alone means its end")
        ->check(given);
    exported->add_option("--result", wanted.result)
        ->check(CLI::IsMember({"PASS", "FAIL", "ERROR", "ABORTED"}));
    exported->add_option("--order", wanted.order)->check(given);
    exported->add_option("--batch", wanted.batch)->check(given);
    exported->add_option("--image", wanted.image, "image id, or at least its first 6 digits")
        ->check(given);
    exported->add_option("--slot", wanted.slot)->check(given);
    exported
        ->add_option("--operator", wanted.operator_,
                     "who began the attempt; plug-in: nobody pressed anything")
        ->check(given);
    exported->add_option("--shift", wanted.shift, "by the station's clock, as in station.toml")
        ->check(given);
    exported->add_option("--day", wanted.day, "of the shift, or a whole one: 2026-11-28")
        ->check(given);
    exported->add_option("-o", wanted.output, "file, - = stdout")->check(given);
    exported->callback([&] { status = app::export_records(socket, wanted); });

    app::add_audit_commands(app, socket, status);
    app::add_care_commands(app, socket, status);
    app::add_classify_command(app, status);
    app::add_import_check_command(app, status);
    app::add_training_command(app, socket, status);
    app::add_write_command(app, status);
    app::add_setup_commands(app, status);
    app::add_setting_commands(app, status);
    app::add_shelf_commands(app, status);

    std::vector<std::string> recordings;
    auto* replay = app.add_subcommand(
        "replay", "what the station makes of a job's recordings; changes nothing");
    replay
        ->add_option("files", recordings, "NN-STEP.ATTEMPT.events.jsonl of one job, in their order")
        ->required();
    replay->add_flag("--json", json, "one object a line");
    replay->callback([&] { status = app::replay(recordings, json, std::cout, std::cerr); });

    auto* check =
        app.add_subcommand("check", "say whether a file would be accepted; changes nothing");
    check->require_subcommand(1);
    std::string file;
    auto* check_config = check->add_subcommand("config", "a station.toml");
    check_config->add_option("file", file)->required();
    check_config->add_flag("--json", json);
    check_config->callback([&] { status = config::run_check_config(file, json); });
    serial_pool::CheckBatchArguments batch;
    std::string against;
    auto* check_batch = check->add_subcommand("batch", "a batch of serials and tokens");
    check_batch->add_option("file", batch.file, "CSV file, - = stdin")->required();
    check_batch->add_flag("--test-only", batch.test_only);
    check_batch->add_option("--against", against, "database of a station")->check(given);
    std::string ap_ssid;
    check_batch
        ->add_option("--ap-ssid", ap_ssid, "template of the access points' names: Cam-{serial:-4}")
        ->check(given);
    check_batch->add_flag("--json", batch.json);
    check_batch->callback([&] {
        if (!against.empty()) {
            batch.against = against;
        }
        if (!ap_ssid.empty()) {
            auto parsed = serial_pool::SsidTemplate::parse(ap_ssid);
            if (!parsed) {
                std::cerr << "lineside check batch: " << parsed.error().message << "\n";
                status = 2;
                return;
            }
            batch.ap_ssid = std::move(*parsed);
        }
        status = serial_pool::run_check_batch(batch, std::cout, std::cerr);
    });
    auto* check_session = check->add_subcommand("session", "what is done in a prepared session");
    check_session->add_option("file", file, "JSON file, - = stdin")->required();
    check_session->add_flag("--json", json);
    check_session->callback([&] {
        status = provisioning::session::run_check_session(file, json, std::cout, std::cerr);
    });

    app::add_media_checks(*check, status);

#ifdef LINESIDE_HAVE_DOCTOR
    doctor::Options doctor;
    auto* host = app.add_subcommand("doctor", "what is wrong with this host");
    doctor::add_options(*host, doctor);
    host->callback([&] { status = doctor::run_doctor(doctor); });
#endif

    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    if (!std::cout.flush()) {  // a verdict nobody could read is none
        std::cerr << "lineside: standard output cannot be written\n";
        return 2;
    }
    return status;
}
