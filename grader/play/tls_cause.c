/* tls_cause: see tls_cause.h. */
#include "grader/play/tls_cause.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "grader/play/place.h"
#include "grader/words/quote.h"

static bool is_one_of(const struct finding *finding, const char *const *ids) {
  for (; *ids; ids++)
    if (strcmp(finding->id, *ids) == 0)
      return true;
  return false;
}

/* Make this the finding, of that function's TODO. */
static void say(struct exchange *exchange, const char *function, const char *expected,
                const char *seen, const char *what) {
  struct finding *finding = &exchange->finding;
  finding_say(finding, what);
  buffer_clear(&finding->expected);
  buffer_clear(&finding->seen);
  buffer_append_text(&finding->expected, expected);
  buffer_append_text(&finding->seen, seen);
  finding->stands[0] = '\0'; /* what was seen says more */
  finding->section = "";
  int todo = place_of_function(exchange, function);
  if (todo > 0)
    finding_blame(finding, todo);
}

/* --- The beginning ---------------------------------------------------------------------------- */

/* The option whose file the program calls missing, although it exists; NULL if there is none. */
static const char *option_of_file(const struct exchange *exchange, const char *error) {
  for (size_t i = 2; i < exchange->argument_count; i++) {
    const char *path = exchange->arguments[i];
    if (*path == '/' && strstr(error, path) && access(path, R_OK) == 0)
      return exchange->arguments[i - 1];
  }
  return NULL;
}

/* The program has ended before it did anything. */
static void explain_start(struct exchange *exchange) {
  int code = 0;
  const char *error = program_stderr(exchange->program, NULL);
  const char *option = strstr(error, "No such file") ? option_of_file(exchange, error) : NULL;
  if (option) {
    char expected[64];
    struct buffer seen = {0};
    snprintf(expected, sizeof expected, "the file of %s is opened", option);
    quote_message(&seen, error, strlen(error));
    say(exchange, "set_up", expected, seen.bytes ? seen.bytes : "",
        "opens-another-file| Your program says that a file does not exist, but it does. So your "
        "program opens another file, such as one with a fixed name, and only names this one.");
    buffer_free(&seen);
  } else if (strstr(error, "not the key of") || strstr(error, "assigned")) {
    struct buffer seen = {0};
    quote_message(&seen, error, strlen(error));
    say(exchange, "set_up", "a key and its certificate are taken", seen.bytes ? seen.bytes : "",
        "key-checked-too-early| Your server says that the key is not that of the certificate, but "
        "it is: is SSL_CTX_check_private_key called after both are loaded?");
    buffer_free(&seen);
  } else if (!*error && program_end(exchange->program, &code) == PROGRAM_EXITED && code == 1 &&
             place_times(exchange, "set_up") > 0) {
    say(exchange, "set_up", "set_up returns its success: nothing has failed",
        "the program exited with status 1, and printed nothing",
        "set-up-fails-silently| Your program ends at its beginning, without a reason: what does "
        "set_up return at its end?");
  }
}

/* --- The handshake ---------------------------------------------------------------------------- */

static void explain_list(struct exchange *exchange, const struct probe *probe) {
  struct buffer seen = {0};
  size_t length = probe->list_length > 0 && probe->list_length < PROBE_LIST
                      ? (size_t)probe->list_length
                      : PROBE_LIST;
  if (probe->list_length == 3 && memcmp(probe->list, "\2h2", 3) == 0)
    return;
  quote_text(&seen, (const char *)probe->list, length);
  say(exchange, "choose_protocol", "\"\\x02h2\"", seen.bytes ? seen.bytes : "",
      "alpn-list-of-server| SSL_select_next_proto finds no protocol that both sides have: your "
      "list must have the name h2, in these letters, after its length.");
  buffer_free(&seen);
}

/* The server has sent the alert no_application_protocol. */
static void explain_alert(struct exchange *exchange, const struct probe *probe) {
  if (probe->not_selected > 0)
    explain_list(exchange, probe);
  else if (probe->selected > 0)
    say(exchange, "choose_protocol", "SSL_TLSEXT_ERR_OK", "the alert no application protocol",
        "alpn-refused-though-found| SSL_select_next_proto has found h2 in the client's list "
        "(OPENSSL_NPN_NEGOTIATED), but your choose_protocol refuses the client.");
}

/* Keep the words without numbers, as those of a program that has ended. */
static void note_said(struct finding *finding, const char *error) {
  size_t length = 0;
  for (; *error && length + 1 < sizeof finding->said; error++)
    if (!isdigit((unsigned char)*error))
      finding->said[length++] = *error;
  finding->said[length] = '\0';
}

/* The client refuses a certificate that is right: it was set up wrongly. Returns whether that is
 * so. */
