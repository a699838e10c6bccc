# SPDX-License-Identifier: GPL-2.0-or-later
# Two views use one directory of changes at the same time and see each other's changes; a view that is killed at any moment leaves
# a directory that the next one can use.
# timeout: 150
. "$(dirname "$0")/../lib.sh"

fresh_dir D
mkdir tree
for i in 1 2 3 4 5 6 7 8; do echo "lower $i" >tree/f$i; done

cat >work.sh <<'END'
cd tree || exit 1
for i in $(seq 100); do
	echo "$1 $i" >$1.$i || exit 2
	echo more >>f$((i % 8 + 1)) || exit 3
	mkdir $1.d$i && mv $1.$i $1.d$i/moved || exit 4
	[ $((i % 3)) = 0 ] && { rm -r $1.d$i || exit 5; }
done
exit 0
END
umview --cow "$D" -- sh work.sh a >a.log 2>&1 &
one=$!
umview --cow "$D" -- sh work.sh b >b.log 2>&1
second=$?
wait $one || { cat a.log; fail "the first view's work: exit status $?"; }
[ $second = 0 ] || { cat b.log; fail "the second view's work: exit status $second"; }
expect 0 umview --cow "$D" -- sh -c 'cd tree; ls -d a.d* b.d* | wc -l; cat f1 | grep -c more; cat a.d1/moved b.d100/moved'
equal "what a third view sees" "$out" "134
24
a 1
b 100"
equal "the real file" "$(cat tree/f1)" "lower 1"

# Several views begin in one new directory at the same moment.
for i in 1 2 3 4 5 6 7 8 9 10; do
	mkdir new.$i
	for k in 1 2 3; do umview --cow new.$i -- touch tree/x$k >new.$i.$k.log 2>&1 & done
	wait
	equal "files of three views that began at once" "$(cat new.$i.?.log; umview --cow new.$i -- sh -c 'echo tree/x?')" "tree/x1 tree/x2 tree/x3"
done

# One sees at once what the other does.
mkfifo go
umview --cow "$D" -- sh -c 'read x <go; cat tree/late; ls tree | grep -c late' >late.log 2>&1 &
reader=$!
umview --cow "$D" -- sh -c 'echo here >tree/late'
echo now >go
wait $reader
equal "what the older view sees" "$(cat late.log)" "here
1"

# Killed at some moment, many times over.  (Not by the function, whose process would be a shell.)
for i in 1 2 3 4 5 6 7 8 9 10; do
	"$UMVIEW" --norc --cow "$D" -- sh -c 'cd tree; while :; do for f in f*; do cp $f copy.$f; mv copy.$f $f; chmod 600 $f; rm -rf k; mkdir -p k/l; echo x >k/l/m; done; done' 2>/dev/null &
	victim=$!
	sleep 0.$((i % 5 + 1))
	kill -9 $victim
	wait $victim 2>/dev/null
	expect 0 umview --cow "$D" -- sh -c 'cd tree; cat f1 f2 f3 f4 f5 f6 f7 f8 >/dev/null; ls | grep -c "^f[1-8]$"; ls -R k >/dev/null 2>&1; true'
	equal "files after kill $i" "$out" 8
	[ -z "$(ls -A "$D/.umview/work")" ] || fail "a copy-up was left in work/: $(ls -A "$D/.umview/work")"
done
