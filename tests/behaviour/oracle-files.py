#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# as: both
# ptrace: yes
"""Random sequences of file calls give in a view what they give natively, call by call and in the tree that is left.

The same program, with the same seed, works natively on one copy of a tree and in views on others: --cow each time, plain
and --secure in turn, --cow --su for root, and all with the ptrace tracer where there is no listener.  Each call's result
(or its errno), and a listing of the tree at the end, are compared.  UMVIEW_ORACLE_SEED (a number, or "random") and
UMVIEW_ORACLE_OPS choose others; the seed is printed.
"""
# timeout: 240
import ctypes
import errno
import fcntl
import os
import random
import shutil
import stat
import subprocess
import sys
import tempfile

NAMES = ["a", "b", "c", "d", "e"]
LIMIT = 300
LIBC = ctypes.CDLL(None, use_errno=True)
AT_FDCWD, AT_SYMLINK_FOLLOW, AT_EMPTY_PATH = -100, 0x400, 0x1000


def checked(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), "")
    return result


def rename2(a, b, flags):
    return checked(LIBC.renameat2(AT_FDCWD, os.fsencode(a), AT_FDCWD, os.fsencode(b), flags))


def linkat(fd, old, new, flags):
    return checked(LIBC.linkat(fd, os.fsencode(old), AT_FDCWD, os.fsencode(new), flags))


def show(st):
    kind = stat.S_IFMT(st.st_mode)
    size = st.st_size if kind in (stat.S_IFREG, stat.S_IFLNK) else 0
    links = st.st_nlink if kind != stat.S_IFDIR else 0
    return "%o %d %d" % (st.st_mode, size, links)


