#!/bin/bash
# What the scoreboard says of programs that fail: in 80 columns, with the mistake that it looks like, and what has changed.
set -u
# shellcheck source=grader/tools/dev/tap.sh
. grader/tools/dev/tap.sh
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
unset NO_COLOR COLUMNS
session=$work/programs/lab01-session/session
mkdir -p "${session%/*}"

# program TEXT: the session is this script.
program() {
  rm -f "$session"
  printf '#!/bin/sh\n%s\n' "$1" >"$session"
  chmod +x "$session"
}
# grade ARGUMENT...: what is said goes to the file `said`.
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
             "fails": [{"checks": ["preface", "settings_ack", "settings_printed", "ping", "slowly", "goodbye"], "id": "program-does-not-connect", "seen": "exit"}]},
  "other": {"mistake": "something else", "check": "goodbye", "program": "session", "todo": 6,
            "fails": [{"checks": ["nowhere", "refused"], "id": "nothing"}]}}}
END

program 'echo "session: x: no, never" >&2; exit 1'
grade --lab 1
check "a program that does not connect is graded" says "Your program did not connect."
check "everything fits into 80 columns" fits
check "the known mistake is named" says "looks like: it does not even try to connect"
check_not "and no other" says "something else"
check "a check that says the same is not left bare" says "the same as preface above"
check "the TODO is the mistake's" says "see:      TODO 2 of lab01-session/session.c"
check "what it printed is quoted" says 'on standard error: "session: x: no, never\n"'
check "the first time nothing is compared" says_not "than last time"
check "an error counts for nothing where nothing was right" says "refused           0/1"

right() {
  rm -f "$session"
  cp build/solutions/lab01-session/session "$session"
}
right
grade --lab 1
check "some checks pass" says "refused           1/1"
program 'exit 0'
grade --lab 1
check "what passes no more is marked" says "BROKEN NOW:"
check "and counted" says "fewer than last time."
right
grade --lab 1
check "what passes again is marked" says "FIXED:"
check "and counted, too" says "more than last time."
grade --lab 1
check "then nothing has changed" says_not "FIXED"

program 'echo "TODO 3 is not done: open it (lab01-session/README.md)" >&2; exit 1'
grade --lab 1
check "a TODO that is not done stands alone" says "TODO 3 is not done: open it"
check "and is what comes next" says "Next: TODO 3"
grade --lab 1 --check preface
check "its place is told ..." says "see:      TODO 3 of lab01-session/session.c"
check "... without the section of a check that is about something else" says_not "RFC 9113"

program 'sleep 100 & while :; do :; done'
grade --lab 1 --check preface
check "a program that computes without end is named" says "used more than 1 s of processor time"

program 'echo one; echo two words; exit 0'
grade --lab 1 --check goodbye
check "one check alone has the program's output" says "Its standard output:"
check "and its end" says "Your program exited with status 0."
check "and how to do the same by hand: the other side ..." says "make serve PORT=8000"
check "... and the program" says "H2_TRACE=1 $session http://localhost:8000"
check "the commands are one line each, to be copied" says_not "\\"

LC_ALL=C.UTF-8 grade --lab 1
check "line drawing where there is UTF-8" says "✘"
check "it fits there, too" fits
LC_ALL=C grade --lab 1
ascii() {
  ! LC_ALL=C grep -n '[^ -~]' "$work/said"
}
check "and nothing but ASCII elsewhere" ascii

if command -v node >/dev/null; then
  requests=$work/programs/lab02-requests/requests
  mkdir -p "${requests%/*}"
  sed 's/session.close()/process.exit(0)/' grader/tests/variants/node/lab02-requests/requests >"$requests"
  chmod +x "$requests"
  grade --lab 2
  check "what lab 1 is about is said to be so in lab 2" says "earlier:  this is what lab 1 is about: lab01-session/README.md"
  check "and how that one stands" says "of 15 points"
  check "the ladder has the request that failed" says "(GET /"
  check "frames fit into 80 columns" fits
else
  skip "what lab 1 is about is said to be so in lab 2" "node is not installed"
fi
done_testing
