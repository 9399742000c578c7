// SPDX-License-Identifier: Apache-2.0
#include "provisioning/steps/steps.h"

namespace lineside::provisioning {

void register_builtin_steps(Registry& registry) {
    registry.add("wait-unit", make_wait_unit);
    registry.add("prove-image", make_prove_image);
    registry.add("set-nvme", make_set_nvme);
    registry.add("set-serial", make_set_serial);
    registry.add("set-wifi-ap", make_set_wifi_ap);
    registry.add("set-wifi-station", make_set_wifi_station);
    registry.add("set-service", make_set_service);
    registry.add("install-mcutool", make_install_mcutool);
    registry.add("install-camera", make_install_camera);
    registry.add("reboot-and-wait", make_reboot_and_wait);
    registry.add("to-recovery", make_to_recovery);
    registry.add("http-check", make_http_check);
    registry.add("read-serial", make_read_serial);
}

}  // namespace lineside::provisioning
