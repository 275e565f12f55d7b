/*
 * pcap: write the bytes of connections as a capture file for Wireshark and tshark (pcapng).
 *
 * It captures nothing from the network, which would need privileges: it makes up packets around the
 * bytes that a recorder has seen, in their order and at their time. So the IP and TCP headers are
 * those of a network that loses nothing, from 127.0.0.1 to 127.0.0.1, with the labs' own ports:
 * 8000, or 8443 for TLS, and 50001, 50002, ... for the clients. For TLS the bytes are those of the
 * TLS records; pcap_secret embeds their keys (a decryption secrets block), so that Wireshark can
 * read them.
 *
 * Everything stays in memory until pcap_write, because the keys must come before the records. Calls
 * do nothing on NULL, and nothing more once memory runs out or PCAP_LIMIT bytes are reached.
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

/* Open connection 1, 2, ...: the three packets of TCP's handshake. Connections after
 * PCAP_CONNECTIONS are left out. */
void pcap_open(struct pcap *pcap, unsigned connection, bool tls);

/* `sender` has sent these bytes. */
void pcap_bytes(struct pcap *pcap, unsigned connection, enum frame_sender sender, const void *bytes,
                size_t length);

/* The connection ends: `sender` ends it first, with FIN or with RST. Only the first call for a
 * connection counts. */
void pcap_close(struct pcap *pcap, unsigned connection, enum frame_sender sender, bool reset);

/* A line of a key log, as OpenSSL gives it to a keylog callback (without a newline). */
void pcap_secret(struct pcap *pcap, const char *line);

/* Write the file. Returns 0; or -1 with errno set, also if something is missing because memory ran
 * out. */
int pcap_write(const struct pcap *pcap, const char *path);

/* NULL is allowed. */
void pcap_free(struct pcap *pcap);

#endif
