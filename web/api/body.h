// SPDX-License-Identifier: Apache-2.0
// The members of a JSON body. Private to web/api. Thread: any (pure).
#pragma once

#include "station/base/json.h"
#include "web/server/http.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lineside::api {

// Reads the members of a body one by one; the first that is wrong is told, and one nobody asked
// for.
class Body {
  public:
    explicit Body(const web::Request& request) {
        auto parsed = base::parse_json(request.body, 64 * 1024);
        if (parsed && parsed->is_object()) {
            json_ = std::move(*parsed);
        } else {
            wrong_ = base::make_error("request.invalid", "The body must be a JSON object");
        }
    }
    // Of one object within a body; `what` stands before each complaint.
    Body(const base::Json& part, std::string what) : what_(std::move(what)) {
        if (part.is_object()) {
            json_ = part;
        } else {
            wrong_ = base::make_error("request.invalid", what_ + "each is an object");
        }
    }
    template <typename T>
    void need(std::string_view name, T& into) {
        take(name, base::field<T>(json_, name), into);
    }
    template <typename T>
    void may(std::string_view name, T& into) {
        take(name, base::field_or<T>(json_, name, into), into);
    }
    [[nodiscard]] std::optional<base::Error> wrong() const {
        for (const auto& [name, value] : json_.items()) {
            if (!wrong_ && std::find(known_.begin(), known_.end(), name) == known_.end()) {
                return base::make_error("request.invalid",
                                        fmt::format("{}Member {} is not known here", what_, name));
            }
        }
        return wrong_;
    }

  private:
    template <typename T>
    void take(std::string_view name, base::Result<T> read, T& into) {
        known_.emplace_back(name);
        if (read) {
            into = std::move(*read);
        } else if (!wrong_) {
            wrong_ = base::make_error("request.invalid", what_ + read.error().message);
        }
    }
    std::string what_;
    base::Json json_ = base::Json::object();
    std::vector<std::string> known_;
    std::optional<base::Error> wrong_;
};

}  // namespace lineside::api
