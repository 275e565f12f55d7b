#!/usr/bin/env python3
"""hold (grader/live/hold.c): every byte passes, in order; a frame waits until it may pass; what has nobody left to go to
is dropped; it ends when nobody gives it orders."""
import json
import os
import pathlib
import random
import select
import socket
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
os.chdir(ROOT)
sys.path.insert(0, "grader/tools/dev")
from tap import check, done_testing  # noqa: E402  pylint: disable=wrong-import-position

HOLD = f"{os.environ.get('BUILD') or 'build'}/grader/hold"
SECONDS = 30
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS = b"\0\0\0\4\0\0\0\0\0"
PING = b"\0\0\x08\6\0\0\0\0\0abcdefgh"
PING_ACK = PING.replace(b"\6\0", b"\6\1")
HEADERS = b"\0\0\2\1\5\0\0\0\1\x82\x84"


class Pair:
    """A hold, a client of it, and the server behind it."""

    def __init__(self, *options, first=()):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(SECONDS)
        self.process = subprocess.Popen([HOLD, "--to", str(self.listener.getsockname()[1]), *options], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, bufsize=0)
        self.address = self.process.stdout.readline().decode().split()[-1]
        for order in first:
            self.order(order)
        self.client = socket.create_connection(("127.0.0.1", int(self.address.rpartition(":")[2])), SECONDS)
        self.server = self.listener.accept()[0]
        self.server.settimeout(SECONDS)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for end in (self.client, self.server, self.listener):
            end.close()
        self.process.stdin.close()
        check("it ends with its orders", self.process.wait(SECONDS) == 0, self.process.returncode)
        self.process.stdout.close()

    def order(self, text):
        self.process.stdin.write(f"{text}\n".encode())

    def hold(self):
        """Hold from now on: go on once a PING of the server waits, and not before."""
        self.order("hold")
        while True:
            self.server.sendall(PING)
            readable, _, _ = select.select([self.process.stdout, self.client], [], [], SECONDS)
            if self.process.stdout in readable:
                return self.told()
            take(self.client, len(PING))

    def told(self):
        if not select.select([self.process.stdout], [], [], SECONDS)[0]:
            raise TimeoutError("it tells nothing")
        return json.loads(self.process.stdout.readline())


def take(end, length):
    """Exactly this many bytes, or all until the end."""
    data = b""
    while len(data) < length and (some := end.recv(length - len(data))):
        data += some
    return data


def is_silent(end):
    end.settimeout(0.2)
    try:
        return not end.recv(1)
    except TimeoutError:
        return True
    finally:
        end.settimeout(SECONDS)


def frames(number):
    made = [PREFACE]
    for i in range(number):
        length = random.choice((0, 1, 100, 16384))
        made.append(length.to_bytes(3, "big") + b"\0\0" + (1 + 2 * i).to_bytes(4, "big") + random.randbytes(length))
    return b"".join(made)


def test_flow():
    with Pair() as pair:
        sent = frames(300)

        def write():
            for at in range(0, len(sent), 7777):
                pair.client.sendall(sent[at:at + 7777])
        threading.Thread(target=write).start()
        check("everything passes, in order", take(pair.server, len(sent)) == sent)
        answer = sent[len(PREFACE):]
        threading.Thread(target=pair.server.sendall, args=(answer,)).start()
        check("and back", take(pair.client, len(answer)) == answer)
        for some in (b"\0", b"\0\5", b"\0\0\0\0\0\1ab"):
            pair.client.sendall(some)
            check("a piece of a frame passes at once", take(pair.server, len(some)) == some)
        pair.hold()
        pair.client.sendall(b"cde" + SETTINGS)
        check("the rest of a frame that has begun to pass passes too", take(pair.server, 3) == b"cde")
        check("the next frame waits", pair.told()["type"] == "SETTINGS" and is_silent(pair.server))
    with Pair() as pair:
        pair.client.sendall(PREFACE + SETTINGS[:2])
        take(pair.server, 26)
        pair.hold()
        pair.client.sendall(SETTINGS[2:] + HEADERS)
        check("so does the rest of a frame header", take(pair.server, 7) == SETTINGS[2:])
        check("and the frame behind it waits", pair.told()["type"] == "HEADERS" and is_silent(pair.server))
    with Pair() as pair:
        pair.client.sendall(b"GET /\r\n")
        check("what is no HTTP/2 passes", take(pair.server, 7) == b"GET /\r\n")
        pair.server.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        check("and so does its answer", take(pair.client, 28).startswith(b"HTTP/1.1 400"))
        pair.client.close()
        check("the end passes", take(pair.server, 1) == b"")


