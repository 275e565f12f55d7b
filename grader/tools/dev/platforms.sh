#!/bin/bash
# platforms: try this project on other, newly made systems.
#
#   platforms.sh [--only NAME]   NAME: bookworm, trixie, sid or arm64
#   platforms.sh --readme        put the table of the last results into README.md
#
# debootstrap makes each system from the mirror that this machine's apt uses (MIRROR=URL names
# another), with make and sudo. The system is kept in build/platforms/base; each try gets a copy.
# There, an ordinary user with sudo runs the README's first command in a clean copy of the last
# commit, grades the solutions and the known mistakes of lab 3 (with MISTAKES=all: of all labs), gives
# the lecture of lab 1, runs the tests of common/ and a quick bench; then root grades the solutions.
#
# For arm64, trixie cross-compiles, and qemu-user runs the programs: it has no AddressSanitizer, and
# Criterion does not run. So the grader takes the solutions as programs in any language, and the tests
# of common/ run as common/tests/cross says.
#
# build/platforms/NAME.log has the output. The status is 0 if all went well on each system.
set -u
cd "$(dirname "$0")/../../.." || exit 1
place=$PWD/${BUILD:-build}/platforms
case ${BUILD:-} in /*) place=$BUILD/platforms ;; esac
systems='bookworm trixie sid arm64'
# shellcheck source=grader/tools/dev/debian.sh
. ./grader/tools/dev/debian.sh

die() {
  echo "platforms: $*" >&2
  exit 1
}

# --- The table ----------------------------------------------------------------------------------------

print_table() {
  echo '| system | gcc | nghttp2 | OpenSSL | libuv | Criterion | result | seconds | tried |'
  echo '| --- | --- | --- | --- | --- | --- | --- | ---: | --- |'
  for name in $systems; do
    [ -e "$place/rows/$name" ] && cat "$place/rows/$name"
  done
  echo
  cat <<END
\`make platforms\` made this table, on $(nproc) cores of $(uname -m). Result: the points of the solutions,
as an ordinary user and as root; the known mistakes of lab 3 that are caught (of all labs with
\`make platforms MISTAKES=all\`); the tests of common/ that pass. arm64: cross-compiled on Debian 13, under qemu-user,
without the sanitizers. The seconds include installing packages.
END
}

write_readme() {
  [ -e "$place/rows" ] || die "there are no results yet; \`make platforms\` makes them"
  print_table >"$place/table"
  sed -i -e "/^<!-- platforms -->$/r $place/table" -e '/^<!-- platforms -->$/,/^<!-- \/platforms -->$/ {
    /^<!-- /!d
  }' README.md
}

# --- A system -----------------------------------------------------------------------------------------

# The user, and the clean copy of the project.
set_up_user() {
  chroot "$1" useradd --create-home --shell /bin/bash student &&
    echo 'student ALL=(ALL) NOPASSWD: ALL' >"$1/etc/sudoers.d/student" &&
    mkdir "$1/home/student/project" &&
    git archive HEAD | tar -x -C "$1/home/student/project" &&
    chroot "$1" chown -R student: /home/student
}

# in_project FOLDER USER COMMAND
in_project() {
  inside "$1" "$2" "cd /home/student/project && $3"
}

# --- A try --------------------------------------------------------------------------------------------

versions='for library in libnghttp2 openssl libuv criterion; do pkg-config --modversion $library; done'

points() {
  sed -n 's/^Total: \([0-9]* of [0-9]*\) points.*/\1/p' | tail -n 1
}

# tests_of FOLDER COMMAND: count the TAP that the command prints: "458 of 458 tests".
tests_of() {
  in_project "$1" student "$2" | tee >(cat >&2) | awk '
    /^ok/ { passed++; all++ } /^not ok/ { all++ } END { printf "%d of %d tests", passed, all }'
}

# Whether it is all of them: "100 of 100".
is_all() {
  grep -qE '^([1-9][0-9]*) of \1( |$)' <<<"$1"
}

