/*
 * request: the header section of a request such as any client may send. By chance it has further
 * fields, in any order, and names the server in one of several ways: so nobody knows beforehand
 * what stands where.
 */
#ifndef GRADER_REQUEST_H
#define GRADER_REQUEST_H

#include "grader/play/exchange.h"

enum { REQUEST_FIELDS = 40 };

struct request_field {
  const char *name, *value;
};

/* Pseudo-header fields come first. The texts made by chance are in `texts`, all others are the
 * caller's. */
struct request {
  struct exchange *exchange;
  struct request_field fields[REQUEST_FIELDS];
  size_t count;
  size_t pseudo_count; /* of them */
  char texts[4096];
  size_t used; /* of the texts */
};

/* Make a request with this method and path. */
void request_make(struct request *request, struct exchange *exchange, const char *method,
                  const char *path);

/* The same without anything by chance: four fields. */
void request_make_plain(struct request *request, struct exchange *exchange, const char *method,
                        const char *path);

/* Add a field somewhere among the regular ones. */
void request_add(struct request *request, const char *name, const char *value);

/* In which ways a request can be malformed. */
enum request_fault {
  REQUEST_MISSING, /* a pseudo-header field */
  REQUEST_TWICE,   /* a pseudo-header field */
  REQUEST_LATE,    /* a pseudo-header field, behind a regular one */
  REQUEST_UNKNOWN, /* a pseudo-header field */
  REQUEST_EMPTY_PATH,
  REQUEST_LINE_BREAK, /* in :path */
  REQUEST_UPPER_CASE, /* in the name of a field */
  REQUEST_CONNECTION, /* a field that is about the connection */
  REQUEST_LENGTH, /* a content-length that is no number, or not that of a request without body */
  REQUEST_FAULTS
};

/* Make the request malformed in this way (RFC 9113, sections 8.1.1, 8.2 and 8.3), if it has no
 * body. nghttp2 refuses each by itself. Returns what is wrong, in words that live as long as the
 * request. */
const char *request_spoil(struct request *request, enum request_fault fault);

#endif
