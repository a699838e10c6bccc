# SPDX-License-Identifier: GPL-2.0-or-later
# Wrong arguments: each gets the right words and a failure, or the right errno, and the view stays alive.
. "$(dirname "$0")/../lib.sh"

fresh_dir D

# refused WORDS CMD...: fails, and says why
refused() {
	_words=$1
	shift
	expect !0 "$@"
	expect_out "$_words"
	case $out in *[Ff]"unction not implemented"* | *"Segmentation"* | *"core dumped"*) fail "no good words: $out" ;; esac
}

# in_view WORDS SCRIPT: the script's command fails with these words, and the view goes on
in_view() {
	_words=$1
	expect 0 umview --preload viewfs -- sh -c "$2"' && exit 9; echo "alive: $(cat /proc/self/comm) $(ls -d /)"'
	expect_out "$_words"
	expect_out '^alive: cat /$'
}

echo "--- modules, options, types"
refused 'no_such_module' umview --preload no_such_module -- true
in_view 'no_such_module' 'um_add_service no_such_module'
in_view 'no_such_module' 'um_del_service no_such_module'
in_view '\.\./viewfs\|no such' 'um_add_service ../viewfs'
refused 'no-such-option' umview --no-such-option -- true
refused 'no_such_feature' umview --without no_such_feature -- true
refused 'tree_of_fire' umview --preload viewfs --mount "viewfs,tree_of_fire:$D:/mnt" -- true
in_view 'tree_of_fire' "mount -t viewfs -o tree_of_fire $D /mnt"
refused 'nofs' umview --mount "nofs:$D:/mnt" -- true
in_view 'nofs\|unknown filesystem' "mount -t nofs $D /mnt"
refused 'TYPE' umview --mount viewfs -- true
refused 'cow' umview --cow
refused 'no-such-command' umview -- no-such-command
equal "status" "$(umview -- no-such-command 2>/dev/null; echo $?)" 127
equal "status" "$(umview -- /etc/passwd 2>/dev/null; echo $?)" 126
expect !0 umview --modules viewfs -- um_add_service umnothing
expect_out '\-\-modules\|no such'

echo "--- directories and targets"
refused 'no_such_dir' umview --mount "viewfs,cow:$TMPDIR/no_such_dir:/mnt" -- true
refused "$TMPDIR/plain-file/dir" sh -c "touch $TMPDIR/plain-file; exec '$UMVIEW' --norc --cow $TMPDIR/plain-file/dir -- true"
refused 'o such file\|not exist' umview --mount "viewfs,move:$D:$TMPDIR/no_such_target" -- true
in_view 'o such file\|not exist' "mount -t viewfs -o move $D $TMPDIR/no_such_target"
if [ "$(id -u)" != 0 ]; then
	mkdir readonly
	chmod 555 readonly
	refused 'readonly.*ermission denied' umview --cow "$TMPDIR/readonly" -- true
	refused 'readonly.*ermission denied' umview --mount "viewfs,cow:$TMPDIR/readonly:/mnt" -- true
	chmod 755 readonly
	refused '/usr.*ermission denied' umview --cow /usr/no_such_dir -- true
