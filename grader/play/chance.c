/* chance: see chance.h. */
#include "grader/play/chance.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int chance_begin(struct chance *chance, const char *seed, const char *lab, const char *check) {
  char text[256];
  *chance = (struct chance){.left = 0};
  int length = snprintf(text, sizeof text, "%s %s %s", seed, lab, check);
  return EVP_Digest(text, (size_t)length < sizeof text ? (size_t)length : sizeof text - 1,
                    chance->key.bytes, NULL, EVP_sha256(), NULL) == 1
             ? 0
             : -1;
}

uint64_t chance_next(struct chance *chance) {
  if (chance->left == 0) {
    chance->key.count++;
    if (EVP_Digest(&chance->key, sizeof chance->key, (uint8_t *)chance->values, NULL, EVP_sha256(),
                   NULL) != 1)
      abort(); /* no memory: Criterion reports it, as a fault of the grader */
    chance->left = sizeof chance->values / sizeof *chance->values;
  }
  return chance->values[--chance->left];
}
