# SPDX-License-Identifier: Apache-2.0
# What the stand-in packages share; sourced. A unit is spoken with by the stand-in's tools alone.
# A file `stand-in-fault` beside the script holds one word: what is to go wrong in this run.

SPEED=${STAND_IN_SPEED:-60}
fault=$(cat "$here/stand-in-fault" 2>/dev/null || true)

nap() { # seconds at speed 1
    sleep "$(awk -v s="$1" -v v="$SPEED" 'BEGIN { printf "%.3f", (v > 0) ? s / v : s }')"
}

boot_rom() { # prints BR_CID: no --skipuid here
    ./tegrarcm_v2 --instance "$instance" --chip 0x19 0 --rcm rcm_list_signed.xml || return
    # A module that the package was not made for dies here: to the tools that is a time-out of USB.
    if [ "$(./tegradevflash_v2 --instance "$instance" --standin-fault)" = wrong-model ]; then
        nap 5
        echo "ERROR: might be timeout in USB write."
        echo "Error: Return value 3"
        echo "Command tegrarcm_v2 --instance $instance --chip 0x19 0 --rcm rcm_list_signed.xml"
        return 3
    fi
}

send_bcts() {
    ./tegrarcm_v2 --instance "$instance" --download bct_bootrom br_bct_BR.bct &&
        ./tegrarcm_v2 --instance "$instance" --download bct_mb1 mb1_cold_boot_bct_MB1.bct &&
        ./tegrarcm_v2 --instance "$instance" --download bct_mem mem_rcm.bct
}

wait_cpubl() { # rounds
    local round
    for ((round = 0; round < $1; round++)); do
        ./tegradevflash_v2 --instance "$instance" --iscpubl && return 0
        nap 1
    done
    return 1
}
