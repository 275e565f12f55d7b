"""live_stage: run the commands of the lectures, one at a time, and tell the page what they print.

The page can name a command of a script, by its lab, step and part, and nothing else.
"""
import codecs
import contextlib
import os
import queue
import re
import signal
import subprocess
import threading
import time

from demo_run import AFTERMATH_SECONDS, BUILD, COMMAND_SECONDS, LINE_PACE, Runner
from demo_script import ROOT
from demo_show import printable

PATIENCE = 600         # seconds for one command: a lecturer may hold its frames
CUT_SECONDS = 2      # for the page to hear that a server has been killed
LOOK_SECONDS = 0.03    # from one look at the servers to the next, while no command runs
LARGEST_OUTPUT = 65536  # characters of one command, on the page
COMMANDS = ("server", "console", "bars")
SERVE = f"{BUILD}/grader/serve"


def read_faults():
    """What the reference server can do wrong: its usage says so."""
    try:
        said = subprocess.run([ROOT / SERVE, "--usage"], capture_output=True, text=True, check=False).stderr
    except OSError:
        return []
    found = re.search(r"--misbehave ([a-z|]+)", said)
    return found[1].split("|") if found else []


def is_reference(part):
    """Whether a part starts the reference server."""
    return part.kind == "server" and SERVE in part.command()


class Page:
    """What a Runner takes for its screen: it tells the page."""
    color = False
    width = 100

    def __init__(self, hub):
        self.hub = hub
        self.about = None  # the command that runs, or ran last: (lab, step, part)
        self.servers = {}  # the program of each server, and its name
        self.decoders = {}  # for each end of a program: its decoder, and how many bytes it has had
        self.said = 0
        self.quiet = False

    def tell(self, kind, **more):
        if self.about:
            lab, step, part = self.about
            self.hub.publish(self.about, {"kind": kind, "lab": lab, "step": step, "part": part, **more})

    def gone(self, about):
        """The server that this command has started no longer runs."""
        lab, step, part = about
        self.hub.publish(about, {"kind": "gone", "lab": lab, "step": step, "part": part})

    def begin(self, about):
        self.about, self.said = about, 0
        lab, step, part = about
        self.hub.begin(about, {"kind": "run", "lab": lab, "step": step, "part": part})

    def text(self, source, text):
        text = printable(text)
        if not text or self.said > LARGEST_OUTPUT:
            return
        self.said += len(text)
        self.tell("text", source=source, text=text[:LARGEST_OUTPUT])
        if self.said > LARGEST_OUTPUT:
            self.note("(It prints more; the page does not show that.)")

    def heard(self, program):
        for end in (program.pipe, program.errors):
            decoder, taken = self.decoders.get((program, end)) or (codecs.getincrementaldecoder("utf-8")("replace"), 0)
            new = program.text[end][taken:]
            self.decoders[program, end] = (decoder, taken + len(new))
            is_server = hasattr(program, "part")
            if new and not (self.quiet and not is_server):
                self.text("server" if is_server else "err" if end == program.errors else "out",
                          decoder.decode(new).replace("\r", ""))

    def command(self, text):
        self.tell("command", text=text)

    def note(self, text, style=""):
        self.tell("note", text=printable(text), wrong=bool(style) and style.startswith("1;31"))

    def quoted(self, text):
        return f"“{text}”"

    def bars(self, text):
        rows = re.findall(r"(?m)^(.*\S)\s+(\d+(?:\.\d+)?) ms$", printable(text))
        self.tell("bars", rows=[[what, float(ms)] for what, ms in rows])

    def output(self, text):
        """Messages of the compiler: the output of programs has come by heard."""
        self.text("err", text + "\n")


