# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs that do much with files, processes or terminals: sqlite3, git, tmux, screen, man.

level: full
timeout: 400
modes: plain cow nested secure ptrace
"""
import hashlib
import itertools
import os
import shutil
import subprocess
import time

WORK = os.getcwd()
DATE = "2001-02-03T04:05:06 +0000"
ENV = dict(os.environ, LC_ALL="C.UTF-8", HOME=WORK, TERM="screen", GIT_CONFIG_NOSYSTEM="1", GIT_AUTHOR_NAME="a", GIT_AUTHOR_EMAIL="a@b",
           GIT_COMMITTER_NAME="a", GIT_COMMITTER_EMAIL="a@b", GIT_AUTHOR_DATE=DATE, GIT_COMMITTER_DATE=DATE, GIT_PAGER="cat")


def say(name, text):
    print("%s: %s" % (name, text), flush=True)


def run(argv, cwd=None, given=None):
    r = subprocess.run(argv, cwd=cwd, input=given, stdin=None if given else subprocess.DEVNULL, stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, text=True, errors="replace", timeout=250, env=ENV)
    with open("said", "a") as f:
        f.write("=== %s: %d\n%s" % (argv, r.returncode, r.stdout))
    return r.returncode, r.stdout.replace(WORK, "WORK").strip()


def told(name, argv, **more):
    status, output = run(argv, **more)
    lines = output.splitlines()
    short = " / ".join(lines) if len(output) < 400 else "%d lines, %s" % (
        len(lines), hashlib.sha1(output.encode()).hexdigest())
    say(name, "%d, %s" % (status, short))


# --- sqlite3 ----------------------------------------------------------------------------------------------------------


def sql(base, statements):
    return run(["sqlite3", "-batch", "-cmd", ".timeout 200000", base], given=statements)


def sqlite():
    """Writers at the same time, one of which is killed in the middle of a transaction, in each kind of journal."""
    for mode in ["delete", "truncate", "persist", "memory", "wal"]:
        base = "base." + mode
        told("sqlite3/%s-mode" % mode, ["sqlite3", base, "pragma journal_mode = %s; create table t (w, i);" % mode])
        writers = []
        for w in range(4):
            text = "".join("begin immediate; insert into t values (%d, %d); insert into t values (%d, -%d); commit;\n" %
                           (w, i, w, i) for i in range(1, 16))
            argv = ["sqlite3", "-batch", "-cmd", ".timeout 200000", "-cmd", "pragma journal_mode = " + mode, base]
            child = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            child.stdin.write(text.encode())
            child.stdin.close()
            writers.append(child)
        complaints = b"".join(child.stderr.read() for child in writers)
        say("sqlite3/%s-writers" % mode, "%s %s" % ([child.wait() for child in writers], complaints.decode()))
        # a transaction whose journal is on disk when its process is killed
        victim = subprocess.Popen(["sqlite3", "-batch", base], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        victim.stdin.write(b"pragma cache_size = 1; pragma journal_mode = %s; begin immediate;\n"
                           b"insert into t select 9, hex(randomblob(2000)) from (select 1 from t limit 100);\n"
                           b"select 'there';\n" % mode.encode())
        victim.stdin.flush()
        for line in victim.stdout:
            if line == b"there\n":
                break
        victim.kill()
        victim.wait()
        for stream in (victim.stdin, victim.stdout):
            stream.close()
        if mode != "memory":
            say("sqlite3/%s-after" % mode, sql(base, "pragma integrity_check; select count(*), sum(i), min(w), max(w) from t;"))
        say("sqlite3/%s-files" % mode, sorted(name for name in os.listdir(".") if name.startswith(base)))
    say("sqlite3/vacuum", sql("base.delete", "vacuum; reindex; pragma integrity_check;"))
    say("sqlite3/backup", sql("base.wal", ".backup copy\n"))
    say("sqlite3/backed-up", sql("copy", "select count(*) from t;"))
    say("sqlite3/attach", sql("base.delete", "attach 'base.wal' as o; begin; delete from t; delete from o.t; commit;"
                              "select count(*) from t; select count(*) from o.t;"))


# --- git --------------------------------------------------------------------------------------------------------------


def git_in(place):
    def git(name, *argv, **more):
        told("git/" + name, ["git"] + list(argv), cwd=place, **more)
    return git


def git():
    place = WORK + "/repo"
    os.mkdir(place)
    g = git_in(place)
    g("init", "init", "-q", "-b", "main")
    for i in range(60):
        directory = "%s/d%d" % (place, i % 7)
        os.makedirs(directory, exist_ok=True)
        with open("%s/f%d" % (directory, i), "w") as f:
            f.writelines("line %d of %d\n" % (j, i) for j in range(40))
    os.symlink("d1/f1", place + "/link")
    os.chmod(place + "/d0/f0", 0o755)
    g("add", "add", "-A")
    g("commit", "commit", "-q", "-m", "first")
    g("head", "rev-parse", "HEAD")
    g("branch", "checkout", "-q", "-b", "side")
    g("mv", "mv", "d2", "moved")
    g("rm", "rm", "-q", "-r", "d3")
    g("commit-side", "commit", "-q", "-m", "side")
    g("back", "checkout", "-q", "main")
    with open(place + "/d2/f2", "a") as f:
        f.write("more\n")
    g("diff", "diff", "--stat")
    g("commit-main", "commit", "-q", "-a", "-m", "main")
    g("merge", "merge", "-q", "--no-edit", "side")
    g("tree", "ls-tree", "-r", "HEAD")
    g("status", "status", "--porcelain")
    with open(place + "/d0/f0", "w") as f:
        f.write("changed\n")
    os.mkfifo(place + "/fifo")
    g("status-changed", "status", "--porcelain")
    os.unlink(place + "/fifo")
    g("stash", "stash", "-q")
    g("stash-pop", "stash", "pop", "-q")
    g("checkout-file", "checkout", "-q", "--", "d0/f0")
    g("rebase", "rebase", "-q", "--onto", "HEAD~1", "HEAD~1", "side")
    g("log", "log", "--format=%H %s", "--all")
    g("worktree", "worktree", "add", "-q", "../tree", "main")
    g("worktree-list", "worktree", "list")
    g("gc", "gc", "-q", "--prune=now")
    g("fsck", "fsck", "--full", "--strict")
    g("repack", "repack", "-q", "-a", "-d", "-f")
    g("archive", "archive", "--format=tar", "-o", "../archive.tar", "main")
    with open("archive.tar", "rb") as f:
        say("git/archive-sum", hashlib.sha1(f.read()).hexdigest())
    g("bundle", "bundle", "create", "-q", "../bundle", "--all")
    g("clone", "clone", "-q", "--no-hardlinks", ".", "../clone")
    g("clone-hard", "clone", "-q", "-l", ".", "../hard")
    g("clone-shared", "clone", "-q", "--shared", ".", "../shared")
    g("clone-file", "clone", "-q", "file://%s" % place, "../bare", "--bare")
    g("clone-bundle", "clone", "-q", "../bundle", "../from-bundle")
    c = git_in(WORK + "/clone")
    with open("clone/new", "w") as f:
        f.write("new\n")
    c("clone-add", "add", "new")
    c("clone-commit", "commit", "-q", "-m", "new")
    c("push", "push", "-q", WORK + "/bare", "HEAD:refs/heads/pushed")
    g("fetch", "fetch", "-q", "../bare", "pushed:fetched")
    g("same", "diff", "--stat", "main", "fetched")
    g("submodule", "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", WORK + "/bare", "sub")
    g("submodule-status", "submodule", "status")
    g("clean", "clean", "-n", "-d", "-x")
    g("bisect", "bisect", "start", "-q")
    g("hash", "hash-object", "-w", "--stdin", given="text\n")
    g("pack", "count-objects")
    os.chmod(place + "/.git/objects", 0o555)
    with open(place + "/unwritable", "w") as f:
        f.write("x")
    status, _ = run(["git", "add", "unwritable"], cwd=place)
    say("git/unwritable", status)
    os.chmod(place + "/.git/objects", 0o755)


# --- terminals --------------------------------------------------------------------------------------------------------


def until(what, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        result = what()
        if result:
            return result
        time.sleep(0.1)
    return None


def content(name, text):
    def look():
        if os.path.exists(name):
            with open(name, errors="replace") as f:
                return text in f.read()
        return False
    return look


def tmux():
    tm = ["tmux", "-S", WORK + "/tmux", "-f", "/dev/null"]
    told("tmux/new", tm + ["new-session", "-d", "-x", "100", "-y", "30", "-s", "one", "/bin/sh"])
    told("tmux/split", tm + ["split-window", "-t", "one", "/bin/sh"])
    run(tm + ["send-keys", "-t", "one", "stty size >size; tty >/dev/null && echo terminal >size2", "Enter"])
    until(lambda: os.path.exists("size2") and os.path.getsize("size2"))
    with open("size") as f, open("size2") as f2:
        say("tmux/size", f.read().strip() + " " + f2.read().strip())
    told("tmux/resize", tm + ["resize-pane", "-t", "one", "-y", "5"])
    run(tm + ["send-keys", "-t", "one", "trap 'echo winch >winch' WINCH; echo set >set", "Enter"])
    until(content("set", "set"))
    heights = itertools.cycle(["7", "5"])

    def winch():
        run(tm + ["resize-pane", "-t", "one", "-y", next(heights)])
        # the shell runs a trap after a command
        run(tm + ["send-keys", "-t", "one", "true", "Enter"])
        return os.path.exists("winch")
    say("tmux/winch", until(winch))
    run(tm + ["send-keys", "-t", "one", "echo begun >begun; sleep 1000", "Enter"])
    until(content("begun", "begun"))

    def interrupted():      # the shell may not have executed sleep yet
        run(tm + ["send-keys", "-t", "one", "C-c"])
        run(tm + ["send-keys", "-t", "one", "echo again >again", "Enter"])
        return os.path.exists("again")
    say("tmux/interrupt", bool(until(interrupted)))
    say("tmux/panes", len(run(tm + ["list-panes", "-s", "-t", "one"])[1].splitlines()))
    run(tm + ["send-keys", "-t", "one", "clear; printf 'a\\033[1mb\\n'", "Enter"])
    say("tmux/capture", bool(until(lambda: "\nab" in "\n" + run(tm + ["capture-pane", "-p", "-t", "one"])[1])))
    told("tmux/end", tm + ["kill-server"])
    say("tmux/none", run(tm + ["list-sessions"])[0])


def screen():
    os.mkdir("screens", 0o700)
    ENV["SCREENDIR"] = WORK + "/screens"
    sc = ["screen", "-c", "/dev/null", "-S", "one"]
    told("screen/new", sc + ["-d", "-m", "/bin/sh"])
    say("screen/there", bool(until(lambda: os.listdir("screens"))))

    def typed():            # what is typed before the shell reads is lost
        run(sc + ["-X", "stuff", "echo typed >typed\n"])
        return os.path.exists("typed")
    say("screen/typed", bool(until(typed)))
    run(sc + ["-X", "hardcopy", WORK + "/copy"])
    say("screen/copy", bool(until(content("copy", "echo typed"))))
    told("screen/end", sc + ["-X", "quit"])
    say("screen/gone", until(lambda: not os.listdir("screens")))


def man():
    os.makedirs("man/man1")
    with open("man/man1/thing.1", "w") as f:
        f.write(".TH THING 1\n.SH NAME\nthing \\- does things\n.SH DESCRIPTION\nMuch.\n")
    with open("manpath", "w") as f:
        f.write("MANDATORY_MANPATH %s/man\n" % WORK)
    told("man/index", ["mandb", "-q", "-u", "-C", WORK + "/manpath", WORK + "/man"])
    told("man/page", ["man", "-C", WORK + "/manpath", "-M", WORK + "/man", "-P", "cat", "thing"])
    told("man/whatis", ["whatis", "-C", WORK + "/manpath", "-M", WORK + "/man", "thing"])
    told("man/apropos", ["apropos", "-C", WORK + "/manpath", "-M", WORK + "/man", "does"])


for what, program in [(sqlite, "sqlite3"), (git, "git"), (tmux, "tmux"), (screen, "screen"), (man, "mandb")]:
    if shutil.which(program):
        what()
    else:
        say(program, "not installed")
