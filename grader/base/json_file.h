/*
 * json_file: write JSON so that a file appears whole, or not at all.
 */
#ifndef GRADER_JSON_FILE_H
#define GRADER_JSON_FILE_H

#include <jansson.h>

/* Write `json` to `path`, over what is there, by way of "PATH.part". `flags` are jansson's. Returns
 * 0; or -1, also when `json` is NULL, and then the old file is untouched. */
int json_file_write(const json_t *json, const char *path, size_t flags);

#endif
