// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * umview started inside of a view.
 *
 * Theory of operation.  There is no second monitor: this process asks the one there is for a node inside of its own,
 * and lives in it from then on.  What the options ask for is done by control requests, as um_add_service and viewmount
 * would do it in the new view; then CMD is executed.  So CMD is the very process that the shell started, and its exit
 * status, signals and job control need nobody to stand for it.  If anything fails this process ends, and the node with
 * it.
 */
#include "nested.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../modules/include/um_ctl.h"
#include "log.h"
#include "prompt.h"
#include "runtime.h"
#include "setup.h"
#include "steps.h"
#include "tracer/tracer.h"

#define REPLY_MAX 4096

struct words {
	char text[UM_CTL_REQUEST_MAX];
	size_t size;
};

static void add_word(struct words *w, const char *word)
{
	size_t n = strlen(word) + 1;

	if (n > sizeof(w->text) - w->size)
		um_die("the arguments are too long for a view inside of a view (%d bytes)", UM_CTL_REQUEST_MAX);
	memcpy(w->text + w->size, word, n);
	w->size += n;
}

/* Ask the monitor.  0, or a negative errno value with its words in @reply. */
static int ask(const struct words *w, char reply[REPLY_MAX])
{
	return um_ctl(w->text, w->size, reply, REPLY_MAX) < 0 ? -errno : 0;
}

static int ask_words(char reply[REPLY_MAX], const char *const *words)
{
	struct words w = { .size = 0 };

	for (; *words != NULL; words++)
		add_word(&w, *words);
	return ask(&w, reply);
}

bool nested_inside(void)
{
	char reply[REPLY_MAX];

	return ask_words(reply, (const char *const[]){ "view-name", NULL }) == 0;
}

/* --- what does not go together with a view around it -------------------------------------------------------------- */

/* The value of a key of the verb view-info. */
static bool info(const char *key, char *value, size_t size)
{
	char reply[REPLY_MAX], *save;
	size_t n = strlen(key);

	if (ask_words(reply, (const char *const[]){ "view-info", NULL }) < 0)
		return false;
	for (char *line = strtok_r(reply, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save))
		if (strncmp(line, key, n) == 0 && line[n] == '\t') {
			snprintf(value, size, "%s", line + n + 1);
			return true;
		}
	return false;
}

static unsigned info_number(const char *key)
{
	char value[16];

	return info(key, value, sizeof(value)) ? (unsigned)strtoul(value, NULL, 10) : 0;
}

bool nested_view(struct nested_view *v)
{
	*v = (struct nested_view){ .depth = info_number("depth"), .secure = info_number("secure") != 0 };
	return info("name", v->name, sizeof(v->name)) && info("tracer", v->tracer, sizeof(v->tracer)) &&
	       info("modules", v->modules, sizeof(v->modules));
}

/* What the verb "views" says of one. */
static bool parse_view(char *line, struct runtime_reply *v)
{
	char *field[10];

	for (size_t i = 0; i < sizeof(field) / sizeof(field[0]); i++) {
		field[i] = strsep(&line, "\t");
		if (field[i] == NULL)
			return false;
	}
	*v = (struct runtime_reply){ .node = (uint32_t)atoi(field[0]), .front = atoi(field[4]), .monitor = atoi(field[5]),
				     .init = atoi(field[6]), .processes = (uint32_t)atoi(field[7]),
				     .seconds = strtoull(field[8], NULL, 10), .ended = *field[9] == '1' };
	snprintf(v->name, sizeof(v->name), "%s", field[1]);
	snprintf(v->path, sizeof(v->path), "%s", field[2]);
	snprintf(v->tracer, sizeof(v->tracer), "%s", field[3]);
	snprintf(v->command, sizeof(v->command), "%s", line != NULL ? line : "");
	return true;
}

void nested_each(bool (*fn)(void *arg, const char *path, const struct runtime_reply *view), void *arg)
{
	struct runtime_reply v = { .node = 0 };
	char reply[REPLY_MAX], number[16];
	bool more = true;

	for (uint32_t id = 0; more; id = v.node + 1) {
		snprintf(number, sizeof(number), "%u", id);
		more = ask_words(reply, (const char *const[]){ "views", number, NULL }) == 0 && parse_view(reply, &v) &&
		       fn(arg, "", &v);
	}
}

/* What modules need must be trapped, and the filter is the one that there is. */
static void check_modules(const struct options *opt)
{
	char value[PATH_MAX];
	uint32_t classes = info_number("classes");

	if (opt->modules == NULL || !info("modules", value, sizeof(value)))
		return;
	for (const char **m = opt->modules; *m != NULL; m++)
		if (setup_module_needs(value, *m) & ~classes)
			um_die("--modules %s: it needs system calls that the view around this one does not trap: start that "
			       "one with --modules ...,%s", *m, *m);
}