def test_hold():
    with Pair(first=["hold"]) as pair:
        pair.client.sendall(PREFACE + SETTINGS + HEADERS + PING_ACK)
        told = [pair.told() for _ in range(4)]
        check("it tells what waits", [(each["type"], each["stream"], each["length"], each["sender"]) for each in told] ==
              [("preface", 0, 24, "client"), ("SETTINGS", 0, 0, "client"), ("HEADERS", 1, 2, "client"), ("PING ACK", 0, 8, "client")], told)
        check("nothing passes", is_silent(pair.server))
        pair.order("pass")
        check("one frame passes", take(pair.server, 24) == PREFACE and pair.told() == {"passed": told[0]["id"]})
        check("and no other", is_silent(pair.server))
        pair.server.sendall(SETTINGS + PING)
        pair.told(), pair.told()
        pair.order("pass server")
        check("one of the server passes", take(pair.client, 9) == SETTINGS and "passed" in pair.told() and is_silent(pair.client))
        pair.order("pass client")
        check("one of the client passes", take(pair.server, 9) == SETTINGS and "passed" in pair.told() and is_silent(pair.server))
        pair.order("nonsense\npace 0\npace x\npass nobody")
        check("what is no order does nothing", is_silent(pair.server) and is_silent(pair.client))
        pair.order("flow")
        check("flow lets everything pass", take(pair.server, 28) == HEADERS + PING_ACK and take(pair.client, 17) == PING)


def test_ends():
    with Pair(first=["hold"]) as pair:
        pair.client.sendall(PREFACE + PING)
        first, second = pair.told(), pair.told()
        pair.client.close()
        check("what a client has sent before it left still waits", is_silent(pair.server))
        pair.order("pass")
        pair.order("pass")
        check("and passes, before the end", take(pair.server, 100) == PREFACE + PING and pair.told()["passed"] == first["id"] and
              pair.told()["passed"] == second["id"])
    with Pair(first=["hold"]) as pair:
        pair.client.sendall(PREFACE)
        preface = pair.told()
        pair.server.sendall(PING)
        ping = pair.told()
        pair.server.close()
        check("what waits for a server that has gone is dropped", pair.told() == {"passed": preface["id"]})
        check("what the server has sent still waits", is_silent(pair.client))
        pair.order("pass")
        check("and passes, before the end", take(pair.client, 100) == PING and pair.told() == {"passed": ping["id"]})
    with Pair(first=["hold"]) as pair:
        pair.client.sendall(b"\0\0\1")
        pair.client.close()
        check("a piece of a frame at the end passes", take(pair.server, 10) == b"\0\0\1")


def test_pace():
    with Pair(first=["pace 50"]) as pair:
        began = time.monotonic()
        pair.client.sendall(PREFACE + SETTINGS * 4)
        check("one frame after the other passes", take(pair.server, 24 + 36) == PREFACE + SETTINGS * 4)
        gone = time.monotonic() - began
        check("with time between them", gone >= 0.2, gone)


def test_tls():
    with Pair("--tls", first=["hold"]) as pair:
        record = b"\x16\3\1\0\5hello"
        pair.client.sendall(record + record)
        told = pair.told()
        check("with --tls it holds records", pair.address.startswith("https://") and
              (told["type"], told["length"]) == ("TLS record", 10), told)
        pair.order("pass")
        check("and lets them pass", take(pair.server, 10) == record and is_silent(pair.server))


def main():
    test_flow()
    test_hold()
    test_ends()
    test_pace()
    test_tls()
    for wrong in ([], ["--to", "x"], ["--to", "1", "more"]):
        done = subprocess.run([HOLD, *wrong], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        check(f"wrong usage: {wrong}", done.returncode == 2 and done.stderr.startswith("usage: hold "), done)
    return done_testing()


if __name__ == "__main__":
    sys.exit(main())
