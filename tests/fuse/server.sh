# SPDX-License-Identifier: GPL-2.0-or-later
# server.sh TREE rw|ro|loose UMOUNT COMMAND...: mount by COMMAND on the directory mnt here, look at it, and unmount it.
#
# The command stays in the foreground.  What is mounted is compared with TREE (loose: its contents only, not links and modes); with rw
# it is written to.  UMOUNT is "umount" or "fusermount3 -u".  Prints what is wrong; nothing if all is well.
set -u
tree=$1 access=$2 unmount=$3
shift 3

timeout -s KILL 100 "$@" </dev/null >server.out 2>&1 &
pid=$!
n=0
until mountpoint -q mnt; do
	n=$((n + 1))
	if [ $n = 200 ] || ! kill -0 $pid 2>/dev/null; then
		echo "it does not mount: $(tail -n 5 server.out)"
		exit 1
	fi
	sleep 0.05
done

listing() {
	(cd "$1" && find . ! -path ./lost+found -printf "$2" | sort)
}
if [ "$access" = loose ]; then
	listing "$tree" '%p %Y\n' >wanted
	listing mnt '%p %Y\n' >got
else
	listing "$tree" '%p %y %m %l\n' | sed 's/^\. d .*/. d/' >wanted
	listing mnt '%p %y %m %l\n' | sed 's/^\. d .*/. d/' >got
fi
diff wanted got >different || { echo "the names differ:"; head -n 10 different; }
(cd "$tree" && find . -type f -exec cksum {} +) | sort >wanted
(cd mnt && find . ! -path ./lost+found -type f -exec cksum {} +) | sort >got
diff wanted got >different || { echo "the contents differ:"; head -n 10 different; }
[ "$(sh mnt/script.sh yes)" = "the script says yes" ] || echo "the script does not run"
[ "$access" = loose ] || mnt/dir/program || echo "the program does not run"
cat mnt/nothing 2>/dev/null && echo "there is what is not there"

if [ "$access" = rw ]; then
	(
		set -e
		cd mnt
		echo new >new
		echo more >>new
		mkdir newdir
		cp size100001 newdir/copy
		echo tail >>newdir/copy
		mv many/file001.txt newdir/moved
		rm many/file002.txt
		rm -r dir
		printf xyz | dd of=size4096 bs=1 seek=100 conv=notrunc 2>/dev/null
		truncate -s 50000 size65536
		truncate -s 5000 size4095
		echo replaced >replacement
		mv replacement size1
		chmod 640 new
	) || echo "it cannot be written"
	(cd mnt && find . ! -path ./lost+found -type f -exec cksum {} +) | sort >written
fi

$unmount mnt || echo "$unmount: $?"
n=0
while kill -0 $pid 2>/dev/null; do
	n=$((n + 1))
	if [ $n = 400 ]; then
		echo "the server does not end"
		kill -9 $pid
	fi
	sleep 0.05
done
wait $pid || echo "the server's exit status: $? $(tail -n 3 server.out)"
[ "$(ls -A mnt)" = "" ] || echo "there are files below the mount: $(ls -A mnt)"
