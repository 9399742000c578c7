// SPDX-License-Identifier: Apache-2.0
// The worker of method jetson-usb: see README.md.
#include "workers/jetson-usb/flash.h"
#include "workers/sdk/worker.h"

int main() {
    // The tool's own silence is bounded by the job's limits; this is how long the worker may hang.
    return lineside::worker::run({"jetson-usb", LINESIDE_VERSION, 60, "before_write"},
                                 lineside::jetson_usb::flash);
}
