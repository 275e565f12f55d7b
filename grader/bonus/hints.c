/*
 * hints: check a router that sends 103 Early Hints while a handler is slow.
 *
 *   hints PROGRAM
 *
 * Starts PROGRAM, asks it for slow and for quick pages, frame by frame, and ends it with SIGTERM.
 * Prints a line for each rule of lab04-router/bonus/hints.md, as subject.h says. The status is 0 if
 * there could be checks.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "grader/bonus/subject.h"
#include "grader/bonus/wire.h"

enum { PATIENCE_MS = 300, WORK_MS = 600, QUICK_MS = 50, LONG_MS = 60000, TOGETHER = 10 };

/* What PROGRAM must say about a page. */
struct page {
  const char *path, *links, *text; /* links: the values of all `link` fields, with ", " */
};

static const struct page front = {
    "/", "</style.css>; rel=preload; as=style, </app.js>; rel=preload; as=script",
    "the front page\n"};
static const struct page report = {"/report", "</report.css>; rel=preload; as=style",
                                   "the report\n"};
static const struct page plain = {"/plain", "", "plain text\n"};
static const struct page about = {"/about", "</style.css>; rel=preload; as=style", "about us\n"};

/* --- One stream ------------------------------------------------------------------------------- */

/* The header block number `index` on a stream, or NULL. */
static const struct frame *block(const struct wire *wire, int32_t stream_id, int index) {
  long at = -1;
  for (int i = 0; i <= index; i++)
    if ((at = wire_find(wire, NGHTTP2_HEADERS, stream_id, (size_t)(at + 1))) < 0)
      return NULL;
  return wire->entries[at].frame;
}

static int status_of(const struct frame *frame) {
  const struct frame_field *field = frame ? frame_find_field(frame, ":status") : NULL;
  return field && field->value_length == 3 ? atoi((const char *)field->value) : 0;
}

/* How many header blocks with status 103 there are, and how many of them have END_STREAM. */
static int count_hints(const struct wire *wire, int32_t stream_id, int *ended) {
  int count = 0;
  *ended = 0;
  for (int i = 0; block(wire, stream_id, i); i++)
    if (status_of(block(wire, stream_id, i)) == 103) {
      count++;
      *ended += block(wire, stream_id, i)->flags & NGHTTP2_FLAG_END_STREAM ? 1 : 0;
    }
  return count;
}

static bool is_named(const struct frame_field *field, const char *name) {
  return field->name_length == strlen(name) && memcmp(field->name, name, strlen(name)) == 0;
}

/* The values of all `link` fields. The text is overwritten by the next call. */
static const char *links_of(const struct frame *frame) {
  static char links[400];
  size_t length = 0;
  *links = '\0';
  for (size_t i = 0; i < frame->field_count && length < sizeof links; i++)
    if (is_named(&frame->fields[i], "link"))
      length += (size_t)snprintf(links + length, sizeof links - length, "%s%.*s",
                                 length ? ", " : "", (int)frame->fields[i].value_length,
                                 (const char *)frame->fields[i].value);
  return links;
}

/* The first field that a 103 should not have, or NULL. */
static const struct frame_field *find_other(const struct frame *frame) {
  for (size_t i = 0; i < frame->field_count; i++)
    if (!is_named(&frame->fields[i], "link") && !is_named(&frame->fields[i], ":status"))
      return &frame->fields[i];
  return NULL;
}

/* Whether the stream has this body, and its last frame has END_STREAM. */
static bool has_body(const struct wire *wire, int32_t stream_id, const char *text) {
  char body[200] = "";
  bool ended = false;
  for (size_t i = 0; i < wire->count; i++) {
    const struct frame *frame = wire->entries[i].frame;
    if (frame->stream_id != stream_id || frame->type > NGHTTP2_HEADERS)
      continue;
    ended = frame->flags & NGHTTP2_FLAG_END_STREAM;
    size_t length = strlen(body);
    if (frame->type == NGHTTP2_DATA)
      snprintf(body + length, sizeof body - length, "%.*s", (int)frame->data_length,
               (const char *)frame->data);
  }
  return ended && strcmp(body, text) == 0;
}

/* --- Rules about one stream: each returns NULL, or why it does not hold ----------------------- */