static void check(const struct options *opt)
{
	static const struct um_features none;
	char value[16];

	if (opt->secure && info_number("secure") == 0)
		um_die("--secure: the view around this one is not secure, and has the filter that counts: start that one "
		       "with --secure");
	if (opt->trace || opt->stats)
		um_die("--%s: one monitor serves this view and the one around it: give the option to the outermost umview",
		       opt->trace ? "trace" : "stats");
	if (memcmp(&opt->without, &none, sizeof(none)) != 0)
		um_die("--without: one monitor serves this view and the one around it: give the option to the outermost "
		       "umview");
	if (opt->tracer != NULL && info("tracer", value, sizeof(value)) && strcmp(value, opt->tracer->name) != 0)
		um_die("--tracer %s: the view around this one has the tracer %s, which serves this one too", opt->tracer->name,
		       value);
	check_modules(opt);
}

/* --- the steps ---------------------------------------------------------------------------------------------------- */

static int load(void *arg, const char *module, char *why, size_t whysize)
{
	char reply[REPLY_MAX];
	int err = ask_words(reply, (const char *const[]){ "service-add", module, NULL });

	(void)arg;
	if (err < 0)
		snprintf(why, whysize, "%s", reply);
	return err;
}

static int mount_one(void *arg, const char *source, const char *target, const char *type, const char *options, char *why,
		     size_t whysize)
{
	char reply[REPLY_MAX];
	int err = ask_words(reply, (const char *const[]){ "mount", source, target, type, "0", options, NULL });

	(void)arg;
	if (err < 0 && ask_words(reply, (const char *const[]){ "why", NULL }) == 0)
		snprintf(why, whysize, "%s", reply);
	return err;
}

/* CMD with its arguments, for the list; cut. */
static void join(char **argv, char *buf, size_t size)
{
	size_t n = 0;

	buf[0] = '\0';
	for (; *argv != NULL && n < size; argv++)
		n += (size_t)snprintf(buf + n, size - n, "%s%s", n > 0 ? " " : "", *argv);
}

/* Make the node and live in it; its name. */
static char *new_node(const struct options *opt)
{
	struct words w = { .size = 0 };
	char reply[REPLY_MAX], command[256];
	int err;

	join(opt->argv, command, sizeof(command));
	add_word(&w, "nest");
	add_word(&w, opt->name != NULL ? opt->name : "");
	add_word(&w, command);
	for (const char **m = opt->modules; m != NULL && *m != NULL; m++)
		add_word(&w, *m);
	err = ask(&w, reply);
	if (err < 0 && opt->name != NULL)
		um_die("--name %s: %s", opt->name, *reply ? reply : strerror(-err));
	if (err < 0)
		um_die("cannot make a view inside of this one: %s", *reply ? reply : strerror(-err));
	return um_format("%s", reply);
}

static void become_root(void)
{
	char reply[REPLY_MAX];
	int err = ask_words(reply, (const char *const[]){ "su", "0", "0", "0", NULL });

	if (err < 0)
		um_die("--su: %s", *reply ? reply : strerror(-err));
}

static _Noreturn void execute(const struct options *opt)
{
	int err;

	execvp(opt->argv[0], opt->argv);
	err = errno;
	um_warn("%s: %s", um_shown(opt->argv[0]), strerror(err));
	exit(err == ENOENT ? 127 : 126);
}

_Noreturn void nested_run(struct options *opt)
{
	const struct step_ops ops = { load, mount_one, NULL };
	char outer[REPLY_MAX], *name;
	mode_t mask = umask(0);

	umask(mask);
	check(opt);
	if (ask_words(outer, (const char *const[]){ "view-name", NULL }) < 0)
		um_die("the view around this one does not answer: %s", strerror(errno));
	name = new_node(opt);
	setenv("UMVIEW_NAME", name, 1);
	steps_run(opt, &ops, mask);
	prompt_nested(opt, outer, name);
	if (opt->su)
		become_root();
	execute(opt);
}

_Noreturn void nested_enter(struct options *opt)
{
	char reply[REPLY_MAX], tracer[16] = "";
	bool known = info("tracer", tracer, sizeof(tracer)); /* the same for all of them */
	int err = ask_words(reply, (const char *const[]){ "enter", opt->enter, NULL });

	if (err < 0 || !known)
		um_die("--enter %s: %s", um_shown(opt->enter), *reply ? reply : strerror(-err));
	setenv("UMVIEW_NAME", reply, 1);
	prompt_entered(opt, reply, tracer);
	if (opt->su)
		become_root();
	execute(opt);
}
