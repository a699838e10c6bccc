# SPDX-License-Identifier: GPL-2.0-or-later
# A C project is configured, compiled with make -j2, tested and installed to /usr/local in a view.
# timeout: 180
. "$(dirname "$0")/../lib.sh"
need_command cc gcc
need_command make make
need_command python3 python3

host_snapshot before
fresh_dir D
python3 "$UMVIEW_SRC/tests/bench/genproject.py" "$TMPDIR/project" 40 || fail "genproject.py"
expect 0 umview --cow "$D" --su -- sh -ec 'cd project && ./configure && make -j2 && make test && make install'
[ ! -e project/prog ] || fail "the program is in the real directory"

# a later run has it, and the compiler finds what was installed
expect 0 umview --cow "$D" -- prog 2
expect_out '^sum 42$'
expect 0 umview --cow "$D" --su -- stat -c %U:%G /usr/local/bin/prog /usr/local/lib/libparts.a
expect_out '^root:root$'
expect 0 umview --cow "$D" -- sh -ec 'cd /tmp && mkdir use.$$ && cd use.$$ && cp '"$TMPDIR"'/project/main.c . &&
	cc -o use main.c -lparts && ./use 1'
expect_out '^sum 41$'
# nothing to be done: times are right
expect 0 umview --cow "$D" -- make -C project
expect_out 'Nothing to be done'
host_untouched before
