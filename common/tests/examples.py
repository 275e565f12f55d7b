#!/usr/bin/env python3
"""The programs in common/examples against curl, nghttp, h2load and Node.js; and every step of its README."""
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, f'{ROOT}/grader/tools/dev')
from tap import check, done_testing  # noqa: E402  pylint: disable=wrong-import-position

DEADLINE = 300  # seconds; nothing here takes ten, except compiling all of common/
os.environ['ASAN_OPTIONS'] = 'quarantine_size_mb=1'  # freed memory must not count
CURL = ['curl', '-sS', '--http2-prior-knowledge', '--max-time', str(DEADLINE)]


def run(*command, **more):
    """Run a command to its end. Returns the status, standard output and standard error."""
    done = subprocess.run(command, capture_output=True, timeout=DEADLINE, stdin=subprocess.DEVNULL, **more)
    return done.returncode, done.stdout, done.stderr.decode('utf-8', 'replace')


def curl(*arguments):
    status, out, error = run(*CURL, *arguments)
    return out if status == 0 else f'curl: {status}: {error}'.encode()


class Server:
    """A program that says where it listens. SIGTERM ends it; it must exit cleanly."""

    def __init__(self, *command):
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
        self.url = re.search(rb'http://\S+', self.process.stdout.readline())[0].decode()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        _, errors = self.process.communicate(timeout=DEADLINE)
        name = os.path.basename(self.process.args[0])
        check(f'{name} ends cleanly', self.process.returncode == 0 and b'Sanitizer' not in errors,
              f'{self.process.returncode}: {errors.decode()[-2000:]}')

    def memory(self):
        """Bytes of resident memory."""
        with open(f'/proc/{self.process.pid}/statm', encoding='ascii') as file:
            return int(file.read().split()[1]) * os.sysconf('SC_PAGE_SIZE')


def example(name, *arguments):
    return Server(f'{ROOT}/build/examples/{name}', *arguments)


def node(script, *arguments):
    """Run a module of Node.js. Its arguments are process.argv from 1 on."""
    status, out, error = run('node', '--input-type=module', '-e', script, '--', *arguments)
    return out.decode() if status == 0 else f'node: {status}: {error}'


# --- files ------------------------------------------------------------------------------------------------


def files():
    folder = tempfile.mkdtemp()
    large = os.urandom(1000) * 30000
    names = 'large', 'large-2', 'large-3'
    for name in names:
        with open(f'{folder}/{name}', 'wb') as file:
            file.write(large)
    with open(f'{folder}/.hidden', 'wb') as file:
        file.write(b'hidden')
    os.symlink('/etc/passwd', f'{folder}/link')
    os.utime(f'{folder}/large', (784111777, 784111777))
    with example('files', '--port', '0', folder) as server:
        check('files: it serves a large file', curl(f'{server.url}/large') == large)
        head = curl('-I', f'{server.url}/large').decode()
        check('files: HEAD gets the length and the date, and ends',
              'content-length: 30000000' in head and 'last-modified: Sun, 06 Nov 1994 08:49:37 GMT' in head, head)
        for path in '/none', '/.hidden', '/../etc/passwd', '/', '/link':
            code = curl('--path-as-is', '-o', '/dev/null', '-w', '%{http_code}', server.url + path)
            check(f'files: {path} does not exist', code == b'404', code)
        # Send no body: curl 7.88 fails if RST_STREAM(NO_ERROR) comes before it has sent all of the body (RFC 9113, 8.1).
        code = curl('-X', 'POST', '-o', '/dev/null', '-w', '%{http_code}', f'{server.url}/large')
        check('files: it refuses POST', code == b'405', code)
        # (curl 7.88 takes the NO_ERROR that refuses the rest of an upload for an error.)
        status, out, error = run('nghttp', '-v', '-d', f'{folder}/large', f'{server.url}/large')
        check('files: it refuses an upload of 30 MB, and the response arrives',
              b':status: 405' in out and b'only GET and HEAD' in out and b'NO_ERROR(0x00)' in out, f'{status} {out[-2000:]} {error}')
        status, out, error = run('nghttp', '-n', '-s', *(f'{server.url}/{name}' for name in names))
        check('files: nghttp gets three files at once', status == 0 and out.count(b' 200 ') == 3, f'{status} {out} {error}')
        before = server.memory()
        slow = subprocess.Popen([*CURL, '--limit-rate', '1k', '-o', '/dev/null', f'{server.url}/large'])
        check('files: it serves another client while one is slow', curl(f'{server.url}/large') == large)
        grown = server.memory() - before
        check('files: a client that reads slowly costs little memory', grown < 8000000, f'{grown} bytes')
        slow.terminate()
        slow.wait(DEADLINE)
    shutil.rmtree(folder)


