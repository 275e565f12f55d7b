/*
 * conversation: the bytes of one connection on which nearly everything happens, made by two nghttp2
 * sessions in memory, and the reports of these sessions.
 */
#ifndef COMMON_TESTS_CONVERSATION_H
#define COMMON_TESTS_CONVERSATION_H

#include "common/buffer.h"
#include "common/frame.h"

/* The frames that one side has received, as nghttp2's callbacks report them. */
struct conversation_log {
  struct buffer frames; /* one line for each, CONTINUATION being a part of its HEADERS */
  struct buffer fields; /* names and values, one after the other */
  struct buffer data;   /* the content of all DATA frames */
};

/* Bytes that one side sent in a row. */
struct conversation_piece {
  enum frame_sender sender;
  size_t start; /* in `bytes` */
  size_t length;
};

struct conversation {
  struct buffer bytes;
  struct buffer pieces; /* struct conversation_piece, in the order they were sent */
  size_t piece_count;
  struct conversation_log logs[2]; /* by who sent it */
};

/* Let them talk. */
void conversation_hold(struct conversation *conversation);

const struct conversation_piece *conversation_piece(const struct conversation *conversation,
                                                    size_t i);

/* Write into `log` what nghttp2's callbacks would report about this frame. */
void conversation_log_frame(struct conversation_log *log, const struct frame *frame);

void conversation_log_free(struct conversation_log *log);
void conversation_free(struct conversation *conversation);

#endif
