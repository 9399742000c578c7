// SPDX-License-Identifier: Apache-2.0
// Much to write, cut so that nobody waits long: a slice is one transaction that writes rows until
// its time is over. Only one is queued at a time, so a lease that comes waits for one slice at
// most. Thread: one that may wait.   Durable: each slice when done.
#pragma once

#include "station/db/store.h"

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>

namespace lineside::serial_pool {

// Of one slice: statements take this long to begin with, the commit comes on top; later slices are
// as long as leaves room for the commit in 13 ms.
inline constexpr std::chrono::milliseconds kSliceTime{9};

// Calls `one` for row 0, 1, … until `count` rows are written or it fails. While the writer is busy,
// `prepare(upto)` is called on this thread: rows below `upto` will be asked for next.
// Returns the rows that are committed in `*done` also when it fails.
[[nodiscard]] base::Status write_slices(
    db::Store& store, std::size_t count, std::size_t* done,
    const std::function<base::Status(db::Tx&, std::size_t row)>& one,
    const std::function<base::Status(std::size_t upto)>& prepare);

}  // namespace lineside::serial_pool
