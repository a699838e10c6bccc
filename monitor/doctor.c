/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * --doctor: what this host offers.
 *
 * Everything is tried, up to a process under a filter with a listener that is then thrown away.  A finding is good, or
 * something that a view can do without, or something that it cannot.
 */
#include "doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "kfeatures.h"
#include "json.h"
#include "launch.h"
#include "log.h"
#include "nested.h"
#include "node.h"
#include "runtime.h"
#include "setup.h"
#include "tracer/tracer.h"

enum verdict { GOOD, WITHOUT, BAD };

struct report {
	bool json;
	unsigned n;
	bool bad;               /* something was */
};

static void finding(struct report *r, enum verdict verdict, const char *what, const char *found, const char *cure)
{
	static const char *const words[] = { "ok", "missing", "FAILS" }, *const json_words[] = { "ok", "missing", "fails" };

	r->bad |= verdict == BAD;
	if (r->json) {
		printf("%s\n  {\"what\": ", r->n > 0 ? "," : "");
		json_string(stdout, what);
		printf(", \"verdict\": \"%s\", \"found\": ", json_words[verdict]);
		json_string(stdout, found);
		if (verdict != GOOD) {
			printf(", \"cure\": ");
			json_string(stdout, cure);
		}
		printf("}");
	} else {
		printf("%-8s %-24s %s%s%s\n", words[verdict], what, found, verdict != GOOD && *cure ? "; " : "",
		       verdict != GOOD ? cure : "");
	}
	r->n++;
}

/* The first line of a file of /proc/sys, or NULL. */
static const char *sysctl_value(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, buf, size - 1) : -1;

	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return NULL;
	buf[n] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	return buf;
}

static void look_kernel(struct report *r)
{
	struct utsname u;
	unsigned major = 0, minor = 0;

	uname(&u);
	sscanf(u.release, "%u.%u", &major, &minor);
	finding(r, major > 5 || (major == 5 && minor >= 10) ? GOOD : WITHOUT, "kernel", u.release,
		"umview is made for Linux 5.10 and newer");
}

static void look_yama(struct report *r)
{
	char buf[32];
	const char *value = sysctl_value("/proc/sys/kernel/yama/ptrace_scope", buf, sizeof(buf));
	const char *cure = "as root: sysctl kernel.yama.ptrace_scope=1 (0 for --enter)";

	if (value == NULL)
		finding(r, GOOD, "yama", "not there, nothing is restricted", "");
	else if (strcmp(value, "0") == 0)
		finding(r, GOOD, "yama", "ptrace_scope 0", "");
	else if (strcmp(value, "1") == 0)
		finding(r, WITHOUT, "yama", "ptrace_scope 1, enough for all but --enter", "as root: sysctl "
			"kernel.yama.ptrace_scope=0");
	else
		finding(r, BAD, "yama", value[0] == '2' ? "ptrace_scope 2" : "ptrace_scope 3", cure);
}

static void look_namespaces(struct report *r)
{
	char buf[32], text[80];
	const char *value = sysctl_value("/proc/sys/user/max_user_namespaces", buf, sizeof(buf));

	snprintf(text, sizeof(text), "%s allowed; umview needs none", value != NULL ? value : "none");
	finding(r, GOOD, "user namespaces", text, "");
}

static void look_carrier(struct report *r)
{
	int carrier = state_choose_carrier();
	const char *name = carrier == RLIMIT_LOCKS    ? "RLIMIT_LOCKS" :
			   carrier == RLIMIT_RSS      ? "RLIMIT_RSS" :
			   carrier == RLIMIT_RTTIME   ? "RLIMIT_RTTIME" : NULL;

	if (name != NULL)
		finding(r, GOOD, "state carrier", name, "");
	else
		finding(r, BAD, "state carrier", "RLIMIT_LOCKS, RLIMIT_RSS and RLIMIT_RTTIME have finite hard limits",
			"raise one, as root: ulimit -H -x unlimited");
}

static void look_directories(struct report *r, const char *modules)
{
	const char *runtime = runtime_dir();

	if (access(modules, R_OK | X_OK) == 0)
		finding(r, GOOD, "modules", modules, "");
	else
		finding(r, WITHOUT, "modules", um_format("%s: %s", modules, strerror(errno)), "make install");
	if (runtime != NULL)
		finding(r, GOOD, "runtime directory", runtime, "");
	else
		finding(r, WITHOUT, "runtime directory", strerror(errno), "views are not listed and cannot be entered; set "
			"XDG_RUNTIME_DIR to a directory of your own with mode 0700");
}

