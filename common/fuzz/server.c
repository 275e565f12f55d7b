/* server: a whole server (server.h), and a client that does what the tape says. Whatever that is,
 * every stream gets its on_close, server_close ends in time, and nothing is left. */
#include "common/server.h"

#include "common/fuzz/use.h"
#include "common/fuzz/world.h"

enum { GRACE_MS = 5000, AFTER_GRACE_MS = 10000 };

static struct server *server;
static bool closed;

static void on_stream(struct stream *stream, void *user) {
  (void)user;
  use_request(stream);
  if (stream_path(stream)[0] == '/' && stream_path(stream)[1] == 'z')
    server_close(server);
}

static void on_close(void *user) {
  (void)user;
  fuzz_must(!closed, "a server closes once");
  closed = true;
  server = NULL;
}

/* A step of the program, not of its client. */
static void act(uint8_t choice, struct tape *tape) {
  fuzz_run(true);
  switch (choice) {
  case 1:
    if (server)
      server_close(server);
    break;
  case 2:
    server_free(server);
    server = NULL;
    break;
  default: use_step(tape); break;
  }
  fuzz_run(false);
}

/* The client sends nothing more. */
static void end(void) {
  fuzz_fail(0, 0);
  if (server)
    server_close(server);
  world_wait(GRACE_MS + 1);
  fuzz_must(server == NULL, "a server has closed after `grace`");
  fuzz_must(use_count() == 0, "every stream gets its on_close");
  world_hang_up();
  world_wait(AFTER_GRACE_MS);
  world_end();
}

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t length) {
  struct tape tape = {octets, length};
  char error[256];
  uint8_t start = tape_octet(&tape);
  struct server_config config = {.on_stream = on_stream,
                                 .on_close = on_close,
                                 .max_concurrent_streams = start & 1 ? 3 : 0,
                                 .stream_window = start & 2 ? 100 : 0,
                                 .grace = GRACE_MS};
  closed = false;
  server = server_listen(world_begin(true), &config, error, sizeof error);
  fuzz_must(server != NULL, "there is memory");
  fuzz_fail(start >> 2, 0);
  world_connect();
  while (tape.length > 0) {
    uint8_t choice;
    if (!world_step(&tape, &choice))
      act(choice, &tape);
  }
  end();
  return 0;
}
