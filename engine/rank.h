/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_RANK_H
#define ENGINE_RANK_H
/*
 * What is given up first where not everything can be carried: what nobody waits for, then what
 * begins something new, and last what ends or goes on with something that is there.
 */
#include "codec/sip_essentials.h"

enum rank {
	RANK_KEEP,  /* responses, ACK, BYE, CANCEL, and whatever is inside a dialog */
	RANK_NEW,   /* INVITE, REGISTER, MESSAGE and others outside of one */
	RANK_SPARE, /* NOTIFY, OPTIONS, SUBSCRIBE, PUBLISH outside of one */
};

static inline enum rank
rank_of(const struct sip_msg *sip, const struct sip_essentials *head)
{
	if (!sip->request || sip_addr_tag(&head->to).len)
		return RANK_KEEP;
	switch (sip->method) {
	case SIP_METHOD_ACK:
	case SIP_METHOD_BYE:
	case SIP_METHOD_CANCEL:
		return RANK_KEEP;
	case SIP_METHOD_NOTIFY:
	case SIP_METHOD_OPTIONS:
	case SIP_METHOD_SUBSCRIBE:
	case SIP_METHOD_PUBLISH:
		return RANK_SPARE;
	default:
		return RANK_NEW;
	}
}

#endif
