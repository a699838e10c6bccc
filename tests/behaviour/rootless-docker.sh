# SPDX-License-Identifier: GPL-2.0-or-later
# In a container as Docker makes it by default: uid 0 without capabilities, and Docker's seccomp profile, whose refusals
# outrank what a view's own filter says.
# as: root
. "$(dirname "$0")/../lib.sh"
need_command cc gcc

cat >indocker.c <<'END'
/* indocker CMD...: run CMD with no capabilities, no new privileges, and a filter that refuses what the default profile
 * of moby (profiles/seccomp/default.json) does not allow to a process without capabilities. */
#include <errno.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static const int refused[] = {
	SYS_acct, SYS_add_key, SYS_bpf, SYS_chroot, SYS_clock_settime, SYS_create_module, SYS_delete_module, SYS_fanotify_init,
	SYS_finit_module, SYS_fsconfig, SYS_fsmount, SYS_fsopen, SYS_fspick, SYS_get_kernel_syms, SYS_get_mempolicy,
	SYS_init_module, SYS_io_uring_enter, SYS_io_uring_register, SYS_io_uring_setup, SYS_ioperm, SYS_iopl, SYS_kcmp,
	SYS_kexec_file_load, SYS_kexec_load, SYS_keyctl, SYS_lookup_dcookie, SYS_mbind, SYS_migrate_pages, SYS_mount,
	SYS_mount_setattr, SYS_move_mount, SYS_move_pages, SYS_nfsservctl, SYS_open_by_handle_at, SYS_open_tree,
	SYS_perf_event_open, SYS_pidfd_getfd, SYS_pivot_root, SYS_process_madvise, SYS_query_module, SYS_quotactl,
	SYS_quotactl_fd, SYS_reboot, SYS_request_key, SYS_set_mempolicy, SYS_setdomainname, SYS_sethostname, SYS_setns,
	SYS_settimeofday, SYS_swapoff, SYS_swapon, SYS_sysfs, SYS__sysctl, SYS_syslog, SYS_umount2, SYS_unshare,
	SYS_uselib, SYS_userfaultfd, SYS_ustat, SYS_vhangup, SYS_vmsplice,
};
enum { NREFUSED = sizeof(refused) / sizeof(refused[0]), NEWEST = 462 };

int main(int argc, char **argv)
{
	static struct sock_filter f[2 * NREFUSED + 32];
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];
	struct sock_fprog p = { 0, f };
	unsigned n = 0;
	unsigned ns = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;

	for (int cap = 0; prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0; cap++)
		;
	memset(data, 0, sizeof(data));
	if (argc < 2 || syscall(SYS_capset, &head, data) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return 99;
#define S(code, k) f[n++] = (struct sock_filter)BPF_STMT(code, k)
#define J(test, k, yes, no) f[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | test | BPF_K, k, yes, no)
	S(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	/* what the profile's makers cannot have known, for programs to fall back */
	J(BPF_JGT, NEWEST, 0, 1);
	S(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS);
	J(BPF_JEQ, SYS_clone3, 0, 1);
	S(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS);
	for (unsigned i = 0; i < NREFUSED; i++) {
		J(BPF_JEQ, (unsigned)refused[i], 0, 1);
		S(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
	}
	J(BPF_JEQ, SYS_clone, 0, 3);
	S(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0]));
	J(BPF_JSET, ns, 0, 1);
	S(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
	S(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	p.len = n;
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &p) < 0) {
		perror("indocker: filter");
		return 98;
	}
	execvp(argv[1], argv + 1);
	perror(argv[1]);
	return 97;
}
END
cc -D_GNU_SOURCE -o indocker indocker.c || fail "cc"
./indocker true || skip "no such filter to be had here"
./indocker chroot / true 2>/dev/null && fail "the filter lets chroot through"

fresh_dir D
mkdir -p pkg/DEBIAN pkg/usr/bin
printf 'Package: umview-docker\nVersion: 1\nArchitecture: all\nMaintainer: nobody <nobody@localhost>\nDescription: x\n' \
	>pkg/DEBIAN/control
printf '#!/bin/sh\necho works\n' >pkg/usr/bin/umview-docker
printf '#!/bin/sh\nchown daemon:games /usr/bin/umview-docker\n' >pkg/DEBIAN/postinst
chmod 755 pkg/usr/bin/umview-docker pkg/DEBIAN/postinst
dpkg-deb --root-owner-group -b pkg new.deb >/dev/null || fail "dpkg-deb"
run() { ./indocker "$UMVIEW" --norc "$@"; }

expect 3 run -- sh -c 'exit 3'
expect 0 run --cow "$D" --su -- dpkg -i new.deb
expect 0 run --cow "$D" -- umview-docker
expect_out '^works$'
expect 0 run --cow "$D" --su -- stat -c %U:%G /usr/bin/umview-docker
expect_out '^daemon:games$'
expect 0 run --cow "$D" --su -- su -s /bin/sh daemon -c 'id -u'
expect_out '^1$'
[ ! -e /usr/bin/umview-docker ] || fail "it is on the host"
# the commands of a view
expect 0 run -- sh -c 'um_add_service viewfs && um_ls_service'
expect_out viewfs
mkdir -p cage/bin other
cp "$(command -v busybox)" cage/bin/busybox
echo other >other/file
expect 0 run -- sh -c "um_add_service viewfs && mount -t viewfs -o move $TMPDIR/other /mnt && cat /mnt/file && umount /mnt"
expect_out '^other$'
# chroot(2) itself never comes to the view here: an outer filter's refusal outranks ours (doc/DIFFERENCES).
expect 125 run -- chroot cage /bin/busybox ls /
expect 0 run --mount "viewfs,move,permanent:$TMPDIR/cage:/" -- /bin/busybox ls /
expect_out '^bin$'
