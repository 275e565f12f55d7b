/*
 * big_endian: numbers as HTTP/2 writes them, the most significant octet first (RFC 9113, section
 * 2.2).
 */
#ifndef COMMON_BIG_ENDIAN_H
#define COMMON_BIG_ENDIAN_H

#include <stddef.h>
#include <stdint.h>

/* The number in the 3, or 4, octets at `bytes`. Written out, not as a loop, so that the compiler
 * makes one load of each: every frame has both. */
static inline uint32_t big_endian_24(const uint8_t *bytes) {
  return (uint32_t)bytes[0] << 16 | (uint32_t)bytes[1] << 8 | bytes[2];
}

static inline uint32_t big_endian_32(const uint8_t *bytes) {
  return (uint32_t)bytes[0] << 24 | big_endian_24(bytes + 1);
}

/* The number in the `length` octets at `bytes`: 4 at most. */
static inline uint32_t big_endian_read(const uint8_t *bytes, size_t length) {
  uint32_t number = 0;
  for (size_t i = 0; i < length; i++)
    number = number << 8 | bytes[i];
  return number;
}

/* Write `number` into the `length` octets at `bytes`: 4 at most. */
static inline void big_endian_write(uint8_t *bytes, size_t length, uint32_t number) {
  for (size_t i = length; i-- > 0; number >>= 8)
    bytes[i] = (uint8_t)number;
}

#endif
