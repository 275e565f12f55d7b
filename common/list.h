/*
 * list: a doubly linked list whose links are part of its members. It allocates nothing, and removes
 * a member without a search.
 *
 *     struct stream {
 *       struct list link;    must be the first member
 *       ...
 *     };
 *     struct list streams;   the list: its next is the first member, or itself if it is empty
 */
#ifndef COMMON_LIST_H
#define COMMON_LIST_H

#include <stdbool.h>

struct list {
  struct list *next;
  struct list *previous;
};

/* Make it an empty list. */
void list_init(struct list *list);

/* Add a member, which is in no list, after the last one. */
void list_add(struct list *list, struct list *link);

/* Take a member out of the list it is in. */
void list_remove(struct list *link);

/* The first member, or NULL if the list is empty; the member after `link`, or NULL if `link` is the
 * last. */
void *list_first(const struct list *list);
void *list_next(const struct list *list, const struct list *link);

#endif
