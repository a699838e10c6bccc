/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON strings (RFC 8259, section 7).
 */
#ifndef MONITOR_JSON_H
#define MONITOR_JSON_H

#include <stdio.h>

static inline void json_string(FILE *f, const char *s)
{
	putc('"', f);
	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			fprintf(f, "\\%c", *s);
		else if ((unsigned char)*s < 0x20)
			fprintf(f, "\\u%04x", (unsigned char)*s);
		else
			putc(*s, f);
	}
	putc('"', f);
}

#endif
