// SPDX-License-Identifier: GPL-2.0-or-later
/* Words for people about why a call failed, until the program asks for them. */
#include "calls.h"

#include <stdarg.h>
#include <stdio.h>

#define WHYS 16

/* The last words for each of a few processes. */
static struct {
	pid_t tid;
	char text[512];
} whys[WHYS];
static unsigned next_why;

void why_set(const struct um_call *call, const char *format, ...)
{
	unsigned slot = next_why;
	va_list ap;

	for (unsigned i = 0; i < WHYS; i++)
		if (whys[i].tid == call->tid)
			slot = i;
	if (slot == next_why)
		next_why = (next_why + 1) % WHYS;
	whys[slot].tid = call->tid;
	va_start(ap, format);
	vsnprintf(whys[slot].text, sizeof(whys[slot].text), format, ap);
	va_end(ap);
}

const char *why_take(const struct um_call *call)
{
	for (unsigned i = 0; i < WHYS; i++)
		if (whys[i].tid == call->tid) {
			whys[i].tid = 0;
			return whys[i].text;
		}
	return "";
}
