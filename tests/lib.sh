# SPDX-License-Identifier: GPL-2.0-or-later
#
# What behaviour tests share.  Sourced by them:  . "$(dirname "$0")/../lib.sh"
#
# tests/run sets UMVIEW_BUILD, UMVIEW_SRC and TMPDIR (a fresh directory, the working directory too); a test that is
# started by hand finds or makes them.  UMVIEW_FLAGS holds options that every umview of the test gets.
# UMVIEW_TEST_TRACER is "ptrace" where no seccomp listener is to be had.

set -u
: "${UMVIEW_SRC:=$(cd "$(dirname "$0")/../.." && pwd)}"
: "${UMVIEW_BUILD:=$UMVIEW_SRC/build}"
: "${UMVIEW_FLAGS:=}"
: "${UMVIEW_TEST_TRACER:=}"
: "${UMVIEW_SLOW:=1}"
if [ -z "${UMVIEW_TEST_MARK:-}" ]; then
	TMPDIR=$(mktemp -d /var/tmp/umview-test.XXXXXX)
	XDG_RUNTIME_DIR=$TMPDIR.run
	export TMPDIR XDG_RUNTIME_DIR
	mkdir -m 700 "$XDG_RUNTIME_DIR"
	cd "$TMPDIR" || exit 1
	trap 'chmod -R u+rwX "$TMPDIR"; rm -rf "$TMPDIR" "$XDG_RUNTIME_DIR"' EXIT
fi
UMVIEW=$UMVIEW_BUILD/umview
PATH=$UMVIEW_BUILD:$PATH:/usr/sbin:/sbin
export UMVIEW UMVIEW_BUILD UMVIEW_SRC UMVIEW_FLAGS UMVIEW_TEST_TRACER PATH

fail() {
	printf 'FAILED: %s\n' "$*" >&2
	exit 1
}

skip() {
	printf '%s\n' "$*"
	exit 77
}

[ -x "$UMVIEW" ] || fail "there is no $UMVIEW: build it first"

# umview ARG...: the built one
umview() {
	# shellcheck disable=SC2086
	case ${1:-} in
	--enter) "$UMVIEW" --norc "$@" ;; # the view has its options
	--list | --doctor) "$UMVIEW" "$@" ;;
	*) "$UMVIEW" --norc $UMVIEW_FLAGS "$@" ;;
	esac
}

# not_tried REASON: a part of the test is left out; tests/run shows it
not_tried() {
	printf 'not tried: %s\n' "$*"
}

# processes_of COMMAND-LINE: the processes with these words that work in the current directory
processes_of() {
	for _pid in $(pgrep -fx "$1"); do
		[ "$(readlink "/proc/$_pid/cwd")" != "$(pwd -P)" ] || printf '%s\n' "$_pid"
	done
}

# need_command CMD [PACKAGE]: skip without it
need_command() {
	command -v "$1" >/dev/null || skip "needs the command $1${2:+ (package $2)}"
}

# fresh_dir VARIABLE: a new empty directory of the test's own
fresh_dir() {
	eval "$1=\$(mktemp -d \"\$TMPDIR/$1.XXXXXX\")" || fail "no temporary directory"
}

# expect STATUS CMD...: run CMD; its output stays in $out (both streams), its exit status must be STATUS ("!0": any but 0)
expect() {
	_expected=$1
	shift
	out=$("$@" 2>&1 </dev/null)
	_status=$?
	printf '$ %s\n' "$*"
	[ -z "$out" ] || printf '%s\n' "$out"
	case $_expected in
	!0) [ $_status -ne 0 ] || fail "exit status 0, and a failure was expected: $*" ;;
	*) [ $_status -eq "$_expected" ] || fail "exit status $_status, not $_expected: $*" ;;
	esac
}

# expect_out TEXT: the last output has this text (a basic regular expression)
expect_out() {
	printf '%s\n' "$out" | grep -q -e "$1" || fail "no \"$1\" in the output: $out"
}

# equal WHAT GOT WANTED
equal() {
	[ "$2" = "$3" ] || fail "$1: got \"$2\", not \"$3\""
}

# host_snapshot FILE: the state of the host's tree where no test may leave a trace: every name with type, mode, owner,
# size and times, and the contents of dpkg's database
host_snapshot() {
	{
		find /usr /etc /bin /sbin /lib /lib64 /opt /srv /var/lib /var/cache -xdev \
			\( -path "$UMVIEW_SRC" -o -path "$UMVIEW_BUILD" \) -prune -o \
			-path /var/lib/apt/periodic -prune -o -path /var/lib/systemd -prune -o -name __pycache__ -prune -o \
			-printf '%p %y %m %U %G %s %T@ %C@ %l\n' 2>/dev/null | sort
		find /var/lib/dpkg -type f -readable -exec cksum {} + | sort -k 3
	} >"$1"
}

# host_untouched BEFORE
host_untouched() {
	host_snapshot "$1.now"
	cmp -s "$1" "$1.now" || {
		diff "$1" "$1.now" | head -n 20
		fail "the host's tree has changed"
	}
}

# apt_in_view DIR ARG...: apt-get in the copy-on-write view of DIR
apt_in_view() {
	_dir=$1
	shift
	umview --cow "$_dir" --su -- env DEBIAN_FRONTEND=noninteractive apt-get -y "$@"
}