static char reason[600];

static const char *expected(const char *what, const struct wire *wire, int32_t stream_id) {
  snprintf(reason, sizeof reason, "expected: %s; seen: %s", what, wire_words(wire, stream_id, 0));
  return reason;
}

/* A 103, and then the response. */
static const char *is_hinted(const struct wire *wire, int32_t stream_id) {
  int ended;
  int hints = count_hints(wire, stream_id, &ended);
  if (hints == 1 && ended == 0 && status_of(block(wire, stream_id, 0)) == 103 &&
      status_of(block(wire, stream_id, 1)) == 200 && !block(wire, stream_id, 2))
    return NULL;
  return expected("HEADERS 103, HEADERS 200, DATA with END_STREAM", wire, stream_id);
}

static const char *is_not_hinted(const struct wire *wire, int32_t stream_id, const char *what) {
  int ended;
  if (status_of(block(wire, stream_id, 0)) == 200 && count_hints(wire, stream_id, &ended) == 0)
    return NULL;
  return expected(what, wire, stream_id);
}

static const char *has_links(const struct frame *frame, const struct page *page) {
  const char *links = links_of(frame);
  if (strcmp(links, page->links) == 0)
    return NULL;
  snprintf(reason, sizeof reason, "%s: expected: link: %s; seen: %s", page->path,
           *page->links ? page->links : "none", *links ? links : "none");
  return reason;
}

/* The 103 has the links, and nothing else. */
static const char *has_hints(const struct wire *wire, int32_t stream_id, const struct page *page) {
  const struct frame *frame = block(wire, stream_id, 0);
  if (status_of(frame) != 103)
    return expected("HEADERS 103", wire, stream_id);
  const struct frame_field *other = find_other(frame);
  if (!other)
    return has_links(frame, page);
  snprintf(reason, sizeof reason, "the 103 also has the field %.*s", (int)other->name_length,
           (const char *)other->name);
  return reason;
}

/* The final response is the last header block. */
static const char *is_final(const struct wire *wire, int32_t stream_id, const struct page *page) {
  int last = 0;
  while (block(wire, stream_id, last + 1))
    last++;
  const struct frame *frame = block(wire, stream_id, last);
  if (status_of(frame) == 200 && frame_find_field(frame, "content-length") &&
      has_body(wire, stream_id, page->text))
    return has_links(frame, page);
  return expected("HEADERS 200 with content-length, and the whole page", wire, stream_id);
}

static bool say(const char *rule, const char *why) {
  if (why)
    subject_say(rule, "%s", why);
  else
    subject_say(rule, NULL);
  return !why;
}

/* --- Rules ------------------------------------------------------------------------------------ */

enum { FRONT = 1, HEAD = 3, PLAIN = 5, ABOUT = 7, REPORT = 9, LAST = 11 };

static void check_patience(const struct wire *wire, uint64_t begin) {
  long at = wire_find(wire, NGHTTP2_HEADERS, FRONT, 0);
  long waited = at < 0 ? 0 : (long)(wire->entries[at].time - begin);
  if (at < 0 || status_of(wire->entries[at].frame) != 103)
    say("patience", expected("HEADERS 103", wire, FRONT));
  else if (waited + 1 < PATIENCE_MS)
    subject_say("patience", "--patience %d, and the 103 comes before that", PATIENCE_MS);
  else
    say("patience", NULL);
}

/* One of each, at the same time. */
static void check_pages(struct wire *wire) {
  uint64_t begin = wire_now();
  wire_request(wire, FRONT, "GET", front.path);
  wire_request(wire, HEAD, "HEAD", front.path);
  wire_request(wire, PLAIN, "GET", plain.path);
  wire_request(wire, ABOUT, "GET", about.path);
  wire_request(wire, REPORT, "GET", report.path);
  for (int32_t id = FRONT; id < LAST; id += 2)
    wire_expect_end(wire, id);
  wire_settle(wire);
  say("hints", is_hinted(wire, FRONT));
  const char *why = has_hints(wire, FRONT, &front);
  say("links", why ? why : has_hints(wire, REPORT, &report));
  say("fast", is_not_hinted(wire, ABOUT, "only the response, because it comes at once"));
  why = is_not_hinted(wire, HEAD, "no 103 for HEAD");
  say("head", why ? why : is_not_hinted(wire, PLAIN, "no 103, because the page has no links"));
  check_patience(wire, begin);
  why = is_final(wire, FRONT, &front);
  why = why ? why : is_final(wire, PLAIN, &plain);
  say("final", why ? why : is_final(wire, ABOUT, &about));
}