class Worker:
    """Makes random calls below the working directory and says what each gave."""

    def __init__(self, seed, count):
        self.rng = random.Random(seed)
        self.count = count
        self.out = []
        self.fds = []

    def path(self):
        rng = self.rng
        parts = [rng.choice(NAMES) for _ in range(rng.choice([1, 1, 2, 2, 3]))]
        if rng.random() < 0.1:
            parts.insert(rng.randrange(len(parts) + 1), rng.choice([".", "..", ""]))
        text = "/".join(parts) + ("/" if rng.random() < 0.05 else "")
        if text.startswith("/"):
            text = "." + text
        if text.startswith("..") or "/../.." in text:
            text = "a"
        return os.path.join(self.top, text) if rng.random() < 0.3 else text

    def call(self, name, function):
        try:
            result = function()
        except OSError as e:
            result = errno.errorcode.get(e.errno, str(e.errno))
        except ValueError as e:
            result = "ValueError"
        self.out.append("%s -> %s" % (name, result))

    def op_open(self):
        rng, p = self.rng, self.path()
        flags = rng.choice([os.O_RDONLY, os.O_WRONLY, os.O_RDWR])
        for flag, odds in ((os.O_CREAT, .5), (os.O_EXCL, .15), (os.O_TRUNC, .2), (os.O_APPEND, .2),
                           (os.O_NOFOLLOW, .1), (os.O_DIRECTORY, .1)):
            if rng.random() < odds:
                flags |= flag
        if flags & os.O_DIRECTORY and flags & os.O_CREAT:  # kernels differ
            flags &= ~os.O_CREAT
        flags |= os.O_NONBLOCK
        data = bytes([rng.randrange(97, 123)]) * rng.randrange(1, 50)

        def run():
            fd = os.open(p, flags, 0o666)
            got = ""
            if flags & os.O_ACCMODE != os.O_RDONLY and stat.S_ISREG(os.fstat(fd).st_mode):
                got = str(os.write(fd, data))
            if len(self.fds) < 5:
                self.fds.append(fd)
                return "kept %s %s" % (show(os.fstat(fd)), got)
            text = show(os.fstat(fd))
            os.close(fd)
            return text + " " + got
        self.call("open %s %o" % (os.path.basename(p), flags), run)

    def op_read(self):
        p = self.path()

        def run():
            fd = os.open(p, os.O_RDONLY | os.O_NONBLOCK)
            try:
                return os.read(fd, 64)
            finally:
                os.close(fd)
        self.call("read %s" % p, run)

    def op_fd(self):
        if not self.fds:
            return
        fd = self.fds.pop(self.rng.randrange(len(self.fds)))
        what = self.rng.randrange(4)

        def run():
            try:
                if what == 0:
                    # Its link count may be that of another body after a copy-up.
                    # Nor does a removed lower file show what was done to it since (doc/DIFFERENCES).
                    st = os.fstat(fd)
                    return show(st).split()[0] if st.st_nlink > 0 else ""
                if what == 1:
                    os.fchmod(fd, 0o640)
                    # An open read-only descriptor of a lower file stays with the lower file (doc/DIFFERENCES).
                    # So does what is done to a lower directory that the view has removed.
                    reads = fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY
                    st = os.fstat(fd)
                    return "" if reads and (stat.S_ISREG(st.st_mode) or st.st_nlink == 0) else show(st)
                if what == 2 and stat.S_ISDIR(os.fstat(fd).st_mode):
                    return sorted(os.listdir(fd))
                data = os.pread(fd, 30, 0)
                # As above: what a read-only descriptor shows after a copy-up is the lower file's.
                return "" if fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY else data
            finally:
                os.close(fd)
        self.call("fd %d" % what, run)

    def op_nameless(self):
        """A file without a name, that may get one."""
        rng, p, q = self.rng, self.path(), self.path()
        flags = rng.choice([os.O_RDWR, os.O_WRONLY]) | os.O_TMPFILE | rng.choice([0, 0, 0, os.O_EXCL])
        named, by_proc = rng.random() < 0.8, rng.random() < 0.7

        def run():
            fd = os.open(p, flags, 0o644)
            try:
                os.write(fd, b"nameless")
                if named and by_proc:
                    linkat(AT_FDCWD, "/proc/self/fd/%d" % fd, q, AT_SYMLINK_FOLLOW)
                elif named:
                    linkat(fd, "", q, AT_EMPTY_PATH)
                return show(os.fstat(fd))
            finally:
                os.close(fd)
        self.call("nameless %s %s %o" % (p, q, flags), run)

    def op_link_fd(self):
        p, q = self.path(), self.path()
        o_path = self.rng.random() < 0.5

        def run():
            fd = os.open(p, os.O_PATH | os.O_NOFOLLOW if o_path else os.O_RDONLY | os.O_NONBLOCK)
            try:
                linkat(AT_FDCWD, "/proc/self/fd/%d" % fd, q, AT_SYMLINK_FOLLOW)
                return show(os.lstat(q)).split()[0]
            finally:
                os.close(fd)
        self.call("link-fd %s %s" % (p, q), run)

    def op_gone(self):
        """What is done to a file by a descriptor after its name has gone to something else."""
        rng, p, q = self.rng, self.path(), self.path()
        how, mode = rng.randrange(3), rng.choice([0o640, 0o604, 0o611])

        def run():
            fd = os.open(p, os.O_RDONLY | os.O_NONBLOCK)
            try:
                if how == 0:
                    os.rename(p, q)
                elif how == 1:
                    os.rename(q, p)
                else:
                    os.unlink(p)
                os.fchmod(fd, mode | (0o700 if stat.S_ISDIR(os.fstat(fd).st_mode) else 0))
                return [show(os.lstat(n)).split()[0] if os.path.lexists(n) else "-" for n in (p, q)]
            finally:
                os.close(fd)
        self.call("gone %d %s %s" % (how, p, q), run)

    def op_child(self):
        """The same by another process, which has come and gone before the next call."""
        p, q, what = self.path(), self.path(), self.rng.randrange(4)
        pid = os.fork()
        if pid == 0:
            code = 0
            try:
                if what == 0:
                    os.rename(p, q)
                elif what == 1:
                    os.unlink(p)
                elif what == 2:
                    os.mkdir(p)
                else:
                    fd = os.open(p, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK, 0o644)
                    if stat.S_ISREG(os.fstat(fd).st_mode):
                        os.write(fd, b"child")
            except OSError as e:
                code = e.errno
            os._exit(code)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        self.out.append("child %d %s %s -> %s" % (what, p, q, errno.errorcode.get(code, code)))

    def op_list(self):
        p = self.path()
        self.call("list %s" % p, lambda: sorted((e.name, e.is_dir(follow_symlinks=False), e.is_symlink())
                                         for e in os.scandir(p)))

    def op_at(self):
        p, name = self.path(), self.rng.choice(NAMES)
        what = self.rng.randrange(5)

        def run():
            fd = os.open(p, os.O_RDONLY | os.O_DIRECTORY)
            try:
                if what == 0:
                    return show(os.stat(name, dir_fd=fd, follow_symlinks=False))
                if what == 1:
                    return os.mkdir(name, 0o755, dir_fd=fd)
                if what == 2:
                    return os.unlink(name, dir_fd=fd)
                if what == 3:
                    return os.readlink(name, dir_fd=fd)
                return os.access(name, os.R_OK, dir_fd=fd)
            finally:
                os.close(fd)
        self.call("at %d %s %s" % (what, p, name), run)

    def op_chdir(self):
        p = self.path()
        self.call("chdir %s" % p, lambda: os.chdir(p))
        self.call("cwd", lambda: os.path.relpath(os.getcwd(), self.top))
        if self.rng.random() < 0.7 or not os.getcwd().startswith(self.top):
            os.chmod(self.top, 0o755) # a call may have closed it
            os.chdir(self.top)

    def visit(self, path):
        fd = os.open(path, os.O_PATH | os.O_DIRECTORY)
        try:
            os.fchdir(fd)
            return os.path.relpath(os.getcwd(), self.top)
        finally:
            os.close(fd)
            os.chdir(self.top)

    def one(self):
        rng = self.rng
        p, q = self.path(), self.path()
        mode = rng.choice([0o755, 0o700, 0o644, 0o600, 0o777])
        times = (rng.randrange(1, 2 ** 30) * 10 ** 9 + 7, rng.randrange(1, 2 ** 30) * 10 ** 9 + 9)
        size = rng.randrange(100)
        simple = {
            "mkdir": lambda: os.mkdir(p, mode),
            "rmdir": lambda: os.rmdir(p),
            "unlink": lambda: os.unlink(p),
            "rename": lambda: os.rename(p, q),
            "link": lambda: os.link(p, q, follow_symlinks=False),
            "symlink": lambda: os.symlink(rng_target, p),
            "readlink": lambda: os.readlink(p),
            "stat": lambda: show(os.stat(p)),
            "lstat": lambda: show(os.lstat(p)),
            "chmod": lambda: os.chmod(p, mode | 0o600 | (0o100 if os.path.isdir(p) else 0)),
            "utime": lambda: (os.utime(p, ns=times), os.stat(p).st_mtime_ns)[1],
            "truncate": lambda: os.truncate(p, size),
            "access": lambda: os.access(p, os.W_OK),
            "mkfifo": lambda: os.mkfifo(p, 0o644),
            "setxattr": lambda: os.setxattr(p, "user.test", b"v%d" % size),
            "getxattr": lambda: os.getxattr(p, "user.test"),
            "listxattr": lambda: sorted(os.listxattr(p)),
            "removexattr": lambda: os.removexattr(p, "user.test"),
            "noreplace": lambda: rename2(p, q, 1),
            "exchange": lambda: rename2(p, q, 2),
            "lutime": lambda: (os.utime(p, ns=times, follow_symlinks=False),
                               os.lstat(p).st_mtime_ns == times[1])[1],
            "creat": lambda: os.close(os.open(p, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode)),
            "chdir-fd": lambda: self.visit(p),
        }
        rng_target = rng.choice(NAMES + ["../" + rng.choice(NAMES), self.top + "/" + rng.choice(NAMES), "gone/away"])
        special = {"open": self.op_open, "read": self.op_read, "fd": self.op_fd, "list": self.op_list,
                   "at": self.op_at, "chdir": self.op_chdir, "nameless": self.op_nameless,
                   "link-fd": self.op_link_fd, "gone": self.op_gone, "child": self.op_child}
        name = rng.choice(list(simple) + list(special) * 2 + ["open", "rename", "unlink", "mkdir"] * 2)
        if name in special:
            special[name]()
        else:
            self.call("%s %s %s" % (name, os.path.relpath(p, self.top) if p.startswith("/") else p,
                                    os.path.relpath(q, self.top) if q.startswith("/") else q), simple[name])

    def tree(self):
        os.chdir(self.top)
        for base, dirs, files in os.walk("."):
            dirs.sort()
            for name in sorted(dirs + files):
                full = os.path.join(base, name)
                try:
                    st = os.lstat(full)
                except OSError as e:  # a directory that may not be searched
                    self.out.append("%s %s" % (full, e.errno))
                    continue
                line = "%s %s" % (full, show(st))
                if stat.S_ISREG(st.st_mode):
                    try:
                        with open(full, "rb") as f:
                            line += " %r" % f.read()
                        line += " %s" % sorted(os.listxattr(full))
                    except OSError as e:
                        line += " %s" % e.errno
                elif stat.S_ISLNK(st.st_mode):
                    line += " " + os.readlink(full).replace(self.top, "TOP")
                self.out.append(line)

    def run(self, top):
        self.top = top
        os.chdir(top)
        os.umask(0o022)
        for _ in range(self.count):
            self.one()
        self.tree()
        print("\n".join(self.out).replace(top, "TOP"))


