/*
 * finding: what is wrong with a program, as data. A check makes it. Its words are for the student,
 * and no program reads them: programs identify a failure by its evidence.
 */
#ifndef GRADER_FINDING_H
#define GRADER_FINDING_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/buffer.h"

/* How a check ended. */
enum verdict { VERDICT_PASSED, VERDICT_FAILED, VERDICT_GRADER_FAULT };

enum { FINDING_ID = 64, FINDING_STANDS = 160, FINDING_TODOS = 16 };

/* The id of the failure of a program that has stopped at a TODO that is not done. */
#define FINDING_UNDONE "undone"

/* What the student reads about a failed check. Empty texts are left out. */
struct finding {
  char id[FINDING_ID];         /* of the failure; it stays the same when the words change */
  struct buffer what;          /* one sentence: what the program did wrong */
  struct buffer expected;      /* the frame, or line of output, that should have come */
  struct buffer seen;          /* what came instead */
  char stands[FINDING_STANDS]; /* the state of the program, for `seen`, if nothing else is known */
  struct buffer report;        /* a sanitizer's first lines, or the end of stderr */
  long frame;                  /* the entry of the recording that is wrong; -1 if none */
  unsigned connection;     /* what the check looked at last: this connection (0: none yet) ... */
  int32_t stream;          /* ... and this stream of it; 0 if no single one */
  const char *section;     /* of RFC 9113, if it differs from the check's; otherwise NULL */
  int todo;                /* the TODO where the program stopped; 0 if none */
  char function[64];       /* the student's function in which it crashed; "" if none */
  int todo_of_place;       /* the TODO that this function belongs to; 0 if none */
  bool is_sure;            /* it is that one, whatever other programs that fail alike say */
  char said[96];           /* why the program ended, in its own words; "" if unknown */
  bool ran[FINDING_TODOS]; /* TODOs of which a function has run; all false if that is unknown */
  bool crashed;            /* the program did not end by itself: the frames say little */
  bool waiting;            /* nothing moved any more, or it did not stop */
};

/* Nothing is wrong yet. */
void finding_init(struct finding *finding);
void finding_free(struct finding *finding);

/* Set the finding to this sentence, and nothing else: "no-goaway| Your program does not
 * say goodbye." has the failure's id before the bar. */
void finding_say(struct finding *finding, const char *text);

/* The mistake is in this TODO, whatever other programs that fail alike say. */
void finding_blame(struct finding *finding, int todo);

/* {"id": ..., "seen": ..., "ran": "1 2 5"}: which failure it is; the student's function in which
 * the program crashed, or the state of the program, or what else was seen, without numbers, because
 * they differ from run to run; and the TODOs of which a function has run. "seen" and "ran" are left
 * out if they are empty. A new reference, or NULL when there is no memory. */
json_t *finding_evidence(const struct finding *finding);

#endif
