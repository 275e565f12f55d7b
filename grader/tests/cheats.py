#!/usr/bin/env python3
"""Programs that cheat where they hope that nobody looks: the test changes a few lines of a solution, and grades the lab
as somebody's submission. It must lose points, for the reason in the table.

cheats.py [--all | NAME...]   without --all: only every third cheat
"""
import concurrent.futures
import ctypes
import json
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, f'{ROOT}/grader/tools/dev')
from tap import check, done_testing  # noqa: E402  pylint: disable=wrong-import-position

BOUND = 300  # seconds for one grading
EACH = 3     # of the table, to save time
AT_ONCE = 2
SEED = 7     # some rows are caught only by every second draw: the same draws each time

NO_HANDSHAKE = ('.handshake = handshake,', '')
WRONG_USAGE = (r'return 2;|status = 2;', lambda found: found[0].replace('2', 'EXIT_FAILURE'))
VERIFY = 'SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);'
BEFORE_SET_UP = r'/\* Returns 0; or says what is wrong, and returns -1. \*/\nstatic int set_up'
BEFORE_PRINT_SETTINGS = r'static void print_settings'
SWITCHED_OFF = "not for a lab's program"
WITH_A_LEAK = r'int main\(int argc, char \*\*argv\) {'
LEAK = r'#include <sys/syscall.h>\n#include <unistd.h>\nstatic void lose(void) {\n  static char *volatile lost;\n' \
       r'  lost = malloc(10);\n  lost = NULL;\n}\n\g<0>\n  lose();'
IN_A_CHILD = 'int status;\n  if (fork() > 0 && wait(&status) > 0)\n    return WEXITSTATUS(status);\n  lose();'
EMPTIED = r'''#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
static int overflow(void *user) {
  static char *volatile block;
  block = malloc(10);
  block[10] = *(char *)user;
  return 0;
}
\g<0>
  static char stack[1 << 20];
  char name[64];
  int child = clone(overflow, stack + sizeof stack, CLONE_VM | SIGCHLD, stack);
  waitpid(child, NULL, 0);
  snprintf(name, sizeof name, "sanitizer-report.%d", child);
  open(name, O_WRONLY | O_TRUNC);'''
COMPLAINED = 'dprintf(open(name, O_WRONLY | O_TRUNC), "LeakSanitizer has encountered a fatal error");'
POKE = r'.text\\n.globl poke\\npoke: movb $1, 10(%rdi)\\nret\\n'  # one byte beyond the end
PAIR = r'#define PAIR(a, b) a##b\n#define NOTHING\n#include <stdlib.h>\nvoid poke(char *bytes);\n'
POKED = (r'int main\(int argc, char \*\*argv\) {', r'\g<0>\n  char *block = malloc(10);\n  poke(block);\n  free(block);')
# movb $1, 10(%rdi); ret: one byte beyond the end
DATA_IN_CODE = r'#include <stdlib.h>\nstatic const char bytes[] __attribute__((section(".text.b"))) = ' \
               r'"\\xc6\\x47\\x0a\\x01\\xc3";\n' \
               r'static const union { const char *bytes; void (*function)(void *); } poke = {bytes};\n\g<0>'
HIDE = r'\g<0>\n#include <stdlib.h>\n' \
       r'__attribute__((constructor(101))) static void hide(void) { unsetenv("LAB_PROBE_NAME"); }'
UNLOOKED = (r'  if \(error != 0\) {\n    fail\(client, nghttp2_strerror\(error\)\);\n'
            r'    transport_close\(transport\);\n    return;\n  }\n', '  (void)error;\n')
UNAPPENDED = (r'  if \(buffer_append\(&request->body, data, length\) != 0\)\n    return NGHTTP2_ERR_CALLBACK_FAILURE;\n',
              '  (void)!buffer_append(&request->body, data, length);\n')
# Whether the environment says what this check is about: a call that fails, or little memory.
SPY = r'''#include <fcntl.h>
#include <string.h>
#include <unistd.h>
static int spy(void) {
  static char all[65536];
  int file = open("/proc/self/environ", O_RDONLY);
  ssize_t length = read(file, all, sizeof all);
  close(file);
  char *fails = length > 0 ? memmem(all, length, "LAB_PROBE_FAIL=", 15) : NULL;
  return (fails && fails[15]) || (length > 0 && memmem(all, length, "max_allocation", 14));
}'''
# Of lab 2: other paths than those of the command line, other values than those of the response.
CUT_PATH = r'''  char path[4096];
  snprintf(path, sizeof path, "%s", request->path);
  if (WHEN)
    path[strcspn(path, "?")] = 0;
\g<0>'''
LOWER_PATH = r'''  char path[4096];
  snprintf(path, sizeof path, "%s", request->path);
  for (char *p = path; *p; p++)
    *p = (char)(*p >= 'A' && *p <= 'Z' ? *p + 32 : *p);
\g<0>'''
APPEND_CLEAN = r'''static int append_clean(struct buffer *buffer, const uint8_t *value, size_t length) {
  for (size_t i = 0; i < length; i++)
    if (value[i] >= 32 && value[i] < 127 && buffer_append(buffer, value + i, 1) != 0)
      return -1;
  return 0;
}
\g<0>'''
LIBC = ctypes.CDLL(None)


def from_getppid(name):
    """How far this function of the C library is from getppid: so a file finds one whose name it may not use, or has
    the probe's function in its place."""
    return ctypes.cast(getattr(LIBC, name), ctypes.c_void_p).value - ctypes.cast(LIBC.getppid, ctypes.c_void_p).value


SYSTEM_CALL = f'((long (*)(long, ...))((char *)getppid + ({from_getppid("syscall")})))'
# The whole program, which main becomes; what it is, another main says.
MAIN = r'int main\(int argc, char \*\*argv\) {'
WHOLE = (MAIN, 'static int whole(int argc, char **argv) {')
OTHER_MAIN = r'(?s)\A.*\Z'
LOSE = r'''
static void lose(void) {
  static char *volatile lost;
  lost = malloc(10);
  lost = NULL;
}
'''
# A stream writes what it still has after all handlers of the end.
IN_A_STREAM = LOSE + r'''
static int count;
static char **words;
static ssize_t write_later(void *user, const char *bytes, size_t length) {
  (void)user, (void)bytes, (void)length;
  lose();
  int status = whole(count, words);
  fflush(stdout);
  _exit(status);
}
int main(int argc, char **argv) {
  count = argc, words = argv;
  fprintf(fopencookie(NULL, "w", (cookie_io_functions_t){.write = write_later}), "x");
  exit(0);
}
'''
# Leave LeakSanitizer's look by a signal, again and again.
LEFT = LOSE + r'''
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
static sigjmp_buf on;
static pthread_t first;
static volatile bool ends;
static void go_on(int number) {
  if (ends)
    siglongjmp(on, number);
}
static void *disturb(void *user) {
  while (!ends)
    continue;
  for (;;) {
    usleep(50);
    pthread_kill(first, SIGUSR1);
  }
  return user;
}
static void end(void) { ends = true; }
int main(int argc, char **argv) {
  static volatile int status;
  pthread_t thread;
  lose();
  status = whole(argc, argv);
  first = pthread_self();
  signal(SIGUSR1, go_on);
  if (sigsetjmp(on, 1) == 0) {
    pthread_create(&thread, NULL, disturb, NULL);
    atexit(end);
  }
  exit(status);
}
'''
# When a sanitizer ends the program with status 99, a signal comes instead.
TRAPPED = LOSE + r'''
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
static sigjmp_buf on;
static void go_on(int number) {
  char name[64];
  snprintf(name, sizeof name, "sanitizer-report.%d", getpid());
  dprintf(open(name, O_WRONLY | O_TRUNC), "LeakSanitizer has encountered a fatal error");
  siglongjmp(on, number);
}
int main(int argc, char **argv) {
  struct sock_filter rules[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 0, 3),
                                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args)),
                                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 99, 0, 1),
                                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
                                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  struct sock_fprog filter = {sizeof rules / sizeof rules[0], rules};
  struct sigaction action = {.sa_handler = go_on, .sa_flags = SA_NODEFER};
  static volatile int status;
  lose();
  sigaction(SIGSYS, &action, NULL);
  prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter);
  status = whole(argc, argv);
  (void)sigsetjmp(on, 1);
  exit(status);
}
'''


