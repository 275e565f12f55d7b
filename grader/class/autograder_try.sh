#!/bin/bash
# autograder_try: run an autograder of Gradescope's kind in a bare Debian, as Gradescope does in a container.
#
#   autograder_try.sh ZIP SUBMISSION
#
# ZIP is from `make autograder`; SUBMISSION is a student's folder or file. debootstrap makes the system (SUITE=bookworm,
# from the mirror of this machine's apt); setup.sh runs in it once for each ZIP. Then each try has a copy of it, half a
# processor and 768 MB, and the capabilities of a container. The results are in build/autograder/results.json.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd) || exit 1
# shellcheck source=grader/tools/dev/debian.sh
. "$root/grader/tools/dev/debian.sh"
build=${BUILD:-build}
[ "${build#/}" != "$build" ] || build=$root/$build
place=$build/autograder
suite=${SUITE:-bookworm}
memory=$((768 << 20))
control=/sys/fs/cgroup
group=autograder-$$

# What Docker leaves to root.
capabilities='-all,+chown,+dac_override,+fowner,+fsetid,+kill,+setgid,+setuid,+setpcap,+net_bind_service,+net_raw,+sys_chroot'
capabilities=$capabilities,+mknod,+audit_write,+setfcap

die() {
  echo "autograder-try: $*" >&2
  exit 2
}

# --- The system ---------------------------------------------------------------------------------------

copy_of() { # ARCHIVE FOLDER
  remove "$2" && mkdir -p "$2" && tar --numeric-owner --xattrs -C "$2" -xpf "$1"
}

# set_up ARCHIVE: a Debian in which the ZIP's setup.sh has run.
set_up() {
  local base=$build/platforms/base/$suite.tar new=$place/new
  mkdir -p "${base%/*}" && make_base "$suite" "$base" && copy_of "$base" "$new" && set_up_network "$new" &&
    mkdir -p "$new/autograder/source" && python3 -m zipfile -e "$zip" "$new/autograder/source" &&
    inside "$new" root 'cd /autograder/source && chmod +x setup.sh run_autograder && cp run_autograder .. && ./setup.sh' &&
    tar --numeric-owner --xattrs -C "$new" -cf "$1.new" . && remove "$new" && mv "$1.new" "$1"
}

# --- Half a processor and 768 MB ------------------------------------------------------------------------

# The group of version 2, or those of version 1; ends with a status if there are none.
make_groups() {
  if grep -qw memory "$control/cgroup.controllers" 2>/dev/null; then
    echo '+cpu +memory' >"$control/cgroup.subtree_control" && mkdir "$control/$group" &&
      echo '50000 100000' >"$control/$group/cpu.max" && echo $memory >"$control/$group/memory.max" && groups=$control/$group
  elif [ -d "$control/cpu" ] && [ -d "$control/memory" ]; then
    mkdir "$control/cpu/$group" "$control/memory/$group" &&
      echo 50000 >"$control/cpu/$group/cpu.cfs_quota_us" &&
      echo $memory >"$control/memory/$group/memory.limit_in_bytes" && groups="$control/cpu/$group $control/memory/$group"
  fi 2>/dev/null
  [ -n "$groups" ]
}

remove_groups() {
  for one in $groups; do
    for peak in memory.peak memory.max_usage_in_bytes; do
      [ ! -e "$one/$peak" ] || most=$(($(cat "$one/$peak") >> 20))
    done
    rmdir "$one"
  done
  groups=
}

run_in() { # FOLDER: without bounds
  inside "$1" root 'cd /autograder && ./run_autograder >results/stdout 2>&1' setpriv --bounding-set "$capabilities"
}

# Run the autograder in bounds. Where systemd runs, the groups are its own: ask it.
limited() { # FOLDER
  if [ -d /run/systemd/system ] && command -v systemd-run >/dev/null; then
    systemd-run --quiet --scope -p CPUQuota=50% -p MemoryMax=$memory -p MemorySwapMax=0 bash "$0" --in "$1"
  elif make_groups; then
    (for one in $groups; do echo $BASHPID >"$one/cgroup.procs" || exit 1; done; run_in "$1")
  else
    echo 'autograder-try: neither systemd nor control groups here: it has all processors and all memory' >&2
    run_in "$1"
  fi
}

# --- A try --------------------------------------------------------------------------------------------

if [ $# -eq 2 ] && [ "$1" = --in ]; then
  run_in "$2"
  exit
fi
[ $# -eq 2 ] || die "usage: autograder_try.sh ZIP SUBMISSION"
zip=$1 submission=$2
[ -f "$zip" ] || die "$zip: there is no such file; \`make autograder OUT=$zip\` makes it"
[ -e "$submission" ] || die "$submission: there is no such folder or file"
unzip_list=$(python3 -m zipfile -l "$zip" 2>/dev/null) || die "$zip is not a zip"
grep -q '^run_autograder ' <<<"$unzip_list" || die "$zip has no run_autograder: is it for Gradescope?"
can_debootstrap || exit 2
mkdir -p "$place"
exec 8>"$place/lock"
flock -n 8 || die "another one is at work in $place"
ready=$place/$suite-$(sha256sum <"$zip" | cut -c1-16).tar
if [ ! -f "$ready" ]; then
  echo "making a Debian ($suite) and running setup.sh in it: see $place/setup.log"
  set_up "$ready" >"$place/setup.log" 2>&1 || die "that failed: see $place/setup.log"
fi
groups='' most=''
system=$place/system
copy_of "$ready" "$system" && mkdir -p "$system/autograder/submission" "$system/autograder/results" || exit 2
if [ -d "$submission" ]; then cp -R "$submission/." "$system/autograder/submission"; else cp "$submission" "$system/autograder/submission"; fi ||
  exit 2
trap remove_groups EXIT
began=$(date +%s%N)
limited "$system"
status=$?
took=$((($(date +%s%N) - began) / 100000000))
remove_groups
cp "$system/autograder/results/results.json" "$place/results.json" || {
  tail -n 20 "$system/autograder/results/stdout" >&2
  die "run_autograder ended with status $status and left no results.json"
}
remove "$system"
python3 - "$place/results.json" <<'END'
import json
import sys
found = json.load(open(sys.argv[1], encoding='utf-8'))
print(found['output'])
possible = sum(test['max_score'] for test in found['tests'])
print(f'score {found["score"]:g} of {possible:g}; protection: {", ".join(found["extra_data"].get("protection", [])) or "none"}')
END
echo "${took%?}.${took: -1} s with half a processor${most:+, at most $most of 768 MB}; $place/results.json"
