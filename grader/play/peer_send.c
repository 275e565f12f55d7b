/* peer_send: see peer_send.h. */
#include "grader/play/peer_send.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/field.h"
#include "common/frame.h"
#include "grader/wire/unread.h"

enum {
  FIELDS = 64,
  BLOCK_SIZE = 64 * 1024,
  DATA_SIZE = 16384,
  LARGEST_FRAGMENT = 16000, /* of a header block, so that padding has room in the frame, too */
  SLOW_MS = 1
};

static void no_memory(struct peer *peer) {
  exchange_fault(peer->exchange, "out of memory");
}

/* --- Bytes ------------------------------------------------------------------------------------ */

static void send_next_octet(uv_timer_t *timer) {
  struct peer *peer = timer->data;
  if (!peer->transport || peer->slow_sent == peer->slow.length) {
    uv_timer_stop(timer);
    return;
  }
  if (unread_bytes(transport_descriptor(peer->transport)) > 0)
    return; /* else the kernel would join the two */
  exchange_extend(peer->exchange);
  if (transport_write(peer->transport, peer->slow.bytes + peer->slow_sent++, 1) != 0)
    peer->exchange->out_of_memory = true;
  peer->bytes_unsent++;
}

static void send_bytes(struct peer *peer, const void *bytes, size_t length) {
  exchange_give(peer->exchange);
  if (!peer->transport)
    return; /* the program has closed: what is missing then is said by the next expectation */
  if (!peer->is_slow) {
    if (transport_write(peer->transport, bytes, length) != 0)
      no_memory(peer);
    peer->bytes_unsent += length;
    return;
  }
  if (buffer_append(&peer->slow, bytes, length) != 0)
    no_memory(peer);
  if (!uv_is_active((uv_handle_t *)&peer->slow_timer))
    uv_timer_start(&peer->slow_timer, send_next_octet, SLOW_MS, SLOW_MS);
}

void peer_send_bytes(struct peer *peer, const void *bytes, size_t length) {
  peer->is_raw = true; /* perhaps half a frame */
  send_bytes(peer, bytes, length);
}

/* How long the line is that the bytes begin with; 0 if they are no text. */
static size_t length_of_line(const char *text, size_t length) {
  for (size_t i = 0; i < length; i++)
    if (text[i] < ' ' || text[i] > '~')
      return text[i] == '\r' ? i : 0;
  return 0;
}

void peer_send_other(struct peer *peer, const void *bytes, size_t length) {
  char note[64];
  size_t line = length_of_line(bytes, length);
  if (line > 0)
    snprintf(note, sizeof note, "the server: \"%.*s\"", (int)line, (const char *)bytes);
  else
    snprintf(note, sizeof note, "the server: %zu bytes, not of a frame", length);
  recording_add_note(&peer->exchange->recording, peer->connection, note);
  peer_send_bytes(peer, bytes, length);
}

void peer_send_slowly(struct peer *peer) {
  peer->is_slow = true;
}

static bool is_sent(void *argument) {
  return !peer_is_sending(argument);
}

void peer_send_quickly(struct peer *peer) {
  exchange_await(peer->exchange, is_sent, peer);
  peer->is_slow = false;
}

void peer_close(struct peer *peer) {
  exchange_touch(peer->exchange);
  if (!peer->transport)
    return;
  peer->closes = true;
  peer_note_close(peer);
  transport_close(peer->transport);
}

void peer_abort(struct peer *peer) {
  exchange_touch(peer->exchange);
  if (!peer->transport)
    return;
  recording_add_note(&peer->exchange->recording, peer->connection,
                     peer->program == FRAME_FROM_CLIENT ? "reset by the server"
                                                        : "reset by the client");
  pcap_close(peer->exchange->pcap, peer->connection,
             peer->program == FRAME_FROM_CLIENT ? FRAME_FROM_SERVER : FRAME_FROM_CLIENT, true);
  transport_free(peer->transport);
  peer->transport = NULL;
}

/* --- Frames ----------------------------------------------------------------------------------- */

static void put_32(uint8_t *bytes, uint32_t value) {
  for (int i = 0; i < 4; i++)
    bytes[i] = (uint8_t)(value >> (24 - 8 * i));
}

static void send_frame(struct peer *peer, uint8_t type, uint8_t flags, int32_t stream_id,
                       const void *payload, size_t length) {
  uint8_t header[FRAME_HEADER_LENGTH];
  put_32(header, (uint32_t)length << 8 | type);
  header[4] = flags;
  put_32(header + 5, (uint32_t)stream_id);
  send_bytes(peer, header, sizeof header);
  if (length > 0)
    send_bytes(peer, payload, length);
}

