/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/wsload/sipp_keyword.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include "tools/wsload/file.h"
#include "tools/wsload/sipp_injection.h"

static const struct {
	const char *name;
	enum sipp_keyword keyword;
	bool counts; /* [name+N] */
} keywords[] = {
	{ "auto_media_port", SIPP_AUTO_MEDIA_PORT, true },
	{ "branch", SIPP_BRANCH, true },
	{ "call_id", SIPP_CALL_ID, false },
	{ "call_number", SIPP_CALL_NUMBER, true },
	{ "clock_tick", SIPP_CLOCK_TICK, false },
	{ "cseq", SIPP_CSEQ, true },
	{ "date", SIPP_DATE, false },
	{ "dynamic_id", SIPP_DYNAMIC_ID, true },
	{ "last_cseq_number", SIPP_LAST_CSEQ_NUMBER, true },
	{ "last_message", SIPP_LAST_MESSAGE, false },
	{ "last_Request_URI", SIPP_LAST_REQUEST_URI, false },
	{ "len", SIPP_LEN, true },
	{ "local_ip", SIPP_LOCAL_IP, false },
	{ "local_ip_type", SIPP_LOCAL_IP_TYPE, false },
	{ "local_port", SIPP_LOCAL_PORT, true },
	{ "media_ip", SIPP_MEDIA_IP, false },
	{ "media_ip_type", SIPP_MEDIA_IP_TYPE, false },
	{ "media_port", SIPP_MEDIA_PORT, true },
	{ "msg_index", SIPP_MSG_INDEX, false },
	{ "next_url", SIPP_NEXT_URL, false },
	{ "peer_tag_param", SIPP_PEER_TAG_PARAM, false },
	{ "pid", SIPP_PID, false },
	{ "remote_host", SIPP_REMOTE_HOST, false },
	{ "remote_ip", SIPP_REMOTE_IP, false },
	{ "remote_port", SIPP_REMOTE_PORT, true },
	{ "routes", SIPP_ROUTES, false },
	{ "server_ip", SIPP_SERVER_IP, false },
	{ "service", SIPP_SERVICE, false },
	{ "sipp_version", SIPP_SIPP_VERSION, false },
	{ "timestamp", SIPP_TIMESTAMP, false },
	{ "transport", SIPP_TRANSPORT, false },
	{ "userid", SIPP_USERID, false },
	{ "users", SIPP_USERS, false },
};

/* SIPp has them, this does not: media, encryption of media, circuits. */
static const char *const refused[] = {
	"tdmmap",    "rtpstream_audio_port", "rtpstream_video_port", "rtpstream_image_port",
	"cryptotag", "cryptosuite",          "cryptokeyparams",      "ueaescm"
};

struct reader {
	const struct sipp_names *names;
	struct sipp_piece *piece;
	struct span text; /* the whole keyword, for errors */
	unsigned line;
};

static bool
wrong(const struct reader *r, const char *why)
{
	return sipp_error(r->names->error, r->line, "[%.*s]: %s",
			  (int)(r->text.len < 64 ? r->text.len : 64), r->text.at, why);
}

static struct span
span(const char *text)
{
	return span_of(text, strlen(text));
}

static bool
begins(struct span text, const char *with)
{
	size_t len = strlen(with);

	return text.len >= len && memcmp(text.at, with, len) == 0;
}

static bool
keep_text(struct reader *r, struct span text)
{
	r->piece->text = sipp_text_copy(text);
	r->piece->text_len = text.len;
	return r->piece->text || wrong(r, "out of memory");
}

/* "+3", "-1", or nothing. */
static bool
read_offset(struct span text, int32_t *out)
{
	char copy[12], *end;
	long n;

	*out = 0;
	if (!text.len)
		return true;
	if (text.len < 2 || text.len >= sizeof(copy) || (text.at[0] != '+' && text.at[0] != '-') ||
	    text.at[1] < '0' || text.at[1] > '9')
		return false;
	memcpy(copy, text.at, text.len);
	copy[text.len] = '\0';
	n = strtol(copy, &end, 10);
	*out = (int32_t)n;
	return !*end && n > -1000000000 && n < 1000000000;
}

/* ---- parameters: name=value, name="value" ---- */

