/* peer_receive: see peer_receive.h. */
#include "grader/play/peer_receive.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/listener.h"
#include "common/tls.h"
#include "grader/play/peer_send.h"

/* --- What the program sends ------------------------------------------------------------------- */

/* The window of all streams begins with this size. */
static void change_window(struct peer *peer, int32_t size) {
  int32_t change = size - peer->initial_window;
  peer->initial_window = size;
  for (size_t s = 0; s < PEER_STREAMS; s++)
    peer->streams[s].window += change;
}

/* The program's HPACK decoder allows a table of this size; the grader never uses more than the
 * default. */
static void change_table_size(struct peer *peer, uint32_t size) {
  size_t allowed = size < HPACK_TABLE_SIZE ? size : HPACK_TABLE_SIZE;
  peer->writer.allowed = allowed;
  if (nghttp2_hd_deflate_change_table_size(peer->deflater, allowed) != 0)
    peer->exchange->out_of_memory = true;
}

static void on_settings(struct peer *peer, const struct frame *frame) {
  if (frame->flags & NGHTTP2_FLAG_ACK) {
    peer->settings_acknowledged = true;
    peer->acknowledged_at = peer_last_entry(peer);
    return;
  }
  peer->settings_received = true;
  for (size_t i = 0; i < frame->setting_count; i++) {
    uint32_t value = frame->settings[i].value;
    if (frame->settings[i].id == NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE)
      change_window(peer, (int32_t)value);
    if (frame->settings[i].id == NGHTTP2_SETTINGS_HEADER_TABLE_SIZE)
      change_table_size(peer, value);
  }
  if (!peer->hold_settings_ack && peer->settings_sent)
    peer_send_settings_ack(peer);
  else
    peer->settings_ack_due = true;
}

/* After an informational response comes another; after the final one only trailers. */
static void begin_header_block(struct peer_stream *stream) {
  static const char informational[] = ":status: 1";
  bool first = !stream->headers_complete ||
               strncmp(stream->fields.bytes, informational, strlen(informational)) == 0;
  stream->in_trailers = !first;
  if (first)
    buffer_clear(&stream->fields);
}

static void end_stream(const struct peer *peer, struct peer_stream *stream) {
  if (!stream->ended)
    stream->over_at = peer_last_entry(peer);
  stream->ended = true;
}

/* HEADERS, or CONTINUATION, which belongs to the HEADERS before it. */
static void on_header_block(struct peer *peer, const struct frame *frame) {
  struct peer_stream *stream = peer_find_stream(peer, frame->stream_id);
  if (!stream)
    return;
  if (!stream->opened)
    stream->frame = peer_last_entry(peer);
  stream->opened = true;
  if (frame->type == NGHTTP2_HEADERS)
    begin_header_block(stream);
  for (size_t i = 0; i < frame->field_count && !stream->in_trailers; i++) {
    const struct frame_field *field = &frame->fields[i];
    buffer_append(&stream->fields, field->name, field->name_length);
    buffer_append_text(&stream->fields, ": ");
    buffer_append(&stream->fields, field->value, field->value_length);
    buffer_append_text(&stream->fields, "\n");
  }
  if (frame->type == NGHTTP2_HEADERS && frame->flags & NGHTTP2_FLAG_END_STREAM)
    stream->end_stream_pending = true;
  if (!(frame->flags & NGHTTP2_FLAG_END_HEADERS))
    return;
  if (!stream->headers_complete)
    stream->complete_at = peer_last_entry(peer);
  stream->headers_complete = true;
  if (stream->end_stream_pending)
    end_stream(peer, stream);
}

static void on_data_frame(struct peer *peer, const struct frame *frame) {
  struct peer_stream *stream = peer_find_stream(peer, frame->stream_id);
  if (!stream)
    return;
  buffer_append(&stream->body, frame->data, frame->data_length);
  stream->counted += frame->length;
  if (frame->flags & NGHTTP2_FLAG_END_STREAM)
    end_stream(peer, stream);
  if (peer->hold_windows || frame->length == 0)
    return;
  peer_send_window_update(peer, 0, (uint32_t)frame->length);
  if (!stream->ended)
    peer_send_window_update(peer, frame->stream_id, (uint32_t)frame->length);
}

