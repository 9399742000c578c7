// SPDX-License-Identifier: Apache-2.0
// The table of routes: verb, pattern, who may, what body it takes, which parameters it knows. A
// pattern is segments joined by '/', where "{job}", "{unit}", "{account}" and "{screen}" stand for
// a row number, "{batch}",
// "{backup}" and "{serial}" for a name and "{slot}" for a slot's label; anything else in braces is
// refused when the table is made (std::logic_error). Thread: any after construction (constant).
#pragma once

#include "station/base/error.h"
#include "station/people/role.h"
#include "web/server/http.h"

#include <string>
#include <string_view>
#include <vector>

namespace lineside::web {

using people::Role;  // who may call a route

enum class BodyKind { none, json, csv };

struct Route {
    Verb verb = Verb::get;  // a GET route answers HEAD too
    std::string pattern;
    Role role = Role::anyone;
    BodyKind body = BodyKind::none;
    std::string parameters;  // names of the query parameters it knows, joined by blanks
    Handler handler;
};

class Router {
  public:
    Router() = default;
    // `fallback` answers GET of every path outside the table that is no API path.
    Router(std::vector<Route> routes, Handler fallback);

    struct Match {
        const Route* route = nullptr;
        Handler fallback;  // set when no route but the fallback is meant
    };
    // Finds the route and fills request.params. Errors: http.not_found, http.method (then `allow`
    // holds the value of the header Allow), http.parameter.
    [[nodiscard]] base::Result<Match> find(Request& request, std::string& allow) const;
    [[nodiscard]] const std::vector<Route>& routes() const { return routes_; }

  private:
    std::vector<Route> routes_;
    std::vector<std::vector<std::string>> patterns_;  // segments of each route
    Handler fallback_;
};

[[nodiscard]] bool is_api_path(std::string_view path);
// [A-Za-z0-9][A-Za-z0-9._:-]{0,63}
[[nodiscard]] bool is_slot_label(std::string_view text);

}  // namespace lineside::web
