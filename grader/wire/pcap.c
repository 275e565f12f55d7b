/* pcap: see pcap.h. The format: https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-03.html */
#include "grader/wire/pcap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/buffer.h"

enum {
  BLOCK_SECTION = 0x0a0d0d0a,
  BLOCK_INTERFACE = 1,
  BLOCK_PACKET = 6,
  BLOCK_SECRETS = 10,
  BYTE_ORDER_MAGIC = 0x1a2b3c4d,
  TLS_KEY_LOG = 0x544c534b,
  LINKTYPE_RAW = 101,      /* a packet begins with its IP header */
  LARGEST_SEGMENT = 32768, /* of the bytes of one packet; IP has room for 65,535 */
};

struct pcap_connection {
  bool is_open;
  bool is_closed;
  bool tls;
  uint32_t sent[2]; /* by enum frame_sender, as TCP counts: SYN and FIN count as one byte */
};

struct pcap {
  struct buffer packets; /* blocks */
  struct buffer secrets; /* lines */
  bool incomplete;
  uint16_t packet_count;
  struct pcap_connection connections[PCAP_CONNECTIONS];
};

struct packet_headers {
  struct iphdr ip;
  struct tcphdr tcp;
};

/* --- Blocks ----------------------------------------------------------------------------------- */

/* A block is its type and length, a fixed part and bytes that are filled up to 32
 * bits, options, and the length again. */
static int append_block(struct buffer *to, uint32_t type, const void *fixed, size_t fixed_length,
                        const void *bytes, size_t length, const void *more, size_t more_length) {
  static const char zeros[4] = {0};
  size_t filled = -(length + more_length) & 3;
  uint32_t whole = (uint32_t)(12 + fixed_length + length + more_length + filled);
  uint32_t head[2] = {type, whole};
  return buffer_append(to, head, sizeof head) | buffer_append(to, fixed, fixed_length) |
         buffer_append(to, bytes, length) | buffer_append(to, more, more_length) |
         buffer_append(to, zeros, filled) | buffer_append(to, &whole, sizeof whole);
}

static int append_section(struct buffer *to) {
  struct {
    uint32_t magic;
    uint16_t major, minor;
    int64_t length;
  } section = {BYTE_ORDER_MAGIC, 1, 0, -1 /* not told */};
  return append_block(to, BLOCK_SECTION, &section, sizeof section, NULL, 0, NULL, 0);
}

static int append_interface(struct buffer *to) {
  struct {
    uint16_t link_type, reserved;
    uint32_t limit;
    uint16_t resolution, one;
    uint8_t nanoseconds, padding[3];
    uint16_t end, zero;
  } interface = {LINKTYPE_RAW, 0, 0, 9 /* if_tsresol */, 1, 9, {0}, 0, 0};
  return append_block(to, BLOCK_INTERFACE, &interface, sizeof interface, NULL, 0, NULL, 0);
}

static int append_secrets(struct buffer *to, const struct buffer *secrets) {
  uint32_t fixed[2] = {TLS_KEY_LOG, (uint32_t)secrets->length};
  if (secrets->length == 0)
    return 0;
  return append_block(to, BLOCK_SECRETS, fixed, sizeof fixed, secrets->bytes, secrets->length, NULL,
                      0);
}

static int append_packet(struct buffer *to, const struct packet_headers *headers, const void *bytes,
                         size_t length) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now); /* cannot fail for this clock */
  uint64_t time = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
  uint32_t size = (uint32_t)(sizeof *headers + length);
  uint32_t fixed[5] = {0, (uint32_t)(time >> 32), (uint32_t)time, size, size};
  return append_block(to, BLOCK_PACKET, fixed, sizeof fixed, headers, sizeof *headers, bytes,
                      length);
}

/* --- Packets ---------------------------------------------------------------------------------- */

/* The Internet checksum (RFC 1071): the running sum, and the final value. */
static uint32_t add_up(uint32_t sum, const void *data, size_t length) {
  const uint8_t *bytes = data;
  for (size_t i = 0; i < length; i += 2) {
    /* cppcheck-suppress nullPointer ; NULL comes with length 0 */
    sum += (uint32_t)bytes[i] << 8 | (i + 1 < length ? bytes[i + 1] : 0u);
    sum = (sum & 0xffff) + (sum >> 16);
  }
  return sum;
}

static uint16_t checksum(uint32_t sum) {
  return htons((uint16_t)~sum);
}

/* IP and TCP headers around these bytes, with all but the checksums. */
static struct packet_headers make_headers(struct pcap *pcap, unsigned connection,
                                          enum frame_sender sender, size_t length) {
  const struct pcap_connection *state = &pcap->connections[connection - 1];
  uint16_t server = state->tls ? PCAP_TLS_PORT : PCAP_PORT;
  uint16_t client = (uint16_t)(PCAP_CLIENT_PORT + connection);
  bool from_client = sender == FRAME_FROM_CLIENT;
  struct packet_headers headers = {.ip = {.version = 4,
                                          .ihl = sizeof headers.ip / 4,
                                          .tot_len = htons((uint16_t)(sizeof headers + length)),
                                          .id = htons(++pcap->packet_count),
                                          .frag_off = htons(IP_DF),
                                          .ttl = 64,
                                          .protocol = IPPROTO_TCP,
                                          .saddr = htonl(INADDR_LOOPBACK),
                                          .daddr = htonl(INADDR_LOOPBACK)},
                                   .tcp = {.th_sport = htons(from_client ? client : server),
                                           .th_dport = htons(from_client ? server : client),
                                           .th_seq = htonl(state->sent[sender]),
                                           .th_ack = htonl(state->sent[!sender]),
                                           .th_off = sizeof headers.tcp / 4,
                                           .th_win = htons(65535)}};
  return headers;
}

