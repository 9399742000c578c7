# SPDX-License-Identifier: Apache-2.0
# Sourced by deploy/run and deploy/test: finds Debian's own python3, installing it where it is missing. Sets $python.
python=/usr/bin/python3
if [ ! -x "$python" ]; then
    for argument in "$@"; do
        if [ "$argument" = --no-install ]; then
            echo "missing Debian packages: python3 (and perhaps more of deploy/packages.txt)" >&2
            exit 3
        fi
    done
    sudo=
    if [ "$(id -u)" != 0 ]; then
        sudo=sudo
        command -v sudo >/dev/null || { echo "python3 is missing; run this as root, or install sudo" >&2; exit 3; }
    fi
    echo "installing Debian package: python3" >&2
    { $sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq update &&
      $sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends python3; } >&2 ||
        { echo "python3 could not be installed" >&2; exit 3; }
fi
