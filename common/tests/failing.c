/* failing: see failing.h. */
#include "common/tests/failing.h"

#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <string.h>

/* --- Memory ----------------------------------------------------------------------------------- */

/* AddressSanitizer's own functions, under the names for calls from a replacement. */
void *__interceptor_malloc(size_t size);
void *__interceptor_calloc(size_t count, size_t size);
void *__interceptor_realloc(void *memory, size_t size);

static _Thread_local size_t countdown; /* 0: none fails */
static _Thread_local bool failed;

static bool fails(void) {
  if (countdown == 0 || --countdown > 0)
    return false;
  failed = true;
  errno = ENOMEM;
  return true;
}

void failing_start(size_t n) {
  failed = false;
  countdown = n;
}

bool failing_happened(void) {
  return failed;
}

bool failing_stop(void) {
  countdown = 0;
  return failed;
}

void *malloc(size_t size) {
  return fails() ? NULL : __interceptor_malloc(size);
}

void *calloc(size_t count, size_t size) {
  return fails() ? NULL : __interceptor_calloc(count, size);
}

void *realloc(void *memory, size_t size) {
  return fails() ? NULL : __interceptor_realloc(memory, size);
}

/* AddressSanitizer's copies of a text would not use malloc. */
char *strndup(const char *text, size_t most) {
  size_t length = strnlen(text, most);
  char *copy = malloc(length + 1);
  if (!copy)
    return NULL;
  memcpy(copy, text, length);
  copy[length] = '\0';
  return copy;
}

char *strdup(const char *text) {
  return strndup(text, strlen(text));
}

/* --- Names ------------------------------------------------------------------------------------ */

typedef int lookup(const char *host, const char *service, const struct addrinfo *hints,
                   struct addrinfo **found);

static const char *const *resolved; /* NULL: real look-ups */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool held;
static size_t waiting;

void failing_resolve(const char *const *addresses) {
  resolved = addresses;
}

static void set_held(bool now) {
  pthread_mutex_lock(&mutex);
  held = now;
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&mutex);
}

void failing_hold_lookups(void) {
  set_held(true);
}

void failing_release_lookups(void) {
  set_held(false);
}

void failing_await_lookups(size_t count) {
  pthread_mutex_lock(&mutex);
  while (waiting < count)
    pthread_cond_wait(&changed, &mutex);
  pthread_mutex_unlock(&mutex);
}

/* Runs in the thread that looks up. */
static void wait_while_held(void) {
  pthread_mutex_lock(&mutex);
  waiting++;
  pthread_cond_broadcast(&changed);
  while (held)
    pthread_cond_wait(&changed, &mutex);
  waiting--;
  pthread_mutex_unlock(&mutex);
}

int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
                struct addrinfo **found) {
  lookup *real = (lookup *)dlsym(RTLD_NEXT, "getaddrinfo");
  wait_while_held();
  if (!resolved)
    return real(host, service, hints, found);
  *found = NULL;
  struct addrinfo **end = found;
  for (const char *const *address = resolved; *address; address++) {
    int status = real(*address, service, hints, end);
    if (status != 0) {
      if (*found)
        freeaddrinfo(*found);
      return status;
    }
    while (*end)
      end = &(*end)->ai_next;
  }
  return 0;
}
