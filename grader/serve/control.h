/*
 * control: let the page of `make live` choose what the reference server does from now on.
 *
 * With H2_TRACE=live, the server says to `make live` what it can do wrong and what it does now, one
 * line: {"port": 8000, "faults": ["none", "slow", ...], "now": "none"}. Each line that comes back
 * names a fault. From then on, new requests and new connections get it; "window" closes the windows
 * of the connections that are open too, "goaway" ends them, and what follows "window" opens the
 * windows again.
 *
 * Order of calls: control_new; reference_server_listen with the config, which then has the
 * control's callbacks; control_start; control_free once the server has ended.
 */
#ifndef GRADER_CONTROL_H
#define GRADER_CONTROL_H

#include "grader/serve/reference_server.h"

struct control;

/* `config` must outlive the control, which changes its fault. Returns NULL when there is no memory,
 * and without H2_TRACE=live or H2_TRACE=later. Every function here accepts NULL. */
struct control *control_new(struct reference_config *config);

/* Take orders for the server on `port`, as long as the loop runs; that alone does not keep it
 * running. If `make live` does not run yet, look for it whenever a connection begins. */
void control_start(struct control *control, uv_loop_t *loop, int port);

/* The loop must not run. It runs once more to close what is open. */
void control_free(struct control *control);

#endif
