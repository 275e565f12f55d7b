/*
 * asker: a client (client.h) under observation, on the loop of support.h, with a note of all that
 * happens to it and to its requests.
 */
#ifndef COMMON_TESTS_ASKER_H
#define COMMON_TESTS_ASKER_H

#include "common/buffer.h"
#include "common/client.h"

enum { ASKER_REQUESTS = 256 };

struct asker;

/* One request and its outcome. */
struct asked {
  struct asker *asker;
  struct stream *stream; /* NULL once it is closed */
  int status;
  char order[24]; /* the first events: Inform, Headers, Data, End, Close, each kind once in a row */
  int inform;     /* the last informational status */
  char trailer[16]; /* the value of "x-trailer" */
  struct buffer body;
  size_t received; /* bytes of it, */
  bool discards;   /* though it is not kept */
  bool closed;
  uint32_t error_code;
  void (*at_close)(struct asked *asked); /* the test's part of these events; may be NULL */
  void (*at_headers)(struct asked *asked);
  void (*at_drain)(struct asked *asked);
};

/* Zero it before use. */
struct asker {
  struct client *client; /* NULL after the end */
  void (*at_open)(struct asker *asker);
  bool open;
  bool closed;     /* on_close was called, */
  char error[512]; /* with this; "" for NULL */
  struct asked asked[ASKER_REQUESTS];
  size_t count;
  size_t closed_count;
  size_t refused_count; /* of these, with REFUSED_STREAM */
};

/* Begin to connect to a port of localhost, or to a URL. */
void asker_connect(struct asker *asker, int port);
void asker_connect_url(struct asker *asker, const char *text);

/* Make a request, which must be possible. */
struct asked *asker_request(struct asker *asker, const char *method, const char *path,
                            int64_t body_length);
struct asked *asker_get(struct asker *asker, const char *path);

/* The same, but memory may run out: then they return false and NULL. */
bool asker_try_connect(struct asker *asker, const char *text);
struct asked *asker_try_request(struct asker *asker, const char *method, const char *path,
                                int64_t body_length);

/* Wait until the stream is closed; expect this code. */
void asker_await(struct asked *asked, uint32_t error_code);

/* Close the client and wait for the end, which must be clean; then free the notes. */
void asker_leave(struct asker *asker);

/* Wait for the end, which must come with an error that begins like this. */
void asker_expect_close(struct asker *asker, const char *error);

void asker_free(struct asker *asker);

#endif
