// SPDX-License-Identifier: Apache-2.0
// What a manager decides about orders and images, as one transaction each with its journal row.
// Thread: a db thread.   Durable: when the transaction commits.
#pragma once

#include "station/engine/facade.h"
#include "station/engine/image_release.h"
#include "station/journal/journal.h"

#include <string>

namespace lineside::engine {

// Errors: request.invalid, beginning with the field that is wrong.
[[nodiscard]] base::Status check_opening(const OrderOpening& opening, bool profile_known);

// Closes every order of the model that is not closed, for the sake of the one that is opened.
[[nodiscard]] base::Status close_others(db::Tx& tx, const journal::Stamp& stamp,
                                        const OrderOpening& opening, const std::string& model,
                                        const std::string& actor);

struct OrderChanged {
    base::OrderId id;
    std::string state;
    base::Json answer;  // {"id","name","state"}, closed: with "account"
};
// Errors: request.unknown, request.conflict (it is so already, or closed), request.invalid (no
// reason).
[[nodiscard]] base::Result<OrderChanged> commit_order_change(db::Tx& tx,
                                                             const journal::Stamp& stamp,
                                                             const OrderChange& change,
                                                             const std::string& actor);
// Where the units of an order went: {"quantity","units","passed","failed","in_work"}. Each unit
// counts once: passed if it ever passed under the order, else as its newest job ended. Errors:
// db.failed.
[[nodiscard]] base::Result<base::Json> order_account(db::Tx& tx, base::OrderId order);

struct ImageSaid {
    std::string key;
    ImageRelease release;
    base::Json answer;
};
// Errors: request.unknown, request.conflict (this person released it already; nothing is released),
// request.invalid (no reason).
[[nodiscard]] base::Result<ImageSaid> commit_image_saying(db::Tx& tx, const journal::Stamp& stamp,
                                                          config::ReleasePolicy policy,
                                                          const ImageSaying& saying,
                                                          const std::string& actor);

// {"may_start","how","by","reason","missing","withdrawn","why"}
[[nodiscard]] base::Json to_json(const ImageRelease& release);

}  // namespace lineside::engine
