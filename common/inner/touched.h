/*
 * touched: let LeakSanitizer read only the variables that were ever touched.
 *
 * At the end of a program, LeakSanitizer reads all variables for pointers. 5 MB of them are the
 * sanitizer's own tables, of which a small program touches little; to read them all takes longer
 * than everything else that it does at its end. A page that was never touched holds what it held in
 * the file, so no pointer to memory that was allocated.
 *
 * LeakSanitizer asks the C library where variables are, by dl_iterate_phdr(3). The linker's --wrap
 * brings this call to touched.c.
 */
#ifndef COMMON_TOUCHED_H
#define COMMON_TOUCHED_H

/* Find the pages of the program's own variables that were touched until now. From now on,
 * dl_iterate_phdr has only these for the program itself. Changes nothing if the kernel does not say
 * which they are, or without LeakSanitizer. */
void touched_find(void);

#endif