fi
mkdir above above/below
refused 'equal\|above\|itself\|same\|contain\|inside\|below\|within' umview --mount "viewfs,cow:$TMPDIR/above:$TMPDIR/above" -- true
refused 'equal\|above\|itself\|same\|contain\|inside\|below\|within' umview --mount "viewfs,cow:$TMPDIR/above:$TMPDIR/above/below" -- true
refused 'equal\|above\|itself\|same\|contain\|inside\|below\|within\|Permission' umview --cow / -- true
in_view 'equal\|above\|itself\|same\|contain\|inside\|below\|within' "mount -t viewfs -o cow $TMPDIR/above $TMPDIR/above"
in_view 'not mounted\|not a mount\|nvalid' "umount $TMPDIR/above"
in_view 'ermanent\|busy\|not permitted' "mount -t viewfs -o move,permanent $TMPDIR/above /mnt && umount /mnt"
in_view 'cannot be merged with itself' "mount -t viewfs -o merge $TMPDIR/above $TMPDIR/above"
echo "--- modules that are none"
mkdir modules
echo "no module" >modules/text.so
cc -shared -fPIC -o modules/empty.so -x c - </dev/null || fail "cc"
module() { # module NAME ABI CLASSES INIT
	cat >m.c <<-END
		#include "um_module.h"
		#include <errno.h>
		#include <stdlib.h>
		static int init(const struct um_host *host) { (void)host; $4 }
		UM_MODULE = { .abi = $2, .name = "$1", .description = "a test's", .classes = $3, .init = init };
	END
	cc -D_GNU_SOURCE -shared -fPIC -I"$UMVIEW_SRC/modules/include" -o "modules/$1.so" m.c || fail "cc"
}
module good UM_MODULE_ABI 0 'return 0;'
module future 'UM_MODULE_ABI + 1' 0 'return 0;'
module crash UM_MODULE_ABI 0 '*(volatile int *)0 = 1; return 0;'
module aborts UM_MODULE_ABI 0 'abort(); return 0;'
module unwilling UM_MODULE_ABI 0 'return -ENODEV;'
module classy UM_MODULE_ABI '1u << 30' 'return 0;'
UMVIEW_MODULE_DIR=$TMPDIR/modules
export UMVIEW_MODULE_DIR
expect 0 umview -- sh -c 'um_add_service good && um_ls_service -l && um_del_service good'
expect_out "a test's"
module_refused() {
	expect 0 umview -- sh -c "um_add_service $1 && exit 9; echo alive; um_add_service good"
	expect_out '^alive$'
	expect_out "$2"
}
module_refused text 'text'
module_refused empty 'empty'
module_refused future 'version\|interface\|ABI'
module_refused unwilling 'o such device'
module_refused classy 'class'
module_refused crash 'crash'
module_refused aborts 'aborts'
unset UMVIEW_MODULE_DIR

echo "--- paths and pointers"
need_command python3 python3
cat >pointers.py <<'END'
import ctypes, errno, os, sys

libc = ctypes.CDLL(None, use_errno=True)
AT_FDCWD = -100
bad = 0
in_view = len(sys.argv) > 1
buf = ctypes.create_string_buffer(8192)
etc = ctypes.c_char_p(b"/etc/passwd")

def call(want, what, nr, *args):
    global bad
    args = [ctypes.c_long(a) if isinstance(a, int) else a for a in args]
    ctypes.set_errno(0)
    ret = libc.syscall(ctypes.c_long(nr), *args)
    got = errno.errorcode.get(ctypes.get_errno(), "0") if ret == -1 else "ok"
    if got != want:
        print(f"{what}: {got}, not {want}")
        bad += 1

long_ok = "./" * 2047 + "x"             # 4095 bytes
long_bad = "./" * 2047 + "xy"           # 4096
for what, fn in (("stat", os.stat), ("open", lambda p: os.open(p, os.O_RDONLY)), ("unlink", os.unlink),
                 ("chdir", os.chdir), ("readlink", os.readlink), ("chmod", lambda p: os.chmod(p, 0o600)),
                 ("rename", lambda p: os.rename(p, "y")), ("exec", lambda p: os.execv(p, ["x"])),
                 ("getxattr", lambda p: os.getxattr(p, "user.x")), ("access", lambda p: os.stat(p)),
                 ("mkdir2", lambda p: os.mkdir(p + "/z" if len(p) > 4095 else p[:-1] + "no/z"))):
    for path, want in ((long_ok, errno.ENOENT), (long_bad, errno.ENAMETOOLONG)):
        if what == "mkdir2" and path is long_ok:
            continue
        try:
            fn(path)
            print(f"{what} of {len(path)} bytes succeeded")
            bad += 1
        except OSError as e:
            if e.errno != want:
                print(f"{what} of {len(path)} bytes: {e}")
                bad += 1
