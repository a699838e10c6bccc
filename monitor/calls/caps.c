// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Capabilities: capget(2), capset(2), and the options of prctl(2) that concern them (rules: ../ids.c).
 */
#include "calls.h"

#include <errno.h>
#include <linux/capability.h>

#include "../ids.h"
#include "../view.h"

/*
 * How many 32-bit words a set has in the version that the header names, or a negative errno.  An unknown version
 * is answered with the one preferred, in the header.
 */
static int cap_words(struct um_call *call, struct __user_cap_header_struct *header)
{
	uint32_t preferred = _LINUX_CAPABILITY_VERSION_3;
	int err = um_read(call, call->args[0], &header->version, sizeof(header->version));

	if (err < 0)
		return err;
	switch (header->version) {
	case _LINUX_CAPABILITY_VERSION_1:
		return _LINUX_CAPABILITY_U32S_1;
	case _LINUX_CAPABILITY_VERSION_2:
	case _LINUX_CAPABILITY_VERSION_3:
		return _LINUX_CAPABILITY_U32S_3;
	default:
		err = um_write(call, call->args[0], &preferred, sizeof(preferred));
		return err < 0 ? err : -EINVAL;
	}
}

/* The header's process id; EFAULT before anything is said of its value. */
static int cap_pid(struct um_call *call, struct __user_cap_header_struct *header)
{
	return um_read(call, call->args[0] + offsetof(struct __user_cap_header_struct, pid), &header->pid,
		       sizeof(header->pid));
}

int64_t call_capget(struct um_call *call)
{
	struct __user_cap_header_struct header;
	struct __user_cap_data_struct data[2];
	const struct um_state *state = call->state;
	int words, err;

	if (!state->virtual_ids)
		return UM_CONTINUE;
	words = cap_words(call, &header);
	if (words < 0 || call->args[1] == 0) /* a null pointer asks for the version only */
		return words == -EINVAL && call->args[1] == 0 ? 0 : words < 0 ? words : 0;
	err = cap_pid(call, &header);
	if (err < 0)
		return err;
	if (header.pid < 0)
		return -EINVAL;
	if (header.pid != 0 && header.pid != call->tid)
		state = state_of(call->view->states, header.pid);
	if (state == NULL || !state->virtual_ids)
		return UM_CONTINUE; /* a process of the host, or none */
	call->route = "ids";
	for (int i = 0; i < 2; i++)
		data[i] = (struct __user_cap_data_struct){
			.effective = (uint32_t)(state->ids.cap_effective >> 32 * i),
			.permitted = (uint32_t)(state->ids.cap_permitted >> 32 * i),
			.inheritable = (uint32_t)(state->ids.cap_inheritable >> 32 * i),
		};
	return um_write(call, call->args[1], data, words * sizeof(data[0]));
}

int64_t call_capset(struct um_call *call)
{
	struct __user_cap_header_struct header;
	struct __user_cap_data_struct data[2] = { 0 };
	struct um_state changed = *call->state;
	int words, err;

	if (!changed.virtual_ids)
		return UM_CONTINUE;
	call->route = "ids";
	words = cap_words(call, &header);
	if (words < 0)
		return words;
	err = cap_pid(call, &header);
	if (err < 0)
		return err;
	if (header.pid != 0 && header.pid != call->tid)
		return -EPERM;
	err = um_read(call, call->args[1], data, words * sizeof(data[0]));
	if (err == 0)
		err = ids_capset(&changed.ids, data[0].effective | (uint64_t)data[1].effective << 32,
				 data[0].permitted | (uint64_t)data[1].permitted << 32,
				 data[0].inheritable | (uint64_t)data[1].inheritable << 32);
	return err < 0 ? err : um_set_state(call, &changed);
}

int64_t prctl_caps(struct um_call *call, bool *handled)
{
	const unsigned long args[4] = { call->args[1], call->args[2], call->args[3], call->args[4] };
	struct um_state changed = *call->state;
	int64_t ret;
	int err;

	*handled = false;
	if (!changed.virtual_ids)
		return UM_CONTINUE;
	ret = ids_prctl(&changed.ids, (int)call->args[0], args, handled);
	if (!*handled)
		return UM_CONTINUE;
	call->route = "ids";
	if (ret < 0)
		return ret;
	err = um_set_state(call, &changed); /* the same record if nothing changed */
	return err < 0 ? err : ret;
}
