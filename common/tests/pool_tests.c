/* Tests of pool. Under AddressSanitizer the pool keeps nothing: build them without it too. */
#include "common/inner/pool.h"

#include <criterion/criterion.h>
#include <stdint.h>
#include <string.h>

TestSuite(pool, .timeout = 10);

enum { BLOCKS = 600, LARGEST = 700 };

Test(pool, blocks_of_all_sizes_do_not_overlap) {
  static uint8_t *blocks[BLOCKS];
  for (int round = 0; round < 3; round++) {
    for (size_t i = 0; i < BLOCKS; i++) {
      size_t size = i * LARGEST / BLOCKS;
      blocks[i] = pool_alloc(size);
      cr_assert_not_null(blocks[i], "no memory");
      cr_assert_eq((uintptr_t)blocks[i] % 16, 0, "not aligned");
      memset(blocks[i], (int)(i % 251), size);
    }
    for (size_t i = 0; i < BLOCKS; i++) {
      for (size_t j = 0; j < i * LARGEST / BLOCKS; j++)
        cr_assert_eq(blocks[i][j], i % 251, "block %zu has changed", i);
      pool_free(blocks[i]);
    }
  }
  pool_free(NULL);
}

Test(pool, nghttp2_gets_zeroes_and_keeps_what_it_had) {
  nghttp2_mem *memory = pool_nghttp2();
  for (size_t size = 1; size < LARGEST; size++) {
    uint8_t *bytes = memory->malloc(size, NULL);
    cr_assert_not_null(bytes, "no memory");
    memset(bytes, 0xff, size);
    memory->free(bytes, NULL);
    bytes = memory->calloc(size, 1, NULL);
    for (size_t i = 0; i < size; i++)
      cr_assert_eq(bytes[i], 0, "byte %zu of %zu is not zero", i, size);
    memset(bytes, 'x', size);
    bytes = memory->realloc(bytes, 2 * size, NULL);
    cr_assert_not_null(bytes, "no memory");
    for (size_t i = 0; i < size; i++)
      cr_assert_eq(bytes[i], 'x', "byte %zu of %zu is lost", i, size);
    bytes = memory->realloc(bytes, size / 2 + 1, NULL);
    for (size_t i = 0; i < size / 2 + 1; i++)
      cr_assert_eq(bytes[i], 'x', "byte %zu of %zu is lost", i, size);
    memory->free(bytes, NULL);
  }
  memory->free(memory->realloc(NULL, 10, NULL), NULL);
}

Test(pool, too_much_is_refused) {
  cr_assert_null(pool_alloc(SIZE_MAX), "SIZE_MAX");
  cr_assert_null(pool_alloc(SIZE_MAX - 8), "SIZE_MAX - 8");
  cr_assert_null(pool_nghttp2()->calloc(SIZE_MAX / 2, 4, NULL), "a product too large");
}