static void on_window_update(struct peer *peer, const struct frame *frame) {
  struct peer_stream *stream = peer_find_stream(peer, frame->stream_id);
  if (frame->stream_id == 0)
    peer->window += (int32_t)frame->window_increment;
  else if (stream)
    stream->window += (int32_t)frame->window_increment;
}

static void on_rst_stream(struct peer *peer, const struct frame *frame) {
  struct peer_stream *stream = peer_find_stream(peer, frame->stream_id);
  if (!stream)
    return;
  stream->reset = true;
  stream->over_at = peer_last_entry(peer);
  stream->error_code = frame->error_code;
}

static void on_ping(struct peer *peer, const struct frame *frame) {
  if (frame->data_length != sizeof peer->ping_octets)
    return;
  if (frame->flags & NGHTTP2_FLAG_ACK) {
    peer->pings_answered++;
    return;
  }
  memcpy(peer->ping_octets, frame->data, sizeof peer->ping_octets);
  peer->ping_ack_due = true;
  if (peer->settings_sent)
    peer_send_ping_ack(peer);
}

/* Called for every frame in both directions. */
static void on_frame(const struct frame *frame, void *user) {
  struct peer *peer = user;
  if (!peer->is_reference &&
      recording_add_frame(&peer->exchange->recording, peer->connection, frame) < 0)
    peer->exchange->out_of_memory = true;
  if (!peer->is_reference && legal_look(&peer->legal, peer->program, frame))
    peer->illegal_at = peer_last_entry(peer);
  if (frame->sender != peer->program || frame->error)
    return;
  peer->frames_received++;
  switch (frame->type) {
  case NGHTTP2_GOAWAY:
    peer->protocol_error = peer->protocol_error || frame->error_code == NGHTTP2_PROTOCOL_ERROR;
    break;
  case NGHTTP2_SETTINGS: on_settings(peer, frame); break;
  case NGHTTP2_HEADERS:
  case NGHTTP2_CONTINUATION: on_header_block(peer, frame); break;
  case NGHTTP2_DATA: on_data_frame(peer, frame); break;
  case NGHTTP2_WINDOW_UPDATE: on_window_update(peer, frame); break;
  case NGHTTP2_RST_STREAM: on_rst_stream(peer, frame); break;
  case NGHTTP2_PING: on_ping(peer, frame); break;
  default: break;
  }
  /* A client may go before it has read everything: then the kernel would say that it was reset. */
  if (peer->program == FRAME_FROM_SERVER && frame->type != NGHTTP2_GOAWAY)
    peer_make_noise(peer, frame->type);
}

/* --- The transport ---------------------------------------------------------------------------- */

static void on_bytes(bool sent, const void *data, size_t length, void *user) {
  struct peer *peer = user;
  if (sent)
    exchange_touch(peer->exchange);
  else
    peer->bytes_received += length;
  enum frame_sender sender = sent ? peer_own_side(peer) : peer->program;
  if (!peer->is_reference && !peer->wire.watching)
    pcap_bytes(peer->exchange->pcap, peer->connection, sender, data, length);
  if (frame_decoder_feed(peer->decoder, sender, data, length) != 0)
    peer->exchange->out_of_memory = true;
  if (sent) {
    peer->bytes_unsent -= length < peer->bytes_unsent ? length : peer->bytes_unsent;
    peer_note_close(peer);
  }
}

/* Where an SSL keeps the exchange that it belongs to. */
static int exchange_index(void) {
  static int index = -1;
  if (index < 0)
    index = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
  return index;
}

/* Let the program go on until it has to wait for us; but a program that spins never does. Otherwise
 * chance would decide whether OpenSSL asks it to wait: a program that cannot must always fail. */
static void let_it_wait(const struct exchange *exchange) {
  enum { TRIES = 50 };
  for (int i = 0; i < TRIES && exchange->program && !program_waits(exchange->program); i++)
    uv_sleep(1);
}

/* The handshake according to OpenSSL. The check says what else it requires of the program. */
static enum tls_step handshake(SSL *ssl, char *error, size_t error_size) {
  struct exchange *exchange = SSL_get_ex_data(ssl, exchange_index());
  exchange_touch(exchange); /* the program is told something, mostly */
  let_it_wait(exchange);
  wire_watch(ssl);
  return tls_handshake_any(ssl, error, error_size);
}

static void note(const char *text, void *user) {
  struct peer *peer = user;
  if (!peer->is_reference)
    recording_add_note(&peer->exchange->recording, peer->connection, text);
}

