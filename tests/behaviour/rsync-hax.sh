# SPDX-License-Identifier: GPL-2.0-or-later
# rsync -aHAX in a view of root's: hard links, ACLs, xattrs and owners arrive.
# ptrace: yes
. "$(dirname "$0")/../lib.sh"
need_command rsync rsync
need_command setfacl acl
need_command setfattr attr

fresh_dir D
cat >work.sh <<'END'
set -e
mkdir from from/sub
echo a >from/a; ln from/a from/sub/a2
chown daemon:games from/a; chmod 4750 from/a
setfacl -m u:games:rw,g:mail:r from/sub
setfacl -d -m u:games:rwx from/sub
echo b >from/sub/b
setfattr -n user.colour -v green from/sub/b
setfattr -n trusted.secret -v yes from/sub/b
setfattr -n security.umview -v label from/a
mknod from/dev c 1 3
mkfifo from/fifo
ln -s a from/link
touch -h -d '2001-02-03 04:05:06.789 UTC' from/* from/sub/*
rsync -aHAX --numeric-ids from/ to/
[ "$(stat -c %i to/a)" = "$(stat -c %i to/sub/a2)" ]
list() { (cd "$1"; find . -printf '%p %y %m %U:%G %n %l %T@\n' | sort; getfacl -R -p -n . ; getfattr -R -h -d -m - . 2>/dev/null) | sed 's/^. d .*//'; }
list from >list.from; list to >list.to
diff list.from list.to >differs || { cat differs; exit 1; }
grep -q '^user:5:rw-' list.to
grep -q '^default:user:5:rwx' list.to
grep -q '^user.colour="green"' list.to
grep -q '^trusted.secret="yes"' list.to
grep -q '^security.umview="label"' list.to
[ -z "$(rsync -aHAXn --numeric-ids --itemize-changes from/ to/)" ]
END
expect 0 umview --cow "$D" --su -- sh work.sh
expect 0 umview --cow "$D" --su -- getfattr -n trusted.secret --only-values to/sub/b
expect_out '^yes'
[ ! -e from ] || fail "from is on the host"
