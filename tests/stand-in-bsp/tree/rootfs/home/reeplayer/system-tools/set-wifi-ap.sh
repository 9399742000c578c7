#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# set-wifi-ap.sh -a ADDRESS -s SSID -p PASSWORD: the access point the camera offers.
# shellcheck source=common.inc
. "$(dirname "$0")/common.inc"

address=10.0.0.1 ssid="" password=""
while getopts a:s:p: option; do
    case $option in
        a) address=$OPTARG ;;
        s) ssid=$OPTARG ;;
        p) password=$OPTARG ;;
        *) die "usage: set-wifi-ap.sh -a ADDRESS -s SSID -p PASSWORD" ;;
    esac
done
[ -n "$ssid" ] || die "no SSID given"
[ "${#password}" -ge 8 ] || die "the password must have at least 8 characters"
printf 'address=%s\nssid=%s\npassword=%s\n' "$address" "$ssid" "$password" | keep wifi-ap 600
echo "access point set"
