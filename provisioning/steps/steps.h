// SPDX-License-Identifier: Apache-2.0
// The built-in steps, one small file each; register_builtin_steps() names them.
// Thread: one.
#pragma once

#include "provisioning/step.h"

namespace lineside::provisioning {

[[nodiscard]] std::unique_ptr<Step> make_wait_unit();
[[nodiscard]] std::unique_ptr<Step> make_prove_image();
[[nodiscard]] std::unique_ptr<Step> make_set_nvme();
[[nodiscard]] std::unique_ptr<Step> make_set_serial();
[[nodiscard]] std::unique_ptr<Step> make_set_wifi_ap();
[[nodiscard]] std::unique_ptr<Step> make_set_wifi_station();
[[nodiscard]] std::unique_ptr<Step> make_set_service();
[[nodiscard]] std::unique_ptr<Step> make_install_mcutool();
[[nodiscard]] std::unique_ptr<Step> make_install_camera();
[[nodiscard]] std::unique_ptr<Step> make_reboot_and_wait();
[[nodiscard]] std::unique_ptr<Step> make_to_recovery();
[[nodiscard]] std::unique_ptr<Step> make_http_check();
[[nodiscard]] std::unique_ptr<Step> make_read_serial();

// The serial the unit says it has; "" when it says it has none. Errors: step.<name>, ssh.lost.
[[nodiscard]] base::Result<std::string> ask_serial(StepContext& context);

}  // namespace lineside::provisioning
