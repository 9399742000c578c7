// SPDX-License-Identifier: Apache-2.0
#include "station/audit/marks.h"

#include "station/base/files.h"
#include "station/base/text.h"
#include "station/trust/certificate.h"

namespace lineside::audit {

trust::Checked<Mark> read_mark(std::string_view line, const trust::PublicKeys& keys) {
    const auto object = base::parse_json(line, line.size());
    const bool certificate = object && object->is_object() &&
                             object->value("type", base::Json()) == trust::kCertificateType;
    if (certificate) {
        auto read = trust::read_certificate(line, keys);
        if (!read) {
            return tl::unexpected<trust::Fault>(read.error());
        }
        return Mark{read->anchor.seq, read->anchor.head,
                    fmt::format("certificate of job {}", read->object.at("job").dump())};
    }
    auto read = trust::read_anchor(line, keys);
    if (!read) {
        return tl::unexpected<trust::Fault>(read.error());
    }
    return Mark{read->seq, read->head, "anchor"};
}

base::Result<std::vector<Mark>> read_marks(const std::filesystem::path& file,
                                           const trust::PublicKeys& keys) {
    auto text = base::read_file(file, 256UL << 20U);
    if (!text) {
        return tl::unexpected<base::Error>(text.error());
    }
    std::vector<Mark> marks;
    int number = 0;
    for (const std::string_view line : base::split(*text, '\n')) {
        ++number;
        if (line.empty()) {
            continue;
        }
        auto mark = read_mark(line, keys);
        if (!mark) {
            return base::fail("config.invalid",
                              fmt::format("{}:{}: {}; it proves nothing", file.string(), number,
                                          trust::to_text(mark.error())));
        }
        mark->from = fmt::format("{} of {}", mark->from, file.filename().string());
        marks.push_back(std::move(*mark));
    }
    if (marks.empty()) {
        return base::fail("config.invalid", fmt::format("{} holds no anchor", file.string()));
    }
    return marks;
}

}  // namespace lineside::audit
