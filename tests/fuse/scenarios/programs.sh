# SPDX-License-Identifier: GPL-2.0-or-later
# Programs, scripts and shared libraries that lie in the mount; a small program compiled there.
#
# sets: default zero direct noopen
# timeout: 120
set -u

cat >lib.c <<'E'
int answer(void);
int answer(void) { return 42; }
E
cat >main.c <<'E'
#include <stdio.h>
#include <unistd.h>
int answer(void);
int main(int argc, char **argv)
{
	char name[4096];
	ssize_t n = readlink("/proc/self/exe", name, sizeof(name) - 1);
	name[n > 0 ? n : 0] = 0;
	const char *tail = name;
	for (const char *p = name; *p; p++)
		if (p[0] == '/' && p[1] == 'm' && p[2] == 'n' && p[3] == 't' && p[4] == '/')
			tail = p;
	printf("%d, %d arguments, %s, %s\n", answer(), argc, argv[0], tail);
	return 7;
}
E
cc -shared -fPIC -o libanswer.so lib.c && echo "compile-library: ok"
cc -o program main.c -L. -lanswer -Wl,-rpath,'$ORIGIN' && echo "compile-program: ok"
cc -static -o static main.c lib.c && echo "compile-static: ok"
echo "run: $(./program a b); $(./program >/dev/null; echo $?)"
echo "run-static: $(./static)"
echo "run-by-path: $(PATH=$PWD:$PATH; program)"
echo "preload: $(LD_PRELOAD=$PWD/libanswer.so sh -c 'echo ok')"
echo "library-path: $(cp program elsewhere; mkdir -p lib; mv libanswer.so lib/; LD_LIBRARY_PATH=lib ./elsewhere)"
echo "library-gone: $(./program 2>&1 | sed 's/.*: //')"
mv lib/libanswer.so .
echo "loader: $(/lib64/ld-linux-x86-64.so.2 ./program | sed 's/, [^,]*$//')"
printf '#!/bin/sh\necho "script $1"\n' >script
echo "not-executable: $(./script x 2>&1 | sed 's/.*: //')"
chmod +x script
echo "script: $(./script x)"
printf '#!%s\n' "$PWD/static" >through
chmod +x through
echo "interpreter-in-mount: $(./through | sed 's/arguments, .*/arguments/')"
printf 'no magic number\n' >nothing
chmod +x nothing
python3 -c 'import os
try: os.execv("./nothing", ["nothing"])
except OSError as e: print("no-format:", os.strerror(e.errno))'
python3 - <<'E'
import ctypes, mmap, os, subprocess
print("dlopen:", ctypes.CDLL("./libanswer.so").answer())
fd = os.open("static", os.O_RDONLY)
print("fexecve:", subprocess.run(["/proc/self/fd/%d" % fd], pass_fds=[fd], stdout=subprocess.PIPE).stdout.split()[0].decode())
E
cp /bin/sleep sleeper
./sleeper 100 &
PID=$! python3 -c 'import os, time
for i in range(100):
    if os.readlink("/proc/%s/exe" % os.environ["PID"]).endswith("sleeper"): break
    time.sleep(.05)
try:
    os.open("sleeper", os.O_WRONLY)
    print("busy: opened")
except OSError as e:
    print("busy:", os.strerror(e.errno))'
rm sleeper && kill -0 $! && echo "removed-while-running: runs"
kill $!
wait $! 2>/dev/null
mkdir -p package
echo 'value = "imported"' >package/__init__.py
echo "python-import: $(python3 -c 'import package; print(package.value)')"
echo "python-cached: $(env -u PYTHONDONTWRITEBYTECODE python3 -c 'import package; print(package.value)') $(ls package/__pycache__ | wc -l)"
cat >Makefile <<'E'
all: program2
program2: main.o lib.o
	$(CC) -o $@ main.o lib.o
E
echo "make: $(make -s 2>&1; ./program2 | cut -d, -f1)"
echo "make-again: $(make 2>&1 | sed 's/make[^:]*: //')"
touch -d '2001-01-01' lib.o
echo "make-changed: $(make 2>&1 | wc -l)"
rm -rf ./*
