/*
 * unread: whether the other end of a local TCP connection has read what was sent to it.
 *
 * While the reader is busy, the kernel joins pieces that were sent separately. To have each byte
 * read separately, wait until the previous one has been read: Linux says for every local socket how
 * many bytes it holds.
 */
#ifndef GRADER_UNREAD_H
#define GRADER_UNREAD_H

/* How many bytes sent through `descriptor` are still unread at the other end, which is on this
 * machine; -1 if the system does not say. */
long unread_bytes(int descriptor);

#endif
