"""live_wire: the frames of running programs, from the socket to which H2_TRACE=live sends them (common/trace.h).

Only this user can reach the socket. What comes is a stranger's word all the same: what does not look like a frame,
a note or a number of frames that were left out is dropped.

Each connection also has a gate, which holds its frames (common/inner/gate.h): live_gate gives its orders. The reference
server says what it can do wrong (grader/serve/control.h); live_wire passes on what the page wants.
"""
import contextlib
import itertools
import json
import math
import os
import pathlib
import queue
import re
import socket
import stat
import struct
import threading
import time

from live_capture import Capture

ALONE = ("wire",)    # what a connection belongs to that no command of a lecture has made
AFTER_S = 0.5        # so long after a command, the first word of its last connection may still be on its way
LONGEST_LINE = 1 << 20
LARGEST_DATA = 4096  # characters of a body
PIECE = 1 << 18      # bytes that we read at once
MOST_PIECES = 256    # that wait until somebody has time for them; a program that sends more drops frames
TEXTS = ("sender", "type", "error_code", "data", "error")
NUMBERS = ("stream", "length", "last_stream", "promised_stream", "increment", "dependency", "weight", "padding")


def is_pair(value, kind):
    return isinstance(value, list) and len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], kind)


def event_of(line):
    """The JSON object that a line is; None if it is none."""
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def has_addresses(event):
    """Whether a program says whose connection this is, and from where to where."""
    return isinstance(event.get("connection"), int) and event.get("side") in ("client", "server") and \
        all(isinstance(event.get(key), str) for key in ("own", "peer"))


def of(about):
    """For the page: the lab and the step that a connection belongs to, if it does."""
    return {"of": list(about[1:])} if about != ALONE else {}


def port_of(address):
    """The port of an address, as "[::1]:8000"; "?" if it has none."""
    port = address.rpartition(":")[2]
    return port if re.fullmatch(r"\d{1,5}", port) else "?"


def clean(event):
    """The frame or note that this is, without anything else; None if it is neither."""
    if not isinstance(event.get("connection"), int) or not isinstance(event.get("ms"), (int, float)):
        return None
    if isinstance(event.get("note"), str):
        return {"note": event["note"]}
    if isinstance(event.get("left_out"), int) and event["left_out"] > 0:
        return {"note": f"{event['left_out']:,} frames left out here: more than a page can show", "left_out": event["left_out"]}
    frame = {key: event[key] for key in TEXTS if isinstance(event.get(key), str)}
    frame.update({key: event[key] for key in NUMBERS if isinstance(event.get(key), int)})
    frame["flags"] = [flag for flag in event.get("flags", []) if isinstance(flag, str)]
    if frame.get("sender") not in ("client", "server") or not {"type", "stream", "length"} <= frame.keys():
        return None
    if isinstance(event.get("exclusive"), bool):
        frame["exclusive"] = event["exclusive"]
    for key, kind in (("fields", str), ("settings", int)):
        if isinstance(event.get(key), list):
            frame[key] = [pair for pair in event[key] if is_pair(pair, kind)]
    if len(frame.get("data", "")) > LARGEST_DATA:
        frame["data"] = re.sub(r"\\(x[0-9a-f]?)?$", "", frame["data"][:LARGEST_DATA])
    return frame


def place_of_user():
    """The folder where every program of this user finds us (common/inner/trace_socket.h); None if it is not only ours."""
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    folder = pathlib.Path(f"{runtime}/h2-live" if runtime.startswith("/") else f"/tmp/h2-live-{os.geteuid()}")
    with contextlib.suppress(OSError):
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        if stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077:
            return folder
    return None


def is_free(path):
    """Whether nobody listens there. Removes what is left of somebody who did."""
    with socket.socket(socket.AF_UNIX) as other:
        try:
            other.connect(str(path))
            return False
        except OSError:
            path.unlink(missing_ok=True)
            return True


def running(folder):
    """What another `make live` of this user has said of itself, {"address": ..., "labs": [...]}; None if none runs."""
    for place in filter(None, (folder, place_of_user())):
        with contextlib.suppress(OSError, ValueError):
            if not is_free(place / "socket"):
                told = json.loads(((place / "socket").resolve().parent / "address").read_text(encoding="utf-8"))
                return {"address": str(told["address"]), "labs": list(told["labs"])}
    return None


def lines_of(connection):
    """Every line that comes. A second thread reads, as fast as it can, so that no program waits for us."""
    pieces = queue.Queue(MOST_PIECES)

    def read():
        piece = b"?"
        while piece:
            try:
                piece = connection.recv(PIECE)
            except OSError:
                piece = b""
            pieces.put(piece)

    threading.Thread(target=read, daemon=True).start()
    rest = b""
    while piece := pieces.get():
        *lines, rest = (rest + piece).split(b"\n")
        yield from lines
        if len(rest) > LONGEST_LINE:
            return


