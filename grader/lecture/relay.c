/*
 * relay: stand between clients and a server, pass on every byte, and leave a capture (pcap.h).
 *
 *   relay --to PORT --pcap FILE [--tls] [--keys FILE]
 *
 * Prints `listening on http://localhost:PORT` (https with --tls), serves until SIGINT or SIGTERM,
 * then writes the file. It decrypts nothing: the keys of TLS come from the file that the programs'
 * SSLKEYLOGFILE names. `make demo PCAP=1` puts a relay before each server.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/list.h"
#include "common/listener.h"
#include "common/number.h"
#include "common/signals.h"
#include "grader/wire/pcap.h"

struct relay {
  const char *port; /* the server's */
  const char *file;
  const char *keys; /* NULL: none */
  bool tls;
  uv_loop_t *loop;
  struct pcap *pcap;
  struct listener *listener;
  struct signals *signals;
  struct list pairs;
  unsigned connections; /* so far */
};

/* One of the two connections of a pair: the client's, or the one to the server. */
struct end {
  struct pair *pair;
  enum frame_sender sender;
  struct transport *transport; /* NULL once it is closed */
};

struct pair {
  struct list link; /* in relay->pairs */
  struct relay *relay;
  unsigned number;
  bool started; /* we read from the client */
  struct end ends[2];
};

static struct end *other_end(const struct end *end) {
  return &end->pair->ends[end->sender == FRAME_FROM_CLIENT ? FRAME_FROM_SERVER : FRAME_FROM_CLIENT];
}

static void free_pair(struct pair *pair) {
  transport_free(pair->ends[FRAME_FROM_CLIENT].transport);
  transport_free(pair->ends[FRAME_FROM_SERVER].transport);
  list_remove(&pair->link);
  free(pair);
}

static void on_open(struct transport *transport, void *user);

static void on_data(struct transport *transport, const uint8_t *data, size_t length, void *user) {
  struct end *end = user;
  struct transport *other = other_end(end)->transport;
  pcap_bytes(end->pair->relay->pcap, end->pair->number, end->sender, data, length);
  if (other && transport_write(other, data, length) != 0)
    transport_close(transport); /* no memory */
}

/* One end has closed: close the other. */
static void on_close(struct transport *transport, const char *error, void *user) {
  struct end *end = user;
  struct pair *pair = end->pair;
  struct end *other = other_end(end);
  (void)transport;
  pcap_close(pair->relay->pcap, pair->number, end->sender, error && strstr(error, "reset"));
  end->transport = NULL;
  if (other->transport && (other->sender == FRAME_FROM_SERVER || pair->started))
    transport_close(other->transport);
  else
    free_pair(pair);
}

static const struct transport_events events = {
    .on_open = on_open, .on_data = on_data, .on_close = on_close};

/* Read from the client only now that we can pass its bytes on. */
static void on_open(struct transport *transport, void *user) {
  struct end *end = user;
  struct end *client = other_end(end);
  (void)transport;
  if (end->sender == FRAME_FROM_CLIENT)
    return;
  end->pair->started = true;
  transport_start(client->transport, &events, client);
}

static void on_accept(struct transport *transport, void *user) {
  struct relay *relay = user;
  struct pair *pair = calloc(1, sizeof *pair);
  if (!pair) {
    transport_free(transport);
    return;
  }
  pair->relay = relay;
  pair->number = ++relay->connections;
  list_add(&relay->pairs, &pair->link);
  struct end *client = &pair->ends[FRAME_FROM_CLIENT];
  struct end *server = &pair->ends[FRAME_FROM_SERVER];
  *client = (struct end){.pair = pair, .sender = FRAME_FROM_CLIENT, .transport = transport};
  *server = (struct end){.pair = pair, .sender = FRAME_FROM_SERVER};
  pcap_open(relay->pcap, pair->number, relay->tls);
  server->transport =
      transport_connect(relay->loop, "localhost", relay->port, NULL, &events, server);
  if (!server->transport)
    free_pair(pair);
}

static void on_signal(void *user) {
  struct relay *relay = user;
  struct pair *pair;
  listener_free(relay->listener);
  signals_free(relay->signals);
  while ((pair = list_first(&relay->pairs)))
    free_pair(pair);
}

/* --- The file --------------------------------------------------------------------------------- */

/* A file without keys is not an error: perhaps nobody connected. */
static void read_keys(struct relay *relay) {
  FILE *file = relay->keys ? fopen(relay->keys, "r") : NULL;
  char line[512];
  if (!file)
    return;
  while (fgets(line, sizeof line, file)) {
    line[strcspn(line, "\n")] = '\0';
    pcap_secret(relay->pcap, line);
  }
  fclose(file);
}

static int serve(struct relay *relay) {
  char error[256] = "cannot wait for signals";
  relay->signals = signals_open(relay->loop, on_signal, relay);
  if (relay->signals)
    relay->listener =
        listener_open(relay->loop, "localhost", 0, NULL, on_accept, relay, error, sizeof error);
  if (!relay->listener) {
    fprintf(stderr, "relay: %s\n", error);
    signals_free(relay->signals);
    return -1;
  }
  printf("listening on http%s://localhost:%d\n", relay->tls ? "s" : "",
         listener_port(relay->listener));
  fflush(stdout);
  uv_run(relay->loop, UV_RUN_DEFAULT);
  uv_loop_close(relay->loop);
  read_keys(relay);
  if (pcap_write(relay->pcap, relay->file) == 0)
    return 0;
  perror(relay->file);
  return -1;
}

int main(int argc, char **argv) {
  static const struct option options[] = {{"to", required_argument, NULL, 't'},
                                          {"pcap", required_argument, NULL, 'p'},
                                          {"keys", required_argument, NULL, 'k'},
                                          {"tls", no_argument, NULL, 's'},
                                          {0}};
  struct relay relay = {.loop = uv_default_loop()};
  int option;
  while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
    switch (option) {
    case 't': relay.port = optarg; break;
    case 'p': relay.file = optarg; break;
    case 'k': relay.keys = optarg; break;
    case 's': relay.tls = true; break;
    default: optind = argc + 1;
    }
  }
  if (optind != argc || !relay.file || !relay.port || number_parse(relay.port, 65535) < 1) {
    fprintf(stderr, "usage: relay --to PORT --pcap FILE [--tls] [--keys FILE]\n");
    return 2;
  }
  list_init(&relay.pairs);
  relay.pcap = pcap_new();
  if (!relay.pcap) {
    fprintf(stderr, "relay: out of memory\n");
    return EXIT_FAILURE;
  }
  int result = serve(&relay);
  pcap_free(relay.pcap);
  return result == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
