# SPDX-License-Identifier: GPL-2.0-or-later
# strace, gdb, valgrind and perf say inside of a view what they say outside, of the host's programs and of the view's own:
# breakpoints, following forks, stopping at exec, attaching, system calls by name.
# timeout: 240
# ptrace: no
. "$(dirname "$0")/../lib.sh"
need_command cc gcc
need_command strace
need_command gdb

cat >prog.c <<'END'
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

int counter;

__attribute__((noinline)) void work(const char *name)
{
	int fd = open(name, O_CREAT | O_RDWR, 0644);
	struct stat st;

	counter++;
	if (write(fd, "text", 4) != 4 || stat(name, &st) != 0)
		exit(3);
	close(fd);
}

__attribute__((noinline)) int in_child(int n)
{
	return n + 1;
}

int main(int argc, char **argv)
{
	char *p = malloc(10);
	int status;

	if (argc > 1 && strcmp(argv[1], "again") == 0) {
		work("again");
		free(p);
		return strstr(argv[0], "prog") != NULL ? 5 : 6;
	}
	if (argc > 1 && strcmp(argv[1], "wait") == 0) {
		while (access("go", F_OK) != 0 && counter < 100)
			usleep(10000);
		free(p);
		return counter >= 100;
	}
	work("one");
	if (fork() == 0) {
		status = in_child(6);
		execl(argv[0], argv[0], "again", (char *)NULL);
		_exit(status);
	}
	wait(&status);
	free(p);
	return WEXITSTATUS(status);
}
END
cc -g -O0 -o prog prog.c || fail "the program cannot be built"

cat >session.sh <<'END'
# $1: a directory of its own
cd "$1" && cp ../prog . || exit 1
unset LINES COLUMNS DEBUGINFOD_URLS
clean() {
	sed -E 's/^\[pid +[0-9]+\] //; s/0x[0-9a-f]+/PTR/g; s/(process|LWP) [0-9]+/\1 N/g; s/Thread ([0-9.]+) "[^"]*"/Thread \1/
		s|[^ ]*/prog|prog|g; s/[0-9]+ vars/N vars/' |
		grep -v 'libthread_db\|Thread debugging\|debuginfod\|^warning\|^$\|Detaching after fork'
}
gdb() { command gdb -nx -q -batch "$@" 2>&1 | clean; }
# traced PID: until it has a tracer
traced() {
	i=0
	until grep -q '^TracerPid:.*[1-9]' "/proc/$1/status" || [ $i -ge 600 ]; do
		i=$((i + 1))
		sleep 0.05
	done
}
echo "--- strace -f"
strace -f -qq -o trace -e trace=write,stat,newfstatat,execve,mkdir -e signal=none ./prog
echo "exit $?"
sed -E 's/^[0-9]+ +//; s/st_[a-z]*time[^,}]*//g; s/\{st_mode=.*\}/{...}/' trace | clean | grep -v '"/etc\|"/lib\|AT_EMPTY_PATH'
echo "--- strace --seccomp-bpf"
strace --seccomp-bpf -f -qq -o trace -e trace=write -e signal=none ./prog 2>/dev/null
echo "exit $?"
sed -E 's/^[0-9]+ +//' trace
echo "--- gdb: breakpoint, finish, variables"
gdb -ex 'break work' -ex run -ex bt -ex 'print name' -ex finish -ex 'print counter' -ex continue ./prog
echo "--- gdb: child, exec"
gdb -ex 'set follow-fork-mode child' -ex 'break in_child' -ex run -ex 'print n' -ex 'catch exec' -ex continue \
	-ex 'break work' -ex continue -ex 'print name' -ex continue ./prog
echo "--- gdb: system calls"
gdb -ex 'catch syscall write' -ex run -ex continue -ex delete -ex continue ./prog | grep -v 'in .*write'
echo "--- gdb attaches"
./prog wait &
gdb -ex 'print counter' -ex 'set var counter = 1000' -ex detach -p $! | grep '^\$'
wait $!
echo "exit $?"
echo "--- strace attaches"
./prog wait &
pid=$!
strace -qq -e trace=access -p $pid 2>trace &
traced $pid
: >go
wait $pid
echo "exit $?"
wait $!
tail -n 1 trace
if command -v valgrind >/dev/null; then
	echo "--- valgrind"
	valgrind -q --error-exitcode=9 --trace-children=yes ./prog 2>&1
	echo "exit $?"
else
	echo "not tried: valgrind is missing"
fi
if command -v perf >/dev/null; then
	echo "--- perf stat"
	perf stat -e task-clock ./prog 2>&1 | grep -c task-clock
else
	echo "not tried: perf is missing"
fi
ls
END

mkdir native plain cow changes
sh session.sh native >native.out 2>&1 || fail "natively: exit status $?"
grep '^not tried: ' native.out
grep -q 'hit Breakpoint 3' native.out || fail "gdb does not work here: $(cat native.out)"
expect 0 umview -- sh -c 'sh session.sh plain >plain.out 2>&1'
expect 0 umview --cow changes -- sh -c 'sh session.sh cow >cow.out 2>&1; cat cow.out'
printf '%s\n' "$out" >cow.out
for mode in plain cow; do
	diff native.out $mode.out >difference || fail "$mode: $(cat difference)"
done
