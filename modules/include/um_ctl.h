/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control call: how a command inside a view speaks to its monitor.
 *
 * It is a system call with a number that no kernel uses.  Outside of a view the kernel answers ENOSYS.
 * A request is a sequence of NUL-terminated words ("service-add\0viewfs\0"); the first is the verb.
 *
 *	service-add NAME		load a module (um_add_service)
 *	service-del NAME		unload it (um_del_service); EBUSY while it is in use
 *	service-list [-l]		reply: a line "NAME\tDESCRIPTION\n" for each loaded module
 *	view-name [NAME]		give the view a name; reply: its name
 *	view-info			reply: lines "KEY\tVALUE\n": name, pid, tracer, services, mounts, epoch, depth...
 *	mount SOURCE TARGET TYPE FLAGS OPTIONS	mount(2), for where a container's filter refuses that call itself; FLAGS
 *					is a decimal number of MS_*, unused words are empty
 *	umount TARGET FLAGS		umount2(2), likewise
 *	mounts				reply: lines "SOURCE\tTARGET\tTYPE\tOPTIONS\n", oldest first; space, tab, newline
 *					and backslash in a field as in /proc/mounts (\040...)
 *	su UID GID [GID...]		become this user in the view's terms (viewsu): ids, groups, and for uid 0 all
 *					capabilities; anybody in the view may ask, for it is a view's root, not the host's
 *	nest NAME COMMAND [MODULE...]	make a view inside of the caller's and let the caller live in it; NAME may be empty,
 *					COMMAND is for umview --list, MODULEs are all that it may ever load; reply: its name
 *	enter NAME			live in that view, which must be inside of the caller's; reply: its name
 *	attach PID [alone]		take a process that runs into the caller's view (um_attach), with its descendants
 *					unless "alone"; reply: a line "PID\tNAME\n" for each that was taken in
 *	views ID			of the caller's view and those inside of it, the first one with this id or a greater one;
 *					reply: "ID\tNAME\tPATH\tTRACER\tFRONT\tMONITOR\tINIT\tPROCESSES\tSECONDS\tENDED\tCOMMAND", or
 *					nothing (what these are: monitor/runtime.h)
 *	why				reply: the words for the last error that the monitor gave to this process, or
 *					nothing; asked by viewmount when mount(2) has failed
 *	plan				(the exec loader only; binary reply, see monitor/loader/plan.h)
 */
#ifndef UM_CTL_H
#define UM_CTL_H

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define UM_CTL_CALL_NR 0x5556
/* Where a container's own filter refuses numbers that it does not know: an option of prctl(2), which none refuses. */
#define UM_CTL_PRCTL 0x55560001
#define UM_CTL_REQUEST_MAX 8192

/**
 * um_ctl() - send a request to the monitor
 * @request:	words, each NUL-terminated
 * @size:	their length in bytes, NULs included
 * @reply:	where the reply goes: text, NUL-terminated; on error a message for people, or empty
 * @reply_size:	its size in bytes
 *
 * Return: the length of the reply, or -1 with errno set (ENOSYS: not in a view).  A reply
 *	that does not fit is cut.
 */
static inline long um_ctl(const void *request, size_t size, char *reply, size_t reply_size)
{
	if (reply_size > 0)
		reply[0] = '\0';
	long n = syscall(UM_CTL_CALL_NR, request, size, reply, reply_size);

	if (n < 0 && (errno == ENOSYS || errno == EPERM) && (reply_size == 0 || reply[0] == '\0')) {
		n = syscall(SYS_prctl, UM_CTL_PRCTL, request, size, reply, reply_size);
		if (n < 0 && errno == EINVAL && (reply_size == 0 || reply[0] == '\0'))
			errno = ENOSYS;
	}
	return n;
}

#endif
