/* Writes beyond the end of an array on its stack: AddressSanitizer then doubts its own report. */
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv) {
  char array[4] = "";
  (void)argv;
  fputs("on stderr\n", stderr);
  memset(array, argc, 4 + (size_t)argc);
  return array[0] == 0;
}
