/* play: see play.h. */
#include "grader/predict/play.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "common/field.h"

/* --- Lines ------------------------------------------------------------------------------------ */

static bool ends_stream(const struct frame *frame) {
  return (frame->type == NGHTTP2_HEADERS || frame->type == NGHTTP2_DATA) &&
         frame->flags & NGHTTP2_FLAG_END_STREAM;
}

static void note_settings(struct play *play, const struct frame *frame) {
  bool server = frame->sender == FRAME_FROM_SERVER;
  for (size_t i = 0; i < frame->setting_count; i++) {
    if (server && frame->settings[i].id == NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS)
      play->max_streams = frame->settings[i].value;
    if (!server && frame->settings[i].id == NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE)
      play->window = frame->settings[i].value;
  }
}

static void note(struct play *play, const struct frame *frame) {
  if (frame->sender == FRAME_FROM_CLIENT)
    play->client_frames++;
  if (frame->type == NGHTTP2_HEADERS && frame->stream_id > 1 && play->second_headers == 0)
    play->second_headers = frame->length;
  if (frame->type == NGHTTP2_HEADERS && frame->sender == FRAME_FROM_CLIENT)
    play->last_headers = frame->length;
  if (frame->type == NGHTTP2_SETTINGS)
    note_settings(play, frame);
  if (frame->sender == FRAME_FROM_SERVER && frame->stream_id > 0 &&
      (frame->type == NGHTTP2_RST_STREAM || ends_stream(frame)))
    play->ended++;
}

static void on_frame(const struct frame *frame, void *user) {
  struct play *play = user;
  char line[128];
  if (frame->type >= FRAME_PREFACE)
    return;
  note(play, frame);
  if (play->quiet || (frame->stream_id == 0 && !play->connection_too))
    return;
  int length = snprintf(
      line, sizeof line, "%c %s %d", frame->sender == FRAME_FROM_CLIENT ? 'c' : 's',
      frame_type_name(frame->type), play->number ? (int32_t)play->number : frame->stream_id);
  char *end = line + length;
  size_t room = sizeof line - (size_t)length;
  bool answers = frame->type == NGHTTP2_SETTINGS || frame->type == NGHTTP2_PING;
  if (frame->type == NGHTTP2_DATA)
    snprintf(end, room, " %zu", frame->data_length);
  else if (frame->type == NGHTTP2_WINDOW_UPDATE)
    snprintf(end, room, " %u", frame->window_increment);
  else if (frame->type == NGHTTP2_GOAWAY && frame->sender == FRAME_FROM_SERVER)
    snprintf(end, room, " %d %s", frame->last_stream_id, frame_error_name(frame->error_code));
  else if (frame->type == NGHTTP2_RST_STREAM || frame->type == NGHTTP2_GOAWAY)
    snprintf(end, room, " %s", frame_error_name(frame->error_code));
  buffer_append_text(&play->lines, line);
  if (ends_stream(frame))
    buffer_append_text(&play->lines, " END_STREAM");
  if (answers && frame->flags & NGHTTP2_FLAG_ACK)
    buffer_append_text(&play->lines, " ACK");
  buffer_append_text(&play->lines, "\n");
}

void play_alert(struct play *play, enum frame_sender sender, const char *name) {
  char words[64] = "";
  char line[128];
  for (size_t i = 0; i < sizeof words - 1 && name[i]; i++)
    words[i] = (char)(name[i] == ' ' ? '_' : toupper((unsigned char)name[i]));
  snprintf(line, sizeof line, "%c ALERT %u %s\n", sender == FRAME_FROM_CLIENT ? 'c' : 's',
           play->number, words);
  buffer_append_text(&play->lines, line);
}

/* --- Sessions --------------------------------------------------------------------------------- */

