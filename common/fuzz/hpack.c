/* hpack: a field block in fragments gives the same fields as nghttp2's inflater gives for the
 * whole, and an error is an error wherever we cut the block. */
#include "common/inner/hpack.h"

#include <nghttp2/nghttp2.h>
#include <stdlib.h>
#include <string.h>

#include "common/buffer.h"
#include "common/fuzz/fuzz.h"

/* The content of one block, as "length bytes length bytes ...". */
struct reading {
  struct buffer text;
  bool wrong;
  bool too_much; /* hpack keeps only this many fields, and says so */
};

static void append(struct buffer *text, const void *octets, size_t length) {
  fuzz_must(buffer_append(text, &length, sizeof length) == 0 &&
                buffer_append(text, octets, length) == 0,
            "there is memory for the target itself");
}

/* --- As a whole, by nghttp2 alone ------------------------------------------------------------- */

static void inflate(nghttp2_hd_inflater *inflater, const uint8_t *in, size_t length,
                    struct reading *reading) {
  int flags = 0;
  while (!(flags & NGHTTP2_HD_INFLATE_FINAL)) {
    nghttp2_nv nv;
    flags = 0;
    ssize_t taken = nghttp2_hd_inflate_hd2(inflater, &nv, &flags, in, length, 1);
    reading->wrong = taken < 0;
    if (taken < 0)
      return;
    in += taken;
    length -= (size_t)taken;
    if (flags & NGHTTP2_HD_INFLATE_EMIT) {
      append(&reading->text, nv.name, nv.namelen);
      append(&reading->text, nv.value, nv.valuelen);
    }
  }
  nghttp2_hd_inflate_end_headers(inflater);
}

/* --- In fragments ----------------------------------------------------------------------------- */

/* Returns 0, or -1 if memory ran out. */
static int decode(struct hpack *hpack, const uint8_t *in, size_t length, size_t cut,
                  struct reading *reading) {
  bool ends = false;
  while (!ends) {
    size_t part = cut == 0 || cut > length ? length : cut;
    ends = part == length;
    uint8_t *fragment = fuzz_copy(in, part);
    const char *error = NULL;
    int result = hpack_decode(hpack, fragment, part, ends, &error);
    free(fragment);
    if (result != 0)
      return -1;
    size_t count;
    const struct frame_field *fields = hpack_fields(hpack, &count);
    for (size_t i = 0; i < count; i++) {
      append(&reading->text, fields[i].name, fields[i].name_length);
      append(&reading->text, fields[i].value, fields[i].value_length);
    }
    reading->wrong |= error != NULL;
    reading->too_much |= error && strstr(error, "more header fields");
    in += part;
    length -= part;
  }
  return 0;
}

static void compare(const struct reading *ours, const struct reading *theirs) {
  if (ours->too_much)
    return;
  fuzz_must(ours->wrong == theirs->wrong, "cut or whole, a block is right or wrong");
  fuzz_must(ours->text.length == theirs->text.length &&
                (ours->text.length == 0 ||
                 memcmp(ours->text.bytes, theirs->text.bytes, ours->text.length) == 0),
            "cut or whole, a block has the same fields");
}

/* --- Blocks ----------------------------------------------------------------------------------- */

/* Sizes that the receiver may allow; the last is the largest that nghttp2 keeps. */
static const uint32_t sizes[] = {4096, 0, 64, 4097, 8192, 65536, 1 << 20, UINT32_MAX};

/* One block of the tape: the cuts, the length, the bytes. Returns whether another may follow. */
static bool one_block(struct tape *tape, struct hpack *hpack, nghttp2_hd_inflater *inflater,
                      uint32_t *allowed) {
  struct reading ours = {0};
  struct reading theirs = {0};
  uint8_t choice = tape_octet(tape);
  size_t length = tape_octet(tape);
  if (choice & 1)
    length = length << 8 | tape_octet(tape);
  uint32_t size = sizes[choice >> 1 & 7];
  if (size > *allowed) { /* hpack ignores a smaller one */
    *allowed = size;
    hpack_allow_table_size(hpack, size);
    nghttp2_hd_inflate_change_table_size(inflater, size);
  }
  const uint8_t *in = tape_octets(tape, &length);
  inflate(inflater, in, length, &theirs);
  int result = decode(hpack, in, length, choice >> 4, &ours);
  if (result == 0)
    compare(&ours, &theirs);
  fuzz_must(result == 0 || fuzz_failed(), "there is memory");
  buffer_free(&ours.text);
  buffer_free(&theirs.text);
  return result == 0 && !ours.wrong && tape->length > 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t length) {
  struct tape tape = {octets, length};
  uint32_t allowed = 4096;
  struct hpack *hpack = hpack_new();
  nghttp2_hd_inflater *inflater = NULL;
  fuzz_must(hpack && nghttp2_hd_inflate_new(&inflater) == 0, "there is memory");
  while (one_block(&tape, hpack, inflater, &allowed))
    continue;
  nghttp2_hd_inflate_del(inflater);
  hpack_free(hpack);
  return 0;
}
