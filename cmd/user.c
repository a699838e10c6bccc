/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Users of the view, and becoming one: see user.h.
 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "rootpath.h"
#include "user.h"

#define DEFAULT_SHELL "/bin/sh"
#define PATH_USER "/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games"
#define PATH_ROOT "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* "#UID" as sudo has it; false if it is none. */
static bool parse_uid(const char *name, uid_t *uid)
{
	unsigned long n;
	char *end;

	if (name[0] != '#' || name[1] < '0' || name[1] > '9')
		return false;
	errno = 0;
	n = strtoul(name + 1, &end, 10);
	*uid = (uid_t)n;
	return *end == '\0' && !errno && n < (uid_t)-1;
}

void user_find(struct cmd_user *user, const char *name)
{
	const struct passwd *pw;
	bool number = parse_uid(name, &user->uid);

	/* /root is closed to the real user, but in a view with copy-on-write it is open and empty */
	pw = number ? getpwuid(user->uid) : getpwnam(name);
	user->listed = pw != NULL;
	if (pw) {
		user->name = cmd_strdup(pw->pw_name);
		user->uid = pw->pw_uid;
		user->gid = pw->pw_gid;
		user->home = cmd_strdup(pw->pw_dir && *pw->pw_dir ? pw->pw_dir : "/");
		user->shell = cmd_strdup(pw->pw_shell && *pw->pw_shell ? pw->pw_shell : DEFAULT_SHELL);
		if (user->uid == 0 && access(user->home, X_OK) < 0 && errno == EACCES) {
			free(user->home);
			user->home = cmd_strdup("/");
		}
		return;
	}
	if (!number && strcmp(name, "root"))
		cmd_die(1, "user %s does not exist", name);
	if (!number)
		user->uid = 0;
	user->gid = user->uid;
	user->name = cmd_strdup(user->uid == 0 ? "root" : name + 1);
	user->home = cmd_strdup(user->uid == 0 && access("/root", F_OK) == 0 ? "/root" : "/");
	user->shell = cmd_strdup(DEFAULT_SHELL);
}

/* The user's groups; *n is their number.  Nobody without an entry has any but the first. */
static gid_t *groups_of(const struct cmd_user *user, int *n)
{
	gid_t *groups = NULL;
	int size = 64;

	for (;;) {
		groups = cmd_realloc(groups, size * sizeof(*groups));
		groups[0] = user->gid;
		*n = 1;
		if (!user->listed)
			return groups;
		*n = size;
		if (getgrouplist(user->name, user->gid, groups, n) >= 0)
			return groups;
		size = *n > size ? *n : size * 2;
	}
}

static void add_number(struct cmd_request *request, unsigned long n)
{
	char word[24];

	snprintf(word, sizeof(word), "%lu", n);
	cmd_add_word(request, word);
}

void user_become(const struct cmd_user *user)
{
	struct cmd_request request = { 0 };
	gid_t *groups;
	int n;

	groups = groups_of(user, &n);
	cmd_add_word(&request, "su");
	add_number(&request, user->uid);
	add_number(&request, user->gid);
	for (int i = 0; i < n; i++)
		add_number(&request, groups[i]);
	free(groups);
	free(cmd_ask(&request, user->name));
}

void user_environment(const struct cmd_user *user)
{
	setenv("HOME", user->home, 1);
	setenv("SHELL", user->shell, 1);
	setenv("USER", user->name, 1);
	setenv("LOGNAME", user->name, 1);
	if (user->uid == 0)
		root_path(PATH_USER);
}

void user_login_environment(const struct cmd_user *user)
{
	/* debian_chroot: by it the shells of Debian show in their prompt where they are */
	static const char *const kept[] = { "TERM", "COLORTERM", "debian_chroot" };
	char *values[3];

	for (int i = 0; i < 3; i++)
		values[i] = getenv(kept[i]) ? cmd_strdup(getenv(kept[i])) : NULL;
	clearenv();
	for (int i = 0; i < 3; i++)
		if (values[i])
			setenv(kept[i], values[i], 1);
	setenv("PATH", user->uid == 0 ? PATH_ROOT : PATH_USER, 1);
	user_environment(user);
	if (chdir(user->home) < 0) {
		cmd_message("cannot change to the home directory %s: %s", user->home, strerror(errno));
		if (chdir("/") < 0)
			cmd_message("/: %s", strerror(errno));
	}
}

static void __attribute__((noreturn)) exec_failed(const char *name)
{
	int err = errno;

	if (err == ENOENT)
		cmd_die(127, "%s: %s", name, strerror(err));
	cmd_die(126, "%s: %s", name, cmd_why(strerror(err)));
}

void user_exec_shell(const char *shell, bool login, const char *command, char *const *args)
{
	const char *base = strrchr(shell, '/') ? strrchr(shell, '/') + 1 : shell;
	size_t n = 0, nargs = 0;
	char **argv, *name;

	while (args && args[nargs])
		nargs++;
	argv = cmd_realloc(NULL, (nargs + 6) * sizeof(*argv));
	name = cmd_realloc(NULL, strlen(base) + 2);
	sprintf(name, "%s%s", login ? "-" : "", base);
	argv[n++] = name;
	/* the view's name in the prompt, as in the shell that umview started */
	if (!login && !command && nargs == 0 && !strcmp(base, "bash") && isatty(0) && getenv("UMVIEW_BASHRC")) {
		argv[n++] = cmd_strdup("--rcfile");
		argv[n++] = cmd_strdup(getenv("UMVIEW_BASHRC"));
	}
	if (command) {
		argv[n++] = cmd_strdup("-c");
		argv[n++] = cmd_strdup(command);
	}
	for (size_t i = 0; i < nargs; i++)
		argv[n++] = args[i];
	argv[n] = NULL;
	execv(shell, argv);
	exec_failed(shell);
}

void user_exec(char *const *argv)
{
	execvp(argv[0], argv);
	exec_failed(argv[0]);
}
