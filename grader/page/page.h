/*
 * page: write a grading, or a recorded trace, as one HTML file that opens from disk.
 *
 * The file is the template in grader/page/ with the data as JSON; its script draws the page. The
 * JSON has everything that a student's program printed or sent, which may be anything: it cannot
 * end the element around the JSON. Only the template's own script runs: the page names it by its
 * digest.
 */
#ifndef GRADER_PAGE_H
#define GRADER_PAGE_H

#include <jansson.h>

#include "grader/result/outcome.h"
#include "grader/result/run.h"

/* Write the page of this run to `path`, in place of an older one. Returns 0; or -1 with errno set,
 * and then the older one stays. */
int page_write_report(const char *path, const struct run *run, const struct outcome_list *list);

/* The same for one trace, an array of frames in the format of trace_frame_json;
 * `title` is its heading. */
int page_write_trace(const char *path, const char *title, const json_t *frames);

#endif
