"""handout_run: run the commands of a handout in a copy of the project, and compare the output.
handout.py has the rules."""
import contextlib
import fcntl
import os
import pathlib
import random
import re
import select
import shutil
import socket
import struct
import subprocess
import tempfile
import termios
import time

from handout_text import ROOT, Wrong

BLOCK_SECONDS = float(os.environ.get("HANDOUT_SECONDS", "60"))
SERVER_SECONDS = 20
END_SECONDS = 3
LOOK_SECONDS = 0.05  # how often we look whether a script has ended
PORT = re.compile(r"\b(?:80\d\d|844\d)\b")
MARK = "\036"  # printed before the output of each command

# --- Output that may differ -----------------------------------------------------------------------

LADDER = re.compile(r"([ >]*(?:#\d+ )? *)(\d+(?:\.\d)?)? +([│├|].{19}[│┤|])(.*)$")
LEAST_BY_CHANCE = 10  # bytes of a header block: a date alone has more, and a host with a port
MASKS = [
    (re.compile(r"\b\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT"), "DATE"),
    (re.compile(r"\bSEED=\d+"), "SEED"),
    (re.compile(r"\b\d+\.\d s\b"), "SECONDS"),
    (re.compile(r"\bagain in \d+ ms\b"), "again in PAUSE"),
    (re.compile(r"\blocalhost:[1-9]\d{4}\b"), "localhost:PORT"),
    (re.compile(r"8 bytes: [0-9a-f]{16}\b"), "8 bytes: OCTETS"),
    (re.compile(r"\b0x[0-9a-f]{6,}\b"), "ADDRESS"),
    (re.compile(r"\b\d+==ERROR"), "PID==ERROR"),
    # A lab's own file is the student's copy: there a line is a fact of the handout.
    (re.compile(r"(?<![\w./-])((?!lab\d\d-)[\w./-]+\.c)(:\d+)+"), r"\1:LINE"),
]


def masked_length(match):
    """A short header block has neither a date nor a text that a seed has drawn: its length is always the same."""
    return match[0] if int(match[1]) < LEAST_BY_CHANCE else "N bytes" + match[2]


def masked(line):
    """The line without the parts that may differ."""
    ladder = LADDER.match(line)
    if ladder:
        before, at, rails, text = ladder.groups()
        if "HEADERS" in rails or "CONTINUATION" in rails:
            text = re.sub(r"\b(\d+) bytes?($| \()", masked_length, text)
            text = re.sub(r"( \(.{6}).*…\)$", r"\1", text)  # a longer number leaves less of the request
        line = f"{'@' if at else ' '}{before.strip()} {rails}{text}"
    for pattern, name in MASKS:
        line = pattern.sub(name, line)
    return line.rstrip()


def by_sides(lines):
    """Masked lines, sorted: lines outside a ladder, what the client sent, what the server sent,
    notes. Acknowledgements of SETTINGS stand apart: when a side sends one depends on when the
    other's SETTINGS arrive."""
    sides = {"none": [], "client": [], "server": [], "note": [], "client ACK": [], "server ACK": []}
    side = "note"
    for line in lines:
        ladder = re.match(r"([@ ])[> #0-9]*([│├|].{19}[│┤|])", line)
        if not ladder:
            sides["none"].append(line)
            continue
        if ladder[1] == "@":  # a frame has a time; a line without one belongs to the frame above
            second = ladder[2][1]
            side = "client" if second in "─-" else "server" if second in "◄<" else "note"
            if " SETTINGS " in ladder[2] and ", ACK," in line:
                side += " ACK"
        sides[side].append(line)
    return [line for side in sides.values() for line in side]


def fits(expected, seen):
    """Whether the lines are as expected; "..." stands for any lines. Each piece between two of them is
    taken where it comes first, so that this takes no longer with more of them."""
    pieces = [[]]
    for line in expected:
        if line == "...":
            pieces.append([])
        else:
            pieces[-1].append(line)
    if len(pieces) == 1:
        return seen == expected
    first, *between, last = pieces
    start, end = len(first), len(seen) - len(last)
    if start > end or seen[:start] != first or seen[end:] != last:
        return False
    for piece in between:
        while start + len(piece) <= end and seen[start:start + len(piece)] != piece:
            start += 1
        start += len(piece)
    return start <= end


def matches(expected, seen):
    """Whether `seen` is as `expected`, except for what may differ."""
    expected, seen = [masked(line) for line in expected], [masked(line) for line in seen]
    return fits(expected, seen) or fits(by_sides(expected), by_sides(seen))


def has_ladder(block):
    return any(LADDER.match(line) for command in block.commands for line in command.expected)


# --- Running --------------------------------------------------------------------------------------


