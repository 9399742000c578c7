// SPDX-License-Identifier: Apache-2.0
// `lineside audit verify [--db FILE | --export FILE] [--anchor FILE]… --key PUB…`: is the journal
// as the station wrote it? One line of JSON:
//   {"ok":true,"events":N,"last_seq":N,"head":"hex64","anchors":N,"last_anchor_seq":N|null}
//   {"ok":false,"first_bad_seq":N|null,"why":"altered|removed|inserted|truncated","detail":"…"}
// A database is read without a trace, whether its station runs or not.
// Thread: the command's.
#pragma once

#include <filesystem>
#include <iosfwd>
#include <string>
#include <vector>

namespace lineside::audit {

struct VerifyArguments {
    std::filesystem::path db;                    // one of the two
    std::filesystem::path export_file;           // what `lineside audit export` wrote
    std::vector<std::filesystem::path> anchors;  // anchors, certificates, or lines of both
    std::vector<std::filesystem::path> keys;     // PEM files, or folders of *.pub
};

// Exit codes: 0 as it was written, 1 not so, 2 usage, or something that cannot be read.
[[nodiscard]] int run_audit_verify(const VerifyArguments& arguments, std::ostream& out,
                                   std::ostream& err);

}  // namespace lineside::audit