static void look_features(struct report *r, struct um_features *f)
{
	for (const struct feature *row = features; row->name != NULL; row++) {
		bool has = *feature_flag(f, row);

		finding(r, has ? GOOD : WITHOUT, row->name, has ? "works" : um_format("without it %s", row->without),
			um_format("it comes with %s", row->since));
	}
}

static void look_memory(struct report *r, struct um_features *f, const struct launch *l)
{
	int err = features_probe_child(f, l->pid);

	finding(r, err < 0 ? BAD : GOOD, "memory of processes", err < 0 ? "cannot be read" : "can be read",
		"allow process_vm_readv or /proc/PID/mem: kernel.yama.ptrace_scope at most 1; in a container, its profile");
}

/* A process under a filter with a listener, as a view would have it. */
static bool look_listener(struct report *r, struct um_features *f, struct launch *l)
{
	int err;

	l->tracer = &um_unotify;
	l->quiet = true;
	err = launch_prepare(l);
	f->listener = err == 0;
	finding(r, err < 0 ? WITHOUT : GOOD, "seccomp listener", err < 0 ? strerror(-err) : "works",
		"the tracer is ptrace, then, if that works");
	if (err < 0)
		return false;
	err = l->tracer->probe(f, l->listener);
	f->listener = err == 0;
	finding(r, err < 0 ? WITHOUT : GOOD, "adding descriptors", err < 0 ? strerror(-err) : "works",
		"SECCOMP_IOCTL_NOTIF_ADDFD comes with Linux 5.9; the tracer is ptrace, then");
	look_memory(r, f, l);
	launch_cancel(l);
	close(l->listener);
	return f->listener;
}

/* A process under a filter, and traced. */
static void look_ptrace(struct report *r, struct um_features *f, struct launch *l, bool needed)
{
	void *unused;
	int err;

	l->tracer = &um_ptrace;
	l->quiet = !needed;
	err = launch_prepare(l);
	if (err == 0) {
		err = um_ptrace.adopt(f, l->listener, l->pid, &unused);
		if (needed)
			look_memory(r, f, l);
		launch_cancel(l);
		close(l->listener);
	}
	finding(r, err == 0 ? GOOD : needed ? BAD : WITHOUT, "ptrace tracer", err < 0 ? strerror(-err) : "works",
		"allow ptrace and seccomp: kernel.yama.ptrace_scope at most 1; in a container, its profile");
}

static void look_tracers(struct report *r, struct um_features *f)
{
	char *argv[] = { (char *)"a trial process", NULL };
	struct origin origin;
	struct launch l = { .argv = argv, .origin = &origin, .features = f,
			    .filter = { .classes = UM_CLASS_BIT(UM_CLASS_PATH), .carrier = -1 } };
	bool listener = look_listener(r, f, &l);

	look_ptrace(r, f, &l, !listener);
}

/* Inside of a view: the monitor that is there serves what is started here, and nothing else of the host matters. */
static void look_inside(struct report *r)
{
	struct nested_view v;

	if (!nested_view(&v))
		um_die("--doctor: the view around this process does not answer: %s", strerror(errno));
	finding(r, GOOD, "view", um_format("this is inside of view %s%s", v.name, v.secure ? ", which is secure" : ""), "");
	finding(r, GOOD, "tracer", um_format("%s, that view's", v.tracer), "");
	finding(r, v.depth + 1 < VIEWS_DEEP ? GOOD : BAD, "depth", um_format("%u of %d views inside of each other",
		v.depth + 1, VIEWS_DEEP), "start it in a view further out");
	look_directories(r, v.modules);
}

static void look_host(struct report *r)
{
	struct um_features f = { 0 };

	features_probe_host(&f);
	fflush(stdout); /* the trial process must not have it, too */
	look_tracers(r, &f);
	look_features(r, &f);
	look_yama(r);
	look_namespaces(r);
	look_carrier(r);
	look_directories(r, setup_module_dir(false));
}

int doctor(bool json, bool nested)
{
	struct report r = { .json = json };

	if (json)
		printf("[");
	look_kernel(&r);
	if (nested)
		look_inside(&r);
	else
		look_host(&r);
	if (json)
		printf("\n]\n");
	else
		printf("A view %s be started here%s.\n", r.bad ? "cannot" : "can", nested ? ", inside of this one" : "");
	return fflush(stdout) == 0 && !r.bad ? 0 : UM_EXIT_FAILURE;
}