/* Keywords in a value hold spaces and quotes of their own. */
static size_t
value_len(struct span text, char until)
{
	unsigned depth = 0;
	size_t len = 0;

	while (len < text.len && (depth || text.at[len] != until)) {
		depth += text.at[len] == '[';
		depth -= text.at[len] == ']' && depth;
		len++;
	}
	return len;
}

/* The next one: false at the end, and *bad when it is not one. */
static bool
next_parameter(struct span *rest, struct span *name, struct span *value, bool *bad)
{
	const char *equal;
	size_t len, close;
	bool quoted;

	*rest = span_trim(*rest);
	if (!rest->len)
		return false;
	equal = memchr(rest->at, '=', rest->len);
	*bad = !equal;
	if (!equal)
		return false;
	*name = span_trim(span_of(rest->at, (size_t)(equal - rest->at)));
	*rest = span_of(equal + 1, (size_t)(span_end(*rest) - equal) - 1);
	/* A quote in an attribute of XML is often escaped once more, as SIPp wants it. */
	close = rest->len > 1 && rest->at[0] == '\\' && rest->at[1] == '"';
	quoted = rest->len > close && rest->at[close] == '"';
	if (quoted)
		*rest = span_of(rest->at + close + 1, rest->len - close - 1);
	len = value_len(*rest, quoted ? '"' : ' ');
	*bad = quoted && len == rest->len;
	*value = span_of(rest->at, len);
	if (quoted && close && value->len && value->at[value->len - 1] == '\\')
		value->len--;
	len += quoted && !*bad;
	*rest = span_of(rest->at + len, rest->len - len);
	return !*bad;
}

/* The value of a parameter may hold keywords. */
static bool
compile_parameter(struct reader *r, int n, struct span value)
{
	char *text = sipp_text_copy(value);
	bool ok = false;

	r->piece->parameters[n] = calloc(1, sizeof(struct sipp_template));
	if (text && r->piece->parameters[n])
		ok = sipp_template_text(r->piece->parameters[n], text, r->line, r->names);
	else
		wrong(r, "out of memory");
	free(text);
	return ok;
}

/* ---- keywords ---- */

static bool
read_variable(struct reader *r, struct span name)
{
	struct sipp_variables *v = r->names->variables;
	uint32_t n = name.len ? sipp_variables_name(v, name) : SIPP_NONE;

	if (n == SIPP_NONE)
		return wrong(r, "no variable");
	if (!v->at[n].read_line)
		v->at[n].read_line = r->line;
	r->piece->index = n;
	return true;
}

static bool
find_file(struct reader *r, struct span name)
{
	const struct sipp_names *names = r->names;

	for (uint32_t i = 0; i < names->injections_len; i++)
		if (sipp_injection_is(&names->injections[i], name)) {
			r->piece->index = i;
			return true;
		}
	return wrong(r, "this file is not given with -inf");
}

static bool
read_field(struct reader *r, struct span text)
{
	struct span name, value;
	uint32_t field = 0;
	bool bad = false, ok = true;
	size_t digits = 0;

	r->piece->keyword = SIPP_FIELD;
	for (; digits < text.len && text.at[digits] >= '0' && text.at[digits] <= '9'; digits++)
		field = field * 10 + (uint32_t)(text.at[digits] - '0');
	if (digits == 0 || digits > 4)
		return wrong(r, "which field?");
	r->piece->field = field;
	r->piece->index = 0;
	if (!r->names->injections_len)
		return wrong(r, "fields come from a file that is given with -inf");
	text = span_of(text.at + digits, text.len - digits);
	while (ok && next_parameter(&text, &name, &value, &bad)) {
		if (span_equal(name, SPAN("file")))
			ok = find_file(r, value);
		else if (span_equal(name, SPAN("line")) && !r->piece->parameters[0])
			ok = compile_parameter(r, 0, value);
		else
			ok = wrong(r, "it has file=NAME and line=N");
	}
	return ok && (!bad || wrong(r, "it has file=NAME and line=N"));
}

static bool
read_authentication(struct reader *r, struct span text)
{
	struct span name, value;
	bool bad = false, ok = true;

	r->piece->keyword = SIPP_AUTHENTICATION;
	while (ok && next_parameter(&text, &name, &value, &bad)) {
		int n = span_equal(name, SPAN("password"));

		if ((!n && !span_equal(name, SPAN("username"))) || r->piece->parameters[n])
			ok = wrong(r, "it has username=NAME and password=TEXT; not AKA");
		else
			ok = compile_parameter(r, n, value);
	}
	return ok && (!bad || wrong(r, "it has username=NAME and password=TEXT"));
}