/* In a payload that means nothing: a frame that nobody sends, for programs that look for bytes and
 * not for frames. Returns its length. */
static size_t make_decoy(struct chance *chance, uint8_t *payload) {
  static const struct {
    uint8_t type, flags, length;
  } frames[] = {{NGHTTP2_PING, 0, 8},
                {NGHTTP2_PING, NGHTTP2_FLAG_ACK, 8},
                {NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0},
                {NGHTTP2_SETTINGS, 0, 6},
                {NGHTTP2_GOAWAY, 0, 8}};
  size_t which = chance_next(chance) % (sizeof frames / sizeof frames[0]);
  const uint8_t header[FRAME_HEADER_LENGTH] = {0, 0, frames[which].length, frames[which].type,
                                               frames[which].flags};
  memcpy(payload, header, sizeof header);
  for (size_t i = 0; i < frames[which].length; i++)
    payload[sizeof header + i] = (uint8_t)chance_next(chance);
  return sizeof header + frames[which].length;
}

void peer_make_noise(struct peer *peer, uint8_t next_type) {
  enum { ONE_IN = 2, RANDOM_IN = 8, FIRST_TYPE = 0x40, TYPES = 0x80, LONGEST = 24 };
  struct chance *chance = &peer->exchange->noise;
  uint8_t payload[LONGEST];
  if (!peer->settings_sent || peer->is_slow || peer->is_raw || next_type == NGHTTP2_CONTINUATION ||
      chance_next(chance) % ONE_IN != 0)
    return;
  uint8_t type = (uint8_t)(FIRST_TYPE + chance_next(chance) % TYPES);
  size_t length = chance_next(chance) % sizeof payload;
  for (size_t i = 0; i < length; i++)
    payload[i] = (uint8_t)chance_next(chance);
  if (chance_next(chance) % RANDOM_IN != 0)
    length = make_decoy(chance, payload);
  send_frame(peer, type, (uint8_t)chance_next(chance), 0, payload, length);
}

void peer_send_frame(struct peer *peer, uint8_t type, uint8_t flags, int32_t stream_id,
                     const void *payload, size_t length) {
  peer_make_noise(peer, type);
  send_frame(peer, type, flags, stream_id, payload, length);
}

void peer_send_settings(struct peer *peer, const nghttp2_settings_entry *entries, size_t count) {
  uint8_t payload[6 * 16];
  size_t length = 0;
  for (size_t i = 0; i < count && length < sizeof payload; i++, length += 6) {
    payload[length] = (uint8_t)(entries[i].settings_id >> 8);
    payload[length + 1] = (uint8_t)entries[i].settings_id;
    put_32(payload + length + 2, entries[i].value);
  }
  peer_send_frame(peer, NGHTTP2_SETTINGS, 0, 0, payload, length);
  peer->settings_sent = true;
  if (peer->settings_ack_due && !peer->hold_settings_ack) {
    peer->settings_ack_due = false;
    peer_send_settings_ack(peer);
  }
  peer_send_ping_ack(peer);
}

void peer_send_ping_ack(struct peer *peer) {
  if (peer->ping_ack_due)
    peer_send_frame(peer, NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, peer->ping_octets,
                    sizeof peer->ping_octets);
  peer->ping_ack_due = false;
}

void peer_send_settings_ack(struct peer *peer) {
  peer_send_frame(peer, NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0, NULL, 0);
}

void peer_send_ping(struct peer *peer, const uint8_t *octets) {
  peer_send_frame(peer, NGHTTP2_PING, 0, 0, octets, 8);
}

void peer_send_goaway(struct peer *peer, int32_t last_stream_id, uint32_t error_code) {
  uint8_t payload[8];
  put_32(payload, (uint32_t)last_stream_id);
  put_32(payload + 4, error_code);
  peer_send_frame(peer, NGHTTP2_GOAWAY, 0, 0, payload, sizeof payload);
  peer->goaway_sent = true;
}

void peer_send_reset(struct peer *peer, int32_t stream_id, uint32_t error_code) {
  uint8_t payload[4];
  put_32(payload, error_code);
  peer_send_frame(peer, NGHTTP2_RST_STREAM, 0, stream_id, payload, sizeof payload);
}

