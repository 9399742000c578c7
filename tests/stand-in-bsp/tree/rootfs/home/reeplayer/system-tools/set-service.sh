#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# set-service.sh -d true|1 [-u URL]: which service the camera talks to.
# shellcheck source=common.inc
. "$(dirname "$0")/common.inc"

develop=0 url=https://api.dev.reeplayer.com
while getopts d:u: option; do
    case $option in
        d) develop=$OPTARG ;;
        u) url=$OPTARG ;;
        *) die "usage: set-service.sh -d true|1 [-u URL]" ;;
    esac
done
case $develop in true | 1) develop=1 ;; *) develop=0 ;; esac
printf 'develop=%s\nurl=%s\n' "$develop" "$url" | keep service 644
echo "service set"
