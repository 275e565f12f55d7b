/* legal_message: see legal_message.h. */
#include "grader/play/legal_message.h"

#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/field.h"

/* The fields that come once at most (RFC 9113, section 8.3; RFC 9110, section 5.3). */
enum { METHOD, SCHEME, AUTHORITY, PATH, STATUS, HOST, LENGTH, TYPE, DATE, ONCE };

static const char *const once[ONCE] = {":method",        ":scheme",      ":authority",
                                       ":path",          ":status",      "host",
                                       "content-length", "content-type", "date"};

static bool has(const struct header_block *block, int which) {
  return block->seen >> which & 1U;
}

static bool is_name(const struct frame_field *field, const char *name) {
  return field_is(field->name, field->name_length, name);
}

static bool is_value(const struct frame_field *field, const char *value) {
  return field_is(field->value, field->value_length, value);
}

/* The message on that stream; NULL if a higher stream has taken its place. */
static struct message *find_message(struct messages *messages, int32_t stream_id) {
  struct message *message = &messages->messages[(size_t)stream_id / 2 % MESSAGE_STREAMS];
  if (message->stream_id > stream_id)
    return NULL;
  if (message->stream_id < stream_id)
    *message = (struct message){.stream_id = stream_id, .expected = -1};
  return message;
}

/* --- One field -------------------------------------------------------------------------------- */

