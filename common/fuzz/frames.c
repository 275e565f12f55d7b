/* frames: the frame decoder reports the same frames however we cut its input, and we can copy,
 * print and write as JSON all that it reports. */
#include "common/frame.h"

#include <stdlib.h>
#include <string.h>

#include "common/buffer.h"
#include "common/fuzz/fuzz.h"
#include "common/trace.h"
#include "common/trace_json.h"
#include "common/trace_print.h"

enum {
  LARGEST_INPUT = 16 * 1024,
  /* What a decoder may hold besides its input: fields of one fragment, the requests that
   * it remembers, HPACK's two tables, and our own list of its reports. */
  LARGEST_MEMORY = 8 * 1024 * 1024,
};

/* The reports of a decoder. */
struct report {
  struct buffer text; /* each frame as JSON, and the parts that JSON does not have */
  bool not_http2;     /* reported once for each call: how often depends on the cuts */
  bool print;
  struct trace_style style;
  FILE *out;
};

static void append(struct buffer *text, const void *octets, size_t length) {
  fuzz_must(buffer_append(text, octets, length) == 0, "there is memory for the target itself");
}

/* The frame as one line of text, with everything that the decoder reports. */
static void write_line(struct report *report, const struct frame *frame) {
  json_t *json = trace_frame_json(frame, 0, 1);
  char *line = json ? json_dumps(json, JSON_COMPACT) : NULL;
  if (!line)
    fuzz_found("a frame can be written as JSON");
  append(&report->text, line, strlen(line));
  append(&report->text, frame->request, strlen(frame->request));
  append(&report->text, frame->payload, frame->length);
  free(line);
  json_decref(json);
}

static void on_frame(const struct frame *frame, void *user) {
  struct report *report = user;
  if (frame->type == FRAME_NOT_HTTP2)
    report->not_http2 = true;
  struct frame *copy = frame_copy(frame);
  if (copy && !report->not_http2)
    write_line(report, copy);
  if (copy && report->print)
    trace_print_frame(report->out, &report->style, 0, 1, ' ', copy);
  free(copy);
}

/* The tape has pieces: who sends, how long, bytes. Cut each again, into parts of `cut`
 * bytes (0: not at all). */
static int feed(struct tape tape, size_t cut, struct report *report) {
  struct frame_decoder *decoder = frame_decoder_new(on_frame, report);
  int failed = decoder ? 0 : -1;
  while (tape.length > 0 && !failed) {
    uint8_t choice = tape_octet(&tape);
    size_t length = (size_t)(choice & 0x7f) << 2;
    const uint8_t *piece = tape_octets(&tape, &length);
    while (length > 0 && !failed) {
      size_t part = cut == 0 || cut > length ? length : cut;
      uint8_t *octets = fuzz_copy(piece, part);
      failed = frame_decoder_feed(decoder, choice >> 7, octets, part);
      free(octets);
      piece += part;
      length -= part;
    }
  }
  frame_decoder_free(decoder);
  return failed;
}

/* No byte of the ladder controls a terminal, except for its own colours. */
static void look_at_ladder(const char *text, size_t length, bool color, bool unicode) {
  for (size_t i = 0; i < length; i++) {
    uint8_t octet = (uint8_t)text[i];
    bool fine = octet == '\n' || (octet >= ' ' && octet <= '~') || (octet == '\033' && color) ||
                (octet >= 0x80 && unicode);
    fuzz_must(fine, "the ladder has only printable text");
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t length) {
  if (length > LARGEST_INPUT)
    return 0;
  struct tape tape = {octets, length};
  struct report whole = {.print = true};
  struct report cut = {0};
  uint8_t choice = tape_octet(&tape);
  size_t fail = tape_octet(&tape);
  char *ladder = NULL;
  size_t ladder_length = 0;
  whole.style = (struct trace_style){choice & 1, choice & 2, choice & 4 ? 60 + choice : 80};
  whole.out = open_memstream(&ladder, &ladder_length);
  fuzz_measure();
  int failed = feed(tape, 0, &whole) | feed(tape, 1 + (choice >> 3), &cut);
  fuzz_must(!failed, "there is memory");
  fuzz_must(fuzz_peak() < LARGEST_MEMORY, "memory is in proportion to the input");
  fclose(whole.out);
  look_at_ladder(ladder, ladder_length, whole.style.color, whole.style.unicode);
  size_t same = whole.text.length < cut.text.length ? whole.text.length : cut.text.length;
  fuzz_must(same == 0 || memcmp(whole.text.bytes, cut.text.bytes, same) == 0,
            "cut or whole, the frames are the same");
  fuzz_must(whole.text.length == cut.text.length || whole.not_http2 || cut.not_http2,
            "cut or whole, they are as many");
  buffer_clear(&cut.text);
  struct report poor = {.not_http2 = true}; /* so that nothing is written */
  fuzz_fail(fail, 0);
  fuzz_run(true);
  feed(tape, 0, &poor);
  fuzz_run(false);
  free(ladder);
  buffer_free(&whole.text);
  buffer_free(&cut.text);
  return 0;
}
