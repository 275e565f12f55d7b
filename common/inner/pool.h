/*
 * pool: memory for the small blocks that every request allocates and frees.
 *
 * malloc keeps only a few blocks of each size ready, but a hundred streams at once need a hundred.
 * So the pool keeps freed blocks by size, a bounded amount of each, and hands them out again. The
 * blocks belong to the thread, like a loop and everything on it: free them in the thread that has
 * allocated them. When a thread that has called pool_nghttp2 ends, its free blocks go back to the
 * system.
 *
 * Under AddressSanitizer the pool is plain malloc, so that the sanitizer still finds a use after
 * free.
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
