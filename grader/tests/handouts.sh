#!/bin/bash
# The handouts are true, and grader/tools/dev/handout.py, which checks them, notices handouts that are not: the test tries
# it on a small stand-in for this project.
# shellcheck disable=SC2016  # backquotes and $ are Markdown's here
set -u
root=$PWD
# shellcheck source=grader/tools/dev/tap.sh
. grader/tools/dev/tap.sh
# shellcheck source=grader/tools/dev/tap_later.sh
. grader/tools/dev/tap_later.sh
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

AT_ONCE=$((2 * $(nproc))) # each has a copy of the project
for handout in lab[0-9][0-9]-*/README.md lab[0-9][0-9]-*/bonus/*.md; do
  later "$handout is true" python3 grader/tools/dev/handout.py --check "$handout"
done
results
check "the committed diagrams are up to date" python3 grader/tools/dev/diagrams.py --check

# --- The stand-in -------------------------------------------------------------------------------------

mkdir -p "$work"/project/{common,lab01-one/solution,page,grader/checks,grader/mistakes/lab01} && cd "$work/project" || exit 1
cp -r "$root/grader/tools" grader/
mkdir -p grader/checks build/grader
cp "$root/build/grader/todos" build/grader/
echo 'int stand_make(int one, int two);' >common/stand.h
cat >lab01-one/solution/one.c <<'END'
#include <stdio.h>
#include <stdlib.h>
#define todo(number, text) (printf("TODO %d\n", number), exit(1))
int main(void) {
  /* BEGIN SOLUTION */
  /* STARTER
  todo(1, "say one");
  */
  printf("one\n");
  /* END SOLUTION */
  /* BEGIN SOLUTION */
  /* STARTER
  todo(2, "say two");
  */
  printf("two\n");
  /* END SOLUTION */
  return 3;
}
END
echo 'the student wrote this' >lab01-one/one.c
cat >grader/mistakes/lab01/says-six.patch <<'END'
Says six.
--- a/lab01-one/solution/one.c
+++ b/lab01-one/solution/one.c
@@ -14,5 +14,5 @@
   */
-  printf("two\n");
+  printf("six\n");
   /* END SOLUTION */
   return 3;
 }
END
printf '%s\n' 'CHECK(lab01, first, .points = 1)' 'CHECK(lab01, second, .points = 1)' >grader/checks/lab01.c
printf '%s\n' 'build/one: lab01-one/one.c' '	@mkdir -p build && cc -w $< -o $@' >Makefile
# A server that prints its port, logs the path of each request, and writes its process number to a file.
cat >serve <<'END'
#!/usr/bin/env python3
import http.server, os, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"served by %d\n" % self.server.server_port)
    def log_message(self, *arguments):
        print("asked for", self.path, flush=True)
server = http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
open(os.environ["PIDS"], "a").write(f"{os.getpid()}\n")
print(f"listening on http://localhost:{sys.argv[1]}", flush=True)
server.serve_forever()
END
cat >ask <<'END'
#!/usr/bin/env python3
import sys, urllib.request
print(urllib.request.urlopen(sys.argv[1]).read().decode(), end="")
END
# Frames that cross on their way, in either order; an acknowledgement follows its SETTINGS; the time, a date and the
# length of long HEADERS change from run to run.
cat >ladder <<'END'
#!/usr/bin/env python3
import random
sent = ["├── HEADERS ───────►│  stream 1, END_STREAM, %d bytes" % random.randint(20, 99), "├── DATA ──────────►│  stream 1, 5 bytes"]
sent.insert(random.randint(0, 2), "├── SETTINGS ──────►│  stream 0, ACK, 0 bytes")
got = ["│◄────── SETTINGS ──┤  stream 0, 6 bytes", "│◄────────── PING ──┤  stream 0, 8 bytes: %016x" % random.getrandbits(64)]
while sent or got:
    side = random.choice([side for side in (sent, got) if side])
    print("%10.1f %s" % (random.random() * 1000, side.pop(0)))
    if side is got and side:
        print("           │                   │    MAX_CONCURRENT_STREAMS 100")
print("date: Sun, %02d Nov 2026 21:24:11 GMT" % random.randint(1, 30))
END
chmod +x serve ask ladder
export PIDS=$work/pids TMPDIR=$work/temporary
mkdir "$TMPDIR"

