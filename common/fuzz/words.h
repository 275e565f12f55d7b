/* words: header fields and numbers to send in fuzzing, chosen because they make a difference. */
#ifndef COMMON_FUZZ_WORDS_H
#define COMMON_FUZZ_WORDS_H

#include <nghttp2/nghttp2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The pseudo-header fields at the start of a request or a response. Returns how many,
 * at most 4. A server's handler finds `choice` in the path again. */
size_t words_begin(bool is_request, uint8_t choice, nghttp2_nv fields[static 4]);

/* One field. */
nghttp2_nv words_field(uint8_t choice);

/* One number for a window, a setting, an error code, a stream. */
uint32_t words_number(uint8_t choice);

#endif
