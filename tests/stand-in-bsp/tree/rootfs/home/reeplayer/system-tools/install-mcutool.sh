#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# install-mcutool.sh: the power MCU's tool; nothing to do when it is there.
# shellcheck source=common.inc
. "$(dirname "$0")/common.inc"

if [ -x "$ROOT/opt/mcutool/mcutool" ]; then
    echo "mcutool is installed already"
    exit 0
fi
rm -rf "$ROOT/opt/mcutool.new"
mkdir -p "$ROOT/opt/mcutool.new"
printf '#!/bin/sh\necho "mcutool 1.4"\n' >"$ROOT/opt/mcutool.new/mcutool"
chmod 755 "$ROOT/opt/mcutool.new/mcutool"
sync "$ROOT/opt/mcutool.new/mcutool"
mv "$ROOT/opt/mcutool.new" "$ROOT/opt/mcutool"
sync "$ROOT/opt"
echo "mcutool installed"
