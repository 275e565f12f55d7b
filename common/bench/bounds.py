#!/usr/bin/env python3
"""What one client can cost common/'s server (common/bench/bounds.c), measured: memory, and processor time.

    bounds.py [--quick] [--write]

Prints the tables of common/README.md; --write puts them there. The status is 1 if a bound does not hold: at most 1 MiB
for a connection by any way; 1 GiB for 1,000 hostile connections, while others are answered within 50 ms. --quick opens
fewer connections, and floods for less time.
"""
import argparse
import statistics
import sys
import threading
import time

import hostile
from hostile import (CLOSED_WINDOWS, DATA, END_HEADERS, END_STREAM, GET, HEADERS, HELLO, MEBIBYTE, OPEN_WINDOWS, PING,
                     POST, PREFACE, PRIORITY, ROOT, SETTINGS, Client, Flood, ask, block_frames, common_server,
                     frame, integer, path, setting)

MOST = MEBIBYTE  # bytes of a connection
MOST_OF_CROWD = 1024 * MEBIBYTE
LATENCY = 0.05  # seconds
README = f'{ROOT}/common/README.md'
BEGIN, END = '<!-- bounds -->\n', '<!-- /bounds -->\n'


def streams(block, flags, count=100, first=1):
    return b''.join(frame(HEADERS, flags, i, block) for i in range(first, first + 2 * count, 2))


def fields(first, count, value=b''):
    """Fields that no table has, and of which two are never the same."""
    return b''.join(b'\0\x04' + f'{i:04x}'.encode() + integer(len(value), 0, 7) + value
                    for i in range(first, first + count))


def streams_with_fields(count, first=1, each=49):
    """Open streams. What counts for a field here is 4 + 32, and 68 for the memory around it: 512 KiB in all."""
    return b''.join(frame(HEADERS, END_HEADERS, first + 2 * i, POST + fields(i * each, each)) for i in range(count))


def open_block(stream):
    """A header block that does not end: as many fields as one request may have, and one that is long."""
    block = GET + fields(0, 1800) + b'\0\x01x' + integer(65000, 0x80, 7) + b'\0' * 60000
    return block_frames(stream, block, ends=False)


