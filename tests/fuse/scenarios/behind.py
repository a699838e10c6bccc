# SPDX-License-Identifier: GPL-2.0-or-later
"""What changes behind the mount: by time-outs, and by FUSE's notifications.

sets: default zero keep
"""
import os
import time

os.chdir(os.environ["FUSE_ROOT"])
done = os.environ["FUSE_CONTROL"] + ".done"
commands = open(os.environ["FUSE_CONTROL"], "w")
number = 0


def command(text):
    """Have memfs do it; its result."""
    global number
    commands.write(text + "\n")
    commands.flush()
    number += 1
    for _ in range(1000):
        with open(done) as f:
            lines = f.read().splitlines()
        if len(lines) >= number:
            return lines[number - 1].rpartition(": ")[2]
        time.sleep(0.01)
    return "no answer"


def read(path):
    try:
        with open(path) as f:
            return f.read()
    except OSError as e:
        return os.strerror(e.errno)


def size(path):
    try:
        return os.stat(path).st_size
    except OSError as e:
        return os.strerror(e.errno)


def show(name, *values):
    print("%s: %s" % (name, ", ".join(str(v) for v in values)), flush=True)


show("first", size("content"), read("content"))
command("write content changed behind")
show("changed", size("content"), read("content"), size("content"))
command("write content changed once more, and longer")
show("inval", command("inval content"), size("content"), read("content"))
show("before-make", size("made"))
command("make made")
show("made", size("made"))
show("entry", command("entry made"), size("made"))
command("remove made")
show("removed", size("made"))
show("entry-removed", command("entry made"), size("made"))
command("make again")
show("again", size("again"))
command("entry again")
show("again-entry", size("again"))
show("delete", command("delete again"), size("again"), "again" in os.listdir("."))
show("inval-unknown", command("inval nothing"))
show("entry-unknown", command("entry nothing"))

# A file that is open while it changes.
with open("open", "w") as f:
    f.write("before")
f = open("open")
show("open", os.pread(f.fileno(), 100, 0).decode())
command("write open after it")
show("open-changed", os.fstat(f.fileno()).st_size)
command("inval open")
show("open-inval", os.fstat(f.fileno()).st_size, os.pread(f.fileno(), 100, 0).decode())
show("open-store", command("store open STORED"), os.pread(f.fileno(), 6, 0).decode())
show("open-inval-again", command("inval open"), os.pread(f.fileno(), 6, 0).decode())
show("retrieve", command("retrieve open"))
f.close()
command("write open short")
command("inval open")
show("in-the-end", read("open"))
