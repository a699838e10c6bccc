/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes the manual page umview-syscalls(7) from the system call table.  Run when umview is built; it needs the rows,
 * and none of the operations.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rows.h"

struct entry {
	struct um_syscall row;
	const char *op;         /* name of the operation; "call_..." if there is one */
};

#define UM_ROW(number, string, operation, ...)                                                           \
	[UM_SLOT(number)] = { { .nr = number, .name = string, __VA_ARGS__ }, #operation },

static const struct entry entries[UM_NSLOTS] = {
#include "rows-files.def"
#include "rows-process.def"
#include "rows-system.def"
};

static const struct {
	const char *name, *text;
} classes[] = {
	[UM_CLASS_PATH] = { "path", "Paths and directories." },
	[UM_CLASS_DESC] = { "desc", "Attributes of open files." },
	[UM_CLASS_IO] = { "io", "Data of open files." },
	[UM_CLASS_SOCK] = { "sock", "Addresses and credentials of sockets." },
	[UM_CLASS_IDS] = { "ids", "Users, groups, capabilities, signals to others, and what only root may do." },
	[UM_CLASS_TIME] = { "time", "Clocks." },
	[UM_CLASS_NAME] = { "name", "The names of the system." },
	[UM_CLASS_PROC] = { "proc", "Attributes of processes.  In every view." },
	[UM_CLASS_DENY] = { "deny", "Not offered in a view: the call fails with ENOSYS.  In every view." },
	[UM_CLASS_OUT] = { "out", "May reach what is not the view\'s.  In secure mode only; else the kernel\'s." },
	[UM_CLASS_NEVER] = { "never", "The kernel's in every view; costs nothing." },
};

static void print_condition(const struct um_when *when, const char *before)
{
	unsigned arg = when->arg + 1;

	if (when->test == UM_ALWAYS)
		return;
	if (when->value == UM_CARRIER) {
		printf("%sargument %u is the limit that carries the state", before, arg);
		return;
	}
	switch ((enum um_test)when->test) {
	case UM_ALWAYS:
		break;
	case UM_IF_EQ:
		printf("%sargument %u is %#llx", before, arg, (unsigned long long)when->value);
		break;
	case UM_IF_NE:
		printf("%sargument %u is not %#llx", before, arg, (unsigned long long)when->value);
		break;
	case UM_IF_ANY:
		printf("%sargument %u has a bit of %#llx", before, arg, (unsigned long long)when->value);
		break;
	case UM_IF_NONE:
		printf("%sargument %u has no bit of %#llx", before, arg, (unsigned long long)when->value);
		break;
	}
}

/* Who serves a call that is trapped. */
static void print_server(const struct entry *entry)
{
	if (entry->row.deny != 0)
		printf("nobody: %s", entry->row.deny == ENOSYS ? "ENOSYS" : "EPERM");
	else if (entry->row.cls == UM_CLASS_NEVER)
		printf("kernel");
	else if (strncmp(entry->op, "call_", 5) == 0)
		printf("umview (%s)", entry->op + 5);
	else
		printf("kernel, or a module");
	print_condition(&entry->row.when[0], "; only if ");
	print_condition(&entry->row.when[1], entry->row.when[1].or ? " or " : " and ");
	if (entry->row.wide)
		printf("; always in secure mode");
}

static int by_name(const void *a, const void *b)
{
	const struct entry *const *x = a, *const *y = b;

	return strcmp((*x)->row.name, (*y)->row.name);
}

static void print_class(unsigned cls)
{
	const struct entry *list[UM_NSLOTS];
	size_t n = 0;

	for (size_t i = 0; i < UM_NSLOTS; i++)
		if (entries[i].row.name && entries[i].row.cls == cls)
			list[n++] = &entries[i];
	if (n == 0)
		return;
	qsort(list, n, sizeof(list[0]), by_name);
	printf(".SS Class %s\n%s\n.PP\n.TS\ntab(|);\nlb lb lb\nl r lx.\nCall|Number|Served by\n", classes[cls].name,
	       classes[cls].text);
	for (size_t i = 0; i < n; i++) {
		printf("%s|%d|T{\n", list[i]->row.name, list[i]->row.nr);
		print_server(list[i]);
		printf("\nT}\n");
	}
	printf(".TE\n");
}

int main(void)
{
	static const unsigned order[] = {
		UM_CLASS_PATH, UM_CLASS_DESC, UM_CLASS_IO,   UM_CLASS_SOCK, UM_CLASS_IDS,
		UM_CLASS_TIME, UM_CLASS_NAME, UM_CLASS_PROC, UM_CLASS_DENY, UM_CLASS_OUT,
		UM_CLASS_NEVER,
	};

	printf("'\\\" t\n.\\\" SPDX-License-Identifier: GPL-2.0-or-later\n"
	       ".\\\" Made from the system call table (monitor/syscall); changes belong there.\n"
	       ".TH UMVIEW-SYSCALLS 7 \"\" umview umview\n"
	       ".SH NAME\numview-syscalls \\- system calls in a view\n"
	       ".SH DESCRIPTION\n"
	       "Each system call of Linux belongs to one class, and a view traps the classes that its modules may\n"
	       "need.\n"
	       "A trapped call is answered by umview, by one of its operations, which asks the module that owns the\n"
	       "object in question;\n"
	       "where no module owns it the kernel performs the call as if there were no view.\n"
	       "Calls of other classes are the kernel's and cost nothing.\n"
	       ".PP\n"
	       "In the tables,\n"
	       ".I kernel\n"
	       "is a call that umview does not see,\n"
	       ".I umview\n"
	       "one that it decides, by the operation in parentheses: what the view has made or changed is served by\n"
	       "umview, and everything else is left to the kernel.\n"
	       ".I nobody\n"
	       "is a call that fails with the error given.\n"
	       "A condition on an argument says that calls for which it does not hold are the kernel's.\n"
	       ".PP\n"
	       "Numbers that are not listed here are left to the kernel; in secure mode they fail with ENOSYS, and\n"
	       "so does\n"
	       ".BR clone3 (2).\n"
	       "All 32-bit calls (i386, x32) fail with ENOSYS.\n"
	       ".SH CLASSES\n.ad l\n");
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		print_class(order[i]);
	printf(".SH SEE ALSO\n.BR umview (1),\n.BR syscalls (2),\n.BR seccomp (2)\n");
	return ferror(stdout) || fflush(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}