# handout TEXT, or handout lab TEXT: write a handout, of no lab or of the lab, and check it.
handout() {
  page=page/README.md
  if [ "$1" = lab ]; then
    page=lab01-one/README.md
    shift
  fi
  printf '%s\n' "$1" >$page
  python3 grader/tools/dev/handout.py --check $page >"$work/out" 2>&1
  status=$?
  cat "$work/out"
  return $status
}
has() {
  grep -qF -- "$1" "$work/out" || { cat "$work/out"; return 1; }
}
console() {
  printf '%s\n' '```console' "$@" '```'
}

# --- Commands and their output ------------------------------------------------------------------------

check "a command that prints the output shown" handout "$(console '$ echo one; echo two >&2' one two '$ true')"
check_not "a command that prints something else is an error" handout "$(printf 'Text.\n\n'; console '$ echo one' two)"
check "the error names its line" has 'page/README.md:4: $ echo one'
check "the error shows the difference" has '+one'
check_not "a command that prints more is an error" handout "$(console '$ echo one; echo two' one)"
check_not "a command that prints less is an error" handout "$(console '$ echo one' one two)"
check_not "a wrong second command is an error" handout "$(console '$ echo one' one '$ echo two' 2)"
check "the error names only this command" has ':4: $ echo two'
check "\$? is the status of the previous command" handout "$(console '$ (exit 7)' '$ echo $?' 7)"
check "a command may have two lines" handout "$(console '$ for i in 1 2; do' '>   echo $i; done' 1 2)"
check "commands run on a terminal of 80 columns" handout "$(console '$ test -t 1 && stty size <&1' '24 80')"
check "\"...\" stands for any lines" handout "$(console '$ seq 9' 1 ... 4 5 ... 9)"
check "\"...\" may stand for no line" handout "$(console '$ seq 2' ... 1 ... 2 ...)"
check_not "\"...\" does not stand for the lines around it" handout "$(console '$ seq 9' ... 4 6 ...)"
check_not "a block without a command is an error" handout "$(console one)"
check_not "a block without an end is an error" handout '```console'
HANDOUT_SECONDS=1 check_not "a command that does not end is an error" handout "$(console '$ echo begun; sleep 1000' begun)"
check "the error shows its output" has begun

# --- Output that may differ ---------------------------------------------------------------------------

ladder=('$ ./ladder'
  '       0.1 ├── HEADERS ───────►│  stream 1, END_STREAM, 20 bytes'
  '       0.2 │◄────── SETTINGS ──┤  stream 0, 6 bytes'
  '           │                   │    MAX_CONCURRENT_STREAMS 100'
  '       0.3 ├── DATA ──────────►│  stream 1, 5 bytes'
  '       0.4 │◄────────── PING ──┤  stream 0, 8 bytes: 0123456789abcdef'
  '       0.5 ├── SETTINGS ──────►│  stream 0, ACK, 0 bytes'
  'date: Mon, 01 Jan 2024 00:00:00 GMT')
for _ in 1 2 3; do
  check "frames of a ladder may cross, and dates differ" handout "$(console "${ladder[@]}")"
done
check_not "a missing frame is an error" handout "$(console "${ladder[@]:0:4}" "${ladder[@]:5}")"
check_not "a missing acknowledgement is an error" handout "$(console "${ladder[@]:0:6}" "${ladder[@]:7}")"
check_not "another length is an error" handout "$(console "${ladder[@]}" | sed 's/, 5 bytes/, 6 bytes/')"
# One line of a ladder against another.
alike() {
  python3 -c 'import sys; sys.path.insert(0, "grader/tools/dev"); from handout_run import matches
sys.exit(not matches(*([f"       0.1 │◄─────── HEADERS ──┤  stream 3, END_HEADERS, {n} bytes (GET /)"] for n in sys.argv[1:])))' "$@"
}
check "a header block with a date may have another length" alike 29 30
check_not "a short header block may not" alike 6 7
check_not "another order on one side is an error" handout \
  "$(console "${ladder[@]:0:1}" "${ladder[@]:4:1}" "${ladder[@]:1:3}" "${ladder[@]:5}")"
check_not "a detail below the wrong frame is an error" handout \
  "$(console "${ladder[@]:0:3}" "${ladder[@]:4:2}" "${ladder[@]:3:1}" "${ladder[@]:6}")"
check "SEED, seconds, line numbers and addresses may differ" handout \
  "$(console '$ echo "1.7 s, again in 12 ms, SEED=9, one.c:12:3 at 0x7ffe0123"' '0.2 s, again in 9 ms, SEED=1, one.c:7:1 at 0x55a000')"
