// SPDX-License-Identifier: Apache-2.0
#include "station/app/commands.h"

#include "station/app/output_file.h"
#include "station/app/unix_http.h"
#include "station/base/clock.h"
#include "station/base/files.h"
#include "station/base/json.h"
#include "station/records/record_filter.h"
#include "station/trust/signed_json.h"

#include <fmt/format.h>

#include <iostream>
#include <map>

namespace lineside::app {
namespace {

using base::Json;

int complain(const base::Error& error) {
    std::cerr << "lineside: " << error.message << "\n";
    if (!error.hint.empty()) {
        std::cerr << "  " << error.hint << "\n";
    }
    return error.code == "config.missing" ? 3 : 1;
}

base::Result<Json> get_json(const std::string& socket, const std::string& target) {
    auto answer = ask(socket, {"GET", target, "", "", nullptr});
    if (!answer) {
        return tl::unexpected<base::Error>(answer.error());
    }
    return base::parse_json(answer->body, 64 * 1024 * 1024);
}

std::string text_of(const Json& object, const char* key) {
    const auto found = object.find(key);
    if (found == object.end() || found->is_null()) {
        return "";
    }
    return found->is_string() ? found->get<std::string>() : found->dump();
}

// The signed head of the journal beside the records, for `lineside audit verify --anchor`.
base::Status keep_anchor(const std::string& name, const std::string& base64) {
    const auto anchor = trust::from_strict_base64(base64);
    if (!anchor) {
        return base::fail("request.refused", "the station gave no readable anchor");
    }
    auto file = OutputFile::open(name);
    if (!file) {
        return tl::unexpected<base::Error>(file.error());
    }
    auto written = file->write(*anchor);
    return written ? file->finish() : written;
}

void print_complaints(const Json& list) {
    for (const Json& c : list) {
        std::cerr << fmt::format("{}:{}:{}: {} {}\n", text_of(c, "file"), text_of(c, "line"),
                                 text_of(c, "column"), text_of(c, "field"), text_of(c, "message"));
    }
}

// One line each: what is known, and what may be done about it.
void print_doubts(const Json& doubts) {
    for (const Json& doubt : doubts) {
        std::cout << fmt::format("in doubt {}: {}; {}; {}\n", text_of(doubt, "serial"),
                                 text_of(doubt, "certain"), text_of(doubt, "next_step"),
                                 text_of(doubt, "otherwise"));
    }
}

// What a load came to, for people; exit status.
int tell_load(base::Result<HttpAnswer> answer) {
    if (!answer) {
        return complain(answer.error());
    }
    auto said = base::parse_json(answer->body, 64 * 1024 * 1024);
    if (!said) {
        return complain(said.error());
    }
    const Json& check = said->contains("check") ? (*said)["check"] : *said;
    if (check.contains("errors") && text_of(check, "verdict") == "reject") {
        print_complaints(check["errors"]);
        std::cerr << "lineside: nothing was loaded\n";
        return 1;
    }
    std::cout << base::dump_json(*said) << "\n";
    return 0;
}

}  // namespace

int show_status(const std::string& socket, bool json) {
    auto status = get_json(socket, "/api/v1/status");
    if (!status) {
        return complain(status.error());
    }
    if (json) {
        std::cout << base::dump_json(*status) << "\n";
        return 0;
    }
    const Json& station = (*status)["station"];
    std::cout << fmt::format("{}: {} {}\n", text_of(station, "name"), text_of(station, "word"),
                             text_of(station, "reason"));
    for (const Json& order : (*status)["orders"]) {
        std::cout << fmt::format("order {}: {} of {} made, {}\n", text_of(order, "name"),
                                 text_of(order, "made"), text_of(order, "quantity"),
                                 text_of(order, "model"));
    }
    for (const Json& slot : (*status)["slots"]) {
        std::cout << fmt::format("  {:>8}  {:<16} {:<6} {:<16} {}\n", text_of(slot, "slot"),
                                 text_of(slot, "word"), text_of(slot, "display_code"),
                                 text_of(slot, "serial"), text_of(slot, "reason"));
    }
    return 0;
}

int load_pool(const std::string& socket, const PoolLoad& load) {
    auto csv = base::read_file(load.file, 256UL << 20U);
    if (!csv) {
        std::cerr << "lineside: " << csv.error().message << "\n";
        return 2;
    }
    std::string target = load.preview ? "/api/v1/pool/preview" : "/api/v1/pool/batches";
    target += fmt::format("?pool={}&test_only={}&file={}", encode(load.pool),
                          load.test_only ? 1 : 0, encode(load.file));
    for (const auto& [name, value] : {std::pair("&batch=", &load.batch),
                                      {"&order=", &load.order},
                                      {"&ap_ssid=", &load.ap_ssid}}) {
        target += value->empty() ? "" : name + encode(*value);
    }
    return tell_load(ask(socket, {"POST", target, "text/csv", std::move(*csv), nullptr}));
}

int generate_pool(const std::string& socket, const PoolGenerate& wanted) {
    Json body{{"pool", wanted.into.pool},
              {"test_only", wanted.into.test_only},
              {"preview", wanted.into.preview},
              {"prefix", wanted.prefix},
              {"from", wanted.from},
              {"count", wanted.count},
              {"step", wanted.step},
              {"width", wanted.width},
              {"suffix", wanted.suffix},
              {"check", wanted.check},
              {"check_counter_only", wanted.check_counter_only},
              {"token_length", wanted.token_length},
              {"token_alphabet", wanted.token_alphabet},
              {"batch", wanted.into.batch},
              {"order", wanted.into.order},
              {"ap_ssid", wanted.into.ap_ssid}};
    return tell_load(ask(socket, {"POST", "/api/v1/pool/generate", "application/json",
                                  base::dump_json(body), nullptr}));
}

int batch_account(const std::string& socket, const std::string& batch, const std::string& what,
                  const std::string& reason, bool json) {
    const std::string target = fmt::format("/api/v1/pool/batches/{}/{}", encode(batch), what);
    Json body = Json::object();
    if (what == "withdraw") {
        body["reason"] = reason;
    }
    auto answer =
        what == "account"
            ? ask(socket, {"GET", target, "", "", nullptr})
            : ask(socket, {"POST", target, "application/json", base::dump_json(body), nullptr});
    if (!answer) {
        return complain(answer.error());
    }
    auto account = base::parse_json(answer->body, 1024 * 1024);
    if (!account) {
        return complain(account.error());
    }
    if (json) {
        std::cout << base::dump_json(*account) << "\n";
        return 0;
    }
    std::cout << fmt::format("batch {}: {}\n", text_of(*account, "batch"),
                             text_of(*account, "state"));
    std::cout << fmt::format("  loaded {} = passed {} + scrapped {} + in doubt {} + left {}",
                             text_of(*account, "loaded"), text_of(*account, "passed"),
                             text_of(*account, "scrapped"), text_of(*account, "in_doubt"),
                             text_of(*account, "left"));
    const bool at_work = text_of(*account, "at_work") != "0";
    std::cout << (at_work ? fmt::format(" + at work {}\n", text_of(*account, "at_work")) : "\n");
    return 0;
}

int warn_pool_at(const std::string& socket, const std::string& pool, std::int64_t warn_at) {
    auto answer = ask(socket, {"POST", "/api/v1/pool/warn", "application/json",
                               base::dump_json({{"pool", pool}, {"warn_at", warn_at}}), nullptr});
    if (!answer) {
        return complain(answer.error());
    }
    std::cout << answer->body << "\n";
    return 0;
}

int show_pool(const std::string& socket, bool json) {
    auto page = get_json(socket, "/api/v1/pool");
    if (!page) {
        return complain(page.error());
    }
    if (json) {
        std::cout << base::dump_json(*page) << "\n";
        return 0;
    }
    for (const Json& pool : (*page)["pools"]) {
        std::cout << fmt::format("pool {}: {} left of {}, {} on units, {} in doubt\n",
                                 text_of(pool, "name"), text_of(pool, "free"),
                                 text_of(pool, "total"), text_of(pool, "burned"),
                                 text_of(pool, "in_doubt"));
    }
    print_doubts((*page)["in_doubt"]);
    return 0;
}

int show_doubt(const std::string& socket, bool json) {
    auto page = get_json(socket, "/api/v1/pool");
    if (!page) {
        return complain(page.error());
    }
    if (json) {
        std::cout << base::dump_json({{"in_doubt", (*page)["in_doubt"]}}) << "\n";
        return 0;
    }
    print_doubts((*page)["in_doubt"]);
    return 0;
}

int void_serial(const std::string& socket, const std::string& serial, const std::string& reason) {
    auto answer = ask(socket, {"POST", fmt::format("/api/v1/serials/{}/void", encode(serial)),
                               "application/json", base::dump_json({{"reason", reason}}), nullptr});
    if (!answer) {
        return complain(answer.error());
    }
    std::cout << answer->body << "\n";
    return 0;
}

int print_first_link(const std::string& socket) {
    auto answer = ask(socket, {"POST", "/api/v1/first-link", "application/json", "{}", nullptr});
    auto link =
        answer ? base::parse_json(answer->body, 4096) : tl::unexpected<base::Error>(answer.error());
    if (!link) {
        return complain(link.error());
    }
    std::cerr << "Open this in a browser on this host. It works once, for "
              << link->value("minutes", 0) << " minutes, and makes an admin's account.\n";
    std::cout << link->value("url", "") << "\n";
    return 0;
}

int print_certificate(const std::string& socket, bool json) {
    auto page = get_json(socket, "/api/v1/web-certificate");
    if (!page) {
        return complain(page.error());
    }
    const bool listening = page->value("listening", false);
    if (json) {
        std::cout << base::dump_json(*page) << "\n";
        return listening ? 0 : 1;
    }
    if (listening) {
        std::cout << fmt::format(
            "Page          {}\nMade by       {}\nCertificate   {}\nIts key       "
            "{}\nGood until    {}\n",
            page->value("url", ""), page->value("generated", false) ? "this station" : "the site",
            page->value("sha256", ""), page->value("key_sha256", ""),
            base::iso_utc(page->value("not_after_ms", std::int64_t{0})));
        for (const Json& name : (*page)["names"]) {
            std::cout << "For           " << name.get<std::string>() << "\n";
        }
    }
    if (!(*page)["problem"].is_null()) {
        std::cerr << "lineside: " << (*page)["problem"].get<std::string>() << "\n";
    }
    return listening ? 0 : 1;
}

int open_order(const std::string& socket, const OrderOpen& order) {
    const Json body{{"name", order.name},
                    {"profile", order.profile},
                    {"pool", order.pool},
                    {"quantity", order.quantity},
                    {"close_others", order.close_others},
                    {"rotate_token", order.rotate_token},
                    {"allow_no_chip", order.allow_no_chip}};
    auto answer =
        ask(socket, {"POST", "/api/v1/orders", "application/json", base::dump_json(body), nullptr});
    if (!answer) {
        return complain(answer.error());
    }
    std::cout << answer->body << "\n";
    return 0;
}

int press_slot(const std::string& socket, const std::string& slot, const std::string& what,
               const std::string& reason) {
    auto wall = get_json(socket, "/api/v1/wall");
    if (!wall) {
        return complain(wall.error());
    }
    // The job that is seen now goes with the press, so that it never hits another unit.
    Json job = nullptr;
    for (const Json& tile : (*wall)["tiles"]) {
        if (text_of(tile, "slot") == slot) {
            job = tile.value("job", Json());
        }
    }
    if (!job.is_number()) {
        std::cerr << "lineside: slot " << slot << " shows no job\n";
        return 1;
    }
    Json body{{"job", job}};
    if (!reason.empty()) {
        body["reason"] = reason;
    }
    auto answer = ask(socket, {"POST", fmt::format("/api/v1/slots/{}/{}", encode(slot), what),
                               "application/json", base::dump_json(body), nullptr});
    if (!answer) {
        return complain(answer.error());
    }
    std::cout << answer->body << "\n";
    return 0;
}

int export_records(const std::string& socket, const Export& wanted) {
    // What the station would refuse is refused here, before a file is begun.
    std::map<std::string, std::string> filters{
        {"since", wanted.since}, {"until", wanted.until},       {"result", wanted.result},
        {"batch", wanted.batch}, {"image", wanted.image},       {"slot", wanted.slot},
        {"order", wanted.order}, {"operator", wanted.operator_}};
    auto filter = records::parse_filter(filters);
    if (filter && !wanted.serial.empty()) {
        if (auto range = records::parse_serial_range(wanted.serial, *filter); !range) {
            filter = tl::unexpected<base::Error>(range.error());
        }
    }
    if (filter && filter->since_ms && filter->until_ms && *filter->since_ms >= *filter->until_ms) {
        filter = base::fail("request.invalid", "since: must lie before until");
    }
    if (!filter) {
        std::cerr << "lineside: " << filter.error().message << "\n";
        return 2;
    }
    filters["serial_from"] = filter->serial_from.value_or("");
    filters["serial_to"] = filter->serial_to.value_or("");
    filters["shift"] = wanted.shift;  // which there are the station knows
    filters["day"] = wanted.day;
    std::string target = "/api/v1/records/export?format=" + encode(wanted.format);
    for (const auto& [name, value] : filters) {
        if (!value.empty()) {
            target += fmt::format("&{}={}", name, encode(value));
        }
    }
    auto output = OutputFile::open(wanted.output);
    if (!output) {
        std::cerr << "lineside: " << output.error().message << "\n";
        return 2;
    }
    base::Status written;
    auto answer = ask(socket, {"GET", target, "", "", [&](std::string_view piece) {
                                   written = output->write(piece);
                                   return written.has_value();
                               }});
    if (answer && written) {
        written = output->finish();
    }
    if (written && answer && wanted.output != "-" && !answer->anchor.empty()) {
        written = keep_anchor(wanted.output + ".anchor.json", answer->anchor);
    }
    if (!written || !answer) {
        return complain(!written ? written.error() : answer.error());
    }
    return 0;
}

int save_answer(const std::string& socket, const std::string& target, const std::string& output) {
    auto file = OutputFile::open(output);
    if (!file) {
        std::cerr << "lineside: " << file.error().message << "\n";
        return 2;
    }
    base::Status written;
    auto answer = ask(socket, {"GET", target, "", "", [&](std::string_view piece) {
                                   written = file->write(piece);
                                   return written.has_value();
                               }});
    if (answer && written) {
        written = file->finish();
    }
    if (!answer || !written) {
        return complain(!written ? written.error() : answer.error());
    }
    return 0;
}

}  // namespace lineside::app
