// SPDX-License-Identifier: Apache-2.0
#include "station/app/audit_commands.h"

#include "station/app/commands.h"
#include "station/app/unix_http.h"
#include "station/audit/audit_verify.h"
#include "station/audit/certificate_verify.h"
#include "station/base/json.h"
#include "station/trust/signing_key.h"

#include <fmt/format.h>

#include <iostream>
#include <memory>

namespace lineside::app {
namespace {

using base::Json;

struct Arguments {
    audit::VerifyArguments verify;
    std::string certificate;
    std::string serial;
    std::int64_t job = 0;
    std::string output = "-";
    std::string key_file;
};

int complain(const base::Error& error) {
    std::cerr << "lineside: " << error.message << "\n";
    return error.code == "config.missing" ? 3 : 1;
}

// The newest job of a serial that passed.
base::Result<std::int64_t> passed_job(const std::string& socket, const std::string& serial) {
    const std::string name = encode(serial);
    auto answer = ask(socket, {"GET",
                               fmt::format("/api/v1/records?serial_from={}&serial_to={}&result=PASS"
                                           "&limit=1",
                                           name, name),
                               "", "", nullptr});
    auto page = answer ? base::parse_json(answer->body, 1 << 20)
                       : tl::unexpected<base::Error>(answer.error());
    if (!page) {
        return tl::unexpected<base::Error>(page.error());
    }
    const Json rows = page->value("rows", Json::array());
    if (rows.empty()) {
        return base::fail("request.unknown",
                          fmt::format("No unit with serial {} has passed", serial));
    }
    return base::field<std::int64_t>(rows.at(0), "job");
}

int get_certificate(const std::string& socket, const Arguments& arguments) {
    if ((arguments.job != 0) == !arguments.serial.empty()) {
        std::cerr << "lineside: certificate get: a serial or --job, one of them\n";
        return 2;
    }
    auto job = arguments.job != 0 ? base::Result<std::int64_t>(arguments.job)
                                  : passed_job(socket, arguments.serial);
    if (!job) {
        return complain(job.error());
    }
    return save_answer(socket, fmt::format("/api/v1/jobs/{}/certificate", *job), arguments.output);
}

int make_key(const std::string& file) {
    std::error_code ignored;
    if (std::filesystem::exists(std::filesystem::symlink_status(file, ignored))) {
        std::cerr << "lineside: " << file << " is there already; a key is never written over\n";
        return 1;
    }
    auto key = trust::SigningKey::open(file, true);
    if (!key) {
        return complain(key.error());
    }
    std::cout << base::dump_json({{"key", key->id()}, {"public_pem", key->public_pem()}}) << "\n";
    return 0;
}

}  // namespace

void add_audit_commands(CLI::App& app, const std::string& socket, int& status) {
    auto arguments = std::make_shared<Arguments>();
    auto* audit = app.add_subcommand("audit", "is the journal as the station wrote it?");
    audit->require_subcommand(1);
    auto* verify = audit->add_subcommand("verify", "check the chain of the journal");
    auto* db = verify->add_option("--db", arguments->verify.db, "database of a station");
    verify->add_option("--export", arguments->verify.export_file, "file of `audit export`")
        ->excludes(db);
    verify->add_option("--anchor", arguments->verify.anchors,
                       "anchors or certificates that were kept; repeatable");
    verify
        ->add_option("--key", arguments->verify.keys,
                     "public key (PEM), or a folder of them; repeatable")
        ->required();
    verify->callback([arguments, &status] {
        if (arguments->verify.db.empty() && arguments->verify.export_file.empty()) {
            arguments->verify.db = "/var/lib/lineside/station.db";
        }
        status = audit::run_audit_verify(arguments->verify, std::cout, std::cerr);
    });
    auto* exported = audit->add_subcommand("export", "the journal as JSON lines, signed");
    exported->add_option("-o", arguments->output, "file, - = stdout");
    exported->callback([arguments, &socket, &status] {
        status = save_answer(socket, "/api/v1/audit/journal", arguments->output);
    });

    auto* certificate = app.add_subcommand("certificate", "birth certificates");
    certificate->require_subcommand(1);
    auto* check = certificate->add_subcommand("verify", "did the station sign this?");
    check->add_option("file", arguments->certificate)->required();
    check->add_option("--key", arguments->verify.keys, "public key (PEM), or a folder of them")
        ->required();
    check->callback([arguments, &status] {
        status = audit::run_certificate_verify(arguments->certificate, arguments->verify.keys,
                                               std::cout, std::cerr);
    });
    auto* get = certificate->add_subcommand("get", "of a serial's newest PASS, or of a job");
    get->add_option("serial", arguments->serial);
    get->add_option("--job", arguments->job, "number of the job")->check(CLI::PositiveNumber);
    get->add_option("-o", arguments->output, "file, - = stdout");
    get->callback([arguments, &socket, &status] { status = get_certificate(socket, *arguments); });

    auto* key = app.add_subcommand("key", "the station's signing key");
    key->require_subcommand(1);
    auto* make = key->add_subcommand("make", "make a new one; a file that is there stays");
    make->add_option("file", arguments->key_file)->required();
    make->callback([arguments, &status] { status = make_key(arguments->key_file); });
}

}  // namespace lineside::app
