# SPDX-License-Identifier: GPL-2.0-or-later
# Where users have no user namespaces, sockets bound in an upper directory still have the program's names for those who
# ask for them, and an answer to a sender's address arrives; only accept and what receives see host paths.
. "$(dirname "$0")/../lib.sh"
need_command cc

mkdir native i c # short names: a host path must fit into an address
cc -D_GNU_SOURCE -o names "$UMVIEW_SRC/tests/conformance/unix-paths.c" || fail "the program cannot be built"
(cd native && "$TMPDIR/names" >../native.out) || fail "natively: exit status $?"
# shellcheck disable=SC2016
(cd i && umview --without user_ns --cow ../c -- "$TMPDIR/names" >../view.out) ||
	fail "in the view: exit status $?"
received='/accept: \|/recvfrom: \|/recvmsg: \|/recvmmsg.s-.*-address: \|/recv.s-address: '
grep -v "$received" native.out >native.rest
grep -v "$received" view.out >view.rest
cmp native.rest view.rest || fail "$(diff native.rest view.rest)"
grep -q "accept: 0 family 1 length .*\"$TMPDIR/c/" view.out || fail "no host path in: $(grep accept view.out)"
[ -z "$(ls -A i)" ] || fail "on the host there is now: $(ls -A i)"
