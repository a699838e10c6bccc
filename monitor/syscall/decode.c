/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * System calls as text.
 *
 * One function for each type of argument that is more than a number, and one switch (show_argument) that knows them
 * all.  Everything that is read from the process may have any contents.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "../call.h"
#include "decode.h"
#include "names.h"
#include "numbers.h"
#include "table.h"

#define STRING_MAX 64           /* bytes shown of strings that are not paths, and of data */
#define ARGV_MAX 16             /* strings shown of a vector */

struct text {
	char *buf;
	size_t size, len;
	bool full;              /* something did not fit */
};

__attribute__((format(printf, 2, 3))) static void put(struct text *t, const char *format, ...)
{
	va_list ap;
	int n;

	if (t->full)
		return;
	va_start(ap, format);
	n = vsnprintf(t->buf + t->len, t->size - t->len, format, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < t->size - t->len)
		t->len += n;
	else
		t->full = true;
}

/* End the text; its length. */
static int finish(struct text *t)
{
	if (t->size == 0)
		return 0;
	if (t->full) {
		t->len = strnlen(t->buf, t->size - 1);
		if (t->len > t->size - 4 && t->size >= 4)
			t->len = t->size - 4;
		if (t->size >= 4) {
			strcpy(t->buf + t->len, "...");
			t->len += 3;
		}
	}
	t->buf[t->len] = '\0';
	return (int)t->len;
}

static void put_quoted(struct text *t, const char *bytes, size_t len)
{
	put(t, "\"");
	for (size_t i = 0; i < len; i++) {
		unsigned char c = bytes[i];

		if (c == '"' || c == '\\')
			put(t, "\\%c", c);
		else if (c == '\n')
			put(t, "\\n");
		else if (c == '\t')
			put(t, "\\t");
		else if (c >= 0x20 && c < 0x7f)
			put(t, "%c", c);
		else
			put(t, "\\%03o", c);
	}
	put(t, "\"");
}

static void put_address(struct text *t, uint64_t addr)
{
	if (addr == 0)
		put(t, "NULL");
	else
		put(t, "0x%" PRIx64, addr);
}

static void put_value(struct text *t, const struct name *list, uint64_t value)
{
	const char *name = name_of(list, value);

	if (name)
		put(t, "%s", name);
	else
		put(t, "%" PRId64, (int64_t)value);
}

/* Flags by name, what is left of them as a number.  @first: something stands before them, or "". */
static void put_flags(struct text *t, const char *first, const struct name *list, uint64_t flags)
{
	bool any = first[0] != '\0';

	put(t, "%s", first);
	for (; list->name; list++)
		if ((flags & list->value) == list->value) {
			put(t, "%s%s", any ? "|" : "", list->name);
			flags &= ~list->value;
			any = true;
		}
	if (flags != 0 || !any)
		put(t, flags ? "%s0x%" PRIx64 : "%s0", any ? "|" : "", flags);
}

static void put_open_flags(struct text *t, uint64_t flags)
{
	static const char *const modes[] = { "O_RDONLY", "O_WRONLY", "O_RDWR", "O_ACCMODE" };

	put_flags(t, modes[flags & O_ACCMODE], names_open, flags & ~(uint64_t)O_ACCMODE);
}

static void put_mode(struct text *t, uint32_t mode)
{
	const char *type = name_of(names_file_type, mode & S_IFMT);

	if (type)
		put(t, "%s|%#03o", type, mode & ~S_IFMT);
	else
		put(t, "%#03o", mode);
}

static void put_signal(struct text *t, int sig)
{
	const char *name = name_signal(sig);

	if (name)
		put(t, "%s", name);
	else
		put(t, "%d", sig);
}

/* An id; -1 means "leave it". */
static void put_id(struct text *t, uint32_t id)
{
	if (id == UINT32_MAX)
		put(t, "-1");
	else
		put(t, "%" PRIu32, id);
}

/* The kernel's encoding of a device number (new_decode_dev). */
static void put_device(struct text *t, uint32_t dev)
{
	put(t, "makedev(%u, %u)", dev >> 8 & 0xfff, (dev & 0xff) | (dev >> 12 & 0xfff00));
}

static void show_path(struct text *t, const struct um_call *call, uint64_t addr)
{
	char path[PATH_MAX];
	ssize_t len = addr ? um_read_path(call, addr, path) : -EFAULT;

	if (len >= 0)
		put_quoted(t, path, len);
	else
		put_address(t, addr);
}

/* A string, of which the beginning will do. */
static void show_string(struct text *t, const struct um_call *call, uint64_t addr)
{
	char string[STRING_MAX + 1] = "";
	ssize_t len = addr ? um_read_string(call, addr, string, sizeof(string)) : -EFAULT;

	if (len >= 0) {
		put_quoted(t, string, len);
	} else if (len == -ENAMETOOLONG) {
		put_quoted(t, string, STRING_MAX);
		put(t, "...");
	} else {
		put_address(t, addr);
	}
}

