#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# <step>.sh before the flash: as the unit's own tool of that name. make-bsp links it under the names of the steps.
# shellcheck source=/dev/null
. "$(dirname "$0")/../rootfs/home/reeplayer/system-tools/$(basename "$0")"