static bool explain_distrust(struct exchange *exchange, struct probe *probe) {
  const char *host = exchange_host(exchange);
  const char *error = probe->handshake_error;
  probe->host[PROBE_TEXT - 1] = '\0';
  if (!exchange->listener || strcmp(exchange->finding.id, "tls-handshake-fails") != 0)
    return false;
  if (strcasestr(error, "mismatch") && *probe->host && strcmp(probe->host, host) != 0) {
    struct buffer seen = {0};
    quote_text(&seen, probe->host, strlen(probe->host));
    say(exchange, "set_up", host, seen.bytes ? seen.bytes : "",
        "other-host-set| Your client refuses the certificate of the right host: it gives "
        "X509_VERIFY_PARAM_set1_host another name than the host of the URL, without its port.");
    buffer_free(&seen);
    return true;
  }
  if (strstr(error, "self-signed") || strstr(error, "self signed") || strstr(error, "issuer")) {
    char copy[PROBE_TEXT];
    snprintf(copy, sizeof copy, "%s", error);
    say(exchange, "set_up", "a complete TLS handshake", copy,
        "distrusts-file-of-ca| Your client does not trust a certificate that is in the file of "
        "--ca: does SSL_CTX_load_verify_locations get this file, before the folder?");
    return true;
  }
  return false;
}

/* `handshake` has returned TLS_FAILED: show what it says. */
static void explain_refusal(struct exchange *exchange, struct probe *probe) {
  struct finding *finding = &exchange->finding;
  struct buffer quoted = {0};
  const char *error = probe->handshake_error;
  quote_text(&quoted, error, strlen(error));
  const char *text = *error && quoted.bytes ? quoted.bytes : "nothing";
  if (probe->handshake == PROBE_REFUSED_H2) {
    struct buffer seen = {0};
    quote_append(&seen, "TLS_FAILED, with %s in `error`", text);
    say(exchange, "handshake", "TLS_DONE", seen.bytes ? seen.bytes : "",
        "handshake-refuses-h2| The handshake is complete, and ALPN has chosen h2, but your "
        "function handshake returns TLS_FAILED: when does it ask for the protocol, and how does it "
        "compare the name?");
    buffer_free(&seen);
  } else if (strstr(error, "did not return a certificate")) {
    say(exchange, "set_up", "no question for a certificate", text,
        "server-asks-for-certificate| Your server refuses a client because it has no certificate. "
        "Clients need none: do not set SSL_VERIFY_PEER for a server.");
  } else {
    buffer_append_text(&finding->report, "your function handshake returned TLS_FAILED, with ");
    buffer_append_text(&finding->report, text);
    buffer_append_text(&finding->report, " in `error`\n");
    note_said(finding, error);
  }
  buffer_free(&quoted);
}

static void explain_handshake(struct exchange *exchange, struct probe *probe) {
  const char *seen = exchange->finding.seen.bytes;
  if (probe->handshake == PROBE_DONE_EARLY)
    say(exchange, "handshake", "TLS_DONE only after SSL_do_handshake has returned 1",
        "TLS_DONE before that",
        "handshake-done-early| Your function handshake returns TLS_DONE, though the handshake is "
        "not complete: SSL_do_handshake has failed, or wants to be called again.");
  else if (!exchange->listener && seen && strstr(seen, "no application protocol"))
    explain_alert(exchange, probe);
  else if (probe->handshake != PROBE_RIGHT && !explain_distrust(exchange, probe))
    explain_refusal(exchange, probe);
}

void tls_cause_find(struct exchange *exchange) {
  static const char *const at_start[] = {"not-say-where-listens",
                                         "client-gives-up-before-connected", NULL};
  static const char *const in_handshake[] = {"tls-handshake-fails",
                                             "tls-handshake-given-up",
                                             "request-not-answered",
                                             "closed-after-handshake",
                                             "http-2-connection-begins-clients",
                                             "not-close-connection",
                                             "not-finish-handshake-client-reads",
                                             "not-answer-client-reads-late",
                                             NULL};
  static const char *const of_errors[] = {"error-after-error", "noise-on-standard-error", NULL};
  struct probe probe;
  struct finding *finding = &exchange->finding;
  if (!exchange->lab->tls || exchange->fails || !ran_look(exchange->program, &probe))
    return;
  probe.handshake_error[PROBE_TEXT - 1] = '\0';
  if (is_one_of(finding, at_start))
    explain_start(exchange);
  else if (is_one_of(finding, in_handshake))
    explain_handshake(exchange, &probe);
  else if (is_one_of(finding, of_errors) && probe.handshake == PROBE_REFUSED &&
           !*probe.handshake_error) {
    struct buffer seen = {0};
    size_t length;
    const char *text = program_stderr(exchange->program, &length);
    quote_message(&seen, text, length);
    say(exchange, "handshake", "the reason in `error`, and nothing printed",
        seen.bytes ? seen.bytes : "",
        "handshake-prints-reason| Your function handshake prints why it failed, and writes nothing "
        "into `error`. Write it there: the caller knows what to do with it.");
    buffer_free(&seen);
  }
}
