/*
 * response_rules: what makes a response malformed (RFC 9113, sections 8.1.1, 8.2 and 8.3.2).
 *
 * nghttp2 has such rules, too. But it resets a 204 or a 103 that has a content-length, which
 * section 8.1.1 allows. So a client turns nghttp2's rules off and calls these.
 *
 * Order of calls, each of which returns whether the response is still right: for each header
 * section response_rules_begin, response_rules_field for each field, response_rules_end_fields;
 * response_rules_data for each piece of the content; response_rules_trailer for each trailer field;
 * response_rules_end with END_STREAM.
 */
#ifndef COMMON_RESPONSE_RULES_H
#define COMMON_RESPONSE_RULES_H

#include <nghttp2/nghttp2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct response_rules {
  bool is_head;     /* the request's method is HEAD: set it before the first call */
  bool has_regular; /* a field that is no pseudo-header field has come */
  int status;       /* 0: none yet */
  int64_t length;   /* content-length; -1: none */
  int64_t received; /* so much content */
};

void response_rules_begin(struct response_rules *rules);

bool response_rules_field(struct response_rules *rules, nghttp2_vec name, nghttp2_vec value);

/* `ends`: with END_STREAM. */
bool response_rules_end_fields(const struct response_rules *rules, bool ends);

bool response_rules_data(struct response_rules *rules, size_t length);

bool response_rules_trailer(nghttp2_vec name, nghttp2_vec value);

bool response_rules_end(const struct response_rules *rules);

#endif
