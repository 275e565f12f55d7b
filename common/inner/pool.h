/*
 * pool: memory for the small things that come and go with every request.
 *
 * malloc keeps only a few blocks of a size at hand, and a hundred streams at once need a hundred:
 * so freed blocks are kept here, by size, a bounded amount of each, and handed out again. They
 * belong to the thread, as a loop and all on it does: what is allocated in one must be freed in it.
 * When a thread that has called pool_nghttp2 ends, its free blocks go back to the system.
 *
 * Under AddressSanitizer it is plain malloc, so that a use after free is still found.
 */
#ifndef COMMON_POOL_H
#define COMMON_POOL_H

#include <nghttp2/nghttp2.h>
#include <stddef.h>

/* As malloc and free. */
void *pool_alloc(size_t size);
void pool_free(void *memory);

/* The same for a session of this thread: for nghttp2_session_server_new3 and
 * nghttp2_session_client_new3. */
nghttp2_mem *pool_nghttp2(void);

#endif
