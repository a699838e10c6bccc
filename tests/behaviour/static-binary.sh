# SPDX-License-Identifier: GPL-2.0-or-later
# Static programs in a view: C, and Go where its compiler is; what they do is seen by dynamic ones and the other way round.
# timeout: 180
. "$(dirname "$0")/../lib.sh"
need_command cc gcc

fresh_dir D
cat >prog.c <<'END'
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	char buf[100];
	struct stat st;
	FILE *f = fopen("/etc/umview-static", argc > 1 ? "r" : "w");

	if (!f)
		return 10;
	if (argc > 1) {
		if (!fgets(buf, sizeof(buf), f))
			return 11;
		fputs(buf, stdout);
		return 0;
	}
	fprintf(f, "written by a static program\n");
	fclose(f);
	if (getuid() != 0 || chown("/etc/umview-static", 7, 8) < 0 || stat("/etc/umview-static", &st) < 0)
		return 12;
	printf("%d:%d\n", (int)st.st_uid, (int)st.st_gid);
	fflush(stdout);
	if (fork() == 0) {
		execl(argv[0], argv[0], "read", (char *)NULL);
		_exit(13);
	}
	wait(NULL);
	return 0;
}
END
cc -static -o prog prog.c 2>/dev/null || cc -static-pie -o prog prog.c || fail "cc -static"
expect 0 umview --cow "$D" --su -- ./prog
expect_out '^7:8$'
expect_out '^written by a static program$'
expect 0 umview --cow "$D" -- cat /etc/umview-static
expect_out '^written by a static program$'
[ ! -e /etc/umview-static ] || fail "it is on the host"
# a program that only the view has
expect 0 umview --cow "$D" --su -- sh -c 'cp prog /usr/bin/umview-prog && umview-prog read'
expect_out '^written by a static program$'
expect 0 umview --cow "$D" -- umview-prog read

command -v go >/dev/null || { not_tried "there is no go compiler"; exit 0; }
cat >hello.go <<'END'
package main

import (
	"fmt"
	"os"
	"os/exec"
	"sync"
)

func main() {
	var wg sync.WaitGroup
	for i := 0; i < 50; i++ {
		wg.Add(1)
		go func(i int) {
			defer wg.Done()
			os.WriteFile(fmt.Sprintf("/etc/umview-go-%d", i), []byte("go"), 0644)
		}(i)
	}
	wg.Wait()
	out, err := exec.Command("sh", "-c", "ls /etc/umview-go-* | wc -l").Output()
	fmt.Println("uid", os.Getuid(), "files", string(out), err)
}
END
HOME=$TMPDIR GOFLAGS=-mod=mod CGO_ENABLED=0 go build -o hellogo hello.go || fail "go build"
expect 0 umview --cow "$D" --su -- ./hellogo
expect_out '^uid 0 files 50$'
