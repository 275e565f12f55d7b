/*
 * live: let the client of a play talk to the reference server (serve/), which really runs: on a
 * loop, over TCP on this machine, and with TLS if a scenario wants it. (play.h alone lets two
 * sessions talk in memory.)
 *
 * Order of calls: live_begin; live_connect, play_ask..., live_wait, for each client; live_end. What
 * fails is said on standard error, and play->failed is set; later calls then do nothing.
 */
#ifndef GRADER_PREDICT_LIVE_H
#define GRADER_PREDICT_LIVE_H

#include <openssl/ssl.h>
#include <uv.h>

#include "grader/predict/play.h"
#include "grader/serve/reference_server.h"

struct live {
  struct play *play;
  uv_loop_t loop;
  bool looping; /* there is a loop */
  struct reference_config config;
  struct server *server;
  int socket;  /* the client's; -1: none */
  SSL *tls;    /* the client's, between memory and the socket; NULL: plain TCP */
  bool agreed; /* both sides speak HTTP/2 */
  bool over;   /* the server has closed the connection, or the handshake has failed */
};

/* Start the server; `tls` as in reference_server.h. */
void live_begin(struct live *live, struct play *play, SSL_CTX *tls);

/* Connect a client with this window for each stream to it; `tls` NULL: plain TCP. Whether it
 * verifies the server, and what it offers by ALPN, is the context's affair. */
void live_connect(struct live *live, SSL_CTX *tls, uint32_t window);

/* Let the client send what it has to send, without waiting for an answer. */
void live_push(struct live *live);

/* Let both sides speak until all requests are answered or the connection is over. With `closed`:
 * until it is over. */
void live_wait(struct live *live, bool closed);

/* End the server gracefully, as SIGTERM does: its frames leave with the next live_wait. */
void live_shut(struct live *live);

void live_end(struct live *live);

#endif
