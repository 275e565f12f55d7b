/*
 * client: connect to a server, and make requests. Each request is a stream (stream.h).
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
 * Threads: a loop, and everything made on it, belong to one thread. Several threads may each have
 * their own loop and clients.
 *
 * The client does not trust servers. An error of a server ends a stream or the connection, as RFC
 * 9113 says; the memory of a stream is bounded. Server push is off (ENABLE_PUSH 0).
 */
#ifndef COMMON_CLIENT_H
#define COMMON_CLIENT_H

#include "common/connection.h"
#include "common/stream.h"

struct client;

/* The configuration of a client. client_connect copies it. */
struct client_config {
  /* Required for https (tls.h makes one); unused for http. The caller may free it when
   * client_connect returns. */
  SSL_CTX *tls;

  /* Takes the next step of the TLS handshake. NULL: tls_handshake (tls.h) does it. */
  enum tls_step (*handshake)(SSL *ssl, char *error, size_t error_size);

  /* The client is connected. May be NULL. */
  void (*on_open)(struct client *client, void *user);

  /*
   * The end, whatever the reason; every stream has had its on_close. `error` is NULL if
   * client_close is done, or if the server has left by GOAWAY and all streams were closed.
   * Otherwise it is one line, whose beginning says what has failed:
   *   "look up NAME: ..."        there is no such host;
   *   "connect to NAME:PORT: ..." nobody listens there;
   *   "TLS: ..."                 the peer speaks no TLS, or is not the right server;
   *   "closed by the peer", "read: ..."  the connection was lost;
   *   "the peer sent GOAWAY(...)"  with an error code: this side has done something wrong, or too
   *                              much;
   *   "PROTOCOL_ERROR: ..." or another error code of RFC 9113, section 7: what the server has sent
   *                              is wrong HTTP/2, or no HTTP/2 at all.
   *   "connect to AUTHORITY: no connection after 5000 ms"  connect_timeout is over.
   * It is valid until the call returns. May be NULL.
   */
  void (*on_close)(struct client *client, const char *error, void *user);
  void *user;

  /* Flow-control windows for what the server sends: how much may be on its way on one stream
   * (65,535) and on the connection (1 MiB). At most one window arrives in each round trip: 65,535
   * bytes at 50 ms make 1.3 MB/s. Zero means the default. */
  uint32_t stream_window;
  uint32_t connection_window;

  /* How long everything before on_open may take, in milliseconds: the look-up of the name, all
   * addresses, and the TLS handshake. 0: as long as the system tries, which may be minutes. */
  unsigned connect_timeout;
};

/* Connect to the host and port of `url`, which need not outlive the call. A timer of this loop that
 * starts next counts from the return (uv_update_time). Returns NULL when there is no memory;
 * on_close reports every other failure, from the loop. */
struct client *client_connect(uv_loop_t *loop, const struct url *url,
                              const struct client_config *config);

/*
 * Make a request. :scheme and :authority come from the URL, but an ":authority" among the fields
 * replaces ours. `path` is the path with the query. Copies `fields`, `method` (any except CONNECT,
 * which has no path) and `path`. `body_length` says what body follows:
 *   0                      none: the request is complete;
 *   n                      n bytes exactly, which `content-length` announces;
 *   STREAM_LENGTH_UNKNOWN  any number.
 * Allowed before on_open too: the request leaves as soon as there is a connection, and as the
 * server's MAX_CONCURRENT_STREAMS allows. Until then it waits here, and so may any number of
 * requests: ask client_room before you make thousands. Returns the stream, which the caller does
 * not free (see stream_keep). Returns NULL if the client has ended, if the server has sent GOAWAY
 * (connect again), if `method`, `path` or a field is one that stream_respond refuses, or if there
 * is no memory.
 *
 * The stream's on_close always comes. REFUSED_STREAM means that the server has not looked at the
 * request: it said so, or it sent GOAWAY. You may then make the request again (RFC 9113, section
 * 8.7). CANCEL means that the connection failed; the client's on_close says why after that. The
 * server may reset a stream with CANCEL too.
 */
struct stream *client_request(struct client *client, const char *method, const char *path,
                              const nghttp2_nv *fields, size_t count, int64_t body_length);

/*
 * How many more requests would leave now; further requests wait. It is what the server's
 * MAX_CONCURRENT_STREAMS leaves, and 0 once client_request returns NULL. Until the server's
 * SETTINGS have arrived, nghttp2 assumes 100 (RFC 9113, section 6.5.2 has no limit then), and a
 * server that allows fewer resets the others with REFUSED_STREAM. So if you have many requests,
 * make one, and make the others when it has its response.
 */
size_t client_room(const struct client *client);

/* The connection, for owners who watch it or call nghttp2 themselves. */
struct connection *client_connection(const struct client *client);

/*
 * End politely: when the last stream is closed, send GOAWAY(NO_ERROR), close the connection, and
 * call on_close. Allowed at any time and more than once; requests made until then are still served.
 * If there is no connection yet and no open stream, it does not wait for a connection: on_close
 * comes in the next turn of the loop.
 */
void client_close(struct client *client);

/* End at once and free the client, without its on_close; streams still get theirs. NULL is allowed.
 * Not allowed inside an event of a stream, or on_open. */
void client_free(struct client *client);

#endif
