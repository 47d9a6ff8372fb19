/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/opensips_lexer.h"
#include <string.h>

#define MARKS "=;,(){}"

void
opensips_lexer_init(struct opensips_lexer *lexer, const char *text, size_t len)
{
	*lexer = (struct opensips_lexer){ .at = text, .end = text + len, .line = 1 };
}

static bool
fail(struct opensips_lexer *lexer, const char *problem)
{
	lexer->problem = problem;
	return false;
}

static bool
starts(const struct opensips_lexer *lexer, const char *text)
{
	size_t len = strlen(text);

	return (size_t)(lexer->end - lexer->at) >= len && memcmp(lexer->at, text, len) == 0;
}

static void
step(struct opensips_lexer *lexer)
{
	lexer->line += *lexer->at == '\n';
	lexer->at++;
}

static bool
skip_long_comment(struct opensips_lexer *lexer)
{
	unsigned line = lexer->line;

	while (lexer->at < lexer->end && !starts(lexer, "*/"))
		step(lexer);
	if (lexer->at == lexer->end) {
		lexer->line = line;
		return fail(lexer, "a comment without an end");
	}
	lexer->at += 2;
	return true;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool
skip_blanks(struct opensips_lexer *lexer)
{
	while (lexer->at < lexer->end) {
		if (is_blank(*lexer->at)) {
			step(lexer);
		} else if (*lexer->at == '#') {
			while (lexer->at < lexer->end && *lexer->at != '\n')
				lexer->at++;
		} else if (starts(lexer, "/*")) {
			if (!skip_long_comment(lexer))
				return false;
		} else {
			break;
		}
	}
	return true;
}

static bool
put(struct opensips_lexer *lexer, struct opensips_token *token, size_t *len, char c)
{
	if (*len + 1 == sizeof(token->text))
		return fail(lexer, "a word or text longer than 1023 bytes");
	if (c == '\0')
		return fail(lexer, "a NUL");
	token->text[(*len)++] = c;
	token->text[*len] = '\0';
	return true;
}

static char
unescape(char c)
{
	switch (c) {
	case 'n':
		return '\n';
	case 't':
		return '\t';
	case 'r':
		return '\r';
	default:
		return c;
	}
}

static bool
take_text(struct opensips_lexer *lexer, struct opensips_token *token)
{
	char quote = *lexer->at++;
	unsigned line = lexer->line;
	size_t len = 0;

	token->kind = OPENSIPS_TEXT;
	while (lexer->at < lexer->end && *lexer->at != quote) {
		bool escape = quote == '"' && *lexer->at == '\\' && lexer->end - lexer->at > 1;
		char c;

		lexer->at += escape;
		c = escape ? unescape(*lexer->at) : *lexer->at;
		step(lexer);
		if (!put(lexer, token, &len, c))
			return false;
	}
	if (lexer->at == lexer->end) {
		lexer->line = line;
		return fail(lexer, "a text without its closing quote");
	}
	lexer->at++;
	return true;
}

static bool
ends_word(const struct opensips_lexer *lexer)
{
	char c = *lexer->at;

	return is_blank(c) || c == '#' || c == '"' || c == '\'' || (c && strchr(MARKS, c)) ||
	       starts(lexer, "/*");
}

static bool
take_word(struct opensips_lexer *lexer, struct opensips_token *token)
{
	size_t len = 0;

	token->kind = OPENSIPS_WORD;
	while (lexer->at < lexer->end && !ends_word(lexer))
		if (!put(lexer, token, &len, *lexer->at++))
			return false;
	return true;
}

bool
opensips_lexer_next(struct opensips_lexer *lexer, struct opensips_token *token)
{
	if (!skip_blanks(lexer))
		return false;
	token->kind = OPENSIPS_END;
	token->line = lexer->line;
	token->text[0] = '\0';
	if (lexer->at == lexer->end)
		return true;
	if (*lexer->at == '"' || *lexer->at == '\'')
		return take_text(lexer, token);
	if (!*lexer->at || !strchr(MARKS, *lexer->at))
		return take_word(lexer, token);
	token->kind = OPENSIPS_MARK;
	token->text[0] = *lexer->at++;
	token->text[1] = '\0';
	return true;
}

bool
opensips_lexer_peek(const struct opensips_lexer *lexer, struct opensips_token *token)
{
	struct opensips_lexer ahead = *lexer;

	return opensips_lexer_next(&ahead, token);
}

bool
opensips_lexer_is(const struct opensips_token *token, enum opensips_kind kind, const char *text)
{
	return token->kind == kind && strcmp(token->text, text) == 0;
}
