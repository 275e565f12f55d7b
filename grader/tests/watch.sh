#!/bin/bash
# `make watch` runs the command again at every save, however an editor saves.
set -u
root=$PWD
# shellcheck source=grader/tools/dev/tap.sh
. grader/tools/dev/tap.sh
work=$(mktemp -d) || exit 1
trap 'kill -- "-$watcher" 2>/dev/null; rm -rf "$work"' EXIT
cd "$work" || exit 1
mkdir lab
export RUNS=$work/runs

# ran N: wait until the command has run N times, for thirty seconds at most.
ran() {
  for _ in $(seq 300); do
    [ "$(grep -c . "$RUNS")" -ge "$1" ] && break
    sleep 0.1
  done
  [ "$(grep -c . "$RUNS")" -eq "$1" ] || { cat "$RUNS"; return 1; }
}

watches() {
  : >"$RUNS"
  echo 1 >lab/x.c
  setsid sh "$root/grader/tools/watch.sh" lab -- sh -c 'cat lab/x.c >>"$RUNS"' >out 2>&1 &
  watcher=$!
  check "$1: the command runs at once" ran 1
  echo 22 >lab/x.c
  check "$1: it runs when a file is written" ran 2
  echo 333 >lab/.x.c.new && mv lab/.x.c.new lab/x.c
  check "$1: it runs when another file replaces it" ran 3
  touch lab/x.c
  check "$1: it runs when the file is saved unchanged" ran 4
  check "$1: it runs every time with the saved content" [ "$(tr '\n' ' ' <"$RUNS")" = "1 22 333 333 " ]
  kill -- "-$watcher"
  wait "$watcher" 2>/dev/null
}

if command -v inotifywait >/dev/null; then
  watches "with inotifywait"
else
  skip "watch with inotifywait" "inotifywait is not installed"
fi
# All commands but inotifywait.
mkdir bin
for command in sh stat cat sleep seq grep tr mv touch setsid; do
  ln -s "$(command -v $command)" bin/
done
PATH_KEPT=$PATH
PATH=$work/bin:$PATH
printf '#!/bin/sh\nexit 1\n' >bin/inotifywait
chmod +x bin/inotifywait
watches "with an inotifywait that fails"
PATH=$PATH_KEPT
sed 's/command -v inotifywait/false/' "$root/grader/tools/watch.sh" >polls
mkdir -p grader/tools && mv polls grader/tools/watch.sh
root=$work
watches "without it"
done_testing
