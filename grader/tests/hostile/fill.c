/* Writes a file without end. */
#include <stdio.h>

int main(void) {
  FILE *file = fopen("file", "w");
  while (file != NULL)
    fputs("and so on\n", file);
  return 1;
}
