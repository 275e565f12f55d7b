/* Reports of the sanitizers, in words for a student. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "grader/words/report.h"

TestSuite(report, .timeout = 60);

static const struct lab lab = {.id = "lab03",
                               .folder = "lab03-server",
                               .title = "a server",
                               .programs = {"server"},
                               .points = 15};

static const char double_free[] =
    "=================================================================\n"
    "==1465==ERROR: AddressSanitizer: attempting double-free on 0x603000000100 in thread T0:\n"
    "    #0 0x7fa6d06b76a8 in __interceptor_free ../../src/libsanitizer/asan_malloc_linux.cpp:52\n"
    "    #1 0x558a9990aa6d in free_stream /home/x/lab03-server-1/lab03-server/server.c:186\n"
    "    #2 0x558a9990aa6d in on_close /home/x/lab03-server-1/lab03-server/server.c:219\n"
    "    #3 0x558a9990cacc in on_close /home/x/lab03-server-1/common/connection.c:144\n"
    "\n"
    "0x603000000100 is located 0 bytes inside of 32-byte region [0x603000000100,0x603000000120)\n"
    "freed by thread T0 here:\n"
    "    #0 0x7fa6d06b76a8 in __interceptor_free ../../src/libsanitizer/asan_malloc_linux.cpp:52\n"
    "    #1 0x558a9990ba8f in on_stream_close /home/x/lab03-server-1/lab03-server/server.c:203\n"
    "\n"
    "previously allocated by thread T0 here:\n"
    "    #0 0x7fa6d06b83b7 in __interceptor_calloc "
    "../../src/libsanitizer/asan_malloc_linux.cpp:77\n"
    "    #1 0x558a9990ac94 in on_begin_headers /home/x/lab03-server-1/lab03-server/server.c:68\n";

static void expect_sentence(const char *report, const char *sentence) {
  const char *words = strstr(report_sentence(report), "| "); /* after the id */
  cr_assert(words && strcmp(words + 2, sentence) == 0, "'%s', not '%s', for %s",
            report_sentence(report), sentence, report);
}

static void expect_quote(const char *report, const char *expected) {
  struct buffer text = {0};
  report_quote(&text, report, &lab);
  cr_assert(text.bytes && strcmp(text.bytes, expected) == 0, "quoted is\n%s", text.bytes);
  buffer_free(&text);
}

Test(report, says_what_happened) {
  expect_sentence(double_free, "Your program frees the same memory twice.");
  expect_sentence("==1==ERROR: LeakSanitizer: detected memory leaks\n",
                  "Your program does not free all the memory that it allocates.");
  expect_sentence("server.c:1:2: runtime error: member access within null pointer of type 'x'\n",
                  "Your program follows a NULL pointer.");
  expect_sentence(
      "server.c:1:2: runtime error: member access within null pointer of type 'struct list'\n",
      "Your program takes a member out of a list, but never added it to one.");
  expect_sentence(
      "list.c:14:3: runtime error: member access within null pointer of type 'struct list'\n"
      "    #0 0x1 in list_add common/list.c:14\n",
      "Your program calls list_add with NULL, or with its arguments in the wrong order: the list "
      "comes first.");
  expect_sentence("server.c:1:2: runtime error: member access within misaligned address "
                  "0xbebebebebebebebe for type 'struct x'\n",
                  "Your program uses memory from malloc that it has never set: AddressSanitizer "
                  "fills it with 0xbe.");
  expect_sentence(
      "==1==ERROR: AddressSanitizer: heap-use-after-free on address 0x1\n"
      "    #0 0x1 in look common/inner/noted.c:23\n"
      "    #1 0x1 in handshake_of_student common/inner/noted.c:173\n",
      "Your function handshake has freed the SSL of its connection: never call SSL_free "
      "here. Return TLS_FAILED; then it is freed for you.");
  expect_sentence(
      "==1==ERROR: AddressSanitizer: BUS on unknown address\n",
      "Your program follows a wild pointer: it was never set, or points into freed memory.");
}

Test(report, tells_the_end_of_the_stack_from_a_wild_pointer) {
  static const char begin[] =
      "==9==ERROR: AddressSanitizer: SEGV on unknown address 0x7ffc274b0000 "
      "(pc 0x7f9ad7150d8a bp 0x7ffc273ab2e0 sp ";
  static const char end[] = " T0)\n==9==The signal is caused by a READ memory access.\n";
  char report[512];
  snprintf(report, sizeof report, "%s0x7ffc273ab268%s", begin, end);
  expect_sentence(report, "Your program reads beyond the end of a text or an array: the length is "
                          "too large, or the place where it begins is wrong.");
  snprintf(report, sizeof report, "%s0x7ffd273ab268%s", begin, end);
  expect_sentence(
      report,
      "Your program follows a wild pointer: it was never set, or points into freed memory.");
}

