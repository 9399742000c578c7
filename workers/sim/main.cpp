// SPDX-License-Identifier: Apache-2.0
// The scripted fake worker: see README.md.
#include "workers/sdk/worker.h"
#include "workers/sim/script.h"

int main() {
    using namespace lineside;
    return worker::run({"sim", LINESIDE_VERSION, 60}, [](worker::Station& station) {
        return sim::play(station, worker::kChannelFd);
    });
}
