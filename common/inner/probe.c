/* probe: see probe.h. AddressSanitizer counts the memory; the linker's --wrap brings calls here
 * first. */
#include "common/inner/probe.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <nghttp2/nghttp2.h>
#include <openssl/ssl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <unwind.h>

#include "common/buffer.h"
#include "common/inner/touched.h"
#include "common/transport.h"

/* NOLINTBEGIN(bugprone-reserved-identifier): these names are the linker's and the sanitizers'. */

/* Of AddressSanitizer's library, where there is one. */
int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void *, size_t),
                                              void (*on_free)(const volatile void *))
    __attribute__((weak));
void *__asan_region_is_poisoned(void *begin, size_t size) __attribute__((weak));
void __sanitizer_symbolize_pc(void *pc, const char *format, char *text, size_t size)
    __attribute__((weak));
size_t __sanitizer_get_allocated_size(const volatile void *block) __attribute__((weak));
int __sanitizer_get_ownership(const volatile void *block) __attribute__((weak));
void __lsan_do_leak_check(void) __attribute__((weak));
int __lsan_is_turned_off(void);

static struct probe *probe; /* NULL if nobody asks */
static int64_t key = 1;     /* says that it is we who report */
static const char *failing; /* the name of the function that is to fail; NULL once it has */

/* --- What is allocated ------------------------------------------------------------------------ */

/* libuv has threads of its own that look names up. */
static void add(int64_t blocks, int64_t bytes) {
  __atomic_fetch_add(&probe->blocks, blocks, __ATOMIC_RELAXED);
  __atomic_fetch_add(&probe->bytes, bytes, __ATOMIC_RELAXED);
}

static void on_malloc(const volatile void *block, size_t size) {
  if (block)
    add(1, (int64_t)size);
}

static void on_free(const volatile void *block) {
  if (block && __sanitizer_get_ownership(block)) /* if not, the sanitizer has its own words */
    add(-1, -(int64_t)__sanitizer_get_allocated_size(block));
}

/* Take what is to fail out of the file. */
static struct probe *map(const char *path, char order[PROBE_ORDER]) {
  int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0)
    return NULL;
  void *memory = MAP_FAILED;
  ssize_t length = read(file, order, PROBE_ORDER - 1);
  order[length > 0 ? length : 0] = '\0';
  if (ftruncate(file, 0) == 0 && ftruncate(file, sizeof *probe) == 0)
    memory = mmap(NULL, sizeof *probe, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  return memory == MAP_FAILED ? NULL : memory;
}

/* --- The end ---------------------------------------------------------------------------------- */

/* What ended functions have left below us on the stack is nobody's, but LeakSanitizer, which is
 * about to use this part, takes a pointer there for one that is in use. */
__attribute__((noinline, no_sanitize("address", "undefined"))) static void wipe_stack(void) {
  char unused[16 * 1024];
  explicit_bzero(unused, sizeof unused);
}

/* LeakSanitizer asks this when it looks for lost memory. */
int __lsan_is_turned_off(void) {
  touched_find();
  wipe_stack();
  return 0;
}

static bool looked; /* LeakSanitizer has: it does so only once */

/* Let LeakSanitizer look: it ends the program if it finds something. From now on the program only
 * ends. So block all signals, for a handler could leave the look; also those of the C library,
 * which pthread_sigmask leaves out. */
static void look_at_end(void) {
  const uint64_t all = UINT64_MAX;
  if (looked)
    return;
  (void)syscall(SYS_rt_sigprocmask, SIG_BLOCK, &all, NULL, sizeof all);
  if (__lsan_do_leak_check)
    __lsan_do_leak_check();
  looked = true;
  if (probe)
    probe->looked = key;
}

/* One of the student's functions begins. After LeakSanitizer's look it could lose memory: report it
 * as the sanitizers do, and end the program. */
static void end_if_looked(void) {
  static const char text[] = "probe: runtime error: the program goes on after LeakSanitizer's look "
                             "for lost memory, which must be the last thing\n";
  if (!looked)
    return;
  (void)!write(STDERR_FILENO, text, sizeof text - 1);
  (void)syscall(SYS_exit_group, PROBE_STATUS);
}

/* These leave without LeakSanitizer's look: let it look now. */
#define WRAP_END(name)                                                                             \
  _Noreturn void __real_##name(int status) __attribute__((weak)); /* without --wrap */             \
  _Noreturn void __wrap_##name(int status);                                                        \
  _Noreturn void __wrap_##name(int status) {                                                       \
    look_at_end();                                                                                 \
    __real_##name(status);                                                                         \
  }

