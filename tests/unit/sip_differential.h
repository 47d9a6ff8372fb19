/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_SIP_DIFFERENTIAL_H
#define TESTS_UNIT_SIP_DIFFERENTIAL_H
/* One text through codec/ and through the reference parser. */
#include "codec/span.h"

/*
 * The text as a message; then each of its start line's and fields' values as a URI, an address,
 * a Via, a CSeq, a list. NULL when both parsers agree on all of it, else what they
 * disagree on. `text` should end at a guard page.
 */
const char *sip_differential(struct span text);

/* Was the last text a message that both accept, and did it pass sip_msg_check()? */
bool sip_differential_accepted(void);
bool sip_differential_checked(void);

/* The text alone as a URI, an address, a Via, a CSeq. */
const char *sip_differential_value(struct span text);

#endif
