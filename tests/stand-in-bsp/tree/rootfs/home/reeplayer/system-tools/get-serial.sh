#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# get-serial.sh [-t]: prints the unit's serial number; with -t also the SHA-256 of its token, never the token.
# shellcheck disable=SC2034  # read by common.inc
STEP=read-serial
# shellcheck source=common.inc
. "$(dirname "$0")/common.inc"

[ -s /etc/reeplayer/serial ] || die "this unit has no serial number"
cat /etc/reeplayer/serial
if [ "${1:-}" = -t ]; then
    [ -s /etc/reeplayer/token ] || die "this unit has no token"
    tr -d '\n' </etc/reeplayer/token | sha256sum | cut -d ' ' -f 1
fi