static void show_bytes(struct text *t, const struct um_call *call, uint64_t addr, uint64_t len)
{
	char bytes[STRING_MAX];
	size_t shown = len < sizeof(bytes) ? len : sizeof(bytes);

	if (addr == 0 || um_read(call, addr, bytes, shown) < 0) {
		put_address(t, addr);
		return;
	}
	put_quoted(t, bytes, shown);
	if (shown < len)
		put(t, "...");
}

static void show_vector(struct text *t, const struct um_call *call, uint64_t addr)
{
	uint64_t string;

	if (addr == 0 || um_read(call, addr, &string, sizeof(string)) < 0) {
		put_address(t, addr);
		return;
	}
	put(t, "[");
	for (unsigned i = 0; string != 0; i++) {
		if (i == ARGV_MAX) {
			put(t, ", ...");
			break;
		}
		put(t, "%s", i > 0 ? ", " : "");
		show_string(t, call, string);
		addr += sizeof(string);
		if (um_read(call, addr, &string, sizeof(string)) < 0) {
			put(t, ", ");
			put_address(t, addr);
			break;
		}
	}
	put(t, "]");
}

static void put_unix_address(struct text *t, const struct sockaddr_un *sun, size_t len)
{
	size_t n = len - offsetof(struct sockaddr_un, sun_path);

	put(t, "AF_UNIX");
	if (n == 0) /* unnamed */
		return;
	put(t, ", ");
	if (sun->sun_path[0] == '\0') {
		put(t, "@"); /* abstract: all bytes count */
		put_quoted(t, sun->sun_path + 1, n - 1);
	} else {
		put_quoted(t, sun->sun_path, strnlen(sun->sun_path, n));
	}
}

static void show_sockaddr(struct text *t, const struct um_call *call, uint64_t addr, uint32_t len)
{
	union {
		struct sockaddr sa;
		struct sockaddr_un sun;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} u = { 0 };
	char host[INET6_ADDRSTRLEN];

	if (len > sizeof(u))
		len = sizeof(u);
	if (addr == 0 || len < sizeof(u.sa.sa_family) || um_read(call, addr, &u, len) < 0) {
		put_address(t, addr);
		return;
	}
	put(t, "{");
	if (u.sa.sa_family == AF_UNIX)
		put_unix_address(t, &u.sun, len < sizeof(u.sun) ? len : sizeof(u.sun));
	else if (u.sa.sa_family == AF_INET && len >= sizeof(u.in))
		put(t, "AF_INET, %s:%u", inet_ntop(AF_INET, &u.in.sin_addr, host, sizeof(host)),
		    ntohs(u.in.sin_port));
	else if (u.sa.sa_family == AF_INET6 && len >= sizeof(u.in6))
		put(t, "AF_INET6, [%s]:%u", inet_ntop(AF_INET6, &u.in6.sin6_addr, host, sizeof(host)),
		    ntohs(u.in6.sin6_port));
	else
		put_value(t, names_family, u.sa.sa_family);
	put(t, "}");
}

/* struct open_how, openat2(2): three 64-bit words in its first version. */
static void show_open_how(struct text *t, const struct um_call *call, uint64_t addr)
{
	uint64_t how[3];

	if (addr == 0 || um_read(call, addr, how, sizeof(how)) < 0) {
		put_address(t, addr);
		return;
	}
	put(t, "{flags=");
	put_open_flags(t, how[0]);
	put(t, ", mode=");
	put_mode(t, how[1]);
	put(t, ", resolve=");
	put_flags(t, "", names_resolve, how[2]);
	put(t, "}");
}

static void put_clone_flags(struct text *t, const struct um_call *call, uint64_t flags)
{
	if (call->row->nr != __NR_clone) {
		put_flags(t, "", names_clone, flags);
		return;
	}
	/* the lowest byte is the signal at the end */
	put_flags(t, "", names_clone, flags & ~UINT64_C(0xff));
	if (flags & 0xff) {
		put(t, "|");
		put_signal(t, flags & 0xff);
	}
}

/* AT_REMOVEDIR and AT_EACCESS are one bit: the call's other arguments tell which is meant. */
static const struct name *at_names(const struct um_syscall *row)
{
	for (unsigned i = 0; i < 6; i++)
		if (row->args[i] == UM_A_ACCESS)
			return names_at_access;
	return row->nr == __NR_unlinkat ? names_at_unlink : names_at;
}

/* Argument @i, which is read as @kind; numbers only.  False: it is none of these. */
static bool show_number(struct text *t, enum um_arg kind, uint64_t value)
{
	switch (kind) {
	case UM_A_INT:
	case UM_A_FD:
	case UM_A_PID:
		put(t, "%d", (int)value);
		return true;
	case UM_A_UINT:
		put(t, "%u", (unsigned)value);
		return true;
	case UM_A_LONG:
	case UM_A_OFF:
		put(t, "%" PRId64, (int64_t)value);
		return true;
	case UM_A_SIZE:
		put(t, "%" PRIu64, value);
		return true;
	case UM_A_UID:
	case UM_A_GID:
		put_id(t, value);
		return true;
	case UM_A_MODE:
		put_mode(t, value);
		return true;
	case UM_A_DEV:
		put_device(t, value);
		return true;
	case UM_A_SIGNAL:
		put_signal(t, value);
		return true;
	case UM_A_HEX:
		put(t, value ? "0x%" PRIx64 : "0", value);
		return true;
	case UM_A_PTR:
		put_address(t, value);
		return true;
	default:
		return false;
	}
}

