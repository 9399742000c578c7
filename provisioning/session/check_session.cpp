// SPDX-License-Identifier: Apache-2.0
#include "provisioning/session/check_session.h"

#include "provisioning/session/session_file.h"
#include "station/base/files.h"

#include <ostream>

namespace lineside::provisioning::session {

int run_check_session(const std::string& file, bool json, std::ostream& out, std::ostream& err) {
    // More than a session may have, so that a longer file is a rejected one and not an unreadable
    // one.
    const auto text = base::read_file(file == "-" ? "/dev/stdin" : file, 16 * kMaxFileBytes);
    Report report;
    if (text) {
        report = check_session(*text);
    } else {
        err << "lineside check session: " << text.error().message << '\n';
        report.errors_total = 1;
        report.errors.push_back(
            {{},
             {},
             {"session.file", "", text.error().message,
              text.error().hint.empty() ? "Check the path" : text.error().hint}});
    }
    if (json) {
        out << base::dump_json(to_json(report, file)) << '\n';
    } else if (text) {
        out << to_text(report, file);
    }
    return !text ? 2 : report.accepted() ? 0 : 1;
}

}  // namespace lineside::provisioning::session
