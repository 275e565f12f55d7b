/*
 * Bonus of lab 4: a router that sends hints while a handler is slow.
 *
 *   hints [--port N] [--patience MS] [--work MS]
 *
 * 8000, 100 and 1000 by default. The handlers of some pages work for a while, for which a timer
 * stands. If that takes longer than the router's patience, the client gets an interim response, 103
 * Early Hints, with what the page links to; so it can load that while it waits.
 */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "common/field.h"
#include "common/number.h"
#include "common/server.h"
#include "common/stream.h"
#include "common/todo.h"

enum { LINKS_MAX = 4 };

struct page {
  const char *path;
  bool is_slow;                 /* its handler works for a while */
  const char *links[LINKS_MAX]; /* what a browser needs to show it; NULL ends them */
  const char *text;
};

static const struct page pages[] = {
    {"/",
     true,
     {"</style.css>; rel=preload; as=style", "</app.js>; rel=preload; as=script"},
     "the front page\n"},
    {"/report", true, {"</report.css>; rel=preload; as=style"}, "the report\n"},
    {"/plain", true, {NULL}, "plain text\n"},
    {"/about", false, {"</style.css>; rel=preload; as=style"}, "about us\n"},
    {"/style.css", false, {NULL}, "body { margin: 0 }\n"},
};

struct settings {
  long port;
  long patience, work; /* in milliseconds */
};

/* A request that waits for its answer. */
struct visit {
  struct stream *stream;
  const struct page *page;
  uv_timer_t work;     /* until the handler has finished */
  uv_timer_t patience; /* until the hints; does not run if there are none */
  int open;            /* timers that libuv still needs */
};

/* The `link` fields of a page, of which there are at most LINKS_MAX. Returns how many. */
static size_t make_links(const struct page *page, nghttp2_nv *fields) {
  size_t count = 0;
  for (; count < LINKS_MAX && page->links[count]; count++)
    fields[count] = field_make("link", page->links[count]);
  return count;
}

/* --- TODO 1: the hints ------------------------------------------------------------------------ */

/* Send the interim response. */
static void send_hints(struct stream *stream, const struct page *page) {
  /* BEGIN SOLUTION */
  /* STARTER
  // make_links, and stream_inform with status 103. The response itself is still to come.
  (void)stream;
  (void)make_links;
  (void)page;
  todo(1, "send the hints");
  */
  nghttp2_nv links[LINKS_MAX];
  size_t count = make_links(page, links);
  stream_inform(stream, 103, links, count);
  /* END SOLUTION */
}

/* --- TODO 2: for whom ------------------------------------------------------------------------- */

/* Whether a hint helps this client. */
static bool wants_hints(const struct stream *stream, const struct page *page) {
  /* BEGIN SOLUTION */
  /* STARTER
  // Only if the page has links; and not for HEAD: who does not get the page shows none.
  (void)stream;
  (void)page;
  todo_later(2, "send no hints to those whom they do not help");
  return true;
  */
  return page->links[0] && strcmp(stream_method(stream), "HEAD") != 0;
  /* END SOLUTION */
}

/* --- TODO 3: when ----------------------------------------------------------------------------- */

/* The handler has not answered in time. */
static void on_patience_over(uv_timer_t *timer) {
  struct visit *visit = timer->data;
  send_hints(visit->stream, visit->page);
}

/* The handler has begun to work. See to the hints. */
static void wait_for_answer(struct visit *visit, const struct settings *settings) {
  if (!wants_hints(visit->stream, visit->page))
    return;
  /* BEGIN SOLUTION */
  /* STARTER
  // Here the hints come at once, even before an answer that follows at once. Start the timer
  // visit->patience instead, with on_patience_over, for settings->patience milliseconds, once.
  (void)settings;
  (void)on_patience_over;
  todo_later(3, "wait before you send the hints");
  send_hints(visit->stream, visit->page);
  */
  uv_timer_start(&visit->patience, on_patience_over, (uint64_t)settings->patience, 0);
  /* END SOLUTION */
}

/* --- TODO 4: the answer ----------------------------------------------------------------------- */

/* Send the final response. */
static void answer(struct stream *stream, const struct page *page) {
  nghttp2_nv fields[LINKS_MAX + 1] = {field_make("content-type", "text/plain; charset=utf-8")};
  size_t count = 1;
  /* BEGIN SOLUTION */
  /* STARTER
  // Hints are only hints: a client may have ignored them. What counts is in the final response, so
  // add the links to the fields here, too.
  todo_later(4, "put the links into the final response");
  */
  count += make_links(page, fields + count);
  /* END SOLUTION */
  size_t length = strlen(page->text);
  if (stream_respond(stream, 200, fields, count, (int64_t)length) == 0)
    stream_end(stream, page->text, length);
}

