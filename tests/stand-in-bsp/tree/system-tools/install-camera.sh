#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# install-camera.sh before the flash: copies the installer; installing a VERSION is not implemented here, as in the original.
# shellcheck source=common.inc
. "$(dirname "$0")/common.inc"

[ $# = 0 ] || die "a version cannot be installed before the flash"
mkdir -p "$ROOT/opt/camera-installer"
echo "installer of the camera software" >"$ROOT/opt/camera-installer/install"
echo "Camera software version is not given, skip the installation!"
