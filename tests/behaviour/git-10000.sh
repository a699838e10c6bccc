# SPDX-License-Identifier: GPL-2.0-or-later
# git in a view: a repository with 10 000 files is made, cloned, committed to, looked at and packed.
# timeout: 900
. "$(dirname "$0")/../lib.sh"
need_command git git

fresh_dir D
cat >work.sh <<'END'
set -e
export HOME=$TMPDIR GIT_CONFIG_GLOBAL=/dev/null
g() { git -c user.name=me -c user.email=me@localhost -c gc.auto=0 -c advice.detachedHead=false "$@"; }
g init -q origin
cd origin
for d in $(seq 100); do
	mkdir d$d
	for f in $(seq 100); do echo "$d $f" >d$d/f$f; done
done
g add .
g commit -q -m first
cd ..
g clone -q origin copy
cd copy
[ -z "$(g status --porcelain)" ]
echo changed >>d1/f1
rm d2/f2
g mv d3/f3 d3/g3
echo new >new
[ "$(g status --porcelain | wc -l)" = 4 ]
g add -A
g commit -q -m second
[ -z "$(g status --porcelain)" ]
g push -q origin HEAD:refs/heads/other
g gc -q
g fsck --full
[ "$(g ls-files | wc -l)" = 10000 ]
g checkout -q HEAD~1
[ "$(cat d2/f2)" = "2 2" ]
END
expect 0 umview --cow "$D" -- sh work.sh
[ ! -e origin ] && [ ! -e copy ] || fail "the repositories are on the host"
# a later run: what was cached of the tree (inode numbers, times) still holds, so git need not look into the files
expect 0 umview --cow "$D" -- sh -ec 'cd copy; [ -z "$(git -c safe.directory="*" status --porcelain)" ];
	git -c safe.directory="*" diff-files --quiet'