# --- events -----------------------------------------------------------------------------------------------

LISTEN = """
import http2 from 'node:http2';
const session = http2.connect(process.argv[1]);
const first = [];
let ready = 0;
for (let i = 0; i < 50; i++) {
  const stream = session.request({':path': '/events'});
  let text = '';
  stream.setEncoding('utf8').on('data', data => {
    text += data;
    const numbers = [...text.matchAll(/data: (\\d+)\\n\\n/g)].map(match => Number(match[1]));
    if (numbers.length < 5 || first[i]) return;
    first[i] = numbers.slice(0, 5);
    ready++;
    if (ready < 50) return;
    const right = first.every(list => list.every((number, j) => number === list[0] + j));
    console.log(right ? 'right' : JSON.stringify(first));
    session.destroy();
  });
}
"""


def events():
    with example('events', '--port', '0', '--every', '20') as server:
        said = node(LISTEN, server.url)
        check('events: fifty listeners of Node.js each get every event', said == 'right\n', said)
        code = curl('-X', 'POST', '-o', '/dev/null', '-w', '%{http_code}', f'{server.url}/events')
        check('events: it refuses POST', code == b'405', code)
        listener = subprocess.Popen([*CURL, '-N', f'{server.url}/events'], stdout=subprocess.PIPE)
        line = listener.stdout.readline()
        check('events: curl gets the events', line == b'retry: 1000\n', line)
    _, rest = listener.stdout.read(), listener.wait(DEADLINE)
    check('events: the response ends with the server', rest == 0, f'curl: {rest}')


# --- grpc and proxy ---------------------------------------------------------------------------------------

TALK = """
import http2 from 'node:http2';
const [url, path, ...sent] = process.argv.slice(1);
const message = text => {
  const bytes = Buffer.from(text === 'large' ? 'x'.repeat(300000) : text);
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([prefix, bytes]);
};
const session = http2.connect(url);
const stream = session.request({':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers'});
let received = Buffer.alloc(0), answered = 0;
const result = {messages: []};
const next = () => {
  if (answered < sent.length) stream.write(message(sent[answered]));
  else stream.end();
};
stream.on('response', headers => { if (headers['grpc-status']) result.status = headers['grpc-status']; });
stream.on('trailers', headers => { result.status = headers['grpc-status']; result.message = headers['grpc-message']; });
stream.on('data', data => {
  received = Buffer.concat([received, data]);
  while (received.length >= 5 && received.length >= 5 + received.readUInt32BE(1)) {
    const end = 5 + received.readUInt32BE(1);
    result.messages.push(end < 100 ? received.subarray(5, end).toString() : end);
    received = received.subarray(end);
    answered++;
    next();
  }
});
stream.on('close', () => { console.log(JSON.stringify(result)); session.close(); });
stream.on('error', error => { result.error = error.message; });
next();
"""

CALLS = [
    ('unary', '/example.Echo/Say', ['hello'], '{"messages":["hello"],"status":"0"}'),
    ('streaming, each answer before the next message', '/example.Echo/Talk', ['one', 'two', '', 'large', 'three'],
     '{"messages":["one","two","",300005,"three"],"status":"0"}'),
    ('no message', '/example.Echo/Say', [], '{"messages":[],"status":"3","message":"no message"}'),
    ('an unknown method', '/example.Echo/Sing', [], '{"messages":[],"status":"12"}'),
]


def grpc(url, through):
    for what, path, sent, expected in CALLS:
        said = node(TALK, url, path, *sent)
        check(f'grpc{through}: {what}', said == expected + '\n', said)


NODE_SERVER = """
import http2 from 'node:http2';
let requests = 0;
const server = http2.createServer();
server.on('stream', (stream, headers) => {
  requests++;
  stream.on('error', () => {});
  if (headers[':path'] === '/hint') stream.additionalHeaders({':status': 103, link: '</a>'});
  if (headers[':path'] === '/leave') stream.session.close();
  if (headers[':path'] === '/reset') return stream.close(http2.constants.NGHTTP2_ENHANCE_YOUR_CALM);
  if (headers[':path'] === '/refuse' && requests % 3 !== 0) return stream.close(http2.constants.NGHTTP2_REFUSED_STREAM);
  if (headers[':path'] === '/never') return;
  stream.respond({':status': 200, 'x-path': headers[':path'], 'x-authority': headers[':authority']});
  if (headers[':method'] === 'HEAD') return stream.end();
  stream.pipe(stream);
});
server.listen(0, 'localhost', () => console.log(`http://localhost:${server.address().port}`));
process.on('SIGTERM', () => process.exit(0));
"""


def node_server():
    return Server('node', '--input-type=module', '-e', NODE_SERVER)


