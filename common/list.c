/* list: see list.h. It is a ring: the list itself is between its last member and its first. */
#include "common/list.h"

#include <stddef.h>

void list_init(struct list *list) {
  list->next = list;
  list->previous = list;
}

void list_add(struct list *list, struct list *link) {
  link->previous = list->previous;
  link->next = list;
  list->previous->next = link;
  list->previous = link;
}

void list_remove(struct list *link) {
  link->previous->next = link->next;
  link->next->previous = link->previous;
  list_init(link); /* now a second list_remove does no harm */
}

void *list_first(const struct list *list) {
  return list_next(list, list);
}

void *list_next(const struct list *list, const struct list *link) {
  return link->next == list ? NULL : link->next;
}