WRAP_END(_exit)
WRAP_END(_Exit)
WRAP_END(quick_exit)

/* --- The beginning ---------------------------------------------------------------------------- */

/* The value of this variable, or NULL: getenv does not work before the C library's constructor. */
static const char *value_of(char *const *environment, const char *name) {
  size_t length = strlen(name);
  for (; *environment; environment++)
    if (strncmp(*environment, name, length) == 0 && (*environment)[length] == '=')
      return *environment + length + 1;
  return NULL;
}

#define LOAD(member, more)                                                                         \
  BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, member) + (more))
#define IF(test, value, yes, no) BPF_JUMP(BPF_JMP | (test) | BPF_K, value, yes, no)
#define RETURN(action)           BPF_STMT(BPF_RET | BPF_K, action)
/* If the call has this number, it fails. */
#define REFUSE(number, error) IF(BPF_JEQ, number, 0, 1), RETURN(SECCOMP_RET_ERRNO | (error))

/* Keep the program from executing another one, or the same one again with other options for the
 * sanitizers; from starting a process with memory of its own, which could end unseen; from having
 * its own calls trapped, by which it could go on when a sanitizer ends it; and from ending before
 * LeakSanitizer has looked: not by syscall, which is the only function by which C can make every
 * system call. Threads share the program's memory, and so does what LeakSanitizer
 * starts. Do so only where no program gains privileges, as in the grader: elsewhere clang's
 * sanitizers start a program that finds names. */
static void start_nothing(void) {
  enum { SIZE = 48 /* of the function syscall, at least */, LOW = 0, HIGH = 4 };
  enum { DISPATCH = 59 /* PR_SET_SYSCALL_USER_DISPATCH, which older headers do not have */ };
  uint64_t from = (uintptr_t)dlsym(RTLD_NEXT, "syscall");
  struct sock_filter rules[] = {
      LOAD(nr, 0),
      REFUSE(SYS_execve, EPERM),
      REFUSE(SYS_execveat, EPERM),
#ifdef SYS_fork
      REFUSE(SYS_fork, EPERM),
      REFUSE(SYS_vfork, EPERM),
#endif
      REFUSE(SYS_seccomp, EPERM),
      IF(BPF_JEQ, SYS_prctl, 0, 6),
      LOAD(args, LOW),
      REFUSE(PR_SET_SECCOMP, EPERM),
      REFUSE(DISPATCH, EPERM),
      RETURN(SECCOMP_RET_ALLOW),
      REFUSE(SYS_clone3, ENOSYS), /* its flags are in memory: the C library does without it */
      IF(BPF_JEQ, SYS_clone, 0, 3),
      LOAD(args, LOW),
      IF(BPF_JSET, CLONE_VM, 10, 0),
      RETURN(SECCOMP_RET_ERRNO | EPERM),
      IF(BPF_JEQ, SYS_exit_group, 1, 0),
      IF(BPF_JEQ, SYS_exit, 0, 7),
      LOAD(args, LOW),
      IF(BPF_JEQ, PROBE_STATUS, 5, 0),
      LOAD(instruction_pointer, HIGH),
      IF(BPF_JEQ, (uint32_t)(from >> 32), 0, 3),
      LOAD(instruction_pointer, LOW),
      IF(BPF_JGE, (uint32_t)from, 0, 1),
      IF(BPF_JGE, (uint32_t)from + SIZE, 0, 1),
      RETURN(SECCOMP_RET_ALLOW),
      RETURN(SECCOMP_RET_ERRNO | EPERM),
  };
  const struct sock_fprog filter = {sizeof rules / sizeof rules[0], rules};
  if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
    (void)prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter);
}

/* Before all constructors, for a student's file can have some, and change the environment; but
 * after AddressSanitizer's own beginning, which the linker places first. */
static void read_environment(int argc, char **argv, char **environment) {
  static char order[PROBE_ORDER];
  const char *path = value_of(environment, PROBE_FILE);
  (void)argc;
  (void)argv;
  start_nothing();
  probe = path ? map(path, order) : NULL;
  if (!probe)
    return;
  /* Handlers run from the last to the first: this one just before LeakSanitizer's own, and after
   * all of the student's. */
  (void)atexit(look_at_end);
  if (strlen(order) < PROBE_KEY)
    return;
  memcpy(&key, order, PROBE_KEY);
  if (order[PROBE_KEY])
    failing = order + PROBE_KEY;
  memset(order, ' ', PROBE_KEY);
}

