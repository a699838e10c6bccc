# SPDX-License-Identifier: GPL-2.0-or-later
# With RLIMIT_NOFILE at 64 a view works, and a program that uses up its descriptors gets EMFILE as it would outside.
. "$(dirname "$0")/../lib.sh"
need_command python3 python3

fresh_dir D
cat >work.sh <<'END'
set -e
[ "$(ulimit -n)" = 64 ]
mkdir -p many
for i in $(seq 200); do echo $i >many/$i; done
[ "$(ls many | wc -l)" = 200 ]
cat many/* | wc -l
find /etc 2>/dev/null | wc -l
for i in $(seq 40); do (cd many; cat $i; sleep 1) & done >/dev/null
wait
rm -r many
END
cat >emfile.py <<'END'
import errno, os
fds = []
try:
    while len(fds) < 1000:
        fds.append(os.open("/etc/passwd", os.O_RDONLY))
except OSError as e:
    print(errno.errorcode[e.errno], max(fds))
for fd in fds:
    os.close(fd)
print(open("/etc/passwd").readline()[:4])
END
ulimit -n 64
expect 0 umview --cow "$D" -- sh work.sh
expect 0 umview --cow "$D" --su -- sh work.sh
expect 0 umview -- sh -c 'ulimit -n'
expect_out '^64$'
# opened by the kernel, and by the monitor (a copied-up file)
expect 0 umview --cow "$D" -- python3 emfile.py
expect_out '^EMFILE 63$'
expect_out '^root$'
expect 0 umview --cow "$D" --su -- sh -c 'echo "x:x:99:99::/:" >>/etc/passwd; python3 emfile.py'
expect_out '^EMFILE 63$'
expect_out '^root$'
exit 0
