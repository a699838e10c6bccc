# SPDX-License-Identifier: GPL-2.0-or-later
# Secure mode breaks nothing that is not hostile: shells, a package's installation, git, make with a compiler, python, node.
# timeout: 300
. "$(dirname "$0")/../lib.sh"

fresh_dir D
fresh_dir W
cd "$W" || exit 1

secure() {
	umview --secure --cow "$D" "$@"
}

expect 0 secure -- bash -c 'set -e; echo a b c | tr " " "\n" | sort -r | head -n 1 >out; test "$(cat out)" = c
	sleep 60 & kill $!; wait $! || true; (trap "exit 3" USR1; kill -USR1 $BASHPID; sleep 5) || test $? = 3
	cd /usr/share; test "$PWD" = "$(pwd -P)"; exec 5<>/dev/null; umask 027; ulimit -n >&5'

mkdir -p pkg/DEBIAN pkg/usr/bin || exit 1
printf 'Package: umview-test\nVersion: 1\nArchitecture: all\nMaintainer: x <x@example.org>\nDescription: test\n' >pkg/DEBIAN/control
printf '#!/bin/sh\nset -e\ntouch /etc/umview-test\nchown root:adm /etc/umview-test\n' >pkg/DEBIAN/postinst
chmod 755 pkg/DEBIAN/postinst
printf '#!/bin/sh\necho installed\n' >pkg/usr/bin/umview-test
chmod 755 pkg/usr/bin/umview-test
dpkg-deb --root-owner-group -b pkg p.deb >/dev/null || fail "dpkg-deb"
expect 0 secure --su -- sh -c 'dpkg -i p.deb && umview-test && stat -c "%U:%G" /etc/umview-test'
expect_out '^installed$'
expect_out '^root:adm$'
[ ! -e /etc/umview-test ] || fail "the host has the package"

if command -v git >/dev/null; then
	expect 0 secure -- sh -c 'git init -q r && cd r && echo x >f && git add f &&
		git -c user.name=x -c user.email=x commit -qm x && git clone -q . ../r2 && git -C ../r2 log --oneline'
else
	not_tried "git is missing"
fi
if command -v make >/dev/null && command -v cc >/dev/null; then
	printf 'all: a b\n%%: %%.c\n\tcc -o $@ $<\n' >Makefile
	printf '#include <stdio.h>\nint main(void) { return puts("built") < 0; }\n' >a.c
	cp a.c b.c
	expect 0 secure -- sh -c 'make -s -j2 && ./a'
	expect_out '^built$'
else
	not_tried "make or cc is missing"
fi
expect 0 secure -- python3 -c '
import multiprocessing, os, subprocess, tempfile, threading
print(sum(multiprocessing.Pool(2).map(abs, range(-4, 0))))
t = [threading.Thread(target=os.listdir, args=("/",)) for _ in range(20)]
[x.start() for x in t]; [x.join() for x in t]
with tempfile.TemporaryFile() as f:
    f.write(b"x"); os.utime(f.fileno()); os.fchmod(f.fileno(), 0o600)
print(subprocess.run(["sh", "-c", "echo child"], capture_output=True, text=True).stdout)
'
expect_out '^10$'
expect_out '^child$'
if command -v node >/dev/null; then
	expect 0 secure -- node -e 'const fs = require("fs"), http = require("http");
		fs.mkdirSync("n"); fs.writeFileSync("n/f", "x"); fs.renameSync("n/f", "n/g");
		const s = http.createServer((q, r) => r.end("served")).listen(0, "127.0.0.1", () =>
			http.get({ port: s.address().port, host: "127.0.0.1" }, r => r.on("data", d => {
				console.log(String(d)); s.close(); process.exit(0); })));'
	expect_out '^served$'
else
	not_tried "node is missing"
fi
[ "$(ls)" = "$(printf '%s\n' Makefile a.c b.c p.deb pkg)" ] || fail "the host has changed: $(ls)"