/* RFC 9110, section 5.6.2: a token, here without capital letters. */
static bool is_of_token(uint8_t letter) {
  return (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9') ||
         (letter != '\0' && strchr("!#$%&'*+-.^_`|~", letter) != NULL);
}

static const char *fault_of_name(const struct frame_field *field) {
  size_t first = field->name_length > 0 && field->name[0] == ':' ? 1 : 0;
  if (field->name_length == first)
    return "a field has no name (RFC 9113, section 8.2.1)";
  for (size_t i = first; i < field->name_length; i++) {
    if (field->name[i] >= 'A' && field->name[i] <= 'Z')
      return "a field's name has a capital letter (RFC 9113, section 8.2.1)";
    if (!is_of_token(field->name[i]))
      return "a field's name has a character that names cannot have (RFC 9113, section 8.2.1)";
  }
  return NULL;
}

static bool is_blank(uint8_t letter) {
  return letter == ' ' || letter == '\t';
}

static const char *fault_of_value(const struct frame_field *field) {
  size_t length = field->value_length;
  for (size_t i = 0; i < length; i++)
    if (field->value[i] == '\0' || field->value[i] == '\r' || field->value[i] == '\n')
      return "a field's value has a NUL, CR or LF (RFC 9113, section 8.2.1)";
  if (length > 0 && (is_blank(field->value[0]) || is_blank(field->value[length - 1])))
    return "a field's value begins or ends with a blank (RFC 9113, section 8.2.1)";
  return NULL;
}

/* Which of `once` it is; ONCE if none. */
static int find_once(const struct frame_field *field) {
  int which = 0;
  while (which < ONCE && !is_name(field, once[which]))
    which++;
  return which;
}

static const char *fault_of_pseudo(const struct header_block *block, int which,
                                   enum frame_sender sender) {
  bool is_known = sender == FRAME_FROM_CLIENT ? which <= PATH : which == STATUS;
  if (block->is_trailers)
    return "trailers have no pseudo-header field (RFC 9113, section 8.1)";
  if (!is_known)
    return sender == FRAME_FROM_CLIENT
               ? "requests have no such pseudo-header field (RFC 9113, section 8.3.1)"
               : "responses have no such pseudo-header field (RFC 9113, section 8.3.2)";
  if (block->has_regular)
    return "a pseudo-header field comes after a regular field (RFC 9113, section 8.3)";
  return NULL;
}

static const char *fault_of_regular(const struct frame_field *field) {
  static const char *const forbidden[] = {"connection", "proxy-connection", "keep-alive",
                                          "transfer-encoding", "upgrade"};
  static const char trailers[] = "trailers";
  for (size_t i = 0; i < sizeof forbidden / sizeof forbidden[0]; i++)
    if (is_name(field, forbidden[i]))
      return "HTTP/2 has no field like this one, about the connection (RFC 9113, section 8.2.2)";
  if (is_name(field, "te") &&
      (field->value_length != strlen(trailers) ||
       strncasecmp((const char *)field->value, trailers, strlen(trailers)) != 0))
    return "te may only say \"trailers\" (RFC 9113, section 8.2.2)";
  if (is_name(field, "content-encoding"))
    return "the labs' bodies have no content-encoding (RFC 9110, section 8.4)";
  return NULL;
}

/* The digits of content-length; -1 if it is anything else. */
static int64_t read_length(const struct frame_field *field) {
  enum { MOST_DIGITS = 18 };
  int64_t length = 0;
  if (field->value_length == 0 || field->value_length > MOST_DIGITS)
    return -1;
  for (size_t i = 0; i < field->value_length; i++) {
    if (field->value[i] < '0' || field->value[i] > '9')
      return -1;
    length = length * 10 + (field->value[i] - '0');
  }
  return length;
}

/* Three digits, or -1. */
static int read_status(const struct frame_field *field) {
  return field->value_length == 3 && field->value[0] != '0' ? (int)read_length(field) : -1;
}

static void keep(char *text, const struct frame_field *field) {
  snprintf(text, MESSAGE_HOST, "%.*s", (int)field->value_length, (const char *)field->value);
}

/* RFC 9113, section 8.3.1: "*" is for OPTIONS only, but that is the server's business. */
static bool is_path(const struct frame_field *field) {
  return is_value(field, "*") || (field->value_length > 0 && field->value[0] == '/');
}

/* Note what a field says that comes once at most. */
static const char *note_once(struct header_block *block, int which,
                             const struct frame_field *field) {
  if (which < ONCE && has(block, which))
    return "a field that may come only once comes twice (RFC 9113, section 8.3; RFC 9110, section "
           "5.3)";
  block->seen |= 1U << which;
  switch (which) {
  case METHOD: block->is_connect = is_value(field, "CONNECT"); break;
  case AUTHORITY: keep(block->authority, field); break;
  case HOST: keep(block->host, field); break;
  case STATUS: block->status = read_status(field); break;
  case LENGTH: block->content_length = read_length(field); break;
  default: break;
  }
  if (which == PATH && !is_path(field))
    return ":path does not begin with / (RFC 9113, section 8.3.1)";
  if (which == STATUS && block->status < 0)
    return ":status is not three digits (RFC 9113, section 8.3.2)";
  if (which == LENGTH && block->content_length < 0)
    return "content-length has something else than digits (RFC 9110, section 8.6)";
  return NULL;
}

static const char *judge_field(struct header_block *block, enum frame_sender sender,
                               const struct frame_field *field) {
  int which = find_once(field);
  const char *error = fault_of_name(field);
  if (!error)
    error = fault_of_value(field);
  if (!error && field->name[0] == ':')
    error = fault_of_pseudo(block, which, sender);
  else if (!error)
    error = fault_of_regular(field);
  block->has_regular = block->has_regular || field->name_length == 0 || field->name[0] != ':';
  return error ? error : note_once(block, which, field);
}

static void name_field(struct messages *messages, const struct frame_field *field) {
  snprintf(messages->field, sizeof messages->field, "%.*s: %.*s", (int)field->name_length,
           (const char *)field->name, (int)field->value_length, (const char *)field->value);
}

/* --- A header block --------------------------------------------------------------------------- */

static const char *judge_request(const struct header_block *block) {
  if (!has(block, METHOD))
    return "the request has no :method (RFC 9113, section 8.3.1)";
  if (block->is_connect)
    return has(block, SCHEME) || has(block, PATH) || !has(block, AUTHORITY)
               ? "CONNECT has :authority, but no :scheme and no :path (RFC 9113, section 8.5)"
               : NULL;
  if (!has(block, SCHEME))
    return "the request has no :scheme (RFC 9113, section 8.3.1)";
  if (!has(block, PATH))
    return "the request has no :path (RFC 9113, section 8.3.1)";
  if (has(block, AUTHORITY) && has(block, HOST) && strcasecmp(block->authority, block->host) != 0)
    return "host differs from :authority (RFC 9113, section 8.3.1)";
  return NULL;
}

static const char *judge_response(const struct header_block *block) {
  if (!has(block, STATUS))
    return "the response has no :status (RFC 9113, section 8.3.2)";
  if (block->status < 200 && block->ends_stream)
    return "an informational response (1xx) has END_STREAM (RFC 9113, section 8.1)";
  return NULL;
}

/* How many bytes of DATA must follow; -1: any number (RFC 9110, sections 6.4.1 and 8.6). */
static int64_t expected_length(const struct message *message, const struct header_block *block) {
  if (message->is_to_connect || block->is_connect)
    return -1;
  return message->is_to_head || block->status == 204 || block->status == 304
             ? 0
             : block->content_length;
}

/* The body is not longer than it should be, and not shorter when it ends. */
static const char *judge_length(struct messages *messages, const struct message *message) {
  if (message->expected < 0 || message->length == message->expected ||
      (message->length < message->expected && !message->ended))
    return NULL;
  snprintf(messages->field, sizeof messages->field, "%jd bytes expected, DATA has %jd",
           (intmax_t)message->expected, (intmax_t)message->length);
  return "the body is not as long as content-length says, or a response that must have none has "
         "one (RFC 9113, section 8.1.1)";
}

static const char *end_block(struct messages *messages, struct message *message,
                             enum frame_sender sender) {
  struct header_block *block = &messages->block;
  const char *error = NULL;
  block->stream_id = 0;
  message->ended = block->ends_stream;
  if (block->is_trailers && !block->ends_stream)
    error = "trailers end the stream: their HEADERS have END_STREAM (RFC 9113, section 8.1)";
  else if (!block->is_trailers)
    error = sender == FRAME_FROM_CLIENT ? judge_request(block) : judge_response(block);
  if (error)
    return error;
  if (!block->is_trailers && (sender == FRAME_FROM_CLIENT || block->status >= 200)) {
    message->has_fields = true;
    message->expected = expected_length(message, block);
  }
  return judge_length(messages, message);
}

static const char *judge_block(struct messages *messages, struct message *message,
                               const struct frame *frame) {
  struct header_block *block = &messages->block;
  if (frame->type == NGHTTP2_HEADERS)
    *block = (struct header_block){.stream_id = frame->stream_id,
                                   .is_trailers = message->has_fields,
                                   .ends_stream = frame->flags & NGHTTP2_FLAG_END_STREAM,
                                   .content_length = -1};
  if (block->stream_id != frame->stream_id)
    return NULL; /* its HEADERS were wrong in themselves */
  for (size_t i = 0; i < frame->field_count; i++) {
    const char *error = judge_field(block, frame->sender, &frame->fields[i]);
    if (error) {
      name_field(messages, &frame->fields[i]);
      return error;
    }
  }
  return frame->flags & NGHTTP2_FLAG_END_HEADERS ? end_block(messages, message, frame->sender)
                                                 : NULL;
}

static const char *judge_data(struct messages *messages, struct message *message,
                              const struct frame *frame) {
  if (!message->has_fields)
    return "DATA comes before the header section of the message (RFC 9113, section 8.1)";
  message->length += (int64_t)frame->data_length;
  message->ended = frame->flags & NGHTTP2_FLAG_END_STREAM;
  return judge_length(messages, message);
}

/* --- All of them ------------------------------------------------------------------------------ */

static bool is_of_block(const struct frame *frame) {
  return frame->type == NGHTTP2_HEADERS || frame->type == NGHTTP2_CONTINUATION;
}

void messages_note_peer(struct messages *messages, const struct frame *frame) {
  if (!is_of_block(frame) || frame->sender != FRAME_FROM_CLIENT || frame->stream_id <= 0)
    return;
  struct message *message = find_message(messages, frame->stream_id);
  for (size_t i = 0; message && i < frame->field_count; i++) {
    if (!is_name(&frame->fields[i], ":method"))
      continue;
    message->is_to_head = is_value(&frame->fields[i], "HEAD");
    message->is_to_connect = is_value(&frame->fields[i], "CONNECT");
  }
}

const char *messages_judge(struct messages *messages, const struct frame *frame) {
  bool is_data = frame->type == NGHTTP2_DATA;
  if ((!is_data && !is_of_block(frame)) || frame->stream_id <= 0)
    return NULL;
  struct message *message = find_message(messages, frame->stream_id);
  if (!message)
    return NULL;
  if (message->ended)
    return "the program has ended this stream before, by END_STREAM (RFC 9113, section 5.1)";
  return is_data ? judge_data(messages, message, frame) : judge_block(messages, message, frame);
}
