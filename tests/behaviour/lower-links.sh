# SPDX-License-Identifier: GPL-2.0-or-later
# What the monitor knows about the host's directories is never older than the directories: one that turns into a
# symbolic link, is replaced, removed and made again, or is still open when it is removed, while a view looks at it.
# ptrace: yes
. "$(dirname "$0")/../lib.sh"

mkdir -p t/a/b/c t/elsewhere/c t/other
echo lower >t/a/b/c/file
echo changed-place >t/elsewhere/c/file
mkfifo go done

# The view changes elsewhere/c/file, so a path that leads there by a link must not be left to the kernel.
cat >inside.sh <<'END'
P=$PWD/t/a/b/c/file
echo in-the-view >$PWD/t/elsewhere/c/file || exit 1
while read -r word <go; do
	[ "$word" = end ] && exit 0
	# many looks, so that the directories are known
	i=0
	while [ $i -lt 20 ]; do
		cat "$P" >/dev/null 2>&1
		[ -e "$P" ]
		i=$((i + 1))
	done
	{ cat "$P" 2>&1 || echo; } | sed 's/.*No such/none: No such/' >done
done
END

# ask WHAT WANTED: what the view sees now
ask() {
	echo look >go
	read -r got <done
	equal "$1" "$got" "$2"
}

run() {
	fresh_dir D
	umview "$@" --cow "$D" -- sh inside.sh &
	view=$!
	ask "before" lower
	mv t/a/b t/a/kept
	ln -s ../elsewhere t/a/b
	ask "a directory became a link" in-the-view
	rm t/a/b
	ask "nothing there" "none: No such file or directory"
	mv t/a/kept t/a/b
	ask "the directory is back" lower
	mv t/a t/kept
	ask "a directory above is gone" "none: No such file or directory"
	mkdir -p t/a
	ln -s "$PWD/t/elsewhere" t/a/b
	ask "another one in its place, with a link in it" in-the-view
	rm t/a/b && rmdir t/a
	mv t/kept t/a
	ask "back again" lower
	# removed while somebody works in it, so that it lives on without a name
	mkdir -p t/a/b/c2 t/elsewhere/c2
	echo c2 >t/a/b/c2/file
	sleep 30 <t/a/b/c &
	sleeper=$!
	mv t/a/b/c/file t/other/file
	rmdir t/a/b/c
	ln -s ../../elsewhere/c t/a/b/c
	ask "a link where an open directory was removed" in-the-view
	kill $sleeper
	rm t/a/b/c
	mkdir t/a/b/c
	mv t/other/file t/a/b/c/file
	ask "made again" lower
	# the file itself becomes a link
	mv t/a/b/c/file t/other/file
	ln -s ../../../elsewhere/c/file t/a/b/c/file
	ask "the file became a link" in-the-view
	mv t/other/file t/a/b/c/file
	ask "and a file again" lower
	rm -r t/a/b/c2 t/elsewhere/c2
	echo end >go
	wait $view || fail "the view ended with status $?"
}

run
run --without inotify