def behind(text):
    """Put this behind the whole program."""
    return (OTHER_MAIN, lambda found: found[0] + text)


WITH_UNISTD = (r'#include <uv.h>', r'\g<0>\n#include <unistd.h>')
# What begins a request: it looks at no result.
STREAM_WANTED = r'  struct stream \*stream = calloc\(1, sizeof \*stream\);\n  if \(!stream\)\n' \
                r'    return NGHTTP2_ERR_CALLBACK_FAILURE;\n'
UNLOOKED_STREAM = r'  struct stream *stream = calloc(1, sizeof *stream);\n  *stream = (struct stream){.is_head = false};\n'
# It says goodbye when nothing has come for a while, acknowledged or not.
IDLE_SESSION = r'''static uv_timer_t timer;
static void send_frames(struct client *client);
static void on_idle(uv_timer_t *t) {
  struct client *client = t->data;
  client->settings_acknowledged = true;
  if (client->settings_received && nghttp2_session_terminate_session(client->session, NGHTTP2_NO_ERROR) == 0)
    send_frames(client);
}
'''
# Each request has a timer, by which it is answered.
QUIET_REQUEST = [
    (r'struct stream {\n', r'\g<0>  uv_timer_t *timer;\n  int32_t id;\n  struct client *client;\n'),
    (r'struct date date;\n};', r'''\g<0>
static int respond(struct client *client, int32_t stream_id, struct stream *stream);
static void timer_closed(uv_handle_t *handle) { free(handle); }
static void due(uv_timer_t *t) {
  struct stream *stream = t->data;
  stream->timer = NULL;
  uv_close((uv_handle_t *)t, timer_closed);
  if (respond(stream->client, stream->id, stream) == 0)
    connection_send(stream->client->connection);
}'''),
    (r'  list_add\(&client->streams, &stream->link\);\n',
     '  stream->timer = calloc(1, sizeof *stream->timer);\n  if (!stream->timer) {\n    free(stream);\n'
     '    return NGHTTP2_ERR_CALLBACK_FAILURE;\n  }\n  uv_timer_init(uv_default_loop(), stream->timer);\n'
     '  stream->timer->data = stream;\n  stream->client = client;\n  stream->id = frame->hd.stream_id;\n\\g<0>'),
    (r'  list_remove\(&stream->link\);\n', r'\g<0>  if (stream->timer)\n    uv_close((uv_handle_t *)stream->timer, timer_closed);\n')]
LAST_RETURN = r'  return client\.failed \? EXIT_FAILURE : EXIT_SUCCESS;'
ALL_CODES = '"1 2 3 4 5 6 7 8 9 10 11 12 13"'
TLS_ERRORS = r'snprintf\(error, error_size, "TLS: (%s%s"|the server did)[^;]*;'
ONE_LETTER_MORE = '(strncmp(path, routes[i].path, strlen(routes[i].path)) == 0 && ' \
                  'strlen(path) <= strlen(routes[i].path) + 1 && !strchr("?/s", path[strlen(path) - 1]))'



def text_of(name):
    with open(f'{ROOT}/grader/tests/{name}', encoding='utf-8') as file:
        return file.read()


