# SPDX-License-Identifier: Apache-2.0
# Sourced by deploy/run and deploy/test: finds Debian's own python3, installing it where it is missing. Sets $python.
python=/usr/bin/python3
if [ ! -x "$python" ]; then
    for argument in "$@"; do
        if [ "$argument" = --no-install ]; then
            missing=$(sed -n 's/^\([a-z0-9][^ #]*\)  *\(build\|run\).*/\1/p' "$here/packages.txt" | while read -r name; do
                dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null | grep -qx installed || printf ' %s' "$name"
            done)
            echo "missing Debian packages:$missing" >&2
            exit 3
        fi
    done
    sudo=
    if [ "$(id -u)" != 0 ]; then
        sudo=sudo
        command -v sudo >/dev/null || { echo "python3 is missing; run this as root, or install sudo" >&2; exit 3; }
    fi
    echo "installing Debian package: python3" >&2
    apt="$sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0"
    { $apt update && $apt install -y --no-install-recommends python3; } >/dev/null ||
        { echo "python3 could not be installed" >&2; exit 3; }
fi
