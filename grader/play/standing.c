/* standing: see standing.h. */
#include "grader/play/standing.h"

#include "grader/words/quote.h"

/* The last frame that went in that direction, in words; or "nothing". */
static void append_last_frame(struct buffer *text, const struct exchange *exchange,
                              enum frame_sender sender) {
  for (size_t i = exchange->recording.count; i > 0; i--) {
    const struct frame *frame = exchange->recording.entries[i - 1].frame;
    if (frame && frame->sender == sender) {
      quote_frame(text, frame);
      return;
    }
  }
  quote_append(text, "nothing");
}

void standing_waiting(struct buffer *text, const struct exchange *exchange) {
  bool server = exchange->port != 0;
  quote_append(text, "the program waits; it sent last: ");
  append_last_frame(text, exchange, server ? FRAME_FROM_SERVER : FRAME_FROM_CLIENT);
  quote_append(text, "; it was sent last: ");
  append_last_frame(text, exchange, server ? FRAME_FROM_CLIENT : FRAME_FROM_SERVER);
}

void standing_tell(struct exchange *exchange) {
  struct buffer *seen = &exchange->finding.seen;
  if (seen->length > 0 || exchange->finding.expected.length == 0)
    return;
  bool ended = program_ended(exchange->program);
  exchange->finding.waiting = !ended;
  if (ended) {
    quote_append(seen, "the program %s", program_end_text(exchange->program));
  } else if (recording_is_full(&exchange->recording)) {
    quote_append(seen, "the program sends frames without end");
  } else if (!exchange_is_quiet(exchange)) {
    quote_append(seen, recording_clock() > exchange->deadline ? "the program runs on and on"
                                                              : "the program is still running");
  } else if (exchange->peer_count == 0) {
    quote_append(seen, "the program waits%s", exchange->listener ? ", and has not connected" : "");
  } else {
    standing_waiting(seen, exchange);
  }
}

void standing_sleep(struct exchange *exchange) {
  struct finding *finding = &exchange->finding;
  if (!program_sleeps(exchange->program))
    return;
  buffer_clear(&finding->what);
  buffer_clear(&finding->seen);
  quote_append(&finding->what, "The program sleeps, and can do nothing else in the meantime.");
  quote_append(&finding->seen, "the program is in sleep, usleep, uv_sleep or the like");
}
