"""hostile: clients that cost a server more than themselves. For bounds.py, and for the tests floods.py and soak.py.

A flood is a generator of bytes without end; a hold is a list of bytes that a client sends once before it falls silent.
"""
import multiprocessing
import os
import re
import resource
import signal
import socket
import ssl
import struct
import subprocess
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, os.environ.get('BUILD') or 'build')
DEADLINE = 30  # seconds for what takes less than one on an idle machine

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, _, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
ACK = END_STREAM = 1
END_HEADERS = 4
PADDED = 8
PROTOCOL_ERROR = 1
ENHANCE_YOUR_CALM = 11

PREFACE = b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
GET = b'\x82\x86\x84\x01\x01a'  # of HPACK's static table; and :authority a
POST = b'\x83\x86\x84\x01\x01a'
MEBIBYTE = 1 << 20


def frame(kind, flags=0, stream=0, payload=b''):
    return len(payload).to_bytes(3, 'big') + struct.pack('>BBI', kind, flags, stream) + payload


def setting(number, value):
    return struct.pack('>HI', number, value)


def path(text):
    """The block of a GET of this path."""
    return b'\x82\x86\x04' + bytes([len(text)]) + text.encode() + b'\x01\x01a'


def integer(value, first, prefix):
    """HPACK's integer (RFC 7541, section 5.1)."""
    full = (1 << prefix) - 1
    if value < full:
        return bytes([first | value])
    out, value = bytes([first | full]), value - full
    while value >= 128:
        out, value = out + bytes([value % 128 + 128]), value // 128
    return out + bytes([value])


def block_frames(stream, block, ends=True):
    """A header block as HEADERS and as many CONTINUATION as it takes; without END_STREAM."""
    parts = [block[i:i + 16384] for i in range(0, len(block), 16384)]
    out = b''
    for i, part in enumerate(parts):
        last = END_HEADERS if ends and i == len(parts) - 1 else 0
        out += frame(CONTINUATION if i else HEADERS, last, stream, part)
    return out


HELLO = PREFACE + frame(SETTINGS)
OPEN_WINDOWS = (PREFACE + frame(SETTINGS, payload=setting(4, 0x7fffffff)) +
                frame(WINDOW_UPDATE, payload=struct.pack('>I', 0x7fff0000)))
CLOSED_WINDOWS = PREFACE + frame(SETTINGS, payload=setting(4, 0))

# --- Floods -----------------------------------------------------------------------------------------------------------


