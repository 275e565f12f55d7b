"""live_gate: hold back what passes between the programs, frame by frame: hold.c stands before each server, and obeys.

The page sees one gate: what waits, the oldest first, and whether everything passes ("flow"), nothing ("hold"), or one
frame after the other ("pace", so many milliseconds apart).
"""
import contextlib
import json
import os
import re
import subprocess
import threading
import time

from demo_run import BUILD, die_with_us, has_connections
from demo_script import ROOT

SHOWN = 40  # of what waits
LONGEST_PACE = 60000  # milliseconds
END_SECONDS = 3


class Hold:
    """One hold.c, before one server."""

    def __init__(self, address, gate):
        scheme, port = re.match(r"(https?)://.*:(\d+)", address).groups()
        self.gate = gate
        self.to = int(port)
        environment = {name: value for name, value in os.environ.items() if name not in ("H2_TRACE", "SSLKEYLOGFILE")}
        self.process = subprocess.Popen([ROOT / BUILD / "grader/hold", "--to", port] + ["--tls"] * (scheme == "https"),
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment,
                                        preexec_fn=die_with_us)
        said = re.match(r"listening on (\S+:(\d+))\n", self.process.stdout.readline())
        if not said:
            raise OSError("hold does not listen")
        self.address, self.port = said[1], int(said[2])
        threading.Thread(target=self.listen, daemon=True).start()
        gate.add(self)

    def listen(self):
        with contextlib.suppress(ValueError, OSError):
            for line in self.process.stdout:
                self.gate.heard(self, json.loads(line))

    def order(self, text):
        with contextlib.suppress(OSError):
            self.process.stdin.write(f"{text}\n")
            self.process.stdin.flush()

    def wait(self, done, seconds, pace):
        deadline = time.monotonic() + seconds
        while not done() and time.monotonic() < deadline:
            time.sleep(pace)

    def is_idle(self):
        return self.process.poll() is not None or not has_connections(self.port)

    def end(self):
        self.gate.remove(self)
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        try:
            self.process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Gate:
    """All holds of a lecture."""

    def __init__(self, hub):
        self.hub = hub
        self.lock = threading.Lock()
        self.holds = []
        self.waiting = {}  # by (hold, id): what waits
        self.mode = "flow"
        self.ms = 0
        self.tell()

    def tell(self):
        units = [{key: unit[key] for key in ("pair", "sender", "type", "stream", "length")} for unit in self.waiting.values()]
        self.hub.begin("gate", {"kind": "gate", "mode": self.mode, "ms": self.ms, "count": len(units), "waiting": units[:SHOWN],
                                "doors": [[hold.to, hold.port] for hold in self.holds]})

    def orders(self):
        return f"pace {self.ms}" if self.mode == "pace" else self.mode

    def add(self, hold):
        with self.lock:
            self.holds.append(hold)
            hold.order(self.orders())
            self.tell()

    def remove(self, hold):
        with self.lock:
            self.holds.remove(hold)
            self.waiting = {key: unit for key, unit in self.waiting.items() if key[0] is not hold}
            self.tell()

    def heard(self, hold, event):
        with self.lock:
            if "passed" in event:
                self.waiting.pop((hold, event["passed"]), None)
            elif hold in self.holds:
                self.waiting[hold, event["id"]] = event
            self.tell()

    def set(self, mode, ms=0):
        """Let everything pass, nothing, or a frame every `ms` milliseconds. Return whether that is an order."""
        if mode not in ("flow", "hold", "pace") or (mode == "pace" and not 1 <= ms <= LONGEST_PACE):
            return False
        with self.lock:
            self.mode, self.ms = mode, ms if mode == "pace" else 0
            for hold in self.holds:
                hold.order(self.orders())
            self.tell()
        return True

    def let_pass(self, sender=""):
        """Let the frame pass that has waited longest, or the one of this sender. Return whether that is an order."""
        if sender not in ("", "client", "server"):
            return False
        with self.lock:
            oldest = next((key[0] for key, unit in self.waiting.items() if sender in ("", unit["sender"])), None)
            if oldest:
                oldest.order(f"pass {sender}".strip())
        return True
