#!/usr/bin/env python3
"""Floods and other hostile clients, against the reference server and the solutions of labs 3 to 6.

Each flood goes on until the server ends it, or, if it need not, for FLOOD_SECONDS (0.5). Meanwhile the server takes
little memory, and answers others. Arguments name servers, if not all are wanted. The floods and their GOAWAY are in
common/bench/hostile.py, the bounds in common/README.md.
"""
import os
import statistics
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [f'{ROOT}/grader/tools/dev', f'{ROOT}/common/bench']
# pylint: disable=wrong-import-position
import hostile  # noqa: E402
from hostile import END_HEADERS, END_STREAM, GET, HEADERS, HELLO, MEBIBYTE, Client, Flood, Server  # noqa: E402
from hostile import BUILD, ask, frame  # noqa: E402
from tap import check, done_testing  # noqa: E402

SECONDS = float(os.environ.get('FLOOD_SECONDS') or 0.5)
MOST_MEMORY = 2 * MEBIBYTE  # one connection has at most one; the allocator may keep as much
LATENCY = 0.05  # seconds, of most answers
FEW = 64  # descriptors
QUIET = 0.5  # of a core, of a server that has nothing to do but wait for descriptors

SERVERS = {
    'the reference server': (f'{BUILD}/grader/serve', False),
    "lab 3's server": (f'{BUILD}/bench/labs/lab03-server/server', False),
    "lab 4's server": (f'{BUILD}/bench/labs/lab04-router/router', False),
    "lab 5's server": (f'{BUILD}/bench/labs/lab05-timeouts/server', False),
    "lab 6's server": (f'{BUILD}/bench/labs/lab06-tls/server', True),
}


def ask_while(condition, server):
    """Ask until the condition is false. Returns the seconds of the answers."""
    times = []
    while condition():
        times.append(ask(server))
        time.sleep(0.02)
    return times


def check_others(what, times):
    good = None not in times
    check(f'{what}: others are answered', good and statistics.median(times) <= LATENCY,
          f'{[time and round(time, 4) for time in times]}')


def flood(name, server, what, expected, make, deaf):
    before = server.resident()
    peak = before
    seconds = SECONDS if expected is None else hostile.DEADLINE
    running = Flood(server.port, server.tls, make, seconds, deaf)

    def goes_on():
        nonlocal peak
        peak = max(peak, server.resident())
        return running.process.is_alive() and running.results.empty()

    times = ask_while(goes_on, server) or [ask(server)]
    code, took, sent = running.end()
    what = f'{name}, {what}'
    detail = f'GOAWAY({code}) after {took:.2f} s and {sent} bytes'
    if expected is not None:
        check(f'{what}: it ends with GOAWAY({expected})', code == expected, detail)
    check(f'{what}: it takes little memory', peak - before <= MOST_MEMORY, f'{peak - before} bytes; {detail}')
    check_others(what, times)


def hold(name, server):
    """Clients that fall silent, or send a byte now and then, all at once."""
    request = HELLO + frame(HEADERS, END_HEADERS | END_STREAM, 1, GET)
    half_a_body = frame(HEADERS, END_HEADERS, 1, hostile.POST) + b'\0\x40\0\0\0\0\0\0\1half'
    requests = b''.join(frame(HEADERS, END_HEADERS | END_STREAM, i, GET) for i in range(1, 201, 2))
    beginnings = [b'', hostile.PREFACE[:10], HELLO, request[:-3], HELLO + frame(HEADERS, 0, 1, GET),
                  HELLO + half_a_body, hostile.CLOSED_WINDOWS + requests]
    before = server.resident()
    clients = [Client(server.port, server.tls, b'') for _ in range(10 * len(beginnings))]
    for i, client in enumerate(clients):
        client.put(beginnings[i % len(beginnings)])
    slow = Client(server.port, server.tls, b'')
    end = time.monotonic() + SECONDS
    rest = iter(request)

    def creep():
        slow.put(bytes(next(([byte] for byte in rest), [])))
        return time.monotonic() < end

    times = ask_while(creep, server)
    for byte in rest:
        slow.put(bytes([byte]))
    took = server.resident() - before
    check(f'{name}, one byte at a time: the answer comes', slow.wait(lambda: 1 in slow.ended))
    check_others(f'{name}, {len(clients)} silent clients', times)
    check(f'{name}, {len(clients)} silent clients: they take little memory', took <= len(clients) * MEBIBYTE / 4,
          f'{took} bytes')
    for client in [*clients, slow]:
        client.close()


def exhaust(name, command, tls):
    """More clients than the server has descriptors."""
    server = Server(command, tls, descriptors=FEW)
    clients = [Client(server.port, False, b'') for _ in range(FEW + 20)]
    before = server.seconds()
    time.sleep(0.5)
    busy = (server.seconds() - before) / 0.5
    check(f'{name} without descriptors: it waits', server.is_alive() and busy <= QUIET, f'{busy:.2f} of a core')
    for client in clients:
        client.close()
    check(f'{name} without descriptors: it serves once there are some', ask(server) is not None)
    check(f'{name} without descriptors: it ends with status 0', server.stop() == 0)


def main():
    folder = hostile.certificate()
    for name, (program, tls) in SERVERS.items():
        if sys.argv[1:] and name not in sys.argv[1:]:
            continue
        command = [program, '--port', '0']
        if tls:
            command += ['--key', f'{folder.name}/key.pem', '--cert', f'{folder.name}/cert.pem']
        server = Server(command, tls)
        ask(server)
        for what, (expected, make) in hostile.FLOODS.items():
            flood(name, server, what, expected, make, False)
        for what, (expected, make) in hostile.DEAF_FLOODS.items():
            flood(name, server, what, expected, make, True)
        hold(name, server)
        check(f'{name}: it ends with status 0', server.is_alive() and server.stop() == 0)
        exhaust(name, command, tls)
    folder.cleanup()


main()
sys.exit(done_testing())
