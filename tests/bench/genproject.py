#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""genproject.py DIR N: make a C project of N files in DIR: configure, make, make test, make install DESTDIR=."""
import os
import sys

CONFIGURE = """#!/bin/sh
# Finds out a few things with the compiler, as configure scripts do.
prefix=/usr/local
for arg; do case $arg in --prefix=*) prefix=${arg#*=} ;; esac; done
: >config.h
for header in stdio.h stdlib.h string.h unistd.h sys/epoll.h sys/event.h pthread.h no_such_header.h; do
	name=HAVE_$(echo "$header" | tr 'a-z/.' 'A-Z__')
	echo "#include <$header>" >conftest.c
	if ${CC:-cc} -c conftest.c -o conftest.o 2>conftest.err; then echo "#define $name 1" >>config.h; fi
	rm -f conftest.*
done
sed "s|@prefix@|$prefix|" Makefile.in >Makefile
"""

MAKEFILE = """prefix = @prefix@
CC = cc
CFLAGS = -O1 -I.
OBJS = {objs}
all: prog
prog: main.o libparts.a
	$(CC) -o $@ main.o libparts.a
libparts.a: $(OBJS)
	rm -f $@
	ar rcs $@ $(OBJS)
$(OBJS) main.o: parts.h config.h
.c.o:
	$(CC) $(CFLAGS) -c -o $@ $<
test: prog
	./prog {n} | grep -qx 'sum {total}'
clean:
	rm -f *.o *.a prog
install: all
	mkdir -p $(DESTDIR)$(prefix)/bin $(DESTDIR)$(prefix)/lib $(DESTDIR)$(prefix)/include
	install -m 755 prog $(DESTDIR)$(prefix)/bin/prog
	install -m 644 libparts.a $(DESTDIR)$(prefix)/lib/
	install -m 644 parts.h $(DESTDIR)$(prefix)/include/
.PHONY: all test clean install
"""

PART = """#include "config.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "parts.h"

struct item{i} {{ int key; char name[32]; struct item{i} *next; }};
{functions}
int part{i}(int x)
{{
	struct item{i} *list = NULL, *next;
	int sum = 0;

	for (int n = 0; n < 8; n++) {{
		struct item{i} *it = calloc(1, sizeof(*it));

		snprintf(it->name, sizeof(it->name), "item %d", n);
		it->key = f{i}_0(n);
		it->next = list;
		list = it;
	}}
	for (; list; list = next) {{
		next = list->next;
		sum += (int)strlen(list->name) - 5;
		free(list);
	}}
	return x + sum / 8;
}}
"""

FUNCTION = """static int f{i}_{k}(int x)
{{
	char buf[64];

	if (x > {k})
		snprintf(buf, sizeof(buf), "%d of %d", x, {k});
	else
		memset(buf, x, sizeof(buf));
	return {call} + buf[0] % 3;
}}
"""


def main():
    top, n = sys.argv[1], int(sys.argv[2])
    os.makedirs(top)

    def write(name, text, mode=0o644):
        with open(os.path.join(top, name), "w") as f:
            f.write(text)
        os.chmod(os.path.join(top, name), mode)

    write("parts.h", "#pragma once\n" + "".join(f"int part{i}(int x);\n" for i in range(n)))
    for i in range(n):
        functions = [FUNCTION.format(i=i, k=k, call=f"f{i}_{k + 1}(x + 1)" if k < 24 else "x")
                     for k in range(24, -1, -1)]
        write(f"part{i}.c", PART.format(i=i, functions="\n".join(functions)))
    write("main.c", '#include <stdio.h>\n#include <stdlib.h>\n#include "parts.h"\n\nint main(int argc, char **argv)\n'
          "{\n\tint sum = argc > 1 ? atoi(argv[1]) : 0;\n\n" + "".join(f"\tsum = part{i}(sum);\n" for i in range(n)) +
          '\tprintf("sum %d\\n", sum);\n\treturn 0;\n}\n')
    write("Makefile.in", MAKEFILE.replace("{objs}", " ".join(f"part{i}.o" for i in range(n)))
          .replace("{n}", str(n)).replace("{total}", str(2 * n)))
    write("configure", CONFIGURE, 0o755)
    write("config.h", "#define HAVE_STDIO_H 1\n")
    write("Makefile", open(os.path.join(top, "Makefile.in")).read().replace("@prefix@", "/usr/local"))


main()
