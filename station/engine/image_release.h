// SPDX-License-Identifier: Apache-2.0
// May a unit start with this image now? One answer for the engine when it chooses an order, for the
// commit that opens a job, for the one that begins its work, and for who asks at the page.
// Errors: db.failed.   Thread: a db thread.
#pragma once

#include "station/base/ids.h"
#include "station/base/json.h"
#include "station/config/config.h"
#include "station/db/query.h"

#include <optional>
#include <string>
#include <string_view>

namespace lineside::engine {

// How an image is released, as a job's row keeps it.
struct ImageRelease {
    bool may_start = false;
    std::string how;                    // two, one, none, emergency; "" where nothing may start
    std::string by;                     // "ana, ben"; "" = nobody was asked
    std::optional<std::string> reason;  // of an emergency; of the withdrawal where it waits
    int missing = 0;                    // people who still have to release it
    bool withdrawn = false;             // and not released since
    std::string why;                    // sentence: why nothing may start; "" otherwise
};

// The first digits of a content key, as people read them.
[[nodiscard]] std::string short_key(std::string_view key);

[[nodiscard]] base::Result<ImageRelease> image_release(db::Tx& tx, config::ReleasePolicy policy,
                                                       base::ImageRow image);
// The same of the image of an order; nothing while the order has none.
[[nodiscard]] base::Result<std::optional<ImageRelease>> order_release(db::Tx& tx,
                                                                      config::ReleasePolicy policy,
                                                                      base::OrderId order);
// Refuses, saying why, where no unit may start under the order: it is not open, its image is not
// released. Errors: order.not_open, image.not_released.
[[nodiscard]] base::Result<ImageRelease> may_start(db::Tx& tx, config::ReleasePolicy policy,
                                                   base::OrderId order);
// … where work on a job may not begin, which its order allowed when it was opened.
// Errors: image.not_released.
[[nodiscard]] base::Status may_begin(db::Tx& tx, config::ReleasePolicy policy, base::JobId job);

}  // namespace lineside::engine
