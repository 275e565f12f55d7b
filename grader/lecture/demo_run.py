"""demo_run: run the servers and commands of a lecture, and show what they print."""
import contextlib
import ctypes
import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import termios
import time

from demo_script import ROOT
from demo_show import RED

COMMAND_SECONDS = float(os.environ.get("DEMO_SECONDS", "20"))  # for a command, and for each wait
AFTERMATH_SECONDS = 1  # for what a server prints after a command that failed
END_SECONDS = 3
LINE_PACE = 0.2      # from one look at what a server has printed to the next
LOOK_SECONDS = 0.01  # from one look at the connections of a server to the next
NOT_CLOSED = ("01", "03", "08")  # ESTABLISHED, SYN_RECV, CLOSE_WAIT in /proc/net/tcp
PR_SET_PDEATHSIG = 1
LONGEST_OUTPUT = 40  # lines
LARGEST_OUTPUT = 8 << 20  # bytes of one program; nobody reads more
LONGEST_COMPLAINT = 6
BUILD = os.environ.get("BUILD") or "build"
LIBC = ctypes.CDLL(None)


def die_with_us():
    """In a child: kill it when we are killed. This survives exec."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def has_connections(port):
    """Whether a program of this machine has a connection at this port that it has not closed, or not accepted
    yet. The kernel's table shows it, so this does not depend on what the program has printed."""
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError), open(table, encoding="ascii") as file:
            for line in file:
                words = line.split()
                if words[3] in NOT_CLOSED and words[1].endswith(f":{port:04X}"):
                    return True
    return False


class Program:
    """A command that bash runs in a session of its own, and its output. On a terminal, its standard
    error is a terminal of the same width, so that the ladders there have colours."""

    def __init__(self, screen, command, variables):
        environment = {name: value for name, value in os.environ.items()
                       if name not in ("H2_TRACE", "SSLKEYLOGFILE", "MAKEFLAGS", "MAKELEVEL", "COLUMNS")}
        environment.update(variables, COLUMNS=str(screen.width))
        self.pipe, out = os.pipe()
        self.errors, error = os.openpty() if screen.color else os.pipe()
        if screen.color:
            fcntl.ioctl(error, termios.TIOCSWINSZ, struct.pack("HHHH", 24, screen.width, 0, 0))
        self.screen = screen
        self.beside = []  # programs whose output we take as well, whenever we wait for this one
        self.process = subprocess.Popen(["bash", "--norc", "-c", command], cwd=ROOT, env=environment,
                                        stdin=subprocess.DEVNULL, stdout=out, stderr=error,
                                        start_new_session=True, preexec_fn=die_with_us)
        os.close(out)
        os.close(error)
        self.alive = os.pidfd_open(self.process.pid)  # readable once it has ended
        self.open = [self.pipe, self.errors]
        self.text = {self.pipe: b"", self.errors: b""}
        self.shown = {self.pipe: 0, self.errors: 0}

    def read(self, seconds):
        """Take the output of this time, or until the end. Return False once nothing more can
        come."""
        watched = self.open + ([] if self.has_ended() else [self.alive])
        if not watched:
            return False
        ends = {end: program for program in (self, *self.beside) for end in program.open}
        readable, _, _ = select.select([*watched, *ends], [], [], max(0, seconds))
        for end in set(readable) - {self.alive}:
            ends[end].take(end)
        return bool(set(readable) & set(watched) or not self.has_ended())

    def take(self, end):
        """Take some output of this end, which has some, or has closed."""
        try:
            some = os.read(end, 65536)
        except OSError:  # EIO: that is how a terminal ends
            some = b""
        if not some:
            self.open.remove(end)
        if len(self.text[end]) < LARGEST_OUTPUT:
            self.text[end] += some
            self.screen.heard(self)

    def wait(self, done, seconds, pace=float("inf")):
        """Wait until done(), until all output is read, or for this many seconds. Return done(). Ask it
        after each output, and every `pace` seconds."""
        deadline = time.monotonic() + seconds
        while not done() and time.monotonic() < deadline:
            if not self.read(min(pace, deadline - time.monotonic())):
                break
        return done()

    def drain(self):
        """Take everything that the program has printed until now, in as many reads as it needs."""
        while self.open and select.select(self.open, [], [], 0)[0]:
            self.read(0)

    def printed(self, end):
        return self.text[end].decode("utf-8", "replace").replace("\r", "")

    def unshown(self, end):
        """The output since the last call of news."""
        return self.printed(end)[self.shown[end]:]

    def news(self, end):
        """The same output, which counts as shown from now on."""
        new = self.unshown(end)
        self.shown[end] += len(new)
        return new

    def has_ended(self):
        return self.process.poll() is not None

    def end(self, first=signal.SIGTERM):
        """End the program and all that it started."""
        for number in (first, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)
            self.wait(self.has_ended, END_SECONDS)
        self.process.wait()
        while self.read(0):
            pass
        for end in (self.pipe, self.errors, self.alive):
            os.close(end)


