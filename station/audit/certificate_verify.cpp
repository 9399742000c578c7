// SPDX-License-Identifier: Apache-2.0
#include "station/audit/certificate_verify.h"

#include "station/base/files.h"
#include "station/trust/certificate.h"

#include <ostream>

namespace lineside::audit {
namespace {

using base::Json;

constexpr std::size_t kMaxFile = 4UL << 20U;

}  // namespace

int run_certificate_verify(const std::filesystem::path& file,
                           const std::vector<std::filesystem::path>& keys, std::ostream& out,
                           std::ostream& err) {
    trust::PublicKeys known;
    const auto complain = [&](const base::Error& error) {
        err << "lineside: " << error.message << "\n";
        return 2;
    };
    for (const auto& path : keys) {
        if (auto added = known.add_path(path); !added) {
            return complain(added.error());
        }
    }
    const auto text = base::read_file(file, kMaxFile);
    if (!text) {
        return complain(text.error());
    }
    const auto read = trust::read_certificate(*text, known);
    if (!read) {
        out << base::dump_json({{"ok", false},
                                {"field", read.error().field},
                                {"detail", trust::to_text(read.error())}})
            << "\n";
        return 1;
    }
    Json answer{{"ok", true}};
    for (const char* name : {"serial", "unit", "job", "station", "chip_id", "journal", "key"}) {
        answer[name] = read->object.at(name);
    }
    out << base::dump_json(answer) << "\n";
    return 0;
}

}  // namespace lineside::audit
