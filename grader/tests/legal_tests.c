/* Frames that no program may send: legal.h. */
#include "grader/play/legal.h"

#include <criterion/criterion.h>
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "grader/sandbox/allowance.h"

TestSuite(legal, .timeout = 30);

static struct frame of(enum frame_sender sender, uint8_t type, uint8_t flags, int32_t stream_id) {
  return (struct frame){.sender = sender, .type = type, .flags = flags, .stream_id = stream_id};
}

static void pass(struct legal *legal, enum frame_sender program, struct frame frame) {
  bool wrong = legal_look(legal, program, &frame);
  cr_assert_not(wrong, "%s", legal->error);
  cr_assert_null(legal->error, "%s", legal->error);
}

static void refuse(struct legal *legal, enum frame_sender program, struct frame frame,
                   const char *words) {
  cr_assert(legal_look(legal, program, &frame), "legal_look accepts type %u", frame.type);
  cr_assert_not_null(strstr(legal->error, words), "%s", legal->error);
}

static const enum frame_sender client = FRAME_FROM_CLIENT;
static const enum frame_sender server = FRAME_FROM_SERVER;

Test(legal, a_server_answers_what_was_asked) {
  struct legal legal = {0};
  pass(&legal, server, of(server, NGHTTP2_SETTINGS, 0, 0));
  pass(&legal, server, of(client, NGHTTP2_SETTINGS, 0, 0));
  pass(&legal, server, of(server, NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0));
  pass(&legal, server, of(client, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 5));
  pass(&legal, server, of(server, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 5));
  pass(&legal, server, of(server, NGHTTP2_RST_STREAM, 0, 3)); /* implicitly closed */
  refuse(&legal, server, of(server, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 7), "idle");
}

Test(legal, a_server_promises_nothing_here) {
  struct legal legal = {0};
  pass(&legal, server, of(client, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 5));
  refuse(&legal, server, of(server, NGHTTP2_DATA, 0, 2), "promised");
}

Test(legal, a_client_opens_a_stream_first) {
  struct legal legal = {0};
  pass(&legal, client, of(client, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 1));
  pass(&legal, client, of(client, NGHTTP2_DATA, 0, 1));
  refuse(&legal, client, of(client, NGHTTP2_DATA, 0, 3), "idle");
}

Test(legal, an_ack_of_settings_that_were_never_sent) {
  struct legal legal = {0};
  pass(&legal, client, of(server, NGHTTP2_SETTINGS, 0, 0));
  pass(&legal, client, of(client, NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0));
  refuse(&legal, client, of(client, NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0), "never sent");
}

static struct frame ping(enum frame_sender sender, uint8_t flags, const char octets[8]) {
  struct frame frame = of(sender, NGHTTP2_PING, flags, 0);
  frame.data = (const uint8_t *)octets;
  frame.data_length = 8;
  return frame;
}

Test(legal, a_second_ack_of_a_ping) {
  struct legal legal = {0};
  pass(&legal, server, ping(client, 0, "round 01"));
  pass(&legal, server, ping(client, 0, "round 02"));
  pass(&legal, server, ping(client, 0, "round 01"));
  pass(&legal, server, ping(server, NGHTTP2_FLAG_ACK, "round 01"));
  pass(&legal, server, ping(server, NGHTTP2_FLAG_ACK, "round 02"));
  pass(&legal, server, ping(server, NGHTTP2_FLAG_ACK, "round 01"));
  refuse(&legal, server, ping(server, NGHTTP2_FLAG_ACK, "round 01"), "or twice");
}

Test(legal, an_ack_of_a_ping_that_was_never_sent) {
  struct legal legal = {0};
  pass(&legal, server, ping(client, 0, "round 01"));
  pass(&legal, server, ping(server, 0, "my own 1"));
  pass(&legal, server, ping(server, NGHTTP2_FLAG_ACK, "round 01"));
  refuse(&legal, server, ping(server, NGHTTP2_FLAG_ACK, "round 02"), "never sent");
}

Test(legal, a_frame_that_is_wrong_in_itself) {
  struct legal legal = {0};
  struct frame frame = of(client, NGHTTP2_PING, 0, 0);
  frame.error = "PING is not 8 bytes long";
  pass(&legal, client, frame); /* so far it may be anything */
  pass(&legal, client, of(client, NGHTTP2_SETTINGS, 0, 0));
  refuse(&legal, client, frame, "8 bytes");
}

/* --- What a program may read ------------------------------------------------------------------ */

static bool allows(const struct allowance *allowance, const char *folder) {
  char text[4096];
  snprintf(text, sizeof text, "execute:%s", folder);
  for (size_t i = 0; i < allowance->count; i++)
    if (strcmp(allowance->texts[i], text) == 0)
      return true;
  return false;
}

/* Somebody may keep this project in a folder where other things are installed. */
Test(legal, no_folder_that_has_this_project) {
  char root[] = "/tmp/allowance-XXXXXX";
  char bin[64];
  char here[64];
  char library[64];
  cr_assert_not_null(mkdtemp(root), "mkdtemp");
  snprintf(bin, sizeof bin, "%s/bin", root);
  snprintf(library, sizeof library, "%s/bin/../lib", root);
  snprintf(here, sizeof here, "%s/lib/labs", root);
  char *command = NULL;
  cr_assert_gt(asprintf(&command, "mkdir -p %s %s", bin, here), 0, "no memory");
  cr_assert_eq(system(command), 0, "%s", command); /* NOLINT(cert-env33-c) */
  free(command);
  setenv("PATH", bin, 1);
  for (int inside = 0; inside <= 1; inside++) {
    struct allowance allowance = {0};
    const char *const program[] = {"/bin/true", NULL};
    cr_assert_eq(chdir(inside ? here : "/"), 0, "chdir");
    cr_assert_eq(allowance_make(&allowance, program, ALLOWANCE_OF_ANY_LANGUAGE), 0, "no memory");
    cr_assert(allows(&allowance, bin), "a program may not read %s", bin);
    cr_assert_eq(allows(&allowance, library), !inside, "inside: %d", inside);
    allowance_free(&allowance);
  }
}
