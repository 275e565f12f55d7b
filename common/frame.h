/*
 * frame: decode HTTP/2 frames from the bytes of a connection (RFC 9113, section 4 and 6).
 *
 * A frame_decoder watches one connection from outside, like Wireshark does: it is fed the bytes of
 * both directions, in any fragmentation, and reports every frame as soon as its last byte is there.
 * It keeps no nghttp2_session, so it shows what really went over the wire even where a session's
 * callbacks are wrong. Only HPACK (RFC 7541) is left to nghttp2's inflater, one for each direction.
 *
 * Order of calls: frame_decoder_new, frame_decoder_feed any number of times, frame_decoder_free.
 * Nothing here prints and nothing here is fatal: a frame that cannot be right is reported with
 * `error` set, and decoding goes on with the next one wherever the bytes still allow it.
 */
#ifndef COMMON_FRAME_H
#define COMMON_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Who sent the bytes. */
enum frame_sender { FRAME_FROM_CLIENT, FRAME_FROM_SERVER };

/* Frame types are those of RFC 9113, section 6, by nghttp2's names (NGHTTP2_DATA is 0 ...
 * NGHTTP2_CONTINUATION is 9); an unknown type keeps its number. Two things that are not frames have
 * types that no octet can hold. */
enum {
  FRAME_PREFACE = 256,   /* the client's 24 octets "PRI * HTTP/2.0..." (section 3.4) */
  FRAME_NOT_HTTP2 = 257, /* bytes that are no HTTP/2 at all, for example an HTTP/1.1 answer */
};

enum {
  FRAME_HEADER_LENGTH = 9,
  FRAME_REQUEST_SIZE = 48, /* octets of frame.request, its NUL included */
};

/* One header field, as decoded: neither name nor value ends in NUL unless it was sent so. */
struct frame_field {
  const uint8_t *name;
  size_t name_length;
  const uint8_t *value;
  size_t value_length;
};

struct frame_setting {
  uint16_t id; /* NGHTTP2_SETTINGS_... or an unknown number */
  uint32_t value;
};

/* One frame. What does not belong to its type is zero. */
struct frame {
  enum frame_sender sender;
  unsigned type;
  uint8_t flags;
  int32_t stream_id;
  size_t length;          /* of the payload, as the frame header says */
  const uint8_t *payload; /* these octets as they came, padding included */

  /* DATA: the content without padding. GOAWAY: the debug data. PING: the 8 octets. Preface,
   * unknown types and bytes that are no HTTP/2: all of it. */
  const uint8_t *data;
  size_t data_length;
  size_t padding; /* DATA, HEADERS, PUSH_PROMISE: octets of padding, Pad Length itself included */

  /* HEADERS, PUSH_PROMISE and CONTINUATION: the fields that this frame completed. A field that was
   * cut in two by a CONTINUATION belongs to the frame in which it ended. */
  const struct frame_field *fields;
  size_t field_count;

  const struct frame_setting *settings; /* SETTINGS, in the order they came */
  size_t setting_count;

  uint32_t error_code;        /* RST_STREAM, GOAWAY */
  int32_t last_stream_id;     /* GOAWAY */
  int32_t promised_stream_id; /* PUSH_PROMISE */
  uint32_t window_increment;  /* WINDOW_UPDATE */
  int32_t dependency;         /* PRIORITY, and HEADERS with the PRIORITY flag */
  int weight;                 /* the same; 1 to 256 */
  bool exclusive;             /* the same */

  /* What the stream's request asks for, "GET /ping", for every frame that comes after it on
   * a client's stream: cut to fit, octets that cannot be printed as '?'. "" where that is
   * not known, and in the request itself. */
  char request[FRAME_REQUEST_SIZE];

  /* NULL, or one line that says what is wrong with it, with the section. Set as well where only the
   * sender is wrong and a receiver must take no notice: reserved bits, flags without a meaning. */
  const char *error;
};

/* Called for each frame. `frame` and all it points to are valid until the callback returns: keep a
 * frame_copy. */
typedef void (*frame_callback)(const struct frame *frame, void *user);

struct frame_decoder;

/* A decoder for one new connection, from its first byte on. `on_frame` is called, with `user`, from
 * frame_decoder_feed only. Returns NULL when there is no memory. */
struct frame_decoder *frame_decoder_new(frame_callback on_frame, void *user);

/*
 * Take the next `length` bytes that `sender` sent; any cut is fine, down to single bytes and empty
 * calls. The callback is called for each frame that is complete, in order; from it, bytes of the
 * other sender may be fed, but not of the same. Payloads are stored as they arrive, so a frame that
 * only claims to be long costs nothing.
 *
 * A client that does not begin with the preface, or a server that begins with what can be no frame
 * (text, TLS), does not speak HTTP/2: its bytes are reported as one FRAME_NOT_HTTP2 for each call,
 * from then on to the end. A first frame other than SETTINGS only has `error` set.
 * A header block that cannot be decompressed sets `error`, and so do all later blocks of that
 * sender, because the HPACK state is lost with it. SETTINGS_HEADER_TABLE_SIZE of one side is heeded
 * for the blocks of the other.
 *
 * Returns 0, or -1 when there is no memory: then the decoder can only be freed.
 */
int frame_decoder_feed(struct frame_decoder *decoder, enum frame_sender sender, const void *bytes,
                       size_t length);

/* The bytes of `sender` that came after its last complete frame: how many, so that one can say that
 * a connection ended in the middle of a frame. */
size_t frame_decoder_pending(const struct frame_decoder *decoder, enum frame_sender sender);

/* How many requests there were so far. `*at_once` becomes how many of them were open at the same
 * time, at most; or 0 when they were so many that this is not known. */
unsigned frame_decoder_requests(const struct frame_decoder *decoder, unsigned *at_once);

/* Free the decoder; NULL is allowed. Must not be called from its own callback. */
void frame_decoder_free(struct frame_decoder *decoder);

/* A deep copy in one allocation, to be freed with free(). Returns NULL when there is no memory.
 * `error` is not copied: it points to constant text. */
struct frame *frame_copy(const struct frame *frame);

/* The first field of that name, or NULL. `name` ends in NUL. */
const struct frame_field *frame_find_field(const struct frame *frame, const char *name);

/* Names by RFC 9113: "HEADERS", "SETTINGS_INITIAL_WINDOW_SIZE", "FLOW_CONTROL_ERROR", and "preface"
 * and "not HTTP/2" for what is no frame. For what has no name: NULL; the caller
 * prints the number. */
const char *frame_type_name(unsigned type);
const char *frame_setting_name(uint16_t id);
const char *frame_error_name(uint32_t error_code);

/* The name that one flag, 0x1 to 0x80, has in a frame of this type: "END_STREAM".
 * NULL where it has no meaning. */
const char *frame_flag_name(unsigned type, uint8_t flag);

/* Write the names of the flags that are set, and that have a meaning for this type, with '|'
 * between them: "END_STREAM|END_HEADERS", "ACK", "". A flag without a meaning is shown as 0x40.
 * Always ends in NUL; 64 bytes hold every case. Returns `text`. */
char *frame_flag_names(const struct frame *frame, char *text, size_t size);

#endif
