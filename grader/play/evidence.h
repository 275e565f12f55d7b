/*
 * evidence: what a failed check says, so that it can be compared with what another one says.
 *
 * Numbers are left out, since they differ from run to run; so do random texts, which the table of known mistakes leaves
 * out for that reason: see diagnosis.h.
 */
#ifndef GRADER_EVIDENCE_H
#define GRADER_EVIDENCE_H

#include <jansson.h>

#include "grader/play/exchange.h"

/* {"says": ..., "expected": ..., "seen": ...}: the sentence; what should have come; and the first divergent frame, or
 * what else was seen, or the student's function in which the program crashed. Texts that are empty are left out. A new
 * reference, or NULL when there is no memory. */
json_t *evidence_json(const struct finding *finding);

#endif
