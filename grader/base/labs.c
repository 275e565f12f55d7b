/* labs: see labs.h. */
#include "grader/base/labs.h"

#include <string.h>

const struct lab labs_all[] = {
    {"lab01", "lab01-session", "one session", {"session"}, 15, false, {.send = 2}},
    {"lab02",
     "lab02-requests",
     "requests and responses",
     {"requests"},
     20,
     false,
     {.user_data = 1}},
    {"lab03", "lab03-server", "a server", {"server"}, 20, false, {.user_data = 1}},
    {"lab04", "lab04-router", "a router", {"router"}, 10, false, {.route = 1, .respond = 4}},
    {"lab05", "lab05-timeouts", "timeouts", {"client", "server"}, 15, false, {0}},
    {"lab06", "lab06-tls", "TLS", {"server", "client"}, 20, true, {0}},
};

const size_t labs_count = sizeof labs_all / sizeof labs_all[0];

const struct lab *labs_find(const char *id) {
  for (size_t i = 0; i < labs_count; i++)
    if (strcmp(labs_all[i].id, id) == 0)
      return &labs_all[i];
  return NULL;
}
