#!/usr/bin/env python3
"""Real peers: the solutions and the reference server against nghttpd, curl, nghttp, h2load and Node.js.

The grader's own peer is one opinion about HTTP/2; these are four others.
"""
import os
import re
import socket
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [f'{ROOT}/grader/tools/dev', f'{ROOT}/common/bench']
import hostile  # noqa: E402  pylint: disable=wrong-import-position
from tap import check, done_testing  # noqa: E402  pylint: disable=wrong-import-position

SESSION = f'{ROOT}/build/solutions/lab01-session/session'
REQUESTS = f'{ROOT}/build/solutions/lab02-requests/requests'
SERVERS = {
    'serve': [f'{ROOT}/build/grader/serve', '--port', '0'],
    'lab03-server/server': [f'{ROOT}/build/solutions/lab03-server/server', '--port', '0'],
    'lab04-router/router': [f'{ROOT}/build/solutions/lab04-router/router', '--port', '0'],
    'lab05-timeouts/server': [f'{ROOT}/build/solutions/lab05-timeouts/server', '--port', '0',
                              '--delay', '50'],
}
CLIENT = f'{ROOT}/build/solutions/lab05-timeouts/client'
NODE_LAB05 = f'{ROOT}/grader/tests/variants/node/lab05-timeouts'
DEADLINE = 30  # seconds; nothing here takes even one


def run(*command):
    """Run a command to its end. Returns the status, standard output and standard error."""
    done = subprocess.run(command, capture_output=True, timeout=DEADLINE, stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout, done.stderr.decode('utf-8', 'replace')


class Server:
    """A server that prints where it listens. SIGTERM ends it."""

    def __init__(self, command):
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log,
                                        stdin=subprocess.DEVNULL)
        line = self.process.stdout.readline().decode()
        self.port = int(re.search(r':(\d+)$', line.strip()).group(1))
        self.url = f'http://localhost:{self.port}'

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.output = self.process.stdout.read().decode('utf-8', 'replace')
        self.status = self.process.wait(DEADLINE)
        self.log.seek(0)
        self.errors = self.log.read().decode('utf-8', 'replace')
        self.log.close()
        self.process.stdout.close()