/* Lab 1's client: it ends the session once both sides' SETTINGS are acknowledged. */
static int on_frame_recv(nghttp2_session *session, const nghttp2_frame *frame, void *user) {
  struct play *play = user;
  if (session != play->client || !play->ends_when_open || frame->hd.type != NGHTTP2_SETTINGS)
    return 0;
  if (frame->hd.flags & NGHTTP2_FLAG_ACK)
    play->settings_acked = true;
  else
    play->settings_seen = true;
  return play->settings_seen && play->settings_acked
             ? nghttp2_session_terminate_session(session, NGHTTP2_NO_ERROR)
             : 0;
}

static ssize_t read_body(nghttp2_session *session, int32_t stream_id, uint8_t *bytes, size_t size,
                         uint32_t *flags, nghttp2_data_source *source, void *user) {
  size_t *left = source->ptr;
  size_t length = *left < size ? *left : size;
  (void)session;
  (void)stream_id;
  (void)user;
  memset(bytes, 'x', length);
  *left -= length;
  if (*left == 0)
    *flags |= NGHTTP2_DATA_FLAG_EOF;
  return (ssize_t)length;
}

int play_begin(struct play *play, const nghttp2_settings_entry *client_settings,
               size_t client_count, const nghttp2_settings_entry *server_settings,
               size_t server_count) {
  nghttp2_session_callbacks *callbacks = NULL;
  nghttp2_option *option = NULL;
  play->decoder = frame_decoder_new(on_frame, play);
  int error = play->decoder ? nghttp2_session_callbacks_new(&callbacks) : NGHTTP2_ERR_NOMEM;
  if (error == 0)
    error = nghttp2_option_new(&option);
  if (error == 0) {
    nghttp2_option_set_no_auto_window_update(option, 1);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame_recv);
    error = nghttp2_session_client_new2(&play->client, callbacks, play, option);
  }
  if (error == 0 && server_settings)
    error = nghttp2_session_server_new2(&play->server, callbacks, play, option);
  nghttp2_session_callbacks_del(callbacks);
  nghttp2_option_del(option);
  if (error == 0)
    error = nghttp2_submit_settings(play->client, 0, client_settings, client_count);
  if (error == 0 && play->server)
    error = nghttp2_submit_settings(play->server, 0, server_settings, server_count);
  if (play->pcap)
    pcap_open(play->pcap, ++play->connection, play->tls);
  return error == 0 ? 0 : -1;
}

/* --- Bytes ------------------------------------------------------------------------------------ */

void play_record(struct play *play, enum frame_sender sender, const uint8_t *bytes, size_t length) {
  frame_decoder_feed(play->decoder, sender, bytes, length);
  if (play->pcap && !play->tls)
    pcap_bytes(play->pcap, play->connection, sender, bytes, length);
}

void play_take(nghttp2_session *session, struct buffer *all) {
  const uint8_t *bytes;
  ssize_t length;
  while (session && (length = nghttp2_session_mem_send(session, &bytes)) > 0)
    buffer_append(all, bytes, (size_t)length);
}

static void deliver(struct play *play, enum frame_sender sender, struct buffer *all) {
  nghttp2_session *other = sender == FRAME_FROM_CLIENT ? play->server : play->client;
  if (all->length > 0)
    play_record(play, sender, (const uint8_t *)all->bytes, all->length);
  if (all->length > 0 && other)
    nghttp2_session_mem_recv(other, (const uint8_t *)all->bytes, all->length);
  buffer_free(all);
}

void play_send(struct play *play, enum frame_sender sender) {
  struct buffer all = {0};
  play_take(sender == FRAME_FROM_CLIENT ? play->client : play->server, &all);
  deliver(play, sender, &all);
}

void play_cross(struct play *play) {
  struct buffer sent[2] = {0};
  play_take(play->client, &sent[FRAME_FROM_CLIENT]);
  play_take(play->server, &sent[FRAME_FROM_SERVER]);
  deliver(play, FRAME_FROM_SERVER, &sent[FRAME_FROM_SERVER]);
  deliver(play, FRAME_FROM_CLIENT, &sent[FRAME_FROM_CLIENT]);
}

