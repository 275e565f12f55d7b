/* request: see request.h. */
#include "grader/play/request.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* These values are drawn by themselves, so that the others of a check stay the same. */
static uint32_t choose(const struct request *request, uint32_t count) {
  return (uint32_t)(chance_next(&request->exchange->requests) % count);
}

/* A text that lives as long as the request. */
__attribute__((format(printf, 2, 3))) static const char *say(struct request *request,
                                                             const char *format, ...) {
  va_list arguments;
  char *text = request->texts + request->used;
  size_t room = sizeof request->texts - request->used;
  va_start(arguments, format);
  size_t length = (size_t)vsnprintf(text, room, format, arguments);
  va_end(arguments);
  if (length >= room)
    exchange_fault(request->exchange, "the texts of a request have no room");
  request->used += length + 1;
  return text;
}

/* `length` small letters. */
static const char *make_word(struct request *request, size_t length) {
  char word[64];
  for (size_t i = 0; i < length; i++)
    word[i] = (char)('a' + choose(request, 26));
  return say(request, "%.*s", (int)length, word);
}

/* --- Fields ----------------------------------------------------------------------------------- */

/* Put a field at this place, before the one that is there. */
static void insert(struct request *request, size_t place, const char *name, const char *value) {
  struct request_field *fields = request->fields;
  if (request->count == REQUEST_FIELDS)
    exchange_fault(request->exchange, "a request has too many fields");
  memmove(fields + place + 1, fields + place, (request->count - place) * sizeof *fields);
  fields[place] = (struct request_field){name, value};
  request->count++;
}

static struct request_field take_out(struct request *request, size_t place) {
  struct request_field *fields = request->fields;
  struct request_field field = fields[place];
  request->count--;
  memmove(fields + place, fields + place + 1, (request->count - place) * sizeof *fields);
  return field;
}

static void add_pseudo(struct request *request, size_t place, const char *name, const char *value) {
  insert(request, place, name, value);
  request->pseudo_count++;
}

void request_add(struct request *request, const char *name, const char *value) {
  uint32_t places = (uint32_t)(request->count - request->pseudo_count) + 1;
  insert(request, request->pseudo_count + choose(request, places), name, value);
}

/* A name that no standard knows, and a value: now and then one that means something elsewhere. */
static void add_further(struct request *request) {
  static const char *const words[] = {"HEAD", "GET", "POST", "/", "/ping", "/hello-world", "200"};
  const char *name = make_word(request, 5 + choose(request, 12));
  if (choose(request, 4) == 0)
    name = say(request, "%s-%s", name, make_word(request, 1 + choose(request, 8)));
  bool is_word = choose(request, 8) == 0;
  request_add(request, name,
              is_word ? words[choose(request, sizeof words / sizeof words[0])]
                      : make_word(request, choose(request, 40)));
}

/* Who is asked: mostly localhost and the port, as real clients say. */
static const char *make_authority(struct request *request) {
  const struct exchange *exchange = request->exchange;
  uint32_t kind = choose(request, 8);
  if (kind == 0)
    return "localhost";
  return say(request, "%s:%d", kind == 1 && !exchange->lab->tls ? "127.0.0.1" : "localhost",
             exchange->port);
}

/* Move some of the fields that are there to the front. */
static void mix(struct request *request) {
  for (size_t i = 0; i < request->count; i++) {
    struct request_field moved = take_out(request, choose(request, (uint32_t)request->count));
    insert(request, 0, moved.name, moved.value);
  }
}

void request_make_plain(struct request *request, struct exchange *exchange, const char *method,
                        const char *path) {
  *request = (struct request){.exchange = exchange};
  add_pseudo(request, 0, ":method", method);
  add_pseudo(request, 1, ":scheme", exchange_scheme(exchange));
  add_pseudo(request, 2, ":authority", say(request, "localhost:%d", exchange->port));
  add_pseudo(request, 3, ":path", path);
}

void request_make(struct request *request, struct exchange *exchange, const char *method,
                  const char *path) {
  enum { MOST = 20, FEW = 3, MANY_IN = 6, HOST_IN = 8 };
  *request = (struct request){.exchange = exchange};
  const char *authority = make_authority(request);
  bool is_host = choose(request, HOST_IN) == 0; /* as from a gateway: RFC 9113, section 8.3.1 */
  add_pseudo(request, 0, ":method", method);
  add_pseudo(request, 1, ":scheme", exchange_scheme(exchange));
  if (!is_host)
    add_pseudo(request, 2, ":authority", authority);
  add_pseudo(request, request->count, ":path", path);
  if (choose(request, 2) == 0)
    mix(request);
  if (is_host)
    request_add(request, "host", authority);
  request_add(request, "user-agent", make_word(request, 4 + choose(request, 40)));
  uint32_t further = choose(request, choose(request, MANY_IN) == 0 ? MOST + 1 : FEW);
  for (uint32_t i = 0; i < further; i++)
    add_further(request);
}