def make_tree(top, seed):
    """A tree to start from, natively made: the lower layer."""
    rng = random.Random(seed)
    os.mkdir(top)
    for name in NAMES:
        kind = rng.randrange(4)
        if kind == 0:
            os.mkdir(os.path.join(top, name))
            for inner in rng.sample(NAMES, rng.randrange(4)):
                if rng.random() < 0.3:
                    os.mkdir(os.path.join(top, name, inner))
                else:
                    with open(os.path.join(top, name, inner), "w") as f:
                        f.write(inner * rng.randrange(20))
        elif kind == 1:
            with open(os.path.join(top, name), "w") as f:
                f.write(name * 10)
        elif kind == 2:
            os.symlink(rng.choice(NAMES), os.path.join(top, name))


# Options of umview; names of one length: link sizes depend on it.
MODES = {"cow": "--cow {0}", "pln": "", "sec": "--secure --cow {0}", "su_": "--su --cow {0}"}


def same(what, native, view):
    for i, (n, v) in enumerate(zip(native, view)):
        if n != v:
            print("FAILED: %s, line %d\n  native: %s\n  view:   %s" % (what, i, n[:300], v[:300]))
            for line in native[max(0, i - 6):i]:
                print("  before: %s" % line[:200])
            return False
    if len(native) != len(view):
        print("FAILED: %s: %d lines natively, %d in the view" % (what, len(native), len(view)))
    return len(native) == len(view)