/* Flags and values with names.  False: it is none of these. */
static bool show_named(struct text *t, const struct um_call *call, enum um_arg kind, uint64_t value)
{
	switch (kind) {
	case UM_A_OPEN_FLAGS:
		put_open_flags(t, (uint32_t)value);
		return true;
	case UM_A_AT_FLAGS:
		put_flags(t, "", at_names(call->row), (uint32_t)value);
		return true;
	case UM_A_ACCESS:
		put_flags(t, (uint32_t)value ? "" : "F_OK", names_access, (uint32_t)value);
		return true;
	case UM_A_CLONE_FLAGS:
		put_clone_flags(t, call, value);
		return true;
	case UM_A_PROT:
		put_flags(t, value ? "" : "PROT_NONE", names_prot, value);
		return true;
	case UM_A_MAP_FLAGS:
		put_flags(t, "", names_map, value);
		return true;
	case UM_A_MOUNT_FLAGS:
		put_flags(t, "", names_mount, value);
		return true;
	case UM_A_UMOUNT_FLAGS:
		put_flags(t, "", names_umount, (uint32_t)value);
		return true;
	case UM_A_RENAME_FLAGS:
		put_flags(t, "", names_rename, (uint32_t)value);
		return true;
	case UM_A_RESOURCE:
		put_value(t, names_resource, (uint32_t)value);
		return true;
	case UM_A_PRCTL:
		put_value(t, names_prctl, (uint32_t)value);
		return true;
	case UM_A_FAMILY:
		put_value(t, names_family, (uint32_t)value);
		return true;
	case UM_A_CLOCK:
		put_value(t, names_clock, (uint64_t)(int)value);
		return true;
	case UM_A_WHENCE:
		put_value(t, names_whence, (uint32_t)value);
		return true;
	default:
		return false;
	}
}

/* Argument @i of the call. */
static void show_argument(struct text *t, const struct um_call *call, unsigned i)
{
	enum um_arg kind = call->row->args[i];
	uint64_t value = call->args[i], next = i < 5 ? call->args[i + 1] : 0;

	if (show_number(t, kind, value) || show_named(t, call, kind, value))
		return;
	switch (kind) {
	case UM_A_DIRFD:
		put(t, (int)value == AT_FDCWD ? "AT_FDCWD" : "%d", (int)value);
		break;
	case UM_A_PATH:
		show_path(t, call, value);
		break;
	case UM_A_STR:
		show_string(t, call, value);
		break;
	case UM_A_BUF:
		show_bytes(t, call, value, next);
		break;
	case UM_A_ARGV:
		show_vector(t, call, value);
		break;
	case UM_A_SOCKADDR:
		show_sockaddr(t, call, value, next);
		break;
	case UM_A_OPEN_HOW:
		show_open_how(t, call, value);
		break;
	default:
		put(t, "0x%" PRIx64, value);
	}
}

/* The mode of an open is an argument only where a file may be made. */
static bool is_absent(const struct um_call *call, unsigned i)
{
	const uint8_t *args = call->row->args;

	return i > 0 && args[i] == UM_A_MODE && args[i - 1] == UM_A_OPEN_FLAGS &&
	       !(call->args[i - 1] & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY)));
}

int decode_call(const struct um_call *call, char *buf, size_t size)
{
	struct text t = { .buf = buf, .size = size, .full = size == 0 };
	unsigned n = um_syscall_nargs(call->row);

	put(&t, "%s(", call->row->name);
	if (um_syscall_row(call->nr) == NULL)
		put(&t, "%#x", (unsigned)call->nr);
	for (unsigned i = 0; i < n && !is_absent(call, i) && !t.full; i++) {
		put(&t, "%s", i > 0 ? ", " : "");
		show_argument(&t, call, i);
	}
	put(&t, ")");
	return finish(&t);
}

int decode_result(const struct um_syscall *row, int64_t ret, char *buf, size_t size)
{
	struct text t = { .buf = buf, .size = size, .full = size == 0 };
	char words[128];
	const char *name;

	if (ret < 0 && ret >= -4095) {
		name = name_errno((int)-ret);
		if (name)
			put(&t, "= -1 %s (%s)", name, strerror_r((int)-ret, words, sizeof(words)));
		else
			put(&t, "= -1 (error %d)", (int)-ret);
		return finish(&t);
	}
	put(&t, "= ");
	if (ret == UM_CONTINUE || ret == UM_REPLIED || ret == UM_BLOCKS || ret == UM_RESTART ||
	    row->returns == UM_A_NONE)
		put(&t, "?");
	else if (!show_number(&t, row->returns, ret))
		put(&t, "%" PRId64, ret);
	return finish(&t);
}
