// SPDX-License-Identifier: Apache-2.0
#include "serial-pool/check_batch.h"

#include "serial-pool/batch_load.h"
#include "station/base/files.h"
#include "station/db/connection.h"

#include <ostream>

namespace lineside::serial_pool {
namespace {

using base::Result;

constexpr int kAccept = 0;
constexpr int kReject = 1;
constexpr int kUsage = 2;

Result<BatchReport> check(const CheckBatchArguments& arguments, const std::string& bytes) {
    const BatchOptions options{arguments.test_only, BatchOptions().most_complaints,
                               arguments.ap_ssid};
    if (!arguments.against) {
        return check_batch(bytes, options);
    }
    std::optional<TokenVault> vault;
    if (arguments.key) {
        auto opened = TokenVault::open(*arguments.key, /*may_create=*/false);
        if (!opened) {
            return tl::unexpected<base::Error>(opened.error());
        }
        vault.emplace(std::move(*opened));
    }
    auto connection = db::open_for_reading_only(*arguments.against);
    if (!connection) {
        return tl::unexpected<base::Error>(connection.error());
    }
    db::Tx tx(connection->get());
    return check_against_pool(tx, vault ? &*vault : nullptr, bytes, options);
}

int refuse(const CheckBatchArguments& arguments, const base::Error& error, std::ostream& out,
           std::ostream& err) {
    err << "lineside check batch: " << error.message << '\n';
    if (!error.hint.empty()) {
        err << error.hint << '\n';
    }
    if (arguments.json) {
        BatchReport report;
        report.complain({1, 1, "", error.message});
        out << base::dump_json(to_json(report, arguments.file)) << '\n';
    }
    return kUsage;
}

}  // namespace

int run_check_batch(const CheckBatchArguments& arguments, std::ostream& out, std::ostream& err) {
    // More than a batch may have, so that a longer file is a rejected one and not an unreadable
    // one.
    auto bytes =
        base::read_file(arguments.file == "-" ? "/dev/stdin" : arguments.file, 4 * kMaxBatchBytes);
    if (!bytes) {
        return refuse(arguments, bytes.error(), out, err);
    }
    auto report = check(arguments, *bytes);
    if (!report) {
        return refuse(arguments, report.error(), out, err);
    }
    if (arguments.json) {
        out << base::dump_json(to_json(*report, arguments.file)) << '\n';
    } else {
        out << to_text(*report, arguments.file);
    }
    return report->accepted() ? kAccept : kReject;
}

}  // namespace lineside::serial_pool
