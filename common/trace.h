/*
 * trace: show the frames of a connection as a ladder, or write them as JSON.
 *
 * Any program on common/ prints the ladder to stderr with H2_TRACE=1 in its environment, writes the
 * frames to a file with H2_TRACE=FILE.json, and sends them to `make live` with H2_TRACE=live: one
 * line of JSON for each frame and note, to a Unix socket (inner/trace_socket.h); if there are more
 * frames than a page can show, only the number of some (inner/trace_live.h). The transport
 * calls trace_open when a connection begins and trace_bytes for its bytes, above TLS. So all three
 * show what went over the wire, whatever the program above does.
 *
 * What the ladder looks like is in trace_print.h, the format of the file in trace_json.h.
 */
#ifndef COMMON_TRACE_H
#define COMMON_TRACE_H

#include <stddef.h>

#include "common/frame.h"

struct trace;

/*
 * Begin to trace one connection as the environment says: a value of H2_TRACE that ends in ".json"
 * is a file, "live" is `make live`, "later" is that too, any other value means the ladder. Returns
 * NULL when H2_TRACE is unset, empty or "0", when its file cannot be written (reported once, on
 * stderr), while `make live` does not run (reported once, but not for "later": `make live` gets the
 * connections that begin after it) and when there is no memory. Every function here accepts a NULL
 * trace and does nothing, so callers need no test. All connections of a process, on all threads,
 * share one ladder or one file, and have numbers from 1 in it (in the ladder, once there are two).
 * One trace belongs to one thread.
 */
struct trace *trace_open(void);

/* The number of the connection for `make live`; 0 if this trace does not go there. */
unsigned trace_live_number(const struct trace *trace);

/* Tell `make live`, before anything else, which side this is, and both addresses ("[::1]:50312"):
 * so it sees that two programs, the client and the server, show it the same connection. */
void trace_addresses(struct trace *trace, enum frame_sender side, const char *own,
                     const char *peer);

/* `sender` has sent `length` bytes. Prints or writes every complete frame. The file is valid JSON
 * after every call, even if something kills the process then. */
void trace_bytes(struct trace *trace, enum frame_sender sender, const void *bytes, size_t length);

/* One event that is not a frame: "connected", "TLS 1.3, h2", "closed by peer". One line, no
 * newline. The ladder and `make live` show it; the file has frames only. */
void trace_note(struct trace *trace, const char *text);

/* The last event: the connection has ended, as `text` says. The ladder adds how many requests the
 * connection has carried. */
void trace_end(struct trace *trace, const char *text);

/* End this trace; NULL is allowed. If it ended in the middle of a frame, the ladder says so. */
void trace_close(struct trace *trace);

#endif
