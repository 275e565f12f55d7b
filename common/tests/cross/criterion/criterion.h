/*
 * criterion: the part of Criterion that the tests here use, for places where it cannot run.
 *
 * Criterion starts each test by ptrace, which qemu's user mode does not have. Here each test runs
 * in a process made by fork, one after the other, and run.c prints TAP. This folder comes before
 * the system's headers in `make platforms ONLY=arm64`, and nowhere else.
 */
#ifndef COMMON_TESTS_CROSS_CRITERION_H
#define COMMON_TESTS_CROSS_CRITERION_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct cross_options {
  void (*init)(void);
  void (*fini)(void);
  int exit_code;    /* the expected exit status */
  unsigned timeout; /* in seconds; 0: that of its suite */
};

struct cross_test {
  const char *suite;
  const char *name; /* NULL: these are the options of the whole suite */
  void (*run)(void);
  struct cross_options options;
  struct cross_test *next;
};

/* Each test and each suite calls these before main. */
void cross_add(struct cross_test *test);

/* Say what is wrong, and end the test. */
_Noreturn void cross_fail(const char *file, int line, const char *what);

/* End the test: it cannot run here. */
_Noreturn void cross_skip(const char *why);

#define CROSS_ADD(id, of_suite, of_name, function, ...)                                            \
  __attribute__((constructor)) static void id(void) {                                              \
    static struct cross_test test = {                                                              \
        .suite = of_suite, .name = of_name, .run = function, .options = {__VA_ARGS__}};            \
    cross_add(&test);                                                                              \
  }
#define Test(suite, name, ...)                                                                     \
  static void suite##_##name##_test(void);                                                         \
  CROSS_ADD(suite##_##name##_add, #suite, #name, suite##_##name##_test, __VA_ARGS__)               \
  static void suite##_##name##_test(void)
#define TestSuite(suite, ...)                                                                      \
  CROSS_ADD(suite##_suite_add, #suite, NULL, NULL, __VA_ARGS__)                                    \
  struct cross_test

#define cr_assert(condition, ...)                                                                  \
  ((condition) ? (void)0 : cross_fail(__FILE__, __LINE__, #condition))
#define cr_assert_not(condition, ...)     cr_assert(!(condition))
#define cr_assert_eq(a, b, ...)           cr_assert((a) == (b))
#define cr_assert_neq(a, b, ...)          cr_assert((a) != (b))
#define cr_assert_lt(a, b, ...)           cr_assert((a) < (b))
#define cr_assert_leq(a, b, ...)          cr_assert((a) <= (b))
#define cr_assert_gt(a, b, ...)           cr_assert((a) > (b))
#define cr_assert_geq(a, b, ...)          cr_assert((a) >= (b))
#define cr_assert_null(a, ...)            cr_assert((a) == NULL)
#define cr_assert_not_null(a, ...)        cr_assert((a) != NULL)
#define cr_assert_str_eq(a, b, ...)       cr_assert(strcmp((a), (b)) == 0)
#define cr_expect_eq(a, b, ...)           cr_assert_eq(a, b)
#define cr_expect_str_eq(a, b, ...)       cr_assert_str_eq(a, b)
#define cr_assert_arr_eq(a, b, size, ...) cr_assert(memcmp((a), (b), (size)) == 0)
#define cr_assert_fail(...)               cross_fail(__FILE__, __LINE__, #__VA_ARGS__)
#define cr_skip_test(why)                 cross_skip(why)

#endif