void peer_send_window_update(struct peer *peer, int32_t stream_id, uint32_t increment) {
  uint8_t payload[4];
  put_32(payload, increment);
  peer_send_frame(peer, NGHTTP2_WINDOW_UPDATE, 0, stream_id, payload, sizeof payload);
}

/* Append the header block of these fields, as nghttp2 encodes it. */
static void deflate(struct peer *peer, struct buffer *block, const struct request_field *fields,
                    size_t count) {
  nghttp2_nv nvs[FIELDS];
  uint8_t octets[BLOCK_SIZE];
  for (size_t i = 0; i < count; i++)
    nvs[i] = field_make(fields[i].name, fields[i].value);
  ssize_t length = nghttp2_hd_deflate_hd(peer->deflater, octets, sizeof octets, nvs, count);
  if (length < 0)
    exchange_fault(peer->exchange, nghttp2_strerror((int)length));
  if (buffer_append(block, octets, (size_t)length) != 0)
    no_memory(peer);
}

/* Append the header block of these fields. */
static void encode(struct peer *peer, struct buffer *block, const struct request_field *fields,
                   size_t count) {
  if (!peer->uses_writer) {
    deflate(peer, block, fields, count);
    return;
  }
  hpack_writer_begin(&peer->writer, block);
  for (size_t i = 0; i < count; i++)
    hpack_writer_put(&peer->writer, block, fields[i].name, fields[i].value);
  if (peer->writer.no_memory)
    no_memory(peer);
}

/* The same of name, value, ..., NULL. */
static void encode_list(struct peer *peer, struct buffer *block, va_list arguments) {
  struct request_field fields[FIELDS];
  size_t count = 0;
  const char *name;
  while (count < FIELDS && (name = va_arg(arguments, const char *)))
    fields[count++] = (struct request_field){name, va_arg(arguments, const char *)};
  encode(peer, block, fields, count);
}

void peer_send_padded(struct peer *peer) {
  peer->pads = true;
}

enum { PADDING = 5, PRIORITY = 5 };

/* One frame with this content, HEADERS or DATA, padded if the peer pads. */
static void send_content(struct peer *peer, uint8_t type, uint8_t flags, int32_t stream_id,
                         const void *content, size_t length) {
  static const uint8_t zeros[PADDING];
  struct buffer payload = {0};
  if (!peer->pads) {
    peer_send_frame(peer, type, flags, stream_id, content, length);
    return;
  }
  flags |= NGHTTP2_FLAG_PADDED;
  int result = buffer_append(&payload, (const uint8_t[]){PADDING}, 1);
  if (type == NGHTTP2_HEADERS) {
    flags |= NGHTTP2_FLAG_PRIORITY;
    result |= buffer_append(&payload, zeros, PRIORITY);
  }
  result |= buffer_append(&payload, content, length) | buffer_append(&payload, zeros, PADDING);
  if (result != 0)
    exchange_fault(peer->exchange, "out of memory");
  peer_send_frame(peer, type, flags, stream_id, payload.bytes, payload.length);
  buffer_free(&payload);
}

/* The block in one HEADERS; or in two frames, in which case HEADERS has `first` octets of it. */
static void send_block(struct peer *peer, int32_t stream_id, bool end_stream,
                       const struct buffer *block, size_t first) {
  uint8_t flags = end_stream ? NGHTTP2_FLAG_END_STREAM : 0;
  if (first >= block->length) {
    send_content(peer, NGHTTP2_HEADERS, flags | NGHTTP2_FLAG_END_HEADERS, stream_id, block->bytes,
                 block->length);
    return;
  }
  peer_send_frame(peer, NGHTTP2_HEADERS, flags, stream_id, block->bytes, first);
  peer_send_frame(peer, NGHTTP2_CONTINUATION, NGHTTP2_FLAG_END_HEADERS, stream_id,
                  block->bytes + first, block->length - first);
}

void peer_send_headers(struct peer *peer, int32_t stream_id, int end_stream, ...) {
  struct buffer block = {0};
  va_list arguments;
  va_start(arguments, end_stream);
  encode_list(peer, &block, arguments);
  va_end(arguments);
  send_block(peer, stream_id, end_stream, &block, LARGEST_FRAGMENT);
  buffer_free(&block);
}

void peer_send_headers_in_two(struct peer *peer, int32_t stream_id, int end_stream, ...) {
  struct buffer block = {0};
  va_list arguments;
  va_start(arguments, end_stream);
  encode_list(peer, &block, arguments);
  va_end(arguments);
  send_block(peer, stream_id, end_stream, &block, block.length / 2);
  buffer_free(&block);
}

