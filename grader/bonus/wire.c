/* wire: see wire.h. */
#include "grader/bonus/wire.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/field.h"
#include "common/inner/big_endian.h"
#include "common/url.h"

enum { DEADLINE_MS = 8000, SHORT_DEADLINE_MS = 2000, TABLE_SIZE = 4096, OPAQUE = 8 };

uint64_t wire_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

int wire_time_left(uint64_t since) {
  static uint64_t deadline = DEADLINE_MS;
  uint64_t passed = wire_now() - since;
  if (passed < deadline)
    return (int)(deadline - passed);
  deadline = SHORT_DEADLINE_MS;
  return 0;
}

/* --- Frames of the program -------------------------------------------------------------------- */

static bool keep(struct wire *wire, const struct frame *frame) {
  if (wire->count == wire->room) {
    size_t room = wire->room ? 2 * wire->room : 64;
    struct wire_entry *entries = realloc(wire->entries, room * sizeof *entries);
    if (!entries)
      return false;
    wire->entries = entries;
    wire->room = room;
  }
  wire->entries[wire->count] = (struct wire_entry){frame_copy(frame), wire_now()};
  return wire->entries[wire->count++].frame;
}

static void on_frame(const struct frame *frame, void *user) {
  struct wire *wire = user;
  bool is_ack = frame->flags & NGHTTP2_FLAG_ACK;
  if (!keep(wire, frame))
    abort(); /* no memory */
  if (wire->is_silent)
    return;
  if (frame->type == NGHTTP2_SETTINGS && !is_ack)
    wire_send(wire, NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0, NULL, 0);
  if (frame->type == NGHTTP2_PING && !is_ack && !wire->holds_pings)
    wire_send(wire, NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, frame->data, frame->data_length);
}

bool wire_read(struct wire *wire, int ms) {
  uint8_t bytes[16384];
  struct pollfd event = {.fd = wire->descriptor, .events = POLLIN};
  if (wire->closed || ms < 0 || poll(&event, 1, ms) <= 0)
    return false;
  ssize_t length = recv(wire->descriptor, bytes, sizeof bytes, 0);
  if (length <= 0) {
    wire->closed = true;
    wire->ends = wire_now();
    return false;
  }
  frame_decoder_feed(wire->decoder, wire->is_server ? FRAME_FROM_CLIENT : FRAME_FROM_SERVER, bytes,
                     (size_t)length);
  return true;
}

long wire_find(const struct wire *wire, unsigned type, int32_t stream_id, size_t from) {
  for (size_t i = from; i < wire->count; i++)
    if (wire->entries[i].frame->type == type &&
        (stream_id == WIRE_ANY || wire->entries[i].frame->stream_id == stream_id))
      return (long)i;
  return -1;
}

long wire_expect(struct wire *wire, unsigned type, int32_t stream_id, size_t from) {
  uint64_t since = wire_now();
  long found;
  while ((found = wire_find(wire, type, stream_id, from)) < 0 &&
         wire_read(wire, wire_time_left(since)))
    ;
  return found;
}

/* The frame that ends the stream, or -1. */
static long find_end(const struct wire *wire, int32_t stream_id) {
  for (size_t i = 0; i < wire->count; i++) {
    const struct frame *frame = wire->entries[i].frame;
    bool ends = (frame->type == NGHTTP2_HEADERS || frame->type == NGHTTP2_DATA) &&
                frame->flags & NGHTTP2_FLAG_END_STREAM;
    if (frame->stream_id == stream_id && (ends || frame->type == NGHTTP2_RST_STREAM))
      return (long)i;
  }
  return -1;
}

bool wire_expect_end(struct wire *wire, int32_t stream_id) {
  uint64_t since = wire_now();
  while (find_end(wire, stream_id) < 0 && wire_read(wire, wire_time_left(since)))
    ;
  long end = find_end(wire, stream_id);
  return end >= 0 && wire->entries[end].frame->type != NGHTTP2_RST_STREAM;
}

size_t wire_count(const struct wire *wire, unsigned type, int32_t stream_id) {
  size_t count = 0;
  for (long at = -1; (at = wire_find(wire, type, stream_id, (size_t)(at + 1))) >= 0;)
    count++;
  return count;
}

