#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Stand-in for l4t_initrd_flash_internal.sh of R35/R36 with --flash-only, written anew from what the real one prints and does. The
# unit's flash system is not booted: what it would write is written through the stand-in's tools. Two runs of one
# instance take each other's addresses and disks, as with the real one: the second one ends both.
# Faults: no-boot, no-ssh, ssh, nfs, mount, qspi, emmc (what fails), silent (a QSPI erase that says nothing for long).

tree=$(cd "$(dirname "$0")/../.." && pwd)
here=$tree
instance= number=0
while [ $# -gt 0 ]; do
    case "$1" in
        --usb-instance) instance=$2; shift ;;
        --device-instance) number=$2; shift ;;
    esac
    shift
done
cd "$tree/bootloader" || exit 1
. "$tree/steps.sh"

step=1
banner() {
    local stars
    stars=$(printf '%*s' "$((${#1} + 16))" '' | tr ' ' '*')
    printf '%s\n*  Step %d: %s  *\n%s\n' "$stars" "$step" "$1" "$stars"
    step=$((step + 1))
}
finish() {
    echo "Cleaning up..."
    exit "$1"
}

# Its address is taken: whoever comes second breaks both.
taken=/run/lock/stand-in-initrd-instance-$number
exec 9>>"$taken"    # whoever was killed holds it no more
if ! flock -n 9; then
    kill "$(cat "$taken")"
    echo "RTNETLINK answers: File exists"
    echo "ln: failed to create symbolic link '/etc/udev/rules.d/99-l4t-host.rules': File exists" >&2
    finish 1
fi
echo $$ >"$taken"

[ "$fault" != nfs ] || { echo "NFS server is not running"; finish 114; }
banner "Build the flashing environment"
echo "Create flash environment $number"
echo "Finish creating flash environment $number."
banner "Boot the device with flash initrd image"
echo "Entering RCM boot"
if ! { boot_rom && ./tegrarcm_v2 --instance "$instance" --isapplet && send_bcts && echo "Sending blob" &&
    ./tegrarcm_v2 --instance "$instance" --download blob blob.bin &&
    ./tegrarcm_v2 --instance "$instance" --boot recovery; }; then
    echo "Error: Return value 3"
    echo "Command tegrarcm_v2 --instance $instance --chip 0x19 0 --rcm rcm_list_signed.xml"
    finish 1
fi
echo "RCM-boot started"
banner "Start the flashing process"
for ((count = 0; count < 60; count++)); do
    [ "$fault" = no-boot ] || ! ./tegradevflash_v2 --instance "$instance" --iscpubl >/dev/null || break
    echo "Waiting for target to boot-up..."
    nap 1
done
[ "$count" -lt 60 ] || { echo "Timeout"; finish 4; }
printf 'Waiting for device to expose ssh ...'
for ((count = 0; count < 60; count++)); do
    [ "$fault" = no-ssh ] || break
    printf '...'
    nap 1
done
[ "$count" -lt 60 ] || { echo "Timeout"; finish 5; }
echo "Run command: flash on fc00:1:1:$number::2"
[ "$fault" != ssh ] || { echo "SSH is not ready"; finish 102; }
echo "SSH ready"
[ "$fault" != mount ] || { echo "mount.nfs: Connection timed out"; echo "Flash failure"; finish 103; }
echo "[ 2]: l4t_flash_from_kernel: Starting to create gpt for emmc"
echo "[ 3]: l4t_flash_from_kernel: Starting to flash to qspi"
[ "$fault" != silent ] || sleep 1000
nap 3
echo "Writing mb1_t194_prod.bin (parittion: mb1) into /dev/mtd0"
echo "Copied 252387 bytes from mb1_t194_prod.bin to address 0x00000000 in flash"
[ "$fault" != qspi ] || { echo "Error flashing qspi"; echo "Flash failure"; finish 103; }
echo "[ 9]: l4t_flash_from_kernel: Successfully flash the qspi"
./tegradevflash_v2 --instance "$instance" --pt flash.xml.bin --create 2>&1 | tr '\r' '\n' | awk '
    /^Writing partition/ { n++; printf "writing item=%d, 1:3:%s, 0, 0, %s\n", n, $3, $5; if ($3 == "APP") { print "Formatting APP partition /dev/mmcblk0p1 ..."; print "tar: Read checkpoint 10000" } fflush() }'
if [ "${PIPESTATUS[0]}" != 0 ] || [ "$fault" = emmc ]; then
    echo "Error flashing emmc"
    echo "Flash failure"
    finish 103
fi
echo "[ 60]: l4t_flash_from_kernel: Successfully flash the emmc"
[ "$(./tegradevflash_v2 --instance "$instance" --standin-fault)" != lying-tool ] || finish 0
echo "[ 61]: l4t_flash_from_kernel: Flashing success"
echo "Flash is successful"
echo "Reboot device"
./tegradevflash_v2 --instance "$instance" --reboot coldboot >/dev/null || finish 104
finish 0
