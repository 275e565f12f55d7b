/* protection: see protection.h. */
#include "grader/sandbox/protection.h"

#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "grader/sandbox/enclosure.h"
#include "grader/sandbox/landlock.h"
#include "grader/sandbox/layer.h"

int protection_hide(void) {
  return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

/* ---- which there are ---- */

static bool has_landlock(void) {
  return !layer_is_off("landlock") && landlock_abi() > 0;
}

static bool has_filters(void) {
  return !layer_is_off("seccomp") && prctl(PR_GET_SECCOMP) >= 0;
}

/* Inside it is known; outside it is tried. */
static bool has_bubblewrap(void) {
  const char *kind = getenv(ENCLOSURE_KIND);
  return kind != NULL ? *kind != '\0' : enclosure_is_there();
}

static void print_layer(FILE *out, const char *name, bool there, const char *without) {
  fprintf(out, "%-24s %s\n", name, there ? "yes" : "no");
  if (!there)
    fprintf(out, "  without it %s\n", without);
}

int protection_print(FILE *out) {
  char name[64];
  int abi = has_landlock() ? landlock_abi() : 0;
  snprintf(name, sizeof name, "Landlock, ABI %d", abi);
  print_layer(out, name, abi > 0,
              "a program can read and write what you can, and run other programs");
  print_layer(out, "  ports of TCP", abi >= LANDLOCK_CONNECTS,
              "a program can connect to other programs' ports, and disturb other checks");
  print_layer(out, "  signals", abi >= LANDLOCK_SIGNALS,
              "only the filter keeps a program from signalling other processes");
  print_layer(out, "seccomp", has_filters(),
              "a program can leave memory behind, and reach into other processes");
  print_layer(out, "bubblewrap", has_bubblewrap(),
              "a program can use your network, and see your processes and the solutions");
  if (has_landlock() || has_bubblewrap())
    return 0;
  fprintf(out,
          "The grader does not grade strangers' programs here, unless you set UNPROTECTED=1.\n");
  return 1;
}

int protection_check(void) {
  if (has_landlock() || has_bubblewrap() || getenv(PROTECTION_UNPROTECTED) != NULL)
    return 0;
  fprintf(stderr,
          "grade: neither Landlock nor bubblewrap works here, so a program could do what you can:\n"
          "the grader refuses strangers' programs. `make protection` says more; UNPROTECTED=1 "
          "grades.\n");
  return -1;
}

json_t *protection_json(void) {
  json_t *layers = json_array();
  if (has_landlock())
    json_array_append_new(layers, json_string("landlock"));
  if (has_filters())
    json_array_append_new(layers, json_string("seccomp"));
  if (has_bubblewrap())
    json_array_append_new(layers, json_string("bubblewrap"));
  if (getenv(PROTECTION_UNPROTECTED) != NULL)
    json_array_append_new(layers, json_string("none, because UNPROTECTED is set"));
  return layers;
}