static void (*const first)(int, char **, char **)
    __attribute__((section(".preinit_array"), used)) = read_environment;

/* Before main. */
static void begin(void) __attribute__((constructor));

static void begin(void) {
  if (probe && __sanitizer_install_malloc_and_free_hooks && __sanitizer_get_allocated_size)
    __sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);
}

/* --- What fails ------------------------------------------------------------------------------- */

/* The student's functions that have ever begun, each once. */
enum { BEGUN = 1024 };
static uint64_t begun[BEGUN];
static size_t begun_count; /* more than BEGUN if some have no place there */

static void note_begun(uint64_t function) {
  for (size_t i = 0; i < begun_count && i < BEGUN; i++)
    if (begun[i] == function)
      return;
  if (begun_count < BEGUN)
    begun[begun_count] = function;
  if (begun_count <= BEGUN)
    begun_count++;
}

/* The student's functions that run now, main first: enough of them, whatever the file does. */
enum { RUNNING = 512 };
static uint64_t running[RUNNING];

/* What the student has given nghttp2 as callbacks, of each kind that is watched. */
enum { CALLBACKS = 32 };
static struct {
  const char *kind; /* "on_header" */
  uint64_t function;
} given[CALLBACKS];
static size_t given_count; /* more than CALLBACKS if some have no place there */

static void note_callback(const char *kind, uint64_t function) {
  for (size_t i = 0; i < given_count && i < CALLBACKS; i++)
    if (given[i].function == function && strcmp(given[i].kind, kind) == 0)
      return;
  if (given_count < CALLBACKS) {
    given[given_count].kind = kind;
    given[given_count].function = function;
  }
  given_count++;
}

/* Whether a callback of this kind runs now, however it is called. Where we have not noted them all,
 * one may. */
static bool runs(const char *kind) {
  if (given_count > CALLBACKS || probe->depth > RUNNING)
    return true;
  for (size_t i = 0; i < given_count; i++)
    for (int64_t k = 0; strcmp(given[i].kind, kind) == 0 && k < probe->depth; k++)
      if (running[k] == given[i].function)
        return true;
  return false;
}

/* "buffer_append in on_header" is for a call by that callback, or by a function that it has called.
 */
bool probe_fails(const char *name) {
  static const char in[] = " in ";
  static const char second[] = "the second ";
  size_t length = strlen(name);
  const char *wanted = failing;
  if (wanted && strncmp(wanted, second, strlen(second)) == 0)
    wanted += strlen(second);
  if (!wanted || strncmp(wanted, name, length) != 0)
    return false;
  const char *rest = wanted + length;
  if (*rest && (strncmp(rest, in, strlen(in)) != 0 || !runs(rest + strlen(in))))
    return false;
  if (wanted != failing) { /* this was the first: the next one fails */
    failing = wanted;
    return false;
  }
  failing = NULL;
  probe->failed++;
  return true;
}

/* nghttp2 and OpenSSL are not compiled with AddressSanitizer, and read as many entries as the
 * caller says: check here that they exist. */
#define LOOK(entries, count)                                                                       \
  do {                                                                                             \
    if (__asan_region_is_poisoned && (entries))                                                    \
      look(__asan_region_is_poisoned((void *)(entries), (count) * sizeof *(entries)));             \
  } while (0)

/* AddressSanitizer reports the byte, if there is one, and ends the program. */
static void look(const volatile char *octet) {
  if (octet)
    (void)*octet;
}

/* Wrap `name` with these parameters: do `first`, and pass the call on with those arguments; return
 * `failure` when `call` must fail, which is the same function, or one that does the same. */
#define WRAP_AS(type, name, call, parameters, arguments, failure, first)                           \
  type __real_##name parameters __attribute__((weak)); /* without --wrap */                        \
  type __wrap_##name parameters;                                                                   \
  type __wrap_##name parameters {                                                                  \
    first;                                                                                         \
    return probe_fails(#call) ? (failure) : __real_##name arguments;                               \
  }
#define WRAP_AND(type, name, parameters, arguments, failure, first)                                \
  WRAP_AS(type, name, name, parameters, arguments, failure, first)
#define WRAP(type, name, parameters, arguments, failure)                                           \
  WRAP_AND(type, name, parameters, arguments, failure, (void)0)

