/*
 * labs: the names of the labs, and their points.
 */
#ifndef GRADER_LABS_H
#define GRADER_LABS_H

#include <stdbool.h>
#include <stddef.h>

struct lab {
  const char *id;          /* "lab01", also the name of the suite */
  const char *folder;      /* "lab01-session" */
  const char *title;       /* "one session" */
  const char *programs[3]; /* "session"; NULL after the last */
  int points;
  bool tls; /* its programs speak TLS */
};

/* The TODO in which the student sends what nghttp2 has to send; submits SETTINGS; feeds the
 * session; gives a stream its user data; makes a data provider; reads a body for it; finds the
 * route of a path; responds; as a server takes the steps of the TLS handshake; gives a stream its
 * events, as a server; gets the last of them. 0: none, or that is given. */
struct lab_todos {
  int send, submit, feed, user_data, source, read, route, respond, handshake, events, closed;
  bool stream_is_source; /* the given read callback takes source->ptr for the stream's user data;
                            otherwise for the session's */
};

/* All labs, in order. */
extern const struct lab labs_all[];
extern const size_t labs_count;

/* The lab of that id, or NULL. */
const struct lab *labs_find(const char *id);

/* These TODOs of the lab. */
struct lab_todos labs_todos(const struct lab *lab);

#endif