Test(report, tells_a_large_array_from_a_recursion) {
  char recursion[2048] = "==1==ERROR: AddressSanitizer: stack-overflow on address 0x7ffc\n";
  const char *array = "==1==ERROR: AddressSanitizer: stack-overflow on address 0x7ffc\n"
                      "    #0 0x1 in on_data /x/lab03-server/server.c:10\n"
                      "    #1 0x2 in receive /x/common/transport.c:20\n"
                      "    #2 0x3 in on_poll /x/common/transport.c:30\n"
                      "    #3 0x4 in uv_run (/lib/libuv.so.1+0x1)\n";
  for (int i = 0; i < 20; i++)
    snprintf(recursion + strlen(recursion), sizeof recursion - strlen(recursion),
             "    #%d 0x1 in again /x/lab03-server/server.c:10\n", i);
  expect_sentence(recursion, "Your program calls itself without end.");
  char deep[4096] = "==1==ERROR: AddressSanitizer: stack-overflow on address 0x7ffc\n";
  for (int i = 0; i < 10; i++) /* the library's functions, called last */
    snprintf(deep + strlen(deep), sizeof deep - strlen(deep),
             "    #%d 0x1 in SSL_do_part_%d (/lib/libssl.so.3+0x1)\n", i, i);
  strcat(deep, strstr(recursion, "    #0"));
  expect_sentence(deep, "Your program calls itself without end.");
  expect_sentence(array, "Your program reads or writes where the stack ends: a copy is too long or "
                         "begins too far behind, as in an argument of main (argv), or a local "
                         "variable is too large.");
}

Test(report, names_the_variable_that_is_too_small) {
  expect_quote("==9==ERROR: AddressSanitizer: stack-buffer-overflow on address 0x7fae at pc 0x3\n"
               "READ of size 1 at 0x7fae02900068 thread T0\n"
               "    #0 0x349536 in look common/inner/probe.c:209\n"
               "    #1 0x326b05 in on_begin_headers /x/lab03-server/server.c:76\n\n"
               "Address 0x7fae is located in stack of thread T0 at offset 40 in frame\n"
               "    #0 0x3269f6 in on_begin_headers /x/lab03-server/server.c:72\n\n"
               "  This frame has 2 object(s):\n"
               "    [16, 24) 'date' (line 74)\n"
               "    [32, 40) 'iv' (line 75) <== Memory access at offset 40 overflows this "
               "variable\n",
               "AddressSanitizer: stack-buffer-overflow, reads of 1 byte\n"
               "in on_begin_headers, lab03-server/server.c:76\n"
               "the variable iv of on_begin_headers, lab03-server/server.c:72\n");
}

Test(report, finds_the_students_own_line) {
  struct report_place place;
  const char *rest = report_find_place(double_free, &lab, &place);
  cr_assert(place.line == 186 && strcmp(place.function, "free_stream") == 0);
  cr_assert(strcmp(place.path, "/home/x/lab03-server-1/lab03-server/server.c") == 0, "%s",
            place.path);
  cr_assert(report_find_place(rest, &lab, &place) && strcmp(place.function, "on_close") == 0);
}

Test(report, finds_none_where_all_is_in_a_library) {
  struct report_place place;
  cr_assert(!report_find_place(
      "    #1 0x1 in on_close /home/lab03-server-1/common/connection.c:1\n", &lab, &place));
}

Test(report, quotes_the_places_and_not_the_rest) {
  expect_quote(double_free,
               "AddressSanitizer: attempting double-free on 0x603000000100 in thread T0:\n"
               "in free_stream, lab03-server/server.c:186\n"
               "called by on_close, lab03-server/server.c:219\n"
               "freed in on_stream_close, lab03-server/server.c:203\n"
               "allocated in on_begin_headers, lab03-server/server.c:68\n");
}

Test(report, names_the_librarys_function_where_no_frame_is_the_students) {
  expect_quote("==1==ERROR: LeakSanitizer: detected memory leaks\n"
               "\n"
               "Direct leak of 184 byte(s) in 1 object(s) allocated from:\n"
               "    #0 0x1 in __interceptor_calloc ../x.cpp:77\n"
               "    #1 0x2 in nghttp2_session_callbacks_new (/lib/libnghttp2.so.14+0x19a22)\n",
               "LeakSanitizer: detected memory leaks\n"
               "allocated in nghttp2_session_callbacks_new\n");
}

Test(report, stands_rubbish) {
  struct buffer text = {0};
  struct report_place place;
  report_quote(&text, "", &lab);
  report_quote(&text, "#1\n    #1 0x\n    #2 0x1 in\n.c:\nERROR: ", &lab);
  cr_assert(!report_find_place("    #1 0x1 in f .c:", &lab, &place));
  buffer_free(&text);
}