static bool
read_file(struct reader *r, struct span text)
{
	struct span name, value, bytes;
	bool bad = false;
	char *path;

	r->piece->keyword = SIPP_FILE;
	if (!next_parameter(&text, &name, &value, &bad) || !span_equal(name, SPAN("name")))
		return wrong(r, "it has name=FILE");
	path = sipp_text_copy(value);
	if (!path || !file_read(path, &bytes)) {
		free(path);
		return wrong(r, strerror(errno));
	}
	free(path);
	bad = !keep_text(r, bytes);
	file_free(bytes);
	return !bad;
}

static bool
read_fill(struct reader *r, struct span text)
{
	struct span name, value;
	bool bad = false, ok = true;

	r->piece->keyword = SIPP_FILL;
	while (ok && next_parameter(&text, &name, &value, &bad)) {
		if (span_equal(name, SPAN("variable")))
			ok = read_variable(r, value);
		else if (span_equal(name, SPAN("text")) && value.len && !r->piece->text)
			ok = keep_text(r, value);
		else
			ok = wrong(r, "it has variable=NAME and text=TEXT");
	}
	if (ok && (bad || r->piece->index == SIPP_NONE))
		ok = wrong(r, "it has variable=NAME and text=TEXT");
	return ok && (r->piece->text || keep_text(r, SPAN("X")));
}

/* [last_From], [last_From:], [last_From.value] */
static bool
read_last(struct reader *r, struct span name)
{
	r->piece->keyword = SIPP_LAST;
	if (name.len > 6 && memcmp(span_end(name) - 6, ".value", 6) == 0) {
		r->piece->value_only = true;
		name.len -= 6;
	}
	if (name.len && span_end(name)[-1] == ':')
		name.len--;
	return name.len ? keep_text(r, name) : wrong(r, "of which header?");
}

static bool
read_plain(struct reader *r, bool *found)
{
	size_t len = 0;
	struct span rest;

	while (len < r->text.len && r->text.at[len] != '+' && r->text.at[len] != '-')
		len++;
	rest = span_of(r->text.at + len, r->text.len - len);
	for (size_t i = 0; i < sizeof(keywords) / sizeof(*keywords); i++) {
		if (!span_equal(span_of(r->text.at, len), span(keywords[i].name)))
			continue;
		*found = true;
		r->piece->keyword = keywords[i].keyword;
		return (read_offset(rest, &r->piece->offset) &&
			(!rest.len || keywords[i].counts)) ||
		       wrong(r, keywords[i].counts ? "it takes +N or -N" : "it takes nothing");
	}
	return true;
}

static bool
read_key(struct reader *r)
{
	const struct sipp_options *o = r->names->options;

	for (uint32_t i = 0; i < o->keys_len; i++)
		if (span_equal(r->text, span(o->keys[i].name))) {
			r->piece->keyword = SIPP_TEXT;
			return keep_text(r, span(o->keys[i].value));
		}
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++)
		if (begins(r->text, refused[i]))
			return wrong(r, "a keyword of SIPp that is not supported");
	return wrong(r, "no keyword, nor one given with -key");
}

bool
sipp_keyword_read(struct sipp_piece *piece, struct span text, unsigned line,
		  const struct sipp_names *names)
{
	struct reader r = { .names = names, .piece = piece, .text = text, .line = line };
	bool found = false;

	if (text.len && text.at[0] == '$') {
		piece->keyword = SIPP_VARIABLE;
		return read_variable(&r, span_of(text.at + 1, text.len - 1));
	}
	if (begins(text, "authentication"))
		return read_authentication(&r, span_of(text.at + 14, text.len - 14));
	if (begins(text, "file "))
		return read_file(&r, span_of(text.at + 5, text.len - 5));
	if (begins(text, "fill "))
		return read_fill(&r, span_of(text.at + 5, text.len - 5));
	if (begins(text, "field"))
		return read_field(&r, span_of(text.at + 5, text.len - 5));
	if (!read_plain(&r, &found) || found)
		return found && !names->error->set;
	if (begins(text, "last_"))
		return read_last(&r, span_of(text.at + 5, text.len - 5));
	return read_key(&r);
}
