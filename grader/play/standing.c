/* standing: see standing.h. */
#include "grader/play/standing.h"

#include <nghttp2/nghttp2.h>
#include <stdio.h>

#include "grader/words/quote.h"

/* The last frame that went in that direction and tells something: frames of unknown types do not.
 * NULL if there is none. */
static const struct frame *last_frame(const struct exchange *exchange, enum frame_sender sender) {
  for (size_t i = exchange->recording.count; i > 0; i--) {
    const struct frame *frame = exchange->recording.entries[i - 1].frame;
    bool is_unknown = frame && frame->type > NGHTTP2_CONTINUATION && frame->type < FRAME_PREFACE;
    if (frame && frame->sender == sender && !is_unknown)
      return frame;
  }
  return NULL;
}

static void append_frame(struct buffer *text, struct buffer *kind, const struct frame *frame) {
  if (frame)
    quote_frame(text, frame);
  else
    quote_append(text, "nothing");
  if (frame)
    quote_frame_kind(kind, frame);
  else
    quote_append(kind, "nothing");
}

void standing_waiting(struct buffer *text, struct exchange *exchange) {
  bool server = exchange->port != 0;
  struct buffer kind = {0};
  quote_append(text, "your program waits; it sent last: ");
  quote_append(&kind, "waits, sent ");
  append_frame(text, &kind, last_frame(exchange, server ? FRAME_FROM_SERVER : FRAME_FROM_CLIENT));
  quote_append(text, "; it received last: ");
  quote_append(&kind, ", received ");
  append_frame(text, &kind, last_frame(exchange, server ? FRAME_FROM_CLIENT : FRAME_FROM_SERVER));
  snprintf(exchange->finding.stands, sizeof exchange->finding.stands, "%s",
           kind.bytes ? kind.bytes : "");
  buffer_free(&kind);
}

/* Say that, and how it is called. */
static void say(struct finding *finding, const char *stands, const char *seen) {
  snprintf(finding->stands, sizeof finding->stands, "%s", stands);
  quote_append(&finding->seen, "your program %s", seen);
}

void standing_tell(struct exchange *exchange) {
  struct finding *finding = &exchange->finding;
  if (finding->seen.length > 0 || finding->expected.length == 0)
    return;
  bool ended = program_ended(exchange->program);
  finding->waiting = !ended;
  if (ended)
    say(finding, program_end_id(exchange->program), program_end_text(exchange->program));
  else if (recording_is_full(&exchange->recording))
    say(finding, "floods", "sends frames without end");
  else if (!exchange_is_quiet(exchange))
    say(finding, "runs",
        exchange_is_over(exchange)               ? "still runs when the time of this check is over"
        : recording_clock() > exchange->deadline ? "runs on and on"
                                                 : "is still running");
  else if (exchange->peer_count == 0 && exchange->listener)
    say(finding, "waits, not connected", "waits, and has not connected");
  else if (exchange->peer_count == 0)
    say(finding, "waits", "waits");
  else
    standing_waiting(&finding->seen, exchange);
}

void standing_sleep(struct exchange *exchange) {
  struct finding *finding = &exchange->finding;
  if (!program_sleeps(exchange->program))
    return;
  buffer_clear(&finding->seen);
  finding->section = ""; /* this is about libuv */
  finding_say(finding, "sleeps| Your program sleeps, and can do nothing else in the meantime.");
  say(finding, "sleeps", "is in sleep, usleep, uv_sleep or the like");
}
