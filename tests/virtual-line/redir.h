// SPDX-License-Identifier: Apache-2.0
// Makes the bus of a QEMU guest, or says that this build has none (usbredir's library was not
// there). Errors: std::runtime_error.  Thread: main.
#pragma once

#include <functional>
#include <memory>

#include "bench.h"
#include "bus.h"

namespace line {

// `cable`: a board was plugged in (true) or pulled.
std::unique_ptr<Bus> make_redir_bus(Bench& bench,
                                    std::function<void(int board, bool plugged)> cable);

}  // namespace line