void play_turn(struct play *play) {
  do {
    play_send(play, FRAME_FROM_CLIENT);
    play_send(play, FRAME_FROM_SERVER);
  } while (nghttp2_session_want_write(play->client));
}

void play_frame(struct play *play, uint8_t type, uint8_t flags, int32_t stream_id,
                const void *content, size_t length) {
  uint8_t bytes[64] = {0, 0, (uint8_t)length, type, flags, 0, 0, 0, (uint8_t)stream_id};
  memcpy(bytes + FRAME_HEADER_LENGTH, content, length);
  play_send(play, FRAME_FROM_CLIENT);
  play_record(play, FRAME_FROM_SERVER, bytes, FRAME_HEADER_LENGTH + length);
  nghttp2_session_mem_recv(play->client, bytes, FRAME_HEADER_LENGTH + length);
  play_send(play, FRAME_FROM_CLIENT);
}

/* --- Requests --------------------------------------------------------------------------------- */

static nghttp2_data_provider make_body(struct play *play, size_t length) {
  size_t *left = &play->bodies[play->body_count++ % PLAY_BODIES];
  *left = length;
  return (nghttp2_data_provider){.source.ptr = left, .read_callback = read_body};
}

/* Once all is sent it waits, or says that trailers follow. */
static ssize_t read_unended(nghttp2_session *session, int32_t stream_id, uint8_t *bytes,
                            size_t size, uint32_t *flags, nghttp2_data_source *source, void *user) {
  size_t *left = source->ptr;
  if (*left == 0)
    return NGHTTP2_ERR_DEFERRED;
  struct play *play = user;
  ssize_t length = read_body(session, stream_id, bytes, size, flags, source, user);
  if (session == play->server && *flags & NGHTTP2_DATA_FLAG_EOF)
    *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
  else
    *flags &= ~(uint32_t)NGHTTP2_DATA_FLAG_EOF;
  return length;
}

nghttp2_data_provider play_unended_body(struct play *play, size_t length) {
  nghttp2_data_provider provider = make_body(play, length);
  provider.read_callback = read_unended;
  return provider;
}

static int32_t request(struct play *play, const char *method, const char *path,
                       const nghttp2_data_provider *body) {
  const nghttp2_nv fields[] = {field_make(":method", method),
                               field_make(":scheme", play->tls ? "https" : "http"),
                               field_make(":authority", "localhost"), field_make(":path", path)};
  play->requests++;
  return nghttp2_submit_request(play->client, NULL, fields, 4, body, NULL);
}

int32_t play_request(struct play *play, const char *method, size_t body, bool empty_data) {
  nghttp2_data_provider provider = make_body(play, body);
  return request(play, method, "/", body > 0 || empty_data ? &provider : NULL);
}

int32_t play_ask(struct play *play, const char *method, const char *path) {
  return request(play, method, path, NULL);
}

void play_respond(struct play *play, int32_t stream_id, const char *status, size_t body) {
  const nghttp2_nv fields[] = {field_make(":status", status)};
  nghttp2_data_provider provider = make_body(play, body);
  nghttp2_submit_response(play->server, stream_id, fields, 1, body > 0 ? &provider : NULL);
}

void play_data(struct play *play, int32_t stream_id, size_t length, bool last) {
  nghttp2_data_provider body = last ? make_body(play, length) : play_unended_body(play, length);
  nghttp2_submit_data(play->server, last ? NGHTTP2_FLAG_END_STREAM : 0, stream_id, &body);
}

void play_next(struct play *play) {
  if (play->pcap && play->client)
    pcap_close(play->pcap, play->connection, FRAME_FROM_CLIENT, false);
  nghttp2_session_del(play->client);
  nghttp2_session_del(play->server);
  frame_decoder_free(play->decoder);
  play->client = play->server = NULL;
  play->decoder = NULL;
  play->requests = play->ended = 0;
}

void play_end(struct play *play) {
  play_next(play);
  buffer_free(&play->lines);
}