open("x", "w").close()                  # the longest name of something that is there
if os.stat(long_ok).st_size != 0:
    bad += 1
os.unlink(long_ok)
try:
    os.stat("n" * 256)
    bad += 1
except OSError as e:
    if e.errno != errno.ENAMETOOLONG:
        print(f"a name of 256 bytes: {e}")
        bad += 1

for nothing in (1, 0x7fffffffe000, 0xffff800000000000 - 2**64):
    call("EFAULT", "openat", 257, AT_FDCWD, nothing, 0)
    call("EFAULT", "open", 2, nothing, 0)
    call("EFAULT", "newfstatat path", 262, AT_FDCWD, nothing, buf, 0)
    call("EFAULT", "newfstatat buffer", 262, AT_FDCWD, etc, nothing, 0)
    call("EFAULT", "stat buffer", 4, etc, nothing)
    call("EFAULT", "statx", 332, AT_FDCWD, etc, 0, 0xfff, nothing)
    call("EFAULT", "readlink", 89, ctypes.c_char_p(b"/proc/self/exe"), nothing, 100)
    call("EFAULT", "getcwd", 79, nothing, 4096)
    call("EFAULT", "execve", 59, nothing, 0, 0)
    call("EFAULT", "execve argv", 59, ctypes.c_char_p(b"/bin/true"), nothing, 0)
    call("EFAULT", "mkdir", 83, nothing, 0o755)
    call("EFAULT", "rename", 82, etc, nothing)
    call("EFAULT", "openat2", 437, AT_FDCWD, etc, nothing, 24)
    call("EFAULT", "utimensat", 280, AT_FDCWD, etc, nothing, 0)
    call("EFAULT", "statfs", 137, etc, nothing)
    call("EFAULT", "symlink", 88, nothing, etc)
    call("EFAULT", "getgroups", 115, 100, nothing) if os.getgroups() else None
    call("EFAULT", "getresuid", 118, nothing, nothing, nothing)
    call("EFAULT", "capget", 125, nothing, nothing)
    call("EFAULT" if in_view else "ENOSYS", "umview's own call", 0x5556, nothing, 100, buf, 100)
fd = os.open("/etc", os.O_RDONLY | os.O_DIRECTORY)
call("EFAULT", "getdents64", 217, fd, 1, 4096)
call("EINVAL", "getdents64, no room", 217, fd, buf, 1)
call("EBADF", "openat", 257, 12345, ctypes.c_char_p(b"x"), 0)
call("ENOTDIR", "openat", 257, os.open("/etc/passwd", os.O_RDONLY), ctypes.c_char_p(b"x"), 0)
call("EINVAL", "openat2, unknown flag", 437, AT_FDCWD, etc, (ctypes.c_uint64 * 3)(1 << 62, 0, 0), 24)
call("ERANGE", "getcwd, no room", 79, buf, 1)
call("EINVAL", "unlinkat, unknown flag", 263, AT_FDCWD, etc, 0x10000)
print("bad:", bad)
sys.exit(bad > 0)
END
expect 0 python3 pointers.py
expect 0 umview --cow "$D" -- python3 pointers.py in-view
expect 0 umview --cow "$D" --su -- python3 pointers.py in-view
expect 0 umview -- python3 pointers.py in-view

echo "--- no seccomp listener to be had"
cat >deny.c <<'END'
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* deny ERRNO CMD...: the system call seccomp fails for CMD */
int main(int argc, char **argv)
{
	struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_seccomp, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | atoi(argv[1])),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog p = { sizeof(f) / sizeof(f[0]), f };

	if (argc < 3 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &p) < 0)
		return 99;
	execvp(argv[2], argv + 2);
	return 98;
}
END
cc -D_GNU_SOURCE -o deny deny.c || fail "cc"
for e in 1 13 22 38; do
	expect !0 ./deny $e "$UMVIEW" --norc -- echo reached
	expect_out '[Ss]eccomp'
	printf '%s\n' "$out" | grep -q reached && fail "the program was started without a view"
done
exit 0