class LiveRunner(Runner):
    """The servers and commands of one lecture, whose servers tell us their frames."""

    def __init__(self, script, student, page, wire, gate):
        super().__init__(script.lab, student, False, page)
        self.gate = gate
        self.faults = {}  # what a reference server does wrong, by its part, where somebody has chosen
        self.places = {part: (script.path.stem[3:], number, index) for number, step in enumerate(script.steps, 1)
                       for index, part in enumerate(step.parts)}
        self.patience = PATIENCE
        self.listening = set()  # the parts whose servers run, as far as the page knows
        self.variables["H2_LIVE"] = str(wire.path)

    def command_of(self, part):
        """No ladder: the page has its own."""
        command = part.command().replace("H2_TRACE=1 ", "")
        if part in self.faults:
            command = re.sub(r" --misbehave \w+", "", command)
            command += f" --misbehave {self.faults[part]}" if self.faults[part] else ""
        return command

    def environment_of(self, part):
        if part.kind != "server":
            return self.variables
        held = {"H2_TIMEOUTS": "never"} if self.gate else {}  # a lecturer explains a frame as long as it takes
        return {**self.variables, "H2_TRACE": "live", **held}

    def await_line(self, server, line, right):
        """What makes the server print it may be held, as long as the server has a connection. Afterwards, the wait begins."""
        if not self.gate:
            return super().await_line(server, line, right)
        deadline = time.monotonic() + self.patience
        while True:
            server.wait(lambda: self.has_line(server, line) or not self.delays(server), deadline - time.monotonic(), LINE_PACE)
            soon = not right or (self.is_late(server) and server.is_idle())  # without a connection, it prints the line soon or never
            server.wait(lambda: self.has_line(server, line) or self.delays(server), AFTERMATH_SECONDS if soon else COMMAND_SECONDS, LINE_PACE)
            if self.has_line(server, line) or not self.delays(server) or time.monotonic() >= deadline:
                return self.has_line(server, line)

    def delays(self, server):
        """Whether frames of this server wait, or may wait as soon as it gets or sends them."""
        return not server.has_ended() and (server.process.pid in self.gate.programs(that_wait=True) or
                                           (self.gate.mode != "flow" and not server.is_idle()))

    def is_late(self, server):
        """Whether frames of this server have waited since the command began."""
        return bool(self.gate) and server.process.pid in self.gate.delayed

    def run(self, part):
        if self.gate:
            self.gate.delayed.clear()
        return super().run(part)

    def miss_line(self, line):
        """A server that gets a frame later than it was sent may do something else, and be right."""
        if not any(map(self.is_late, self.servers.values())):
            return super().miss_line(line)
        self.screen.note(f"No server has printed {self.screen.quoted(line)}: frames were held back.")
        return True

    def await_idle(self, server):
        """As long as its last frames wait, too."""
        while not (idle := super().await_idle(server)) and self.gate and self.gate.waiting:
            pass
        return idle

    def start(self, part, again=False):
        """What a server says when it starts belongs to its own command, even if another one needs it."""
        about, said = self.screen.about, self.screen.said
        self.screen.begin(self.places[part])
        right = super().start(part, again)
        self.screen.tell("end", right=right, port=self.port_of(part))
        self.listening.add(part)
        if about not in (None, self.places[part]):
            self.screen.about, self.screen.said = about, said
        return right

    def tell_gone(self):
        """Tell the page which servers have ended: a command, somebody, or we have ended them, or they have by themselves."""
        running = {server.part for server in self.servers.values() if not server.has_ended()}
        for part in self.listening - running:
            self.screen.gone(self.places[part])
        self.listening &= running

    def end(self):
        super().end()
        self.tell_gone()

    def port_of(self, part):
        """The port of a server that has started; 0 if it does not listen."""
        found = re.search(r":(\d+)$", self.servers[part.name].address()) if part.name in self.servers else None
        return int(found[1]) if found else 0

    def show_output(self, program):
        """The page has it already, by heard."""

    def show_server(self, server):
        for end in server.shown:
            server.news(end)


