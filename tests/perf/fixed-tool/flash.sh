#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Stands before the stand-in's flash.sh in the tree tests/perf measures with: ends when its time is over, and tells last what CPU
# time all of the tool took. Sixteen stand-ins that end at once share the cores of one host, which sixteen boards do not: what they do
# after the last write has the last twentieth of the time.
"${0%/*}/flash.stand-in.sh" "$@"
status=$?
case " $* " in
    *" --no-flash "*) ;;
    *) [ $status -ne 0 ] || "${0%/*}/bootloader/hold" 1 --quiet ;;
esac
echo "CPU of the tool:"
times
exit $status
