/* Has a tracer already when LeakSanitizer wants to trace it, so that LeakSanitizer fails. */
#include <stdio.h>
#include <sys/ptrace.h>

int main(void) {
  ptrace(PTRACE_TRACEME, 0, NULL, NULL);
  fputs("on stderr\n", stderr);
  return 0;
}
