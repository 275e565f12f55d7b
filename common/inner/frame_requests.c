/* frame_requests: see frame_requests.h. */
#include "common/inner/frame_requests.h"

#include <nghttp2/nghttp2.h>
#include <stdlib.h>
#include <string.h>

/* One stream that a client's HEADERS began. */
struct frame_request {
  int32_t stream_id; /* 0: none yet */
  bool open;
  bool ended[2]; /* by enum frame_sender */
  char line[FRAME_REQUEST_SIZE];
};

void frame_requests_free(struct frame_requests *requests) {
  free(requests->slots);
  requests->slots = NULL;
}

/* Append as much of the value as there is room for, printable. Returns the new length. */
static size_t append(char *line, size_t length, const struct frame_field *field) {
  for (size_t i = 0; i < field->value_length && length < FRAME_REQUEST_SIZE - 1; i++) {
    bool printable = field->value[i] > ' ' && field->value[i] <= '~';
    memcpy(line + length++, printable ? &field->value[i] : (const uint8_t *)"?", 1);
  }
  line[length] = '\0';
  return length;
}

/* "GET /ping", once a header block has said it. CONNECT has no path (RFC 9113, section 8.5). */
static void read_line(struct frame_request *request, const struct frame *frame) {
  const struct frame_field *method = frame_find_field(frame, ":method");
  const struct frame_field *path = frame_find_field(frame, ":path");
  if (!path)
    path = frame_find_field(frame, ":authority");
  if (!method || !path || request->line[0] != '\0')
    return;
  size_t length = append(request->line, 0, method);
  if (length < FRAME_REQUEST_SIZE - 1)
    request->line[length++] = ' ';
  append(request->line, length, path);
}

static void begin(struct frame_requests *requests, struct frame_request *request,
                  int32_t stream_id) {
  requests->forgot = requests->forgot || request->open;
  *request = (struct frame_request){.stream_id = stream_id, .open = true};
  requests->count++;
  requests->open++;
  if (requests->open > requests->at_once)
    requests->at_once = requests->open;
}

static void end(struct frame_requests *requests, struct frame_request *request,
                const struct frame *frame) {
  bool can_end = frame->type == NGHTTP2_HEADERS || frame->type == NGHTTP2_DATA;
  if (can_end && frame->flags & NGHTTP2_FLAG_END_STREAM)
    request->ended[frame->sender] = true;
  bool closed = request->ended[FRAME_FROM_CLIENT] && request->ended[FRAME_FROM_SERVER];
  if (!request->open || !(closed || frame->type == NGHTTP2_RST_STREAM))
    return;
  request->open = false;
  requests->open--;
}

int frame_requests_see(struct frame_requests *requests, struct frame *frame) {
  bool by_client = frame->sender == FRAME_FROM_CLIENT;
  bool begins = by_client && frame->type == NGHTTP2_HEADERS;
  if (frame->stream_id % 2 == 0 || (!requests->slots && !begins))
    return 0; /* the connection, or what a server has begun */
  if (!requests->slots)
    requests->slots = calloc(FRAME_REQUESTS_REMEMBERED, sizeof *requests->slots);
  if (!requests->slots)
    return -1;
  struct frame_request *request =
      &requests->slots[frame->stream_id / 2 % FRAME_REQUESTS_REMEMBERED];
  if (request->stream_id == frame->stream_id)
    memcpy(frame->request, request->line, sizeof frame->request);
  else if (begins)
    begin(requests, request, frame->stream_id);
  else
    return 0;
  if (by_client && frame->field_count > 0)
    read_line(request, frame);
  end(requests, request, frame);
  return 0;
}
