// SPDX-License-Identifier: Apache-2.0
// What the web server may ask about labels. JSON shapes are those of web/api/openapi.yaml.
// Thread: the io_context's, callbacks too.
#pragma once

#include "station/base/error.h"
#include "station/base/ids.h"
#include "station/base/json.h"
#include "station/base/secret.h"
#include "station/labels/template.h"

#include <cstdint>
#include <functional>
#include <string>

namespace lineside::engine {

class Labels {
  public:
    using Done = std::function<void(base::Result<base::Json>)>;
    virtual ~Labels() = default;

    // {"print","verify"}, or null without a printer.
    [[nodiscard]] virtual base::Json setup() const = 0;
    // What is printed of the job, in that language whatever the printer's is. Errors:
    // request.unknown, request.conflict (it did not pass, or its product gets no label),
    // label.content.
    virtual void preview(base::JobId job, labels::Language language,
                         std::function<void(base::Result<std::string>)> done) = 0;
    // Its first copy, or what there is of it: {"label","job","copy","state","doubt"}, as below.
    virtual void ask(base::JobId job, std::string actor, Done done) = 0;
    // What was scanned at the slot is its unit's label, or another's. Errors: label.wrong,
    // request.conflict (no label is to be scanned here), request.unknown.
    virtual void check(const std::string& slot, std::string code, std::string actor, Done done) = 0;
    // The tile clears without it, because a person says so.
    virtual void skip(const std::string& slot, std::string reason, std::string actor,
                      Done done) = 0;
    // Another copy. Errors: request.conflict (one waits), request.invalid (no reason).
    virtual void copy(base::JobId job, std::string reason, std::string actor, Done done) = 0;
    // A failed one waits anew. Errors: request.conflict (it may be printed, or did not fail).
    virtual void again(std::int64_t label, std::string actor, Done done) = 0;
    // A badge of `holder`: to the printer and nowhere else, in no message and no log either.
    // Errors: request.conflict (no printer), label.failed, http.busy.
    virtual void print_badge(const std::string& holder, const base::Secret& code,
                             std::function<void(base::Status)> done) = 0;
    // One that may be printed lies there.
    virtual void found(std::int64_t label, std::string actor, Done done) = 0;
};

}  // namespace lineside::engine
