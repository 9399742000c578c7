#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# set-nvme.sh: formats the NVMe SSD and mounts it at /mnt/data from now on. Once after each flash: a second call refuses
# with exit status 3 and leaves the data alone.
# shellcheck source=common.inc
. "$(dirname "$0")/common.inc"

device=/dev/nvme0n1
if grep -q '[[:space:]]/mnt/data[[:space:]]' /etc/fstab; then
    echo "set-nvme: /mnt/data is set up already, not formatting again" >&2
    exit 3
fi
[ -b "$device" ] || die "no NVMe SSD found"
mkfs.ext4 -q -F -L data -E nodiscard,lazy_itable_init=0,lazy_journal_init=0 "$device" </dev/null || die "cannot format $device"
mkdir -p /mnt/data
mount -o noatime "$device" /mnt/data || die "cannot mount $device"
chown 1000:1000 /mnt/data
cp /etc/fstab /etc/.fstab.new
echo "$device /mnt/data ext4 defaults,noatime,nofail 0 2" >>/etc/.fstab.new
sync /etc/.fstab.new
mv /etc/.fstab.new /etc/fstab
sync /etc
echo "NVMe SSD formatted, mounted at /mnt/data"
