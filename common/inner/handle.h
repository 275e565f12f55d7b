/*
 * handle: close a libuv handle that malloc has allocated by itself. libuv still looks at it after
 * uv_close, so the close callback, and nothing else, frees its memory.
 */
#ifndef COMMON_HANDLE_H
#define COMMON_HANDLE_H

#include <uv.h>

/* Close the handle, and free it when libuv is done with it. NULL is allowed. */
void handle_close(uv_handle_t *handle);

#endif