/* --- Malformed requests ----------------------------------------------------------------------- */

/* The place of the pseudo-header field `name`, or of any if it is NULL. */
static size_t find_pseudo(const struct request *request, const char *name) {
  size_t place = choose(request, (uint32_t)request->pseudo_count);
  for (size_t i = 0; name && i < request->pseudo_count; i++)
    if (strcmp(request->fields[i].name, name) == 0)
      place = i;
  return place;
}

static const char *leave_out_pseudo(struct request *request) {
  static const char *const needed[] = {":method", ":scheme", ":path"};
  const char *name = needed[choose(request, sizeof needed / sizeof needed[0])];
  take_out(request, find_pseudo(request, name));
  request->pseudo_count--;
  return say(request, "it has no %s", name);
}

static const char *add_pseudo_field(struct request *request, const char *name, const char *value,
                                    const char *format) {
  add_pseudo(request, choose(request, (uint32_t)request->pseudo_count + 1), name, value);
  return say(request, "%s %s", format, name);
}

static const char *move_pseudo_back(struct request *request) {
  struct request_field field = take_out(request, find_pseudo(request, NULL));
  request->pseudo_count--;
  uint32_t regular = (uint32_t)(request->count - request->pseudo_count);
  insert(request, request->pseudo_count + 1 + choose(request, regular), field.name, field.value);
  return say(request, "%s comes after a regular field", field.name);
}

static const char *break_path(struct request *request) {
  static const char *const breaks[] = {"\r", "\n", "\r\n"};
  struct request_field *path = &request->fields[find_pseudo(request, ":path")];
  path->value = say(request, "%s%s%s", path->value, breaks[choose(request, 3)],
                    make_word(request, choose(request, 8)));
  return ":path has a line break";
}

static const char *add_upper_case(struct request *request) {
  size_t length = 2 + choose(request, 14);
  char *name = request->texts + request->used;
  make_word(request, length);
  char *letter = name + choose(request, (uint32_t)length);
  *letter = (char)toupper((unsigned char)*letter);
  request_add(request, name, make_word(request, choose(request, 20)));
  return say(request, "the field name %s has an upper-case letter", name);
}

static const char *add_connection_field(struct request *request) {
  static const struct request_field fields[] = {
      {"connection", "close"}, {"connection", "keep-alive"},  {"keep-alive", "timeout=5"},
      {"upgrade", "h2c"},      {"proxy-connection", "close"}, {"transfer-encoding", "chunked"},
      {"te", "gzip"}};
  struct request_field field = fields[choose(request, sizeof fields / sizeof fields[0])];
  request_add(request, field.name, field.value);
  return say(request, "the field %s: %s is about the connection", field.name, field.value);
}

static const char *add_wrong_length(struct request *request) {
  uint32_t length = 1 + choose(request, 1000);
  bool is_number = choose(request, 2) == 0;
  const char *value = say(request, "%u%s", length, is_number ? "" : make_word(request, 1));
  request_add(request, "content-length", value);
  return say(request, "it has no body, but content-length: %s", value);
}

const char *request_spoil(struct request *request, enum request_fault fault) {
  struct request_field *fields = request->fields;
  struct request_field pseudo = fields[find_pseudo(request, NULL)];
  switch (fault) {
  case REQUEST_MISSING: return leave_out_pseudo(request);
  case REQUEST_TWICE: return add_pseudo_field(request, pseudo.name, pseudo.value, "it has twice");
  case REQUEST_LATE: return move_pseudo_back(request);
  case REQUEST_UNKNOWN:
    return add_pseudo_field(request, say(request, ":%s", make_word(request, 3)), "x",
                            "it has the unknown pseudo-header field");
  case REQUEST_EMPTY_PATH:
    fields[find_pseudo(request, ":path")].value = "";
    return ":path is empty";
  case REQUEST_LINE_BREAK: return break_path(request);
  case REQUEST_UPPER_CASE: return add_upper_case(request);
  case REQUEST_CONNECTION: return add_connection_field(request);
  case REQUEST_LENGTH: return add_wrong_length(request);
  default: exchange_fault(request->exchange, "no such fault of a request");
  }
}
