/* control: see control.h. */
#include "grader/serve/control.h"

#include <nghttp2/nghttp2.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/buffer.h"
#include "common/inner/trace_socket.h"

enum { LONGEST_ORDER = 64 };

struct control {
  struct reference_config *config;
  int port;
  uv_loop_t *loop; /* NULL: not started */
  bool is_open;    /* `make live` runs, and gives orders by the pipe */
  uv_pipe_t pipe;
  char order[LONGEST_ORDER]; /* the part of a line that has come */
  size_t length;
  struct buffer connections; /* struct connection *: those that are open */
};

/* --- What it can do, and does ----------------------------------------------------------------- */

static int append_names(struct buffer *text) {
  int failed = 0;
  for (int fault = REFERENCE_NO_FAULT; fault < REFERENCE_FAULTS; fault++) {
    failed |= buffer_append_text(text, fault > REFERENCE_NO_FAULT ? "\", \"" : "\"");
    failed |= buffer_append_text(text, reference_fault_name((enum reference_fault)fault));
  }
  return failed | buffer_append_text(text, "\"");
}

/* A line is far shorter than what a socket takes at once. */
static void tell(struct control *control) {
  struct buffer text = {0};
  char number[32];
  snprintf(number, sizeof number, "%d", control->port);
  if (buffer_append_text(&text, "{\"port\": ") == 0 && buffer_append_text(&text, number) == 0 &&
      buffer_append_text(&text, ", \"faults\": [") == 0 && append_names(&text) == 0 &&
      buffer_append_text(&text, "], \"now\": \"") == 0 &&
      buffer_append_text(&text, reference_fault_name(control->config->fault)) == 0 &&
      buffer_append_text(&text, "\"}\n") == 0) {
    uv_buf_t buffer = uv_buf_init(text.bytes, (unsigned)text.length);
    uv_try_write((uv_stream_t *)&control->pipe, &buffer, 1);
  }
  buffer_free(&text);
}

/* --- The open connections --------------------------------------------------------------------- */

static struct connection **connections(const struct control *control, size_t *count) {
  *count = control->connections.length / sizeof(struct connection *);
  return (void *)control->connections.bytes;
}

static void look(struct control *control);

/* Without memory, an order does not reach this connection. */
static void on_connection(struct connection *connection, void *user) {
  struct control *control = user;
  look(control);
  buffer_append(&control->connections, &connection, sizeof(struct connection *));
}

static void on_connection_close(struct connection *connection, void *user) {
  struct control *control = user;
  size_t count;
  struct connection **open = connections(control, &count);
  for (size_t i = 0; i < count; i++) {
    if (open[i] != connection)
      continue;
    open[i] = open[count - 1];
    buffer_truncate(&control->connections, (count - 1) * sizeof(struct connection *));
    return;
  }
}

static void do_now(const struct control *control, enum reference_fault before) {
  size_t count;
  struct connection **open = connections(control, &count);
  enum reference_fault fault = control->config->fault;
  for (size_t i = 0; i < count; i++) {
    if (before == REFERENCE_WINDOW && fault != REFERENCE_WINDOW)
      reference_server_set_window(open[i], NGHTTP2_INITIAL_WINDOW_SIZE);
    if (fault == REFERENCE_WINDOW)
      reference_server_set_window(open[i], 0);
    if (fault == REFERENCE_GOAWAY)
      nghttp2_session_terminate_session(connection_session(open[i]), NGHTTP2_ENHANCE_YOUR_CALM);
    connection_send(open[i]);
  }
}

/* --- Orders ----------------------------------------------------------------------------------- */

static void obey(struct control *control) {
  enum reference_fault before = control->config->fault;
  enum reference_fault fault = reference_fault_of(control->order);
  if (fault == REFERENCE_FAULTS)
    return;
  control->config->fault = fault;
  do_now(control, before);
  tell(control);
}

static void take(struct control *control, char byte) {
  if (byte != '\n') {
    control->order[control->length] = byte;
    control->length += control->length < LONGEST_ORDER - 1;
    return;
  }
  control->order[control->length] = '\0';
  control->length = 0;
  obey(control);
}

static void on_alloc(uv_handle_t *pipe, size_t size, uv_buf_t *buffer) {
  static char bytes[256]; /* until on_read */
  (void)pipe;
  (void)size;
  *buffer = uv_buf_init(bytes, sizeof bytes);
}

static void on_read(uv_stream_t *pipe, ssize_t length, const uv_buf_t *buffer) {
  struct control *control = pipe->data;
  if (length < 0)
    uv_read_stop(pipe);
  for (ssize_t i = 0; i < length; i++)
    take(control, buffer->base[i]);
}

/* --- The whole of it -------------------------------------------------------------------------- */

struct control *control_new(struct reference_config *config) {
  const char *trace = getenv("H2_TRACE");
  bool is_live = trace && (strcmp(trace, "live") == 0 || strcmp(trace, "later") == 0);
  struct control *control = is_live ? calloc(1, sizeof *control) : NULL;
  if (!control)
    return NULL;
  control->config = config;
  config->on_connection = on_connection;
  config->on_connection_close = on_connection_close;
  config->user = control;
  return control;
}

/* `make live` may have begun only now. */
static void look(struct control *control) {
  int descriptor = control->loop && !control->is_open ? trace_socket_open() : -1;
  if (descriptor < 0)
    return;
  if (uv_pipe_open(&control->pipe, descriptor) != 0) {
    close(descriptor);
    return;
  }
  control->is_open = true;
  uv_read_start((uv_stream_t *)&control->pipe, on_alloc, on_read);
  tell(control);
}

void control_start(struct control *control, uv_loop_t *loop, int port) {
  if (!control)
    return;
  control->port = port;
  control->loop = loop;
  uv_pipe_init(loop, &control->pipe, 0); /* it cannot fail */
  control->pipe.data = control;
  uv_unref((uv_handle_t *)&control->pipe);
  look(control);
}

void control_free(struct control *control) {
  if (!control)
    return;
  if (control->loop) {
    uv_close((uv_handle_t *)&control->pipe, NULL);
    uv_run(control->loop, UV_RUN_DEFAULT);
  }
  buffer_free(&control->connections);
  free(control);
}
