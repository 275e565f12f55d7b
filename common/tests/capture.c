/* capture: see capture.h. We leave out checksums: by default, Wireshark does not look at them. */
#include "common/tests/capture.h"

#include <arpa/inet.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <string.h>

void capture_begin(FILE *file) {
  enum { LINKTYPE_RAW = 101 }; /* packets begin with an IP header */
  const struct {
    uint32_t magic;
    uint16_t major, minor;
    uint32_t zone, accuracy, longest, type;
  } header = {0xa1b2c3d4, 2, 4, 0, 0, 65535, LINKTYPE_RAW};
  fwrite(&header, sizeof header, 1, file);
}

void capture_bytes(struct capture *capture, enum frame_sender sender, const void *bytes,
                   size_t length) {
  bool is_client = sender == FRAME_FROM_CLIENT;
  struct {
    struct iphdr ip;
    struct tcphdr tcp;
  } headers = {0};
  uint32_t size = (uint32_t)(sizeof headers + length);
  const uint32_t record[] = {0, 0, size, size}; /* time, length */
  headers.ip = (struct iphdr){.version = IPVERSION,
                              .ihl = sizeof headers.ip / 4,
                              .tot_len = htons((uint16_t)size),
                              .ttl = IPDEFTTL,
                              .protocol = IPPROTO_TCP,
                              .saddr = htonl(INADDR_LOOPBACK),
                              .daddr = htonl(INADDR_LOOPBACK)};
  headers.tcp.th_sport = htons(is_client ? capture->client_port : CAPTURE_SERVER_PORT);
  headers.tcp.th_dport = htons(is_client ? CAPTURE_SERVER_PORT : capture->client_port);
  headers.tcp.th_seq = htonl(1 + capture->next[sender]);
  headers.tcp.th_ack = htonl(1 + capture->next[!sender]);
  headers.tcp.th_off = sizeof headers.tcp / 4;
  headers.tcp.th_flags = TH_ACK;
  headers.tcp.th_win = htons(65535);
  capture->next[sender] += (uint32_t)length;
  fwrite(record, sizeof record, 1, capture->file);
  fwrite(&headers, sizeof headers, 1, capture->file);
  fwrite(bytes, 1, length, capture->file);
}
