// SPDX-License-Identifier: Apache-2.0
// A prepared session written down: {"test_only":false,"actions":[{"do":"open"}, …]}. Every action
// is tried by the session's rules in its order; a refused one changes nothing, and what follows
// from it is not told as wrong once more. The format is in README.md.   Thread: any (pure).
#pragma once

#include "provisioning/session/located_json.h"
#include "provisioning/session/session.h"

namespace lineside::provisioning::session {

constexpr std::size_t kMaxFileBytes = 1024 * 1024;
constexpr std::size_t kMaxActions = 10'000;
constexpr std::size_t kMostListed = 200;  // of errors and of warnings; all are counted

struct Complaint {
    std::optional<std::size_t> index;  // of the action; none: the file
    Place place;
    Refusal refusal;
};

struct Report {
    std::vector<Complaint> errors;
    std::vector<Complaint> warnings;
    std::size_t errors_total = 0;
    std::size_t warnings_total = 0;
    std::size_t actions = 0;
    Session session{Settings()};  // as the accepted actions left it

    [[nodiscard]] bool accepted() const { return errors_total == 0; }
};

[[nodiscard]] Report check_session(std::string_view text);

[[nodiscard]] base::Json to_json(const Report& report, const std::string& file);
[[nodiscard]] std::string to_text(const Report& report, const std::string& file);

}  // namespace lineside::provisioning::session