/* One packet with these flags of TCP. */
static void add_packet(struct pcap *pcap, unsigned connection, enum frame_sender sender,
                       uint8_t flags, const void *bytes, size_t length) {
  struct packet_headers headers = make_headers(pcap, connection, sender, length);
  headers.tcp.th_flags = flags;
  if (!(flags & TH_ACK))
    headers.tcp.th_ack = 0;
  headers.ip.check = checksum(add_up(0, &headers.ip, sizeof headers.ip));
  uint32_t sum =
      add_up(IPPROTO_TCP + (uint32_t)(sizeof headers.tcp + length), &headers.ip.saddr, 8);
  sum = add_up(sum, &headers.tcp, sizeof headers.tcp);
  headers.tcp.th_sum = checksum(add_up(sum, bytes, length));
  if (pcap->packets.length + length > PCAP_LIMIT ||
      append_packet(&pcap->packets, &headers, bytes, length) != 0)
    pcap->incomplete = true;
  pcap->connections[connection - 1].sent[sender] +=
      (uint32_t)length + ((flags & (TH_SYN | TH_FIN)) != 0);
}

/* --- Connections ------------------------------------------------------------------------------ */

struct pcap *pcap_new(void) {
  return calloc(1, sizeof(struct pcap));
}

/* The connection, if it can have packets now; or NULL. */
static struct pcap_connection *find(struct pcap *pcap, unsigned connection) {
  if (!pcap || pcap->incomplete || connection == 0 || connection > PCAP_CONNECTIONS)
    return NULL;
  return &pcap->connections[connection - 1];
}

void pcap_open(struct pcap *pcap, unsigned connection, bool tls) {
  struct pcap_connection *state = find(pcap, connection);
  if (!state || state->is_open)
    return;
  state->is_open = true;
  state->tls = tls;
  add_packet(pcap, connection, FRAME_FROM_CLIENT, TH_SYN, NULL, 0);
  add_packet(pcap, connection, FRAME_FROM_SERVER, TH_SYN | TH_ACK, NULL, 0);
  add_packet(pcap, connection, FRAME_FROM_CLIENT, TH_ACK, NULL, 0);
}

void pcap_bytes(struct pcap *pcap, unsigned connection, enum frame_sender sender, const void *bytes,
                size_t length) {
  const struct pcap_connection *state = find(pcap, connection);
  const uint8_t *next = bytes;
  while (state && state->is_open && !state->is_closed && length > 0 && !pcap->incomplete) {
    size_t size = length < LARGEST_SEGMENT ? length : LARGEST_SEGMENT;
    add_packet(pcap, connection, sender, TH_PUSH | TH_ACK, next, size);
    next += size;
    length -= size;
  }
}

void pcap_close(struct pcap *pcap, unsigned connection, enum frame_sender sender, bool reset) {
  struct pcap_connection *state = find(pcap, connection);
  enum frame_sender other = sender == FRAME_FROM_CLIENT ? FRAME_FROM_SERVER : FRAME_FROM_CLIENT;
  if (!state || !state->is_open || state->is_closed)
    return;
  state->is_closed = true;
  if (reset) {
    add_packet(pcap, connection, sender, TH_RST | TH_ACK, NULL, 0);
    return;
  }
  add_packet(pcap, connection, sender, TH_FIN | TH_ACK, NULL, 0);
  add_packet(pcap, connection, other, TH_FIN | TH_ACK, NULL, 0);
  add_packet(pcap, connection, sender, TH_ACK, NULL, 0);
}

void pcap_secret(struct pcap *pcap, const char *line) {
  if (pcap && (buffer_append_text(&pcap->secrets, line) != 0 ||
               buffer_append_text(&pcap->secrets, "\n") != 0))
    pcap->incomplete = true;
}

int pcap_write(const struct pcap *pcap, const char *path) {
  struct buffer head = {0};
  FILE *file = NULL;
  int result = -1;
  errno = ENOMEM;
  if (pcap && !append_section(&head) && !append_interface(&head) &&
      !append_secrets(&head, &pcap->secrets))
    file = fopen(path, "we");
  if (file) {
    bool written =
        fwrite(head.bytes, 1, head.length, file) == head.length &&
        fwrite(pcap->packets.bytes, 1, pcap->packets.length, file) == pcap->packets.length;
    result = fclose(file) == 0 && written ? 0 : -1;
  }
  buffer_free(&head);
  if (result == 0 && pcap->incomplete) {
    errno = ENOMEM;
    result = -1;
  }
  return result;
}

void pcap_free(struct pcap *pcap) {
  if (!pcap)
    return;
  buffer_free(&pcap->packets);
  buffer_free(&pcap->secrets);
  free(pcap);
}