check_not "a line number of a lab's own file may not differ" handout "$(console '$ echo TODO 1 at lab01-one/one.c:12' 'TODO 1 at lab01-one/one.c:13')"
check_not "text that only looks similar may not differ" handout "$(console '$ echo "17 s, NEED=9"' '02 s, NEED=1')"
check_not "nor may milliseconds in other words" handout "$(console '$ echo "seen in 12 ms"' 'seen in 9 ms')"

# --- Servers and ports --------------------------------------------------------------------------------

# Whether the processes in $PIDS have ended or end soon; a zombie counts as ended.
gone() {
  for _ in $(seq 100); do
    running=$(ps -o pid=,stat=,args= -p "$(paste -sd, "$PIDS")" | grep -v '^ *[0-9]* Z')
    [ -n "$running" ] || return 0
    sleep 0.1
  done
  echo "$running"
  return 1
}
server=$(console '$ ./serve 8000' 'listening on http://localhost:8000' 'asked for /a')
asks=$(console '$ ./ask http://localhost:8000/a' 'served by 8000')
: >"$PIDS"
check "a server may log what the handout shows" handout "$server
$asks"
check "the tool ends the server" gone
check_not "a server that logs something else is an error" handout "$server
$(console '$ ./ask http://localhost:8000/b' 'served by 8000')"
check "the error shows the difference of its log" has '+asked for /b'
check "the tool uses another port than the handout" handout "$(console '$ test 8000 = 80""00 || echo other' other)"
check "it replaces each port by one port of its own" handout \
  "$(console '$ test 8000 = 8000 && test 8000 != 8001 && echo so' so)"
check_not "a server that does not start is an error" handout "$(console '$ echo no 8000' 'listening on 8000')"
check_not "a server that prints no port is an error" handout "$(console '$ ./serve 0' 'listening on http://localhost:8000')"
check_not "a server must be the only command of its block" handout "$(console '$ true' '$ ./serve 8000' 'listening on http://localhost:8000')"
: >"$PIDS"
check "a command may leave a process running" handout "$(console "\$ trap '' HUP INT TERM; sleep 1000 & echo \$! >>$PIDS")"
check "the tool ends that process" gone
printf '%s\n%s\n' "$server" "$(console '$ sleep 1000')" >page/README.md
: >"$PIDS"
python3 grader/tools/dev/handout.py --check page/README.md >/dev/null 2>&1 &
tool=$!
until [ -s "$PIDS" ]; do sleep 0.05; done
{ kill -KILL $tool; wait $tool; } 2>/dev/null
check "a server ends even if the tool is killed" gone
rm -rf "$TMPDIR"/handout-*

# --- Files --------------------------------------------------------------------------------------------

check "C from a header may have other line breaks" handout '```c
int
stand_make(int one,
              int two);
```'
check_not "C that is in no file is an error" handout '```c
int stand_make(int one, long two);
```'
check_not "a script that no command runs is an error" handout '```js
// build/one.js
```'
check_not "a script without a name is an error" handout '```js
console.log(1);
```'
if command -v node >/dev/null; then
  check "the tool runs a script, with other ports" handout '```js
