/* blind [--port N]: lab 3's server for somebody who counts frames: it answers the end of every
 * request with the same response, keeps to windows, and reads no field of any. It needs neither
 * nghttp2 nor common/. */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { DATA, HEADERS, RST_STREAM = 3, SETTINGS, PING = 6, GOAWAY, WINDOW_UPDATE };
enum { HEAD = 9, PREFACE = 24, MOST = 600 };

static const char body[] = "Hello World!";

struct stream {
  uint32_t id;
  int32_t window;
  int sent;
  bool answered;
};

struct client {
  int file;
  uint8_t *bytes;
  size_t length;
  bool begun, told;
  int32_t window; /* of a new stream */
  uint32_t last;
  struct stream *streams;
  size_t count;
};

static struct client clients[MOST];
static size_t client_count;
static volatile sig_atomic_t leaves;

static void on_signal(int number) {
  leaves = number;
}

static uint32_t number(const uint8_t *bytes) {
  return (uint32_t)bytes[0] << 24 | bytes[1] << 16 | bytes[2] << 8 | bytes[3];
}

static void put(uint8_t *bytes, uint32_t value) {
  for (int i = 0; i < 4; i++)
    bytes[i] = (uint8_t)(value >> (24 - 8 * i));
}

static void send_frame(struct client *client, int type, int flags, uint32_t id, const void *bytes,
                       size_t length) {
  uint8_t frame[HEAD + 256] = {0, 0, (uint8_t)length, (uint8_t)type, (uint8_t)flags};
  put(frame + 5, id);
  for (size_t i = 0; i < length; i++)
    frame[HEAD + i] = ((const uint8_t *)bytes)[i];
  (void)!write(client->file, frame, HEAD + length);
}

static struct stream *find(struct client *client, uint32_t id) {
  for (size_t i = 0; i < client->count; i++)
    if (client->streams[i].id == id)
      return &client->streams[i];
  return NULL;
}

static struct stream *add(struct client *client, uint32_t id) {
  struct stream *more = realloc(client->streams, (client->count + 1) * sizeof *client->streams);
  if (more == NULL)
    return NULL;
  client->streams = more;
  client->last = id;
  more[client->count] = (struct stream){id, client->window, 0, false};
  return &more[client->count++];
}

static void forget(struct client *client, struct stream *stream) {
  *stream = client->streams[--client->count];
}

static void send_body(struct client *client, struct stream *stream) {
  int rest = (int)strlen(body) - stream->sent;
  int piece = rest < stream->window ? rest : stream->window;
  if (piece <= 0)
    return;
  send_frame(client, DATA, piece == rest, stream->id, body + stream->sent, (size_t)piece);
  stream->sent += piece;
  stream->window -= piece;
  if (piece == rest)
    forget(client, stream);
}

/* :status 200, and a literal date. */
static void answer(struct client *client, struct stream *stream) {
  char fields[64] = "\210\17\22\35";
  time_t now = time(NULL);
  strftime(fields + 4, sizeof fields - 4, "%a, %d %b %Y %H:%M:%S GMT", gmtime(&now));
  send_frame(client, HEADERS, 4, stream->id, fields, 33);
  stream->answered = true;
  send_body(client, stream);
}

static void give_back(struct client *client, uint32_t id, uint32_t length) {
  uint8_t size[4];
  put(size, length);
  send_frame(client, WINDOW_UPDATE, 0, 0, size, 4);
  if (id != 0)
    send_frame(client, WINDOW_UPDATE, 0, id, size, 4);
}