static void on_open(struct transport *transport, void *user) {
  struct peer *peer = user;
  const SSL *ssl = transport_tls(transport);
  peer->connected = true;
  if (!peer->is_reference)
    pcap_open(peer->exchange->pcap, peer->connection, false);
  if (ssl)
    note(SSL_version(ssl) == TLS1_3_VERSION ? "TLS 1.3" : "TLS 1.2", peer);
}

static void on_data(struct transport *transport, const uint8_t *data, size_t length, void *user) {
  (void)transport; /* on_bytes has seen them already */
  (void)data;
  (void)length;
  (void)user;
}

static void on_close(struct transport *transport, const char *error, void *user) {
  static const char closed[] = "closed by the peer";
  struct peer *peer = user;
  (void)transport;
  peer->transport = NULL;
  wire_end(&peer->wire);
  bool fin = !error || strncmp(error, closed, strlen(closed)) == 0;
  if (!peer->is_reference)
    pcap_close(peer->exchange->pcap, peer->connection, error ? peer->program : peer_own_side(peer),
               !fin);
  if (!error) /* peer_close has said so */
    return;
  peer->closed_by_program = true;
  snprintf(peer->error, sizeof peer->error, "%s", error);
  char text[sizeof peer->error] = "the grader stopped the program";
  if (!peer->exchange->stopping && strncmp(error, "TLS: ", 5) == 0)
    snprintf(text, sizeof text, "%s", error);
  else if (!peer->exchange->stopping)
    snprintf(text, sizeof text, "%s by the %s", fin ? "closed" : "reset",
             peer->program == FRAME_FROM_CLIENT ? "client" : "server");
  note(text, peer);
}

static const struct transport_events events = {
    .on_open = on_open, .on_data = on_data, .on_close = on_close, .handshake = handshake};

/* A peer without a transport. */
static struct peer *peer_new(struct exchange *exchange, enum frame_sender program) {
  struct peer *peer = calloc(1, sizeof *peer);
  if (!peer)
    return NULL;
  peer->exchange = exchange;
  peer->program = program;
  peer->window = peer->initial_window = NGHTTP2_INITIAL_WINDOW_SIZE;
  for (size_t i = 0; i < PEER_STREAMS; i++)
    peer->streams[i].window = peer->initial_window;
  peer->decoder = frame_decoder_new(on_frame, peer);
  if (!peer->decoder ||
      nghttp2_hd_deflate_new(&peer->deflater, NGHTTP2_DEFAULT_HEADER_TABLE_SIZE) != 0 ||
      hpack_writer_init(&peer->writer, &exchange->requests) != 0) {
    nghttp2_hd_deflate_del(peer->deflater);
    frame_decoder_free(peer->decoder);
    free(peer);
    return NULL;
  }
  peer->uses_writer = chance_next(&exchange->requests) % 2 == 0;
  uv_timer_init(&exchange->loop, &peer->slow_timer);
  peer->slow_timer.data = peer;
  return peer;
}

static void free_memory(uv_handle_t *slow_timer) {
  struct peer *peer = slow_timer->data;
  for (size_t i = 0; i < PEER_STREAMS; i++) {
    buffer_free(&peer->streams[i].fields);
    buffer_free(&peer->streams[i].body);
  }
  nghttp2_hd_deflate_del(peer->deflater);
  hpack_writer_free(&peer->writer);
  frame_decoder_free(peer->decoder);
  buffer_free(&peer->value);
  buffer_free(&peer->slow);
  wire_end(&peer->wire);
  free(peer);
}

static void free_peer(struct peer *peer) {
  transport_free(peer->transport);
  peer->transport = NULL;
  uv_close((uv_handle_t *)&peer->slow_timer, free_memory);
}

/* Watch the bytes that pass and the steps of the handshake. For TLS, capture the bytes below it. */
static void set_transport(struct peer *peer, struct transport *transport) {
  SSL *ssl = transport_tls(transport);
  peer->transport = transport;
  transport_observe(transport, on_bytes, peer);
  if (ssl && SSL_set_ex_data(ssl, exchange_index(), peer->exchange) != 1)
    peer->exchange->out_of_memory = true;
  peer->wire = (struct wire){
      .pcap = peer->exchange->pcap, .connection = peer->connection, .own = peer_own_side(peer)};
  if (ssl && peer->wire.pcap && !peer->is_reference)
    wire_begin(&peer->wire, ssl);
  peer->notes = (struct tls_notes){peer_own_side(peer) == FRAME_FROM_CLIENT, note, peer};
  if (ssl)
    tls_notes_begin(&peer->notes, ssl);
}

