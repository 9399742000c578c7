// SPDX-License-Identifier: Apache-2.0
#include <stdexcept>

#include "redir.h"

namespace line {

std::unique_ptr<Bus> make_redir_bus(Bench& /*bench*/,
                                    std::function<void(int board, bool plugged)> /*cable*/) {
    throw std::runtime_error(
        "this build has no --bus redir: libusbredirparser-dev was not there when CMake ran");
}

}  // namespace line
