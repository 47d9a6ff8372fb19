/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_OPENSIPS_LEXER_H
#define ENGINE_OPENSIPS_LEXER_H
/*
 * The words of an opensips.cfg, as far as its global part needs them: comments (#, slash-star),
 * texts in either quotes, and everything else up to a blank or one of = ; , ( ) { } as one word.
 */
#include <stdbool.h>
#include <stddef.h>

#define OPENSIPS_TEXT_MAX 1024 /* with the NUL */

enum opensips_kind { OPENSIPS_END, OPENSIPS_WORD, OPENSIPS_TEXT, OPENSIPS_MARK };

struct opensips_token {
	enum opensips_kind kind;
	unsigned line;                /* from 1 */
	char text[OPENSIPS_TEXT_MAX]; /* a MARK's: one character */
};

struct opensips_lexer {
	const char *at, *end;
	unsigned line;
	const char *problem; /* NULL: none so far */
};

void opensips_lexer_init(struct opensips_lexer *lexer, const char *text, size_t len);

/* The next token into *token; false: lexer->problem at lexer->line. At the end: OPENSIPS_END. */
bool opensips_lexer_next(struct opensips_lexer *lexer, struct opensips_token *token);

/* The same without moving on. */
bool opensips_lexer_peek(const struct opensips_lexer *lexer, struct opensips_token *token);

bool opensips_lexer_is(const struct opensips_token *token, enum opensips_kind kind,
		       const char *text);

#endif