class Server(Program):
    """A program that says "listening on ADDRESS", and runs until the lecture ends."""

    def __init__(self, screen, command, variables):
        super().__init__(screen, "exec env " + command, variables)
        self.part = None  # the block of the script, if there is one
        self.wait(self.address, COMMAND_SECONDS)

    def address(self):
        found = re.search(r"(?m)^listening on (\S+)$", self.printed(self.pipe))
        return found[1] if found else ""

    def is_idle(self):
        """Whether it has closed each of its connections; it prints the end of a ladder before that."""
        port = re.search(r":(\d+)$", self.address())
        return not port or not has_connections(int(port[1]))


class Runner:
    """The servers of one lecture, and its commands."""

    def __init__(self, lab, student, pcap, screen):
        self.lab = lab
        self.student = student
        self.screen = screen
        self.servers = {}
        self.skipped = {}  # servers that have not been started, by name: their parts of the script
        self.tried = {}  # the servers that we have started, or tried to, by name: their parts
        self.made = set()  # the parts that have made what later ones need
        self.patience = COMMAND_SECONDS
        self.running = None  # the program of the present command
        self.at_todo = False  # one of the programs of the present command has reached a TODO that is not done
        self.stopped = False  # somebody wants no more of this command
        self.relays = []  # each with the file that it writes when it ends
        self.variables = {"PROGRAMS": f"{BUILD}/labs" if student else f"{BUILD}/solutions"}
        self.folder = ROOT / BUILD / "demo" if pcap else None
        if self.folder:
            self.folder.mkdir(parents=True, exist_ok=True)
            for file in self.folder.glob(f"{lab.name[:5]}[-.]*"):
                file.unlink()
            self.variables["SSLKEYLOGFILE"] = str(self.folder / f"{lab.name[:5]}.keys")

    def end(self):
        for server in self.servers.values():
            server.end()
        self.servers = {}
        for relay, file in self.relays:
            relay.end()
            if file.exists():
                self.screen.note(f"Captured: {os.path.relpath(file, ROOT)}")
            else:
                self.screen.note(f"Not captured: {relay.printed(relay.errors)}", RED)
        self.relays = []

    def address_of(self, server):
        """The address for requests to a server: its own, or that of a relay before it, which records
        the traffic."""
        if not self.folder:
            return server.address()
        file = self.folder / f"{self.lab.name[:5]}-{len(self.relays) + 1}.pcapng"
        scheme, port = re.match(r"(https?)://.*:(\d+)", server.address()).groups()
        relay = Server(self.screen, f"{BUILD}/grader/relay --to {port} --pcap '{file}' --keys \"$SSLKEYLOGFILE\"" +
                       (" --tls" if scheme == "https" else ""),
                       self.variables)
        self.relays.append((relay, file))
        return relay.address()

    def shown(self, command):
        """A command as a user would type it."""
        return re.sub(r"\$([A-Z]+)\b", lambda name: self.variables.get(name[1], name[0]), command)

    def command_of(self, part):
        """What bash runs for a part."""
        return part.command()

    def environment_of(self, _):
        """The variables of a part's command."""
        return self.variables

    def skip(self, parts):
        """Go on behind these parts of a script: start their servers when a command needs them, and make now what
        later parts need."""
        for part in parts:
            running = self.servers.get(part.name)
            if part.kind == "server" and running and running.part is part:
                self.skipped.pop(part.name, None)  # an earlier one of this name is not the one to ask
            elif part.kind == "server":
                self.skipped[part.name] = part
            if part.needed and part not in self.made and not self.say_missing(part.command()):
                self.make(part)

    def make(self, part):
        program = Program(self.screen, self.command_of(part), self.environment_of(part))
        try:
            program.wait(program.has_ended, self.patience)
        finally:
            program.end()
        if program.process.returncode == part.status:
            self.made.add(part)
            return
        self.screen.command(self.shown(self.command_of(part)))
        self.show_output(program)

    def start(self, part, again=False):
        """Start a server. Return whether it listens."""
        self.skipped.pop(part.name, None)
        self.tried[part.name] = part
        if part.name in self.servers:
            self.servers.pop(part.name).end()
            self.variables.pop(part.name, None)
        self.screen.command(self.shown(self.command_of(part)) + " &")
        if again:
            self.screen.note("(started again, because it had ended)")
        if self.say_missing(part.command()):
            return False
        server = Server(self.screen, self.command_of(part), self.environment_of(part))
        server.part = part
        self.servers[part.name] = server
        if server.address():
            self.variables[part.name] = self.address_of(server)
        self.show_output(server)
        if not server.address():
            self.screen.note("This server does not listen.", RED)
            self.say_todo(server)
        elif self.folder:
            self.screen.note(f"(a relay records the traffic at {self.variables[part.name]})")
        return bool(server.address())

    def end_servers(self):
        """End all servers. Each starts again when a command needs it."""
        for name, server in self.servers.items():
            server.end()
            self.variables.pop(name, None)
            self.skipped[name] = server.part
        self.servers = {}

    def run(self, part):
        """Run a command. Return whether it ended as the script says."""
        self.at_todo = False
        if part in self.made and part.needed:
            self.end_servers()  # they have what it made before, such as another certificate
        missing = self.start_servers(part)
        self.screen.command(self.shown(self.command_of(part)))
        if missing:
            command = self.shown(missing.command()).split()
            program = next(word for word in command if "=" not in word)
            self.screen.note(f"Not run, because its server does not run: {program}. See step {missing.step}, which starts it.", RED)
            return False
        if self.say_missing(part.command()):
            return False
        program = self.running = Program(self.screen, self.command_of(part), self.environment_of(part))
        program.beside = list(self.servers.values())
        try:
            late = not program.wait(program.has_ended, self.patience)
            if late:
                self.screen.note(f"It still runs after {self.patience:g} seconds, so the lecture ends it.", RED)
        finally:
            self.running = None
            program.end()
        if part.kind == "bars":
            self.screen.bars(program.news(program.pipe))
        self.show_output(program)
        self.say_todo(program)
        right = not late and program.process.returncode == part.status
        self.made |= {part} if right else set()
        if program.process.returncode != part.status:
            self.screen.note("You stopped it." if self.stopped and program.process.returncode < 0 else
                             f"It ended with status {program.process.returncode}, not {part.status}.", RED)
        elif part.status != 0:
            self.screen.note(f"(It ended with status {part.status}.)")  # the script speaks of it
        return self.show_servers(part, right) and right

    def start_servers(self, part):
        """Start the servers that this command needs and that do not run. Returns the first one that cannot run, or None."""
        for name in re.findall(r"\$([A-Z]+)\b", part.command()):
            server = self.servers.get(name)
            if name in self.skipped:
                self.start(self.skipped[name])
            elif server and server.address() and server.has_ended():
                self.start(server.part, again=True)
            if name not in self.variables:
                return self.tried[name]
        return None

    def say_missing(self, command):
        """If a program of the lab is missing, show the compiler's messages. Return whether one is
        missing."""
        for name in re.findall(r"\$PROGRAMS/\S+", command):
            path = ROOT / self.shown(name)
            if not path.exists():
                self.screen.note(f"{self.shown(name)} is missing: it does not compile, or nobody has built it.", RED)
                log = path.with_name(path.name + ".log")
                said = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
                self.screen.output("\n".join(said.splitlines()[:LONGEST_COMPLAINT]))
                return True
        return False

    def show_output(self, program):
        lines = program.news(program.pipe).splitlines()
        self.screen.output("\n".join(lines[:LONGEST_OUTPUT]))
        if len(lines) > LONGEST_OUTPUT:
            self.screen.note(f"(and {len(lines) - LONGEST_OUTPUT} more lines)")
        errors = program.news(program.errors)
        if lines and errors:
            self.screen.line()
        self.screen.ladder(errors)

    def before_servers(self):
        """What stands between the clients and the servers."""
        return [relay for relay, _ in self.relays]

    def has_line(self, server, line):
        """Whether the server has printed the line since the last look; or nobody waits for it any longer."""
        return self.stopped or line in server.unshown(server.pipe)

    def await_line(self, server, line, right):
        """Whether the server prints the line. There may be none after a command that failed."""
        return server.wait(lambda: self.has_line(server, line), COMMAND_SECONDS if right else AFTERMATH_SECONDS, LINE_PACE)

    def await_idle(self, server):
        """Wait until a server has closed its connections, for a while. Return whether it has, or nobody waits any longer."""
        return server.wait(lambda: self.stopped or server.is_idle(), COMMAND_SECONDS, LOOK_SECONDS)

    def show_servers(self, part, right):
        """Show the new output of the servers. Return whether it has the line that we wait for."""
        came = not part.until
        for server in self.servers.values():
            if part.until and self.await_line(server, part.until, right):
                came = True
            for each in [*self.before_servers(), server]:
                self.await_idle(each)
            server.drain()
            if any(server.unshown(end) for end in server.shown):
                self.show_server(server)
                self.say_todo(server)
        return came or (not self.at_todo and self.miss_line(part.until))

    def miss_line(self, line):
        """No server has printed the line. Say so, and return whether that is right all the same."""
        self.screen.note(f"No server has printed {self.screen.quoted(line)}.", RED)
        return False

    def show_server(self, server):
        self.screen.line()
        self.screen.note("The server:")
        self.show_output(server)

    def say_todo(self, program):
        """If a program reached a TODO that is not done, say so where nobody can miss it."""
        todo = re.search(r"TODO \d+ is not done", program.printed(program.errors))
        if todo:
            self.at_todo = True
            self.screen.note(f"{todo[0]}: this is how far your program goes. The lecture goes on.", RED)