static void take_frame(struct client *client, const uint8_t *frame, uint32_t length) {
  const uint8_t *bytes = frame + HEAD;
  uint32_t id = number(frame + 5) & INT32_MAX;
  int type = frame[3], flags = frame[4];
  struct stream *stream = find(client, id);
  if (type == SETTINGS && !(flags & 1)) {
    for (uint32_t i = 0; i + 6 <= length; i += 6)
      if (bytes[i + 1] == 4)
        client->window = (int32_t)number(bytes + i + 2);
    send_frame(client, SETTINGS, 1, 0, NULL, 0);
  }
  if (type == PING && !(flags & 1))
    send_frame(client, PING, 1, 0, bytes, 8);
  if (type == HEADERS && stream == NULL)
    stream = add(client, id);
  if (type == DATA && length > 0)
    give_back(client, flags & 1 ? 0 : id, length);
  if (type == RST_STREAM && stream != NULL)
    forget(client, stream);
  else if (type == WINDOW_UPDATE && stream != NULL) {
    stream->window += (int32_t)number(bytes);
    if (stream->answered)
      send_body(client, stream);
  } else if ((type == DATA || type == HEADERS) && (flags & 1) && stream != NULL)
    answer(client, stream);
}

/* Returns false if the client is gone, or speaks something else. */
static bool take_bytes(struct client *client) {
  static uint8_t chunk[65536];
  ssize_t length = read(client->file, chunk, sizeof chunk);
  uint8_t *more = length > 0 ? realloc(client->bytes, client->length + (size_t)length) : NULL;
  if (more == NULL)
    return false;
  client->bytes = more;
  for (ssize_t i = 0; i < length; i++)
    more[client->length++] = chunk[i];
  size_t place = client->begun ? 0 : PREFACE;
  if (!client->begun && (more[0] != 'P' || client->length < PREFACE))
    return more[0] == 'P';
  client->begun = true;
  while (client->length - place >= HEAD) {
    uint32_t size = number(more + place) >> 8;
    if (size > 16384)
      return false;
    if (client->length - place < HEAD + size)
      break;
    take_frame(client, more + place, size);
    place += HEAD + size;
  }
  client->length -= place;
  for (size_t i = 0; place > 0 && i < client->length; i++)
    more[i] = more[place + i];
  return true;
}

static void drop(struct client *client) {
  close(client->file);
  free(client->bytes);
  free(client->streams);
  *client = clients[--client_count];
}

static void say_goodbye(void) {
  for (size_t i = client_count; i-- > 0;) {
    uint8_t bytes[8] = {0};
    put(bytes, clients[i].last);
    if (!clients[i].told)
      send_frame(&clients[i], GOAWAY, 0, 0, bytes, 8);
    clients[i].told = true;
    if (clients[i].count == 0)
      drop(&clients[i]);
  }
}

static void serve(int listener) {
  while (!leaves || client_count > 0) {
    struct pollfd events[MOST + 1];
    size_t count = client_count;
    for (size_t i = 0; i < count; i++)
      events[i] = (struct pollfd){clients[i].file, POLLIN, 0};
    events[count] = (struct pollfd){leaves ? -1 : listener, POLLIN, 0};
    if (poll(events, count + 1, -1) > 0) {
      for (size_t i = count; i-- > 0;)
        if (events[i].revents && !take_bytes(&clients[i]))
          drop(&clients[i]);
      int file = events[count].revents ? accept(listener, NULL, NULL) : -1;
      if (file >= 0) {
        clients[client_count] = (struct client){.file = file, .window = 65535};
        send_frame(&clients[client_count++], SETTINGS, 0, 0, NULL, 0);
      }
    }
    if (leaves)
      say_goodbye();
  }
}

int main(int argc, char **argv) {
  char *rest = "";
  long port = argc == 3 && strcmp(argv[1], "--port") == 0 ? strtol(argv[2], &rest, 10) : 8000;
  if (argc == 2 || argc > 3 || *rest != '\0' || port < 0 || port > 65535) {
    fprintf(stderr, "usage: server [--port N]\n");
    return 2;
  }
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  const struct sigaction action = {.sa_handler = on_signal};
  signal(SIGPIPE, SIG_IGN);
  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGINT, &action, NULL);
  if (bind(listener, (struct sockaddr *)&address, length) != 0 || listen(listener, 128) != 0) {
    fprintf(stderr, "server: localhost:%ld: %s\n", port, strerror(errno));
    return 1;
  }
  getsockname(listener, (struct sockaddr *)&address, &length);
  printf("listening on http://localhost:%d\n", ntohs(address.sin_port));
  fflush(stdout);
  serve(listener);
  return 0;
}
