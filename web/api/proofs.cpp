// SPDX-License-Identifier: Apache-2.0
#include "web/api/proofs.h"

#include <fmt/format.h>

namespace lineside::api {
namespace {

using base::Json;

struct Row {
    bool ok = false;
    std::string expected, heard, detail;
    std::int64_t at = 0;
};

Json proof(std::string_view kind, std::string_view title) {
    return {
        {"kind", kind}, {"title", title}, {"ok", nullptr}, {"sentence", nullptr}, {"at", nullptr}};
}

// `detail` may be a sentence or the worker's JSON; only a sentence is for people.
bool is_sentence(const std::string& detail) {
    return !detail.empty() && detail.front() != '{' && detail.front() != '[';
}

}  // namespace

base::Result<Json> proofs_of(db::Tx& tx, std::int64_t job) {
    Json image = proof("image", "Image read back");
    Json serial = proof("serial", "Serial read back");
    Json saved = proof("saved", "Record committed");
    auto rows = tx.all<std::string, bool, std::string, std::string, std::optional<std::string>,
                       std::int64_t>(
        "SELECT kind, ok, expected, heard, detail, at_ms FROM proof WHERE job_id = ?1 ORDER BY id",
        job);
    auto about = tx.one<std::optional<std::int64_t>, std::optional<std::int64_t>,
                        std::optional<std::int64_t>>(
        "SELECT j.ended_ms, i.partitions, i.files FROM job j LEFT JOIN image i ON i.key = "
        "j.image_key WHERE j.id = ?1",
        job);
    if (!rows || !about) {
        return tl::unexpected(!rows ? rows.error() : about.error());
    }
    for (const auto& [kind, ok, expected, heard, detail, at] :
         *rows) {  // the newest of each kind stays
        Json& one = kind == "image" ? image : serial;
        one["ok"] = ok;
        one["at"] = at;
        if (detail && is_sentence(*detail)) {
            one["sentence"] = *detail;
        } else if (kind == "serial") {
            one["sentence"] = ok ? fmt::format("Unit reports {}, as leased", heard)
                                 : fmt::format("Unit reports {}, leased is {}",
                                               heard.empty() ? "none" : heard, expected);
        } else if (!ok) {
            one["sentence"] = "What is on the unit is not the image";
        } else if (*about && std::get<1>(**about) && std::get<2>(**about)) {
            one["sentence"] = fmt::format("{} partitions and {} files equal the image's",
                                          *std::get<1>(**about), *std::get<2>(**about));
        } else {
            one["sentence"] = "Equal to the image";
        }
    }
    if (*about && std::get<0>(**about)) {
        saved["ok"] = true;
        saved["at"] = *std::get<0>(**about);
        saved["sentence"] = "Verdict and proofs are in the station's records";
    }
    return Json::array({std::move(image), std::move(serial), std::move(saved)});
}

}  // namespace lineside::api