WRAP(int, nghttp2_session_callbacks_new, (nghttp2_session_callbacks * *callbacks), (callbacks),
     NGHTTP2_ERR_NOMEM)
/* The user data of the session. Not as a pointer: LeakSanitizer would take memory that the program
 * has lost for memory in use. */
static uintptr_t not_of_session;

static void note_stream_user(const void *user) {
  if (probe && user)
    *((uintptr_t)user == ~not_of_session ? &probe->user_data_wrong : &probe->user_data) += 1;
}

void *__real_nghttp2_session_get_stream_user_data(nghttp2_session *session, int32_t stream_id)
    __attribute__((weak)); /* without --wrap */

/* User data for a stream that has other user data, or that is closed: the program meant another. */
static void note_other_stream(nghttp2_session *session, int32_t stream_id, const void *user) {
  if (!probe || !user)
    return;
  const void *before = __real_nghttp2_session_get_stream_user_data(session, stream_id);
  if ((before && before != user) || nghttp2_session_get_stream_local_close(session, stream_id) < 0)
    probe->user_data_elsewhere++;
}

static void note_settings(void) {
  if (probe)
    probe->settings++;
}

void probe_sends(void) {
  if (probe && probe->settings > 0)
    probe->sends++;
}

/* The sessions of the student's file, and (by the last) those that common/ makes. */
#define WRAP_SESSIONS(side)                                                                        \
  WRAP_AND(int, nghttp2_session_##side##_new,                                                      \
           (nghttp2_session * *session, const nghttp2_session_callbacks *callbacks, void *user),   \
           (session, callbacks, user), NGHTTP2_ERR_NOMEM, not_of_session = ~(uintptr_t)user)       \
  WRAP_AS(int, nghttp2_session_##side##_new2, nghttp2_session_##side##_new,                        \
          (nghttp2_session * *session, const nghttp2_session_callbacks *callbacks, void *user,     \
           const nghttp2_option *option),                                                          \
          (session, callbacks, user, option), NGHTTP2_ERR_NOMEM,                                   \
          not_of_session = ~(uintptr_t)user)                                                       \
  WRAP_AND(int, nghttp2_session_##side##_new3,                                                     \
           (nghttp2_session * *session, const nghttp2_session_callbacks *callbacks, void *user,    \
            const nghttp2_option *option, nghttp2_mem *memory),                                    \
           (session, callbacks, user, option, memory), NGHTTP2_ERR_NOMEM,                          \
           not_of_session = ~(uintptr_t)user)

WRAP_SESSIONS(client)
WRAP_SESSIONS(server)

WRAP_AND(int, nghttp2_submit_settings,
         (nghttp2_session * session, uint8_t flags, const nghttp2_settings_entry *entries,
          size_t count),
         (session, flags, entries, count), NGHTTP2_ERR_NOMEM, note_settings();
         LOOK(entries, count))
WRAP_AND(int, nghttp2_session_set_stream_user_data,
         (nghttp2_session * session, int32_t stream_id, void *user), (session, stream_id, user),
         NGHTTP2_ERR_INVALID_ARGUMENT, note_stream_user(user);
         note_other_stream(session, stream_id, user))

void *__wrap_nghttp2_session_get_stream_user_data(nghttp2_session *session, int32_t stream_id);

void *__wrap_nghttp2_session_get_stream_user_data(nghttp2_session *session, int32_t stream_id) {
  void *user = __real_nghttp2_session_get_stream_user_data(session, stream_id);
  if (probe && !user && stream_id != 0)
    probe->user_data_missing++;
  return user;
}
/* nghttp2's buffer is longer than it says. So let the student's read callback write into a buffer
 * of exactly `size` bytes, where AddressSanitizer sees the byte behind the last. */
static nghttp2_data_source_read_callback student_read;

static ssize_t call_read(nghttp2_session *session, int32_t stream_id, uint8_t *bytes, size_t size,
                         uint32_t *flags, nghttp2_data_source *source, void *user) {
  uint8_t *exact = malloc(size);
  ssize_t length =
      student_read(session, stream_id, exact ? exact : bytes, size, flags, source, user);
  if (probe && length > 0 && (size_t)length > size)
    probe->read_too_much++;
  if (exact && length > 0 && (size_t)length <= size && !(*flags & NGHTTP2_DATA_FLAG_NO_COPY))
    memcpy(bytes, exact, (size_t)length);
  free(exact);
  return length;
}

