/* peer: see peer.h. */
#include "grader/play/peer.h"

#include <string.h>

struct peer_stream *peer_find_stream(struct peer *peer, int32_t stream_id) {
  size_t place = (size_t)stream_id / 2;
  size_t end = PEER_STREAMS; /* of the places of streams between two leaps */
  if (stream_id <= 0 || stream_id % 2 == 0)
    return NULL;
  for (size_t i = 0; i < peer->leap_count; i++) {
    if (stream_id < peer->leaps[i].id) {
      end = peer->leaps[i].place;
      break;
    }
    place = peer->leaps[i].place + (size_t)(stream_id - peer->leaps[i].id) / 2;
  }
  return place < end ? &peer->streams[place] : NULL;
}

struct peer_stream *peer_stream(struct peer *peer, int32_t stream_id) {
  struct peer_stream *stream = peer_find_stream(peer, stream_id);
  if (!stream)
    exchange_fail(peer->exchange,
                  "uses-stream-clients-streams-1| Your program uses stream %d: a client's streams "
                  "are 1, 3, 5, ...",
                  stream_id);
  return stream;
}

void peer_leave_out(struct peer *peer, int32_t from, int32_t to) {
  const struct peer_stream *next = peer_stream(peer, from);
  if (peer->leap_count == PEER_LEAPS)
    exchange_fault(peer->exchange, "too many leaps in the numbers of streams");
  peer->leaps[peer->leap_count].id = to;
  peer->leaps[peer->leap_count++].place = (size_t)(next - peer->streams);
}

enum frame_sender peer_own_side(const struct peer *peer) {
  return peer->program == FRAME_FROM_CLIENT ? FRAME_FROM_SERVER : FRAME_FROM_CLIENT;
}

/* Where the frame stands in the recording that has just been added to it. */
long peer_last_entry(const struct peer *peer) {
  return (long)peer->exchange->recording.count - 1;
}

void peer_note_close(struct peer *peer) {
  if (!peer->closes || peer->bytes_unsent > 0)
    return;
  peer->closes = false;
  recording_add_note(&peer->exchange->recording, peer->connection,
                     peer->program == FRAME_FROM_CLIENT ? "closed by the server"
                                                        : "closed by the client");
}

bool peer_is_sending(const struct peer *peer) {
  return peer->transport && peer->slow_sent < peer->slow.length;
}

const char *peer_field(struct peer *peer, int32_t stream_id, const char *name) {
  const struct peer_stream *stream = peer_stream(peer, stream_id);
  size_t name_length = strlen(name);
  const char *line = stream->fields.bytes;
  while (line && *line) {
    size_t length = strcspn(line, "\n");
    if (strncmp(line, name, name_length) == 0 && strncmp(line + name_length, ": ", 2) == 0) {
      buffer_clear(&peer->value);
      buffer_append(&peer->value, line + name_length + 2, length - name_length - 2);
      return peer->value.bytes;
    }
    line += length + (line[length] == '\n');
  }
  return NULL;
}

long peer_find_frame(const struct peer *peer, uint8_t type, int32_t stream_id) {
  const struct recording *recording = &peer->exchange->recording;
  for (size_t i = 0; i < recording->count && !peer->is_reference; i++) {
    const struct recorded *entry = &recording->entries[i];
    if (entry->frame && entry->connection == peer->connection &&
        entry->frame->sender == peer->program && entry->frame->type == type &&
        (stream_id == 0 || entry->frame->stream_id == stream_id))
      return (long)i;
  }
  return -1;
}
