/* words: see words.h. */
#include "common/fuzz/words.h"

#include <stdio.h>
#include <string.h>

#include "common/field.h"

enum { LONG = 5000, TOO_LONG = 66000 };

size_t words_begin(bool is_request, uint8_t choice, nghttp2_nv fields[static 4]) {
  static const char *const methods[] = {"GET", "POST", "HEAD", "CONNECT"};
  static const char *const statuses[] = {"200", "100", "103", "204", "304", "404", "101", "999"};
  static char path[8];
  if (!is_request) {
    fields[0] = field_make(":status", statuses[choice % (sizeof statuses / sizeof *statuses)]);
    return 1;
  }
  snprintf(path, sizeof path, "/%c", 'a' + choice % 64 % 26);
  fields[0] = field_make(":method", methods[choice >> 6]);
  fields[1] = field_make(":scheme", "http");
  fields[2] = field_make(":authority", "localhost:8000");
  fields[3] = field_make(":path", path);
  return 4;
}

/* A value longer than necessary: each length has a field of its own. */
static nghttp2_nv long_field(size_t length) {
  static char text[TOO_LONG + 1];
  memset(text, 'x', TOO_LONG);
  nghttp2_nv field = field_make("x-long", text);
  field.valuelen = length;
  return field;
}

static const char *const fields[][2] = {
    {"content-length", "0"},
    {"content-length", "5"},
    {"content-length", "100000"},
    {"content-length", "-1"},
    {"content-length", "99999999999999999999"},
    {"expect", "100-continue"},
    {"cookie", "a=b"},
    {"te", "trailers"},
    {"te", "gzip"},
    {"connection", "close"},
    {"transfer-encoding", "chunked"},
    {"upgrade", "h2c"},
    {"host", "other"},
    {"priority", "u=0"},
    {"priority", "u=7, i"},
    {"x-test", "value"},
    {"x-test", ""},
    {"x-test", " v "},
    {"x-test", "\x80\x9b"},
    {"x-test", "a\r\nb"},
    {"X-Upper", "value"},
    {"", "value"},
    {"x y", "value"},
    {":method", "POST"},
    {":path", "/b"},
    {":path", "*"},
    {":path", ""},
    {":path", "/#"},
    {":authority", "user@host"},
    {":scheme", "https"},
    {":status", "200"},
    {":protocol", "websocket"},
    {":unknown", "value"},
    {"date", "Sun, 06 Nov 1994 08:49:37 GMT"},
    {"trailer", "x-test"},
    {"grpc-status", "0"},
};

nghttp2_nv words_field(uint8_t choice) {
  enum { COUNT = sizeof fields / sizeof *fields };
  choice %= COUNT + 2;
  if (choice >= COUNT)
    return long_field(choice == COUNT ? LONG : TOO_LONG);
  return field_make(fields[choice][0], fields[choice][1]);
}

uint32_t words_number(uint8_t choice) {
  static const uint32_t numbers[] = {
      0,          1,          2,        3,         5,        7,        8,
      10,         11,         100,      4095,      4096,     4097,     16383,
      16384,      16385,      65535,    65536,     1u << 20, 1u << 24, (1u << 24) - 1,
      0x7ffffffe, 0x7fffffff, 1u << 31, UINT32_MAX};
  return numbers[choice % (sizeof numbers / sizeof *numbers)];
}
