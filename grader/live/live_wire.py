"""live_wire: the frames of running programs, from the socket to which H2_TRACE=live sends them (common/trace.h).

Only this user can reach the socket. What comes is a stranger's word all the same: what does not look like a frame
or a note is dropped.
"""
import json
import os
import pathlib
import re
import socket
import struct
import threading
import time

LONGEST_LINE = 1 << 20
LARGEST_DATA = 4096  # characters of a body
TEXTS = ("sender", "type", "error_code", "data", "error")
NUMBERS = ("stream", "length", "last_stream", "promised_stream", "increment", "dependency", "weight", "padding")


def is_pair(value, kind):
    return isinstance(value, list) and len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], kind)


def clean(event):
    """The frame or note that this is, without anything else; None if it is neither."""
    if not isinstance(event, dict) or not isinstance(event.get("connection"), int) or \
            not isinstance(event.get("ms"), (int, float)):
        return None
    if isinstance(event.get("note"), str):
        return {"note": event["note"]}
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


class Wire:
    """The socket, and a thread for each program that has connected."""

    def __init__(self, hub, folder):
        self.hub = hub
        self.lock = threading.Lock()
        self.connections = {}  # (program, its number): (our number, when it began)
        self.begun = None  # the moment of the first event since then
        self.path = self.free_name(folder)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.path))
        self.listener.listen(64)
        threading.Thread(target=self.accept, daemon=True).start()

    @staticmethod
    def free_name(folder):
        """The name at which programs look for us; another if somebody else listens there."""
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        path = folder / "socket"
        with socket.socket(socket.AF_UNIX) as other:
            try:
                other.connect(str(path))
                return folder / f"socket-{os.getpid()}"
            except OSError:
                path.unlink(missing_ok=True)
        return path

    def end(self):
        self.listener.close()
        self.path.unlink(missing_ok=True)

    def clear(self):
        """Begin anew, with connection 1 at 0 ms."""
        with self.lock:
            self.connections = {}
            self.begun = None
            self.hub.begin("wire", {"kind": "clear"})

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
        with connection, connection.makefile("rb") as lines:
            while line := lines.readline(LONGEST_LINE):
                self.take(line, pid, name)

    def take(self, line, pid, name):
        try:
            event = json.loads(line)
        except ValueError:
            return
        cleaned = clean(event)
        if not cleaned:
            return
        with self.lock:
            number, since = self.place(pid, event)
            self.hub.publish("wire", {"kind": "wire", "connection": number, "by": name,
                                      "ms": round(event["ms"] + since, 3), **cleaned})

    def place(self, pid, event):
        """The number of a connection on the page, and the milliseconds from the beginning to its own."""
        key = (pid, event["connection"])
        if key not in self.connections:
            if self.begun is None:
                self.begun = time.monotonic() - event["ms"] / 1000
            now = (time.monotonic() - self.begun) * 1000
            self.connections[key] = (len(self.connections) + 1, max(0, now - event["ms"]))
        return self.connections[key]
