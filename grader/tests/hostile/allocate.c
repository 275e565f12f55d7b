/* Takes memory without end, and uses it. */
#include <stdlib.h>
#include <string.h>

int main(void) {
  for (;;) {
    char *memory = malloc(1 << 20);
    if (memory != NULL)
      memset(memory, 1, 1 << 20);
  }
}