/* The provider with our callback, in `ours`; unchanged if nobody asks, or for a second callback. */
static const nghttp2_data_provider *watch_read(const nghttp2_data_provider *provider,
                                               nghttp2_data_provider *ours) {
  if (!probe || !provider || !provider->read_callback ||
      (student_read && student_read != provider->read_callback))
    return provider;
  student_read = provider->read_callback;
  *ours = (nghttp2_data_provider){provider->source, call_read};
  return ours;
}

/* What the student's read callback gets as source->ptr. */
static void note_source(const nghttp2_data_provider *provider, const void *user_of_stream) {
  if (!probe || !provider)
    return;
  const void *source = provider->source.ptr;
  if (!source)
    probe->source_missing++;
  else if (source == user_of_stream)
    probe->source_of_stream++;
  else if ((uintptr_t)source == ~not_of_session)
    probe->source_of_session++;
  else
    probe->source_other++;
}

static bool is_get(const nghttp2_nv *fields, size_t count) {
  for (size_t i = 0; fields && i < count; i++)
    if (fields[i].namelen == 7 && memcmp(fields[i].name, ":method", 7) == 0)
      return fields[i].valuelen == 3 && memcmp(fields[i].value, "GET", 3) == 0;
  return false;
}

static void note_request(const nghttp2_nv *fields, size_t count,
                         const nghttp2_data_provider *provider, const void *user) {
  static uintptr_t last; /* inverted, too */
  LOOK(fields, count);
  note_stream_user(user);
  note_source(provider, user);
  if (probe && user && (uintptr_t)user != ~not_of_session && last == ~(uintptr_t)user)
    probe->user_data_same++;
  last = ~(uintptr_t)user;
  if (probe && provider && is_get(fields, count))
    probe->body_of_get++;
}

WRAP_AND(int32_t, nghttp2_submit_request,
         (nghttp2_session * session, const nghttp2_priority_spec *priority,
          const nghttp2_nv *fields, size_t count, const nghttp2_data_provider *provider,
          void *user),
         (session, priority, fields, count, watch_read(provider, &ours), user), NGHTTP2_ERR_NOMEM,
         nghttp2_data_provider ours;
         note_request(fields, count, provider, user))
static void note_response(nghttp2_session *session, int32_t stream_id,
                          const nghttp2_data_provider *provider) {
  if (!probe)
    return;
  probe->submitted++;
  note_source(provider, __real_nghttp2_session_get_stream_user_data(session, stream_id));
}

WRAP_AND(int, nghttp2_submit_response,
         (nghttp2_session * session, int32_t stream_id, const nghttp2_nv *fields, size_t count,
          const nghttp2_data_provider *provider),
         (session, stream_id, fields, count, watch_read(provider, &ours)), NGHTTP2_ERR_NOMEM,
         nghttp2_data_provider ours;
         note_response(session, stream_id, provider); LOOK(fields, count))

struct stream; /* common/stream.h */

/* --- common/'s streams ------------------------------------------------------------------------ */

int __real_stream_respond(struct stream *stream, int status, const nghttp2_nv *fields, size_t count,
                          int64_t length) __attribute__((weak)); /* without --wrap */
int __wrap_stream_respond(struct stream *stream, int status, const nghttp2_nv *fields, size_t count,
                          int64_t length);

int __wrap_stream_respond(struct stream *stream, int status, const nghttp2_nv *fields, size_t count,
                          int64_t length) {
  int result = __real_stream_respond(stream, status, fields, count, length);
  if (probe && result != 0)
    probe->refused++;
  if (probe && result == 0) {
    probe->announced = length;
    probe->body = probe->pieces = 0;
  }
  return result;
}

void __real_stream_close(struct stream *stream, uint32_t error_code)
    __attribute__((weak)); /* without --wrap */
void __wrap_stream_close(struct stream *stream, uint32_t error_code);

void __wrap_stream_close(struct stream *stream, uint32_t error_code) {
  if (probe)
    probe->given_up++;
  __real_stream_close(stream, error_code);
}

struct probe *probe_now(void) {
  return probe;
}

/* --- Other calls ------------------------------------------------------------------------------ */

WRAP(int, nghttp2_session_terminate_session, (nghttp2_session * session, uint32_t error_code),
     (session, error_code), NGHTTP2_ERR_NOMEM)
WRAP_AS(int, nghttp2_session_terminate_session2, nghttp2_session_terminate_session,
        (nghttp2_session * session, int32_t last_stream_id, uint32_t error_code),
        (session, last_stream_id, error_code), NGHTTP2_ERR_NOMEM, (void)0)
