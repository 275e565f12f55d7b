/*
 * unread: whether the other end of a local TCP connection has read what was sent to it.
 *
 * The kernel joins what was sent in pieces while the reader is busy. Who wants every
 * octet to be read by itself must wait for the one before, and Linux tells of every
 * local socket how many bytes lie in it.
 */
#ifndef GRADER_UNREAD_H
#define GRADER_UNREAD_H

/* How many bytes have been sent through `descriptor` and lie unread at the other end, which is on
 * this machine; -1 if that is not told. */
long unread_bytes(int descriptor);

#endif
