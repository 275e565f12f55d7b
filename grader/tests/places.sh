#!/bin/bash
# The grader in odd places: without shared memory, on a narrow terminal and on none, in other languages, with a clock
# that jumps, and with files from other systems.
set -u
# shellcheck source=grader/tools/dev/tap.sh
. grader/tools/dev/tap.sh
BUILD=${BUILD:-build}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
# Leave out bubblewrap, which would hide the odd place: grader/sandbox/enclosure.h.
mkdir "$work/bin" && printf '#!/bin/sh\nexit 1\n' >"$work/bin/bwrap" && chmod +x "$work/bin/bwrap"
PATH=$work/bin:$PATH

# grade LAB [OPTION...]: grade the solutions, or the --programs given; write all output to $work/said.
grade() {
  lab=$1
  shift
  "$BUILD/grader/grade" --programs "$BUILD/solutions" --lab "$lab" --seed 1 --output "$work/grade" "$@" >"$work/said" 2>&1
  status=$?
  cat "$work/said"
  return $status
}
said() {
  grep -q -- "$1" "$work/said" || { cat "$work/said"; return 1; }
}
not_said() {
  not said "$1"
}
is_full() {
  grade "$1" --strict
}

# --- Shared memory ------------------------------------------------------------------------------------

# Work in a mount namespace of its own, so that nobody else sees the mounts.
without_shared_memory() {
  # shellcheck disable=SC2016
  unshare --mount --map-root-user sh -c 'mount -t tmpfs -o ro tmpfs /dev/shm && exec "$@"' sh \
    "$BUILD/grader/grade" --programs "$BUILD/solutions" --lab 01 --output "$work/grade" >"$work/said" 2>&1
  [ $? -eq 3 ]
}
if unshare --mount --map-root-user mount -t tmpfs tmpfs /dev/shm 2>/dev/null; then
  check "without shared memory, grade exits with status 3" without_shared_memory
  check "it says so in one line" [ "$(wc -l <"$work/said")" -eq 1 ]
  check "this line says what to do" said '^grade: there is no shared memory: .*mount -t tmpfs'
else
  skip "without shared memory, grade exits with status 3" "mount does not work here"
fi

# --- Somebody's home ------------------------------------------------------------------------------------

# Root may read everything, but a student's program that root runs does not keep that privilege.
home=$work/home
in_home() {
  (cd "$home" && GRADE_WITHOUT=bubblewrap build/grader/grade --programs build/solutions --lab 01 --strict)
}
if mkdir -p "$home/build" && cp -r "$BUILD/grader" "$BUILD/solutions" "$home/build" &&
  chmod 711 "$work" && chmod 700 "$home" && chown -R 65533:65533 "$home" 2>/dev/null; then
  check "root grades in a home that only its owner can read" in_home
else
  skip "root grades in a home that only its owner can read" "this test needs root"
fi
rm -rf "$home"

# --- The terminal -------------------------------------------------------------------------------------

# No line is longer than $1. (A character outside ASCII takes one column.)
fits() {
  LC_ALL=C sed 's/[^ -~][^ -~]*/x/g' "$work/said" |
    awk -v most="$1" 'length($0) > most { print "too long: " $0; bad = 1 } END { exit bad }'
}
mkdir -p "$work/wrong/lab01-session"
printf '#!/bin/sh\nexit 1\n' >"$work/wrong/lab01-session/session"
chmod +x "$work/wrong/lab01-session/session"
for columns in 30 59 60 80; do
  COLUMNS=$columns grade 01 >/dev/null
  check "the board of right programs fits $columns columns" fits $columns
  COLUMNS=$columns grade 01 --programs "$work/wrong" >/dev/null
  check "the board of wrong programs fits $columns columns" fits $columns
done
check "the board draws frames on 60 columns" env COLUMNS=60 "$BUILD/grader/grade" --programs "$work/wrong" --lab 01 --check ping --output "$work/grade"
COLUMNS=30 grade 01 --check ping >/dev/null
check "on 30 columns it says that it does not" said 'too narrow'
check "grade works without a terminal and without TERM" env -u TERM -u COLUMNS setsid "$BUILD/grader/grade" --programs "$BUILD/solutions" \
  --lab 01 --strict --output "$work/grade"

# --- Languages ----------------------------------------------------------------------------------------