WRAP(int, transport_write, (struct transport * transport, const void *bytes, size_t length),
     (transport, bytes, length), -1)
WRAP(int, buffer_append, (struct buffer * buffer, const void *bytes, size_t length),
     (buffer, bytes, length), -1)
WRAP(int, buffer_append_text, (struct buffer * buffer, const char *text), (buffer, text), -1)
static void note_host(const char *name, size_t length) {
  if (probe && name)
    snprintf(probe->host, sizeof probe->host, "%.*s", (int)(length > 0 ? length : strlen(name)),
             name);
}

WRAP_AND(int, X509_VERIFY_PARAM_set1_host,
         (X509_VERIFY_PARAM * parameters, const char *name, size_t length),
         (parameters, name, length), 0, note_host(name, length))
static enum probe_alpn kind_of_alpn(const unsigned char *list, unsigned int length) {
  unsigned int place = 0;
  while (place < length && list[place] > 0 && list[place] < length - place)
    place += 1 + list[place];
  if (place == length)
    return length == 3 && memcmp(list, "\2h2", 3) == 0 ? PROBE_ALPN_H2 : PROBE_ALPN_MORE;
  return place > 0 && list[place] == 0 && place + 1 == length ? PROBE_ALPN_NUL : PROBE_ALPN_BAD;
}

static void note_alpn(const unsigned char *list, unsigned int length) {
  LOOK(list, length);
  if (probe && list && length > 0)
    probe->alpn = kind_of_alpn(list, length);
}

WRAP_AND(int, SSL_CTX_set_alpn_protos,
         (SSL_CTX * context, const unsigned char *protocols, unsigned int length),
         (context, protocols, length), 1, note_alpn(protocols, length))
int __real_SSL_select_next_proto(unsigned char **chosen, unsigned char *chosen_length,
                                 const unsigned char *ours, unsigned int our_length,
                                 const unsigned char *offered, unsigned int offered_length)
    __attribute__((weak)); /* without --wrap */
int __wrap_SSL_select_next_proto(unsigned char **chosen, unsigned char *chosen_length,
                                 const unsigned char *ours, unsigned int our_length,
                                 const unsigned char *offered, unsigned int offered_length);

int __wrap_SSL_select_next_proto(unsigned char **chosen, unsigned char *chosen_length,
                                 const unsigned char *ours, unsigned int our_length,
                                 const unsigned char *offered, unsigned int offered_length) {
  LOOK(ours, our_length);
  int result = __real_SSL_select_next_proto(chosen, chosen_length, ours, our_length, offered,
                                            offered_length);
  if (probe) {
    probe->list_length = our_length;
    memcpy(probe->list, ours, our_length < PROBE_LIST ? our_length : PROBE_LIST);
    *(result == OPENSSL_NPN_NEGOTIATED ? &probe->selected : &probe->not_selected) += 1;
  }
  return result;
}

/* Whether this caller is in the lab's own file, for common/ allocates memory too: only that file's
 * functions say that they begin. The file that the debug information names does not matter, for a
 * macro of the student's can make a function of a line in common/. */
static bool is_of_lab(void *caller) {
  uint64_t function = (uintptr_t)_Unwind_FindEnclosingFunction(caller);
  if (begun_count > BEGUN)
    return true;
  for (size_t i = 0; i < begun_count; i++)
    if (begun[i] == function)
      return true;
  return false;
}

/* Whether no allocation has come from here yet. A helper function is another place for each of the
 * student's functions that call it. Where there is no room for more places, each is new: else a
 * file could fill the list. */
static bool is_new_place(void *caller) {
  enum { PLACES = 256 };
  static uint64_t places[PLACES];
  static size_t count;
  uint64_t place = (uintptr_t)caller;
  for (int64_t i = 0; i < probe->depth && i < PROBE_CALLS; i++)
    place = place * 31 + probe->calls[i];
  for (size_t i = 0; i < count; i++)
    if (places[i] == place)
      return false;
  if (count < PLACES)
    places[count++] = place;
  return true;
}

/* Whether the allocation of this caller must fail. By the name "allocation" it is the first one in
 * the lab's own file. */
static bool allocation_fails(void *caller, size_t size) {
  enum { LARGE = 1 << 20 };
  static const char any[] = "allocation";
  if (strcmp(failing, "large allocations") == 0) {
    probe->failed += size > LARGE;
    return size > LARGE;
  }
  if (strcmp(failing, "each allocation") == 0) {
    bool fails = probe->armed && is_new_place(caller) && is_of_lab(caller);
    probe->failed += fails;
    return fails;
  }
  return strncmp(failing, any, strlen(any)) == 0 && is_of_lab(caller) && probe_fails(any);
}

