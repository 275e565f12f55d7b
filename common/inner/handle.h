/*
 * handle: the end of a libuv handle that was allocated by malloc, on its own: libuv still looks at
 * it after uv_close, so its memory is freed in the close callback and nowhere else.
 */
#ifndef COMMON_HANDLE_H
#define COMMON_HANDLE_H

#include <uv.h>

/* Close it, and free it when libuv lets go of it. NULL is allowed. */
void handle_close(uv_handle_t *handle);

#endif
