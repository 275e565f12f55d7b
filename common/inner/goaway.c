/* goaway: see goaway.h. After the frame header of 9 bytes, GOAWAY has the last stream, the error
 * code, and debug data (RFC 9113, section 6.8). */
#include "common/inner/goaway.h"

#include <stdbool.h>
#include <string.h>

#include "common/inner/big_endian.h"

enum { TYPE = 3, ERROR_CODE = FRAME_HEADER_LENGTH + 4, DEBUG_DATA = ERROR_CODE + 4 };

uint32_t goaway_error_code(const uint8_t *frame) {
  return big_endian_32(frame + ERROR_CODE);
}

/* Take more of the frame, up to `size` bytes of it. Returns how many bytes that were. */
static size_t take(struct goaway *goaway, size_t size, const uint8_t *bytes, size_t length) {
  size_t missing = size - goaway->length;
  if (length > missing)
    length = missing;
  memcpy(goaway->frame + goaway->length, bytes, length);
  goaway->length += length;
  return length;
}

uint32_t goaway_find(struct goaway *goaway, const uint8_t *bytes, size_t length) {
  uint32_t code = NGHTTP2_NO_ERROR;
  while (length > goaway->skip) {
    bytes += goaway->skip;
    length -= goaway->skip;
    goaway->skip = 0;
    /* Most frames are not GOAWAY, and have their whole header here. */
    if (goaway->length == 0 && length >= FRAME_HEADER_LENGTH && bytes[TYPE] != NGHTTP2_GOAWAY) {
      goaway->skip = FRAME_HEADER_LENGTH + (size_t)big_endian_24(bytes);
      continue;
    }
    size_t taken = 0;
    if (goaway->length < FRAME_HEADER_LENGTH)
      taken = take(goaway, FRAME_HEADER_LENGTH, bytes, length);
    if (goaway->length < FRAME_HEADER_LENGTH)
      return code;
    size_t payload = big_endian_24(goaway->frame);
    bool has_code =
        goaway->frame[TYPE] == NGHTTP2_GOAWAY && payload >= DEBUG_DATA - FRAME_HEADER_LENGTH;
    size_t size = has_code ? DEBUG_DATA : FRAME_HEADER_LENGTH;
    taken += take(goaway, size, bytes + taken, length - taken);
    if (goaway->length < size)
      return code;
    if (has_code && code == NGHTTP2_NO_ERROR)
      code = goaway_error_code(goaway->frame);
    goaway->skip = FRAME_HEADER_LENGTH + payload - size;
    goaway->length = 0;
    bytes += taken;
    length -= taken;
  }
  goaway->skip -= length;
  return code;
}
