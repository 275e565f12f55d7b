/*
 * page_data: the data that page.c puts into the page, for grader/page/page.js to draw. An inner
 * part of page.h.
 */
#ifndef GRADER_PAGE_DATA_H
#define GRADER_PAGE_DATA_H

#include <jansson.h>

#include "grader/result/outcome.h"
#include "grader/result/run.h"

/* How much a page shows, so that it opens at once; where it leaves out something, it says so. */
enum {
  PAGE_FRAMES = 300,       /* of one check, and some around the wrong frame */
  PAGE_TRACE_FRAMES = 3000 /* of a trace */
};

/*
 * The scores, the labs, and for each check its sentence, its finding and its frames:
 *   {"kind": "report", "points": 12, "possible": 65, "seed": "4711", ...,
 *    "labs": [{"id": "lab01", ..., "checks": [{"id": "ping", "verdict": "failed",
 *      "finding": {...}, "program": {...}, "frames": [...]}]}]}
 * {"skipped": 120} stands for frames that are left out. A new reference, or NULL when there is no
 * memory.
 */
json_t *page_data_report(const struct run *run, const struct outcome_list *list);

/* {"kind": "trace", "title": ..., "frames": [...]}; the same. */
json_t *page_data_trace(const char *title, const json_t *frames);

#endif