class Nghttpd:
    """nghttpd cannot choose a port itself: take one that was free a moment ago, and try another if it no longer is."""

    def __init__(self, folder):
        for _ in range(10):
            with socket.socket() as probe:
                probe.bind(('127.0.0.1', 0))
                self.port = probe.getsockname()[1]
            self.process = subprocess.Popen(
                ['nghttpd', '--no-tls', '--address=127.0.0.1', '-d', folder, str(self.port)],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
            if self.wait_until_it_listens():
                return
            self.process.kill()
            self.process.wait()
        raise RuntimeError('nghttpd does not start')

    def wait_until_it_listens(self):
        end = time.monotonic() + DEADLINE
        while time.monotonic() < end and self.process.poll() is None:
            try:
                socket.create_connection(('127.0.0.1', self.port), 1).close()
                return True
            except OSError:
                time.sleep(0.01)
        return False

    def __enter__(self):
        self.url = f'http://localhost:{self.port}'
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(DEADLINE)


def split(response):
    """Split what `requests` prints for one response into header lines and body, which always ends in a newline."""
    head, _, body = response.partition(b'\n\n')
    return head.decode().split('\n'), body


def as_printed(body):
    """A body with the newline that `requests` prints after it."""
    return body if not body or body.endswith(b'\n') else body + b'\n'


def test_clients_against(name, url, paths):
    status, out, err = run(SESSION, url)
    check(f'session against {name}', status == 0 and out.endswith(b'session closed\n')
          and not err, f'{status}\n{out!r}\n{err}')
    for path, body in paths.items():
        status, out, err = run(REQUESTS, url + path)
        lines, seen = split(out)
        check(f'requests {path} against {name}', status == 0 and lines[0] == ':status: 200'
              and seen == as_printed(body), f'{status}\n{lines}\n{len(seen)} bytes of body\n{err}')
    first, *rest = paths
    status, out, err = run(REQUESTS, url + first, *rest)
    check(f'requests, {len(paths)} at once, against {name}', status == 0
          and out.count(b':status: 200') == len(paths), f'{status}\n{out[:500]!r}\n{err}')


def test_nghttpd():
    with tempfile.TemporaryDirectory() as folder:
        big = os.urandom(1 << 20)
        for name, body in {'small.txt': b'small\n', 'big.bin': big, 'empty': b''}.items():
            with open(f'{folder}/{name}', 'wb') as file:
                file.write(body)
        with Nghttpd(folder) as server:
            test_clients_against('nghttpd', server.url,
                                 {'/small.txt': b'small\n', '/big.bin': big, '/empty': b''})


NODE_SERVER = r'''
const http2 = require('node:http2');
const server = http2.createServer();
server.on('stream', (stream, headers) => {
  stream.on('error', () => {});
  stream.respond({ ':status': 200, 'content-type': 'text/plain' });
  if (headers[':method'] === 'POST') stream.pipe(stream);
  else stream.end(`you asked for ${headers[':path']}`);
});
server.listen(0, '127.0.0.1', () => console.log(`listening on :${server.address().port}`));
process.on('SIGTERM', () => process.exit(0));
'''

NODE_CLIENT = r'''
const http2 = require('node:http2');
const [url, method, path, body] = process.argv.slice(1);
const session = http2.connect(url);
session.on('error', (error) => { console.error(error.message); process.exit(1); });
const stream = session.request({ ':method': method, ':path': path });
let text = '';
stream.on('response', (headers) => console.log(headers[':status'], 'date' in headers));
stream.setEncoding('utf8');
stream.on('data', (chunk) => { text += chunk; });
stream.on('end', () => { console.log(text); session.close(); });
if (body) stream.end(body);
'''


def test_node_server():
    with Server(['node', '-e', NODE_SERVER]) as server:
        paths = {path: f'you asked for {path}'.encode() for path in ('/', '/a?b=c', '/%20//x')}
        test_clients_against('Node.js', server.url, paths)
        piece = 'x' * 100000
        status, out, err = run(REQUESTS, '-d', piece, '-d', '', '-d', piece, server.url + '/echo')
        check('requests POST against Node.js', status == 0 and split(out)[1] == 2 * piece.encode() + b'\n',
              f'{status}\n{len(out)} bytes\n{err}')


def test_server_with_curl(name, url, path, status, body, method='GET'):
    code, out, err = run('curl', '-sS', '--http2-prior-knowledge', '-X', method, '-w',
                         '\n%{http_version} %{http_code}', url + path)
    check(f'curl {method} {path} from {name}', code == 0 and out == body + f'\n2 {status}'.encode(),
          f'{code}\n{out!r}\n{err}')


def test_server_with_nghttp(name, url, path, body):
    code, out, err = run('nghttp', url + path)
    check(f'nghttp {path} from {name}', code == 0 and out == body, f'{code}\n{out!r}\n{err}')


def test_server_with_node(name, url, method, path, body, status, expected):
    code, out, err = run('node', '-e', NODE_CLIENT, '--', url, method, path, body)
    check(f'Node.js {method} {path} from {name}',
          code == 0 and out.decode() == f'{status} true\n{expected}\n', f'{code}\n{out!r}\n{err}')


def test_server_with_h2load(name, url, path):
    count = 2000
    code, out, err = run('h2load', '-n', str(count), '-c', '10', '-m', '50', url + path)
    text = out.decode()
    check(f'h2load from {name}: {count} requests', code == 0
          and f'{count} succeeded, 0 failed, 0 errored' in text
          and f'status codes: {count} 2xx' in text, f'{code}\n{text}\n{err}')


ROUTES = {
    'serve': {'/': 'Hello World!', '/hello-world': 'Hello World', '/ping': 'pong'},
    'lab03-server/server': {'/': 'Hello World!', '/any/path?at=all': 'Hello World!'},
    'lab04-router/router': {'/hello-world': 'Hello World', '/ping': 'pong'},
    'lab05-timeouts/server': {'/hello-world': 'Hello World', '/ping': 'pong'},
}


def test_server(name):
    with Server(SERVERS[name]) as server:
        for path, body in ROUTES[name].items():
            test_server_with_curl(name, server.url, path, 200, body.encode())
            test_server_with_nghttp(name, server.url, path, body.encode())
            test_server_with_node(name, server.url, 'GET', path, '', 200, body)
            test_clients_against(name, server.url, {path: body.encode()})
        if name == 'lab03-server/server':
            test_server_with_curl(name, server.url, '/x', 200, b'Hello World!', 'DELETE')
            test_server_with_node(name, server.url, 'POST', '/x', 'body', 200, 'Hello World!')
        else:
            test_server_with_curl(name, server.url, '/nothing', 404, b'path not found')
            test_server_with_curl(name, server.url, '/ping', 404, b'path not found', 'POST')
        if name == 'serve':
            test_server_with_node(name, server.url, 'POST', '/send-data', 'abc', 200, 'abc')
            test_echo(server.url)
        test_server_with_h2load(name, server.url, next(iter(ROUTES[name])))
    check(f'{name} ends with status 0 and no report', server.status == 0 and not server.errors,
          f'{server.status}\n{server.errors}')


def test_log(name):
    """0x9b alone begins a command of a terminal, as Escape and [ do."""
    path = b'/\x9b2J\xc2\x9bm'
    block = b'\x82\x86\x04' + bytes([len(path)]) + path + b'\x01\x01a'
    with Server(SERVERS[name]) as server:
        client = hostile.Client(server.port)
        client.put(hostile.frame(hostile.HEADERS, hostile.END_HEADERS | hostile.END_STREAM, 1, block))
        client.wait(lambda: 1 in client.ended)
        client.close()
    check(f'{name}: its log drives no terminal', r'GET /\x9b2J\xc2\x9bm 404' in server.output, server.output)


def test_echo(url):
    """8 MiB through /send-data, up and down at once."""
    body = os.urandom(8 << 20)
    with tempfile.NamedTemporaryFile() as file:
        file.write(body)
        file.flush()
        code, out, err = run('curl', '-sS', '--http2-prior-knowledge', '--data-binary',
                             f'@{file.name}', f'{url}/send-data')
    check('curl gets its 8 MiB back from /send-data', code == 0 and out == body,
          f'{code}\n{len(out)} bytes\n{err}')


def test_half():
    """`--misbehave half`: the response's header section and half of its body, and then the end."""
    with Server([*SERVERS['serve'], '--misbehave', 'half']) as server:
        for path, body in ROUTES['serve'].items():
            code, out, err = run('curl', '-sS', '-i', '--http2-prior-knowledge', server.url + path)
            head, _, seen = out.partition(b'\r\n\r\n')
            check(f'serve sends half of {path}, and closes', code != 0 and head.startswith(b'HTTP/2 200')
                  and f'content-length: {len(body)}'.encode() in head and seen == body[:len(body) // 2].encode(),
                  f'{code}\n{out!r}\n{err}')
    check('serve has no report of that', server.status == 0 and not server.errors, f'{server.status}\n{server.errors}')


def test_patience(client, server, name):
    """Lab 5: a ping in time, and one that is too slow; the server learns that the client gave up."""
    with Server([*server, '--port', '0', '--delay', '50']) as serving:
        status, out, err = run(client, '--timeout', '20000', serving.url + '/ping')
        lines, body = split(out)
        check(f'{name}: a ping in time succeeds', status == 0 and lines[0] == ':status: 200' and body == b'pong\n'
              and not err, f'{status}\n{out!r}\n{err}')
    with Server([*server, '--port', '0', '--delay', '60000']) as serving:
        status, out, err = run(client, '--timeout', '500', serving.url + '/ping')
        check(f'{name}: a slow ping times out', status == 1 and out == b'request timed out\n' and not err,
              f'{status}\n{out!r}\n{err}')
    check(f'{name}: the server logs this, and exits', serving.output == 'stream closed\n'
          and serving.status == 0, f'{serving.status}\n{serving.output}\n{serving.errors}')


def test_timeouts():
    own = f'{ROOT}/build/solutions/lab05-timeouts/server'
    test_patience(CLIENT, [f'{NODE_LAB05}/server'], "lab 5's client against Node.js")
    test_patience(f'{NODE_LAB05}/client', [own], "Node.js against lab 5's server")
    test_patience(CLIENT, [own], "lab 5's client against lab 5's server")


def main():
    for test in (test_nghttpd, test_node_server, test_timeouts, test_half):
        test()
    for name in SERVERS:
        test_server(name)
    for name in list(SERVERS):
        if 'lab03' not in name:
            test_log(name)
    return done_testing()


if __name__ == '__main__':
    sys.exit(main())
