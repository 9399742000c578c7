// SPDX-License-Identifier: Apache-2.0
#include "web/server/admission.h"

#include "station/base/text.h"
#include "web/server/guard.h"
#include "web/server/problem.h"
#include "web/server/target.h"

#include <fmt/format.h>

namespace lineside::web {

Response sent_to_tls(const Request& request, const Door& door, std::string_view target) {
    Response response;
    if (!check_host(request, door) || !target.starts_with('/')) {
        response = problem_response(base::make_error("http.host"));
    } else {
        response.status = 308;
        response.headers.push_back(
            {"Location", fmt::format("https://{}{}", request.header("host"), target)});
    }
    response.close = true;
    return response;
}

base::Result<Admission> admit(Request& request, const Framed& framed, const Site& site,
                              const Door& door, std::string& allow) {
    const auto refused = [](std::string_view code, std::string_view why = "") {
        return base::fail(code, std::string(why));
    };
    if (framed.version != 10 && framed.version != 11) {
        return refused("http.version");
    }
    if (auto host = check_host(request, door); !host) {
        return tl::unexpected(host.error());
    }
    const std::string coding = base::to_lower_ascii(request.header("transfer-encoding"));
    if (!coding.empty() && coding != "chunked") {
        return refused("http.malformed", "Transfer-Encoding must be chunked");
    }
    auto target = parse_target(framed.target, site.limits.target_bytes);
    if (!target) {
        return tl::unexpected(target.error());
    }
    request.path = std::move(target->path);
    request.segments = std::move(target->segments);
    request.query = std::move(target->query);
    auto match = site.router.find(request, allow);
    // A foreign page learns nothing from us, not even which paths there are.
    if (auto intent = check_intent(request, door); !intent) {
        return tl::unexpected(intent.error());
    }
    // Who may not ask learns no more of the API than the router's own file tells everybody.
    if (site.gate) {
        const Role needed = match && match->route != nullptr ? match->route->role : Role::anyone;
        if (auto may = site.gate(request, needed); !may) {
            return tl::unexpected(may.error());
        }
    }
    if (!match) {
        return tl::unexpected(match.error());
    }
    Admission admission;
    admission.match = std::move(*match);
    const BodyKind kind =
        admission.match.route != nullptr ? admission.match.route->body : BodyKind::none;
    if (auto type = check_content_type(request, kind); !type) {
        return tl::unexpected(type.error());
    }
    admission.upload = kind == BodyKind::csv;
    admission.body_limit = admission.upload         ? site.limits.csv_bytes
                           : kind == BodyKind::json ? site.limits.json_bytes
                                                    : 0;
    if (framed.length.value_or(0) > admission.body_limit ||
        (kind == BodyKind::none && framed.chunked)) {
        return refused("http.too_large");
    }
    if (admission.upload && site.uploads >= site.limits.uploads) {
        return refused("http.busy", "Another file is being loaded");
    }
    return admission;
}

}  // namespace lineside::web