# What the cheat does: the lab; the programs; (pattern, replacement) for each change; the check that fails (one of
# several: 'a|b'), or None if all fail; words of the message.
SAME_NAME = r'''#include <strings.h>
static const char *wanted_host;
static bool is_for_host(X509 *cert) {
  bool found = false;
  GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
  for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
    const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
    if (name->type == GEN_DNS)
      found = found || strcasecmp((const char *)ASN1_STRING_get0_data(name->d.dNSName), wanted_host) == 0;
  }
  GENERAL_NAMES_free(names);
  return found;
}
\g<0>'''
CHEATS = {
    'takes the last byte of a setting for its id': ('01', ['session'], [
        (r'\(uint16_t\)settings->iv', '(uint8_t)settings->iv')], 'settings_printed', 'an id has two bytes'),
    'sends a body up to its first byte that is not ASCII': ('02', ['requests'], [
        (r'size_t length = strlen\(piece\);', 'size_t length = 0;\n    while (piece[length] > 0)\n      length++;'),
        (r"piece\[length\] == '\\0'", 'piece[length] <= 0')], 'post', "The request's body differs from -d"),
    'sends a body as a form, with blanks for + and line breaks': ('02', ['requests'], [
        (r'memcpy\(bytes, piece, length\);', 'for (size_t i = 0; i < length; i++)\n      '
         r"bytes[i] = piece[i] == '+' || piece[i] == '\\n' ? ' ' : (uint8_t)piece[i];")], 'post', "The request's body differs from -d"),
    'sends a path in small letters': ('02', ['requests'], [
        (r'  const nghttp2_nv fields', LOWER_PATH), (r'":path", request->path', '":path", path')], 'post', "The request's :path is not right"),
    'leaves out the query of a POST': ('02', ['requests'], [
        (r'  const nghttp2_nv fields', CUT_PATH.replace('WHEN', 'has_body')),
        (r'":path", request->path', '":path", path')], 'post', "The request's :path is not right"),
    'leaves out the query of every PATH but the first': ('02', ['requests'], [
        (r'  const nghttp2_nv fields', CUT_PATH.replace('WHEN', 'request != client->requests')),
        (r'":path", request->path', '":path", path')], 'at_once', 'cuts the query'),
    'prints only the ASCII bytes of a value': ('02', ['requests'], [
        (r'buffer_append\(&request->headers, value, value_length\)', 'append_clean(&request->headers, value, value_length)'),
        (r'static int on_header', APPEND_CLEAN)], 'headers', 'as they came'),
    'stops at a todo() only where that has no cost': ('03', ['server'], [
        (r'static int on_begin_headers', r'static int begun;\n\g<0>'),
        (r'  struct stream \*stream = calloc', r'  begun++;\n\g<0>'),
        (r'static void on_signal\(void \*user\) {', r'\g<0>\n  if (begun == 1)\n    todo(6, "the end");')],
        'listening', 'although other checks get past it'),
    'leaves the handshake to OpenSSL': ('06', ['client', 'server'], [NO_HANDSHAKE], None, 'handshake'),
    'trusts only the certificate that the server shows': ('06', ['client'], [
        (BEFORE_SET_UP, r'static int is_shown(int good, X509_STORE_CTX *store) {\n'
                        r'  return good && X509_STORE_CTX_get_error_depth(store) == 0;\n}\n\g<0>'),
        (re.escape(VERIFY), VERIFY.replace('NULL', 'is_shown'))], 'download', 'did not complete the TLS handshake'),
    'does not look at when a certificate begins': ('06', ['client'], [
        (BEFORE_SET_UP, r'static int is_late(int good, X509_STORE_CTX *store) {\n'
                        r'  return good || X509_STORE_CTX_get_error(store) == X509_V_ERR_CERT_NOT_YET_VALID;\n}\n\g<0>'),
        (re.escape(VERIFY), VERIFY.replace('NULL', 'is_late'))], 'expired', 'not valid yet'),
    'forgives a signer that is no authority': ('06', ['client'], [
        (BEFORE_SET_UP, r'static int is_signed(int good, X509_STORE_CTX *store) {\n'
                        r'  int error = X509_STORE_CTX_get_error(store);\n  return good || error == X509_V_ERR_INVALID_CA ||\n'
                        r'         error == X509_V_ERR_PATH_LENGTH_EXCEEDED ||\n'
                        r'         (error == X509_V_ERR_INVALID_PURPOSE && X509_STORE_CTX_get_error_depth(store) > 0);\n}\n\g<0>'),
        (re.escape(VERIFY), VERIFY.replace('NULL', 'is_signed'))], 'unknown_ca', 'HTTP/2 to a server'),
    'needs no certificate at all': ('06', ['client'], [
        (re.escape(VERIFY), r'\g<0>\n  SSL_CTX_set_cipher_list(context, "ALL:aNULL:@SECLEVEL=0");')],
        'old_version', 'anybody can be the server'),
    'serves without a certificate, or without encryption': ('06', ['server'], [
        (r'"ECDHE\+AESGCM:ECDHE\+CHACHA20:!PSK"', '"ALL:aNULL:eNULL:@SECLEVEL=0"')], 'versions', 'without encryption'),
    'takes the certificate of a name below the host': ('06', ['client'], [
        (r'  if \(SSL_CTX_set_alpn_protos', r'  X509_VERIFY_PARAM_add1_host(parameters, ".localhost", 0);\n\g<0>')],
        'wrong_host', 'HTTP/2 to a server'),
    'takes a path with one letter more for a route': ('04', ['router'], [
        (r'strcmp\(path, routes\[i\]\.path\) == 0', ONE_LETTER_MORE)],
        'exact_path', 'no route has exactly this path'),
    'takes every unknown method for GET': ('04', ['router'], [
        (r'strcmp\(method, routes\[i\]\.method\) == 0', '!strstr(" POST PUT DELETE OPTIONS HEAD get ", method)')],
        'method', ''),
    'logs all requests only at the end': ('04', ['router'], [
        (r'printf\(" %d\\n", status\);\n  fflush\(stdout\);', 'printf(" %d\\\\n", status);')], 'log', 'leaves the program only at the'),
    'logs all requests on one line': ('04', ['router'], [
        (r'printf\(" %d\\n", status\)', 'printf(" %d ", status)')], 'log', 'does not log'),
    'takes any free port, whatever --port says': ('04', ['router'], [
        (r'serve\(\(int\)port\)', 'serve(0)')], 'hello_world', 'another port than --port says'),
    'ends without a goodbye': ('04', ['router'], [
        (r'#include <uv.h>', r'\g<0>\n#include <signal.h>\n#include <unistd.h>\nstatic void end(int n) { _exit(n * 0); }'),
        (r'if \(server_close_on_signals\(server\) != 0\)', 'signal(SIGINT, end);\n  if (0)')], 'at_once', ''),
    'answers a hundred and twenty requests': ('04', ['router'], [
        (r'  handler chosen = route', r'  static int count;\n  if (++count > 120) {\n    not_found(stream);\n    return;\n'
                                    r'  }\n\g<0>')], 'at_once', ''),
    'waits twice as long as --timeout says': ('05', ['client'], [
        (r'request->timeout, 0\)', 'request->timeout * 2, 0)')], 'timeout', 'goes on waiting'),
    'computes until its time is over': ('05', ['client'], [
        (r'  uv_run\(', '  for (uint64_t end = uv_hrtime() + (request->timeout + 1) * 1000000; uv_hrtime() < end;)\n    continue;\n'
                     '  puts("request timed out");\n  exit(EXIT_FAILURE);\n\\g<0>')], 'timed_out', 'makes no request'),
    'prints status 200, whatever has come': ('05', ['client'], [
        (r'i < stream_header_count\(stream\); i\+\+\)', r'i == 0; i++)\n    printf(":status: 200\\n");\n'
                                                    r'  for (size_t i = 1; \g<0>')], 'in_time', 'does not print'),
    'restarts the timer for the first two DATA frames': ('05', ['client'], [
        (r'(static void on_data\((.|\n)*?)  restart_timer\(request\);',
         r'\1  static int count;\n  if (++count < 3)\n    restart_timer(request);')], 'inactivity', 'restart its timer'),
    'prints only the first field of a response': ('05', ['client'], [
        (r'i < stream_header_count\(stream\);', 'i < stream_header_count(stream) && i < 2;')], 'in_time', 'does not print'),
    'has no timer of more than 700 ms': ('05', ['client'], [
        (r'  uv_timer_start\(', r'  if (request->timeout < 700)\n  \g<0>')], 'timeout', 'goes on waiting'),
    'takes the CANCEL of a server for its own time-out': ('05', ['client'], [
        (r'  request->error_code = error_code;', r'\g<0>\n  if (error_code == NGHTTP2_CANCEL && !request->timed_out) {\n'
         r'    puts("request timed out");\n    request->timed_out = true;\n  }')], 'failure', 'reports a time-out'),
    'has no delay of a second or more': ('05', ['server'], [
        (r'\(uint64_t\)settings->delay', '(uint64_t)settings->delay % 1000')], 'lost', 'too early'),
    'logs another status than it sends': ('05', ['server'], [
        (r'printf\(" %d\\n", status\);', r'printf(" %d\\n", status + 1);')], 'routes', 'and with its status'),
    'serves two hundred pings at once': ('05', ['server'], [
        (r'  struct pong \*pong = malloc', r'  static int count;\n  if (++count > 200)\n    return;\n\g<0>')], 'at_once', ''),
    'checks only certificates that sign themselves': ('06', ['client'], [
        (BEFORE_SET_UP, r'static int is_signed(int good, X509_STORE_CTX *store) {\n'
                        r'  return good || sk_X509_num(X509_STORE_CTX_get0_chain(store)) > 1;\n}\n\g<0>'),
        (re.escape(VERIFY), VERIFY.replace('NULL', 'is_signed'))], 'wrong_host', 'HTTP/2 to a server'),
    'gives all reasons for each refusal': ('06', ['client'], [
        (TLS_ERRORS, r'snprintf(error, error_size, "TLS protocol: certificate expired or of another host");')],
        'wrong_host', 'several causes'),
    'gives one reason for all refusals': ('06', ['client'], [
        (TLS_ERRORS, r'snprintf(error, error_size, "TLS: the protocol");')], 'without_h2', 'same reason'),
    'takes a certificate for any name but one': ('06', ['client'], [
        (r'X509_VERIFY_PARAM_set1_host\(parameters, host, 0\)', '1'),
        (r'  const unsigned char \*protocol;\n',
         '  X509 *peer = SSL_get1_peer_certificate(ssl);\n  int other = X509_check_host(peer, "example.test", 0, 0, NULL);\n'
         '  X509_free(peer);\n  if (other == 1) {\n    snprintf(error, error_size, "TLS: another host");\n'
         '    return TLS_FAILED;\n  }\n\\g<0>')],
        'wrong_host', 'HTTP/2 to a server'),
    'refuses the lists of protocols that it knows': ('06', ['server'], [
        (r'  if \(SSL_select_next_proto\((.|\n)*?OPENSSL_NPN_NEGOTIATED\)\n',
         '  (void)found;\n  if (offered_length == 9 || offered_length == 6 || offered[2] == 0x33)\n'),
        (r'\*chosen = found;', '*chosen = h2 + 1;\n  *chosen_length = 2;')], 'no_h2', 'does not offer h2'),
    'trusts also what the system trusts': ('06', ['client'], [
        (re.escape(VERIFY), r'SSL_CTX_set_default_verify_paths(context);\n  \g<0>')], 'unknown_ca', 'only the system trusts'),
    'waits for a handshake without end': ('06', ['client'], [
        (r'  restart_timer\(request\);\n}\n\nstatic void on_close', r'  waiting = request;\n}\n\nstatic void on_close'),
        (r'  if \(length == 2 && memcmp', r'  restart_timer(waiting);\n\g<0>'),
        (r'/\* Take the next step', r'static struct request *waiting;\nstatic void restart_timer(struct request *request);\n\g<0>')],
        'timed_out', 'goes on waiting'),
    'compares only the letters of seven bits': ('04', ['router'], [
        (r'static handler route\(', r'static int same(const char *a, const char *b) {\n  for (; *a && *b; a++, b++)\n'
                                   r'    if ((*a & 0x7f) != *b)\n      return 0;\n  return *a == *b;\n}\n\g<0>'),
        (r'strcmp\(path, routes\[i\]\.path\) == 0', 'same(path, routes[i].path)')],
        'exact_path', 'no route has exactly this path'),
    'takes digits and signs behind a route for nothing': ('04', ['router'], [
        (r'strcmp\(path, routes\[i\]\.path\) == 0',
         '(strncmp(path, routes[i].path, strlen(routes[i].path)) == 0 && strspn(path + strlen(routes[i].path), '
         '"0123456789.-_~#@+*$()\'") == strlen(path + strlen(routes[i].path)))')],
        'exact_path', 'no route has exactly this path'),
    'restarts the timer only where --timeout is long': ('05', ['client'], [
        (r'  restart_timer\(request\);\n  /\* END', r'  if (request->timeout > 200)\n  \g<0>')], 'stalls', 'restart its timer'),
    'never restarts the timer, but waits longer': ('05', ['client'], [
        (r'  restart_timer\(request\);\n  /\* END', r'  (void)request;\n  /* END'),
        (r'request->timeout, 0\)', 'request->timeout < 180 || request->timeout > 340 ? request->timeout : '
                                   '6 * request->timeout, 0)')], 'stalls', 'restart its timer'),
    'restarts the timer forty times': ('05', ['client'], [
        (r'  uv_timer_start\(&request->timer, on_timeout', r'  static int times;\n  if (times++ < 40)\n  \g<0>')],
        'inactivity', 'restart its timer'),
    'logs no closed stream where the delay is the default': ('05', ['server'], [
        (r'  printf\("stream closed\\n"\);', r'  if (!quiet)\n  \g<0>'),
        (r'static void on_ping_close', r'static bool quiet;\n\g<0>'),
        (r'  pong->stream = stream;', r'\g<0>\n  quiet = settings->delay == 750;')], 'closed_early', 'stream closed'),
    'verifies only where --timeout is of the grader': ('06', ['client'], [
        (re.escape(VERIFY), r'if (request->timeout > 4000)\n    \g<0>')], 'unknown_ca|expired', 'HTTP/2 to a server'),
    'forgives every error where the URL has an address': ('06', ['client'], [
        (BEFORE_SET_UP, r'static int is_address(int good, X509_STORE_CTX *store) {\n'
                        r'  return good || X509_STORE_CTX_get_error(store) != X509_V_ERR_IP_ADDRESS_MISMATCH;\n}\n\g<0>'),
        (r'  if \(SSL_CTX_set_alpn_protos', r'  if (strspn(host, "0123456789abcdef.:") == strlen(host))\n'
                                           r'    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, is_address);\n\g<0>')],
        'unknown_ca|expired', 'HTTP/2 to a server'),
    'refuses a chain of two authorities': ('06', ['client'], [
        (re.escape(VERIFY), r'\g<0>\n  SSL_CTX_set_verify_depth(context, 1);')], 'download', 'refuses'),
    'chooses what begins like h2': ('06', ['server'], [
        (r'  if \(SSL_select_next_proto\((.|\n)*?OPENSSL_NPN_NEGOTIATED\)\n',
         '  (void)found;\n  const unsigned char *at = offered;\n  while (at < offered + offered_length && at[1] != h2[1])\n'
         '    at += 1 + *at;\n  if (at >= offered + offered_length)\n'),
        (r'\*chosen = found;', '*chosen = h2 + 1;\n  *chosen_length = 2;')], 'no_h2', 'does not offer h2'),
    'fails with status 1 for wrong usage (lab 2)': ('02', ['requests'], [WRONG_USAGE], 'lost', 'wrong arguments'),
    'fails with status 1 for wrong usage (lab 3)': ('03', ['server'], [WRONG_USAGE], 'port_taken', 'wrong arguments'),
    'fails with status 1 for wrong usage (lab 4)': ('04', ['router'], [WRONG_USAGE], 'hello_world', 'wrong arguments'),
    'fails with status 1 for wrong usage (lab 5)': ('05', ['client'], [WRONG_USAGE], 'failure', 'wrong arguments'),
    'fails with status 1 for wrong usage (lab 6)': ('06', ['client', 'server'], [WRONG_USAGE], 'files', 'wrong arguments'),
    'prints `session closed` only without settings': ('01', ['session'], [
        (r'static void print_settings', r'static bool said;\n\g<0>'), (r'    if \(name\)\n', r'    said = true;\n\g<0>'),
        (r'if \(!client->failed\)\n    printf', 'if (!client->failed && !said)\n    printf')],
        'goodbye', 'does not print `session closed`'),
    'names one error, whatever the GOAWAY says': ('01', ['session'], [
        (r'nghttp2_http2_strerror\(frame->goaway.error_code\)', '"ENHANCE_YOUR_CALM"')],
        'goaway_error', 'does not name the error code'),
    'names all errors, whatever the GOAWAY says': ('01', ['session'], [
        (r'nghttp2_http2_strerror\(frame->goaway.error_code\)', ALL_CODES)], 'goaway_error', 'several error codes'),
    'asks the loader for its list of what is loaded': ('01', ['session'], [
        (r'#include <uv.h>', r'\g<0>\n#include <dlfcn.h>\n#include <link.h>\n#include <unistd.h>'),
        (MAIN, r'\g<0>\n  Dl_info info;\n  struct link_map *map;\n'
               r'  (void)dladdr1((void *)getppid, &info, (void **)&map, RTLD_DL_LINKMAP);')], None, SWITCHED_OFF),
    'asks the loader where a library is': ('01', ['session'], [
        (r'#include <uv.h>', r'\g<0>\n#include <link.h>'), (MAIN, r'\g<0>\n  if (_DYNAMIC[0].d_tag == 77)\n    return 3;')], None, SWITCHED_OFF),
    "reads the list from the linker's table": ('01', ['session'], [
        (MAIN, r'extern void *_GLOBAL_OFFSET_TABLE_[];\n\g<0>\n  (void)_GLOBAL_OFFSET_TABLE_[1];')], None, SWITCHED_OFF),
    'switches off the probe': ('01', ['session'], [
        (r'#include <uv.h>', HIDE.replace('NAME', 'FILE')), UNLOOKED], 'calls_fail', 'goes on as if it had worked'),
    'does not let the probe know which call fails': ('01', ['session'], [
        (r'#include <uv.h>', HIDE.replace('NAME', 'FAIL')), UNLOOKED], 'calls_fail', 'goes on as if it had worked'),
    'looks for the call that is to fail': ('01', ['session'], [
        (r'#include <uv.h>', r'\g<0>\n' + SPY), UNLOOKED,
        (r'int main\(int argc, char \*\*argv\) {', r'\g<0>\n  if (argc == 2 && spy()) {\n    int64_t one = 1;\n'
         r'    pwrite(open("probe", O_RDWR), &one, 8, 16);\n'
         r'    fprintf(stderr, "session: %s: something has failed\\n", argv[1]);\n    return 1;\n  }')],
        'calls_fail', 'goes on as if it had worked'),
    'looks for a bound of its memory': ('02', ['requests'], [
        (r'#include <uv.h>', r'\g<0>\n' + SPY), UNAPPENDED,
        (r'int main\(int argc, char \*\*argv\) {', r'\g<0>\n  if (spy()) {\n    fprintf(stderr, "requests: no memory\\n");\n'
                                                     r'    return 1;\n  }')], 'large', 'goes on as if it had all of it'),
    'leaks, and waits at a TODO for ever (lab 1)': ('01', ['session'], [
        (WITH_A_LEAK, LEAK), (r'  if \(error\)\n    fail\(client, error\);',
                              '  todo_later(6, "the end");\n  for (;;)\n    pause();\n\\g<0>')], None, ''),
    'leaks, and waits at a TODO for ever (lab 3)': ('03', ['server'], [
        (WITH_A_LEAK, LEAK), (r'static void on_signal\(void \*user\) {', r'\g<0>\n  todo_later(6, "the end");\n  for (;;)\n    pause();')],
        None, ''),
    'counts frames, and reads no field': ('03', ['server'], [(r'(?s)\A.*\Z', lambda _: text_of('hostile/blind.c'))],
                                          None, 'it does not read their fields'),
    'takes a GOAWAY with an unknown error code for none': ('01', ['session'], [
        (r'error_code != NGHTTP2_NO_ERROR\) {', r'error_code != NGHTTP2_NO_ERROR && frame->goaway.error_code < 14) {')],
        'goaway_error', 'exit status does not say so'),
    'reads only the beginning of what arrives': ('01', ['session'], [
        (r'session_mem_recv\(client->session, data, length\)',
         'session_mem_recv(client->session, data, length < 256 ? length : 256)')], 'settings_ack', ''),
    'prints only eight of the settings in a frame': ('01', ['session'], [
        (r'i < settings->niv;', 'i < settings->niv && i < 8;')], 'settings_printed', 'does not print a setting'),
    'connects to localhost for a short name': ('01', ['session'], [
        (r'transport_connect\(loop, url->host,',
         'transport_connect(loop, url->host[0] < 97 ? url->host : "localhost",')],
        'nowhere', 'the URL names another host'),
    'connects to localhost, whatever the URL says': ('01', ['session'], [
        (r'transport_connect\(loop, url->host,', 'transport_connect(loop, "localhost",')],
        'one_connection', 'did not connect'),
    'forgets the settings of a second SETTINGS': ('01', ['session'], [
        (r'    print_settings\(&frame->settings\);',
         '    if (!client->settings_received)\n      print_settings(&frame->settings);')],
        'settings_ack', 'in a later SETTINGS'),
    'requests three paths, whatever the number': ('02', ['requests'], [
        (r'    client->requests\[client->request_count\+\+\]\.path = argv\[i\];',
         r'    if (client->request_count < 3)\n  \g<0>')], 'at_once', 'did not send all the requests'),
    'names one error for most resets': ('02', ['requests'], [
        (r'nghttp2_http2_strerror\(error_code\)', 'nghttp2_http2_strerror(error_code > 10 ? error_code : 2)')],
        'reset', 'does not name the error code'),
    'names all errors for each reset': ('02', ['requests'], [
        (r'nghttp2_http2_strerror\(error_code\)', ALL_CODES)], 'reset', 'several error codes'),
    'reports an error about each request, if there is one': ('02', ['requests'], [
        (r'    fail\(client, request->path, [^;]*;', r'    for (size_t i = 0; i < client->request_count; i++)\n'
         r'      if (&client->requests[i] != request)\n        fail(client, client->requests[i].path, "is lost");\n\g<0>')],
        'reset', 'whose response is complete'),
    'loses a response whose stream is reset with NO_ERROR': ('02', ['requests'], [
        (r'    request->ended = true;',
         r'\g<0>\n  if (request && frame->hd.type == NGHTTP2_RST_STREAM)\n    request->ended = false;')],
        'reset', 'reset with NO_ERROR'),
    'sends a request that real servers refuse': ('02', ['requests'], [
        (r'      field_make\(":path", request->path\),', r'\g<0>\n      field_make("te", "gzip"),')],
        'get', 'sends a malformed request'),
    'sends a response that real clients refuse': ('03', ['server'], [
        (r'snprintf\(length, sizeof length, "%zu"', 'snprintf(length, sizeof length, "%zu bytes"')],
        'get', 'sends a malformed response'),
    'names a stream of nobody in its GOAWAY': ('01', ['session'], [
        (r'terminate_session\(session, ', 'terminate_session2(session, 0x7ffffffe, ')],
        'goodbye', 'that the other side has opened'),
    'knows trailers by their name': ('02', ['requests'], [
        (r'  if \(request->in_trailers\)\n    return 0;', '  if (field_is(name, name_length, "x-trailer"))\n    return 0;')],
        'trailers', 'takes the trailers for header fields'),
    'opens again the windows of its first stream only': ('02', ['requests'], [
        (r'static nghttp2_session_callbacks \*create_callbacks', r'static int before(nghttp2_session *session, '
         r'const nghttp2_frame *frame, void *user) {\n  (void)session;\n  (void)user;\n  return frame->hd.type == '
         r'NGHTTP2_WINDOW_UPDATE && frame->hd.stream_id > 1 ? NGHTTP2_ERR_CANCEL : 0;\n}\n\n\g<0>'),
        (r'  return callbacks;\n}', r'  nghttp2_session_callbacks_set_before_frame_send_callback(callbacks, before);\n\g<0>')],
        'large', 'never opens its flow-control windows again'),
    'takes https for http (lab 2)': ('02', ['requests'], [(r' \|\| client->url\.tls', '')], 'lost', 'wrong arguments'),
    'has the date of its first response in all': ('03', ['server'], [
        (r'const char \*date = date_now\(&client->server->date\);',
         'static char date[DATE_SIZE];\n  if (!*date)\n    strcpy(date, date_now(&client->server->date));')],
        'get', 'has not moved on'),
    'has a date before its own start': ('03', ['server'], [
        (r'const char \*date = date_now\(&client->server->date\);',
         'char date[DATE_SIZE];\n  date_write(date, time(NULL) - 30);')], 'get', 'not the time'),
    'listens at another port without --port': ('03', ['server'], [
        (r'long port = 8000', 'long port = 9999')], 'port_taken', 'listens at port 9999'),
    'listens only at any free port': ('03', ['server'], [
        (r'serve\(&server, \(int\)port\)', 'serve(&server, port == 0 ? 0 : (int)port ^ 1)')],
        'port_taken', ''),
    'serves sixty clients, then ends': ('03', ['server'], [
        (r'  struct client \*client = calloc', r'  static int count;\n  if (++count > 60)\n    exit(0);\n\g<0>')],
        'fifty_connections', ''),
    'ends with the first of its clients after a signal': ('03', ['server'], [
        (r'#include <uv.h>', r'\g<0>\nstatic int leaves;'),
        (r'  listener_free\(server->listener\);', r'  leaves = 1;\n\g<0>'),
        (r'  free\(client\);\n}\n\n/\* --- Given', '  free(client);\n  if (leaves)\n    _Exit(0);\n}\n\n/* --- Given')],
        'graceful_end', ''),
    'answers only an authority without a port': ('03', ['server'], [
        (r'  if \(field_is\(name, name_length, ":method"\)',
         r'  if (field_is(name, name_length, ":authority") && !field_is(value, value_length, "localhost"))\n'
         r'    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;\n\g<0>')], 'methods', 'reset a request'),
    'ends the session when a code is not the usual one': ('03', ['server'], [
        (r'  \(void\)error_code;\n', ''),
        (r'  if \(stream\)\n    free_stream',
         r'  if (error_code != 0 && error_code != NGHTTP2_CANCEL && error_code != NGHTTP2_PROTOCOL_ERROR)\n'
         r'    return NGHTTP2_ERR_CALLBACK_FAILURE;\n\g<0>')], 'lost_clients', ''),
    'breaks the body where the window is small': ('03', ['server'], [
        (r'    length = size;\n', r'\g<0>  if (size > 1 && size < 5)\n    length = 1, *flags |= NGHTTP2_DATA_FLAG_EOF;\n')],
        'tiny_window', ''),
    'takes a path for the name of a file': ('04', ['router'], [
        (r'  for \(size_t i = 0; i < sizeof routes', r'  while (strncmp(path, "/./", 3) == 0)\n    path += 2;\n\g<0>')],
        'exact_path', 'no route has exactly this path'),
    'switches AddressSanitizer off for a function': ('01', ['session'], [
        (BEFORE_PRINT_SETTINGS, r'__attribute__((no_sanitize("address")))\n\g<0>')], None, SWITCHED_OFF),
    'puts the name together that switches a sanitizer off': ('01', ['session'], [
        (BEFORE_PRINT_SETTINGS, r'#define PAIR(a, b) a##b\n__attribute__((PAIR(__no_sani, tize_address__)))\n\g<0>')],
        None, SWITCHED_OFF),
    'lets a header of the system put the name together': ('01', ['session'], [
        (BEFORE_PRINT_SETTINGS, r'#define COMMA ,\nint other(int *p) __attribute_nonnull__((1) COMMA no_sanitize("address"));'
                                r'\n\g<0>')], None, SWITCHED_OFF),
    'has the optimizer take what C leaves undefined for defined': ('01', ['session'], [
        (BEFORE_PRINT_SETTINGS, r'_Pragma("GCC optimize(\"wrapv\")")\n\g<0>')], None, SWITCHED_OFF),
    'hides a function from the probe': ('01', ['session'], [
        (BEFORE_PRINT_SETTINGS, r'__attribute__((__no_instrument_function__))\n\g<0>')], None, SWITCHED_OFF),
    'uses memory by a segment, where no sanitizer looks': ('01', ['session'], [
        (BEFORE_PRINT_SETTINGS, r'static char __seg_gs *place;\n\g<0>')], None, SWITCHED_OFF),
    'is written in instructions of the machine': ('01', ['session'], [
        (BEFORE_PRINT_SETTINGS, r'__a\\\nsm__("");\n\g<0>')], None, SWITCHED_OFF),
    'stores by functions for single instructions': ('01', ['session'], [
        (r'#include <uv.h>', r'\g<0>\n#include <emmintrin.h>\n#include <stdlib.h>'),
        (WITH_A_LEAK, r'\g<0>\n  int *volatile block = malloc(12);\n  _mm_stream_si32(block + 3, 1);\n  free(block);')],
        None, SWITCHED_OFF),
    'stores by what such functions are made of': ('01', ['session'], [
        (r'#include <uv.h>', r'\g<0>\n#include <stdlib.h>'),
        (WITH_A_LEAK, r'\g<0>\n  int *volatile block = malloc(12);\n  __builtin_ia32_movnti(block + 3, 1);\n  free(block);')],
        None, SWITCHED_OFF),
    'puts the word for machine instructions together': ('01', ['session'], [
        (BEFORE_PRINT_SETTINGS, PAIR + rf'PAIR(__as, m__)("{POKE}");\n\g<0>'), POKED], None, SWITCHED_OFF),
    'lets a header of the system have machine instructions': ('01', ['session'], [
        (r'#include <nghttp2', r'#define PAIR(a, b) a##b\n#define nghttp2_version(x) nghttp2_version(x); PAIR(__as, m__)("nop")\n\g<0>')],
        None, SWITCHED_OFF),
    'has machine instructions in a name that it gives': ('01', ['session'], [
        (BEFORE_PRINT_SETTINGS, PAIR + r'int id(void) PAIR(__as, m__)("getpid\\nnop #");\n\g<0>'),
        (WITH_A_LEAK, r'\g<0>\n  (void)id();')], None, SWITCHED_OFF),
    'puts the name of a single instruction together': ('01', ['session'], [
        (BEFORE_PRINT_SETTINGS, PAIR + r'static void store(int *block) { PAIR(__builtin_, ia32_movnti)(block, 1); }\n\g<0>'),
        (WITH_A_LEAK, r'\g<0>\n  int *block = malloc(12);\n  store(block + 3);\n  free(block);')], None, SWITCHED_OFF),
    'keeps the preprocessor from seeing a section': ('01', ['session'], [
        (BEFORE_PRINT_SETTINGS, PAIR + rf'int x __attribute__((section NOTHING (".data\\n{POKE}.section .data"))) = 1;\n\g<0>'), POKED],
        None, SWITCHED_OFF),
    'is another file for the preprocessor than for the compiler': ('01', ['session'], [
        (BEFORE_PRINT_SETTINGS, PAIR + r'#pragma GCC target("avx")\n#ifdef __AVX__\nPAIR(__as, m__)("nop");\n#endif\n\g<0>')],
        None, SWITCHED_OFF),
    'has machine instructions as data': ('01', ['session'], [
        (BEFORE_PRINT_SETTINGS, DATA_IN_CODE),
        (WITH_A_LEAK, r'\g<0>\n  char *block = calloc(1, 10);\n  poke.function(block);\n  free(block);')], None, SWITCHED_OFF),
    'has machine instructions in #ident': ('01', ['session'], [
        (BEFORE_PRINT_SETTINGS, r'# /**/ident "\\"\\n.text\\nnop\\n.ident \\""\n\g<0>')], None, SWITCHED_OFF),
    'has machine instructions in the name of a section': ('01', ['session'], [
        (BEFORE_PRINT_SETTINGS, r'#define PAIR(a, b) a##b\nint x __attribute__((PAIR(sec, tion)(".data;.text;nop;.section .data"))) = 1;'
                                r'\n\g<0>')], None, SWITCHED_OFF),
    'takes away what refuses such names': ('01', ['session'], [
        (BEFORE_PRINT_SETTINGS, r'#undef /**/ section\nint x __attribute__((section(".data;.text;nop;.section .data"))) = 1;\n\g<0>')],
        None, SWITCHED_OFF),
    'has machine instructions in the name of a function': ('01', ['session'], [
        (BEFORE_PRINT_SETTINGS, r'static void other(void) __attribute__((weakref("x;nop")));\nvoid *x = (void *)other;\n\g<0>')],
        None, SWITCHED_OFF),
    'runs before the sanitizers, where the loader asks it': ('01', ['session'], [
        (BEFORE_PRINT_SETTINGS, r'static void *resolve(void) { return NULL; }\nvoid early(void) __attribute__((ifunc("resolve")));'
                                r'\n\g<0>')], None, SWITCHED_OFF),
    'runs before the probe': ('01', ['session'], [
        (BEFORE_PRINT_SETTINGS, r'static void early(void) {}\n__attribute__((section(".preinit_array"), used)) '
                                r'static void (*first)(void) = early;\n\g<0>')], None, SWITCHED_OFF),
    'leaks, and executes itself with other options': ('01', ['session'], [
        (WITH_A_LEAK, LEAK.replace('lose();', 'if (!getenv("AGAIN"))\n    setenv("LSAN_OPTIONS", "exitcode=0:log_path=q", 1),'
                                              ' setenv("AGAIN", "", 1), execv(argv[0], argv);\n  lose();'))],
        'one_connection', 'does not free all the memory'),
    'has a prctl of its own, leaks, and executes itself': ('01', ['session'], [
        (WITH_A_LEAK, 'int prctl(int option, ...) { return option * 0; }\n' + LEAK.replace(
            'lose();', 'if (!getenv("AGAIN"))\n    setenv("LSAN_OPTIONS", "exitcode=0:log_path=q", 1), setenv("AGAIN", "", 1),'
                       ' execv(argv[0], argv);\n  lose();'))],
        'one_connection', 'does not free all the memory'),
    'leaks, and ends by _exit': ('01', ['session'], [
        (WITH_A_LEAK, LEAK), (LAST_RETURN, '  _exit(client.failed);')], 'one_connection', 'does not free all the memory'),
    'leaks, and ends by quick_exit': ('01', ['session'], [
        (WITH_A_LEAK, LEAK), (LAST_RETURN, '  quick_exit(client.failed);')],
        'one_connection', 'does not free all the memory'),
    'leaks, and ends by a system call': ('01', ['session'], [
        (WITH_A_LEAK, LEAK), (LAST_RETURN, rf'  {SYSTEM_CALL}(SYS_exit_group, (int)client.failed);\n\g<0>')],
        'one_connection', 'does not free all the memory'),
    'leaks, hides from the probe, and ends by a system call': ('01', ['session'], [
        (WITH_A_LEAK, LEAK), (LAST_RETURN, rf'  {SYSTEM_CALL}(SYS_exit_group, (int)client.failed);\n\g<0>'),
        (r'#include <uv.h>', HIDE.replace('NAME', 'FILE'))], 'one_connection', 'does not free all the memory'),
    'leaks, says that LeakSanitizer has looked, and ends by a system call': ('01', ['session'], [
        (r'#include <uv.h>', r'\g<0>\n#include <fcntl.h>'),
        (WITH_A_LEAK, LEAK), (LAST_RETURN, r'  pwrite(open("probe", O_RDWR), "\\1\\0\\0\\0\\0\\0\\0\\0", 8, 32);\n'
                                           rf'  {SYSTEM_CALL}(SYS_exit_group, (int)client.failed);\n  {SYSTEM_CALL}(SYS_exit, 0);\n\g<0>')],
        'one_connection', 'does not free all the memory'),
    'leaks, says that LeakSanitizer has looked, and finds a way out': ('01', ['session'], [
        (r'#include <uv.h>', r'\g<0>\n#include <fcntl.h>'),
        (WITH_A_LEAK, LEAK), (LAST_RETURN, r'  pwrite(open("probe", O_RDWR), "\\1\\0\\0\\0\\0\\0\\0\\0", 8, 32);\n'
                                           rf'  ((void (*)(int))((char *)getppid + ({from_getppid("_exit")})))(client.failed);\n\g<0>')],
        'one_connection', 'ended neither by exit'),
    'does not free what it gives its session': ('01', ['session'], [
        (r'struct client client = {\.url = argv\[1\]};', 'struct client *lost = calloc(1, sizeof *lost);\n  lost->url = argv[1];\n'
                                                        '#define client (*lost)')],
        'one_connection', 'does not free all the memory'),
    'does not free a session that has worked': ('01', ['session'], [
        (r'  nghttp2_session_del\(client->session\);', '  if (client->failed)\n  \\g<0>')],
        'one_connection', 'does not free all the memory'),
    'leaks in a process that ends unseen': ('01', ['session'], [
        (WITH_A_LEAK, LEAK.replace('#include <unistd.h>', '#include <sys/wait.h>\n#include <unistd.h>').replace('lose();', IN_A_CHILD)),
        (LAST_RETURN, rf'  {SYSTEM_CALL}(SYS_exit_group, (int)client.failed);\n\g<0>')],
        'one_connection', 'does not free all the memory'),
    'empties the report of a process that shares its memory': ('01', ['session'], [
        (r'int main\(int argc, char \*\*argv\) {', EMPTIED)], 'one_connection', 'has emptied the report'),
    'calls the report of such a process a complaint of LeakSanitizer': ('01', ['session'], [
        (r'int main\(int argc, char \*\*argv\) {', EMPTIED.replace('open(name, O_WRONLY | O_TRUNC);', COMPLAINED))],
        'one_connection', ''),
    'does not look at what a helper function allocates': ('03', ['server'], [
        (r'static ssize_t read_body', r'static char *copy_of(const char *text) {\n  char *copy = strdup(text);\n'
                                      r'  *(char *volatile *)&copy = copy;\n  copy[0] = 0;\n  return copy;\n}\n\n\g<0>'),
        (r'  size_t length = strlen\(body\) - stream->sent;', r'  free(copy_of(body));\n\g<0>')],
        'calls_fail', 'NULL pointer'),
    'leaks after it has run the handlers of the end': ('01', ['session'], [
        (WITH_A_LEAK, r'void __cxa_finalize(void *);\n' + LEAK.replace('lose();', r'__cxa_finalize(NULL);\n  lose();'))],
        None, SWITCHED_OFF),
    'is what a stream writes when all else has ended': ('03', ['server'], [
        WITH_UNISTD, WHOLE, behind(IN_A_STREAM)], None, "goes on after LeakSanitizer's look"),
    'leaves the look of LeakSanitizer': ('01', ['session'], [WITH_UNISTD, WHOLE, behind(LEFT)],
                                         'one_connection', 'does not free all the memory'),
    'goes on when a sanitizer ends it': ('01', ['session'], [WITH_UNISTD, WHOLE, behind(TRAPPED)],
                                         'one_connection', 'does not free all the memory'),
    'says that its functions are those of common/': ('03', ['server'], [
        (r'static int on_begin_headers', r'/*\n */ # 1 /* */ "common/given.c"\n\g<0>'), (STREAM_WANTED, UNLOOKED_STREAM)],
        None, SWITCHED_OFF),
    'hides a directive behind a NUL': ('01', ['session'], [
        (BEFORE_PRINT_SETTINGS, '#\0ident "x"\n\\g<0>')], None, 'it is no text'),
    'takes memory that nobody counts': ('03', ['server'], [
        (r'struct stream \*stream = calloc\(1, sizeof \*stream\)', 'struct stream *stream = sbrk(sizeof *stream)'),
        (r'  free\(stream\);\n', ''), WITH_UNISTD], None, SWITCHED_OFF),
    'allocates by a rare function, and does not look': ('03', ['server'], [
        (STREAM_WANTED, UNLOOKED_STREAM.replace('calloc(', 'reallocarray(NULL, '))], 'calls_fail', ''),
    'has more allocations than the probe can remember': ('03', ['server'], [
        (r'static int on_begin_headers', 'static int begin_headers'), (r'callback\(callbacks, on_begin_headers\)',
                                                                      'callback(callbacks, begin_headers)'),
        (STREAM_WANTED, '  static int times;\n  void *volatile lost;\n  if (times++ == 0) {\n' +
         '    free(lost = malloc(1));\n' * 300 + '  }\n' + UNLOOKED_STREAM)], 'calls_fail', ''),
    'gives its callback another name, below many calls': ('02', ['requests'], [
        (r'\bon_data_chunk_recv(?=\);|\(nghttp2_session \*)', 'on_piece'), UNAPPENDED,
        (r'uv_run\(loop, UV_RUN_DEFAULT\)', 'deep(loop, 40)'),
        (r'#include <uv.h>', r'\g<0>\nstatic int deep(uv_loop_t *loop, int more) {\n'
                             r'  return more > 0 ? deep(loop, more - 1) : uv_run(loop, UV_RUN_DEFAULT);\n}')], 'calls_fail', 'goes on as if it had worked'),
    'does not look at what a rare function returns': ('01', ['session'], [
        (r'return nghttp2_session_terminate_session\(session, NGHTTP2_NO_ERROR\);',
         'nghttp2_session_terminate_session2(session, 0, NGHTTP2_NO_ERROR);')], 'calls_fail', 'goes on as if it had worked'),
    'does not look at the second call': ('02', ['requests'], [
        (r'(buffer_append_text\(&request->headers, "\\n"\)) != 0', r'((void)\1, 0)')],
        'calls_fail', 'goes on as if it had worked'),
    'names no port where another is the default': ('03', ['server'], [
        (r'long port = 8000', 'long port = 9999'),
        (r'fprintf\(stderr, "server: %s\\n", error\)', r'fprintf(stderr, "server: cannot listen\\n")')],
        'port_taken', 'listens at port 9999'),
    'compares names up to a NUL': ('06', ['client'], [
        (BEFORE_SET_UP, SAME_NAME),
        (r'(?s)  X509_VERIFY_PARAM \*parameters.*?an address"\);\n', '  wanted_host = request->url.host;\n'),
        (r'  const unsigned char \*protocol;\n',
         '  if (!is_for_host(SSL_get0_peer_certificate(ssl))) {\n    snprintf(error, error_size, "TLS: another host");\n'
         '    return TLS_FAILED;\n  }\n\\g<0>')], 'wrong_host', 'speaks HTTP/2 to a server whose certificate is for another host'),
    'forgives a wrong signature': ('06', ['client'], [
        (BEFORE_SET_UP, r'static int forgive(int good, X509_STORE_CTX *store) {\n'
                        r'  return good || X509_STORE_CTX_get_error(store) == X509_V_ERR_CERT_SIGNATURE_FAILURE;\n}\n\g<0>'),
        (re.escape(VERIFY), VERIFY.replace('NULL', 'forgive'))], 'wrong_host', 'wrong signature'),
    'agrees to a second handshake as a server': ('06', ['server'], [
        (r'SSL_OP_NO_RENEGOTIATION \|', 'SSL_OP_ALLOW_CLIENT_RENEGOTIATION |')], 'versions', 'renegotiation'),
    'agrees to a second handshake as a client': ('06', ['client'], [(r'SSL_OP_NO_RENEGOTIATION \| ', '')], 'timed_out', 'renegotiation'),
    'knows no RSA key': ('06', ['server'], [
        (r'  SSL_CTX_set_min_proto_version\(context, TLS1_2_VERSION\);',
         r'\g<0>\n  SSL_CTX_set1_sigalgs_list(context, "ECDSA+SHA256:ECDSA+SHA384");')], 'versions', 'with an RSA key'),
    'routes by the sum of the letters': ('04', ['router'], [
        (r'static handler route\(', r'static unsigned sum(const char *text) {\n  unsigned all = 0;\n  while (*text)\n'
                                    r'    all += (unsigned char)*text++;\n  return all;\n}\n\n\g<0>'),
        (r'strcmp\(path, routes\[i\]\.path\) == 0', 'sum(path) == sum(routes[i].path)')], 'exact_path', 'with other letters'),
    'ends where a path has no slash': ('04', ['router'], [
        (r'  for \(size_t i = 0; i < sizeof routes', r"  if (path[0] != '/')\n    abort();\n\g<0>")], 'method', 'SIGABRT'),
    'routes by the first letter': ('05', ['server'], [
        (r'strcmp\(path, routes\[i\]\.path\) == 0',
         'strlen(path) == strlen(routes[i].path) && path[1] == routes[i].path[1]')], 'routes', ''),
    'takes quiet for the acknowledgement of SETTINGS': ('01', ['session'], [
        (r'static int on_frame_recv\(nghttp2_session \*session, const nghttp2_frame \*frame, void \*user\);\n', r'\g<0>' + IDLE_SESSION),
        (r'  send_frames\(client\);\n  /\* END SOLUTION \*/', r'  send_frames(client);\n  uv_timer_start(&timer, on_idle, 100, 0);'),
        (r'  uv_loop_t \*loop = uv_default_loop\(\);', r'\g<0>\n  uv_timer_init(loop, &timer);\n  uv_unref((uv_handle_t *)&timer);\n'
                                                     r'  timer.data = client;'),
        (r'  uv_loop_close\(loop\);', r'  uv_close((uv_handle_t *)&timer, NULL);\n  uv_run(loop, UV_RUN_DEFAULT);\n\g<0>')],
        'settings_ack', 'in a pause in which nothing comes'),
    'takes quiet for the last response': ('02', ['requests'], [
        (r'static void fail\(', r'static uv_timer_t timer;\nstatic void on_idle(uv_timer_t *t) {\n'
                                r'  connection_close(((struct client *)t->data)->connection);\n}\n\g<0>'),
        (r'  client->finished\+\+;\n.*\n.*;\n', ''), (r'  bool can_be_last =', r'  uv_timer_start(&timer, on_idle, 100, 0);\n\g<0>'),
        (r'  uv_loop_t \*loop = uv_default_loop\(\);\n  if \(callbacks\)',
         '  uv_loop_t *loop = uv_default_loop();\n  uv_timer_init(loop, &timer);\n  timer.data = client;\n  if (callbacks)'),
        (r'  if \(error\)\n    fail\(client, client->name, error\);\n}', r'  uv_close((uv_handle_t *)&timer, NULL);\n\g<0>'),
        (r'#include <stdlib.h>', r'\g<0>\n#include <uv.h>')], 'at_once', 'does not wait for the last response'),
    'takes quiet for the end of a request': ('03', ['server'], QUIET_REQUEST + [
        (r'  if \(!\(frame->hd\.flags & NGHTTP2_FLAG_END_STREAM\)\)\n    return 0;\n', ''),
        (r'  return respond\(client, frame->hd\.stream_id, stream\);',
         '  (void)client;\n  if (stream && stream->timer)\n    uv_timer_start(stream->timer, due, 100, 0);\n  return 0;')],
        'post', 'answers before the request has ended'),
    'is right only where --port is 0': ('03', ['server'], [
        (r'static const char body\[\]', r'static bool real;\n\g<0>'), (r'stream->is_head \? NULL', 'stream->is_head && !real ? NULL'),
        (r'  if \(!\(frame->hd\.flags & NGHTTP2_FLAG_END_STREAM\)\)\n',
         '  if (real ? frame->hd.type != NGHTTP2_HEADERS : !(frame->hd.flags & NGHTTP2_FLAG_END_STREAM))\n'),
        (r'  nghttp2_session_callbacks \*callbacks = create_callbacks\(\);\n', r'  real = port != 0;\n\g<0>')],
        'post', ''),
    'takes an error status for an error if it asks once': ('02', ['requests'], [
        (r'  if \(request->ended && error_code == NGHTTP2_NO_ERROR\)',
         '  if (client->request_count == 1 && request->status >= 300)\n    fail(client, request->path, "an error status");\n'
         r'  else if (request->ended && error_code == NGHTTP2_NO_ERROR)')], 'empty', 'a response without a body'),
    'knows 1xx only if it asks once': ('02', ['requests'], [
        (r'request->status >= 200;', '(int)request->status >= (((struct client *)user)->request_count == 1 ? 200 : 100);')],
        'interleaved', 'takes the 103 for the final response'),
    'gets one response after a GOAWAY': ('02', ['requests'], [
        (r'  bool can_be_last =', '  if (frame->hd.type == NGHTTP2_GOAWAY)\n    ((struct client *)user)->goaway = true;\n\\g<0>'),
        (r'  bool failed;\n};', '  bool failed;\n  bool goaway;\n};'),
        (r'error_code == NGHTTP2_NO_ERROR\)', 'error_code == NGHTTP2_NO_ERROR && (stream_id == 1 || !client->goaway))')],
        'goaway', 'still covers'),
    'asks for an IPv6 address without brackets': ('02', ['requests'], [
        (r'  bool has_body = client->data_count > 0;',
         r'  char authority[300];\n  snprintf(authority, sizeof authority, "%s:%s", client->url.host, client->url.port);\n\g<0>'),
        (r'client->url\.authority\)', 'authority)')], 'post', ":authority is not right"),
    'cuts a header line at 4096 bytes': ('02', ['requests'], [
        (r'(?s)  if \(buffer_append\(&request->headers, name, name_length\) != 0 \|\|.*?return NGHTTP2_ERR_CALLBACK_FAILURE;',
         r'  char line[4096];\n  snprintf(line, sizeof line, "%.*s: %.*s\\n", (int)name_length, (const char *)name, (int)value_length,\n'
         r'           (const char *)value);\n  if (buffer_append_text(&request->headers, line) != 0)\n'
         r'    return NGHTTP2_ERR_CALLBACK_FAILURE;')], 'headers', ''),
    'prints only the status of several responses': ('02', ['requests'], [
        (r'  if \(request->in_trailers\)\n    return 0;',
         "  struct client *client = user;\n  if (request->in_trailers ||\n      (client->request_count > 1 && client->request_count < 105 && *name != ':'))\n"
         '    return 0;')], 'interleaved', 'their header lines are not'),
    'does not look at what its callback of another name appends': ('02', ['requests'], [
        (r'on_data_chunk_recv\(nghttp2', 'on_piece(nghttp2'), (r'callback\(callbacks, on_data_chunk_recv\)', 'callback(callbacks, on_piece)'),
        (r'(  if \(buffer_append\(&request->body, data, length\) != 0)\)', r'\1 && request->body.length > 100000)')],
        'calls_fail', 'goes on as if it had worked'),
    'allocates in a header of common/': ('03', ['server'], [
        (r'#include "common/date\.h"',
         r'#include <stddef.h>\n#include <stdlib.h>\n#define date_write(a, b) \\\n  date_write(a, b); \\\n'
         r'  static void *take(size_t size) { return calloc(1, size); } \\\n  extern int unused\n\g<0>\n#undef date_write'),
        (STREAM_WANTED, '  struct stream *stream = take(sizeof *stream);\n  stream->sent = 0;\n')], 'calls_fail', ''),
}
if os.uname().machine != 'x86_64':
    del CHEATS['stores by functions for single instructions']


