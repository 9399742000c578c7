// SPDX-License-Identifier: Apache-2.0
// Is the medium what it says: a megabyte of random bytes there and back, marks over its whole size.
// And what an error number of it means.
// Errors: usb.left, unit.storage, media.capacity, media.source, operator.stopped.
// Thread: the writer's.
#pragma once

#include "workers/media/engine/medium.h"
#include "workers/media/engine/transfer.h"

#include <atomic>
#include <string_view>

namespace lineside::media {

// ECANCELED becomes operator.stopped; a medium that is not there any more is gone, whatever the
// error was.
[[nodiscard]] tl::unexpected<base::Error> io_error(Medium& medium, const IoFailure& failure,
                                                   std::string_view what);
// Writes the first megabyte with random bytes, reads it back past the cache, compares and
// zeroes it; what was there is lost.
[[nodiscard]] base::Status check_first_megabyte(Medium& medium, const std::atomic<bool>& stop);
// Writes one block of random bytes at the end, the middle, the quarter … of what the medium says it
// holds, reads all back, then puts the old blocks back. One that holds less loses or repeats them.
[[nodiscard]] base::Status probe_capacity(Medium& medium, const std::atomic<bool>& stop);

}  // namespace lineside::media
