// SPDX-License-Identifier: Apache-2.0
// The provision-ssh worker: one step of a recipe on a booted unit, over SSH.
#include "provisioning/step.h"
#include "workers/sdk/worker.h"

namespace provisioning = lineside::provisioning;

int main() {
    return lineside::worker::run({"provision-ssh", LINESIDE_VERSION, 60},
                                 [](lineside::worker::Station& station) {
                                     provisioning::Registry registry;
                                     provisioning::register_builtin_steps(registry);
                                     return provisioning::run_job(station, registry);
                                 });
}