/* `bytes` is how large the block is to be; nobody asks unless something is to fail. */
#define FAILS(bytes) (failing && allocation_fails(__builtin_return_address(0), bytes))
#define WRAP_ALLOCATION_OR(failure, type, name, parameters, arguments, bytes)                      \
  type __real_##name parameters __attribute__((weak));                                             \
  type __wrap_##name parameters;                                                                   \
  type __wrap_##name parameters {                                                                  \
    return FAILS(bytes) ? (failure) : __real_##name arguments;                                     \
  }
#define WRAP_ALLOCATION(...) WRAP_ALLOCATION_OR(NULL, __VA_ARGS__)

static size_t product(size_t count, size_t size) {
  return count > 0 && size > SIZE_MAX / count ? SIZE_MAX : count * size;
}

WRAP_ALLOCATION(void *, malloc, (size_t size), (size), size)
WRAP_ALLOCATION(void *, calloc, (size_t count, size_t size), (count, size), product(count, size))
WRAP_ALLOCATION(void *, realloc, (void *block, size_t size), (block, size), size)
WRAP_ALLOCATION(void *, reallocarray, (void *block, size_t count, size_t size),
                (block, count, size), product(count, size))
WRAP_ALLOCATION(void *, aligned_alloc, (size_t alignment, size_t size), (alignment, size), size)
WRAP_ALLOCATION_OR(ENOMEM, int, posix_memalign, (void **block, size_t alignment, size_t size),
                   (block, alignment, size), size)
WRAP_ALLOCATION(char *, strdup, (const char *text), (text), strlen(text) + 1)
WRAP_ALLOCATION(char *, strndup, (const char *text, size_t length), (text, length),
                strnlen(text, length) + 1)
WRAP_ALLOCATION(FILE *, open_memstream, (char **text, size_t *length), (text, length), 1)
WRAP_ALLOCATION_OR(-1, ssize_t, getline, (char **line, size_t *size, FILE *file),
                   (line, size, file), 1)
WRAP_ALLOCATION_OR(-1, ssize_t, getdelim, (char **line, size_t *size, int end, FILE *file),
                   (line, size, end, file), 1)

/* How long the text will be, and a NUL. */
static size_t size_of_text(const char *format, va_list values) {
  va_list copy;
  va_copy(copy, values);
  int length = vsnprintf(NULL, 0, format, copy);
  va_end(copy);
  return length < 0 ? 1 : (size_t)length + 1;
}

WRAP_ALLOCATION_OR(-1, int, vasprintf, (char **text, const char *format, va_list values),
                   (text, format, values), size_of_text(format, values))
WRAP_ALLOCATION_OR(-1, int, __vasprintf_chk,
                   (char **text, int flag, const char *format, va_list values),
                   (text, flag, format, values), size_of_text(format, values))

/* By the macro _FORTIFY_SOURCE, asprintf becomes the second. */
int __wrap_asprintf(char **text, const char *format, ...);
int __wrap___asprintf_chk(char **text, int flag, const char *format, ...);

#define PRINT()                                                                                    \
  do {                                                                                             \
    va_list values;                                                                                \
    va_start(values, format);                                                                      \
    int length =                                                                                   \
        FAILS(size_of_text(format, values)) ? -1 : __real_vasprintf(text, format, values);         \
    va_end(values);                                                                                \
    return length;                                                                                 \
  } while (0)

int __wrap_asprintf(char **text, const char *format, ...) {
  PRINT();
}

int __wrap___asprintf_chk(char **text, int flag, const char *format, ...) {
  (void)flag;
  PRINT();
}

/* --- Where a server wants to listen ----------------------------------------------------------- */

/* The sandbox may refuse it: what counts is the port that the program asks for. */
static void note_port(const struct sockaddr *address) {
  const struct sockaddr_in *in = (const void *)address;
  const struct sockaddr_in6 *in6 = (const void *)address;
  bool is_in = address && address->sa_family == AF_INET;
  bool is_in6 = address && address->sa_family == AF_INET6;
  if (probe && probe->port == 0 && (is_in || is_in6))
    probe->port = ntohs(is_in ? in->sin_port : in6->sin6_port);
}

int __real_bind(int socket, const struct sockaddr *address, socklen_t length)
    __attribute__((weak)); /* without --wrap */
