#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Stand-in for the nvaflash.sh of an R32 mass-flash package, written anew from what the real one prints and does: one
# unit at a bus and port, each step in a banner, the GPT made from the storage of the first unit and kept for all that follow.
# Faults: slow-bootloader (the one try after the fixed time comes too early), gpt (the parser fails), hang.

cd "$(dirname "$0")" || exit 1
here=$PWD
instance=$1
[ -n "$instance" ] || { echo "Usage: nvaflash.sh <bus-port>"; exit 1; }
. ./steps.sh

step() { # banner, ignore the result (0 or 1), command
    local banner=$1 ignore=$2
    shift 2
    printf '\n*** %s\n%s\n' "$banner" "$here/$*"
    if ! "$@" && [ "$ignore" = 0 ]; then
        echo "*** Error: $banner failed." >&2
        exit 1
    fi
    echo "*** $banner succeeded."
}
rcm() { ./tegrarcm_v2 --instance "$instance" "$@"; }
device() { ./tegradevflash_v2 --instance "$instance" "$@"; }
check_bootloader() {
    if [ "$fault" = slow-bootloader ]; then
        printf 'No device on specified bus-port[%s]\nCannot Open USB\n' "$instance"
        return 8
    fi
    device --iscpubl
}
make_gpt() {
    [ "$fault" != gpt ] || { echo "Error: End sector for APP, expected at: 30777343, actual: 30535679"; return 1; }
    cp .gpt/* .
}

step "Boot Rom communication" 0 boot_rom
nap 2
step "Checking applet" 0 rcm --isapplet
step "Sending BCTs" 0 send_bcts
step "Sending bootloader and pre-requisite binaries" 0 rcm --download blob blob.bin
step "Booting Recovery" 0 rcm --boot recovery
step "Checking applet" 1 rcm --isapplet
[ "$fault" != hang ] || sleep 1000
nap 12
step "Checking CPU bootloader" 0 check_bootloader
exec 9>aflash.lock
flock 9
if [ "$(ls -1 mbr_* gpt_* 2>/dev/null | wc -l)" != 4 ]; then
    step "Retrieving storage infomation" 0 device --oem platformdetails storage storage_info.bin
    step "Generating GPT" 0 make_gpt
fi
flock -u 9
step "Flashing the device" 0 device --pt flash.xml.bin --create
step "Writing the BR BCT" 0 device --write BCT br_bct_BR.bct
step "Writing coldboot MB1 BCT" 0 device --write MB1_BCT mb1_cold_boot_bct_MB1.bct
step "Writing coldboot MB1_B BCT" 0 device --write MB1_BCT_b mb1_cold_boot_bct_MB1.bct
step "Writing the MEM BCT" 0 device --write MEM_BCT mem_coldboot.bct
step "Writing the MEM BCT B" 0 device --write MEM_BCT_b mem_coldboot.bct
[ "$(device --standin-fault)" != lying-tool ] || exit 0
if [ "$POWEROFF" -eq 1 ]; then # unset: bash complains, as with the real one
    step "Poweroff the device" 0 device --reboot coldboot
else
    step "Rebooting the device" 0 device --reboot coldboot
fi
exit 0