# try_in FOLDER: sets `result`; the status is 0 if everything works.
try_in() {
  in_project "$1" student 'make deps grade' || { result='`make deps grade` fails'; return 1; }
  # The solutions are compiled another way: a starter only as a stranger's file.
  in_project "$1" student 'ls build/labs/*/session && ! grep . build/labs/*/*.log' ||
    { result='a starter does not compile'; return 1; }
  user=$(in_project "$1" student 'make grade SOLUTION=1' | tee >(cat >&2) | points)
  root=$(in_project "$1" root 'make grade SOLUTION=1' | tee >(cat >&2) | points)
  caught=$(in_project "$1" student "make mistakes $([ "${MISTAKES:-}" = all ] || echo LAB=03)" | tee >(cat >&2) | tail -n 1)
  tests=$(tests_of "$1" 'make -s build/tests/common_tests && build/tests/common_tests --tap=/tmp/tap; cat /tmp/tap')
  wrong=
  in_project "$1" student 'make demo LAB=01' || wrong="$wrong, \`make demo\` fails"
  in_project "$1" student 'make deps-bench && make bench QUICK=1' || wrong="$wrong, \`make bench\` fails"
  result="${user:-none}, ${root:-none}; ${caught%% mistakes*}; $tests$wrong"
  is_all "$user" && is_all "$root" && is_all "$caught" && is_all "$tests" && [ -z "$wrong" ]
}

# cross_in FOLDER: the same for arm64.
cross_in() {
  in_project "$1" student 'make deps && sudo dpkg --add-architecture arm64 && sudo apt-get update && sudo \
    apt-get install -y --no-install-recommends gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user \
    libnghttp2-dev:arm64 libssl-dev:arm64 libuv1-dev:arm64 libjansson-dev:arm64' ||
    { result='apt-get cannot install the packages'; return 1; }
  in_project "$1" student 'make build/grader/grade && sh grader/tools/dev/cross.sh aarch64-linux-gnu qemu-aarch64' ||
    { result='it does not compile'; return 1; }
  user=$(in_project "$1" student 'make grade PROGRAMS=build/cross/programs' | tee >(cat >&2) | points)
  tests=$(tests_of "$1" 'qemu-aarch64 build/cross/common_tests')
  result="${user:-none}; $tests"
  is_all "$user" && is_all "$tests"
}

# The date of the archive that this system was made from.
date_of() {
  sed -n 's/^Date: [A-Za-z]*, \([0-9]*\) \([A-Za-z]*\) \([0-9]*\).*/\1 \2 \3/p' "$1"/var/lib/apt/lists/*Release | head -n 1
}

# try_system NAME: leaves its row.
try_system() {
  local name=$1 suite=$1 try=try_in arch began=$SECONDS status=0 result='' said
  arch=$(dpkg --print-architecture)
  [ "$name" != arm64 ] || { suite=trixie try=cross_in arch=arm64; }
  local copy=$place/copy-$name
  echo "$name: see $place/$name.log"
  {
    make_base "$suite" "$place/base/$suite.tar" && remove "$copy" && mkdir "$copy" &&
      tar --numeric-owner --xattrs -C "$copy" -xpf "$place/base/$suite.tar" &&
      set_up_network "$copy" && set_up_user "$copy"
  } >"$place/$name.log" 2>&1 || { echo "platforms: cannot make $name: see the log" >&2; return 1; }
  $try "$copy" >>"$place/$name.log" 2>&1 || status=1
  read -r -d '' -a said < <(in_project "$copy" root "gcc -dumpfullversion; $versions" 2>/dev/null)
  printf '| %s, %s | %s | %s | %s | %s | %s | %s | %d | %s |\n' \
    "$(. "$copy/etc/os-release" && echo "$PRETTY_NAME")$([ "$suite" != sid ] || echo " of $(date_of "$copy")")" \
    "$arch" "${said[0]:--}" "${said[1]:--}" "${said[2]:--}" "${said[3]:--}" "${said[4]:--}" "$result" \
    $((SECONDS - began)) "$(date -u +%Y-%m-%d)" >"$place/rows/$name"
  remove "$copy"
  return $status
}

only=
while [ $# -gt 0 ]; do
  case $1:${2:-} in
    --readme:) write_readme; exit ;;
    --only:bookworm | --only:trixie | --only:sid | --only:arm64) only=$2 ;;
    --only:*) die "there is no '${2:-}': bookworm, trixie, sid, arm64" ;;
    *) die "usage: platforms.sh [--only NAME] | --readme" ;;
  esac
  shift 2
done
can_debootstrap || exit 1
mkdir -p "$place/base" "$place/rows"
exec 8>"$place/lock"
flock -n 8 || die "another one is at work in $place"
status=0
for name in ${only:-$systems}; do
  try_system "$name" || status=1
done
print_table
exit $status