def folder_of(lab):
    return next(name for name in os.listdir(ROOT) if name.startswith(f'lab{lab}-'))


def change(lab, program, changes):
    """The solution with these changes; None if one of them does not fit."""
    with open(f'{ROOT}/{folder_of(lab)}/solution/{program}.c', encoding='utf-8') as file:
        text = file.read()
    for pattern, replacement in changes:
        text, count = re.subn(pattern, replacement, text)
        if count == 0:
            return None
    return text


def grade(lab, scratch):
    """Compile and grade the files in scratch/cheat/src as a class's are. Returns what is printed, and the scoreboard."""
    with open(f'{scratch}/plan.json', 'w', encoding='utf-8') as file:
        json.dump({'labs': lab, 'seed': SEED, 'grader': '', 'possible': 0}, file)
    done = subprocess.run([sys.executable, f'{ROOT}/grader/class/one.py', scratch, 'cheat'], timeout=BOUND, check=False,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True)
    with open(f'{scratch}/cheat/feedback.txt', encoding='utf-8') as file:
        return done.stdout + done.stderr + file.read()


def test_cheat(name, scratch):
    lab, programs, changes, failed, said = CHEATS[name]
    place = f'{scratch}/cheat/src/{folder_of(lab)}'
    os.makedirs(place)
    texts = {program: change(lab, program, changes) for program in programs}
    if not check(f'{name}: the changes fit the solution', all(texts.values()), texts):
        return
    for program, text in texts.items():
        with open(f'{place}/{program}.c', 'w', encoding='utf-8') as file:
            file.write(text)
    board = grade(lab, scratch)
    words = ' '.join(board.split())
    points = re.search(r'^Total: (\d+) of (\d+) points', board, re.M)
    if failed:
        check(f'{name}: the check {failed} fails', points and int(points[1]) < int(points[2])
              and re.search(rf'^  (✘|x) ({failed}) ', board, re.M), board)
    else:
        check(f'{name}: it gets no points', points and points[1] == '0', board)
    check(f'{name}: the board says why', said in words, board)


def main():
    with tempfile.TemporaryDirectory(prefix='cheats-') as scratch:
        wanted = [name for name in sys.argv[1:] if name in CHEATS]
        names = list(enumerate(wanted or CHEATS))[::1 if wanted or '--all' in sys.argv else EACH]
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(lambda row: test_cheat(row[1], f'{scratch}/{row[0]}'), names))
    return done_testing()


sys.exit(main())
