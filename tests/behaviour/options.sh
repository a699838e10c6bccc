# SPDX-License-Identifier: GPL-2.0-or-later
# Options, the start-up file, --list, --enter, --doctor, and the switches of kernel features.
# as: both
# ptrace: yes
. "$(dirname "$0")/../lib.sh"

expect 0 "$UMVIEW" --version
expect_out '^umview [0-9]'
expect 0 "$UMVIEW" --help
for o in cow su mount preload modules secure trace stats rc norc enter name list doctor json tracer without version help; do
	expect_out "^ .*--$o"
done

echo "--- wrong options say what is wrong"
wrong() {
	_words=$1
	shift
	expect 125 "$UMVIEW" "$@"
	expect_out "^umview: .*$_words"
}
wrong '--cow needs an argument' -n --cow
wrong '-Q' -n -Q
wrong '--su takes no argument' -n --su=yes true
wrong 'TYPE' -n -m viewfs true
wrong 'no such tracer' -n --tracer magic true
wrong 'sync_wake_up' -n --without magic true
wrong 'a name has' -n --name 'a b' true
wrong 'goes with' -n --json true
wrong 'does not go with --enter' --enter x --secure true
wrong 'no running view' --enter no-such-view true
wrong 'there is no such module' -n --modules no_such_module true
wrong '--enter "": there is no running view' --enter '' true
wrong '--tracer "": there is no such tracer' -n --tracer '' true

echo "--- what contradicts: both are named"
contradict() {
	_one=$1
	_other=$2
	shift 2
	wrong "$_one.* does not go with $_other" "$@"
}
contradict '--tracer unotify' '--without listener' -n --tracer unotify --without listener true
contradict '--tracer ptrace' '--without ptrace' -n --without ptrace --tracer ptrace true
contradict '--without listener' '--without ptrace: there is no other tracer' -n --without ptrace --without listener true
contradict --cow --list --list --cow a
contradict --cow --list --cow a --list
contradict --doctor --list --doctor --list
contradict --su --doctor --doctor --su
contradict --stats --list --list --json --stats
contradict --version --list -V --list
contradict --list --enter --list --enter x
contradict --version --enter --enter x --version
contradict --norc '--rc no_such_file' -n -f no_such_file true
contradict --rc --enter -f no_such_file --enter x true
wrong 'x: --list, --doctor and --version take no arguments' -V x
expect 0 "$UMVIEW" --cow a --list --help # a question is no contradiction
expect_out '^usage: umview'
[ ! -e a ] || fail "--help made the directory of --cow"

echo "--- the start-up file"
cat >rc <<-END
	# a comment

	name from-the-file   # the view's
	without openat2
	stats
END
# shellcheck disable=SC2016
expect 0 "$UMVIEW" -f rc sh -c 'echo name $UMVIEW_NAME'
expect_out '^name from-the-file'
mkdir -p config/umview
cp rc config/umview/rc
# shellcheck disable=SC2016
expect 0 env XDG_CONFIG_HOME="$PWD/config" "$UMVIEW" sh -c 'echo name $UMVIEW_NAME'
expect_out '^name from-the-file'
# shellcheck disable=SC2016
expect 0 env XDG_CONFIG_HOME="$PWD/config" "$UMVIEW" -n --name other sh -c 'echo name $UMVIEW_NAME'
expect_out '^name other'
# shellcheck disable=SC2016
expect 0 env XDG_CONFIG_HOME="$PWD/config" "$UMVIEW" --name other sh -c 'echo name $UMVIEW_NAME'
expect_out '^name other'
echo "--- paths: ~ is HOME where no shell has seen it; a start-up file's relative ones begin where it lies"
mkdir -p home rcdir/from-file elsewhere
echo seen >rcdir/from-file/f
HOME=$PWD/home
export HOME
cat >rcdir/rc <<-'END'
	mount viewfs,move:from-file:/mnt
	cow ~/changes
	trace ~/trace
