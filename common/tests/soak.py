#!/usr/bin/env python3
"""A server under mixed traffic (right, broken off, hostile), plain and with TLS, with SIGTERM and a restart each minute.

    soak.py [MINUTES]

One minute by default, with a restart every fifteen seconds. No request that the server has accepted is lost, it ends
with status 0, and when all clients are gone its descriptors and memory are where they began.
"""
import multiprocessing
import os
import random
import socket
import struct
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [f'{ROOT}/grader/tools/dev', f'{ROOT}/common/bench']
# pylint: disable=wrong-import-position
import hostile  # noqa: E402
from hostile import DATA, END_HEADERS, END_STREAM, GET, HEADERS, HELLO, MEBIBYTE, POST, Client  # noqa: E402
from hostile import ask, frame, path  # noqa: E402
from tap import check, done_testing  # noqa: E402

MINUTES = float(sys.argv[1]) if sys.argv[1:] else 1
LIFE = 60 if MINUTES > 1 else 15  # seconds of a server
MOST_MEMORY = 2 * MEBIBYTE  # more than at the beginning: what the pools and malloc keep for later
IN_FLIGHT = 20  # requests at once


class Traffic:
    """What all clients share."""

    def __init__(self):
        self.port = multiprocessing.Value('i', 0)
        self.tls = multiprocessing.Value('b', False)
        self.is_on = {kind: multiprocessing.Event() for kind in CLIENTS}
        self.is_over = multiprocessing.Event()
        self.counts = {name: multiprocessing.Value('q', 0)
                       for name in ('answered', 'refused', 'lost', 'broken', 'hostile', 'busy')}
        self.processes = [multiprocessing.Process(target=self.run, args=(kind, number))
                          for number, kind in enumerate(CLIENTS) for _ in range(2)]
        for process in self.processes:
            process.start()

    def add(self, name, count=1):
        with self.counts[name].get_lock():
            self.counts[name].value += count

    def run(self, kind, number):
        chance = random.Random(number)
        while not self.is_over.is_set():
            if not self.is_on[kind].wait(0.1):
                continue
            self.add('busy')
            try:
                CLIENTS[kind](self, chance)
            except (OSError, EOFError):
                time.sleep(0.02)  # the server starts anew
            self.add('busy', -1)

    def pause(self, kinds):
        """Stop these clients, and wait until all are quiet."""
        for kind in kinds:
            self.is_on[kind].clear()
        end = time.monotonic() + hostile.DEADLINE
        while self.counts['busy'].value and len(kinds) == len(CLIENTS) and time.monotonic() < end:
            time.sleep(0.01)

    def resume(self, kinds):
        for kind in kinds:
            self.is_on[kind].set()

    def end(self):
        self.is_over.set()
        for process in self.processes:
            process.join()


def request(chance, stream):
    kind = chance.randrange(4)
    if kind == 0:
        return frame(HEADERS, END_HEADERS | END_STREAM, stream, GET)
    if kind == 1:
        return frame(HEADERS, END_HEADERS | END_STREAM, stream, path(f'/{chance.choice([1, 1000, 100000])}'))
    body = b''.join(frame(DATA, 0, stream, bytes(chance.randrange(1, 2000))) for _ in range(kind))
    return frame(HEADERS, END_HEADERS, stream, POST) + body + frame(DATA, END_STREAM, stream)


def right(traffic, chance):
    """Requests, some at once, on one connection, until the server says GOAWAY. Those that it names must be answered."""
    client = Client(traffic.port.value, traffic.tls.value, hostile.OPEN_WINDOWS)
    asked = []
    while client.goaway is None and not client.is_over and traffic.is_on['right'].is_set() and len(asked) < 2000:
        new = [2 * len(asked) + 1 + 2 * i for i in range(chance.randrange(1, IN_FLIGHT))]
        if client.put(b''.join(request(chance, stream) for stream in new)):
            asked += new
            client.wait(lambda: client.goaway is not None or client.ended.issuperset(asked))
        else:
            asked += new
    client.wait(lambda: client.ended.issuperset(stream for stream in asked if stream <= client.last))
    answered = sum(stream in client.ended for stream in asked)
    # A connection that the server never took is no promise of its.
    taken = client.counts[hostile.SETTINGS] > 0
    refused = sum(stream not in client.ended and (stream > client.last or not taken) for stream in asked)
    traffic.add('answered', answered)
    traffic.add('refused', refused)
    traffic.add('lost', len(asked) - answered - refused)
    client.close()


def broken(traffic, chance):
    """A client that leaves in the middle, politely or not."""
    client = Client(traffic.port.value, traffic.tls.value, b'')
    bytes_ = HELLO + b''.join(request(chance, stream) for stream in range(1, 41, 2))
    client.put(bytes_[:chance.randrange(len(bytes_))], 1, read=chance.random() < 0.5)
    time.sleep(chance.random() * 0.02)
    if chance.random() < 0.5:
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    client.close()
    traffic.add('broken')


def attack(traffic, chance):
    name = chance.choice([*hostile.FLOODS, *hostile.DEAF_FLOODS])
    _, make = {**hostile.FLOODS, **hostile.DEAF_FLOODS}[name]
    client = Client(traffic.port.value, traffic.tls.value)
    end = time.monotonic() + 0.3
    for piece in make():
        client.put(piece, max(end - time.monotonic(), 0), read=name in hostile.FLOODS)
        if client.is_over or time.monotonic() >= end:
            break
    client.close()
    traffic.add('hostile')


CLIENTS = {'right': right, 'broken': broken, 'hostile': attack}


def wait_until(condition):
    end = time.monotonic() + hostile.DEADLINE
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return condition()


def live(traffic, number, folder):
    """One life of the server."""
    server = hostile.common_server('server', folder if number % 2 else None)
    what = f'life {number + 1}{", with TLS" if server.tls else ""}'
    traffic.tls.value, traffic.port.value = server.tls, server.port
    traffic.resume(CLIENTS)
    time.sleep(2)
    traffic.pause(CLIENTS)
    descriptors = 0

    def is_alone():
        nonlocal descriptors
        descriptors = server.descriptors()
        return descriptors <= first

    first = min(server.descriptors() for _ in range(10) if not time.sleep(0.05))
    memory = server.resident()
    traffic.resume(CLIENTS)
    time.sleep(LIFE - 4)
    traffic.pause(CLIENTS)
    check(f'{what}: its descriptors are as at the beginning', wait_until(is_alone), f'{descriptors}, not {first}')
    more = server.resident() - memory
    print(f'# {what}: {more:,} bytes more than {memory:,} after {LIFE} s', flush=True)
    check(f'{what}: its memory is as at the beginning', more <= MOST_MEMORY, f'{more:,} bytes more, after {memory:,}')
    check(f'{what}: it answers', ask(server) is not None)
    traffic.resume(CLIENTS)
    time.sleep(1)
    check(f'{what}: SIGTERM ends it with status 0', server.stop() == 0)
    traffic.pause(CLIENTS)


def main():
    traffic = Traffic()
    with hostile.certificate() as folder:
        for number in range(max(1, round(60 * MINUTES / LIFE))):
            live(traffic, number, folder)
    traffic.end()
    counts = {name: value.value for name, value in traffic.counts.items()}
    check('no request that was accepted is lost', counts['lost'] == 0, counts)
    check('there was traffic of every kind', min(counts[kind] for kind in ('answered', 'broken', 'hostile')) > 0, counts)
    print(f'# {counts}', flush=True)


main()
sys.exit(done_testing())
