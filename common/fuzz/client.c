/* client: a whole client (client.h), and a server that does what the tape says. Whatever that is,
 * every request gets its on_close, the client gets its on_close once its server is gone, and
 * nothing is left. */
#include "common/client.h"

#include "common/field.h"
#include "common/fuzz/use.h"
#include "common/fuzz/world.h"

enum { END_MS = 20000 };

static struct client *client;

static void on_close(struct client *closed, const char *error, void *user) {
  (void)error, (void)user;
  fuzz_must(client == closed, "a client closes once");
  client = NULL;
}

static void request(struct tape *tape) {
  static const char *const methods[] = {"GET", "HEAD", "POST", "PUT"};
  static const int64_t lengths[] = {0, STREAM_LENGTH_UNKNOWN, 10000, 5};
  const nghttp2_nv fields[] = {field_make("x-test", "value")};
  uint8_t choice = tape_octet(tape);
  uint8_t way = tape_octet(tape);
  struct stream *stream = client_request(client, methods[choice & 3], "/path?query", fields, 1,
                                         lengths[choice >> 2 & 3]);
  if (stream)
    use_response(stream, way);
}

/* A step of the program, not of its server. */
static void act(uint8_t choice, struct tape *tape) {
  fuzz_run(true);
  switch (choice) {
  case 0:
    if (client)
      request(tape);
    break;
  case 1:
    if (client)
      client_close(client);
    break;
  case 2:
    client_free(client);
    client = NULL;
    break;
  default: use_step(tape); break;
  }
  fuzz_run(false);
}

/* The server is gone. */
static void end(void) {
  fuzz_fail(0, 0);
  world_connect();
  world_hang_up();
  world_wait(END_MS);
  fuzz_must(client == NULL, "a client ends when its server is gone");
  fuzz_must(use_count() == 0, "every stream gets its on_close");
  world_end();
}

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t length) {
  struct tape tape = {octets, length};
  struct url url = {"http", "localhost", "8000", "localhost:8000", "/", false};
  const struct client_config config = {.on_close = on_close};
  uint8_t start = tape_octet(&tape);
  client = client_connect(world_begin(false), &url, &config);
  fuzz_must(client != NULL, "there is memory");
  if (start & 1)
    act(0, &tape); /* before there is a connection */
  fuzz_fail(start >> 2, 0);
  world_connect();
  if (start & 2)
    act(0, &tape);
  while (tape.length > 0) {
    uint8_t choice;
    if (!world_step(&tape, &choice))
      act(choice, &tape);
  }
  end();
  return 0;
}
