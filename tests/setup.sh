# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2086,SC2016
# What check, demo and the bench share: packages, the ordinary user, the build.  Sourced by bash; TOP is the checkout.

TEST_USER=${UMVIEW_TEST_USER:-umtest}

# What each step needs: a command, a file or pc:MODULE (pkg-config), and the Debian package that has it.
NEEDS_BUILD="gcc:gcc make:make autoreconf:autoconf automake:automake libtoolize:libtool pkg-config:pkg-config
	/usr/include/stdio.h:libc6-dev pc:libarchive:libarchive-dev pc:check:check pc:blkid:libblkid-dev"
NEEDS_TESTS="python3:python3 ps:procps busybox:busybox-static musl-gcc:musl-tools git:git rsync:rsync curl:curl
	setfacl:acl setfattr:attr strace:strace gdb:gdb script:bsdutils diff:diffutils xz:xz-utils
	cppcheck:cppcheck /usr/share/doc/ca-certificates:ca-certificates"
# FUSE servers, what they mount, and tools that make it
NEEDS_TESTS="$NEEDS_TESTS pc:fuse3:libfuse3-dev pc:fuse:libfuse-dev fuse2fs:fuse2fs fuseext2:fuseext2 fusefat:fusefat fuseiso:fuseiso
	fuse-zip:fuse-zip squashfuse:squashfuse archivemount:archivemount bindfs:bindfs unionfs:unionfs-fuse sshfs:sshfs
	encfs:encfs mke2fs:e2fsprogs mcopy:mtools mkfs.vfat:dosfstools xorriso:xorriso mksquashfs:squashfs-tools
	bsdtar:libarchive-tools zip:zip"
NEEDS_FULL="debootstrap:debootstrap node:nodejs valgrind:valgrind perf:linux-perf qemu-system-x86_64:qemu-system-x86 go:golang-go javac:default-jdk-headless
	sqlite3:sqlite3 tmux:tmux screen:screen mandb:man-db
	sftp:openssh-client sshd:openssh-server stress-ng:stress-ng dpkg-source:dpkg-dev /usr/include/sys/capability.h:libcap-dev /usr/include/popt.h:libpopt-dev"
python=$(PATH=/usr/bin:$PATH python3 -c 'import sys; print("python%d.%d" % sys.version_info[:2])' 2>/dev/null)
[ -z "$python" ] || NEEDS_FULL="$NEEDS_FULL /usr/lib/$python/test/test_os.py:lib$python-testsuite"
NEEDS_BENCH="gcc:gcc make:make python3:python3 proot:proot bwrap:bubblewrap fakeroot:fakeroot"

