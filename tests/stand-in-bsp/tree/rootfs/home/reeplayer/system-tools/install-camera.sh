#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# install-camera.sh VERSION: installs that version of the camera software; the same version again changes nothing.
# shellcheck source=common.inc
. "$(dirname "$0")/common.inc"

[ -n "${1:-}" ] || die "Camera software version is not given"
case $1 in *[!0-9A-Za-z._-]*) die "not a version: $1" ;; esac
if [ "$(cat /opt/camera/version 2>/dev/null)" = "$1" ]; then
    echo "camera software $1 is installed already"
    exit 0
fi
rm -rf /opt/camera.new
mkdir -p /opt/camera.new
echo "$1" >/opt/camera.new/version
sync /opt/camera.new/version
rm -rf /opt/camera
mv /opt/camera.new /opt/camera
sync /opt
echo "camera software $1 installed, reboot to start it"
