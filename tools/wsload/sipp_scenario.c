/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/wsload/sipp_scenario.h"

#include <stdlib.h>
#include <string.h>
#include "tools/wsload/sipp_read.h"
#include "tools/wsload/sipp_xml.h"

/* How a call is given up when it went wrong: with what the last response says of the dialog. */
#define GIVE_UP(method, via, number)                                                               \
	method " [last_Request_URI] SIP/2.0\n" via "\n"                                            \
	       "[last_From:]\n[last_To:]\n[last_Call-ID:]\n"                                       \
	       "CSeq: " number " " method "\n"                                                     \
	       "Max-Forwards: 70\nContent-Length: 0\n"

#define NEW_VIA "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]-bye"

static bool
read_injections(struct sipp_scenario *s, const struct sipp_options *o, struct sipp_error *error,
		const char **file)
{
	for (; s->injections_len < o->injections_len; s->injections_len++) {
		struct sipp_injection *in = &s->injections[s->injections_len];

		*file = o->injections[s->injections_len];
		if (!sipp_injection_read(in, *file, error)) {
			sipp_injection_free(in);
			return false;
		}
		if (in->order == SIPP_BY_USER && !o->users) {
			sipp_injection_free(in);
			return sipp_error(error, 1, "USER needs -users N");
		}
	}
	*file = NULL;
	return true;
}

/* Fields are keywords' home too: those that are none are told before calls run. */
static bool
check_injections(struct sipp_scenario *s, const struct sipp_names *names, const char **file)
{
	for (uint32_t i = 0; i < s->injections_len; i++) {
		struct sipp_injection *in = &s->injections[i];

		for (uint32_t k = 0; k < in->rows_len; k++) {
			struct sipp_template t;
			bool ok = !strchr(in->rows[k].text, '[') ||
				  sipp_template_text(&t, in->rows[k].text, in->rows[k].line, names);

			if (strchr(in->rows[k].text, '['))
				sipp_template_free(&t);
			if (ok)
				continue;
			*file = in->name;
			return false;
		}
	}
	return true;
}

/* A variable that is read but never written is a name with a slip in it. */
static bool
check_variables(const struct sipp_scenario *s, struct sipp_error *error)
{
	for (uint32_t i = 0; i < s->variables.len; i++) {
		const struct sipp_variable *v = &s->variables.at[i];

		if (v->read_line && !v->written && v->scope == SIPP_OF_CALL)
			return sipp_error(error, v->read_line,
					  "the variable %.64s is never assigned", v->name);
	}
	return true;
}

static bool
check_sets(const struct sipp_scenario *s, const struct sipp_options *o, struct sipp_error *error)
{
	for (uint32_t i = 0; i < o->sets_len; i++) {
		uint32_t n = sipp_variables_find(&s->variables,
						 span_of(o->sets[i].name, strlen(o->sets[i].name)));

		if (n == SIPP_NONE || s->variables.at[n].scope != SIPP_OF_ALL)
			return sipp_error(error, 0, "-set %.64s: no <Global> variable of this name",
					  o->sets[i].name);
	}
	return true;
}

static bool
read_all(struct sipp_reader *r, struct sipp_element *root, const char **file)
{
	struct sipp_scenario *s = r->scenario;

	return sipp_read_scenario(r, root) && check_injections(s, &r->names, file) &&
	       check_variables(s, r->error) && check_sets(s, r->names.options, r->error) &&
	       sipp_template_message(&s->bye, GIVE_UP("BYE", NEW_VIA, "[last_cseq_number+1]"), 0,
				     &r->names) &&
	       sipp_template_message(&s->cancel,
				     GIVE_UP("CANCEL", "[last_Via:]", "[last_cseq_number]"), 0,
				     &r->names);
}

struct sipp_scenario *
sipp_scenario_new(const char *bytes, size_t len, const struct sipp_options *options,
		  struct sipp_error *error, const char **file)
{
	struct sipp_scenario *s = calloc(1, sizeof(*s));
	struct sipp_reader r = { .scenario = s, .error = error };
	struct sipp_element *root;
	bool ok;

	*file = NULL;
	if (!s) {
		sipp_error(error, 0, "out of memory");
		return NULL;
	}
	s->unexpected = s->unexpected_from = SIPP_NONE;
	ok = read_injections(s, options, error, file);
	r.names = (struct sipp_names){ .variables = &s->variables,
				       .options = options,
				       .injections = s->injections,
				       .injections_len = s->injections_len,
				       .error = error };
	root = ok ? sipp_xml_read(bytes, len, error) : NULL;
	ok = root && read_all(&r, root, file);
	sipp_xml_free(root);
	if (ok)
		return s;
	sipp_scenario_free(s);
	return NULL;
}

/* ---- the end ---- */

static void
free_action(struct sipp_action *a)
{
	if (a->ereg && a->ereg->compiled)
		regfree(&a->ereg->regex);
	if (a->ereg)
		free(a->ereg->header);
	free(a->ereg);
	sipp_template_free(&a->text);
	sipp_template_free(&a->text2);
}

static void
free_program(struct sipp_program *p)
{
	for (uint32_t i = 0; i < p->len; i++) {
		struct sipp_step *s = &p->steps[i];

		for (uint32_t k = 0; k < s->actions_len; k++)
			free_action(&s->actions[k]);
		free(s->actions);
		sipp_template_free(&s->message);
		free(s->request);
		if (s->request_regex)
			regfree(s->request_regex);
		free(s->request_regex);
	}
	free(p->steps);
}

void
sipp_scenario_free(struct sipp_scenario *s)
{
	if (!s)
		return;
	free_program(&s->main);
	free_program(&s->init);
	sipp_variables_free(&s->variables);
	sipp_variables_free(&s->transactions);
	sipp_variables_free(&s->timers);
	for (uint32_t i = 0; i < s->injections_len; i++)
		sipp_injection_free(&s->injections[i]);
	sipp_template_free(&s->bye);
	sipp_template_free(&s->cancel);
	free(s->name);
	free(s);
}