bool wire_settle(struct wire *wire) {
  for (int i = 0; i < 2; i++) {
    size_t from = wire->count;
    uint8_t number[OPAQUE] = {'s', 'e', 't', 't', 'l', 'e', 0, (uint8_t)i};
    wire_send(wire, NGHTTP2_PING, 0, 0, number, sizeof number);
    long answer;
    do {
      answer = wire_expect(wire, NGHTTP2_PING, 0, from);
      from = (size_t)answer + 1;
    } while (answer >= 0 && !(wire->entries[answer].frame->flags & NGHTTP2_FLAG_ACK));
    if (answer < 0)
      return false;
  }
  return true;
}

bool wire_expect_close(struct wire *wire) {
  uint64_t since = wire_now();
  while (wire_read(wire, wire_time_left(since)))
    ;
  return wire->closed;
}

/* One frame in words. */
static void describe(const struct frame *frame, char *text, size_t size) {
  const char *name = frame_type_name(frame->type);
  const char *error = frame_error_name(frame->error_code);
  const struct frame_field *status = frame_find_field(frame, ":status");
  bool ends = frame->type <= NGHTTP2_HEADERS && frame->flags & NGHTTP2_FLAG_END_STREAM;
  int length = snprintf(text, size, "%s", name ? name : "a frame of an unknown type");
  if (status)
    length += snprintf(text + length, size - (size_t)length, " %.*s", (int)status->value_length,
                       (const char *)status->value);
  if (frame->type == NGHTTP2_GOAWAY)
    snprintf(text + length, size - (size_t)length, "(%s, last stream %d)", error ? error : "?",
             frame->last_stream_id);
  else if (frame->type == NGHTTP2_RST_STREAM)
    snprintf(text + length, size - (size_t)length, "(%s)", error ? error : "?");
  else if (ends)
    snprintf(text + length, size - (size_t)length, " with END_STREAM");
}

const char *wire_words(const struct wire *wire, int32_t stream_id, size_t from) {
  static char words[400];
  *words = '\0';
  for (size_t i = from; i < wire->count; i++) {
    const struct frame *frame = wire->entries[i].frame;
    char text[80];
    bool is_handshake = frame->type == NGHTTP2_SETTINGS || frame->type == NGHTTP2_PING;
    if ((stream_id != WIRE_ANY && frame->stream_id != stream_id) || is_handshake)
      continue;
    describe(frame, text, sizeof text);
    if (*words)
      strncat(words, ", ", sizeof words - strlen(words) - 1);
    strncat(words, text, sizeof words - strlen(words) - 1);
  }
  if (wire->closed && stream_id == WIRE_ANY)
    strncat(words, *words ? ", then the end" : "the end", sizeof words - strlen(words) - 1);
  return *words ? words : "no frame";
}

/* --- Sending ---------------------------------------------------------------------------------- */

static void send_bytes(struct wire *wire, const void *bytes, size_t length) {
  for (size_t sent = 0; sent < length;) {
    ssize_t taken = send(wire->descriptor, (const char *)bytes + sent, length - sent, MSG_NOSIGNAL);
    if (taken <= 0)
      return; /* it is gone: wire_read will notice */
    sent += (size_t)taken;
  }
}

void wire_send(struct wire *wire, uint8_t type, uint8_t flags, int32_t stream_id, const void *bytes,
               size_t length) {
  uint8_t *frame = malloc(FRAME_HEADER_LENGTH + length);
  if (!frame)
    abort();
  big_endian_write(frame, 3, (uint32_t)length);
  frame[3] = type;
  frame[4] = flags;
  big_endian_write(frame + 5, 4, (uint32_t)stream_id);
  if (length > 0)
    memcpy(frame + FRAME_HEADER_LENGTH, bytes, length);
  send_bytes(wire, frame, FRAME_HEADER_LENGTH + length);
  free(frame);
}

size_t wire_compress(struct wire *wire, const nghttp2_nv *fields, size_t count, uint8_t *bytes,
                     size_t size) {
  ssize_t length = nghttp2_hd_deflate_hd(wire->deflater, bytes, size, fields, count);
  if (length < 0)
    abort();
  return (size_t)length;
}

