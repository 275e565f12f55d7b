#!/bin/sh
# alone: run a command when nobody else in this tree has one run by alone.
#
#   BUILD=DIR alone COMMAND...     the lock is DIR/lock, and has the process that is at work
#
# The lock is held by all that the command starts, for as long as one of them keeps descriptor 9.
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
