# SPDX-License-Identifier: GPL-2.0-or-later
# Redirections of shells to and from files of the mount, and tools that people use there.
#
# sets: default zero noopen
# timeout: 120
set -u

# redirections NAME SHELL...: all of them, by one shell
redirections() {
	name=$1
	shift
	# shellcheck disable=SC2016
	"$@" -c '
		name=$0
		echo one >f && echo "$name-new: $(cat f)"
		echo two >>f && echo "$name-append: $(cat f | tr "\n" +)"
		echo x >f && echo "$name-again: $(cat f)"
		: >f; echo "$name-emptied: $(wc -c <f)"
		echo first line >f; echo second >>f
		{ read a; read b; } <f; echo "$name-read: $a, $b"
		exec 3<>f; read a <&3; echo replaced >&3; exec 3>&-; echo "$name-both: $(cat f | tr "\n" +)"
		exec 4>g; echo to four >&4; (echo from a child >&4); exec 4>&-; echo "$name-exec: $(cat g | tr "\n" +)"
		exec 5>>g; exec 6>>g; echo five >&5; echo six >&6; echo five >&5; exec 5>&- 6>&-; echo "$name-two: $(tail -n 3 g | tr "\n" +)"
		cat <<-E >h
			here
		E
		echo "$name-here: $(cat h)"
		{ echo out; echo err >&2; } >both 2>&1; echo "$name-both-outputs: $(cat both | tr "\n" +)"
		set -C; (echo no >f) 2>/dev/null; echo "$name-noclobber: $?"; echo yes >|f; echo "$name-clobber: $(cat f)"; set +C
		(echo x >missing/f) 2>/dev/null; echo "$name-missing: $?"
		(: <nothing) 2>/dev/null; echo "$name-no-file: $?"
		(echo x >.) 2>/dev/null; echo "$name-directory: $?"
		echo "echo from the script: \$1" >script; . ./script >out arg; echo "$name-dot: $(cut -d: -f1 out)"
		printf "a\nb\nc\n" | while read l; do echo "$l" >>loop; done; echo "$name-loop: $(tr "\n" + <loop)"
		echo * >../list.$name; echo "$name-glob: $(cat ../list.$name)"; rm ../list.$name
		rm f g h both out loop script
	' "$name" </dev/null 2>&1
}

mkdir shell && cd shell || exit 1
redirections dash dash
redirections bash bash
redirections busybox busybox sh
cd .. && rmdir shell || echo "left: $(ls shell)"

echo "umask: $(umask 077; echo x >private; stat -c %a private)"
printf 'b\na\nc\n' >lines
sort -o lines lines; echo "sort-in-place: $(tr '\n' + <lines)"
sed 's/b/B/' lines >new && mv new lines; echo "sed: $(tr '\n' + <lines)"
perl -pi -e 's/c/C/' lines 2>/dev/null && echo "perl-in-place: $(tr '\n' + <lines)"
cp lines copy && cmp lines copy && echo "cp: equal"
cp -a lines archived; echo "cp-a: $(stat -c '%a %Y' archived | sed "s/$(stat -c %Y lines)/the same time/")"
cp --sparse=always lines sparse && cmp lines sparse && echo "cp-sparse: equal"
dd if=/dev/zero of=blocks bs=4k count=10 conv=fsync 2>/dev/null; echo "dd: $(stat -c %s blocks)"
dd if=/dev/zero of=blocks bs=1 count=1 seek=100k conv=notrunc 2>/dev/null; echo "dd-seek: $(stat -c %s blocks)"
truncate -s 10 blocks; echo "truncate: $(stat -c %s blocks)"
tee one two <lines >/dev/null; echo "tee: $(cat one two | wc -l)"
install -m 751 lines installed; echo "install: $(stat -c %a installed)"
touch -d '2001-02-03 04:05:06 UTC' installed; echo "touch: $(stat -c %Y installed)"
ln lines hard; echo "ln: $(stat -c %h lines)"
ln -s lines soft; echo "ln-s: $(readlink soft), $(wc -l <soft)"
mkdir -p a/b/c; echo deep >a/b/c/file; echo "find: $(find a | sort | tr '\n' ' ')"
tar cf a.tar a && mkdir x && tar xf a.tar -C x && diff -r a x/a && echo "tar: equal"
gzip -c lines >lines.gz && gunzip -c lines.gz | cmp - lines && echo "gzip: equal"
du -s --apparent-size a >/dev/null && echo "du: ok"
mv a moved && echo "mv: $(cat moved/b/c/file)"
mv lines "$FUSE_OUTSIDE/" && echo "mv-out: $(tr '\n' + <"$FUSE_OUTSIDE/lines")"
mv "$FUSE_OUTSIDE/lines" . && echo "mv-in: $(tr '\n' + <lines)"
(cd moved/b && pwd | sed 's|.*/mnt|MNT|; s/^/pwd: /' && /bin/pwd | sed 's|.*/mnt|MNT|; s/^/bin-pwd: /')
(cd moved/b && cd ../.. && echo "cd-up: $(cat lines | wc -l)")
rm -r moved x && echo "rm-r: $(ls | wc -l)"
rm -rf ./* && echo "empty: $(ls -A | wc -l)"