void wire_send_fields(struct wire *wire, uint8_t flags, int32_t stream_id, const nghttp2_nv *fields,
                      size_t count) {
  uint8_t block[4096];
  size_t length = wire_compress(wire, fields, count, block, sizeof block);
  wire_send(wire, NGHTTP2_HEADERS, (uint8_t)(flags | NGHTTP2_FLAG_END_HEADERS), stream_id, block,
            length);
}

void wire_request(struct wire *wire, int32_t stream_id, const char *method, const char *path) {
  const nghttp2_nv fields[] = {field_make(":method", method), field_make(":scheme", "http"),
                               field_make(":authority", "localhost"), field_make(":path", path)};
  wire_send_fields(wire, NGHTTP2_FLAG_END_STREAM, stream_id, fields, 4);
}

void wire_reset(struct wire *wire, int32_t stream_id, uint32_t error_code) {
  uint8_t code[4];
  big_endian_write(code, sizeof code, error_code);
  wire_send(wire, NGHTTP2_RST_STREAM, 0, stream_id, code, sizeof code);
}

/* --- Connections ------------------------------------------------------------------------------ */

static struct wire *wire_new(int descriptor, bool is_server) {
  const struct timeval patience = {.tv_sec = DEADLINE_MS / 1000};
  struct wire *wire = calloc(1, sizeof *wire);
  if (!wire)
    abort();
  setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  wire->descriptor = descriptor;
  wire->is_server = is_server;
  wire->decoder = frame_decoder_new(on_frame, wire);
  if (!wire->decoder || nghttp2_hd_deflate_new(&wire->deflater, TABLE_SIZE) != 0)
    abort();
  return wire;
}

int wire_listen(int *port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (listener < 0 || bind(listener, (struct sockaddr *)&address, length) != 0 ||
      listen(listener, 8) != 0 || getsockname(listener, (struct sockaddr *)&address, &length) != 0)
    return -1;
  *port = ntohs(address.sin_port);
  return listener;
}

struct wire *wire_accept(int listener) {
  struct pollfd event = {.fd = listener, .events = POLLIN};
  int descriptor =
      poll(&event, 1, DEADLINE_MS) == 1 ? accept4(listener, NULL, NULL, SOCK_CLOEXEC) : -1;
  if (descriptor < 0)
    return NULL;
  struct wire *wire = wire_new(descriptor, true);
  wire_send(wire, NGHTTP2_SETTINGS, 0, 0, NULL, 0);
  return wire;
}

static int connect_to(const struct url *url) {
  const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
  struct addrinfo *addresses;
  int descriptor = -1;
  if (getaddrinfo(url->host, url->port, &hints, &addresses) != 0)
    return -1;
  for (struct addrinfo *at = addresses; at && descriptor < 0; at = at->ai_next) {
    descriptor = socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC, at->ai_protocol);
    if (descriptor >= 0 && connect(descriptor, at->ai_addr, at->ai_addrlen) != 0) {
      close(descriptor);
      descriptor = -1;
    }
  }
  freeaddrinfo(addresses);
  return descriptor;
}

struct wire *wire_connect(const char *address, bool silent) {
  struct url url;
  if (url_parse(&url, address) != 0)
    return NULL;
  int descriptor = connect_to(&url);
  url_free(&url);
  if (descriptor < 0)
    return NULL;
  struct wire *wire = wire_new(descriptor, false);
  wire->is_silent = silent;
  if (!silent) {
    send_bytes(wire, NGHTTP2_CLIENT_MAGIC, NGHTTP2_CLIENT_MAGIC_LEN);
    wire_send(wire, NGHTTP2_SETTINGS, 0, 0, NULL, 0);
  }
  return wire;
}

void wire_free(struct wire *wire) {
  if (!wire)
    return;
  close(wire->descriptor);
  frame_decoder_free(wire->decoder);
  nghttp2_hd_deflate_del(wire->deflater);
  for (size_t i = 0; i < wire->count; i++)
    free(wire->entries[i].frame);
  free(wire->entries);
  free(wire);
}
