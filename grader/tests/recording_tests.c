/* What a recording becomes as JSON, whatever went over the wire. */
#include "grader/wire/recording.h"

#include <criterion/criterion.h>
#include <stdlib.h>

TestSuite(recording, .timeout = 60);

/* The JSON must be there, and be text. */
static void expect_text(struct recording *recording) {
  json_t *frames = recording_json(recording, recording->count);
  char *text = frames ? json_dumps(frames, JSON_COMPACT) : NULL;
  cr_assert(text, "there is no JSON");
  cr_assert(json_array_size(frames) == 1);
  free(text);
  json_decref(frames);
  recording_free(recording);
}

Test(recording, has_a_note_of_any_bytes) {
  struct recording recording = {0};
  recording_begin(&recording);
  cr_assert(recording_add_note(&recording, 1, "the server: \"$Z\376\377\300\356\"") == 0);
  expect_text(&recording);
}

Test(recording, has_a_frame_of_any_bytes) {
  static const uint8_t bytes[] = {'$', 'Z', 0xfe, 0xff, 0, 0xc0, '\r'};
  struct frame frame = {.sender = FRAME_FROM_SERVER,
                        .type = 0xff,
                        .flags = 0xff,
                        .stream_id = 1,
                        .length = sizeof bytes,
                        .data = bytes,
                        .data_length = sizeof bytes,
                        .request = ""};
  struct recording recording = {0};
  recording_begin(&recording);
  cr_assert(recording_add_frame(&recording, 1, &frame) == 0);
  expect_text(&recording);
}
