#!/bin/bash
# platforms: try this project on other systems, each made from nothing.
#
#   platforms.sh [--only NAME] [--arch arm64]   NAME: bookworm, trixie or sid
#   platforms.sh --readme                       put the table of the last results into README.md
#
# debootstrap makes each system from the mirror that this machine's apt uses (MIRROR=URL names
# another), with make and sudo. The system is kept in build/platforms/base; each try gets a copy.
# In the copy an ordinary user who may use sudo gives the README's first command to a clean copy of
# the last commit, grades the solutions and the known mistakes of lab 3, and gives the lecture of
# lab 1; then root grades the solutions. build/platforms/NAME.log has the output. The status is 0
# if all of that went well on each system.
#
# For arm64, cross-compile the tests of common/ in Debian 13 and run them on qemu: a whole grading
# would take an hour there.
set -u
cd "$(dirname "$0")/../../.." || exit 1
place=$PWD/${BUILD:-build}/platforms
case ${BUILD:-} in /*) place=$BUILD/platforms ;; esac
systems='bookworm trixie sid'

die() {
  echo "platforms: $*" >&2
  exit 1
}

# --- The table ----------------------------------------------------------------------------------------

print_table() {
  echo '| system | gcc | nghttp2 | OpenSSL | libuv | Criterion | result | seconds | tried |'
  echo '| --- | --- | --- | --- | --- | --- | --- | ---: | --- |'
  for name in $systems arm64; do
    [ -e "$place/rows/$name" ] && cat "$place/rows/$name"
  done
  echo
  cat <<END
\`make platforms\` made this table, on $(nproc) cores of $(uname -m). Result: the points of the solutions,
as an ordinary user and as root; the known mistakes of lab 3 that are caught. For arm64: the tests
of common/ that pass, cross-compiled and run on qemu. The seconds include installing packages.
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

# The Debian mirror that apt is set up for.
mirror() {
  [ -n "${MIRROR:-}" ] && echo "$MIRROR" && return
  # shellcheck disable=SC2016
  apt-get indextargets --format '$(CODENAME) $(REPO_URI)' 'Identifier: Packages' 'Origin: Debian' |
    awk '$1 !~ /-/ { print $2; exit }'
}

# remove FOLDER: a system, but nothing of what may be mounted in it.
remove() {
  ! grep -qF " $1/" /proc/self/mounts || { echo "platforms: something is mounted below $1" >&2; return 1; }
  rm -rf --one-file-system "$1"
}

# make_base SUITE FOLDER: only a whole one gets its name. (debootstrap may leave /proc mounted: unshare.)
make_base() {
  [ -d "$2" ] && return
  remove "$2.part" &&
    unshare --mount debootstrap --variant=minbase --include=ca-certificates,make,sudo "$1" "$2.part" "$mirror" &&
    mv "$2.part" "$2"
}

# What this machine needs to reach the mirror, the copy needs too.
set_up_network() {
  cp -L /etc/resolv.conf /etc/hosts "$1/etc/" || return 1
  apt-config dump | grep -iE '^acquire::(https?|ftp)(::|.*proxy)' >"$1/etc/apt/apt.conf.d/90host"
  # A mirror may be a snapshot of some day, whose lists are past their time; the table names the day.
  echo 'Acquire::Check-Valid-Until "false";' >>"$1/etc/apt/apt.conf.d/90host"
}

# The user, and the clean copy of the project.
set_up_user() {
  chroot "$1" useradd --create-home --shell /bin/bash student &&
    echo 'student ALL=(ALL) NOPASSWD: ALL' >"$1/etc/sudoers.d/student" &&
    mkdir "$1/home/student/project" &&
    git archive HEAD | tar -x -C "$1/home/student/project" &&
    chroot "$1" chown -R student: /home/student
}

# inside FOLDER USER COMMAND: in a space of its own, so that nothing that was started or mounted remains.
inside() {
  unshare --mount --pid --ipc --uts --fork --kill-child bash -c '
    mount --make-rprivate / && mount -t proc proc "$1/proc" && mount -t tmpfs tmpfs "$1/dev/shm" &&
      mount -t devpts -o newinstance,ptmxmode=666 devpts "$1/dev/pts" &&
      exec chroot "$1" env -i HOME="$(awk -F: -v user="$2" "\$1 == user { print \$6 }" "$1/etc/passwd")" USER="$2" \
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
        setpriv --reuid="$2" --regid="$2" --init-groups sh -c "cd /home/student/project && $3"
  ' inside "$@" </dev/null
}

# --- A try --------------------------------------------------------------------------------------------

versions='for library in libnghttp2 openssl libuv criterion; do pkg-config --modversion $library; done'

points() {
  sed -n 's/^Total: \([0-9]* of [0-9]*\) points.*/\1/p' | tail -n 1
}

# try_in FOLDER: sets `result`; the status is 0 if nothing is to be complained of.
try_in() {
  inside "$1" student 'make deps grade' || { result='`make deps grade` fails'; return 1; }
  user=$(inside "$1" student 'make grade SOLUTION=1' | tee >(cat >&2) | points)
  root=$(inside "$1" root 'make grade SOLUTION=1' | tee >(cat >&2) | points)
  caught=$(inside "$1" student 'make mistakes LAB=03' | tee >(cat >&2) | tail -n 1)
  inside "$1" student 'make demo LAB=01' && demo= || demo=', `make demo` fails'
  result="${user:-none}, ${root:-none}; ${caught%% mistakes*}$demo"
  [ "$user" = '100 of 100' ] && [ "$root" = '100 of 100' ] && [ -z "$demo" ] &&
    grep -qE '^([0-9]+) of \1 ' <<<"$caught"
}

