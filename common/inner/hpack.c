/* hpack: see hpack.h. */
#include "common/inner/hpack.h"

#include <nghttp2/nghttp2.h>
#include <stdlib.h>

#include "common/buffer.h"

enum {
  DEFAULT_TABLE_SIZE = 4096, /* RFC 9113, section 6.5.2 */
  FIELD_OVERHEAD = 32,       /* RFC 7541, section 4.1: what a field counts besides its bytes */
  /* How long one fragment may become. Without a limit, one repeated byte that stands for a long
   * field would fill the memory (section 10.5.1). */
  LARGEST_FIELDS = 256 * 1024,
};

struct hpack {
  nghttp2_hd_inflater *inflater;
  uint32_t table_size;         /* as the inflater knows it */
  uint32_t allowed_table_size; /* as the receiver allows it */
  bool in_block;
  const char *lost;     /* why the compression state is unknown from here on; NULL: it is known */
  struct buffer fields; /* struct frame_field */
  struct buffer text;   /* name, value, name, value ... of these fields */
};

const char hpack_error[] =
    "an earlier error has lost the header compression state (RFC 9113, section 4.3)";

struct hpack *hpack_new(void) {
  struct hpack *hpack = calloc(1, sizeof *hpack);
  if (hpack && nghttp2_hd_inflate_new(&hpack->inflater) != 0) {
    free(hpack);
    return NULL;
  }
  if (hpack)
    hpack->table_size = hpack->allowed_table_size = DEFAULT_TABLE_SIZE;
  return hpack;
}

void hpack_allow_table_size(struct hpack *hpack, uint32_t size) {
  if (size > hpack->allowed_table_size)
    hpack->allowed_table_size = size;
}

void hpack_lose(struct hpack *hpack, const char *why) {
  if (!hpack->lost)
    hpack->lost = why;
}

/* The inflater takes a new table size only between two blocks. */
static int begin_block(struct hpack *hpack) {
  hpack->in_block = true;
  if (hpack->table_size == hpack->allowed_table_size)
    return 0;
  hpack->table_size = hpack->allowed_table_size;
  return nghttp2_hd_inflate_change_table_size(hpack->inflater, hpack->table_size);
}

static int add_field(struct hpack *hpack, const nghttp2_nv *nv, const char **error) {
  size_t count = hpack->fields.length / sizeof(struct frame_field);
  size_t size = nv->namelen + nv->valuelen + FIELD_OVERHEAD;
  if (hpack->text.length + count * FIELD_OVERHEAD + size > LARGEST_FIELDS) {
    *error = "more header fields than the decoder keeps (RFC 9113, section 10.5.1)";
    return 0;
  }
  struct frame_field field = {.name_length = nv->namelen, .value_length = nv->valuelen};
  if (buffer_append(&hpack->text, nv->name, nv->namelen) != 0 ||
      buffer_append(&hpack->text, nv->value, nv->valuelen) != 0 ||
      buffer_append(&hpack->fields, &field, sizeof field) != 0)
    return NGHTTP2_ERR_NOMEM;
  return 0;
}

/* Returns 0 or one of nghttp2's error codes. */
static int inflate(struct hpack *hpack, const uint8_t *in, size_t length, bool ends,
                   const char **error) {
  int flags = 0;
  do {
    nghttp2_nv nv;
    ssize_t taken = nghttp2_hd_inflate_hd2(hpack->inflater, &nv, &flags, in, length, ends);
    if (taken < 0)
      return (int)taken;
    in += taken;
    length -= (size_t)taken;
    if (flags & NGHTTP2_HD_INFLATE_EMIT) {
      int failed = add_field(hpack, &nv, error);
      if (failed)
        return failed;
    }
  } while (flags & NGHTTP2_HD_INFLATE_EMIT || (length > 0 && !(flags & NGHTTP2_HD_INFLATE_FINAL)));
  if (!ends)
    return 0;
  hpack->in_block = false;
  return nghttp2_hd_inflate_end_headers(hpack->inflater);
}

/* The text has stopped moving, so the fields can point into it. */
static void point_fields(struct hpack *hpack) {
  struct frame_field *fields = (void *)hpack->fields.bytes;
  size_t count = hpack->fields.length / sizeof *fields;
  const uint8_t *text = (const uint8_t *)hpack->text.bytes;
  for (size_t i = 0; i < count; i++) {
    fields[i].name = text;
    text += fields[i].name_length;
    fields[i].value = text;
    text += fields[i].value_length;
  }
}

int hpack_decode(struct hpack *hpack, const uint8_t *fragment, size_t length, bool ends,
                 const char **error) {
  buffer_clear(&hpack->fields);
  buffer_clear(&hpack->text);
  if (hpack->lost) {
    *error = hpack->lost;
    return 0;
  }
  int failed = hpack->in_block ? 0 : begin_block(hpack);
  if (!failed)
    failed = inflate(hpack, fragment, length, ends, error);
  if (failed == NGHTTP2_ERR_NOMEM)
    return -1;
  if (failed) {
    *error = "the field block cannot be decompressed (RFC 9113, section 4.3)";
    hpack_lose(hpack, hpack_error);
  }
  point_fields(hpack);
  return 0;
}

const struct frame_field *hpack_fields(const struct hpack *hpack, size_t *count) {
  *count = hpack->fields.length / sizeof(struct frame_field);
  return *count > 0 ? (const void *)hpack->fields.bytes : NULL;
}

void hpack_free(struct hpack *hpack) {
  if (!hpack)
    return;
  nghttp2_hd_inflate_del(hpack->inflater);
  buffer_free(&hpack->fields);
  buffer_free(&hpack->text);
  free(hpack);
}