def proxy():
    with example('grpc', '--port', '0') as server, example('proxy', server.url, '0') as between:
        grpc(server.url, '')
        grpc(between.url, ', through the proxy')
    with node_server() as server, example('proxy', server.url, '0') as between:
        body = tempfile.NamedTemporaryFile()
        body.write(os.urandom(1000) * 20000)
        body.flush()
        with open(body.name, 'rb') as file:
            check('proxy: 20 MB go there and back', curl('--data-binary', f'@{body.name}', f'{between.url}/echo') == file.read())
        check('proxy: it holds little of the bodies in memory', between.memory() < 200000000, between.memory())
        head = curl('-I', f'{between.url}/a?b=c').decode()
        check('proxy: it passes on HEAD, and the path with its query', 'x-path: /a?b=c' in head, head)
        hint = curl('-i', f'{between.url}/hint').decode()
        check('proxy: it passes on 103', 'HTTP/2 103' in hint and 'link: </a>' in hint and 'HTTP/2 200' in hint, hint)
        status, _, error = run(*CURL, f'{between.url}/reset')
        check('proxy: a reset before the response becomes 502', status == 0, error)
        for _ in range(3):
            code = curl('-o', '/dev/null', '-w', '%{http_code}', f'{between.url}/leave')
            check('proxy: it connects again after GOAWAY', code == b'200', code)
        status, out, error = run('h2load', '-n', '2000', '-c', '4', '-m', '20', f'{between.url}/many')
        check('proxy: h2load', b' 2000 succeeded' in out, out.decode() + error)
    with example('proxy', 'http://localhost:1', '0') as between:
        code = curl('-o', '/dev/null', '-w', '%{http_code}', between.url)
        check('proxy: without a server the answer is 502', code == b'502', code)


def deadline():
    program = f'{ROOT}/build/examples/deadline'
    with node_server() as server:
        status, out, error = run(program, f'{server.url}/a', '/b')
        check('deadline: it prints two answers', status == 0 and sorted(out.splitlines()) == [b'/a: 200, 0 bytes', b'/b: 200, 0 bytes'],
              f'{status} {out} {error}')
        status, out, error = run(program, '--ms', '200', f'{server.url}/never')
        check('deadline: it gives up when no answer comes', status == 1 and out == b'/never: no answer within 200 ms\n', f'{status} {out} {error}')
        status, out, error = run(program, '--ms', '20000', '--tries', '5', f'{server.url}/refuse')
        check('deadline: it tries a refused request again', status == 0 and out == b'/refuse: 200, 0 bytes\n', f'{status} {out} {error}')
        status, out, error = run(program, '--tries', '1', f'{server.url}/reset')
        check('deadline: it does not try again after a reset', status == 1 and b'ENHANCE_YOUR_CALM' in out, f'{status} {out} {error}')
    status, out, error = run(program, '--ms', '20000', '--tries', '3', f'{server.url}/')
    check('deadline: without a server it tries three times', status == 1 and out == b'/: CANCEL\n' and error.count('Connection refused') == 3,
          f'{status} {out} {error}')


# --- The README -------------------------------------------------------------------------------------------


def readme():
    with open(f'{ROOT}/common/examples/README.md', encoding='utf-8') as file:
        text = file.read()
    makefile = re.search(r'```make\n(.*?)```', text, re.S)[1]
    program = re.search(r'```c\n(.*?)```', text, re.S)[1]
    check('README: the Makefile has four lines', makefile.count('\n') == 4, makefile)
    folder = tempfile.mkdtemp()
    with open(f'{folder}/Makefile', 'w', encoding='utf-8') as file:
        file.write(makefile.replace('../http2', ROOT))
    with open(f'{folder}/hello.c', 'w', encoding='utf-8') as file:
        file.write(program.replace('.port = 8000', '.port = 0').replace(
            '  return uv_run', '  printf("http://localhost:%d\\n", server_port(server));\n  fflush(stdout);\n  return uv_run'))
    status, _, error = run('make', '-C', folder)
    check('README: the program compiles without a warning', status == 0 and 'warning' not in error, error[-2000:])
    with Server(f'{folder}/hello') as server:
        said = curl(server.url)
        check('README: the program runs', said == b'Hello World!', said)
    listed = set(re.findall(r'\]\((\w+\.c)\)', text))
    present = {name for name in os.listdir(f'{ROOT}/common/examples') if name.endswith('.c')}
    check('README: it lists every program', listed == present, f'{listed} {present}')
    for name in present:
        with open(f'{ROOT}/common/examples/{name}', encoding='utf-8') as file:
            lines = file.read().count('\n')
        check(f'{name} has at most 200 lines', lines <= 200, f'{lines}')


if __name__ == '__main__':
    for part in files, events, proxy, deadline, readme:
        part()
    sys.exit(done_testing())
