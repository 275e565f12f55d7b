/*
 * check: one thing that a lab's program must do, as data; and what the grader tells the checks,
 * which run in separate processes. grader/play/check_run.h says how to write a check.
 */
#ifndef GRADER_CHECK_H
#define GRADER_CHECK_H

#include <stdbool.h>

struct check {
  const char *lab;      /* "lab01" */
  const char *id;       /* "ping" */
  const char *sentence; /* what a right program does */
  const char *section;  /* of RFC 9113 unless it names another document; NULL if none */
  int points;
  bool of_errors; /* it requires an error: a program that knows no HTTP/2 could pass it, */
  bool by_heart;  /* or bytes that are always the same: neither counts by itself, see outcome.h */
  bool of_fields; /* whoever passes it has read the fields of requests */
  int todo;       /* the TODO that it belongs to; 0 if none */
  const char *program; /* whose file has that TODO, in a lab with several; NULL for the first */
  const char *earlier; /* the lab whose work it repeats ("lab04"); NULL if it is new here */
  const char
      *by_hand; /* options for `make serve`, or for curl, to do what the check does; or NULL */
  int line;     /* checks are shown in the order of the file */
};

/* What the grader tells the checks, through the environment. */
#define CHECK_PROGRAMS     "GRADE_PROGRAMS"     /* the folder with labNN-name/program */
#define CHECK_DIRECTORY    "GRADE_DIRECTORY"    /* where the outcomes go */
#define CHECK_GUARD        "GRADE_GUARD"        /* the path of the guard */
#define CHECK_SEED         "GRADE_SEED"         /* for the values that are random */
#define CHECK_PCAP         "GRADE_PCAP"         /* set for a capture: DIRECTORY/lab01.ping.pcapng */
#define CHECK_ALONE        "GRADE_ALONE"        /* set if only this check was requested */
#define CHECK_ANY_LANGUAGE "GRADE_ANY_LANGUAGE" /* set if the programs may be in any language */

#endif
