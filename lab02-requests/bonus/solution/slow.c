/*
 * Bonus of lab 2: a client that reads as slowly as its user.
 *
 *   slow [--piece BYTES] [--window BYTES] URL [PATH]...
 *
 * Downloads the URL, and then each PATH, on one connection. Each line on standard input makes it
 * write out one piece, 1000 bytes by default, as `more` does; a line that begins with `n` goes on
 * with the next download. What has arrived and is not written out yet waits here, and is never more
 * than one window, 65,535 bytes by default. At the end of its input it leaves.
 */
#include <getopt.h>
#include <nghttp2/nghttp2.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "common/buffer.h"
#include "common/connection.h"
#include "common/field.h"
#include "common/number.h"
#include "common/todo.h"
#include "common/url.h"

enum { SETTINGS_MAX = 2 };

/* The user, and the download that goes on. It is a variable in main and outlives the loop. */
struct reader {
  const char *name; /* the URL as the user typed it, for messages */
  struct url url;
  char **paths; /* that follow that of the URL; NULL ends them */
  long piece, window;
  struct connection *connection;
  bool failed;

  const char *path;   /* of this download */
  int32_t stream_id;  /* its stream; 0 before the first download and after the last */
  bool ended;         /* END_STREAM has arrived */
  struct buffer held; /* what has arrived and is not written out yet */
  size_t wanted;      /* how much more the user wants to see now */

  union uv_any_handle input;
  bool at_line_start; /* of the input */
  bool skips;         /* this line begins with `n` */
  bool leaves;        /* the input has ended */
};

static void fail(struct reader *reader, const char *what, const char *why) {
  fprintf(stderr, "slow: %s: %s\n", what, why);
  reader->failed = true;
}

/* --- TODO 1: windows are yours ---------------------------------------------------------------- */

/* Say in `settings` (there is room for one) how large the window of a stream is, and in `option`
 * that nghttp2 gives back none by itself. */
static void take_windows(const struct reader *reader, nghttp2_option *option,
                         nghttp2_settings_entry *settings) {
  /* BEGIN SOLUTION */
  /* STARTER
  // nghttp2_option_set_no_auto_window_update; and SETTINGS_INITIAL_WINDOW_SIZE, which is
  // reader->window.
  (void)reader;
  (void)option;
  *settings = (nghttp2_settings_entry){NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 65535};
  todo_later(1, "take the windows over from nghttp2");
  */
  nghttp2_option_set_no_auto_window_update(option, 1);
  *settings =
      (nghttp2_settings_entry){NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, (uint32_t)reader->window};
  /* END SOLUTION */
}

/* --- TODO 2: a piece -------------------------------------------------------------------------- */

/* Take the first `length` bytes away from what is held. */
static void drop(struct reader *reader, size_t length) {
  struct buffer *held = &reader->held;
  memmove(held->bytes, held->bytes + length, held->length - length);
  buffer_truncate(held, held->length - length);
}

static void give_back(struct reader *reader, size_t length);

/* The user wants more, or more has arrived: write out as much as is wanted and is here. */
static void write_out(struct reader *reader) {
  /* BEGIN SOLUTION */
  /* STARTER
  // At most reader->wanted bytes of reader->held: to standard output, at once (fflush). They are no
  // longer wanted, and no longer held: drop. Only then give_back so many.
  (void)drop;
  (void)give_back;
  (void)reader;
  todo(2, "write out what the user wants to see");
  */
  size_t length = reader->held.length;
  if (length > reader->wanted)
    length = reader->wanted;
  if (length == 0)
    return;
  fwrite(reader->held.bytes, 1, length, stdout); /* main asks ferror once, at the end */
  fflush(stdout);
  reader->wanted -= length;
  drop(reader, length);
  give_back(reader, length);
  /* END SOLUTION */
}

/* --- TODO 3: give it back --------------------------------------------------------------------- */

/* `length` bytes of this download are written out, so the server may send as many more. */
static void give_back(struct reader *reader, size_t length) {
  nghttp2_session *session = connection_session(reader->connection);
  /* BEGIN SOLUTION */
  /* STARTER
  // The bytes have used up two windows. nghttp2_session_consume gives back both, and knows when the
  // stream is over. And who sends the frame, if this was called for a line of the user?
  // (connection_send)
  (void)session;
  (void)length;
  todo_later(3, "give back the windows of the stream and of the connection");
  */
  if (nghttp2_session_consume(session, reader->stream_id, length) != 0)
    fail(reader, reader->path, "its window cannot be given back");
  connection_send(reader->connection);
  /* END SOLUTION */
}

/* --- TODO 4: what nobody reads ---------------------------------------------------------------- */

