#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Stands before the stand-in's flash.sh in the tree tests/perf measures with: tells last what CPU time all of the tool took.
"${0%/*}/flash.stand-in.sh" "$@"
status=$?
echo "CPU of the tool:"
times
exit $status