int __wrap_bind(int socket, const struct sockaddr *address, socklen_t length);

int __wrap_bind(int socket, const struct sockaddr *address, socklen_t length) {
  note_port(address);
  return __real_bind(socket, address, length);
}

/* --- What callbacks return -------------------------------------------------------------------- */

/* Only the first failure counts: others follow from it. */
static void note_return(void *function, int64_t value, bool failure) {
  if (!probe || probe->returned != 0 || !failure)
    return;
  if (__sanitizer_symbolize_pc) /* it takes the address for one behind a call */
    __sanitizer_symbolize_pc((char *)function + 1, "%f %s:%l", probe->place, sizeof probe->place);
  memcpy(probe->recent_failure, probe->recent, sizeof probe->recent);
  probe->begun_failure = probe->begun;
  probe->returned = value;
}

/* Our callback calls the student's callback KIND, with these parameters, and looks at what it
 * returns. */
#define WATCH(kind, parameters, arguments)                                                         \
  static nghttp2_##kind##_callback student_##kind;                                                 \
  static int call_##kind parameters {                                                              \
    int result = student_##kind arguments;                                                         \
    note_return((void *)student_##kind, result, result != 0 && result != NGHTTP2_ERR_PAUSE);       \
    return result;                                                                                 \
  }                                                                                                \
  void __real_nghttp2_session_callbacks_set_##kind##_callback(                                     \
      nghttp2_session_callbacks *callbacks, nghttp2_##kind##_callback callback)                    \
      __attribute__((weak));                                                                       \
  void __wrap_nghttp2_session_callbacks_set_##kind##_callback(                                     \
      nghttp2_session_callbacks *callbacks, nghttp2_##kind##_callback callback);                   \
  void __wrap_nghttp2_session_callbacks_set_##kind##_callback(                                     \
      nghttp2_session_callbacks *callbacks, nghttp2_##kind##_callback callback) {                  \
    note_callback(#kind, (uintptr_t)callback);                                                     \
    /* two sets of callbacks: only one is watched */                                               \
    bool other = student_##kind && student_##kind != callback;                                     \
    if (!other)                                                                                    \
      student_##kind = callback;                                                                   \
    __real_nghttp2_session_callbacks_set_##kind##_callback(                                        \
        callbacks, !other && callback ? call_##kind : callback);                                   \
  }

WATCH(on_begin_headers, (nghttp2_session * session, const nghttp2_frame *frame, void *user),
      (session, frame, user))
WATCH(on_header,
      (nghttp2_session * session, const nghttp2_frame *frame, const uint8_t *name,
       size_t name_length, const uint8_t *value, size_t value_length, uint8_t flags, void *user),
      (session, frame, name, name_length, value, value_length, flags, user))
WATCH(on_data_chunk_recv,
      (nghttp2_session * session, uint8_t flags, int32_t stream_id, const uint8_t *data,
       size_t length, void *user),
      (session, flags, stream_id, data, length, user))
WATCH(on_frame_recv, (nghttp2_session * session, const nghttp2_frame *frame, void *user),
      (session, frame, user))
WATCH(on_stream_close,
      (nghttp2_session * session, int32_t stream_id, uint32_t error_code, void *user),
      (session, stream_id, error_code, user))

/* --- Which functions run ---------------------------------------------------------------------- */

void __cyg_profile_func_enter(void *function, void *caller);
void __cyg_profile_func_exit(void *function, void *caller);

void __cyg_profile_func_enter(void *function, void *caller) {
  (void)caller;
  if (!probe)
    return;
  end_if_looked();
  uint64_t address = (uintptr_t)function;
  int64_t i = 0;
  while (i < probe->function_count && probe->functions[i] != address)
    i++;
  if (i == probe->function_count && i < PROBE_FUNCTIONS)
    probe->functions[probe->function_count++] = address;
  if (i < PROBE_FUNCTIONS)
    probe->times[i]++;
  note_begun(address);
  if (probe->depth < PROBE_CALLS)
    probe->calls[probe->depth] = address;
  if (probe->depth < RUNNING)
    running[probe->depth] = address;
  probe->depth++;
  probe->recent[probe->begun++ % PROBE_RECENT] = address;
}

void __cyg_profile_func_exit(void *function, void *caller) {
  (void)function;
  (void)caller;
  if (probe && probe->depth > 0)
    probe->depth--;
}
/* NOLINTEND(bugprone-reserved-identifier) */
