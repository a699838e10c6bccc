# SPDX-License-Identifier: GPL-2.0-or-later
# A view inside of a view: it inherits what was mounted before it was born; what it mounts, unmounts, loads and is called
# is its own and that of the views inside of it; what is mounted around it afterwards is not seen; CMD is the process itself.
# ptrace: yes
. "$(dirname "$0")/../lib.sh"

for i in 1 2 3 4; do mkdir "src$i" "m$i"; echo "source $i" >"src$i/f"; done
mkdir -p tree/below
export HERE="$PWD"

cat >bind.sh <<'END'
# bind N: show srcN at mN
bind() { viewmount -t viewfs -o move "$HERE/src$1" "$HERE/m$1"; }
see() { for i in 1 2 3 4; do cat "$HERE/m$i/f" 2>/dev/null || echo "nothing $i"; done | tr '\n' ' '; }
must() { [ "$2" = "$3" ] || { echo "FAILED: $1: got \"$2\", not \"$3\"" >&2; exit 1; }; }
info() { python3 - "$1" <<'PY'
import ctypes, sys
libc = ctypes.CDLL(None, use_errno=True)
reply = ctypes.create_string_buffer(65536)
words = b"view-info\0"
libc.syscall(0x5556, words, len(words), reply, len(reply))
for line in reply.value.decode().splitlines():
    key, value = line.split("\t", 1)
    if key == sys.argv[1]:
        print(value)
PY
}
END

# three levels, each with a mount of its own, made before the next is born
cat >three.sh <<'END'
. "$HERE/bind.sh"
bind 1
must "first level" "$(see)" "source 1 nothing 2 nothing 3 nothing 4 "
umview --name two -- sh -c '
	. "$HERE/bind.sh"
	must "born" "$(see)" "source 1 nothing 2 nothing 3 nothing 4 "
	must "name" "$(viewname)" two
	must "depth" "$(info depth)" 1
	bind 2
	umview --name three -- sh -c ". \"\$HERE/bind.sh\"
		must \"depth\" \"\$(info depth)\" 2
		bind 3
		must \"third level\" \"\$(see)\" \"source 1 source 2 source 3 nothing 4 \"
		exit 33"
	must "status of the third" $? 33
	must "second level" "$(see)" "source 1 source 2 nothing 3 nothing 4 "
	exit 22'
must "status of the second" $? 22
must "back in the first" "$(see)" "source 1 nothing 2 nothing 3 nothing 4 "
must "name" "$(viewname)" one
tries=0
while [ "$(info nodes)" != 1 ] || [ "$(info "mounts of all")" != 1 ]; do
	tries=$((tries + 1))
	[ $tries -lt 200 ] || { echo "FAILED: nodes: $(info nodes), mounts: $(info "mounts of all")"; exit 1; }
	sleep 0.05
done
END
expect 0 umview --name one -p viewfs -- sh three.sh

# epochs: what is mounted around it afterwards is not seen, and what is unmounted there stays
cat >epochs.sh <<'END'
. "$HERE/bind.sh"
bind 1
bind 2
mkfifo go gone
umview -- sh -c '
	. "$HERE/bind.sh"
	echo >gone; cat go >/dev/null
	must "after it was born" "$(see)" "source 1 source 2 nothing 3 nothing 4 "
	viewumount "$HERE/m1"
	must "unmounted" "$(see)" "nothing 1 source 2 nothing 3 nothing 4 "
	umview -- sh -c ". \"\$HERE/bind.sh\"; must inherited \"\$(see)\" \"nothing 1 source 2 nothing 3 nothing 4 \"" || exit 1
	viewmount -o remount,ro "$HERE/m2"
	sh -c "echo more >>\"$HERE/m2/f\"" 2>/dev/null && { echo "FAILED: written"; exit 1; }
	echo >gone; cat go >/dev/null
	exit 0' &
cat gone >/dev/null
bind 3
viewumount "$HERE/m2"
must "the outer one" "$(see)" "source 1 nothing 2 source 3 nothing 4 "
bind 2
echo >go; cat gone >/dev/null
must "not touched" "$(see)" "source 1 source 2 source 3 nothing 4 "
echo more >>"$HERE/m2/f" || exit 1
must "written" "$(cat "$HERE/src2/f" | tr '\n' ' ')" "source 2 more "
echo >go
wait $!
must "status" $? 0
must "binds of the host directory" "$(viewmount | grep -c " type viewfs ")" 3
END
expect 0 umview -p viewfs -- sh epochs.sh