// build/one.js
console.log(process.argv[2] === "http://localhost:8000", 8000);
```
'"$(console '$ node build/one.js http://localhost:8000' 'true 8000')"
else
  skip "the tool runs a script, with other ports" "node is not installed"
fi
check "a handout may name a function that exists" handout 'Call `stand_make(1, 2)`.'
check_not "a function that does not exist is an error" handout 'Call `stand_take()`.'
check "the error names the function" has 'there is no stand_take'
check "a handout may link to a file" handout 'See [this](../Makefile#all) and [that](https://example.org/none).'
check_not "a link to nothing is an error" handout 'See [this](../none).'
rfc=https://www.rfc-editor.org/rfc/rfc
check "a link leads to the section that it names" \
  handout "See [RFC 9110, sections 9.1](${rfc}9110#section-9.1) and [4.2.3](${rfc}9110#section-4.2.3)."
check_not "a link to another section is an error" handout "See [section 6.5](${rfc}9113#section-6.8)."
check_not "a link to another RFC is an error" handout "See [section 6.5](${rfc}7541#section-6.5)."

# --- A lab --------------------------------------------------------------------------------------------

sections() {
  printf '## %s\n' 'What you build' 'The idea' 'In Node.js' 'Your tasks'
  printf '%s\n' '### TODO 1: one' '### TODO 2: two' '`CHECK=first` `CHECK=second`'
  printf '## %s\n' 'Run it' 'On the wire' 'When it fails' 'Going further'
  printf '%s\n' "$@" '## Before you go on' ''
  for i in 1 2 3; do
    printf '%s\n\n' "**$i.** Which of" 'the two?' '<details><summary>Answer</summary>' 'This one.' '</details>' | sed '/^\*\*/{n;d}'
  done
}
one='$ build/one'
check "commands run with the solution in place of the student's file" handout lab "$(sections "$(console "$one" one two '$ echo $?' 3)")"
check "the tool changes only the copy" grep -q 'the student wrote' lab01-one/one.c
check "a comment asks for the starter" handout lab "$(sections '<!-- with the starter -->' "$(console "$one" 'TODO 1')")"
check "a comment asks for some solved TODOs" handout lab "$(sections '<!-- with TODO 1 done -->' "$(console "$one" one 'TODO 2')")"
check "a comment asks for solved TODOs" handout lab "$(sections '<!-- with TODO 1 to 2 done -->' "$(console "$one" one two)")"
check "a comment asks for a mistake" handout lab "$(sections '<!-- with the mistake says-six -->' "$(console "$one" one six)" \
  "$(console "$one" one two)")"
check_not "an unknown mistake is an error" handout lab "$(sections '<!-- with the mistake none -->' "$(console "$one")")"
check "the error names the mistake" has 'there is no mistake none'
check_not "an unknown comment is an error" handout lab "$(sections '<!-- with nothing -->' "$(console "$one")")"
check "C may be pieces of the solution" handout lab "$(sections '```c' 'int main(void) {' '...' 'return 3;' '```')"
check_not "pieces in the wrong order are an error" handout lab "$(sections '```c' 'return 3;' '...' 'int main(void) {' '```')"
check_not "a missing section is an error" handout lab "$(sections | grep -v 'The idea')"
check_not "sections in another order are an error" handout lab "$(sections | sed '/Run it/d; $a## Run it')"
check_not "a question without an answer is an error" handout lab "$(sections | sed '0,/This one/{/This one/d}')"
check "the error counts the questions" has "['2', '3']"
check_not "a missing question is an error" handout lab "$(sections | sed 's/\*\*3/3/')"
check_not "a TODO without a heading is an error" handout lab "$(sections | grep -v 'TODO 2')"
check_not "a heading without a TODO is an error" handout lab "$(sections '### TODO 3: three')"
check_not "a check that the handout does not name is an error" handout lab "$(sections | sed 's/CHECK=second//')"
check_not "a check that does not exist is an error" handout lab "$(sections '`CHECK=third`')"

# --- Writing ------------------------------------------------------------------------------------------

write() {
  printf '%s\n' "$1" >page/README.md
  python3 grader/tools/dev/handout.py --write page/README.md >"$work/out" 2>&1
}
is() {
  [ "$(cat page/README.md)" = "$1" ] || { cat page/README.md; return 1; }
}
check_not "--write reports wrong output" write "$(console '$ echo one' two '$ echo two'; echo text)"
check "--write corrects the output" is "$(console '$ echo one' one '$ echo two' two; echo text)"
check "--write keeps right output" write "$(cat page/README.md)"
right=$(console "${ladder[@]}")
check "--write keeps output that may differ" write "$right"
check "it keeps every character" is "$right"
write "$(console '$ seq 10 20' 8 9 ... 15 6 ... 20)"
check "--write keeps \"...\" in its place" is "$(console '$ seq 10 20' 10 11 ... 15 16 ... 20)"
write "$(console '$ seq 10 20' ... 13 14 x ...)"
check "--write keeps \"...\" at both ends" is "$(console '$ seq 10 20' ... 13 14 15 ...)"
write "$(console '$ printf "%s\n" one two "see: me" rest' one two more 'see: you' ...)"
check "--write keeps \"...\" when there are fewer lines" is "$(console '$ printf "%s\n" one two "see: me" rest' one two 'see: me' ...)"
write "$server
$(console '$ ./ask http://localhost:8000/b' 'served by 1')"
check "--write corrects a server's log and keeps its port" is "${server/\/a//b}
$(console '$ ./ask http://localhost:8000/b' 'served by 8000')"
check_not "wrong usage is an error" python3 grader/tools/dev/handout.py page/README.md
check "the tool leaves nothing in the temporary folder" [ -z "$(ls "$TMPDIR")" ]
done_testing