class Stage:
    """A thread that runs one command after the other."""

    def __init__(self, hub, wire, scripts, student, gate=None):
        self.hub = hub
        self.wire = wire
        self.scripts = scripts
        self.student = student
        self.page = Page(hub)
        self.gate = gate  # None: nobody holds anything
        self.faults = read_faults()
        self.runner = None
        self.lab = None
        self.orders = queue.Queue(8)
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    # --- What the page asks, on any thread ----------------------------------------------------------------------

    def run(self, lab, step, part, fault=None):
        """Run one command of a script; a reference server with this fault ("": none). Return whether there is one, and
        nothing else waits."""
        parts = self.parts_of(lab, step)
        if not 0 <= part < len(parts) or parts[part].kind not in COMMANDS:
            return False
        if fault is not None and (not is_reference(parts[part]) or fault not in ["", *self.faults]):
            return False
        with contextlib.suppress(queue.Full):
            self.orders.put_nowait((lab, step, part, fault))
            return True
        return False

    def parts_of(self, lab, step):
        script = self.scripts.get(lab)
        return script.steps[step - 1].parts if script and 1 <= step <= len(script.steps) else []

    def stop(self):
        """End the command that runs, and forget those that wait. Frames that are held do not pass then: they never arrive."""
        with contextlib.suppress(queue.Empty):
            while True:
                self.orders.get_nowait()
        runner = self.runner
        if not runner:
            return
        runner.stopped = True
        if program := runner.running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(program.process.pid, signal.SIGTERM)
            self.cut(self.gate.programs() if self.gate else set())

    def cut(self, held):
        """Kill those servers of the lecture that are among these programs: what they hold never arrives, and the page says
        so. They start again with the next command that needs them. Return the numbers of those that it has killed."""
        killed = {server.process.pid for server in self.runner.servers.values()} & held if self.runner else set()
        for number in killed:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(number, signal.SIGKILL)
        return killed

    def cut_earlier(self):
        """The next command begins: what still waits of an earlier one never arrives."""
        killed = self.cut(self.gate.programs(that_wait=True)) if self.gate else set()
        deadline = time.monotonic() + CUT_SECONDS
        while killed and killed & (self.gate.programs() | self.wire.programs()) and time.monotonic() < deadline:
            time.sleep(LOOK_SECONDS)

    def end(self):
        self.stop()
        if self.gate:
            self.gate.set("flow")
        self.orders.put(None)
        self.thread.join(10)

    # --- What the thread does -----------------------------------------------------------------------------------

    def work(self):
        while True:
            try:
                order = self.orders.get(timeout=LOOK_SECONDS)
            except queue.Empty:
                if self.runner:
                    self.look()
                continue
            if order is None:
                break
            try:
                self.play(*order)
            except OSError as error:
                self.page.note(f"It cannot run: {error}", "1;31")
                self.page.tell("end", right=False)
        self.leave()

    def look(self):
        for server in self.runner.servers.values():
            server.drain()
        self.runner.tell_gone()

    def leave(self):
        if self.runner:
            self.runner.end()
        self.runner = None

    def play(self, lab, step, part, fault):
        script = self.scripts[lab]
        self.cut_earlier()
        if lab != self.lab:
            self.leave()
            self.runner, self.lab = LiveRunner(script, self.student, self.page, self.wire, self.gate), lab
        wanted = script.steps[step - 1].parts[part]
        self.runner.stopped = False
        for earlier in script.steps[:step - 1]:
            self.runner.skip(earlier.parts)
        self.runner.skip(script.steps[step - 1].parts[:part])
        if fault is not None:
            self.runner.faults[wanted] = fault
        if wanted.kind == "server":
            self.runner.start(wanted)
            return
        self.page.begin((lab, step, part))
        self.wire.clear([lab, step], wanted.look)
        self.page.quiet = wanted.kind == "bars"
        right = self.runner.run(wanted)
        self.page.quiet = False
        self.wire.ended()
        self.page.tell("end", right=right)
