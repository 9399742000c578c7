// SPDX-License-Identifier: Apache-2.0
// Who may talk to us at all, decided before any route runs. A browser is the danger: any page a
// person has open can make it send requests to 127.0.0.1, and a rebound DNS name makes them
// same-origin. So Host must be our own, and a change of state needs our own Origin, a header no
// form can set, and a content type no form can send. Errors: http.host, http.origin, http.header,
// http.content_type.   Thread: any (pure).
#pragma once

#include "station/base/error.h"
#include "web/server/door.h"
#include "web/server/http.h"
#include "web/server/router.h"

#include <string_view>

namespace lineside::web {

// `reached`: our address that the sender came to. A door on loopback goes by loopback's names
// alone. One on the network goes by its own names and by the address that was reached: no name of
// somebody else's can be made to stand for an address that is written out.
[[nodiscard]] bool is_own_host(std::string_view host, const Door& door, std::string_view reached);
[[nodiscard]] bool is_own_origin(std::string_view origin, const Door& door,
                                 std::string_view reached);

// Before routing: Host of every request.
[[nodiscard]] base::Status check_host(const Request& request, const Door& door);
// Before the body is read: headers of a request that may change something, or of a foreign page's
// GET.
[[nodiscard]] base::Status check_intent(const Request& request, const Door& door);
[[nodiscard]] base::Status check_content_type(const Request& request, BodyKind kind);

}  // namespace lineside::web
