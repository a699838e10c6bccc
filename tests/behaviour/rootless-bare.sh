# SPDX-License-Identifier: GPL-2.0-or-later
# A view needs no user namespace and no special device: with none to be had the same things work.
# as: root
. "$(dirname "$0")/../lib.sh"

# by a mount namespace of this test's own, so that the host keeps what it has
[ "${1:-}" = inside ] || exec unshare -m sh "$0" inside
user=$(id -un "${UMVIEW_TEST_USER:-umtest}") || skip "there is no ordinary user here"
bare=/dev
mkdir empty && mount -t tmpfs none empty || skip "no tmpfs to be had"
for node in null zero full random urandom tty ptmx; do cp -a /dev/$node empty/ 2>/dev/null; done
ln -s /proc/self/fd empty/fd
mount --move empty $bare 2>/dev/null || mount --bind empty $bare || skip "no other /dev to be had"
for gone in fuse kvm net/tun; do [ ! -e $bare/$gone ] || fail "/dev/$gone is there"; done
cp -a "$(command -v busybox)" busybox 2>/dev/null
mkdir work
chown "$user:" . work
cat >nons.c <<'END'
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
/* unshare(2) and clone(2) with namespace flags: ENOSPC, as with max_user_namespaces at 0 */
int main(int argc, char **argv)
{
	struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_unshare, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_NEWUSER, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSPC),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog p = { sizeof(f) / sizeof(f[0]), f };
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &p) < 0)
		return 98;
	execvp(argv[1], argv + 1);
	return 97;
}
END
cc -D_GNU_SOURCE -o nons nons.c || fail "cc"
as() { setpriv --reuid="$user" --regid="$user" --init-groups ./nons "$@"; }
as unshare -Ur true 2>/dev/null && fail "a user namespace could be had"
expect 0 as "$UMVIEW" --norc --cow work/D --su -- sh -ec 'echo x >/etc/new; chown 5:6 /etc/new; stat -c %u:%g /etc/new;
	su -s /bin/sh daemon -c "id -u"'
expect_out '^5:6$'
expect_out '^1$'
expect 0 as "$UMVIEW" --norc --cow work/D -- cat /etc/new
expect_out '^x$'
[ ! -e /etc/new ] || fail "it is on the host"
