#!/usr/bin/env python3
"""connections: many connections open at once, a request on each; what one costs while it is idle.

    connections [--count N] [--tap] [SERVER...]      SERVER: serve, nghttpd, node (all of them)

Opens N connections (10,000) to each server in turn, sends one GET on each, waits until every one is answered, and
measures how much the server's resident memory has grown while all of them are open and idle. Prints a table; with
--tap, a test for each server: none was lost.
"""
import argparse
import os
import re
import resource
import selectors
import socket
import subprocess
import sys
import tempfile
import time

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), '../../..'))
DEADLINE = 120  # seconds for all that happens with one server
SPARE = 200     # descriptors for other things than connections
IN_FLIGHT = 500  # connections that wait for an answer at once

PREFACE = b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
SETTINGS = b'\0\0\0\4\0\0\0\0\0'
SETTINGS_ACK = b'\0\0\0\4\1\0\0\0\0'
# GET, http, /, and :authority as a literal (RFC 7541, appendix A: 2, 6, 4 and 1).
BLOCK = b'\x82\x86\x84\x01\x09localhost'
REQUEST = len(BLOCK).to_bytes(3, 'big') + b'\1\5\0\0\0\1' + BLOCK

NODE = r'''
const http2 = require('node:http2');
const server = http2.createServer();
server.on('stream', (stream) => { stream.respond({ ':status': 200 }); stream.end('Hello World!'); });
server.listen(0, '127.0.0.1', () => console.log(`listening on :${server.address().port}`));
'''


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


class Server:
    def __init__(self, name):
        self.name = name
        self.folder = tempfile.TemporaryDirectory()
        if name == 'nghttpd':
            with open(f'{self.folder.name}/index.html', 'w', encoding='utf-8') as file:
                file.write('Hello World!')
            self.port = free_port()
            command = ['nghttpd', '--no-tls', '--address=127.0.0.1', '-d', self.folder.name, str(self.port)]
        elif name == 'node':
            command = ['node', '-e', NODE]
        else:
            command = [f'{ROOT}/build/grader/serve', '--port', '0']
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE)
        if name != 'nghttpd':
            line = self.process.stdout.readline().decode()
            self.port = int(re.search(r':(\d+)$', line.strip()).group(1))
        # The log must not fill a pipe that nobody reads.
        self.sink = subprocess.Popen(['cat'], stdin=self.process.stdout, stdout=subprocess.DEVNULL)
        self.process.stdout.close()
        self.wait()

    def wait(self):
        end = time.monotonic() + 30
        while time.monotonic() < end:
            try:
                socket.create_connection(('127.0.0.1', self.port), 1).close()
                return
            except OSError:
                time.sleep(0.01)
        raise RuntimeError(f'{self.name} does not start')

    def resident(self):
        with open(f'/proc/{self.process.pid}/status', encoding='ascii') as file:
            return int(re.search(r'VmRSS:\s+(\d+)', file.read()).group(1)) * 1024

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.sink.wait()
        self.folder.cleanup()


class Client:
    """One connection: sends the request at once, and is done when END_STREAM has come on stream 1."""

    def __init__(self, port):
        self.socket = socket.create_connection(('127.0.0.1', port), 30)
        self.socket.setblocking(False)
        self.socket.send(PREFACE + SETTINGS + REQUEST)
        self.bytes = b''
        self.acknowledged = False
        self.status = b''
        self.done = False

    def read(self):
        """Returns whether the connection is still there."""
        try:
            data = self.socket.recv(65536)
        except BlockingIOError:
            return True
        except OSError:
            return False
        self.bytes += data
        while len(self.bytes) >= 9:
            length = int.from_bytes(self.bytes[:3], 'big')
            if len(self.bytes) < 9 + length:
                break
            self.frame(self.bytes[3], self.bytes[4], int.from_bytes(self.bytes[5:9], 'big'),
                       self.bytes[9:9 + length])
            self.bytes = self.bytes[9 + length:]
        return bool(data)

    def frame(self, kind, flags, stream, payload):
        if kind == 4 and not flags & 1:
            self.socket.send(SETTINGS_ACK)
        elif kind == 1 and stream == 1:
            self.status = payload[:1]
        if stream == 1 and kind in (0, 1) and flags & 1:
            self.done = self.status == b'\x88'  # the indexed field :status 200


def measure(name, count):
    """Returns how many were answered, bytes of memory for each connection, and the seconds it took."""
    server = Server(name)
    selector = selectors.DefaultSelector()
    clients = []
    try:
        before = server.resident()
        started = time.monotonic()
        opened = answered = lost = 0
        while answered + lost < count and time.monotonic() < started + DEADLINE:
            while opened < count and opened - answered - lost < IN_FLIGHT:
                client = Client(server.port)
                clients.append(client)
                selector.register(client.socket, selectors.EVENT_READ, client)
                opened += 1
            for key, _ in selector.select(1):
                client = key.data
                was_done = client.done
                there = client.read()
                answered += client.done and not was_done
                if not there:
                    lost += not client.done
                    selector.unregister(client.socket)
        seconds = time.monotonic() - started
        memory = (server.resident() - before) / max(answered, 1)
        still_open = len(selector.get_map())
        return min(answered, still_open), memory, seconds
    finally:
        for client in clients:
            client.socket.close()
        server.stop()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--count', type=int, default=10000)
    parser.add_argument('--tap', action='store_true')
    parser.add_argument('servers', nargs='*', default=['serve', 'nghttpd', 'node'])
    options = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    count = options.count if hard == resource.RLIM_INFINITY else min(options.count, hard - SPARE)
    failed = False
    if not options.tap:
        print(f'{"server":10} {"answered":>14} {"bytes a connection":>20} {"seconds":>9}')
    for number, name in enumerate(options.servers, 1):
        answered, memory, seconds = measure(name, count)
        failed = failed or answered != count
        if options.tap:
            print(f'{"ok" if answered == count else "not ok"} {number} - {name}: {count} connections '
                  f'open at once, a request on each, none lost ({answered} answered)', flush=True)
        else:
            print(f'{name:10} {answered:>7}/{count:<6} {memory:>20,.0f} {seconds:>9.1f}', flush=True)
    if options.tap:
        print(f'1..{len(options.servers)}')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