say() { printf '%s\n' "$*"; }
die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# Is a probe of the lists above answered?
have() {
	case $1 in
	pc:*) command -v pkg-config >/dev/null && pkg-config --exists "${1#pc:}" ;;
	/*) [ -e "$1" ] ;;
	*) command -v "$1" >/dev/null || [ -x "/usr/sbin/$1" ] || [ -x "/sbin/$1" ] ;;
	esac
}

# as_root CMD...: run it as root, directly or through sudo; fails if neither is possible
as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	else
		sudo -n "$@"
	fi
}
can_root() { [ "$(id -u)" = 0 ] || { command -v sudo >/dev/null && sudo -n true 2>/dev/null; }; }

# setup_packages NEED...: install what is missing
setup_packages() {
	local need missing=""
	for need in "$@"; do
		have "${need%:*}" || missing="$missing ${need##*:}"
	done
	missing=$(printf '%s\n' $missing | sort -u | tr '\n' ' ')
	[ -n "${missing// /}" ] || return 0
	if ! command -v apt-get >/dev/null; then
		die "missing, and there is no apt-get to install it (names of Debian packages): $missing"
	elif ! can_root; then
		die "missing; as root: apt-get install $missing"
	fi
	say "installing: $missing"
	local log
	log=$(mktemp)
	{ as_root apt-get update && as_root env DEBIAN_FRONTEND=noninteractive apt-get \
		-o DPkg::Lock::Timeout=120 install -y --no-install-recommends $missing; } </dev/null >"$log" 2>&1 ||
		{ tail -n 20 "$log" >&2; rm -f "$log"; die "apt-get could not install: $missing"; }
	rm -f "$log"
}

# The ordinary user that root drops to; made if missing.
setup_user() {
	[ "$(id -u)" = 0 ] || { TEST_USER=$(id -un); return 0; }
	id "$TEST_USER" >/dev/null 2>&1 || useradd -m -s /bin/bash "$TEST_USER" ||
		die "cannot make the ordinary user $TEST_USER"
}

# as_user CMD...: run it as the ordinary user, with that user's HOME and a plain environment; TMPDIR is passed on
as_user() {
	local home path=/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games
	home=$(getent passwd "$TEST_USER" | cut -d: -f6)
	set -- env -i HOME="$home" USER="$TEST_USER" LOGNAME="$TEST_USER" PATH="$path" LANG=C.UTF-8 SHELL=/bin/bash \
		TERM="${TERM:-dumb}" TMPDIR="${TMPDIR:-/tmp}" "$@"
	if [ "$(id -u)" = 0 ]; then
		setpriv --reuid="$TEST_USER" --regid="$(id -g "$TEST_USER")" --init-groups "$@"
	else
		"$@"
	fi
}

# The address of a file that the package mirror must have; empty if apt has no mirror.
mirror_file() {
	apt-get indextargets --format '$(REPO_URI)dists/$(RELEASE)/InRelease' 'Created-By: Packages' 2>/dev/null |
		head -n 1
}

# Does the package mirror answer?  apt's own helper asks, so that its proxies count.
have_mirror() {
	local uri dir ok=1
	uri=$(mirror_file)
	[ -n "$uri" ] && [ -x /usr/lib/apt/apt-helper ] || return 1
	dir=$(mktemp -d)
	(cd "$dir" && timeout 30 /usr/lib/apt/apt-helper -o Acquire::Retries=1 -o APT::Sandbox::User= \
		download-file "$uri" InRelease) >/dev/null 2>&1 && [ -s "$dir/InRelease" ] && ok=0
	rm -rf "$dir"
	return $ok
}

# setup_build DIR [CONFIGURE-OPTION...]: bring the build in TOP/DIR up to date
setup_build() {
	local build=$TOP/$1 log
	shift
	mkdir -p "$build"
	log=$build/build.log
	(
		# no set -e: it has no effect on the left of ||
		cd "$TOP" || exit
		if [ ! -x configure ] || [ configure.ac -nt configure ] || [ ! -f Makefile.in ]; then
			autoreconf -i || exit
		fi
		cd "$build" || exit
		[ -f config.status ] || ../configure "$@" || exit
		make -j"${JOBS:-$(nproc)}" && make -j"${JOBS:-$(nproc)}" check-programs
	) </dev/null >"$log" 2>&1 || { tail -n 30 "$log" >&2; die "the build failed; all of it is in $log"; }
	grep -E '(warning|Warning):' "$log" | head -n 20 || true
}

# A checkout that the ordinary user cannot reach (below /root, say) is copied to where it can; prints the place.
reachable_top() {
	local copy
	if [ "$(id -u)" != 0 ] || as_user test -r "$TOP/configure.ac" -a -x "$TOP/tests"; then
		printf '%s\n' "$TOP"
		return
	fi
	copy=$(mktemp -d /var/tmp/umview-checkout.XXXXXX) && chmod 755 "$copy" && cp -a "$TOP/." "$copy/" &&
		rm -rf "$copy/.git" "$copy"/build "$copy"/build-* && chmod -R go+rX "$copy" && printf '%s\n' "$copy"
}
