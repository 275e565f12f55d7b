/*
 * light_criterion: see light_criterion.c. Nobody here calls these; Criterion does.
 */
#ifndef GRADER_LIGHT_CRITERION_H
#define GRADER_LIGHT_CRITERION_H

int git_libgit2_init(void);
int git_libgit2_shutdown(void);
int nn_bind(int socket, const char *address);
int nn_connect(int socket, const char *address);

#endif
