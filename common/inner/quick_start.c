/* quick_start: see quick_start.h and dlsym(3). */
#include "common/inner/quick_start.h"

#include <stddef.h>
#include <sys/auxv.h>

/* All of this runs before the sanitizers do, so it calls nothing of the C library that they
 * intercept. */

static bool has_started;

__attribute__((constructor)) static void start(void) {
  has_started = true;
}

AS_WRITTEN bool quick_start_shows(const struct dl_phdr_info *info) {
  return has_started || info->dlpi_addr == getauxval(AT_BASE);
}

/* How the names begin that glibc does not have, or only for programs of older versions. */
static const char *const absent[] = {
    "xdr",
    "crypt",
    "swift_demangle",
    "__cxa_throw",
    "__pthread_mutex_lock",
    "__pthread_mutex_unlock",
    "pthread_mutexattr_getrobust_np",
    "__isoc99_printf",
    "__isoc99_fprintf",
    "__isoc99_sprintf",
    "__isoc99_snprintf",
    "__isoc99_vprintf",
    "__isoc99_vfprintf",
    "__isoc99_vsprintf",
    "__isoc99_vsnprintf",
};

AS_WRITTEN static bool begins_with(const char *name, const char *beginning) {
  while (*beginning != '\0' && *name == *beginning) {
    name++;
    beginning++;
  }
  return *beginning == '\0';
}

/* NOLINTBEGIN(bugprone-reserved-identifier): these names are the linker's. */
void *__real_dlsym(void *handle, const char *name) __attribute__((weak)); /* without --wrap */
void *__wrap_dlsym(void *handle, const char *name);

AS_WRITTEN void *__wrap_dlsym(void *handle, const char *name) {
  for (size_t i = 0; i < sizeof absent / sizeof *absent; i++)
    if (begins_with(name, absent[i]))
      return NULL;
  return __real_dlsym(handle, name);
}
/* NOLINTEND(bugprone-reserved-identifier) */
