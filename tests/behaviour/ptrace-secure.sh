# SPDX-License-Identifier: GPL-2.0-or-later
# Secure mode with the ptrace tracer: opens with O_PATH beside reads of the process's memory map (they once waited for each
# other for ever), and a thread that executes a program while another one opens files.
# timeout: 120
# ptrace: no
. "$(dirname "$0")/../lib.sh"

cc -D_GNU_SOURCE -pthread -I"$UMVIEW_SRC/tests/conformance" -o beside "$UMVIEW_SRC/tests/conformance/beside.c" || fail "cc"
mkdir native view
(cd native && ../beside) >native.out || fail "natively: $(cat native.out)"
cd view || fail "no directory"
expect 0 umview --secure --tracer ptrace --cow "$TMPDIR/changes" -- ../beside
equal "what the program saw" "$out" "$(cat ../native.out)"
