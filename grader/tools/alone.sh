#!/bin/sh
# alone: run a command while no other command of alone runs in this tree.
#
#   BUILD=DIR alone COMMAND...     the lock is DIR/lock, and has the number of the process at work
#
# All processes that the command starts hold the lock, as long as one of them keeps descriptor 9.
set -u
lock=${BUILD:-build}/lock
command -v flock >/dev/null || exec "$@"
{ mkdir -p "${lock%/*}" && : >>"$lock"; } 2>/dev/null || {
  echo "${lock%/*} cannot be written; make BUILD=DIR builds in another folder" >&2
  exit 1
}
exec 9<"$lock"
if ! flock -n 9; then
  echo "process $(cat "$lock") is grading in this tree; waiting until it has finished" >&2
  flock 9 || exit 1
fi
echo $$ >"$lock"
exec "$@"
