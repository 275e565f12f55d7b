#!/usr/bin/env python3
"""The lecture (make demo): every lab's runs and is true, with a terminal and without; it waits for a key; it shows
starters; no process that it started outlives it. And the tool notices wrong scripts: the test tries it on a small
stand-in for this project."""
import contextlib
import fcntl
import glob
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unittest.mock

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "grader/tools/dev"))
from tap import check, done_testing  # noqa: E402  pylint: disable=wrong-import-position

DEMO = ROOT / "grader/lecture/demo.py"
SECONDS = 60  # nothing here takes this long
MARK = f"DEMO_TEST={os.getpid()}"  # in the environment of every process that this test starts
KEY = "q ends --"  # how the question for a key ends

def environment(**more):
    kept = {name: value for name, value in os.environ.items()
            if name not in ("COLUMNS", "NO_COLOR", "LANG", "LC_CTYPE", "MAKEFLAGS", "H2_TRACE")}
    return {**kept, "LC_ALL": "C.UTF-8", "TERM": "xterm-256color", **dict([MARK.split("=")]), **more}


def left_running():
    """The processes with our mark in their environment; this process has no mark."""
    found = []
    for path in glob.glob("/proc/[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if MARK.encode() in pathlib.Path(path).read_bytes().split(b"\0"):
                found.append(pathlib.Path(path).with_name("cmdline").read_text(encoding="utf-8"))
    return found


def all_gone():
    deadline = time.monotonic() + SECONDS
    while left_running() and time.monotonic() < deadline:
        time.sleep(0.05)
    return not left_running()


def demo(*arguments, tool=DEMO, **more):
    return subprocess.run([tool, *arguments], env=environment(**more), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8",
                          errors="replace", timeout=SECONDS, check=False)


def longest(text):
    return max(len(line) for line in text.splitlines())


class Terminal:
    """The lecture on a terminal, with a user at the keyboard."""

    def __init__(self, *arguments, columns=80, rows=50, tool=DEMO):
        self.text = ""
        pid, self.master = pty.fork()
        if pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            os.execve(tool, [str(tool), *arguments], environment())
        self.pid = pid

    def read(self, seconds):
        """Whether the lecture printed something within this time; False at the end too."""
        readable, _, _ = select.select([self.master], [], [], seconds)
        try:
            some = os.read(self.master, 65536) if readable else b""
        except OSError:
            some = b""
        self.text += some.decode("utf-8", "replace")
        return some != b""

    def until(self, keys):
        """Wait until the lecture has asked for a key this often, or has ended. Returns how often it has asked."""
        deadline = time.monotonic() + SECONDS
        while self.text.count(KEY) < keys and time.monotonic() < deadline and \
                self.read(deadline - time.monotonic()):
            pass
        return self.text.count(KEY)

    def press(self, key):
        os.write(self.master, key)

    def go_on(self, text):
        """Press the space bar until this text stands there and the lecture asks for a key, or until it ends."""
        asked = self.until(1)
        while text not in self.text:
            self.press(b" ")
            if self.until(asked + 1) == asked:
                return
            asked += 1

    def plain(self):
        return re.sub(r"\033\[[0-9;]*[A-Za-z]", "", self.text)

    def pages(self):
        """What stood on the screen at each question, as lines."""
        return [page.split("\r")[-1] if page.count("\n") == 0 else page
                for page in re.split(rf"-- [^\n]*{KEY}", self.plain())]

    def end(self):
        """Wait for the end of the lecture. Returns the status."""
        while self.read(SECONDS):
            pass
        status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        os.close(self.master)
        return status


# --- Every lecture ------------------------------------------------------------------------------------


def untouched(lab):
    """Whether the student's files are the starters."""
    return all(subprocess.run(["sh", ROOT / "grader/tools/dev/starter.sh", source], stdout=subprocess.PIPE, check=False).stdout ==
               (lab / source.name).read_bytes() for source in lab.glob("solution/*.c"))


def test_lab(number, lab):
    done = demo(number)
    said = done.stdout + done.stderr
    check(f"lab {number}: every command ends as the script says", done.returncode == 0 and not done.stderr, said)
    check(f"lab {number}: the lecture shows a ladder", re.search(r"├── preface ─+►│  24 bytes", said), said)
    check(f"lab {number}: it has at most 80 columns", longest(said) <= 80, max(said.splitlines(), key=len))
    check(f"lab {number}: it has no escape codes", "\033" not in said, said)
    check(f"lab {number}: no process is left", all_gone(), left_running())
    other = demo(number, LC_ALL="C", COLUMNS="160")
    check(f"lab {number}: it is plain ASCII if the locale says so",
          other.returncode == 0 and other.stdout.isascii() and "|-- preface --" in other.stdout, other.stdout)
    check(f"lab {number}: Node.js and C are side by side on 160 columns", longest(other.stdout) <= 160 and
          re.search(r"  Node\.js +\| C: lab", other.stdout), other.stdout)
    student = demo("--student", number)
    said = student.stdout + student.stderr
    if untouched(lab):
        check(f"lab {number}: it says where the starter stops",
              re.search(r"^TODO \d is not done: this is how far your program goes\. The lecture goes on\.$", said, re.M),
              said)
    else:
        check(f"lab {number}: it says where the starter stops # SKIP somebody has worked on it", True)
    steps = re.findall(r"(?m)^── \S+", done.stdout)
    check(f"lab {number}: with a starter, the lecture goes on to its end",
          student.returncode == 0 and steps and steps == re.findall(r"(?m)^── \S+", said), said)
    check(f"lab {number}: with a starter, no process is left", all_gone(), left_running())
    return done.stdout


def test_measured_times(number):
    """The bars are as long as their times, and in the only possible order."""
    said = demo(number).stdout
    rows = re.findall(r"(?m)^(\d+ connections?,.*?) +([\d.]+) ms (█+)$", said)
    times = [float(row[1]) for row in rows]
    check("lab 2: the lecture measures four ways of asking", len(rows) == 4, said)
    check("lab 2: no way is quicker than the server, and one at a time is slowest",
          len(rows) == 4 and min(times) >= 20 and times[3] >= 24 * 20, rows)
    longest_bar = len(rows[times.index(max(times))][2])
    check("lab 2: a bar is as long as its time",
          all(abs(len(bar) - max(1, longest_bar * at / max(times))) <= 1 for at, (_, _, bar) in zip(times, rows)), rows)


TYPES = ["DATA", "HEADERS", "PRIORITY", "RST_STREAM", "SETTINGS", "PUSH_PROMISE", "PING", "GOAWAY", "WINDOW_UPDATE"]


def frames_of_clients(rows):
    """The frames of each connection whose client sent one. Lab 6's openssl sends only the preface and goes: whether the
    server is quick enough to write its SETTINGS is chance."""
    frames, with_client = [], set()
    for connection, to, kinds in rows:
        named = [TYPES[int(kind)] for kind in kinds.split(",") if kind]
        frames += [(connection, name) for name in named]
        if to in ("8000", "8443") and named:  # 8443: over TLS
            with_client.add(connection)
    return [name for connection, name in frames if connection in with_client]


def test_capture(number):
    """The captures, one for each server, have the frames of the ladders, which the clients of this lecture print."""
    if not shutil.which("tshark"):
        check(f"lab {number}: with --pcap it leaves a capture of each server # SKIP tshark is not installed", True)
        return
    done = demo("--pcap", number)
    said = done.stdout + done.stderr
    captures = [ROOT / name for name in re.findall(r"(?m)^Captured: (\S+)$", said)]
    servers = len(re.findall(r"(?m) &$", said))  # started in the background
    check(f"lab {number}: with --pcap it leaves a capture of each server",
          done.returncode == 0 and servers == len(captures) > 0, said)
    ladder = re.findall(r"(?m)^ +[\d.]+ (?:├──|│◄─+) (\w+) ─", said)
    found, errors = [], ""
    for capture in captures:
        read = subprocess.run(["tshark", "-n", "-d", "tcp.port==8000,http2", "-r", capture, "-Y", "http2", "-T", "fields",
                               "-E", "aggregator=,", "-e", "tcp.stream", "-e", "tcp.dstport", "-e", "http2.type"],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=SECONDS, check=False)
        found += frames_of_clients(line.split("\t") for line in read.stdout.splitlines())
        errors += read.stderr
    check(f"lab {number}: the captures have the frames of the ladders, and no others",
          found and sorted(found) == sorted(name for name in ladder if name in TYPES),
          f"{errors}\n{sorted(found)}\n{sorted(ladder)}")
    check(f"lab {number}: with --pcap no process is left", all_gone(), left_running())


# --- A terminal ---------------------------------------------------------------------------------------


def test_terminal():
    terminal = Terminal("--pause", "01")
    asked = terminal.until(1)
    check("on a terminal with --pause the lecture asks for a key", asked == 1, terminal.text)
    check("it waits for the key", not terminal.read(0.5), terminal.text)
    terminal.go_on("until the end")
    check("each key goes on, until the end", terminal.end() == 0 and terminal.text.count(KEY) > 3, terminal.text)
    check("it is in colour", "\033[1m" in terminal.text and "\033[2m" in terminal.text, terminal.text)
    plain = terminal.plain().replace("\r", "\n")
    check("it fits the terminal", longest(plain) <= 80, max(plain.splitlines(), key=len))
    check("no process is left", all_gone(), left_running())

    terminal = Terminal("--pause", "02", columns=160)
    terminal.go_on("closed")
    check("the ladder is in colour on 160 columns",
          re.search("\033\\[38;5;33m── HEADERS ─+►\033\\[0m.*:path: /hello-world", terminal.text), terminal.text)
    check("a server is running", any("serve" in command for command in left_running()), left_running())
    terminal.press(b"q")
    check("q ends the lecture with status 0", terminal.end() == 0, terminal.text)
    check("q ends the server", all_gone(), left_running())

    terminal = Terminal("--pause", "02")
    terminal.go_on("listening on")
    check("a server is running again", left_running())
    terminal.press(b"\3")
    check("Ctrl-C ends the lecture", terminal.end() == 130, terminal.text)
    check("Ctrl-C ends the server", all_gone(), left_running())


def test_pages(number):
    """No page is longer than a small screen."""
    terminal = Terminal("--pause", number, rows=24)
    terminal.go_on("until the end")
    status = terminal.end()
    lengths = [page.count("\n") for page in terminal.pages()]
    check(f"lab {number}: on 24 lines, no page is longer than the screen", status == 0 and max(lengths) <= 23, lengths)
    check(f"lab {number}: the screen is used well", len(lengths) < 2 * sum(lengths) / 23 + 12, lengths)
    joined = re.findall(rf"\S\r*\n-- [^\n]*{KEY}\r +\r((?:  C: |  Node\.js|\$ ).*)", terminal.plain())
    check(f"lab {number}: an empty line stands between what a key has parted", not joined, joined)
    steps = re.findall(r"(\033\[2J\033\[H)?\033\[1m── \d/\d", terminal.text)
    check(f"lab {number}: a step that begins after a key begins at the top of the screen", all(steps[1:]), steps)
    ends = [question.startswith("-- The end: ") for question in re.findall(rf"-- [^\n]*{KEY}", terminal.plain())]
    check(f"lab {number}: the last question, and no other, says that this is the end", ends[-1:] == [True] and sum(ends) == 1, ends)


def test_steps():
    """Steps by number, forwards and back."""
    heading = r"── (\d)/\d"
    said = demo("--step", "5", "02").stdout
    check("--step begins at that step", re.findall(heading, said) == ["5", "6"], said)
    done = demo("--step", "4", "02")
    check("--step starts the servers of earlier steps", done.returncode == 0 and " POST" in done.stdout and
          "listening on" in done.stdout, done.stdout)
    shutil.rmtree(ROOT / "build/demo", ignore_errors=True)
    done = demo("--step", "4", "06")
    check("--step makes what the steps need", done.returncode == 0 and "closed" in done.stdout, done.stdout)
    for wrong in ("0", "9"):
        done = demo("--step", wrong, "01")
        check(f"a lecture without a step {wrong} says so", done.returncode == 1 and done.stderr.startswith("demo: ") and
              not done.stdout, done.stderr)
    check("a step of several labs is wrong usage", demo("--step", "2", "01", "02").returncode == 2)
    terminal = Terminal("--pause", "02")
    terminal.go_on("── 2/6")
    asked = terminal.until(1)
    for key, step in ((b"b", "1"), (b"5", "5"), (b"\033[D", "4"), (b"4", "4"), (b"b", "3")):
        terminal.press(key)
        asked = terminal.until(asked + 1)
        check(f"{key} goes to step {step}", re.findall(heading, terminal.plain())[-1:] == [step], terminal.plain()[-300:])
    terminal.press(b" ")
    asked = terminal.until(asked + 1)
    terminal.press(b"b")
    asked = terminal.until(asked + 1)
    check("b in the middle of a step goes to its beginning", re.findall(heading, terminal.plain())[-2:] == ["3", "3"],
          terminal.plain()[-2000:])
    terminal.go_on("bytes: +")  # the ladder of step 3, which needs a server of step 2
    terminal.press(b"q")
    check("q ends it with status 0 from anywhere", terminal.end() == 0, terminal.text)
    check("no process of all these steps is left", all_gone(), left_running())


def test_notes(number, plain, script):
    noted = demo("--notes", number).stdout
    notes = script.count("> note: ")
    steps = re.findall(r"(?m)^── \d/\d  (.*?) ─*$", noted)
    check(f"lab {number}: each step has a note for the lecturer", notes >= len(steps) > 0, f"{notes} notes")
    check(f"lab {number}: --notes shows them, and nothing else does",
          noted.count("│ Note: ") == notes and "Note: " not in plain, noted)
    check(f"lab {number}: --notes says how long each step takes",
          all(re.search(r"\(about [\d.]+ min\)$", step) for step in steps), steps)


def test_ladders(number, rails):
    """On a terminal with colours, the server's ladder is whole, and below its command."""
    terminal = Terminal(number)
    status = terminal.end()
    plain = terminal.plain().replace("\r", "")
    ladders = [re.split(r"\n(?:\$ |── )", part)[0] for part in plain.split("\nThe server:\n")[1:]]
    wrong = [ladder for ladder in ladders if "preface" in ladder and not re.search(r"\d requests? on 1 connection", ladder)]
    check(f"lab {number}: on a terminal with colours, no ladder of a server is cut", status == 0 and
          sum("preface" in ladder for ladder in ladders) == rails and not wrong, plain)


def test_killed():
    process = subprocess.Popen([DEMO, "02"], env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               text=True, encoding="utf-8")
    for line in process.stdout:
        if line.startswith("listening on"):
            break
    check("a lecture is under way", left_running())
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    check("if the lecture is killed, its server ends too", all_gone(), left_running())


# --- A stand-in ---------------------------------------------------------------------------------------

PROGRAM = """static int one(int number);

static int one(int number) {
  /* BEGIN SOLUTION */
  /* STARTER
  todo(1, "return");
  */
  (void)unused;
  int twice = 2 * number;
  if (twice > 10)
    return 10;
  return twice;
  /* END SOLUTION */
}
"""

COMMENTED = """static int one(int number) {
  int two = 2; // the second, which is a comment behind code, and it goes on for far more than a line has room, beyond
#if 1
  // a comment that says something
  int much = number
    + two; // more
#endif
  return two(number, // of one
             number); /* "http://" */
}
"""

HANDOUT = """
```js
// build/one.js
const one = 1;
const two = 2;
call((x) => {
  return one;
});
```
"""


class StandIn:
    """A small project in a temporary folder, and its lecture."""

    def __init__(self, folder):
        self.root = pathlib.Path(folder)
        (self.root / "lab01-one/solution").mkdir(parents=True)
        (self.root / "grader/lecture/scripts").mkdir(parents=True)
        for tool in (ROOT / "grader/lecture").glob("*.py"):
            shutil.copy(tool, self.root / "grader/lecture")
        shutil.copytree(ROOT / "grader/tools", self.root / "grader/tools")
        (self.root / "lab01-one/solution/one.c").write_text(PROGRAM, encoding="utf-8")
        (self.root / "lab01-one/one.c").write_text("static int one(int number) {\n  todo(1, \"return\");\n}\n",
                                                   encoding="utf-8")
        (self.root / "lab01-one/README.md").write_text(HANDOUT, encoding="utf-8")
        self.put("serve", "#!/bin/sh\necho listening on http://localhost:1\nread -r line <fifo\necho $line\nsleep 100\n")
        self.put("dies", "#!/bin/sh\necho listening on http://localhost:1\nexit 1\n")
        os.mkfifo(self.root / "fifo")

    def put(self, name, text):
        (self.root / name).write_text(text, encoding="utf-8")
        (self.root / name).chmod(0o755)

    def give(self, *blocks, options=(), **more):
        """Give a lecture of these blocks, each (kind, lines...). Returns the status and the output."""
        text = "# Title\n\n## Step\n"
        for info, *lines in blocks:
            text += "\n```" + "\n".join([info, *lines]) + "\n```\n"
        (self.root / "grader/lecture/scripts/lab01.md").write_text(text, encoding="utf-8")
        done = demo(*options, "01", tool=self.root / "grader/lecture/demo.py", **more)
        return done.returncode, done.stdout + done.stderr


def test_quotations(stand_in):
    status, said = stand_in.give(("c one",))
    check("it shows a function without marks", status == 0 and "  static int one(int number) {\n    int twice" in said and
          "SOLUTION" not in said and "STARTER" not in said and "(void)" not in said and "todo" not in said, said)
    status, said = stand_in.give(("c one", "int twice", "return twice"))
    check("it shows some lines of a function, and that it left out others",
          status == 0 and "  int twice = 2 * number;\n  ...\n  return twice;\n" in said, said)
    status, said = stand_in.give(("c one", "if (twice", "...", "return 10"))
    check("it shows the lines from one to another", status == 0 and "  if (twice > 10)\n    return 10;\n" in said and
          "return twice" not in said, said)
    status, said = stand_in.give(("js one.js", "call(", "...", "});"))
    check("it shows lines of the handout", status == 0 and "  call((x) => {\n    return one;\n  });\n" in said, said)
    status, said = stand_in.give(("js one.js", "call("))
    check("a block that stays open ends with an ellipsis", status == 0 and "  call((x) => {\n  ...\n" in said, said)
    for what, block in (("a line", ("c one", "int thrice")), ("a function", ("c two",)), ("a file", ("c two.c: one",)),
                        ("a script", ("js two.js",)), ("a kind of block", ("d",))):
        status, said = stand_in.give(block)
        check(f"{what} that does not exist is an error, before the lecture begins",
              status == 1 and said.startswith("demo: ") and said.count("\n") == 1, said)
    (stand_in.root / "lab01-one/one.c").write_text(COMMENTED, encoding="utf-8")
    status, said = stand_in.give(("c one",), options=["--student"])
    check("it joins nothing to a line with a comment", status == 0 and re.search(r"(?m)^  #if 1$", said) and all(
        code in re.sub("//.*", "", said) for code in ("return two(number,", "int much = ", "int two = 2;")), said)
    check("a long comment stays a comment", longest(said) <= 80 and
          all(not line.strip().startswith("beyond") for line in said.splitlines()), said)
    (stand_in.root / "lab01-one/one.c").write_text("static int one(int number) {\n  todo(1, \"return\");\n}\n",
                                                   encoding="utf-8")
    status, said = stand_in.give(("c one", "int thrice"), options=["--student"])
    check("with --student, the code may be different", status == 0 and 'todo(1, "return");' in said, said)


def test_commands(stand_in):
    status, said = stand_in.give(("console", "echo one; echo two >&2"))
    check("it shows the output of a command", status == 0 and "\n$ echo one; echo two >&2\none\n\ntwo\n" in said, said)
    status, said = stand_in.give(("console", "exit 3"), ("console", "echo on"))
    check("it reports a command that fails", status == 1 and "It ended with status 3, not 0." in said, said)
    check("the lecture goes on after the failure", "\non\n" in said, said)
    status, said = stand_in.give(("console status=3", "exit 3"))
    check("a script may expect a failure, and the lecture says which it was", status == 0 and "(It ended with status 3.)" in said, said)
    status, said = stand_in.give(("console status=3", "true"))
    check("it reports a command that succeeds when the script expects a failure", status == 1 and "It ended with status 0, not 3." in said, said)
    status, said = stand_in.give(("console", "echo begun; sleep 1000"), DEMO_SECONDS="1")
    check("it ends a command that takes too long", status == 1 and "begun" in said and "It still runs after 1 s" in said, said)
    check("it ends the processes of that command", all_gone(), left_running())
    status, said = stand_in.give(("console", "sleep 1000 & echo $!"))
    check("it ends a process that a command leaves running", all_gone(), said)
    status, said = stand_in.give(("console", r"printf '\033[2J\007\377%0200d\n' 1"))
    check("it prints no control characters", "\033" not in said and "\007" not in said and "\n?[2J?" in said, said)
    check("a long line goes on below", longest(said) <= 80, said)
    status, said = stand_in.give(("bars", "echo 'a  10.0 ms'; echo 'b  5.0 ms'"))
    bars = re.findall("█+", said)
    check("bars are as long as their times", status == 0 and len(bars) == 2 and abs(len(bars[0]) - 2 * len(bars[1])) <= 1, said)
    status, said = stand_in.give(("console", "$PROGRAMS/lab01-one/one"))
    check("it reports a program that was not built", status == 1 and "build/solutions/lab01-one/one is missing" in said, said)


def test_servers(stand_in):
    status, said = stand_in.give(("server URL", "./serve"), ("console until=news", "echo $URL; echo news >fifo"))
    check("it shows a server, its address and its output", status == 0 and "\n$ echo http://localhost:1; echo" in said and
          "\nThe server:\nnews\n" in said, said)
    check("it ends the server", all_gone(), left_running())
    status, said = stand_in.give(("server URL", "./serve"), ("console until=nothing", "echo news >fifo"), DEMO_SECONDS="1")
    began = time.monotonic()
    failed, _ = stand_in.give(("server URL", "./serve"), ("console until=nothing", "exit 3"), DEMO_SECONDS="1000")
    check("after a command that fails, it does not wait for that line", failed == 1 and time.monotonic() - began < SECONDS, time.monotonic() - began)
    check("it reports a server that does not print the expected line", status == 1 and "No server has printed “nothing”." in said, said)
    status, said = stand_in.give(("server URL", "./serve"), ("console until=news", "echo news >fifo"),
                                 ("console until=news", "true"), DEMO_SECONDS="1")
    check("an earlier line of the server does not count", status == 1 and said.count("No server has printed “news”.") == 1, said)
    status, said = stand_in.give(("server URL", "./serve"), ("console until=nothing", "echo TODO 1 is not done >&2; exit 1"), DEMO_SECONDS="1")
    check("after a TODO, no other line is missing", status == 1 and "TODO 1 is not done: this is how far" in said and "No server has printed" not in said, said)
    status, said = stand_in.give(("server URL", "echo no"), ("console", "echo $URL"))
    check("it reports a server that does not listen", status == 1 and "This server does not listen." in said, said)
    check("it does not run the client then", "Not run, because its server does not run: echo. See step 1, which starts it." in said, said)
    status, said = stand_in.give(("server URL", "./dies"), ("console", "sleep 0.2; echo $URL"), ("console", "echo $URL"))
    check("it starts a server that has died once more", "(started again, because it had ended)" in said, said)


class Part:
    """A command of a script."""
    until = look = ""
    status = 0

    def __init__(self, kind, text, name=None, needed=False):
        self.kind, self.text, self.name, self.needed = kind, text, name, needed

    def command(self):
        return self.text


def test_which_server(stand_in):
    """A lecturer goes back and forth: which server does a command ask?"""
    sys.path.insert(0, str(ROOT / "grader/lecture"))
    from demo_run import Runner  # pylint: disable=import-error,import-outside-toplevel
    for number in (1, 2):
        stand_in.put(f"serve{number}", f"#!/bin/sh\necho listening on http://localhost:{number}\nexec sleep 100\n")
    one, two = (Part("server", f"{stand_in.root}/serve{number}", "URL") for number in (1, 2))
    asks, makes = Part("console", "echo $URL"), Part("console", "true", needed=True)
    runner = Runner(stand_in.root / "lab01-one", False, False, unittest.mock.MagicMock())
    try:
        runner.skip([one])
        runner.start(two)
        runner.skip([one, two])
        runner.run(asks)
        check("a command asks the server of its own step, though an earlier one has the same name",
              runner.variables.get("URL") == "http://localhost:2", runner.variables)
        runner.run(makes)
        asked = runner.servers["URL"]
        runner.run(makes)
        check("what is made again ends the servers that have what was made before", asked.process.poll() is not None and not runner.servers)
        runner.run(asks)
        check("and they start again when a command asks", runner.variables.get("URL") == "http://localhost:2", runner.variables)
    finally:
        runner.end()


def test_breaks():
    """Code that has no room on a line still means the same."""
    sys.path.insert(0, str(ROOT / "grader/lecture"))
    from demo_show import reflow  # pylint: disable=import-error,import-outside-toplevel
    for code, width, expected in (
            ('  todo(2, "say request timed out, cancel it");', 42, ["  todo(2,", '      "say request timed out, cancel it");']),
            ('  todo(2, "say request timed out, cancel it, \\"end\\"");', 34,
             ["  todo(2,", '      "say request timed out, "', '      "cancel it, \\"end\\"");']),
            ("on('a name', 'what is long, and one');", 30, ["on('a name',", "    'what is long, and one');"]),
            ("  x = 1; // what this is, and why", 24, ["  // what this is, and", "  // why", "  x = 1;"]),
            ("/* don't break, what's \"long, and */", 22, ["/* don't break,", "    what's \"long,", "    and */"])):
        lines = reflow([code], width)
        check(f"code goes on below, and no string is cut: {code.strip()}", lines == expected, lines)


def main():
    labs = {path.stem[3:]: next(iter(ROOT.glob(f"{path.stem}-*")), None)
            for path in sorted((ROOT / "grader/lecture/scripts").glob("lab*.md"))}
    labs = {number: lab for number, lab in labs.items() if lab}
    missing = [lab.name for lab in ROOT.glob("lab[0-9][0-9]-*") if lab not in labs.values()]
    check("every lab has a lecture", not missing, missing)
    for number, lab in labs.items():
        plain = test_lab(number, lab)
        test_notes(number, plain, (ROOT / f"grader/lecture/scripts/lab{number}.md").read_text(encoding="ascii"))
        test_pages(number)
    for number, rails in (("03", 2), ("04", 1)):
        if number in labs:
            test_ladders(number, rails)
    test_breaks()
    test_steps()
    test_measured_times("02")
    for number in {"02", "06"} & labs.keys():
        test_capture(number)
    test_terminal()
    test_killed()
    with tempfile.TemporaryDirectory(prefix="demo-") as folder:
        stand_in = StandIn(folder)
        test_quotations(stand_in)
        test_commands(stand_in)
        test_servers(stand_in)
        test_which_server(stand_in)
    for wrong in ([], ["--paws", "01"], ["--pause"]):
        done = demo(*wrong)
        check(f"wrong usage: {wrong}", done.returncode == 2 and done.stderr.startswith("usage: demo.py "), done.stderr)
    check("a lab that does not exist is an error", demo("77").returncode == 1)
    return done_testing()


if __name__ == "__main__":
    sys.exit(main())