/* The download is broken off, by the server or by the user. Nobody will read what is held. */
static void drop_held(struct reader *reader) {
  nghttp2_session *session = connection_session(reader->connection);
  /* BEGIN SOLUTION */
  /* STARTER
  // The stream needs no window any more. But the next download needs that of the connection:
  // nghttp2_session_consume_connection, and then connection_send.
  (void)session;
  todo_later(4, "give back the window of the connection for what nobody reads");
  */
  if (nghttp2_session_consume_connection(session, reader->held.length) != 0)
    fail(reader, reader->path, "the connection's window cannot be given back");
  connection_send(reader->connection);
  /* END SOLUTION */
  buffer_clear(&reader->held);
}

/* --- Given: downloads ------------------------------------------------------------------------- */

/* The input is no longer needed, so that the loop can end. */
static void stop_input(struct reader *reader) {
  uv_handle_t *handle = (uv_handle_t *)&reader->input;
  if (handle->type != UV_UNKNOWN_HANDLE && !uv_is_closing(handle))
    uv_close(handle, NULL);
}

/* Begin the next download; after the last one, say goodbye. */
static void begin_next(struct reader *reader) {
  struct connection *connection = reader->connection;
  reader->stream_id = 0;
  reader->ended = false;
  if (reader->path)
    reader->wanted = 0; /* it was for the one before */
  reader->path = reader->path ? *reader->paths++ : reader->url.path;
  if (!reader->path || (reader->leaves && reader->wanted == 0)) {
    stop_input(reader);
    connection_close(connection);
    return;
  }
  const nghttp2_nv fields[] = {
      field_make(":method", "GET"), field_make(":scheme", reader->url.scheme),
      field_make(":authority", reader->url.authority), field_make(":path", reader->path)};
  int32_t stream_id =
      nghttp2_submit_request(connection_session(connection), NULL, fields, 4, NULL, NULL);
  if (stream_id < 0) {
    fail(reader, reader->path, nghttp2_strerror(stream_id));
    stop_input(reader);
    connection_close(connection);
    return;
  }
  reader->stream_id = stream_id;
  connection_send(connection);
}

/* The user goes on with the next download. */
static void skip(struct reader *reader) {
  if (!reader->ended)
    nghttp2_submit_rst_stream(connection_session(reader->connection), NGHTTP2_FLAG_NONE,
                              reader->stream_id, NGHTTP2_CANCEL);
  drop_held(reader);
  begin_next(reader);
}

/* Write out what is wanted, and see whether that was all. */
static void go_on(struct reader *reader) {
  if (reader->stream_id == 0)
    return; /* there is no connection yet, or no download any more */
  if (reader->wanted > 0)
    write_out(reader);
  if (reader->ended && reader->held.length == 0)
    begin_next(reader);
  else if (reader->leaves && reader->wanted == 0)
    skip(reader);
}

/* --- Given: nghttp2's callbacks --------------------------------------------------------------- */

static int on_data_chunk_recv(nghttp2_session *session, uint8_t flags, int32_t stream_id,
                              const uint8_t *data, size_t length, void *user) {
  struct reader *reader = user;
  (void)session;
  (void)flags;
  if (stream_id != reader->stream_id)
    return 0;
  if (buffer_append(&reader->held, data, length) != 0)
    return NGHTTP2_ERR_CALLBACK_FAILURE;
  go_on(reader);
  return 0;
}

static int on_frame_recv(nghttp2_session *session, const nghttp2_frame *frame, void *user) {
  struct reader *reader = user;
  bool can_be_last = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
  (void)session;
  if (can_be_last && frame->hd.stream_id == reader->stream_id &&
      frame->hd.flags & NGHTTP2_FLAG_END_STREAM)
    reader->ended = true;
  return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t stream_id, uint32_t error_code,
                           void *user) {
  struct reader *reader = user;
  (void)session;
  if (stream_id != reader->stream_id)
    return 0; /* the user has skipped it */
  if (reader->ended && error_code == NGHTTP2_NO_ERROR) {
    go_on(reader);
    return 0;
  }
  fail(reader, reader->path, nghttp2_http2_strerror(error_code));
  drop_held(reader);
  begin_next(reader);
  return 0;
}

static void on_open(struct connection *connection, void *user) {
  struct reader *reader = user;
  (void)connection;
  begin_next(reader);
}

static void on_close(struct connection *connection, const char *error, void *user) {
  struct reader *reader = user;
  (void)connection;
  reader->stream_id = 0;
  stop_input(reader);
  if (error)
    fail(reader, reader->name, error);
}

/* --- Given: the user -------------------------------------------------------------------------- */