# A program for arm64 is run by the qemu of the system that it is started in, as long as this runs.
run_arm64_by_qemu() {
  mount -t binfmt_misc none /proc/sys/fs/binfmt_misc &&
    printf %s ':platforms-arm64:M::\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00:\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff:/usr/bin/qemu-aarch64:P' \
      >/proc/sys/fs/binfmt_misc/register &&
    trap 'echo -1 >/proc/sys/fs/binfmt_misc/platforms-arm64' EXIT
}

cross='PATH=$HOME/bin:$PATH PKG_CONFIG_LIBDIR=/usr/lib/aarch64-linux-gnu/pkgconfig:/usr/share/pkgconfig'

# The same for arm64. (`ar` is in the way: the one of this processor knows no others.)
try_arm64_in() {
  inside "$1" root 'dpkg --add-architecture arm64 && apt-get update -q &&
    apt-get install -q -y --no-install-recommends gcc-aarch64-linux-gnu pkg-config qemu-user \
      $(printf "%s:arm64 " libc6-dev libnghttp2-dev libssl-dev libuv1-dev libjansson-dev libcriterion-dev)' &&
    inside "$1" student 'mkdir ~/bin && ln -s /usr/bin/aarch64-linux-gnu-ar ~/bin/ar' &&
    inside "$1" student "$cross make CC=aarch64-linux-gnu-gcc build/tests/common_tests" && run_arm64_by_qemu ||
    { result='it does not compile'; return 1; }
  # LeakSanitizer stops the other threads by ptrace, which qemu does not have.
  said=$(inside "$1" student 'ASAN_OPTIONS=detect_leaks=0 build/tests/common_tests -j1' 2>&1 | tee >(cat >&2))
  passed=$(sed -n 's/.*Passing:[^0-9]*\([0-9]*\).*/\1/p' <<<"$said" | tail -n 1)
  tested=$(sed -n 's/.*Tested:[^0-9]*\([0-9]*\).*/\1/p' <<<"$said" | tail -n 1)
  result="${passed:-none} of ${tested:-none} tests of common/"
  [ -n "$passed" ] && [ "$passed" = "$tested" ]
}

# When the archive that this was made from was last changed.
date_of() {
  sed -n 's/^Date: [A-Za-z]*, \([0-9]*\) \([A-Za-z]*\) \([0-9]*\).*/\1 \2 \3/p' "$1"/var/lib/apt/lists/*Release | head -n 1
}

# try_system NAME SUITE: leaves its row.
try_system() {
  local name=$1 suite=$2 began=$SECONDS status=0 result='' said compiler=gcc machine
  local copy=$place/copy-$name
  echo "$name: see $place/$name.log"
  {
    make_base "$suite" "$place/base/$suite" && remove "$copy" && cp -a "$place/base/$suite" "$copy" &&
      set_up_network "$copy" && set_up_user "$copy"
  } >"$place/$name.log" 2>&1 || { echo "platforms: $name could not be made: see there" >&2; return 1; }
  machine=$(dpkg --print-architecture)
  if [ "$name" = arm64 ]; then
    machine=arm64 compiler=aarch64-linux-gnu-gcc
    try_arm64_in "$copy" >>"$place/$name.log" 2>&1 || status=1
    versions="export $cross; $versions"
  else
    try_in "$copy" >>"$place/$name.log" 2>&1 || status=1
  fi
  read -r -d '' -a said < <(inside "$copy" root "$compiler -dumpfullversion; $versions" 2>/dev/null)
  printf '| %s, %s | %s | %s | %s | %s | %s | %s | %d | %s |\n' \
    "$(. "$copy/etc/os-release" && echo "$PRETTY_NAME")$([ "$suite" != sid ] || echo " of $(date_of "$copy")")" \
    "$machine" "${said[0]:--}" "${said[1]:--}" "${said[2]:--}" "${said[3]:--}" "${said[4]:--}" "$result" \
    $((SECONDS - began)) "$(date -u +%Y-%m-%d)" >"$place/rows/$name"
  remove "$copy"
  return $status
}

only=
arch=
while [ $# -gt 0 ]; do
  case $1:${2:-} in
    --readme:) write_readme; exit ;;
    --only:bookworm | --only:trixie | --only:sid) only=$2 ;;
    --only:*) die "there is no '${2:-}': bookworm, trixie, sid" ;;
    --arch:arm64 | --arch:"$(dpkg --print-architecture 2>/dev/null)") arch=$2 ;;
    --arch:*) die "no '${2:-}' can be tried here: only arm64" ;;
    *) die "usage: platforms.sh [--only NAME] [--arch arm64] | --readme" ;;
  esac
  shift 2
done
[ "$(id -u)" -eq 0 ] || die "debootstrap and chroot need root: run this as root"
command -v debootstrap >/dev/null || die "debootstrap is missing: apt-get install debootstrap"
mirror=$(mirror)
[ -n "$mirror" ] || die "apt knows no Debian mirror here; MIRROR=URL names one"
# What is mounted from here on nobody else sees, and it goes with this process.
[ "$arch" != arm64 ] || [ -n "${APART:-}" ] || APART=1 exec unshare --mount bash "$PWD/grader/tools/dev/platforms.sh" --arch arm64 ${only:+--only "$only"}
mkdir -p "$place/base" "$place/rows"
exec 8>"$place/lock"
flock -n 8 || die "another one is at work in $place"
status=0
if [ "$arch" = arm64 ] && [ "$(dpkg --print-architecture)" != arm64 ]; then
  try_system arm64 "${only:-trixie}" || status=1
else
  for name in ${only:-$systems}; do
    try_system "$name" "$name" || status=1
  done
fi
print_table
exit $status
