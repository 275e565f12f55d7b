/* The request of a frame, and the number of requests. */
#include <criterion/criterion.h>
#include <nghttp2/nghttp2.h>
#include <string.h>

#include "common/inner/frame_requests.h"
#include "common/tests/frames.h"

TestSuite(frame_requests, .timeout = 30);

static const enum frame_sender client = FRAME_FROM_CLIENT;
static const enum frame_sender server = FRAME_FROM_SERVER;

static struct frames frames;

static void begin(void) {
  frames_begin_open(&frames);
}

static void end(void) {
  frames_end(&frames);
}

static void expect(enum frame_sender sender, const char *text, const char *request) {
  const struct frame *frame = frames_feed_text(&frames, sender, text);
  cr_assert_str_eq(frame->request, request, "'%s', not '%s', of %s", frame->request, request, text);
}

static void expect_counts(unsigned requests, unsigned at_once) {
  unsigned seen_at_once = 99;
  unsigned seen = frame_decoder_requests(frames.decoder, &seen_at_once);
  cr_assert_eq(seen, requests, "%u requests, not %u", seen, requests);
  cr_assert_eq(seen_at_once, at_once, "%u at once, not %u", seen_at_once, at_once);
}

/* The request's own frame does not repeat it; the frames of stream 0 have none. */
Test(frame_requests, two_streams, .init = begin, .fini = end) {
  expect(client, "000007 01 05 00000001 82 86 04 03 '/ab'", "");
  expect(client, "000006 01 04 00000003 83 86 04 02 '/c'", "");
  expect(client, "000004 08 00 00000000 00000001", "");
  expect(client, "000004 08 00 00000001 00000001", "GET /ab");
  expect(server, "000001 01 04 00000003 88", "POST /c");
  expect(client, "000001 00 01 00000003 'x'", "POST /c");
  expect(server, "000001 01 04 00000001 88", "GET /ab");
  expect(server, "000000 00 01 00000003", "POST /c");
  expect(server, "000000 00 01 00000001", "GET /ab");
  expect(client, "000004 08 00 00000003 00000001", "POST /c");
  expect(server, "000001 00 01 00000005 'x'", "");
  expect(server, "000001 00 01 00000002 'x'", "");
  expect_counts(2, 2);
}

/* Count only streams that are open at the same time: a stream ends when both sides have
 * ended it, or by RST_STREAM of either. */
Test(frame_requests, at_once, .init = begin, .fini = end) {
  expect_counts(0, 0);
  expect(client, "000003 01 05 00000001 828684", "");
  expect(server, "000001 01 05 00000001 88", "GET /");
  expect(client, "000003 01 04 00000003 828684", "");
  expect(server, "000001 01 05 00000003 88", "GET /");
  expect_counts(2, 1);
  expect(client, "000003 01 05 00000005 828684", "");
  expect_counts(3, 2); /* the client has not ended stream 3 */
  expect(client, "000004 03 00 00000003 00000008", "GET /");
  expect(server, "000004 03 00 00000003 00000008",
         "GET /"); /* crossed on the way: it ends only once */
  expect(server, "000004 03 00 00000005 00000007", "GET /");
  expect(client, "000003 01 05 00000007 828684", "");
  expect_counts(4, 2);
}

/* Method and path in different frames; the path may have any length, and
 * bytes of any kind. */
Test(frame_requests, odd_ones, .init = begin, .fini = end) {
  expect(client, "000001 01 01 00000001 82", "");
  expect(client, "000001 09 04 00000001 84", "");
  expect(server, "000001 01 05 00000001 88", "");
  expect(client, "000007 01 05 00000003 82 04 04 '/' 1b '[m'", "");
  expect(server, "000001 01 05 00000003 88", "GET /?[m");
  expect(client, "00000c 01 05 00000005 02 07 'CONNECT' 01 01 'h'", "");
  expect(server, "000001 01 05 00000005 88", "CONNECT h");
  expect(client,
         "000037 01 05 00000007 82 04 34 '/123456789/123456789/123456789/123456789/123456789/1'",
         "");
  expect(server, "000001 01 05 00000007 88", "GET /123456789/123456789/123456789/123456789/12");
}

/* A client has only odd numbers; stream 0 and even numbers are errors, not requests. */
Test(frame_requests, wrong_numbers, .init = begin, .fini = end) {
  expect(client, "000003 01 05 00000002 828684", "");
  expect(server, "000001 01 05 00000002 88", "");
  expect(client, "000003 01 05 00000000 828684", "");
  expect(server, "000001 01 05 00000000 88", "");
  expect_counts(0, 0);
}

/* More streams than the decoder remembers: it forgets the first, and does not pretend to
 * know how many were open. */
Test(frame_requests, too_many, .init = begin, .fini = end) {
  char text[64];
  for (int i = 0; i <= FRAME_REQUESTS_REMEMBERED; i++) {
    snprintf(text, sizeof text, "000003 01 05 %08x 828684", 2 * i + 1);
    expect(client, text, "");
    if (i == FRAME_REQUESTS_REMEMBERED - 1)
      expect_counts(FRAME_REQUESTS_REMEMBERED, FRAME_REQUESTS_REMEMBERED);
  }
  expect_counts(FRAME_REQUESTS_REMEMBERED + 1, 0);
  expect(server, "000001 01 05 00000001 88", "");
  expect(server, "000001 01 05 00000003 88", "GET /");
}
