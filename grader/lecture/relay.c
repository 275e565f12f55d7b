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

#include "common/number.h"
#include "common/signals.h"
#include "grader/lecture/passage.h"
#include "grader/wire/pcap.h"

struct relay {
  const char *port; /* the server's */
  const char *file;
  const char *keys; /* NULL: none */
  bool tls;
  uv_loop_t *loop;
  struct pcap *pcap;
  struct passage *passage;
  struct signals *signals;
};

static void on_open(struct passage_pair *pair, void *user) {
  struct relay *relay = user;
  pcap_open(relay->pcap, pair->number, relay->tls);
}

static void on_data(struct passage_pair *pair, enum frame_sender sender, const uint8_t *data,
                    size_t length, void *user) {
  struct relay *relay = user;
  pcap_bytes(relay->pcap, pair->number, sender, data, length);
  passage_send(pair, sender, data, length);
}

static void on_close(struct passage_pair *pair, enum frame_sender sender, const char *error,
                     void *user) {
  struct relay *relay = user;
  pcap_close(relay->pcap, pair->number, sender, error && strstr(error, "reset"));
  passage_finish(pair, sender);
}

static const struct passage_events events = {
    .on_open = on_open, .on_data = on_data, .on_close = on_close};

static void on_signal(void *user) {
  struct relay *relay = user;
  passage_free(relay->passage);
  signals_free(relay->signals);
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
    relay->passage = passage_open(relay->loop, relay->port, &events, relay, error, sizeof error);
  if (!relay->passage) {
    fprintf(stderr, "relay: %s\n", error);
    signals_free(relay->signals);
    return -1;
  }
  printf("listening on http%s://localhost:%d\n", relay->tls ? "s" : "",
         passage_port(relay->passage));
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
  relay.pcap = pcap_new();
  if (!relay.pcap) {
    fprintf(stderr, "relay: out of memory\n");
    return EXIT_FAILURE;
  }
  int result = serve(&relay);
  pcap_free(relay.pcap);
  return result == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
