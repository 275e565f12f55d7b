/* trace: the file of H2_TRACE=FILE.json is JSON after every call, and has every byte of the
 * frames. */
#include "common/trace.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/buffer.h"
#include "common/fuzz/fuzz.h"
#include "common/octets.h"

enum { LARGEST_DATA = 16384 }; /* the most bytes in "data" */

/* --- The file: in memory, and only what this input has written -------------------------------- */

static struct buffer file;
static off_t start = -1; /* where in the file it begins */

/* In place of the C library's. */
ssize_t pwrite(int descriptor, const void *octets, size_t length, off_t offset) {
  (void)descriptor;
  fuzz_run(false);
  if (start < 0)
    start = offset;
  size_t at = (size_t)(offset - start);
  fuzz_must(at <= file.length, "the file has no holes");
  file.length = at;
  fuzz_must(buffer_append(&file, octets, length) == 0, "there is memory for the target itself");
  fuzz_run(true);
  return (ssize_t)length;
}

/* The file is an array; leave out what earlier inputs have written before it. */
static json_t *read_file(void) {
  struct buffer text = {0};
  json_error_t error;
  const char *frames = file.bytes ? file.bytes : "\n]\n";
  buffer_append_text(&text, "[");
  buffer_append_text(&text, *frames == ',' ? frames + 1 : frames);
  json_t *json = json_loadb(text.bytes, text.length, 0, &error);
  fuzz_must(json != NULL, "the file is JSON after every call");
  buffer_free(&text);
  return json;
}

/* --- Octets ----------------------------------------------------------------------------------- */

static void read_text(const json_t *json, struct buffer *octets) {
  const char *text = json_string_value(json);
  fuzz_must(text && memchr(text, '\0', json_string_length(json)) == NULL,
            "there is a text, without NUL");
  fuzz_must(octets_read(octets, text) == 0, "a text can be read");
}

static void expect_text(const json_t *json, const uint8_t *octets, size_t length) {
  struct buffer read = {0};
  read_text(json, &read);
  fuzz_must(read.length == length && (length == 0 || memcmp(read.bytes, octets, length) == 0),
            "a text has all its bytes");
  buffer_free(&read);
}

/* --- Frames ----------------------------------------------------------------------------------- */

/* The frames of one piece, from a decoder of our own, beside those of the file. */
struct comparison {
  json_t *file; /* NULL: memory ran out, so that frames may be missing */
  size_t next;
};

static int64_t number(const json_t *json, const char *name) {
  return json_integer_value(json_object_get(json, name));
}

static void compare_fields(const json_t *json, const struct frame *frame) {
  const json_t *fields = json_object_get(json, "fields");
  fuzz_must(json_array_size(fields) == frame->field_count, "all fields are written");
  for (size_t i = 0; i < frame->field_count; i++) {
    const struct frame_field *field = &frame->fields[i];
    const json_t *pair = json_array_get(fields, i);
    expect_text(json_array_get(pair, 0), field->name, field->name_length);
    expect_text(json_array_get(pair, 1), field->value, field->value_length);
  }
}

static void on_frame(const struct frame *frame, void *user) {
  struct comparison *comparison = user;
  if (!comparison->file)
    return;
  const json_t *json = json_array_get(comparison->file, comparison->next++);
  fuzz_must(json_is_object(json), "every frame is written");
  fuzz_must(number(json, "stream") == frame->stream_id, "with its stream");
  fuzz_must(number(json, "length") == (int64_t)frame->length, "and its length");
  fuzz_must(!json_object_get(json, "error") == !frame->error, "and its error");
  if (json_object_get(json, "fields") || frame->field_count > 0)
    compare_fields(json, frame);
  const json_t *data = json_object_get(json, "data");
  if (data)
    expect_text(data, frame->data,
                frame->data_length < LARGEST_DATA ? frame->data_length : LARGEST_DATA);
}

/* One piece of the tape: sender and length, which allocation fails, bytes. Returns whether
 * memory was enough. */
static bool one_piece(struct tape *tape, struct trace *trace, struct frame_decoder *decoder,
                      struct comparison *comparison) {
  uint8_t choice = tape_octet(tape);
  uint8_t fail = tape_octet(tape);
  size_t length = (size_t)(choice & 0x7f) << 2;
  const uint8_t *piece = tape_octets(tape, &length);
  buffer_free(&file);
  start = -1;
  fuzz_fail(fail > 128 ? fail - 128 : 0, 0);
  fuzz_run(true);
  trace_bytes(trace, choice >> 7, piece, length);
  fuzz_run(false);
  bool was_poor = fuzz_failed();
  json_t *json = read_file();
  *comparison = (struct comparison){.file = was_poor ? NULL : json};
  int result = frame_decoder_feed(decoder, choice >> 7, piece, length);
  fuzz_must(result == 0, "there is memory");
  fuzz_must(was_poor || comparison->next == json_array_size(json), "no frame is made up");
  json_decref(json);
  return !was_poor;
}

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t length) {
  struct tape tape = {octets, length};
  struct comparison comparison = {0};
  struct trace *trace = trace_open();
  struct frame_decoder *decoder = frame_decoder_new(on_frame, &comparison);
  fuzz_must(trace && decoder, "there is memory");
  while (tape.length > 0 && one_piece(&tape, trace, decoder, &comparison))
    continue;
  trace_end(trace, "closed");
  trace_close(trace);
  frame_decoder_free(decoder);
  buffer_free(&file);
  return 0;
}

/* libFuzzer calls this once. The first trace_open opens the file that H2_TRACE names, and nothing
 * writes to it. */
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv) {
  (void)argc, (void)argv;
  char folder[] = "/tmp/fuzz-trace-XXXXXX";
  char name[sizeof folder + sizeof "/x.json"];
  fuzz_must(mkdtemp(folder) != NULL, "there is room in /tmp");
  snprintf(name, sizeof name, "%s/x.json", folder);
  setenv("H2_TRACE", name, 1);
  trace_close(trace_open());
  unlink(name);
  rmdir(folder);
  return 0;
}
