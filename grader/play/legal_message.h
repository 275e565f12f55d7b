/*
 * legal_message: the messages of a program. Its requests or responses must be well-formed (RFC
 * 9113, sections 8.1 to 8.3, and RFC 9110): real peers refuse others. It reads the header blocks
 * and counts the bytes of the bodies, on all streams of one connection.
 */
#ifndef GRADER_LEGAL_MESSAGE_H
#define GRADER_LEGAL_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/frame.h"

enum { MESSAGE_STREAMS = 2048, MESSAGE_FIELD = 96, MESSAGE_HOST = 256 };

/* What the program has sent on one stream. */
struct message {
  int32_t stream_id;
  bool has_fields;    /* its header section is complete: the next block has trailers */
  bool ended;         /* it has sent END_STREAM */
  bool is_to_head;    /* the peer's request is a HEAD, ... */
  bool is_to_connect; /* ... or a CONNECT */
  int64_t expected;   /* how many bytes of DATA it must have; -1: any number */
  int64_t length;     /* how many have come */
};

/* The header block that is arriving. */
struct header_block {
  int32_t stream_id; /* 0: none is */
  unsigned seen;     /* the fields that may come once only: a bit for each */
  bool is_trailers;
  bool ends_stream;
  bool has_regular; /* a field that is no pseudo-header field */
  bool is_connect;
  int status;
  int64_t content_length; /* -1: none */
  char authority[MESSAGE_HOST];
  char host[MESSAGE_HOST];
};

struct messages {
  struct message messages[MESSAGE_STREAMS]; /* of the highest streams */
  struct header_block block;
  char field[MESSAGE_FIELD]; /* the field that is wrong, "name: value"; "" if it is none */
};

/* A frame of the peer: note which responses have no body. */
void messages_note_peer(struct messages *messages, const struct frame *frame);

/* What is wrong with this frame of the program, with the section of the RFC; NULL if nothing is.
 * The frame has no `error`. Call it for each frame in order. */
const char *messages_judge(struct messages *messages, const struct frame *frame);

#endif