def environment():
    """Our environment without the variables of make and of a terminal."""
    dropped = ("MAKEFLAGS", "MFLAGS", "MAKEOVERRIDES", "MAKELEVEL", "ONLY", "V", "LAB", "CHECK",
               "SEED", "STRICT", "SOLUTION", "PROGRAMS", "PROGRAM", "ARGS", "PORT", "TLS", "FORCE",
               "H2_TRACE", "SSLKEYLOGFILE", "COLUMNS", "LANG", "LC_CTYPE")
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    return {**kept, "LC_ALL": "C.UTF-8", "TERM": "dumb", "NO_COLOR": "1"}


class Terminal:
    """A script that bash runs on a terminal of its own, without a user. The terminal controls the
    script's session: when our end closes, even because somebody killed us, the system hangs up on the
    processes there."""

    def __init__(self, folder, script):
        self.master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.process = subprocess.Popen(["bash", "--norc", "-c", script], cwd=folder,
                                        stdin=subprocess.DEVNULL, stdout=slave, stderr=slave,
                                        env=environment(), start_new_session=True,
                                        preexec_fn=lambda: fcntl.ioctl(1, termios.TIOCSCTTY, 0))
        os.close(slave)
        self.bytes = b""

    def read(self, seconds):
        """Take the output of this time. Return False once no process is left that could print."""
        readable, _, _ = select.select([self.master], [], [], max(0, seconds))
        if not readable:
            return True
        try:
            some = os.read(self.master, 65536)
        except OSError:  # EIO: that is how a terminal ends
            some = b""
        self.bytes += some
        return some != b""

    def read_to_end(self, seconds):
        """Take all output until the script has ended, even if it left processes behind. Return
        whether it ended in time."""
        deadline = time.monotonic() + seconds
        while self.process.poll() is None:
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            if not self.read(min(left, LOOK_SECONDS)):
                break
        length = -1
        while length != len(self.bytes):
            length = len(self.bytes)
            if not self.read(0):
                break
        return True

    def text(self):
        """The visible output: drop a ladder's spaces up to the right edge and back."""
        return re.sub(" *\r", "", self.bytes.decode("utf-8", "replace"))

    def end(self):
        """Press Ctrl-C, and kill the processes that ignore it."""
        with contextlib.suppress(OSError):
            os.write(self.master, b"\3")
        deadline = time.monotonic() + END_SECONDS
        while self.read(deadline - time.monotonic()) and time.monotonic() < deadline:
            pass
        os.close(self.master)
        subprocess.run(["pkill", "-KILL", "-s", str(self.process.pid)], check=False)
        self.process.wait()


class Ports:
    """The free ports that stand for those of the handout, and back. They have four digits too, so
    that lines break at the same places; they are below the ports that the system gives to clients."""

    def __init__(self):
        self.free = {}

    def choose(self, match):
        shown = match[0]
        while shown not in self.free:
            port = random.randint(1100, 7999)
            with socket.socket() as probe, contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                if str(port) not in self.free.values():
                    self.free[shown] = str(port)
        return self.free[shown]

    def replace(self, text):
        return PORT.sub(self.choose, text)

    def restore(self, text):
        for shown, port in self.free.items():
            text = re.sub(rf"\b{port}\b", shown, text)
        return text


class Server:
    """The server of a block, started and listening. We compare its output when the handout ends."""

    def __init__(self, copy, block):
        self.copy = copy
        self.command = block.commands[0]
        if len(block.commands) > 1:
            raise Wrong(block.line, "a server must be alone in its block")
        if not PORT.search(self.command.text):
            raise Wrong(self.command.line, "a server's command must name its port, such as 8000")
        self.terminal = Terminal(copy.root, "exec " + copy.ports.replace(self.command.text))
        if not self.wait(self.is_up, SERVER_SECONDS):
            said = "\n".join(self.lines())
            self.terminal.end()
            raise Wrong(self.command.line, f"this server does not listen:\n{said}")

    def lines(self):
        return self.copy.restore(self.terminal.text())

    def wait(self, done, seconds):
        """Wait until done(its lines). Return whether that happened."""
        deadline = time.monotonic() + seconds
        while not done(self.lines()):
            left = deadline - time.monotonic()
            if left <= 0 or not self.terminal.read(left):
                return done(self.lines())
        return True

    @staticmethod
    def is_up(lines):
        return any(line.startswith("listening on ") for line in lines)


# --- The copy of the project ----------------------------------------------------------------------


MADE_BY_OTHERS = ("class", "mistakes", "mutants", "variations")  # in build/; other tests may change them now


def left_out(folder, names):
    """What a copy of the project does without: among it sockets, which nobody can copy."""
    unwanted = shutil.ignore_patterns(".git", "tests", "platforms", "*.mine-*", "*.pem")(folder, names)
    if pathlib.Path(folder) == ROOT / "build":
        unwanted |= set(MADE_BY_OTHERS)
    return unwanted | {name for name in names if (pathlib.Path(folder) / name).is_socket()}