class Wire:
    """The socket, and a thread for each program that has connected."""

    def __init__(self, hub, folder, gate):
        self.hub = hub
        self.gate = gate
        self.lock = threading.Lock()
        self.connections = {}  # (program, its number): (what it belongs to, our number there, when it began there)
        self.open = set()  # of these, those that have not closed
        self.pairs = {}  # by the addresses of client and server: whose view of this connection is on the page, (side, its key)
        self.ends = {}   # (program, its number): who is at the two ends, {"client": "requests, port 50000", "server": "serve, port 8000"}
        self.sides = {}  # (program, its number): the end at which the program is, of those
        self.others = set()  # (program, its number) at the other end of such a connection: it shows the same frames
        self.begun = {}  # the moment of the first event, by what it belongs to
        self.about = ALONE  # what new connections belong to: ("wire", lab, step) while its command runs
        self.until = math.inf  # the moment from which they belong to no command
        self.captures = {ALONE: Capture()}  # and of each step that has run, the last command's
        self.servers = {}  # reference servers that take orders, by our number: (socket, what we tell of it)
        self.path = self.free_name(folder)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.path))
        self.listener.listen(1024)  # programs do not wait for us: many connections may begin at once
        self.link = self.make_link()
        self.told = None  # the file that says where the page is
        threading.Thread(target=self.accept, daemon=True).start()

    @staticmethod
    def free_name(folder):
        """The name at which programs look for us; another if somebody else listens there."""
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        path = folder / "socket"
        return path if is_free(path) else folder / f"socket-{os.getpid()}"

    def make_link(self):
        """The way to us for programs that run in other folders; None if somebody else is there already."""
        folder = place_of_user()
        if not folder or not is_free(folder / "socket"):
            return None
        with contextlib.suppress(OSError):
            (folder / "socket").symlink_to(self.path.resolve())
            return folder / "socket"
        return None

    def say_where(self, address, labs):
        """For another `make live` of this user, so that it can say where this one is."""
        if self.path.name == "socket":
            self.told = self.path.with_name("address")
            with open(os.open(self.told, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
                json.dump({"address": address, "labs": labs}, file)

    def end(self):
        self.listener.close()
        if self.told:
            self.told.unlink(missing_ok=True)
        if self.link:
            self.link.unlink(missing_ok=True)
        self.path.unlink(missing_ok=True)

    def clear(self, of=None, look=""):
        """Begin anew, with connection 1 at 0 ms, what belongs to no command; or what belongs to a command of this lab and
        step, which is about this type of frames, and begins now."""
        about = (*ALONE, *(of or ()))
        with self.lock:
            self.connections = {key: known for key, known in self.connections.items() if known[0] != about}
            self.open &= self.connections.keys()
            self.begun.pop(about, None)
            self.captures[about] = Capture()
            if of:
                self.about, self.until = about, math.inf
            self.gate.clear(about)
            self.hub.begin(about, {"kind": "clear", **({"of": of, "look": look} if of else {})})

    def ended(self):
        """The command has ended: what begins from now on belongs to none."""
        with self.lock:
            self.until = time.monotonic() + AFTER_S

    def publish(self, about, event):
        """An event of what belongs there; the page knows whose it is."""
        self.hub.publish(about, {**event, **of(about)})

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        pid = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]
        try:
            name = pathlib.Path(f"/proc/{pid}/comm").read_text(encoding="utf-8", errors="replace").strip()
        except OSError:
            name = "?"
        events = filter(None, map(event_of, lines_of(connection)))
        with connection:
            first = next(events, {})
            if isinstance(first.get("gate"), int):
                self.serve_gate(connection, (pid, first["gate"]), events)
                return
            for event in itertools.chain([first], events):
                self.take(event, pid, name, connection)
        self.forget(connection)
        self.cut(pid, name)

    def serve_gate(self, connection, key, events):
        self.gate.meet(connection, key)
        for event in events:
            self.gate.heard(connection, event)
        self.gate.forget(connection)

    def take(self, event, pid, name, connection):
        if "faults" in event:
            self.meet(connection, name, event)
            return
        cleaned = clean(event)
        with self.lock:
            if has_addresses(event):
                self.pair((pid, event["connection"]), event["side"], event["own"], event["peer"], name)
            if not cleaned or (pid, event["connection"]) in self.others:
                return
            if cleaned.get("note") == "closed" and (pid, event["connection"]) in self.sides:  # by the program itself
                cleaned["note"] += f" by the {self.sides[pid, event['connection']]}"
            about, number, since = self.place(pid, event)
            ms = round(event["ms"] + since, 3)
            self.captures[about].add(number, ms, event)
            if str(event.get("note")).startswith("closed"):
                self.open.discard((pid, event["connection"]))
            held = {"held": True} if self.gate.mode != "flow" else {}  # its time says when it was sent
            self.publish(about, {"kind": "wire", "connection": number, "by": name, "pid": pid, "ms": ms, **held, **cleaned})

    def pair(self, key, side, own, peer, name):
        """A connection begins. If the programs at both ends show it, the page has what the first of them says."""
        client, server = addresses = (own, peer) if side == "client" else (peer, own)
        first, view = self.pairs.get(addresses, (side, None))
        known = {side: f"{name}, port {port_of(own)}"}
        if first == side:  # the first one, or a later connection from the same port
            self.pairs[addresses] = (side, key)
            self.sides[key] = side
            self.ends[key] = {"client": f"port {port_of(client)}", "server": f"port {port_of(server)}", **known}
        else:
            self.others.add(key)
            self.gate.stand_aside(key)
            del self.pairs[addresses]
            self.ends[view].update(known)
            self.tell_ends(view)

    def tell_ends(self, key):
        """Who is at the two ends of this connection, if it is on the page."""
        if key in self.connections and key in self.ends:
            about, number, _ = self.connections[key]
            self.publish(about, {"kind": "ends", "connection": number, **self.ends[key]})

    def part(self, pid):
        """A program has ended."""
        self.pairs = {addresses: view for addresses, view in self.pairs.items() if view[1][0] != pid}
        self.ends = {key: ends for key, ends in self.ends.items() if key[0] != pid}
        self.sides = {key: side for key, side in self.sides.items() if key[0] != pid}
        self.others = {key for key in self.others if key[0] != pid}
        self.gate.part(pid)

    def programs(self):
        """The numbers of the programs that have a connection."""
        with self.lock:
            return {pid for pid, _ in self.open}

    def cut(self, pid, name):
        """A program has ended: so have its connections, whether or not it has said so."""
        with self.lock:
            self.part(pid)
            for key in sorted(key for key in self.open if key[0] == pid):
                self.open.remove(key)
                about, number, _ = self.connections[key]
                ms = round((time.monotonic() - self.begun[about]) * 1000, 3)
                note = "closed: the program has ended"
                self.captures[about].add(number, ms, {"note": note})
                self.publish(about, {"kind": "wire", "connection": number, "by": name, "pid": pid, "ms": ms, "note": note})

    def pcapng(self, of=()):
        """The capture of this lab and step, or of what belongs to none."""
        with self.lock:
            return self.captures.get((*ALONE, *of), self.captures[ALONE]).pcapng()

    # --- The reference servers ----------------------------------------------------------------------------------

    def meet(self, connection, name, event):
        """A reference server says what it can do wrong, and what it does now."""
        faults, now, port = (event.get(key) for key in ("faults", "now", "port"))
        if not isinstance(faults, list) or not all(isinstance(fault, str) for fault in [*faults, now]) or not isinstance(port, int):
            return
        with self.lock:
            self.servers[connection.fileno()] = (connection, {"id": connection.fileno(), "by": name, "port": port, "faults": faults, "now": now})
            self.tell_servers()

    def forget(self, connection):
        with self.lock:
            gone = [number for number, (other, _) in self.servers.items() if other is connection]
            for number in gone:
                del self.servers[number]
            if gone:
                self.tell_servers()

    def tell_servers(self):
        self.hub.replace("servers", {"kind": "servers", "servers": [told for _, told in self.servers.values()]})

    def play(self, number, fault):
        """Make a reference server do this from now on. Return whether that is an order."""
        with self.lock:
            connection, told = self.servers.get(number) or (None, None)
            if not connection or fault not in told["faults"]:
                return False
            with contextlib.suppress(OSError):
                connection.sendall(f"{fault}\n".encode())
            return True

    def place(self, pid, event):
        """What a connection belongs to, its number there on the page, and the milliseconds from the beginning to its own."""
        key = (pid, event["connection"])
        if key not in self.connections:
            about = self.about if time.monotonic() < self.until else ALONE
            if about not in self.begun:
                self.begun[about] = time.monotonic() - event["ms"] / 1000
                self.captures[about].began = time.time() - event["ms"] / 1000
            now = (time.monotonic() - self.begun[about]) * 1000
            number = 1 + sum(known[0] == about for known in self.connections.values())
            self.connections[key] = (about, number, max(0, now - event["ms"]))
            self.open.add(key)
            self.gate.name(key, about, number)
            self.tell_ends(key)
        return self.connections[key]
