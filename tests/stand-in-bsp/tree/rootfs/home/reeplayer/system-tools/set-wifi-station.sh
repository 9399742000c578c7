#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# set-wifi-station.sh -s SSID -p PASSWORD: the network the camera joins; an empty password means an open one.
# shellcheck source=common.inc
. "$(dirname "$0")/common.inc"

ssid="" password=""
while getopts s:p: option; do
    case $option in
        s) ssid=$OPTARG ;;
        p) password=$OPTARG ;;
        *) die "usage: set-wifi-station.sh -s SSID -p PASSWORD" ;;
    esac
done
[ -n "$ssid" ] || die "no SSID given"
printf 'ssid=%s\npassword=%s\n' "$ssid" "$password" | keep wifi-station 600
echo "station network set"