class Copy:
    """A copy of this project in a temporary folder, and the servers started in it. `lab` is the folder with the
    solution/ of the handout: labNN-name, labNN-name/bonus, or None; `exercise` the name of the bonus, "*" for a lab."""

    def __init__(self, lab, exercise="*"):
        self.lab = lab
        self.exercise = exercise
        self.place = lab.relative_to(ROOT) if lab else None
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="handout-")).resolve()
        self.root = self.folder / "project"
        self.ports = Ports()
        self.servers = []
        self.state = "as it is"
        shutil.copytree(ROOT, self.root, symlinks=True, ignore=left_out)
        for beside in ("predict", "bonus"):
            shutil.rmtree(self.root / "build/grade" / beside, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for server in self.servers:
            server.terminal.end()
        shutil.rmtree(self.folder, ignore_errors=True)

    def quietly(self, *command):
        """Run a command that the handout does not show. Return its output."""
        done = subprocess.run(command, cwd=self.root, env=environment(), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(map(str, command))}:\n{done.stdout}")
        return done.stdout

    def put(self, state):
        """Put the student's files into this state, and build them."""
        if state == self.state or not self.lab:
            return
        if self.state == "as it is":
            self.do_earlier_labs()
            self.keep_starters()
        self.state = state
        for solution in sorted(self.lab.glob(f"solution/{self.exercise}.*")):
            text = solution.read_text(encoding="utf-8")
            if state and state[0] == "todo":
                text = self.quietly("sh", "grader/tools/dev/starter.sh", "--done", str(state[1]), solution)
            (self.root / self.place / solution.name).write_text(text, encoding="utf-8")
        if state and state[0] == "mistake":
            self.put_mistake(state[1])
        number = f"LAB={self.place.parts[0][3:5]}"
        self.quietly("make", *(["bonus", number] if self.place.name == "bonus" else [number]))
        # The grader must not compare with the results of another block.
        (self.root / "build/grade/progress.json").unlink(missing_ok=True)

    def do_earlier_labs(self):
        """A student who does a lab has done those before it, and may use their programs here."""
        handout = f"{self.exercise}.md" if self.place.name == "bonus" else "README.md"
        text = (self.lab / handout).read_text(encoding="utf-8")
        for lab in sorted(set(re.findall(r"build/labs/(lab\d\d-[a-z]+)/", text)) - {str(self.place)}):
            for solution in (self.root / lab / "solution").glob("*.c"):
                shutil.copy(solution, self.root / lab)
            self.quietly("make", f"LAB={lab[3:5]}")

    def keep_starters(self):
        """The students' repository has them, so that `make bonus` knows which exercise was begun."""
        if self.place.name != "bonus":
            return
        kept = self.root / "grader/starters" / self.place
        kept.mkdir(parents=True)
        for file in (*self.lab.glob("*.c"), *self.lab.glob("*.txt")):
            shutil.copy(file, kept)

    def put_mistake(self, name):
        """Apply a mistake, a patch of the solution, to the student's file, which is the solution
        here."""
        places = [ROOT / folder / self.place.parts[0][:5] / f"{name}.patch"
                  for folder in ("grader/mistakes", "grader/tests/handouts")]
        patches = [place for place in places if place.exists()]
        if not patches:
            raise RuntimeError(f"there is no mistake {name} of {self.place}")
        text = patches[0].read_text(encoding="utf-8").replace("/solution/", "/")
        (self.folder / "mistake.patch").write_text(text, encoding="utf-8")
        self.quietly("patch", "-p1", "--forward", "-i", self.folder / "mistake.patch")

    def put_script(self, block):
        """Write the file of a .js block. Return its name."""
        name = re.match(r"// (\S+\.js)$", block.lines[0])
        if not name:
            raise Wrong(block.line, "the first line of a .js block is its name: // NAME.js")
        file = self.root / name[1]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(self.ports.replace("\n".join(block.lines)) + "\n", encoding="utf-8")
        return name[1]

    def restore(self, text):
        """The lines of some output, as the student would see them."""
        text = self.ports.restore(text).replace(f"{self.root}/", "")
        return [line.rstrip() for line in text.splitlines()]

    def run(self, block):
        """Run the commands of a block. Return the lines that each printed. The grader must not
        compare with the results of another block."""
        pathlib.Path(self.root, "build/grade/progress.json").unlink(missing_ok=True)
        script = f"mark() {{ local status=$?; printf '{MARK}'; return $status; }}\n"
        for command in block.commands:
            script += f"mark\n{self.ports.replace(command.text)}\n"
        terminal = Terminal(self.root, script)
        try:
            if not terminal.read_to_end(BLOCK_SECONDS):
                said = "\n".join(self.restore(terminal.text())[:50])
                raise Wrong(block.line, f"this still runs after {BLOCK_SECONDS:g} seconds; it began:\n{said}")
            text = terminal.text()
        finally:
            terminal.end()
        return [self.restore(printed) for printed in text.split(MARK)[1:]]
