/*
 * frame: decode HTTP/2 frames from the bytes of a connection (RFC 9113, section 4 and 6).
 *
 * A frame_decoder watches one connection from outside, like Wireshark. It takes the bytes of both
 * directions, in any fragmentation, and reports every frame as soon as its last byte has arrived.
 * It uses no nghttp2_session, so it shows what really went over the wire even if a session's
 * callbacks are wrong. Only HPACK (RFC 7541) is nghttp2's work: one inflater for each direction.
 *
 * Order of calls: frame_decoder_new, frame_decoder_feed any number of times, frame_decoder_free.
 * Nothing here prints, and nothing is fatal: the decoder reports a wrong frame with `error` set,
 * and goes on with the next one if the bytes still allow that.
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
 * types above 255. */
enum {
  FRAME_PREFACE = 256,   /* the client's 24 bytes "PRI * HTTP/2.0..." (section 3.4) */
  FRAME_NOT_HTTP2 = 257, /* bytes that are not HTTP/2 at all, for example an HTTP/1.1 answer */
};

enum {
  FRAME_HEADER_LENGTH = 9,
  FRAME_REQUEST_SIZE = 48, /* bytes of frame.request, its NUL included */
};

/* One decoded header field: name and value end in NUL only if they were sent so. */
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

/* One frame. Members that do not belong to its type are zero. */
struct frame {
  enum frame_sender sender;
  unsigned type;
  uint8_t flags;
  int32_t stream_id;
  size_t length;          /* of the payload, as the frame header says */
  const uint8_t *payload; /* these bytes as they came, padding included */

  /* DATA: the content without padding. GOAWAY: the debug data. PING: the 8 bytes. Preface, unknown
   * types and bytes that are not HTTP/2: everything. */
  const uint8_t *data;
  size_t data_length;
  size_t padding; /* DATA, HEADERS, PUSH_PROMISE: bytes of padding, Pad Length itself included */

  /* HEADERS, PUSH_PROMISE and CONTINUATION: the fields that this frame completed. If a CONTINUATION
   * cuts a field in two, the field belongs to the frame in which it ends. */
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

  /* The stream's request, "GET /ping", for every later frame on a client's stream: cut to fit, with
   * '?' for bytes that cannot be printed. "" if it is unknown, and in the request itself. */
  char request[FRAME_REQUEST_SIZE];

  /* NULL, or one line that says what is wrong with the frame, with the section. Also set where the
   * sender is wrong but a receiver must ignore it: reserved bits, flags without a meaning. */
  const char *error;
};

/* Called for each frame. `frame` and everything it points to are valid until the callback returns;
 * to keep it, make a frame_copy. */
typedef void (*frame_callback)(const struct frame *frame, void *user);

struct frame_decoder;

/* A decoder for one new connection, from its first byte on. Only frame_decoder_feed calls
 * `on_frame`, with `user`. Returns NULL when there is no memory. */
struct frame_decoder *frame_decoder_new(frame_callback on_frame, void *user);

/*
 * Take the next `length` bytes that `sender` sent; any cut is fine, down to single bytes and empty
 * calls. It calls the callback for each complete frame, in order; the callback may feed bytes of
 * the other sender, but not of the same. The decoder stores payloads as they arrive, so a frame
 * that only claims to be long costs nothing.
 *
 * A client that does not begin with the preface, or a server that begins with something that cannot
 * be a frame (text, TLS), does not speak HTTP/2: from then on to the end, the decoder reports its
 * bytes as one FRAME_NOT_HTTP2 for each call. If the first frame is not SETTINGS, that only sets
 * `error`. A header block that cannot be decompressed sets `error`, and so do all later blocks of
 * that sender, because the HPACK state is lost. The decoder obeys SETTINGS_HEADER_TABLE_SIZE of one
 * side for the blocks of the other.
 *
 * Returns 0, or -1 when there is no memory: then the decoder can only be freed.
 */
int frame_decoder_feed(struct frame_decoder *decoder, enum frame_sender sender, const void *bytes,
                       size_t length);

/*
 * Ask `wants`, with the user of frame_decoder_new, before each frame from now on; NULL: decode
 * every frame. A frame that it does not want costs little: nobody decodes or checks it, and the
 * callback does not get it. Only when a later frame is wanted, the decoder decompresses the field
 * blocks in between; once these have become more than 256 KiB in one direction, `error` says for
 * all later ones that their fields are unknown. frame.request and frame_decoder_requests know
 * nothing of a frame that was not wanted.
 */
void frame_decoder_choose(struct frame_decoder *decoder, bool (*wants)(void *user));

/* How many bytes of `sender` came after its last complete frame: more than 0 at the end of a
 * connection means that it ended in the middle of a frame. */
size_t frame_decoder_pending(const struct frame_decoder *decoder, enum frame_sender sender);

/* How many requests there were so far. Sets `*at_once` to the highest number that were open at the
 * same time, or to 0 when there were too many to know. */
unsigned frame_decoder_requests(const struct frame_decoder *decoder, unsigned *at_once);

/* Free the decoder; NULL is allowed. Must not be called from its own callback. */
void frame_decoder_free(struct frame_decoder *decoder);

/* A deep copy in one allocation, to be freed with free(). Returns NULL when there is no memory.
 * `error` is not copied: it points to constant text. */
struct frame *frame_copy(const struct frame *frame);

/* The first field of that name, or NULL. `name` ends in NUL. */
const struct frame_field *frame_find_field(const struct frame *frame, const char *name);

/* Names by RFC 9113: "HEADERS", "SETTINGS_INITIAL_WINDOW_SIZE", "FLOW_CONTROL_ERROR", and "preface"
 * and "not HTTP/2" for what is not a frame. NULL if there is no name: then the caller prints the
 * number. */
const char *frame_type_name(unsigned type);
const char *frame_setting_name(uint16_t id);
const char *frame_error_name(uint32_t error_code);

/* The name of one flag, 0x1 to 0x80, in a frame of this type: "END_STREAM". NULL if the flag has no
 * meaning there. */
const char *frame_flag_name(unsigned type, uint8_t flag);

/* Write the names of the flags that are set, and that have a meaning for this type, with '|'
 * between them: "END_STREAM|END_HEADERS", "ACK", "". A flag without a meaning is shown as 0x40.
 * Always ends in NUL; 64 bytes hold every case. Returns `text`. */
char *frame_flag_names(const struct frame *frame, char *text, size_t size);

#endif
