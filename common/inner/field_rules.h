/*
 * field_rules: which header fields may be sent (RFC 9113, sections 8.2.1 and 8.2.2).
 *
 * nghttp2 checks what it receives, and sends whatever it is given: the peer would reset the stream.
 * So the stream floor looks before.
 */
#ifndef COMMON_FIELD_RULES_H
#define COMMON_FIELD_RULES_H

#include <nghttp2/nghttp2.h>
#include <stdbool.h>

/*
 * Whether HTTP/2 allows this field: its name is a token (letters, digits and some signs, so no
 * empty name, no blank and no ':' as pseudo-header fields have), and none that speaks of an
 * HTTP/1.1 connection ("connection", "keep-alive", "transfer-encoding", "upgrade",
 * "proxy-connection", "te" unless it is "trailers"); its value has no control characters, and no
 * blank at either end. Capital letters in a name are allowed: nghttp2 makes them small.
 */
bool field_rules_allow(const nghttp2_nv *field);

/* Whether it is an :authority, and one that may be sent in a request. */
bool field_rules_is_authority(const nghttp2_nv *field);

/* Whether its name is `name`, which is in lower case, however it is written. */
bool field_rules_is_named(const nghttp2_nv *field, const char *name);

#endif