static void allocate(uv_handle_t *handle, size_t size, uv_buf_t *place) {
  static char bytes[4096];
  (void)handle;
  (void)size;
  *place = uv_buf_init(bytes, sizeof bytes);
}

static void on_line(struct reader *reader) {
  if (!reader->skips) {
    reader->wanted += (size_t)reader->piece;
    go_on(reader);
  } else if (reader->stream_id != 0) {
    skip(reader);
  }
}

static void on_input(uv_stream_t *input, ssize_t length, const uv_buf_t *place) {
  struct reader *reader = input->data;
  for (ssize_t i = 0; i < length; i++) {
    if (reader->at_line_start)
      reader->skips = place->base[i] == 'n';
    reader->at_line_start = place->base[i] == '\n';
    if (reader->at_line_start)
      on_line(reader);
  }
  if (length >= 0)
    return;
  reader->leaves = true;
  stop_input(reader);
  go_on(reader);
}

/* Read lines from a terminal or a pipe. Returns 0 or -1. */
static int start_input(struct reader *reader, uv_loop_t *loop) {
  uv_handle_type type = uv_guess_handle(0);
  int error = UV_EINVAL;
  if (type == UV_TTY) {
    error = uv_tty_init(loop, &reader->input.tty, 0, 1);
  } else if (type == UV_NAMED_PIPE) {
    uv_pipe_init(loop, &reader->input.pipe, 0);
    error = uv_pipe_open(&reader->input.pipe, 0);
  }
  reader->input.handle.data = reader;
  reader->at_line_start = true;
  if (error == 0)
    error = uv_read_start(&reader->input.stream, allocate, on_input);
  if (error == 0)
    return 0;
  fail(reader, "standard input", "neither a terminal nor a pipe");
  stop_input(reader);
  return -1;
}

/* --- Given: the program ----------------------------------------------------------------------- */

static nghttp2_session_callbacks *create_callbacks(void) {
  nghttp2_session_callbacks *callbacks;
  if (nghttp2_session_callbacks_new(&callbacks) != 0)
    return NULL;
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data_chunk_recv);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame_recv);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
  return callbacks;
}

static void run(struct reader *reader) {
  nghttp2_session_callbacks *callbacks = create_callbacks();
  nghttp2_option *option = NULL;
  nghttp2_settings_entry settings[SETTINGS_MAX] = {{NGHTTP2_SETTINGS_ENABLE_PUSH, 0}};
  struct connection_config config = {.callbacks = callbacks,
                                     .settings = settings,
                                     .setting_count = SETTINGS_MAX,
                                     .on_open = on_open,
                                     .on_close = on_close};
  uv_loop_t *loop = uv_default_loop();
  if (callbacks && nghttp2_option_new(&option) == 0 && start_input(reader, loop) == 0) {
    take_windows(reader, option, &settings[1]);
    config.option = option;
    reader->connection = connection_connect(loop, &reader->url, NULL, &config, reader);
    if (!reader->connection)
      stop_input(reader);
  }
  if (!reader->connection && !reader->failed)
    fail(reader, reader->name, "out of memory");
  uv_run(loop, UV_RUN_DEFAULT);
  uv_loop_close(loop);
  nghttp2_option_del(option);
  nghttp2_session_callbacks_del(callbacks);
}

/* Fill in the reader. Returns 0; or says what is wrong, and returns -1. */
static int parse_arguments(struct reader *reader, int argc, char **argv) {
  static const struct option options[] = {
      {"piece", required_argument, NULL, 'p'}, {"window", required_argument, NULL, 'w'}, {0}};
  int option;
  while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
    switch (option) {
    case 'p': reader->piece = number_parse(optarg, 1000000); break;
    case 'w': reader->window = number_parse(optarg, 65535); break;
    default: reader->piece = -1;
    }
  }
  if (reader->piece < 1 || reader->window < 1 || optind >= argc) {
    fprintf(stderr, "usage: slow [--piece BYTES] [--window BYTES] URL [PATH]...\n");
    return -1;
  }
  reader->name = argv[optind];
  reader->paths = argv + optind + 1; /* NULL ends them */
  if (url_parse(&reader->url, reader->name) == 0 && !reader->url.tls)
    return 0;
  fprintf(stderr, "slow: %s: not a URL that begins with http://\n", reader->name);
  return -1;
}

int main(int argc, char **argv) {
  struct reader reader = {.piece = 1000, .window = 65535};
  int status = 2;
  if (parse_arguments(&reader, argc, argv) == 0) {
    run(&reader);
    if (ferror(stdout))
      fail(&reader, "standard output", "cannot be written");
    status = reader.failed ? EXIT_FAILURE : EXIT_SUCCESS;
  }
  buffer_free(&reader.held);
  url_free(&reader.url);
  return status;
}
