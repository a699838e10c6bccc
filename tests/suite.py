# SPDX-License-Identifier: GPL-2.0-or-later
"""What conformance programs share that run the test-suite of a Debian package; see doc/CONFORMANCE.

Sources come from the package mirror when the test is run, and are kept in a cache: $UMVIEW_SUITES, which tests/conform
sets, or ~/.cache/umview-suites.
"""
import fcntl
import os
import re
import subprocess
import sys

CACHE = os.environ.get("UMVIEW_SUITES") or os.path.expanduser("~/.cache/umview-suites")
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


def skip(reason):
    print(reason)
    sys.exit(77)


def installed(package):
    """(version, version of its source) of an installed package."""
    r = subprocess.run(["dpkg-query", "-W", "-f", "${Version} ${source:Version} ${Status}", package],
                       stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    words = r.stdout.split()
    if r.returncode != 0 or words[-1:] != ["installed"]:
        skip("needs the package %s" % package)
    return words[0], words[1]


def apt(*args):
    """apt-get with lists of its own, of sources of Debian only; an ordinary user may."""
    r = subprocess.run(["apt-get", "-q", "-o", "Dir::Etc::SourceList=%s/sources.list" % CACHE,
                        "-o", "Dir::Etc::SourceParts=-", "-o", "Dir::State::Lists=%s/lists" % CACHE,
                        "-o", "Dir::Cache=%s/cache" % CACHE, "-o", "APT::Sandbox::User="] + list(args),
                       cwd=CACHE, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return r.returncode, r.stdout.strip()


def source(package, version):
    """The directory of the unpacked source of that version, which nobody may change; skips if it cannot be had."""
    os.makedirs(CACHE + "/lists/partial", exist_ok=True)
    os.makedirs(CACHE + "/cache", exist_ok=True)
    place = os.path.join(CACHE, "%s_%s" % (package, version.replace(":", "%")))
    with open(CACHE + "/lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.isdir(place):
            fetch(package, version, place)
    return place


def fetch(package, version, place):
    if subprocess.run(["which", "dpkg-source"], stdout=subprocess.DEVNULL).returncode != 0:
        skip("needs the command dpkg-source (package dpkg-dev)")
    targets = subprocess.run(["apt-get", "indextargets", "--format", "$(ORIGIN) deb-src [signed-by=%s] $(REPO_URI) "
                              "$(RELEASE) $(COMPONENT)" % KEYRING, "Created-By: Packages"],
                             stdout=subprocess.PIPE, text=True).stdout
    lines = re.findall(r"(?m)^Debian (deb-src .*)$", targets)
    if not lines:
        skip("apt has no mirror of Debian to take the source of %s from" % package)
    with open(CACHE + "/sources.list", "w") as f:
        f.write("\n".join(lines) + "\n")
    status, output = apt("update")
    if status == 0:
        status, output = apt("source", "--download-only", "--only-source", "%s=%s" % (package, version))
    if status != 0:
        skip("the source of %s %s cannot be had: %s" % (package, version, "; ".join(output.splitlines()[-1:])))
    plain = version.partition(":")[2] or version
    subprocess.run(["dpkg-source", "--no-check", "-x", "%s/%s_%s.dsc" % (CACHE, package, plain), place + ".new"],
                   stdout=subprocess.DEVNULL, check=True)
    os.rename(place + ".new", place)


def unpacked(*packages):
    """The directory with the files of these packages, of which nothing has been installed; skips if they cannot be had."""
    os.makedirs(CACHE, exist_ok=True)
    place = os.path.join(CACHE, "+".join(packages) + ".files")
    with open(CACHE + "/lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.isdir(place):
            new = os.path.join(CACHE, "packages.new")
            subprocess.run(["rm", "-rf", new], check=True)
            os.mkdir(new)
            for name in download(new, *packages):
                subprocess.run(["dpkg-deb", "-x", os.path.join(new, name), new], check=True)
            os.rename(new, place)
    return place


def runnable(program):
    """The program, which an unpacked package has; skips if a library that it wants is not installed."""
    missing = re.findall(r"(?m)^\s*(\S+) => not found", subprocess.run(["ldd", program], stdout=subprocess.PIPE, text=True).stdout)
    if missing:
        skip("%s needs %s" % (os.path.basename(program), " ".join(missing)))
    return program


def download(place, *packages):
    """Downloads packages to place; the names of their files."""
    r = subprocess.run(["apt-get", "-q", "-o", "APT::Sandbox::User=", "download"] + list(packages), cwd=place,
                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if r.returncode != 0:
        skip("%s cannot be had: %s" % (" ".join(packages), "; ".join(r.stdout.strip().splitlines()[-1:])))
    return [name for name in os.listdir(place) if name.endswith(".deb")]


def kernel_tests():
    """The directory of the kernel's self-tests, of Debian's newest linux-source-*."""
    os.makedirs(CACHE, exist_ok=True)
    with open(CACHE + "/lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        found = sorted(name for name in os.listdir(CACHE) if name.startswith("linux-source-") and name.endswith(".tools"))
        if not found:
            found = [fetch_kernel()]
    return os.path.join(CACHE, found[-1], "testing/selftests")


def fetch_kernel():
    place = os.path.join(CACHE, "kernel.new")
    subprocess.run(["rm", "-rf", place], check=True)
    os.mkdir(place)
    names = subprocess.run(["apt-cache", "pkgnames", "linux-source-"], stdout=subprocess.PIPE, text=True).stdout.split()
    names = sorted(name for name in names if re.fullmatch(r"linux-source-\d+\.\d+", name))
    if not names:
        skip("apt knows no package linux-source-*")
    package = download(place, names[-1])[0]
    wanted = ["%s/tools/%s" % (names[-1], name) for name in ["include", "testing/selftests"]]
    subprocess.run("dpkg-deb --fsys-tarfile %s | tar xO --wildcards '*/%s.tar.xz' | tar xJ --strip-components=2 %s" %
                   (package, names[-1], " ".join(wanted)), shell=True, cwd=place, stderr=subprocess.DEVNULL)
    if not os.path.exists(place + "/testing/selftests/kselftest_harness.h"):
        skip("no self-tests in %s" % package)
    os.unlink(os.path.join(place, package))
    result = package.rpartition("_")[0] + ".tools"
    os.rename(place, os.path.join(CACHE, result))
    return result


class Cases:
    """Prints the lines of a suite's tests; names that occur again get a number."""

    def __init__(self):
        self.names = {}

    def say(self, name, result):
        name = re.sub(r"[^A-Za-z0-9_.+=,/-]+", "-", name.strip()).strip("-") or "unnamed"
        self.names[name] = self.names.get(name, 0) + 1
        if self.names[name] > 1:
            name += "_%d" % self.names[name]
        print("%s: %s" % (name, result), flush=True)