# what is left running keeps the view alive, and its mounts
cat >left.sh <<'END'
. "$HERE/bind.sh"
mkfifo stay
umview --name left -- sh -c '
	. "$HERE/bind.sh"; bind 4
	sh -c "cat stay >/dev/null; cat \"$HERE/m4/f\" >said" & exit 0'
must "alive" "$(info nodes) $(info "mounts of all")" "2 1"
umview --enter left -- sh -c 'cat "$HERE/m4/f"' >entered || exit 1
must "entered" "$(cat entered)" "source 4"
umview -- umview --enter left true 2>/dev/null && { echo "FAILED: a way out"; exit 1; }
echo >stay
tries=0
while [ "$(info nodes)" != 1 ] || [ "$(info "mounts of all")" != 0 ]; do
	tries=$((tries + 1))
	[ $tries -lt 200 ] || { echo "FAILED: nodes: $(info nodes), mounts: $(info "mounts of all")"; exit 1; }
	sleep 0.05
done
must "said" "$(cat said)" "source 4"
END
expect 0 umview -p viewfs -- sh left.sh

# services
cat >services.sh <<'END'
. "$HERE/bind.sh"
um_add_service viewfs
umview -- sh -c '
	. "$HERE/bind.sh"
	must inherited "$(um_ls_service)" viewfs
	um_del_service viewfs 2>err && exit 1
	grep -q "view around" err || { cat err; exit 1; }
	um_add_service viewfs || exit 1
	um_add_service viewfs 2>err && exit 1
	grep -q "already" err || { cat err; exit 1; }
	bind 1
	um_del_service viewfs 2>/dev/null && exit 1
	viewumount "$HERE/m1"
	um_del_service viewfs || exit 1
	must "still inherited" "$(um_ls_service)" viewfs
	exit 0' || exit 1
tries=0
until um_del_service viewfs 2>err; do
	tries=$((tries + 1))
	[ $tries -lt 200 ] || { cat err; exit 1; }
	sleep 0.05
done
umview -p viewfs -- um_ls_service | grep -q viewfs || exit 1
must "its own" "$(um_ls_service)" ""
END
expect 0 umview -- sh services.sh

# options: what the outer view decides is refused with the option named
expect 125 umview -- umview --norc --secure true
expect_out 'secure'
expect 125 umview -- umview --norc --trace true
expect_out 'trace.*outermost'
expect 125 umview -- umview --norc --without openat2 true
expect_out 'without'
expect 125 umview --name here -- umview --norc --name here true
expect_out 'has that name'
expect 125 umview -- umview --norc --mount viewfs,move:/nowhere/at/all:/mnt true
expect_out '/nowhere/at/all'
expect 127 umview -- umview --norc nowhere.to.be.found
expect_out 'nowhere.to.be.found'
expect 0 umview --secure -- umview --norc --secure -p viewfs -m "viewfs,move:$PWD/src1:$PWD/m1" cat m1/f
expect_out 'source 1'
expect 0 umview -- umview --norc --modules viewfs um_add_service viewfs
expect 1 umview -- umview --norc --modules viewfs um_add_service other
expect_out 'modules'
expect 0 umview -- umview --norc --su id -u
equal "root inside" "$out" 0
expect 0 umview --su -- sh -c 'hostname one; umview --norc hostname two; hostname'
equal "host's name" "$out" one
printf 'preload viewfs\nmount viewfs,move:%s:%s\n' "$PWD/src2" "$PWD/m2" >rc
expect 0 umview -- umview --rc rc cat m2/f
expect_out 'source 2'

# umview --list shows them with the names of those around them, and --enter takes name, path and number, from outside too
name=list$$
mkfifo up down
umview --name "$name" -p viewfs -- sh -c '
	. "$HERE/bind.sh"
	umview --name in'"$$"' -- sh -c ". \"\$HERE/bind.sh\"; bind 1; echo >up; cat down >/dev/null"' &
cat up >/dev/null
expect 0 umview --list
expect_out "^$name/in$$ .*  sh -c .*HERE/bind"
expect_out "^$name "
expect 0 umview --list --json
expect_out "\"path\": \"$name/in$$\""
expect 0 umview --enter "in$$" -- cat m1/f
expect_out 'source 1'
expect 0 umview --enter "$name/in$$" -- sh -c 'cat m1/f; viewname'
expect_out "^in$$"
expect !0 umview --enter "$name" -- cat m1/f
echo >down
wait $! || fail "the view of --list"
