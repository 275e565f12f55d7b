/*
 * client: connect to a server, and make requests: each is a stream (stream.h).
 *
 * Order of calls: client_connect; client_request any number of times, at once or later;
 * client_close; on_close, after which the client is gone. client_free ends it early.
 *
 *     static void on_data(struct stream *stream, const uint8_t *data, size_t length, void *user) {
 *       fwrite(data, 1, length, stdout);
 *     }
 *     static const struct stream_events events = {.on_data = on_data};
 *
 *     const struct client_config config = {.on_close = on_close};
 *     struct client *client = client_connect(loop, &url, &config);
 *     struct stream *stream = client_request(client, "GET", url.path, NULL, 0, 0);
 *     stream_set_events(stream, &events, NULL);
 *     client_close(client);
 *     uv_run(loop, UV_RUN_DEFAULT);
 *
 * Threads: a loop, and all that was made on it, belong to one thread; several threads, each with a
 * loop and clients of its own, are fine.
 *
 * Servers are not trusted. What one of them does ends a stream or the connection, as RFC 9113 says;
 * the memory that a stream may use is bounded. Server push is off (ENABLE_PUSH 0).
 */
#ifndef COMMON_CLIENT_H
#define COMMON_CLIENT_H

#include "common/connection.h"
#include "common/stream.h"

struct client;

/* What a client is to be. It is copied. */
struct client_config {
  /* For https, where it must be there (tls.h makes one); for http it is not used. It may be freed
   * when client_connect returns. */
  SSL_CTX *tls;

  /* Takes the next step of the TLS handshake: see tls_handshake, which does it where this is
   * NULL. */
  enum tls_step (*handshake)(SSL *ssl, char *error, size_t error_size);

  /* It is connected. May be NULL. */
  void (*on_open)(struct client *client, void *user);

  /*
   * The end, whatever the reason; every stream has had its on_close. `error` is NULL if
   * client_close is done, or the server has said by GOAWAY that it leaves and all streams were
   * closed. Else it is one line, whose beginning tells what has failed:
   *   "look up NAME: ..."        there is no such host;
   *   "connect to NAME:PORT: ..." nobody listens there;
   *   "TLS: ..."                 there is no TLS with it, or it is not the one that it should be;
   *   "closed by the peer", "read: ..."  the connection was lost;
   *   "the peer sent GOAWAY(...)"  with an error code: this side has done wrong, or too much;
   *   "PROTOCOL_ERROR: ..." or another error code of RFC 9113, section 7: what the server has sent
   *                              is not right HTTP/2, or no HTTP/2 at all.
   *   "connect to AUTHORITY: no connection after 5000 ms"  connect_timeout is over.
   * It is valid until the call returns. May be NULL.
   */
  void (*on_close)(struct client *client, const char *error, void *user);
  void *user;

  /* Flow-control windows for what the server sends: how much may be on its way on one stream
   * (65,535) and on the connection (1 MiB). A window is all that comes in one round trip: 65,535
   * octets at 50 ms are 1.3 MB/s. Zero means the default. */
  uint32_t stream_window;
  uint32_t connection_window;

  /* How long it may take until on_open, in milliseconds: the look-up of the name, all addresses,
   * and the TLS handshake. 0: as long as the system tries, which may be minutes. */
  unsigned connect_timeout;
};

/* Connect to the host and port of `url`, which need not outlive the call. Returns NULL when there
 * is no memory; every other failure is told by on_close, from the loop. */
struct client *client_connect(uv_loop_t *loop, const struct url *url,
                              const struct client_config *config);

/*
 * Make a request. :scheme and :authority are those of the URL, but an ":authority" among the fields
 * replaces ours; `path` is the path with the query; `fields` are copied, and so are `method` (any
 * but CONNECT, which has no path) and `path`. `body_length` tells what body follows:
 *   0                      none: the request is complete;
 *   n                      n bytes exactly, which `content-length` announces;
 *   STREAM_LENGTH_UNKNOWN  any number.
 * It is allowed before on_open too: the request leaves as soon as there is a connection, and as the
 * server's MAX_CONCURRENT_STREAMS allows. Until then it waits here, and so may any number: ask
 * client_room before you make thousands. Returns the stream, which is not the caller's to free
 * (stream_keep), or NULL: the client has ended, the server has said GOAWAY (connect again),
 * `method`, `path` or the fields are such as stream_respond does not take, or there is no memory.
 *
 * Its on_close always comes, with REFUSED_STREAM where the server has not looked at the request (so
 * that it may be made once more, RFC 9113, section 8.7): it said so, or it said GOAWAY. CANCEL
 * comes where the connection failed, and the client's on_close says why after that; the server may
 * reset a stream with CANCEL too.
 */
struct stream *client_request(struct client *client, const char *method, const char *path,
                              const nghttp2_nv *fields, size_t count, int64_t body_length);

/*
 * How many requests would leave now; more than these wait. It is what the server's
 * MAX_CONCURRENT_STREAMS leaves, and 0 once client_request returns NULL. Until the server's
 * SETTINGS have come, nghttp2 assumes 100 (RFC 9113, section 6.5.2 knows no limit then), and a
 * server that allows fewer resets the others with REFUSED_STREAM: if you have many requests, make
 * one, and the others when it has its response.
 */
size_t client_room(const struct client *client);

/* The connection, for those who want to watch it or to speak to nghttp2 themselves. */
struct connection *client_connection(const struct client *client);

/*
 * End politely: when the last stream is closed, say GOAWAY(NO_ERROR), close the connection, and
 * call on_close. Allowed at any time and more than once; requests that are made until then are
 * still served. Where there is no connection yet, and no stream that is not closed, it does not
 * wait for one: on_close comes in the next turn of the loop.
 */
void client_close(struct client *client);

/* End at once and free it, without its on_close; streams still get theirs. NULL is allowed; not
 * from within an event of a stream, or on_open. */
void client_free(struct client *client);

#endif
