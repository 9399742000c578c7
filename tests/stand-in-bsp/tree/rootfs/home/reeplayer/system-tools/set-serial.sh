#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# set-serial.sh -s SERIAL [-t TOKEN | -T -]: gives the unit its serial number, and its token (-T -: one line on stdin).
# shellcheck source=common.inc
. "$(dirname "$0")/common.inc"

serial="" token=""
while getopts s:t:T: option; do
    case $option in
        s) serial=$OPTARG ;;
        t) token=$OPTARG ;;
        T)
            [ "$OPTARG" = - ] || die "-T takes only -"
            IFS= read -r token || die "no token on stdin"
            ;;
        *) die "usage: set-serial.sh -s SERIAL [-t TOKEN | -T -]" ;;
    esac
done
[ -n "$serial" ] || die "no serial given"
if [ -e /run/line/other-serial ]; then
    serial="${serial%?}X"
fi
if [ -n "$token" ]; then
    printf '%s\n' "$token" | keep token 600
fi
printf '%s\n' "$serial" | keep serial 644
echo "serial number set"
