/* fuzz: see fuzz.h. */
#include "common/fuzz/fuzz.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- The tape --------------------------------------------------------------------------------- */

uint8_t tape_octet(struct tape *tape) {
  if (tape->length == 0)
    return 0;
  tape->length--;
  return *tape->octets++;
}

const uint8_t *tape_octets(struct tape *tape, size_t *length) {
  const uint8_t *octets = tape->octets;
  if (*length > tape->length)
    *length = tape->length;
  tape->octets += *length;
  tape->length -= *length;
  return octets;
}

/* --- What must hold --------------------------------------------------------------------------- */

void fuzz_found(const char *what) {
  fprintf(stderr, "fuzz: this does not hold: %s\n", what);
  abort();
}

void fuzz_must(bool holds, const char *what) {
  if (!holds)
    fuzz_found(what);
}

/* --- Memory ----------------------------------------------------------------------------------- */

/* AddressSanitizer's own functions, under the names for calls from a replacement. */
void *__interceptor_malloc(size_t size);
void *__interceptor_calloc(size_t count, size_t size);
void *__interceptor_realloc(void *memory, size_t size);
void __interceptor_free(void *memory);

static bool runs;        /* the program under test */
static size_t countdown; /* to the allocation that fails; 0: none fails */
static size_t left;      /* how many fail after it */
static bool failed;
static bool measuring; /* not before AddressSanitizer is ready */
static size_t held;    /* bytes allocated since fuzz_measure; it wraps when older ones are freed */
static size_t peak;

void fuzz_fail(size_t n, size_t more) {
  countdown = n;
  left = more;
  failed = false;
}

void fuzz_run(bool program) {
  runs = program;
}

bool fuzz_failed(void) {
  return failed;
}

void fuzz_measure(void) {
  measuring = true;
  held = peak = 0;
}

size_t fuzz_peak(void) {
  return peak;
}

static bool fails(void) {
  if (!runs || countdown == 0 || --countdown > 0)
    return false;
  if (left > 0) {
    left--;
    countdown = 1;
  }
  failed = true;
  errno = ENOMEM;
  return true;
}

static size_t size_of(void *memory) {
  return measuring && memory ? malloc_usable_size(memory) : 0;
}

static void *count(void *memory) {
  held += size_of(memory);
  if (held > peak && held < SIZE_MAX / 2)
    peak = held;
  return memory;
}

void *malloc(size_t size) {
  return fails() ? NULL : count(__interceptor_malloc(size));
}

void *calloc(size_t number, size_t size) {
  return fails() ? NULL : count(__interceptor_calloc(number, size));
}

void *realloc(void *memory, size_t size) {
  if (fails())
    return NULL;
  held -= size_of(memory);
  return count(__interceptor_realloc(memory, size));
}

void free(void *memory) {
  held -= size_of(memory);
  __interceptor_free(memory);
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

/* Memory for the target itself, which never fails. */
static void *take(size_t size) {
  void *memory = count(__interceptor_malloc(size ? size : 1));
  fuzz_must(memory != NULL, "there is memory for the target itself");
  return memory;
}

uint8_t *fuzz_copy(const uint8_t *octets, size_t length) {
  uint8_t *copy = take(length);
  if (length > 0)
    memcpy(copy, octets, length);
  return copy;
}

char *fuzz_text(const uint8_t *octets, size_t length) {
  char *text = take(length + 1);
  if (length > 0)
    memcpy(text, octets, length);
  text[length] = '\0';
  return text;
}
