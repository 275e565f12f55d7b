/*
 * files: serve the files of a folder.
 *
 *   files [--port N] FOLDER
 *
 * What to see here: back-pressure. Read a file piece by piece, and only while stream_write asks
 * for more; if the client is slow, on_drain says when to go on. So a file of any size costs one
 * piece of memory for each client, whatever the client does.
 */
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/date.h"
#include "common/field.h"
#include "common/number.h"
#include "common/server.h"

enum { PIECE = 16 * 1024 };

/* One file on its way. */
struct sending {
  int file;
  off_t left; /* bytes that we promised the client and have not sent yet */
};

/* --- Sending ---------------------------------------------------------------------------------- */

/* Send until the client has enough for now, or all. A file that shrinks, or that we cannot read,
 * breaks the promise of content-length: the client must not take its part for the whole. */
static void send_more(struct stream *stream, struct sending *sending) {
  int more = 1;
  while (more == 1 && sending->left > 0) {
    char piece[PIECE];
    size_t most = sending->left < PIECE ? (size_t)sending->left : PIECE;
    ssize_t length = read(sending->file, piece, most);
    if (length <= 0) {
      stream_close(stream, NGHTTP2_INTERNAL_ERROR);
      return;
    }
    sending->left -= length;
    more = stream_write(stream, piece, (size_t)length);
  }
  if (more >= 0 && sending->left == 0)
    stream_end(stream, NULL, 0);
}

static void on_drain(struct stream *stream, void *user) {
  send_more(stream, user);
}

static void on_close(struct stream *stream, uint32_t error_code, void *user) {
  struct sending *sending = user;
  (void)stream, (void)error_code; /* give up the file, sent or not */
  close(sending->file);
  free(sending);
}

static const struct stream_events events = {.on_drain = on_drain, .on_close = on_close};

/* The stream owns `file` from now on. */
static void send_file(struct stream *stream, int file, const struct stat *status) {
  char modified[DATE_SIZE];
  const nghttp2_nv field = field_make("last-modified", date_write(modified, status->st_mtime));
  struct sending *sending = malloc(sizeof *sending);
  if (!sending) {
    close(file);
    stream_close(stream, NGHTTP2_INTERNAL_ERROR);
    return;
  }
  *sending = (struct sending){.file = file, .left = status->st_size};
  stream_set_events(stream, &events, sending); /* on_close always comes, and frees it */
  if (stream_respond(stream, 200, &field, 1, status->st_size) != 0)
    stream_close(stream, NGHTTP2_INTERNAL_ERROR);
  else if (strcmp(stream_method(stream), "HEAD") == 0)
    stream_end(stream, NULL, 0); /* no body: do not read the file */
  else
    send_more(stream, sending);
}

/* --- Requests --------------------------------------------------------------------------------- */

static void respond_with(struct stream *stream, int status, const char *text) {
  const nghttp2_nv type = field_make("content-type", "text/plain");
  if (stream_respond(stream, status, &type, 1, (int64_t)strlen(text)) != 0 ||
      stream_end(stream, text, strlen(text)) != 0)
    stream_close(stream, NGHTTP2_INTERNAL_ERROR);
}

/* Serve nothing outside the folder: no name in the path may begin with a dot. Only plain names
 * work: this does not decode %20 and the like. */
static int open_file(int folder, const char *path, struct stat *status) {
  if (path[0] != '/' || strstr(path, "/."))
    return -1;
  int file = openat(folder, path + 1, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (file >= 0 && fstat(file, status) == 0 && S_ISREG(status->st_mode))
    return file;
  if (file >= 0)
    close(file);
  return -1;
}

static void on_stream(struct stream *stream, void *user) {
  const int *folder = user;
  const char *method = stream_method(stream);
  struct stat status;
  if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
    stream_refuse(stream); /* whatever body comes with it */
    respond_with(stream, 405, "only GET and HEAD\n");
    return;
  }
  int file = open_file(*folder, stream_path(stream), &status);
  if (file < 0)
    respond_with(stream, 404, "no such file\n");
  else
    send_file(stream, file, &status);
}

static int usage(void) {
  fprintf(stderr, "usage: files [--port N] FOLDER\n");
  return 2;
}

int main(int argc, char **argv) {
  static const struct option options[] = {{"port", required_argument, NULL, 'p'}, {0}};
  long port = 8000;
  for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;)
    if (option != 'p' || (port = number_parse(optarg, 65535)) < 0)
      return usage();
  if (optind + 1 != argc)
    return usage();
  int folder = open(argv[optind], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) {
    fprintf(stderr, "files: %s: %m\n", argv[optind]);
    return EXIT_FAILURE;
  }
  char error[256];
  uv_loop_t *loop = uv_default_loop();
  const struct server_config config = {.port = (int)port, .on_stream = on_stream, .user = &folder};
  struct server *server = server_listen(loop, &config, error, sizeof error);
  if (!server || server_close_on_signals(server) != 0) {
    fprintf(stderr, "files: %s\n", server ? "no signals" : error);
    return EXIT_FAILURE;
  }
  printf("listening on http://localhost:%d\n", server_port(server));
  fflush(stdout);
  uv_run(loop, UV_RUN_DEFAULT); /* until the last client has gone after SIGINT or SIGTERM */
  close(folder);
  return uv_loop_close(loop) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
