# SPDX-License-Identifier: GPL-2.0-or-later
# Directories by way of a server: sshfs to an sshd on loopback, encfs, and what becomes of a mount whose server dies.
# timeout: 180
. "$(dirname "$0")/../lib.sh"
. "$UMVIEW_SRC/tests/fuse/images.sh"

mkdir mnt
make_tree tree || fail "no tree"

# in_view COMMAND...: server.sh in a view
in_view() {
	out=$(umview -- sh -c 'um_add_service umfuse && exec sh "$@"' sh "$UMVIEW_SRC/tests/fuse/server.sh" "$@" 2>&1) ||
		fail "exit status $?: $out"
	[ -z "$out" ] || fail "$out $(cat sshd.log 2>/dev/null)"
}

if command -v sshfs >/dev/null && [ -x /usr/sbin/sshd ]; then
	ssh-keygen -q -t ed25519 -N '' -f host_key
	ssh-keygen -q -t ed25519 -N '' -f user_key
	cp user_key.pub authorized_keys
	chmod 600 authorized_keys
	port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
	cat >sshd_config <<-END2
		Port $port
		ListenAddress 127.0.0.1
		HostKey $PWD/host_key
		AuthorizedKeysFile $PWD/authorized_keys
		PidFile none
		StrictModes no
		UsePAM no
		Subsystem sftp internal-sftp
	END2
	/usr/sbin/sshd -D -f "$PWD/sshd_config" -E "$PWD/sshd.log" &
	sshd=$!
	trap 'kill $sshd 2>/dev/null' EXIT
	n=0
	until (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || python3 -c "import socket; socket.create_connection(('127.0.0.1', $port))" \
		2>/dev/null; do
		n=$((n + 1))
		[ $n -lt 100 ] || fail "sshd does not answer: $(cat sshd.log)"
		sleep 0.1
	done
	for unmount in umount "fusermount3 -u"; do
		rm -rf remote
		cp -a tree remote
		in_view "$PWD/tree" rw "$unmount" sshfs -f -o IdentityFile="$PWD/user_key" -o StrictHostKeyChecking=no \
			-o UserKnownHostsFile=/dev/null -o IdentityAgent=none -p "$port" "127.0.0.1:$PWD/remote" mnt
		(cd remote && find . -type f -exec cksum {} +) | sort >after
		diff written after || fail "what was written is not there"
	done
	kill $sshd
	wait $sshd
else
	not_tried "there is no sshfs, or no sshd (package openssh-server)"
fi

if command -v encfs >/dev/null; then
	mkdir crypt
	cat >fill.sh <<-'END2'
		um_add_service umfuse || exit 1
		echo secret | encfs -S --standard "$PWD/crypt" "$PWD/mnt" >/dev/null || exit 2
		cp -a tree/. mnt/ || exit 3
		umount mnt || exit 4
	END2
	expect 0 umview -- sh fill.sh
	[ -e crypt/.encfs6.xml ] || fail "encfs has made nothing"
	[ "$(find crypt -type f | wc -l)" -gt 300 ] || fail "not all is there"
	grep -rq "contents of file" crypt && fail "it is not encrypted"
	in_view "$PWD/tree" rw umount encfs -f --extpass="echo secret" "$PWD/crypt" "$PWD/mnt"
else
	not_tried "there is no encfs"
fi

# A server that is killed while its files are in use.
cat >killed.sh <<'END2'
um_add_service umfuse || exit 1
bindfs -f tree mnt &
pid=$!
n=0
until mountpoint -q mnt || [ $n = 100 ]; do n=$((n + 1)); sleep 0.05; done
exec 3<mnt/size1
(cd mnt/dir && exec sleep 1000) &
sleeper=$!
n=0
until [ "$(readlink /proc/$sleeper/cwd)" = "$PWD/mnt/dir" ] || [ $n = 100 ]; do n=$((n + 1)); sleep 0.05; done
kill -9 $pid
wait $pid
cat mnt/size1 2>&1 | sed 's/.*: //'
ls mnt 2>&1 | sed 's/.*: //'
(echo x >mnt/new) 2>&1 | sed 's/.*: //'
ls tree >/dev/null || echo "the host's directory is gone"
exec 3<&-
kill $sleeper
wait $sleeper 2>/dev/null
umount mnt && ls mnt
bindfs tree mnt && cmp tree/size1 mnt/size1 && umount mnt || echo "it cannot be mounted again"
END2
expect 0 umview -- sh killed.sh
equal "of a dead server" "$(printf '%s\n' "$out" | grep -v Killed)" "Transport endpoint is not connected
Transport endpoint is not connected
Transport endpoint is not connected"
