/*
 * chance: random values that nobody can work out from others. SHA-256 of the seed, the lab and the
 * check is the key; SHA-256 of the key and a counter gives the values, eight bytes each. A program
 * that has seen some of a check's values knows neither the next ones, nor the seed, nor those of
 * other checks.
 */
#ifndef GRADER_CHANCE_H
#define GRADER_CHANCE_H

#include <stddef.h>
#include <stdint.h>

enum { CHANCE_SIZE = 32 }; /* of SHA-256 */

struct chance {
  struct {
    uint8_t bytes[CHANCE_SIZE];
    uint64_t count;
  } key;
  uint64_t values[CHANCE_SIZE / sizeof(uint64_t)];
  size_t left; /* of the values */
};

/* Returns 0, or -1 when there is no memory. */
int chance_begin(struct chance *chance, const char *seed, const char *lab, const char *check);

/* The next value. */
uint64_t chance_next(struct chance *chance);

#endif