check "grade works in the C locale" env LC_ALL=C "$BUILD/grader/grade" --programs "$BUILD/solutions" --lab 01 --strict --output "$work/grade"
if localedef -i tr_TR -f UTF-8 "$work/tr_TR.UTF-8" 2>/dev/null; then
  turkish() {
    (export LOCPATH=$work && export LC_ALL=tr_TR.UTF-8 && grade "$@")
  }
  check "grade works in Turkish" turkish 01 --strict
  check "the seconds have a point" said '[0-9]\.[0-9] s, SEED'
  turkish 01 --check ping >/dev/null
  check_not "no number has a comma" said '[0-9],[0-9]'
  check "lab 5, which prints milliseconds, works in Turkish" turkish 05 --check slow_ping
else
  skip "grade works in Turkish" "the package locales is not installed"
fi

# --- A clock that jumps ---------------------------------------------------------------------------------

cat >"$work/jumps.c" <<'END'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/time.h>
#include <time.h>
/* Let every second call return a time one hour later. */
static long jump(void) {
  static long looks;
  return looks++ % 2 ? 3600 : 0;
}
int clock_gettime(clockid_t clock, struct timespec *now) {
  int (*real)(clockid_t, struct timespec *) = dlsym(RTLD_NEXT, "clock_gettime");
  int status = real(clock, now);
  now->tv_sec += clock == CLOCK_REALTIME ? jump() : 0;
  return status;
}
int gettimeofday(struct timeval *restrict now, void *restrict zone) {
  struct timespec time;
  (void)zone;
  clock_gettime(CLOCK_REALTIME, &time);
  *now = (struct timeval){time.tv_sec, time.tv_nsec / 1000};
  return 0;
}
time_t time(time_t *now) {
  struct timespec time;
  clock_gettime(CLOCK_REALTIME, &time);
  if (now)
    *now = time.tv_sec;
  return time.tv_sec;
}
END
gcc -shared -fPIC -o "$work/jumps.so" "$work/jumps.c" -ldl
clock_jumps() {
  LD_PRELOAD=$work/jumps.so grade "$@"
}
check "grading works while the clock jumps by an hour" clock_jumps 01 --strict
seconds() {
  sed -n 's/^Total: .*(\([0-9]*\)\.[0-9] s.*/\1/p' "$work/said"
}
check "the jumps do not change the seconds on the board" [ "$(seconds)" -lt 600 ]

# --- Other systems --------------------------------------------------------------------------------------

# Something is always missing here: root, debootstrap or, at last, the mirror.
platforms() {
  MIRROR=http://localhost:1 BUILD=$work/platforms bash grader/tools/dev/platforms.sh >"$work/said" 2>&1
  [ $? -eq 1 ] && [ "$(wc -l <"$work/said")" -eq 1 ]
}
check "make platforms says in one line what it lacks" platforms
check "it says what to do" said 'as root$\|apt-get install\|MIRROR=URL'

# --- Files from elsewhere -------------------------------------------------------------------------------

# Save like a Windows editor: a byte order mark, and CR LF.
from_windows() {
  printf '\357\273\277'
  sed 's/$/\r/' "$1"
}
folder=$BUILD/mistakes/lab01/test-windows/lab01-session
mkdir -p "$folder"
from_windows lab01-session/solution/session.c >"$folder/session.c"
check "a file with CR LF and a byte order mark compiles" make --no-print-directory mistake-programs
check "the compiler gives no warning" [ ! -s "$folder/session.log" ]
check "this program gets its points" grade 01 --programs "${folder%/*}" --strict
from_windows lab01-session/session.c >"$folder/starter.c"
check "the TODOs are at the same lines" \
  [ "$("$BUILD/grader/todos" "$folder/starter.c")" = "$("$BUILD/grader/todos" lab01-session/session.c)" ]
rm -rf "$BUILD/mistakes/lab01/test-windows"

# A checkout whose owner has configured CR LF.
mkdir "$work/origin" && cp .gitattributes Makefile "$work/origin" && cp -r grader/tools "$work/origin" &&
  git -C "$work/origin" init -q && git -C "$work/origin" add -A &&
  git -C "$work/origin" -c user.name=a -c user.email=a@b commit -qm a &&
  git -c core.autocrlf=true clone -q "$work/origin" "$work/clone"
check "git clones with autocrlf" [ -e "$work/clone/Makefile" ]
check_not "the checkout has no CR" grep -rlIq "$(printf '\r')" "$work/clone" --exclude-dir=.git
done_testing