/* --- TODO 5: the end of a visit --------------------------------------------------------------- */

/* libuv is done with a timer. */
static void on_timer_closed(uv_handle_t *timer) {
  struct visit *visit = timer->data;
  if (--visit->open == 0)
    free(visit);
}

/* The answer comes now, or the client has given up. Nothing may happen for this visit any more. */
static void end_visit(struct visit *visit) {
  stream_set_events(visit->stream, NULL, NULL);
  /* BEGIN SOLUTION */
  /* STARTER
  // Close both timers, with on_timer_closed. (A stopped timer does not fire; but only a closed one
  // can be freed.)
  (void)on_timer_closed;
  todo_later(5, "close both timers");
  uv_timer_stop(&visit->work);
  uv_timer_stop(&visit->patience);
  */
  uv_close((uv_handle_t *)&visit->work, on_timer_closed);
  uv_close((uv_handle_t *)&visit->patience, on_timer_closed);
  /* END SOLUTION */
}

/* --- Given ------------------------------------------------------------------------------------ */

/* The handler has finished. */
static void on_work_done(uv_timer_t *timer) {
  struct visit *visit = timer->data;
  struct stream *stream = visit->stream;
  const struct page *page = visit->page;
  end_visit(visit);
  answer(stream, page);
}

/* The client has given up. */
static void on_close(struct stream *stream, uint32_t error_code, void *user) {
  (void)stream;
  (void)error_code;
  end_visit(user);
}

/* Let the handler of a slow page begin. */
static void begin_work(struct stream *stream, const struct page *page,
                       const struct settings *settings) {
  static const struct stream_events events = {.on_close = on_close};
  uv_loop_t *loop = uv_default_loop();
  struct visit *visit = malloc(sizeof *visit);
  if (!visit) {
    stream_close(stream, NGHTTP2_INTERNAL_ERROR);
    return;
  }
  *visit = (struct visit){.stream = stream, .page = page, .open = 2};
  uv_timer_init(loop, &visit->work);
  uv_timer_init(loop, &visit->patience);
  visit->work.data = visit->patience.data = visit;
  uv_timer_start(&visit->work, on_work_done, (uint64_t)settings->work, 0);
  stream_set_events(stream, &events, visit);
  wait_for_answer(visit, settings);
}

static const struct page *route(const char *method, const char *path) {
  if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
    return NULL;
  for (size_t i = 0; i < sizeof pages / sizeof *pages; i++)
    if (strcmp(pages[i].path, path) == 0)
      return &pages[i];
  return NULL;
}

static void on_stream(struct stream *stream, void *user) {
  const struct page *page = route(stream_method(stream), stream_path(stream));
  if (!page)
    stream_respond(stream, 404, NULL, 0, 0);
  else if (page->is_slow)
    begin_work(stream, page, user);
  else
    answer(stream, page);
}

static int serve(struct settings *settings) {
  char error[256] = "cannot wait for signals";
  uv_loop_t *loop = uv_default_loop();
  const struct server_config config = {
      .host = "localhost", .port = (int)settings->port, .on_stream = on_stream, .user = settings};
  struct server *server = server_listen(loop, &config, error, sizeof error);
  if (!server || server_close_on_signals(server) != 0) {
    fprintf(stderr, "hints: %s\n", error);
    server_free(server);
    return EXIT_FAILURE;
  }
  printf("listening on http://localhost:%d\n", server_port(server));
  fflush(stdout);
  uv_run(loop, UV_RUN_DEFAULT);
  if (uv_loop_close(loop) == 0)
    return EXIT_SUCCESS;
  fprintf(stderr, "hints: a timer was not closed\n");
  return EXIT_FAILURE;
}

int main(int argc, char **argv) {
  static const struct option options[] = {{"port", required_argument, NULL, 'p'},
                                          {"patience", required_argument, NULL, 't'},
                                          {"work", required_argument, NULL, 'w'},
                                          {0}};
  struct settings settings = {.port = 8000, .patience = 100, .work = 1000};
  int option;
  while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
    switch (option) {
    case 'p': settings.port = number_parse(optarg, 65535); break;
    case 't': settings.patience = number_parse(optarg, 86400000); break;
    case 'w': settings.work = number_parse(optarg, 86400000); break;
    default: settings.port = -1;
    }
  }
  if (settings.port < 0 || settings.patience < 0 || settings.work < 0 || optind != argc) {
    fprintf(stderr, "usage: hints [--port N] [--patience MS] [--work MS]\n");
    return 2;
  }
  return serve(&settings);
}