ENDLESS = path('/endless')
TABLE = b''.join(b'\x40\x01' + bytes([97 + i % 26]) + b'\x01' + bytes([97 + i // 26]) for i in range(119))

# How a client can make the server hold memory: what it sends, in stages, and then it falls silent. It never reads.
# The server ends a connection with more than 600 frames in its queue.
WAYS = {
    'nothing: a connection, after one request': [HELLO + frame(HEADERS, END_HEADERS | END_STREAM, 1, GET)],
    'half a preface': [PREFACE[:10]],
    '100 open streams': [HELLO + streams(POST, END_HEADERS)],
    'header fields: 100 open streams with 49 each': [HELLO + streams_with_fields(100)],
    'a header block that does not end': [HELLO + open_block(1)],
    'HPACK tables: many small fields': [HELLO + frame(SETTINGS, payload=setting(1, 0x7fffffff)) +
                                        frame(HEADERS, END_HEADERS | END_STREAM, 1, GET + TABLE)],
    'requests whose bodies nobody reads': [HELLO + b''.join(
        frame(HEADERS, END_HEADERS, i, POST) + frame(DATA, 0, i, bytes(10000)) for i in range(1, 201, 2))],
    'responses that the client does not read: 100': [OPEN_WINDOWS + streams(ENDLESS, END_HEADERS | END_STREAM)],
    'responses for which the window is closed: 100': [CLOSED_WINDOWS + streams(ENDLESS, END_HEADERS | END_STREAM)],
    'frames in the queue: answers to PING': [OPEN_WINDOWS + streams(ENDLESS, END_HEADERS | END_STREAM, 1),
                                             frame(PING, payload=b'12345678') * 590],
    'frames in the queue: refused streams': [OPEN_WINDOWS + streams(ENDLESS, END_HEADERS | END_STREAM, 1),
                                             streams(POST, END_HEADERS, 99 + 590, 3)],
    'streams that are only named, by PRIORITY': [HELLO + b''.join(
        frame(PRIORITY, 0, i, b'\0\0\0\0\1') for i in range(1, 16001, 2))],
    'all of these at once': [
        OPEN_WINDOWS + frame(SETTINGS, payload=setting(1, 0x7fffffff)) +
        streams(ENDLESS, END_HEADERS | END_STREAM, 50) + streams(GET + TABLE, END_HEADERS | END_STREAM, 1, 101) +
        streams_with_fields(49, 103, 98),
        frame(PING, payload=b'12345678') * 500 + open_block(203)],
}

# Of TLS: how the client begins. None: it sends half of its ClientHello.
TLS_WAYS = {
    'TLS: nothing, after one request': WAYS['nothing: a connection, after one request'],
    'TLS: half a handshake': None,
    'TLS: all of these at once': WAYS['all of these at once'],
}

HALF_HELLO = bytes.fromhex('16030102000100') + b'\1\xfc\3\3' + bytes(200)


class Peak(threading.Thread):
    """The most memory that a server has had."""

    def __init__(self, server):
        super().__init__()
        self.server, self.most, self.is_over = server, server.resident(), False
        self.start()

    def run(self):
        while not self.is_over:
            self.most = max(self.most, self.server.resident())
            time.sleep(0.005)

    def end(self):
        self.is_over = True
        self.join()
        return self.most


def open_client(server, stages):
    if stages is None:
        client = Client(server.port, False, b'')
        client.put(HALF_HELLO, read=False)
        return client
    client = Client(server.port, server.tls, b'')
    client.put(stages[0], read=False)
    return client


def settle(server):
    """Wait until the server has nothing more to do: it neither runs nor waits for a core."""
    end = time.monotonic() + hostile.DEADLINE
    before, quiet = -1, 0
    while quiet < 3 and time.monotonic() < end:
        time.sleep(0.1)
        now = sum(hostile.schedule(server.process.pid))
        quiet = quiet + 1 if now - before < 0.002 else 0
        before = now


def memory(stages, count, folder=None):
    """Bytes for each of `count` connections, and how many are still open."""
    server = common_server('bounds', folder)
    ask(server)
    settle(server)
    before, peak = server.resident(), Peak(server)
    descriptors = server.descriptors()
    clients = [open_client(server, stages) for _ in range(count)]
    settle(server)
    for stage in (stages or [])[1:]:
        for client in clients:
            client.put(stage, read=False)
        settle(server)
    left = server.descriptors() - descriptors
    took = peak.end() - before
    for client in clients:
        client.close()
    server.stop()
    return took / count, left


def crowd(count):
    """Many hostile connections at once, of all ways. Returns the bytes, the seconds of answers to others, and how many
    connections were open at the end."""
    server = common_server('bounds')
    ask(server)
    before, peak = server.resident(), Peak(server)
    descriptors = server.descriptors()
    times, is_over = [], threading.Event()

    def others():
        while not is_over.wait(0.02):
            times.append(ask(server))

    asking = threading.Thread(target=others)
    asking.start()
    ways = list(WAYS.values())
    clients = [open_client(server, ways[i % len(ways)]) for i in range(count)]
    for i, client in enumerate(clients):
        for stage in ways[i % len(ways)][1:]:
            client.put(stage, read=False)
    settle(server)
    is_over.set()
    asking.join()
    left = server.descriptors() - descriptors
    took = peak.end() - before
    for client in clients:
        client.close()
    server.stop()
    return took, times, left


def computing(make, deaf, seconds):
    """Of a flood: the seconds that the server has computed, those that it could have, the bytes that it took, and the
    GOAWAY."""
    server = common_server('bounds')
    ask(server)
    before = hostile.schedule(server.process.pid)
    code, took, sent = Flood(server.port, False, make, seconds, deaf).end()
    busy, waited = (after - first for after, first in zip(hostile.schedule(server.process.pid), before))
    server.stop()
    return busy, max(took - waited, busy), sent, code


# --- Tables -----------------------------------------------------------------------------------------------------------


def kibibytes(count):
    return f'{max(count, 0) / 1024:,.0f} KiB'


def all_memory(count):
    """Yields each way, the bytes of a connection, and whether all are still open."""
    with hostile.certificate() as folder:
        for name, stages in {**WAYS, **TLS_WAYS}.items():
            took, left = memory(stages, count, folder if name.startswith('TLS') else None)
            yield name, took, left == count


def memory_table(count, tell):
    """Returns the lines, and what does not hold."""
    lines = ['| what a client does | memory of one connection |', '|---|---|']
    wrong = []
    for name, took, is_open in all_memory(count):
        lines.append(f'| {name} | {kibibytes(took)} |')
        tell(lines[-1])
        if took > MOST or not is_open:
            wrong.append(f'{name}: {took:,.0f} bytes{"" if is_open else "; the server has ended connections"}')
    return lines, wrong


def crowd_line(count):
    """Returns a sentence, and whether it is as it must be."""
    took, times, left = crowd(count)
    seconds = [hostile.DEADLINE if answer is None else answer for answer in times]
    median = statistics.median(seconds)
    line = (f'{count:,} hostile connections at once, of all these ways, took {took / MEBIBYTE:,.0f} MiB; meanwhile '
            f'{len(times)} others were answered within {1000 * median:.1f} ms (median), '
            f'{1000 * max(seconds):.0f} ms at most. {left:,} of the hostile ones were still open.')
    return line, took <= MOST_OF_CROWD * count / 1000 and median <= LATENCY


def computing_table(seconds, tell):
    lines = ['| a flood of | the server computes, in a second | it ends the connection |', '|---|---|---|']
    for name, (_, make) in {**hostile.FLOODS, **hostile.DEAF_FLOODS}.items():
        deaf = name in hostile.DEAF_FLOODS
        busy, took, sent, code = computing(make, deaf, seconds)
        end = f'yes, after {1000 * busy:.0f} ms and {sent / 1000:,.0f} kB' if code is not None else 'no'
        share = busy if code is not None else busy / took
        lines.append(f'| {name} | {1000 * share:,.0f} ms | {end} |')
        tell(lines[-1])
    return lines


def write(text):
    with open(README, encoding='utf-8') as file:
        before, rest = file.read().split(BEGIN)
    with open(README, 'w', encoding='utf-8') as file:
        file.write(before + BEGIN + text + END + rest.split(END)[1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n', maxsplit=1)[0])
    parser.add_argument('--quick', action='store_true', help='fewer connections, shorter floods')
    parser.add_argument('--write', action='store_true', help='put the tables into common/README.md')
    given = parser.parse_args()

    def tell(line):
        print(line, flush=True)

    memory_lines, wrong = memory_table(5 if given.quick else 20, tell)
    line, is_right = crowd_line(100 if given.quick else 1000)
    tell(line)
    wrong += [] if is_right else [line]
    computing_lines = computing_table(0.2 if given.quick else 1, tell)
    if given.write:
        write('\n' + '\n'.join(memory_lines) + f'\n\n{line}\n\n' + '\n'.join(computing_lines) + '\n\n')
    for what in wrong:
        print(f'bounds: this is more than allowed: {what}', file=sys.stderr)
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main())
