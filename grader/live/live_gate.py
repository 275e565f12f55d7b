"""live_gate: hold back what passes between the programs, frame by frame: each connection that a program shows has a gate
in that program (common/inner/gate.h), which obeys.

The page sees one gate: what waits, the oldest first, and whether everything passes ("flow"), nothing ("hold"), or one
frame after the other ("pace", so many milliseconds apart). If the programs at both ends of a connection show it, only
the one holds it whose view is on the page.
"""
import contextlib
import itertools
import socket
import threading
import time

SHOWN = 2000  # of what waits
TELL_S = 0.05  # from telling the page what waits to telling it again
LONGEST_PACE = 60000  # milliseconds


class Gate:
    """All gates of all programs. A key is (program, the number of its connection)."""

    def __init__(self, hub):
        self.hub = hub
        self.lock = threading.Lock()
        self.gates = {}    # by the socket to each gate: its key
        self.aside = set()  # the keys of connections that are held at their other end
        self.numbers = {}  # by key: what the connection belongs to, and its number there on the page
        self.waiting = {}  # by (socket, sender): what waits of it, by id, in order; never empty
        self.arrivals = itertools.count()
        self.delayed = set()  # the numbers of the programs for which frames have waited since the last command began
        self.mode = "flow"
        self.ms = 0
        self.late = 0  # connections that had no order in time: frames have passed there
        self.paced = threading.Event()  # set: no frame passes by itself
        self.paced.set()
        self.changed = threading.Event()  # set: the page does not know yet
        self.tell_page()
        threading.Thread(target=self.keep_telling, daemon=True).start()

    def place(self, gate):
        """What a connection belongs to, a lab and a step or nothing, and its number there on the page."""
        about, number = self.numbers.get(self.gates[gate], (("wire",), 1))
        return {"of": list(about[1:]), "connection": number}

    def units(self):
        """All that waits, the oldest first: each (number of its arrival, socket, frame)."""
        return sorted((each for queue in self.waiting.values() for each in queue.values()), key=lambda each: each[0])

    def shown(self, units):
        return [{**{name: unit[name] for name in ("sender", "type", "stream", "length")}, **self.place(gate)}
                for _, gate, unit in units]

    def tell(self):
        self.changed.set()

    def keep_telling(self):
        """Tell the page what has changed; not for each of many frames, or it does nothing else."""
        while self.changed.wait():
            self.changed.clear()
            with self.lock:
                self.tell_page()
            time.sleep(TELL_S)

    def tell_page(self):
        units = self.units()
        self.hub.replace("gate", {"kind": "gate", "mode": self.mode, "ms": self.ms, "late": self.late, "count": len(units),
                                  "waiting": self.shown(units[:SHOWN])})

    @staticmethod
    def order(gate, text):
        with contextlib.suppress(OSError):
            gate.send(f"{text}\n".encode(), socket.MSG_DONTWAIT)  # a program that has stopped keeps nobody waiting

    def order_mode(self, gate):
        self.order(gate, "flow" if self.mode == "flow" else "aside" if self.gates[gate] in self.aside else "hold")

    # --- What the programs say ----------------------------------------------------------------------------------

    def meet(self, gate, key):
        with self.lock:
            self.gates[gate] = key
            self.order_mode(gate)

    def heard(self, gate, event):
        """A frame waits, or has passed with all of its sender that have waited before it."""
        sender = event.get("sender")
        with self.lock:
            if self.gates[gate] in self.aside:
                return
            if event.get("late") is True:
                self.late += 1
            elif isinstance(event.get("passed"), int):
                self.remove(gate, sender, event["passed"])
            elif sender in ("client", "server") and isinstance(event.get("type"), str) and all(
                    isinstance(event.get(name), int) for name in ("id", "stream", "length")):
                self.waiting.setdefault((gate, sender), {})[event["id"]] = (next(self.arrivals), gate, event)
                self.delayed.add(self.gates[gate][0])
            self.tell()

    def forget(self, gate):
        """A connection has ended: what waited there never arrives."""
        with self.lock:
            lost = self.shown(each for each in self.units() if each[1] is gate)
            if lost and self.gates[gate] in self.numbers:
                about, _ = self.numbers[self.gates[gate]]
                self.hub.publish(about, {"kind": "lost", **self.place(gate), "units": lost})
            self.drop(gate)
            self.numbers.pop(self.gates.pop(gate), None)

    def stand_aside(self, key):
        """The program at the other end of this connection holds its frames."""
        with self.lock:
            self.aside.add(key)
            for gate in [gate for gate, its in self.gates.items() if its == key]:
                self.order_mode(gate)
                self.drop(gate)

    def drop(self, gate):
        """What waited there waits no longer."""
        for sender in ("client", "server"):
            self.waiting.pop((gate, sender), None)
        self.tell()

    def remove(self, gate, sender, last):
        """The frames of this sender have passed, up to this one."""
        queue = self.waiting.get((gate, sender), {})
        while queue and next(iter(queue)) <= last:
            del queue[next(iter(queue))]
        if not queue:
            self.waiting.pop((gate, sender), None)

    def part(self, program):
        """A program has ended: another may have its number."""
        with self.lock:
            self.aside = {key for key in self.aside if key[0] != program}
            still = set(self.gates.values())  # what waits there never arrives, and forget is about to say so
            self.numbers = {key: number for key, number in self.numbers.items() if key[0] != program or key in still}

    def name(self, key, about, number):
        """What a connection belongs to, and its number there on the page."""
        with self.lock:
            self.numbers[key] = (about, number)
            if self.waiting:
                self.tell()

    def clear(self, about):
        """What belongs there begins anew, with connection 1."""
        with self.lock:
            self.numbers = {key: known for key, known in self.numbers.items() if known[0] != about}

    def programs(self, that_wait=False):
        """The numbers of the programs whose connections are held here; or only of those for which a frame waits."""
        with self.lock:
            gates = {gate for gate, _ in self.waiting} if that_wait else self.gates if self.mode != "flow" else ()
            return {self.gates[gate][0] for gate in gates if gate in self.gates}

    # --- What the page asks -------------------------------------------------------------------------------------

    def set(self, mode, ms=0):
        """Let everything pass, nothing, or a frame every `ms` milliseconds. Return whether that is an order."""
        if mode not in ("flow", "hold", "pace") or (mode == "pace" and not 1 <= ms <= LONGEST_PACE):
            return False
        with self.lock:
            self.paced.set()
            self.mode, self.ms, self.late = mode, ms if mode == "pace" else 0, 0
            for gate in self.gates:
                self.order_mode(gate)
            if mode == "pace":
                self.paced = threading.Event()
                threading.Thread(target=self.pace, args=(self.paced, ms / 1000), daemon=True).start()
            self.tell()
        return True

    def pace(self, ended, seconds):
        while not ended.wait(seconds):
            self.let_pass()

    def let_pass(self, sender="", connection=0, of=()):
        """Let the frame pass that has waited longest: of all, or of this sender, or of the connection with this number
        that belongs there. Return whether that is an order."""
        if sender not in ("", "client", "server") or not isinstance(connection, int) or not isinstance(of, (list, tuple)):
            return False
        wanted = {"of": list(of), "connection": connection}
        with self.lock:
            firsts = [next(iter(queue.values())) for (gate, its), queue in self.waiting.items()
                      if sender in ("", its) and (connection == 0 or self.place(gate) == wanted)]
            if firsts:
                _, gate, unit = min(firsts, key=lambda each: each[0])
                self.remove(gate, unit["sender"], unit["id"])  # it has been let: nobody lets it again
                self.order(gate, f"pass {unit['sender']}")
                self.tell()
        return True
