/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The start line and the prompt.
 *
 * View-OS shows a view's name in the prompt, user@host[NAME]:~$.  A prompt is the shell's own affair, so UMVIEW_NAME is
 * in the environment for everybody, and only for bash, started without arguments, more is done: it reads a start-up
 * file of ours in place of ~/.bashrc, which reads ~/.bashrc and then puts the name behind each \h in PS1 (one may be
 * in the terminal's title), or before all.  The name is asked for at each prompt (viewname may change it).  The file lies with the view's socket.
 */
#include "prompt.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kfeatures.h"
#include "log.h"
#include "node.h"
#include "runtime.h"
#include "tracer/tracer.h"

static const char bashrc[] =
	"# made by umview; goes away with the view\n"
	"[ -f ~/.bashrc ] && . ~/.bashrc\n"
	"__umview_name() { viewname 2>/dev/null || printf %s \"$UMVIEW_NAME\"; }\n"
	"case $PS1 in\n"
	"*'\\h'*) PS1=${PS1//'\\h'/'\\h[$(__umview_name)]'} ;;\n"
	"*) PS1='[$(__umview_name)] '$PS1 ;;\n"
	"esac\n";

static const char *base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

static bool is_shell(const char *path)
{
	static const char *const shells[] = { "sh", "bash", "dash", "ash", "ksh", "mksh", "zsh", "fish", "tcsh", "csh" };

	for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++)
		if (strcmp(base(path), shells[i]) == 0)
			return true;
	return false;
}

static bool interactive(const struct options *opt)
{
	return isatty(0) && isatty(1) && is_shell(opt->argv[0]) && opt->argv[1] == NULL;
}

static char *bashrc_path(pid_t front)
{
	const char *dir = runtime_dir();

	return dir != NULL ? um_format("%s/%d.bashrc", dir, (int)front) : NULL;
}

static char *make_bashrc(void)
{
	char *path = bashrc_path(getpid());
	FILE *f = path != NULL ? fopen(path, "we") : NULL;

	if (f != NULL) {
		fputs(bashrc, f);
		if (fclose(f) == 0)
			return path;
		unlink(path);
	}
	free(path);
	return NULL;
}

/* bash --rcfile FILE.  @outer: that of the view around this one, which serves this one too. */
static void prepare_bash(struct options *opt, char *outer)
{
	char *path = outer != NULL ? outer : opt->nested ? NULL : make_bashrc();
	static char *argv[4];

	if (path == NULL)
		return; /* then without the name */
	setenv("UMVIEW_BASHRC", path, 1); /* viewsu's shell reads it too */
	argv[0] = opt->argv[0];
	argv[1] = um_format("--rcfile");
	argv[2] = path;
	opt->argv = argv;
}

void prompt_prepare(struct options *opt)
{
	static char *shell[2];
	char number[16];

	if (opt->argv == NULL) {
		shell[0] = getenv("SHELL");
		if (shell[0] == NULL || shell[0][0] == '\0')
			shell[0] = um_format("/bin/sh");
		opt->argv = shell;
	}
	snprintf(number, sizeof(number), "%d", (int)getpid());
	setenv("UMVIEW_NAME", opt->name != NULL ? opt->name : number, 1);
	opt->greet = interactive(opt);
	if (opt->greet && strcmp(base(opt->argv[0]), "bash") == 0)
		prepare_bash(opt, opt->nested ? getenv("UMVIEW_BASHRC") : NULL);
}

void prompt_nested(struct options *opt, const char *outer, const char *name)
{
	if (opt->greet)
		um_info("view %s, inside of view %s", name, outer);
}

void prompt_entered(const struct options *opt, const char *name, const char *tracer)
{
	if (opt->greet)
		um_info("entered view %s, tracer %s", name, tracer);
}

void prompt_greet(struct um_view *view, const struct options *opt)
{
	char buf[512];

	if (!opt->greet)
		return;
	features_describe(&view->features, buf, sizeof(buf));
	um_info("view %s, tracer %s, kernel features: %s", view->nodes[0]->name, view->tracer_ops->name, buf);
}

void prompt_remove(pid_t front)
{
	char *path = bashrc_path(front);

	if (path != NULL)
		unlink(path);
	free(path);
}
