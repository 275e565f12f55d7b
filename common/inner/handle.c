/* handle: see handle.h. */
#include "common/inner/handle.h"

#include <stdlib.h>

static void free_handle(uv_handle_t *handle) {
  free(handle);
}

void handle_close(uv_handle_t *handle) {
  if (handle)
    uv_close(handle, free_handle);
}
