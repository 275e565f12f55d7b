/* legal: see legal.h. */
#include "grader/play/legal.h"

#include <nghttp2/nghttp2.h>
#include <string.h>

/* Streams of a client are odd, those of a server even. */
static void note_stream(struct legal *legal, enum frame_sender peer, int32_t stream_id) {
  bool is_odd = stream_id % 2 == 1;
  if (is_odd == (peer == FRAME_FROM_CLIENT) && stream_id > legal->of_peer)
    legal->of_peer = stream_id;
}

static void note_sent(struct legal *legal, const struct frame *frame) {
  note_stream(legal, frame->sender, frame->stream_id);
  note_stream(legal, frame->sender, frame->promised_stream_id);
  messages_note_peer(&legal->messages, frame);
  if (frame->type == NGHTTP2_SETTINGS && !(frame->flags & NGHTTP2_FLAG_ACK))
    legal->settings++;
  if (frame->type == NGHTTP2_PING && !(frame->flags & NGHTTP2_FLAG_ACK) &&
      frame->data_length == sizeof legal->pings[0])
    memcpy(legal->pings[legal->ping_count++ % LEGAL_PINGS], frame->data, sizeof legal->pings[0]);
}

/* Forget a PING, which is answered now: once is enough. Older ones than the last LEGAL_PINGS may be
 * answered late. Returns whether it was there. */
static bool take_ping(struct legal *legal, const struct frame *frame) {
  if (legal->ping_count > LEGAL_PINGS)
    return true;
  for (size_t i = 0; i < legal->ping_count; i++) {
    if (memcmp(legal->pings[i], frame->data, sizeof legal->pings[0]) != 0)
      continue;
    legal->ping_count--;
    memmove(legal->pings[i], legal->pings[legal->ping_count], sizeof legal->pings[0]);
    return true;
  }
  return false;
}

static bool is_of_stream(const struct frame *frame) {
  return frame->type == NGHTTP2_HEADERS || frame->type == NGHTTP2_DATA ||
         frame->type == NGHTTP2_RST_STREAM || frame->type == NGHTTP2_WINDOW_UPDATE ||
         frame->type == NGHTTP2_CONTINUATION;
}

/* RFC 9113, section 6.8: a GOAWAY that announces another one may name the highest stream of all. */
static const char *judge_goaway(struct legal *legal, const struct frame *frame) {
  int32_t last = frame->last_stream_id;
  bool announces = last == INT32_MAX && frame->error_code == NGHTTP2_NO_ERROR;
  if (last > legal->of_peer && !announces)
    return "its last stream is none that the other side has opened (RFC 9113, section 6.8)";
  if (legal->says_goodbye && last > legal->goodbye)
    return "its last stream is higher than in the GOAWAY before (RFC 9113, section 6.8)";
  legal->says_goodbye = true;
  legal->goodbye = last;
  return NULL;
}

static const char *judge_message(struct legal *legal, const struct frame *frame) {
  const char *error = messages_judge(&legal->messages, frame);
  legal->is_malformed = legal->is_malformed || (error && !legal->error);
  return error;
}

/* What is wrong with this frame of the program; NULL if nothing is. */
static const char *judge(struct legal *legal, const struct frame *frame) {
  bool ack = frame->flags & NGHTTP2_FLAG_ACK;
  if (frame->error)
    return legal->frames > 0 ? frame->error : NULL;
  legal->frames++;
  if (is_of_stream(frame) && frame->stream_id > legal->opened)
    return "the stream is idle: no client has opened it (RFC 9113, section 5.1)";
  if (is_of_stream(frame) && frame->stream_id > 0 && frame->stream_id % 2 == 0)
    return "the stream is idle: no server has promised it (RFC 9113, section 5.1.1)";
  if (frame->type == NGHTTP2_PING && ack && !take_ping(legal, frame))
    return "it acknowledges a PING that was never sent, or twice (RFC 9113, section 6.7)";
  if (frame->type == NGHTTP2_SETTINGS && ack && legal->settings == 0)
    return "it acknowledges SETTINGS that were never sent (RFC 9113, section 6.5.3)";
  if (frame->type == NGHTTP2_SETTINGS && ack)
    legal->settings--;
  if (frame->type == NGHTTP2_GOAWAY)
    return judge_goaway(legal, frame);
  return judge_message(legal, frame);
}

bool legal_look(struct legal *legal, enum frame_sender program, const struct frame *frame) {
  bool opens = frame->type == NGHTTP2_HEADERS && frame->sender == FRAME_FROM_CLIENT;
  if (opens && !frame->error && frame->stream_id % 2 == 1 && frame->stream_id > legal->opened)
    legal->opened = frame->stream_id;
  if (frame->sender != program) {
    note_sent(legal, frame);
    return false;
  }
  const char *error = judge(legal, frame);
  if (!error || legal->error)
    return false;
  legal->error = error;
  return true;
}
