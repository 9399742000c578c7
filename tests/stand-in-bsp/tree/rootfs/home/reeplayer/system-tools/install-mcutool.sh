#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# install-mcutool.sh: the power MCU's tool; nothing to do when it is there.
# shellcheck source=common.inc
. "$(dirname "$0")/common.inc"

if [ -x /opt/mcutool/mcutool ]; then
    echo "mcutool is installed already"
    exit 0
fi
rm -rf /opt/mcutool.new
mkdir -p /opt/mcutool.new
printf '#!/bin/sh\necho "mcutool 1.4"\n' >/opt/mcutool.new/mcutool
chmod 755 /opt/mcutool.new/mcutool
sync /opt/mcutool.new/mcutool
mv /opt/mcutool.new /opt/mcutool
sync /opt
echo "mcutool installed"
