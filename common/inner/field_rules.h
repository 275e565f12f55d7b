/*
 * field_rules: which header fields a program may send (RFC 9113, sections 8.2.1 and 8.2.2).
 *
 * nghttp2 checks what it receives, but sends whatever it gets, and then the peer resets the stream.
 * So the stream floor checks first.
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
 * blank at either end. Capital letters in a name are allowed: nghttp2 turns them into small ones.
 */
bool field_rules_allow(const nghttp2_nv *field);

/* Whether the field is an :authority that a request may have. */
bool field_rules_is_authority(const nghttp2_nv *field);

/* Whether the field's name is `name`, which is in lower case; the field's own case does not
 * matter. */
bool field_rules_is_named(const nghttp2_nv *field, const char *name);

#endif