void peer_send_made(struct peer *peer, int32_t stream_id, bool end_stream,
                    const struct request *request) {
  struct buffer block = {0};
  encode(peer, &block, request->fields, request->count);
  send_block(peer, stream_id, end_stream, &block, LARGEST_FRAGMENT);
  buffer_free(&block);
}

void peer_send_data(struct peer *peer, int32_t stream_id, const void *bytes, size_t length,
                    bool end_stream) {
  size_t counted = length + (peer->pads ? 1 + PADDING : 0); /* RFC 9113, section 6.9.1 */
  peer->window -= (int32_t)counted;
  peer_stream(peer, stream_id)->window -= (int32_t)counted;
  send_content(peer, NGHTTP2_DATA, end_stream ? NGHTTP2_FLAG_END_STREAM : 0, stream_id, bytes,
               length);
}

size_t peer_allowance(struct peer *peer, int32_t stream_id, size_t length) {
  int32_t stream = peer_stream(peer, stream_id)->window;
  int32_t window = peer->window < stream ? peer->window : stream;
  size_t piece = length < DATA_SIZE ? length : DATA_SIZE;
  return window <= 0 ? 0 : piece < (size_t)window ? piece : (size_t)window;
}

/* A stream on which there is something to send. */
struct sender {
  struct peer *peer;
  int32_t stream_id;
};

static bool may_send(void *argument) {
  const struct sender *sender = argument;
  return peer_allowance(sender->peer, sender->stream_id, 1) > 0 || !sender->peer->transport;
}

void peer_send_body(struct peer *peer, int32_t stream_id, const void *bytes, size_t length) {
  struct sender sender = {peer, stream_id};
  const uint8_t *next = bytes;
  do {
    if (length > 0 && !exchange_await(peer->exchange, may_send, &sender))
      exchange_fail_at(peer->exchange, -1, "WINDOW_UPDATE", NULL,
                       "never-opens-flow-control-windows| Your program never opens its "
                       "flow-control windows again.");
    if (!peer->transport)
      return;
    size_t piece = peer_allowance(peer, stream_id, length);
    peer_send_data(peer, stream_id, next, piece, piece == length);
    next += piece;
    length -= piece;
  } while (length > 0);
}

size_t peer_add_settings(struct peer *peer, nghttp2_settings_entry *entries, size_t count) {
  struct exchange *exchange = peer->exchange;
  const nghttp2_settings_entry more[] = {
      {NGHTTP2_SETTINGS_HEADER_TABLE_SIZE, NGHTTP2_DEFAULT_HEADER_TABLE_SIZE},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, 65536 + exchange_random(exchange, 1 << 20)},
      {0xf000 + (int32_t)exchange_random(exchange, 0xfff), exchange_random(exchange, 1 << 20)},
  };
  for (size_t i = 0; i < PEER_MORE_SETTINGS; i++)
    if (exchange_random(exchange, 2) == 0)
      entries[count++] = more[i];
  return count;
}

void peer_send_preface(struct peer *peer, const nghttp2_settings_entry *entries, size_t count) {
  nghttp2_settings_entry settings[PEER_MORE_SETTINGS] = {{0}};
  send_bytes(peer, NGHTTP2_CLIENT_MAGIC, NGHTTP2_CLIENT_MAGIC_LEN);
  if (count > 0)
    peer_send_settings(peer, entries, count);
  else
    peer_send_settings(peer, settings, peer_add_settings(peer, settings, 0));
}

void peer_send_request(struct peer *peer, int32_t stream_id, bool end_stream, const char *method,
                       const char *path) {
  peer_send_request_with(peer, stream_id, end_stream, method, path, NULL, NULL);
}

void peer_send_request_with(struct peer *peer, int32_t stream_id, bool end_stream,
                            const char *method, const char *path, const char *name,
                            const char *value) {
  struct request request;
  if (peer->is_plain)
    request_make_plain(&request, peer->exchange, method, path);
  else
    request_make(&request, peer->exchange, method, path);
  if (name)
    request_add(&request, name, value);
  peer_send_made(peer, stream_id, end_stream, &request);
}

void peer_send_connect(struct peer *peer, int32_t stream_id) {
  char authority[32];
  snprintf(authority, sizeof authority, "localhost:%d", peer->exchange->port);
  peer_send_headers(peer, stream_id, true, ":method", "CONNECT", ":authority", authority, NULL);
}