def main():
    if len(sys.argv) > 1 and sys.argv[1] == "--work":
        Worker(int(sys.argv[2]), int(sys.argv[3])).run(sys.argv[4])
        return 0
    src = os.environ.get("UMVIEW_SRC", os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    umview = os.path.join(os.environ.get("UMVIEW_BUILD", src + "/build"), "umview")
    # Always the same sequences, so that a failure is the change's; UMVIEW_ORACLE_SEED=random looks for new ones.
    seed = os.environ.get("UMVIEW_ORACLE_SEED", "1")
    seed = random.randrange(2 ** 31) if seed == "random" else int(seed)
    count = int(os.environ.get("UMVIEW_ORACLE_OPS", LIMIT))
    rounds = int(os.environ.get("UMVIEW_ORACLE_ROUNDS", 8))
    flags = os.environ.get("UMVIEW_FLAGS", "").split()
    top = tempfile.mkdtemp(dir=os.environ.get("TMPDIR", "/var/tmp"))
    for n in range(rounds):
        this = seed + n
        results = []
        # a copy-on-write view each time, the others in turn; only root can say what root may
        modes = ["cow", ("pln", "sec")[n % 2]] if os.getuid() != 0 else ["su_"]
        if "pidfd_getfd" in flags and "sec" in modes:  # where descriptors of removed files cannot be changed
            modes.remove("sec")
        print("seed %d, %d calls" % (this, count), flush=True)
        for mode in ["nat", *modes]:
            base = os.path.join(top, "%s%d" % (mode, n))
            os.mkdir(base)
            # the same length and shape of path in both
            tree = os.path.join(base, "tree")
            make_tree(tree, this)
            command = [sys.executable, os.path.abspath(__file__), "--work", str(this), str(count), tree]
            if mode != "nat":
                before = subprocess.run(["find", tree, "-printf", "%p %y %m %s %T@\n"], capture_output=True).stdout
                command = [umview, "--norc", *flags, *MODES[mode].format(base + "/upper").split(), "--"] + command
            done = subprocess.run(command, capture_output=True, text=True, timeout=100)
            if done.returncode != 0:
                print("FAILED: %s: exit status %d: %s" % (mode, done.returncode, done.stderr[-2000:]))
                return 1
            results.append(done.stdout.splitlines())
            if mode != "nat" and MODES[mode]:
                after = subprocess.run(["find", tree, "-printf", "%p %y %m %s %T@\n"], capture_output=True).stdout
                if before != after:
                    print("FAILED: the real tree has changed (seed %d)" % this)
                    return 1
        for mode, result in zip(modes, results[1:]):
            if not same("seed %d, %s" % (this, mode), results[0], result):
                return 1
    shutil.rmtree(top, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
