/* pool: see pool.h. */
#include "common/inner/pool.h"

#include <pthread.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifndef __has_feature /* clang's way to ask; gcc defines a macro */
#define __has_feature(feature) 0
#endif

enum {
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
  KEPT = 0,
#else
  KEPT = 128 * 1024, /* bytes in free blocks of each size */
#endif
  STEP = 32,  /* between two sizes */
  SIZES = 17, /* up to 512 bytes; larger blocks are not kept */
};

/* The header before each block. */
struct block {
  alignas(max_align_t) size_t steps; /* its size, in STEPs */
  struct block *next;                /* while it is free */
};

struct free_list {
  struct block *first;
  size_t bytes;
};

static _Thread_local struct free_list free_blocks[SIZES];

void *pool_alloc(size_t size) {
  size_t steps = size / STEP + 1;
  if (steps < SIZES && free_blocks[steps].first) {
    struct block *block = free_blocks[steps].first;
    free_blocks[steps].first = block->next;
    free_blocks[steps].bytes -= steps * STEP;
    return block + 1;
  }
  if (size > SIZE_MAX / 2)
    return NULL;
  struct block *block = malloc(sizeof *block + steps * STEP);
  if (!block)
    return NULL;
  block->steps = steps;
  return block + 1;
}

void pool_free(void *memory) {
  if (!memory)
    return;
  struct block *block = (struct block *)memory - 1;
  size_t steps = block->steps;
  if (steps >= SIZES || free_blocks[steps].bytes + steps * STEP > KEPT) {
    free(block);
    return;
  }
  block->next = free_blocks[steps].first;
  free_blocks[steps].first = block;
  free_blocks[steps].bytes += steps * STEP;
}

static void *memory_alloc(size_t size, void *user) {
  (void)user;
  return pool_alloc(size);
}

static void memory_free(void *memory, void *user) {
  (void)user;
  pool_free(memory);
}

static void *memory_calloc(size_t count, size_t size, void *user) {
  (void)user;
  if (size > 0 && count > SIZE_MAX / size)
    return NULL;
  void *memory = pool_alloc(count * size);
  if (memory)
    memset(memory, 0, count * size);
  return memory;
}

static void *memory_realloc(void *memory, size_t size, void *user) {
  (void)user;
  void *grown = pool_alloc(size);
  if (!grown || !memory)
    return grown;
  size_t old_size = ((struct block *)memory - 1)->steps * STEP;
  memcpy(grown, memory, old_size < size ? old_size : size);
  pool_free(memory);
  return grown;
}

/* --- The end of a thread ---------------------------------------------------------------------- */

static pthread_key_t key; /* set in each thread that has a pool, only to notice its end */
static bool has_key;

static void free_all(void *unused) {
  (void)unused;
  for (size_t steps = 0; steps < SIZES; steps++) {
    struct block *next;
    for (struct block *block = free_blocks[steps].first; block; block = next) {
      next = block->next;
      free(block);
    }
    free_blocks[steps] = (struct free_list){0};
  }
}

static void make_key(void) {
  has_key = pthread_key_create(&key, free_all) == 0;
}

nghttp2_mem *pool_nghttp2(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  static nghttp2_mem memory = {.malloc = memory_alloc,
                               .free = memory_free,
                               .calloc = memory_calloc,
                               .realloc = memory_realloc};
  pthread_once(&once, make_key);
  if (has_key)
    pthread_setspecific(key,
                        free_blocks); /* if it fails, this thread's free blocks are lost with it */
  return &memory;
}
