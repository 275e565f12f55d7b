/*
 * pcap: the bytes of connections as a capture file, which Wireshark and tshark read (pcapng).
 *
 * Nothing is captured from the network, which would need privileges: the packets are made up around
 * the bytes that a recorder has seen, in their order and at their time. So the IP and TCP headers
 * are what they would have been on a network that loses nothing, from 127.0.0.1 to 127.0.0.1, with
 * the labs' own ports: 8000, or 8443 for TLS, and 50001, 50002, ... for the clients. For TLS the
 * bytes are those of the TLS records; with pcap_secret their keys are embedded (a decryption
 * secrets block), so that they can be read.
 *
 * All is kept in memory until pcap_write, because the keys must come before what they open. Calls
 * do nothing on NULL, and nothing more once there is no memory, or PCAP_LIMIT bytes.
 */
#ifndef GRADER_PCAP_H
#define GRADER_PCAP_H

#include <stdbool.h>
#include <stddef.h>

#include "common/frame.h"

enum { PCAP_LIMIT = 64 << 20, PCAP_CONNECTIONS = 128 };

enum { PCAP_PORT = 8000, PCAP_TLS_PORT = 8443, PCAP_CLIENT_PORT = 50000 };

struct pcap;

/* Returns NULL when there is no memory. */
struct pcap *pcap_new(void);

/* Connection 1, 2, ... is opened: the three packets of TCP's handshake. Those after
 * PCAP_CONNECTIONS are left out. */
void pcap_open(struct pcap *pcap, unsigned connection, bool tls);

/* `sender` has sent these bytes. */
void pcap_bytes(struct pcap *pcap, unsigned connection, enum frame_sender sender, const void *bytes,
                size_t length);

/* The connection ends: `sender` says so first, with FIN or with RST. Only the first
 * call for a connection counts. */
void pcap_close(struct pcap *pcap, unsigned connection, enum frame_sender sender, bool reset);

/* A line of a key log, as OpenSSL gives it to a keylog callback (without a newline). */
void pcap_secret(struct pcap *pcap, const char *line);

/* Write the file. Returns 0, or -1 with errno set; also if something had to be left
 * out for want of memory. */
int pcap_write(const struct pcap *pcap, const char *path);

/* NULL is allowed. */
void pcap_free(struct pcap *pcap);

#endif
