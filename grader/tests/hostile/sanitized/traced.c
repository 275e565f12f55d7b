/* Is traced already when LeakSanitizer wants to trace it, and so cannot be looked at. */
#include <stdio.h>
#include <sys/ptrace.h>

int main(void) {
  ptrace(PTRACE_TRACEME, 0, NULL, NULL);
  fputs("on stderr\n", stderr);
  return 0;
}
