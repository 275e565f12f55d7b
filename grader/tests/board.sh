#!/bin/bash
# The scoreboard of programs that fail: it fits 80 columns, names the likely mistake, and marks changes.
set -u
# shellcheck source=grader/tools/dev/tap.sh
. grader/tools/dev/tap.sh
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
unset NO_COLOR COLUMNS
session=$work/programs/lab01-session/session
mkdir -p "${session%/*}"

# program TEXT: make this script the session program.
program() {
  rm -f "$session"
  printf '#!/bin/sh\n%s\n' "$1" >"$session"
  chmod +x "$session"
}
# grade ARGUMENT...: write the output to the file `said`.
grade() {
  build/grader/grade --programs "$work/programs" --any-language --output "$work/grade" --known "$work/known.json" --seed 1 "$@" \
    >"$work/said" 2>&1
}
says() {
  cat "$work/said"
  grep -qF -- "$1" "$work/said"
}
says_not() {
  ! says "$1"
}
# No line is wider than 80 columns, in characters.
fits() {
  cat "$work/said"
  [ "$(LC_ALL=C.UTF-8 wc -L <"$work/said")" -le 80 ]
}

cat >"$work/known.json" <<'END'
{"lab01": {
  "silent": {"mistake": "it does not even try to connect, and there are many words to say so, more than fit on one line",
             "check": "preface", "program": "session", "todo": 2,
             "fails": [{"checks": ["preface", "settings_ack", "settings_printed", "ping", "slowly", "goodbye", "one_connection"], "id": "program-does-not-connect", "seen": "exit"}]},
  "other": {"mistake": "something else", "check": "goodbye", "program": "session", "todo": 6,
            "fails": [{"checks": ["nowhere", "refused"], "id": "nothing"}]}}}
END

program 'echo "session: x: no, never" >&2; exit 1'
grade --lab 1
check "the board says that a program does not connect" says "Your program did not connect."
check "everything fits into 80 columns" fits
check "it names the known mistake" says "looks like: it does not even try to connect"
check_not "it names no other mistake" says "something else"
check "a second check with the same message refers to the first" says "the same as preface above"
check "it names the TODO of the mistake" says "see:      TODO 2 of lab01-session/session.c"
check "it quotes the output of the program" says 'on standard error: "session: x: no, never\n"'
check "the first run compares nothing" says_not "than last time"
check "an error message gives no point if nothing else is right" says "refused           0/1"

right() {
  rm -f "$session"
  cp build/solutions/lab01-session/session "$session"
}
right
grade --lab 1
check "an error message gives its point if other checks pass" says "refused           1/1"
program 'exit 0'
grade --lab 1
check "it marks checks that no longer pass" says "BROKEN NOW:"
check "it counts the points lost" says "fewer than last time."
right
grade --lab 1
check "it marks checks that pass again" says "FIXED:"
check "it counts the points won" says "more than last time."
grade --lab 1
check "it marks nothing when nothing has changed" says_not "FIXED"

program 'echo "TODO 3 is not done: open it (lab01-session/README.md)" >&2; exit 1'
grade --lab 1
check "it shows a TODO that is not done" says "TODO 3 is not done: open it"
check "this TODO is the next one" says "Next: TODO 3"
grade --lab 1 --check preface
check "it says where the TODO is ..." says "see:      TODO 3 of lab01-session/session.c"
check "... without the RFC section of an unrelated check" says_not "RFC 9113"

program 'sleep 100 & while :; do :; done'
grade --lab 1 --check preface
check "it says that a program computes without end" says "used more than 1 s of processor time"

program 'echo one; echo two words; exit 0'
grade --lab 1 --check goodbye
check "a run of one check shows the program's output" says "Its standard output:"
check "it shows how the program ended" says "Your program exited with status 0."
check "it says how to do the same by hand: the command of the other side ..." says "make serve PORT=8000"
check "... and the command of the program" says "H2_TRACE=1 $session http://localhost:8000"
check "each command is on one line, ready to copy" says_not "\\"

LC_ALL=C.UTF-8 grade --lab 1
check "it draws lines in a UTF-8 locale" says "✘"
check "everything fits into 80 columns in UTF-8" fits
LC_ALL=C grade --lab 1
ascii() {
  ! LC_ALL=C grep -n '[^ -~]' "$work/said"
}
check "it prints only ASCII in other locales" ascii

if command -v node >/dev/null; then
  requests=$work/programs/lab02-requests/requests
  mkdir -p "${requests%/*}"
  sed 's/session.close()/process.exit(0)/' grader/tests/variants/node/lab02-requests/requests >"$requests"
  chmod +x "$requests"
  grade --lab 2
  check "a failure in lab 2 says that lab 1 teaches this" says "earlier:  this is what lab 1 is about: lab01-session/README.md"
  check "it shows the points of lab 1" says "of 15 points"
  check "the ladder shows the request that failed" says "(GET /"
  check "frames fit into 80 columns" fits
else
  skip "a failure in lab 2 says that lab 1 teaches this" "node is not installed"
fi
done_testing
