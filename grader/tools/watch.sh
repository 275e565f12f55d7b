#!/bin/sh
# watch: run a command now, and again whenever a C file in one of the folders is saved.
#
#   watch.sh FOLDER... -- COMMAND...
#
# Look at the files themselves before and after the command, so that no save is missed. inotifywait,
# if it is installed, only says when to look. It watches the folders, not the files: many editors
# write another file and rename it.
set -u
folders=
while [ $# -gt 0 ] && [ "$1" != -- ]; do
  folders="$folders $1"
  shift
done
if [ -z "$folders" ] || [ $# -lt 2 ]; then
  echo "usage: watch.sh FOLDER... -- COMMAND..." >&2
  exit 2
fi
shift
trap 'exit 0' INT TERM

look() {
  for folder in $folders; do
    stat -c '%n %i %y %s' "$folder"/*.[ch] 2>/dev/null
  done
}

# Return when a file in the folders changes, or when it is time to look anyway.
wait_a_moment() {
  if command -v inotifywait >/dev/null; then
    # shellcheck disable=SC2086
    inotifywait -qq -t 2 -e close_write,moved_to,create,delete $folders || [ $? -eq 2 ] || sleep 0.3
  else
    sleep 0.3
  fi
}

while :; do
  seen=$(look)
  [ -t 1 ] && command -v clear >/dev/null && clear
  "$@"
  printf '\nWaiting for you to save a file in%s (Ctrl-C ends it).\n' "$folders"
  while [ "$(look)" = "$seen" ]; do
    wait_a_moment
  done
done
