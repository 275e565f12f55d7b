/*
 * number: a number on the command line, such as a port.
 */
#ifndef COMMON_NUMBER_H
#define COMMON_NUMBER_H

/* The decimal number from 0 to `maximum` that the whole `text` stands for, or -1. */
long number_parse(const char *text, long maximum);

#endif
