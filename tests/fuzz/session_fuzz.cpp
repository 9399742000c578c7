// SPDX-License-Identifier: Apache-2.0
// Prepared sessions as anybody might write them: accepted or complained about, every complaint is
// of the closed list and can be printed, and what the rules promise holds whatever was done.
#include "provisioning/session/session_file.h"

#include <algorithm>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace lineside::provisioning;
    const auto must = [](bool so) {
        if (!so) {
            std::abort();
        }
    };
    const session::Report report =
        session::check_session({reinterpret_cast<const char*>(data), size});
    must(report.accepted() == report.errors.empty());
    must(report.errors.size() <= report.errors_total);
    const auto codes = session::refusal_codes();
    for (const session::Complaint& each : report.errors) {
        must(std::find(codes.begin(), codes.end(), each.refusal.code) != codes.end());
        must(!each.refusal.what.empty() && !each.refusal.remedy.empty());
        must(!each.index || *each.index < std::max<std::size_t>(report.actions, 1) ||
             each.refusal.code == "session.form");
        must(each.place.line >= 0 && each.place.column >= 0);
    }
    must(!lineside::base::dump_json(session::to_json(report, "f")).empty());
    must(!session::to_text(report, "f").empty());
    std::size_t flashed = 0;
    for (const auto& [name, unit] : report.session.units()) {
        flashed += unit.flashed ? 1 : 0;
        must(std::count(unit.ran.begin(), unit.ran.end(), "set-nvme") <= 1);
        must(!unit.missing().empty() || (unit.flashed && !unit.serial.empty()));
        // One serial, one unit.
        for (const auto& [other, its] : report.session.units()) {
            must(other == name || unit.serial.empty() || its.serial != unit.serial);
        }
        must(unit.in_force.count("set-nvme") == 0 ||
             std::count(unit.ran.begin(), unit.ran.end(), "set-nvme") == 1);
    }
    must(flashed == 0 || report.session.builds() > 0);
    must(report.session.is_open() || report.session.in_force().empty());
    return 0;
}