def repeat(bytes_):
    many = bytes_ * max(1, 4096 // len(bytes_))
    while True:
        yield many


def of_streams(make, first=1):
    """make(stream) for one stream after another, some in each piece."""
    stream = first
    while True:
        yield b''.join(make(i) for i in range(stream, stream + 32, 2))
        stream += 32


def after(first, rest):
    yield first
    yield from rest


def bomb(stream):
    """3,000 bytes go into the table, and come out 100 times."""
    value = b'v' * 3000
    return frame(HEADERS, END_HEADERS | END_STREAM, stream,
                 GET + b'\x40\x01x' + integer(len(value), 0, 7) + value + b'\xbe' * 100)


# What each of them must get: GOAWAY with this code, or None where the server may go on.
FLOODS = {
    'rapid reset': (ENHANCE_YOUR_CALM, lambda: of_streams(
        lambda i: frame(HEADERS, END_HEADERS, i, POST) + frame(RST_STREAM, 0, i, b'\0\0\0\x08'))),
    'made you reset, by a length': (ENHANCE_YOUR_CALM, lambda: of_streams(
        lambda i: frame(HEADERS, END_HEADERS, i, POST + b'\x0f\x0d\x011') + frame(DATA, END_STREAM, i, b'xx'))),
    'made you reset, by a field': (ENHANCE_YOUR_CALM, lambda: of_streams(
        lambda i: frame(HEADERS, END_HEADERS, i, POST + b'\0\x01X\x01y'))),
    'CONTINUATION': (ENHANCE_YOUR_CALM, lambda: after(
        frame(HEADERS, END_STREAM, 1, GET), repeat(frame(CONTINUATION, 0, 1, b'\0\x01x\x01y')))),
    'empty CONTINUATION': (ENHANCE_YOUR_CALM, lambda: after(
        frame(HEADERS, END_STREAM, 1, GET), repeat(frame(CONTINUATION, 0, 1)))),
    'SETTINGS': (ENHANCE_YOUR_CALM, lambda: repeat(frame(SETTINGS, payload=setting(4, 1) * 10))),
    'SETTINGS ACK': (PROTOCOL_ERROR, lambda: repeat(frame(SETTINGS, ACK))),
    'PING': (ENHANCE_YOUR_CALM, lambda: repeat(frame(PING, payload=b'12345678'))),
    'PING ACK': (ENHANCE_YOUR_CALM, lambda: repeat(frame(PING, ACK, payload=b'12345678'))),
    'empty DATA': (ENHANCE_YOUR_CALM, lambda: after(
        frame(HEADERS, END_HEADERS, 1, POST), repeat(frame(DATA, 0, 1)))),
    'WINDOW_UPDATE': (ENHANCE_YOUR_CALM, lambda: repeat(frame(WINDOW_UPDATE, payload=b'\0\0\0\1'))),
    'WINDOW_UPDATE of a stream': (ENHANCE_YOUR_CALM, lambda: after(
        frame(HEADERS, END_HEADERS, 1, POST), repeat(frame(WINDOW_UPDATE, 0, 1, b'\0\0\0\1')))),
    'PRIORITY': (ENHANCE_YOUR_CALM, lambda: of_streams(lambda i: frame(PRIORITY, 0, i, b'\0\0\0\0\1'))),
    'unknown frames': (ENHANCE_YOUR_CALM, lambda: repeat(frame(0xee))),
    'padding alone': (None, lambda: after(
        frame(HEADERS, END_HEADERS, 1, POST), repeat(frame(DATA, PADDED, 1, b'\xff' + bytes(255))))),
    'requests': (None, lambda: of_streams(lambda i: frame(HEADERS, END_HEADERS | END_STREAM, i, GET))),
    'HPACK bombs': (None, lambda: of_streams(bomb)),
    'HPACK table sizes': (None, lambda: of_streams(
        lambda i: frame(HEADERS, END_HEADERS | END_STREAM, i, b'\x20\x3f\xe1\x1f' * 1000 + GET))),
    'fields of 100 kB': (None, lambda: of_streams(
        lambda i: block_frames(i, GET + b'\x40\x01x' + integer(100000, 0, 7) + b'v' * 100000))),
    'one byte in DATA': (None, lambda: after(
        frame(HEADERS, END_HEADERS, 1, POST), repeat(frame(DATA, 0, 1, b'x')))),
}

# The client never reads.
DEAF_FLOODS = {
    'PING, unread': (None, FLOODS['PING'][1]),
    'refused streams, unread': (None, lambda: after(
        b''.join(frame(HEADERS, END_HEADERS, i, POST) for i in range(1, 201, 2)),
        of_streams(lambda i: frame(HEADERS, END_HEADERS | END_STREAM, i, GET), 201))),
    'requests, unread': (None, FLOODS['requests'][1]),
    'fields of 100 kB, unread': (None, FLOODS['fields of 100 kB'][1]),
}


# --- Clients ----------------------------------------------------------------------------------------------------------


class Client:
    """One connection. It notes the GOAWAY, and counts frames."""

    def __init__(self, port, tls=False, hello=HELLO):
        self.socket = socket.create_connection(('127.0.0.1', port), DEADLINE)
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            context.set_alpn_protocols(['h2'])
            self.socket = context.wrap_socket(self.socket)
        self.socket.setblocking(False)
        self.received = b''
        self.goaway = None
        self.last = 0x7fffffff  # the stream that GOAWAY names
        self.counts = [0] * 256
        self.ended = set()  # streams
        self.is_over = False
        self.put(hello)

    def put(self, bytes_, seconds=DEADLINE, read=True):
        """Send all of it within this time. Returns whether that was possible."""
        end = time.monotonic() + seconds
        view = memoryview(bytes_)
        while view and not self.is_over and time.monotonic() < end:
            try:
                view = view[self.socket.send(view):]
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                time.sleep(0.0005)
            except OSError:
                self.is_over = True
            if read:
                self.read()
        return not view

    def read(self):
        """Take what has arrived."""
        try:
            while not self.finished():
                some = self.socket.recv(65536)
                if not some:
                    self.is_over = True
                    return
                self.received += some
                self.look()
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            pass
        except OSError:
            self.is_over = True

    def finished(self):
        return self.is_over and self.goaway is not None

    def look(self):
        at = 0
        while len(self.received) - at >= 9:
            length = int.from_bytes(self.received[at:at + 3], 'big')
            if len(self.received) - at < 9 + length:
                break
            kind, flags, stream = struct.unpack('>BBI', self.received[at + 3:at + 9])
            self.counts[kind] += 1
            if kind == GOAWAY:
                self.last = int.from_bytes(self.received[at + 9:at + 13], 'big')
                self.goaway = int.from_bytes(self.received[at + 13:at + 17], 'big')
            if kind == RST_STREAM or (kind <= HEADERS and flags & END_STREAM):
                self.ended.add(stream)
            at += 9 + length
        self.received = self.received[at:]

    def wait(self, condition, seconds=DEADLINE):
        """Read until the condition holds. Returns whether it does."""
        end = time.monotonic() + seconds
        while not condition() and not self.is_over and time.monotonic() < end:
            time.sleep(0.0005)
            self.read()
        return condition()

    def close(self):
        self.socket.close()


def schedule(pid):
    """The seconds that a process has run, and that it has waited for a core."""
    with open(f'/proc/{pid}/schedstat', encoding='ascii') as file:
        return [int(word) / 1e9 for word in file.read().split()[:2]]


def ask(server):
    """A GET on a new connection. Returns the seconds until the answer, or None if there is none. What other programs of
    this machine delay does not count, nor what we compute ourselves."""
    def elsewhere():
        return sum(schedule('self')) + schedule(server.process.pid)[1]

    start, not_counted = time.monotonic(), elsewhere()
    try:
        client = Client(server.port, server.tls, HELLO + frame(HEADERS, END_HEADERS | END_STREAM, 1, GET))
        good = client.wait(lambda: 1 in client.ended)
        client.close()
    except OSError:
        return None
    took = time.monotonic() - start
    return max(took - (elsewhere() - not_counted), 0) if good else None


class Flood:
    """A flood, in a process of its own, so that it does not delay those who ask."""

    def __init__(self, port, tls, flood, seconds, deaf=False):
        self.results = multiprocessing.Queue()
        self.process = multiprocessing.Process(target=self.run, args=(port, tls, flood, seconds, deaf))
        self.process.start()

    def run(self, port, tls, flood, seconds, deaf):
        end = time.monotonic() + seconds
        start, sent = time.monotonic(), 0
        client = Client(port, tls)
        for piece in flood():
            client.put(piece, max(end - time.monotonic(), 0), read=not deaf)
            sent += len(piece)
            if client.is_over or time.monotonic() >= end:
                break
        took = time.monotonic() - start
        client.is_over = False
        client.wait(lambda: client.goaway is not None, 1)
        self.results.put((client.goaway, took, sent))

    def end(self):
        """Returns the code of GOAWAY (None: there was none), the seconds and the bytes."""
        result = self.results.get(timeout=4 * DEADLINE)
        self.process.join()
        return result


# --- Servers ----------------------------------------------------------------------------------------------------------


class Server:
    """A program that prints where it listens."""

    def __init__(self, command, tls=False, descriptors=None):
        self.tls = tls
        def limit():
            if descriptors:
                resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))

        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                        stdin=subprocess.DEVNULL, preexec_fn=limit)
        line = self.process.stdout.readline().decode()
        found = re.search(r':(\d+)$', line.strip())
        if not found:
            raise RuntimeError(f'{command[0]} does not start: {line}')
        self.port = int(found.group(1))
        # Nobody reads the log: it must not fill the pipe.
        self.log = subprocess.Popen(['cat'], stdin=self.process.stdout, stdout=subprocess.DEVNULL)

    def status(self, name):
        with open(f'/proc/{self.process.pid}/status', encoding='ascii') as file:
            found = re.search(rf'{name}:\s+(\d+)', file.read())
        return int(found.group(1)) * 1024 if found else 0

    def resident(self):
        """Bytes of memory that are its own."""
        return self.status('RssAnon')

    def seconds(self):
        """Its processor time."""
        return schedule(self.process.pid)[0]

    def descriptors(self):
        return len(os.listdir(f'/proc/{self.process.pid}/fd'))

    def is_alive(self):
        return self.process.poll() is None

    def stop(self):
        """SIGTERM. Returns the status, or None if it does not end."""
        try:
            self.process.send_signal(signal.SIGTERM)
            return self.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return None
        finally:
            self.log.wait()
            self.process.stdout.close()


def certificate():
    """A folder with key.pem and cert.pem. The caller's `with` removes it."""
    folder = tempfile.TemporaryDirectory()
    subprocess.run(['sh', f'{ROOT}/grader/tools/certs.sh'], cwd=folder.name, check=True, stdout=subprocess.DEVNULL)
    return folder


def common_server(program, folder=None):
    """A server on common/, as for an installation: build/bench/bounds, or build/bench/server. With a folder that has a
    certificate, it speaks TLS."""
    command = [f'{BUILD}/bench/{program}', '--port', '0']
    if folder:
        command += ['--key', f'{folder}/key.pem', '--cert', f'{folder}/cert.pem']
    if program == 'server':
        command += ['--streams', '100'] + (['--tls'] if folder else [])
    return Server(command, bool(folder))