END
for rc in "$PWD/rcdir/rc" ../rcdir/rc; do
	rm -rf home/*
	expect 0 sh -c "cd elsewhere && exec '$UMVIEW' -f '$rc' sh -c 'cat /mnt/f; echo x >new'"
	expect_out '^seen$'
	[ -f "home/changes$PWD/elsewhere/new" ] || fail "~/changes was not used: $(ls home elsewhere)"
	[ -s home/trace ] || fail "~/trace was not written"
done
# shellcheck disable=SC2088
mkdir home/plain
expect 0 "$UMVIEW" -n --cow=~/other --mount viewfs,move:~/plain:/mnt true
[ -d home/other ] && [ ! -e '~' ] || fail "--cow=~/other: $(ls -d '~' home/*)"
rm -rf home/other
expect 0 "$UMVIEW" -n --cow=~/other --su sh -c 'echo x >/new' # --su changes HOME, but not whose the option was
[ -f home/other/new ] || fail "--cow=~/other --su: $(ls -d '~' home/*)"
expect 125 env -u HOME "$UMVIEW" -n --cow=~/other true
expect_out 'HOME is not set'
ln -s rcdir/rc rc.link # where the name lies, not what it leads to: as the user sees it
wrong 'from-file' -f rc.link true

rc_wrong() {
	printf '# first\n%s\n' "$2" >rc
	wrong "rc:2: $1" -f rc true
}
rc_wrong 'unknown option "colour"' 'colour red'
rc_wrong 'write: cow ARGUMENT, without "=" or quotes: = x' 'cow = x'
rc_wrong 'write: cow ARGUMENT, without "=" or quotes: "a b"' 'cow "a b"'
printf 'name with-cr\r\nsu\r\n' >rc # from another system
# shellcheck disable=SC2016
expect 0 "$UMVIEW" -f rc sh -c 'echo "$UMVIEW_NAME $(id -u)"'
expect_out '^with-cr 0$'
if [ "$(id -u)" != 0 ]; then
	echo su >config/umview/rc
	chmod 0 config/umview/rc
	expect 125 env XDG_CONFIG_HOME="$PWD/config" "$UMVIEW" true
	expect_out 'config/umview/rc: Permission denied'
	chmod 0 config/umview
	expect 0 env XDG_CONFIG_HOME="$PWD/config" "$UMVIEW" true
	chmod 700 config/umview
fi
rc_wrong '"preload" needs an argument' 'preload'
rc_wrong '"su" takes no argument' 'su now'
rc_wrong '"enter" belongs on the command line' 'enter x'
rc_wrong 'mount a:b' 'mount a:b'
wrong 'no_such_file: No such file' -f no_such_file true

echo "--- doctor"
# inside of a view it speaks of views inside of that one
expect 0 "$UMVIEW" -n --name around -- "$UMVIEW" --doctor
expect_out '^ok *view *.*inside of view around'
expect_out "^ok *tracer *${UMVIEW_TEST_TRACER:-unotify}"
expect_out '^A view can be started here, inside of this one'
printf '%s\n' "$out" | grep -q '^FAILS\|^missing' && fail "false findings inside of a view"
"$UMVIEW" -n --name around -- "$UMVIEW" --doctor --json | python3 -c 'import json, sys
d = {x["what"]: x for x in json.load(sys.stdin)}
assert d["depth"]["found"].startswith("1 of 32"), d' || fail "--doctor --json inside of a view"
expect 0 "$UMVIEW" --doctor
[ -n "$UMVIEW_TEST_TRACER" ] || expect_out '^ok *seccomp listener'
expect_out 'A view can be started here'
"$UMVIEW" --doctor --json | python3 -c 'import json, os, sys
d = {x["what"]: x for x in json.load(sys.stdin)}
wanted = "missing" if os.environ["UMVIEW_TEST_TRACER"] else "ok"
assert d["seccomp listener"]["verdict"] == wanted and d["ptrace tracer"]["verdict"] == "ok", d' || fail "--doctor --json"

echo "--- each feature can be switched off"
for f in sync_wake_up wait_killable openat2 pidfd_getfd process_vm ptrace; do
	[ "$f" != "$UMVIEW_TEST_TRACER" ] || continue # it works with that
	expect 3 umview --without $f -- sh -c 'ls / >/dev/null && exit 3'
done
expect 3 umview --without sync-wake-up --without wait-killable --without pidfd-getfd --without openat2 \
	--without process-vm -- sh -c 'ls / >/dev/null && exit 3'

echo "--- list and enter"
mkfifo hold
umview --name first --linger -- sh -c 'echo up >started; read x <hold' &
i=0
until [ -s started ] || [ $i -gt 100 ]; do
	sleep 0.05
	i=$((i + 1))
done
expect 0 "$UMVIEW" --list
expect_out '^first .* sh -c '
"$UMVIEW" --list --json | python3 -c 'import json, sys
v = [x for x in json.load(sys.stdin) if x["name"] == "first"]
assert len(v) == 1 and v[0]["processes"] == 1 and v[0]["tracer"] in ("unotify", "ptrace"), v' || fail "--list --json"
wrong 'has that name' -n --name first true
# shellcheck disable=SC2016
expect 1 "$UMVIEW_BUILD/um_attach" $$
expect_out 'um_attach: not in a view'
expect 0 "$UMVIEW_BUILD/um_attach" --help
expect_out 'Usage: um_attach'
expect 0 "$UMVIEW_BUILD/um_attach" --version
expect_out '^um_attach (umview) [0-9]'
expect 0 env PATH=/usr/bin:/bin "$UMVIEW" -n --preload viewfs -- um_ls_service # its own commands are found
expect_out viewfs
for what in --help --version --doctor; do
	"$UMVIEW" $what >/dev/full 2>err && fail "$what to a full device: exit status 0"
	grep -q 'standard output' err || fail "$what to a full device: $(cat err)"
done
wrong 'take no arguments' --list surplus
# shellcheck disable=SC2016
expect 6 "$UMVIEW" --enter first -- sh -c 'echo in $UMVIEW_NAME, $(pwd); exit 6'
expect_out "^in first, $PWD"
expect 127 "$UMVIEW" --enter first -- no-such-command
equal "stdin" "$(echo through | "$UMVIEW" -E first cat)" through
pid=$("$UMVIEW" --list | awk '$1 == "first" { print $2 }')
expect 0 "$UMVIEW" --enter "$pid" -- true
"$UMVIEW" --enter first -- sleep 66.6 &
sleep 0.5
"$UMVIEW" --list | grep -q '^first ' || fail "entering ended the view"
kill -9 "$pid"
wait
n=0
while [ -n "$(processes_of 'sleep 66.6')" ] && [ $n -lt 20 ]; do # a second
	sleep 0.05
	n=$((n + 1))
done
[ -z "$(processes_of 'sleep 66.6')" ] || fail "what entered outlives the view"
expect 0 "$UMVIEW" --list
! printf '%s\n' "$out" | grep -q '^first ' || fail "a dead view is listed"
mkdir -p open/umview && chmod 755 open/umview # a directory for sockets that others can reach into is not taken
for unusable in "" "$PWD/open" /nowhere; do
	expect 0 env XDG_RUNTIME_DIR="$unusable" "$UMVIEW" -n --name "second$$" -- umview --list
	expect_out "^second$$ "
done

echo "--- list: inside of a secure view, and of views whose CMD has ended"
# shellcheck disable=SC2016
umview --name secret -s -- sh -c '"$UMVIEW" --list; "$UMVIEW" --name within "$UMVIEW" --list --json' >list
grep -q '^secret .* sh -c ' list || fail "a secure view does not list itself: $(cat list)"
sed 1,2d list | python3 -c 'import json, sys
v = json.load(sys.stdin)
assert [x["path"] for x in v] == ["secret/within"] and v[0]["ended"] is False, v' || fail "--list --json in a secure view"
umview --name stays -- sh -c 'echo >inner-up; read x <hold' &
until [ -e inner-up ]; do sleep 0.05; done
expect 0 umview -s -- "$UMVIEW" --list # it may not speak to others: they are not dead for that
expect 0 "$UMVIEW" --list
expect_out '^stays '
echo >hold
wait
umview --name lingers --linger -- sh -c 'read x <hold & : >cmd-ended' &
until "$UMVIEW" --list | grep -q '^lingers .* (ended) sh -c '; do
	i=$((i + 1))
	[ $i -lt 600 ] || fail "CMD's end is not shown: $("$UMVIEW" --list)"
	sleep 0.05
done
"$UMVIEW" --list --json | python3 -c 'import json, sys
assert [x["ended"] for x in json.load(sys.stdin) if x["name"] == "lingers"] == [True]' || fail "--list --json: ended"
echo >hold
wait

echo "--- trace and stats"
expect 0 umview --trace=trace --stats -- ls /
expect_out 'execve'
grep -q execve trace || fail "no execve in the trace"