/* The answer comes before the router's patience is over. */
static void check_soon(struct wire *wire) {
  wire_request(wire, 1, "GET", front.path);
  wire_expect_end(wire, 1);
  wire_settle(wire);
  say("soon", is_not_hinted(wire, 1, "only the response, because the patience is not over"));
}

/* Several of two pages. Each stream gets its own hints, once. */
static void check_together(struct wire *wire) {
  const char *why = NULL;
  for (int i = 0; i < TOGETHER; i++)
    wire_request(wire, LAST + 2 * i, "GET", i % 2 ? report.path : front.path);
  for (int i = 0; i < TOGETHER; i++)
    wire_expect_end(wire, LAST + 2 * i);
  wire_settle(wire);
  for (int i = 0; i < TOGETHER && !why; i++) {
    why = is_hinted(wire, LAST + 2 * i);
    why = why ? why : has_hints(wire, LAST + 2 * i, i % 2 ? &report : &front);
  }
  say("together", why);
}

/* Clients that give up: by RST_STREAM, before and after the hints, and by leaving. Nobody else
 * notices. */
static void check_giving_up(const char *address) {
  enum { BEFORE = 1, AFTER = 3, OTHER = 5 };
  struct wire *leaving = wire_connect(address, false);
  struct wire *wire = wire_connect(address, false);
  if (leaving && wire) {
    wire_request(leaving, 1, "GET", front.path);
    wire_settle(leaving);
    wire_request(wire, BEFORE, "GET", front.path);
    wire_request(wire, AFTER, "GET", front.path);
    wire_settle(wire);
    wire_reset(wire, BEFORE, NGHTTP2_CANCEL);
    wire_expect(wire, NGHTTP2_HEADERS, AFTER, 0);
    wire_reset(wire, AFTER, NGHTTP2_CANCEL);
    wire_free(leaving);
    leaving = NULL;
    wire_request(wire, OTHER, "GET", front.path); /* its answer comes after all of theirs */
    wire_expect_end(wire, OTHER);
    wire_settle(wire);
  }
  const char *why = !wire ? "your server has ended: see above" : is_hinted(wire, OTHER);
  if (!why && (block(wire, BEFORE, 0) || block(wire, AFTER, 1)))
    why = "a stream that is reset gets more frames";
  say("cancel", why);
  wire_free(leaving);
  wire_free(wire);
}

/* Start PROGRAM. Returns its process, or -1. */
static pid_t start(const char *program, int patience, int work, char address[64]) {
  char texts[2][16];
  const char *const arguments[] = {program,  "--port", "0",      "--patience",
                                   texts[0], "--work", texts[1], NULL};
  snprintf(texts[0], sizeof texts[0], "%d", patience);
  snprintf(texts[1], sizeof texts[1], "%d", work);
  return subject_start(arguments, address, 64);
}

static void check_all(const char *address, const char *patient) {
  struct wire *wire = wire_connect(address, false);
  struct wire *soon = wire_connect(patient, false);
  if (wire && soon) {
    check_pages(wire);
    check_soon(soon);
    check_together(wire);
  }
  wire_free(wire);
  wire_free(soon);
  check_giving_up(address);
}

int main(int argc, char **argv) {
  char address[64], patient[64];
  if (argc != 2) {
    fprintf(stderr, "usage: hints PROGRAM\n");
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  pid_t server = start(argv[1], PATIENCE_MS, WORK_MS, address);
  pid_t other = server < 0 ? -1 : start(argv[1], LONG_MS, QUICK_MS, patient);
  if (other < 0)
    return EXIT_FAILURE;
  check_all(address, patient);
  bool ended = subject_end(server);
  if (subject_end(other) && ended)
    subject_say("end", NULL);
  else
    subject_say("end", "your server ended early, not at all, or not with status 0: see above");
  return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
