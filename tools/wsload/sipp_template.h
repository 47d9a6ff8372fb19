/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WSLOAD_SIPP_TEMPLATE_H
#define WSLOAD_SIPP_TEMPLATE_H
/*
 * A text with keywords in square brackets, cut into pieces: what is the same every time, and what
 * sipp_expand() puts in. Keywords that nobody knows, and those of SIPp's that are not supported,
 * are errors with the line they stand in.
 */
#include <stdbool.h>
#include <stdint.h>
#include "tools/wsload/sipp_error.h"
#include "tools/wsload/sipp_options.h"
#include "tools/wsload/sipp_variable.h"

struct sipp_injection;

enum sipp_keyword {
	SIPP_TEXT,
	SIPP_VARIABLE,       /* index */
	SIPP_FIELD,          /* field, index: of the file; parameter 0: line */
	SIPP_LAST,           /* text: a name; value_only */
	SIPP_FILE,           /* text: what is in it */
	SIPP_FILL,           /* index: a variable; text: of what */
	SIPP_AUTHENTICATION, /* parameters 0 and 1: user name, password */
	/* those with a name and nothing more, in the order of the table */
	SIPP_AUTO_MEDIA_PORT,
	SIPP_BRANCH,
	SIPP_CALL_ID,
	SIPP_CALL_NUMBER,
	SIPP_CLOCK_TICK,
	SIPP_CSEQ,
	SIPP_DATE,
	SIPP_DYNAMIC_ID,
	SIPP_LAST_CSEQ_NUMBER,
	SIPP_LAST_MESSAGE,
	SIPP_LAST_REQUEST_URI,
	SIPP_LEN,
	SIPP_LOCAL_IP,
	SIPP_LOCAL_IP_TYPE,
	SIPP_LOCAL_PORT,
	SIPP_MEDIA_IP,
	SIPP_MEDIA_IP_TYPE,
	SIPP_MEDIA_PORT,
	SIPP_MSG_INDEX,
	SIPP_NEXT_URL,
	SIPP_PEER_TAG_PARAM,
	SIPP_PID,
	SIPP_REMOTE_HOST,
	SIPP_REMOTE_IP,
	SIPP_REMOTE_PORT,
	SIPP_ROUTES,
	SIPP_SERVER_IP,
	SIPP_SERVICE,
	SIPP_SIPP_VERSION,
	SIPP_TIMESTAMP,
	SIPP_TRANSPORT,
	SIPP_USERID,
	SIPP_USERS,
};

#define SIPP_PARAMETERS_MAX 2

struct sipp_piece {
	enum sipp_keyword keyword;
	int32_t offset; /* [len+3] */
	uint32_t index, field;
	bool value_only;
	char *text; /* owned; NUL-terminated */
	size_t text_len;
	struct sipp_template *parameters[SIPP_PARAMETERS_MAX]; /* owned; NULL: not given */
};

struct sipp_template {
	struct sipp_piece *pieces; /* owned */
	uint32_t len, cap;
};

/* What keywords are looked up in. */
struct sipp_names {
	struct sipp_variables *variables;
	const struct sipp_options *options; /* -key */
	struct sipp_injection *injections;
	uint32_t injections_len;
	struct sipp_error *error;
};

/*
 * A message, whose lines lose the white space at both ends and get CRLF; head and body are told
 * apart by the first empty line, and the end is that of a head or of a body's line. `line` is
 * where the text begins.
 */
bool sipp_template_message(struct sipp_template *t, const char *text, unsigned line,
			   const struct sipp_names *names);

/* Any other text, as it stands. */
bool sipp_template_text(struct sipp_template *t, const char *text, unsigned line,
			const struct sipp_names *names);
void sipp_template_free(struct sipp_template *t);

#endif