/* Take over a transport that the program has opened. NULL when there is no memory. */
static struct peer *take(struct exchange *exchange, struct transport *transport) {
  struct peer *peer = peer_new(exchange, FRAME_FROM_CLIENT);
  if (!peer)
    return NULL;
  peer->connection = ++exchange->recording.connections;
  set_transport(peer, transport);
  transport_start(transport, &events, peer);
  return peer;
}

/* Begin to connect to that port of localhost. NULL when there is no memory. */
static struct peer *reach(struct exchange *exchange, int port, bool is_reference) {
  char service[16];
  struct peer *peer = peer_new(exchange, FRAME_FROM_SERVER);
  if (!peer)
    return NULL;
  snprintf(service, sizeof service, "%d", port);
  peer->is_reference = is_reference;
  if (!is_reference)
    peer->connection = ++exchange->recording.connections;
  exchange_touch(exchange);
  peer->transport = transport_connect(&exchange->loop, "localhost", service,
                                      is_reference ? NULL : exchange->tls, &events, peer);
  if (!peer->transport) {
    free_peer(peer);
    return NULL;
  }
  set_transport(peer, peer->transport);
  return peer;
}

/* --- The exchange's peers --------------------------------------------------------------------- */

/* While bytes are on their way to the program, it is not quiet. */
static bool is_any_sending(const struct exchange *exchange) {
  for (size_t i = 0; i < exchange->peer_count; i++)
    if (peer_is_sending(exchange->peers[i]))
      return true;
  return false;
}

static void keep(struct exchange *exchange, struct peer *peer) {
  exchange->peers[exchange->peer_count++] = peer;
  exchange->is_sending = is_any_sending;
}

static void on_accept(struct transport *transport, void *user) {
  struct exchange *exchange = user;
  struct peer *peer = NULL;
  if (exchange->holds && !exchange->held) {
    exchange->held = transport;
    return;
  }
  if (exchange->peer_count < EXCHANGE_PEERS)
    peer = take(exchange, transport);
  if (peer)
    keep(exchange, peer);
  else
    transport_free(transport);
}

void peer_take_held(struct exchange *exchange) {
  struct transport *held = exchange->held;
  exchange->holds = false;
  exchange->held = NULL;
  if (held)
    on_accept(held, exchange);
}

/* Listen on this host. Returns 0; or says why not, and returns -1. */
static int listen_on(struct exchange *exchange, const char *host, char *error, size_t error_size) {
  bool six = strchr(host, ':') != NULL; /* an IPv6 address, which has brackets in a URL */
  exchange->listener = listener_open(&exchange->loop, host, 0, exchange->tls, on_accept, exchange,
                                     error, error_size);
  if (!exchange->listener)
    return -1;
  snprintf(exchange->url, sizeof exchange->url, "%s://%s%s%s:%d", exchange_scheme(exchange),
           six ? "[" : "", host, six ? "]" : "", listener_port(exchange->listener));
  return 0;
}

void peer_listen(struct exchange *exchange) {
  char error[256];
  listener_free(exchange->listener); /* of an earlier call */
  const char *host = exchange_host(exchange);
  if (listen_on(exchange, host, error, sizeof error) == 0 ||
      (strcmp(host, "::1") == 0 && listen_on(exchange, "127.0.0.1", error, sizeof error) == 0))
    return;
  exchange_fault(exchange, error);
}

struct peer *peer_begin_to_connect_to(struct exchange *exchange, int port, bool is_reference) {
  struct peer *peer = NULL;
  if (exchange->peer_count < EXCHANGE_PEERS)
    peer = reach(exchange, port, is_reference);
  if (!peer)
    exchange_fault(exchange, "out of memory");
  keep(exchange, peer);
  return peer;
}

struct peer *peer_begin_to_connect(struct exchange *exchange) {
  return peer_begin_to_connect_to(exchange, exchange->port, false);
}

void peer_free_all(struct exchange *exchange) {
  for (size_t i = 0; i < exchange->peer_count; i++)
    free_peer(exchange->peers[i]);
  exchange->peer_count = 0;
  transport_free(exchange->held);
  exchange->held = NULL;
}
