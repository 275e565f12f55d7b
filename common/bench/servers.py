"""servers: our server and the peers, each in its fastest configuration: one worker, no logs, limits raised."""
import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, os.environ.get('BUILD') or 'build')
BUILT = f'{BUILD}/bench'
HELLO = 'Hello World!'
MANY = 1000000000
DEADLINE = 30  # seconds to start and to stop; no server needs even one
SIZES = [10 ** power for power in range(9)] + [1024 * 1024, 100 * 1024 * 1024]  # bodies that clients ask for: /N

# The path of a command, also in folders that only root has in PATH.
os.environ['PATH'] += ':/usr/sbin:/sbin'

NODE = r'''
const http2 = require('node:http2'), fs = require('node:fs');
const [port, key, cert] = process.argv.slice(1);
const settings = { maxConcurrentStreams: 1000 };
const server = key ? http2.createSecureServer({ key: fs.readFileSync(key), cert: fs.readFileSync(cert), settings })
                   : http2.createServer({ settings });
const zeros = Buffer.alloc(100 * 1024 * 1024);
server.on('stream', (stream, headers) => {
  const length = Number(headers[':path'].slice(1));
  stream.on('error', () => {});
  const answer = () => {
    stream.respond({ ':status': 200, 'content-length': length || 12 });
    stream.end(length ? zeros.subarray(0, length) : 'Hello World!');
  };
  if (headers[':method'] !== 'POST') return answer();
  stream.on('end', answer);
  stream.resume();
});
server.listen(Number(port), '127.0.0.1');
'''

NGINX = '''
daemon off;
worker_processes 1;
worker_rlimit_nofile {files};
pid {folder}/nginx.pid;
error_log /dev/null crit;
events {{ worker_connections {connections}; }}
http {{
  access_log off;
  default_type text/plain;
  keepalive_timeout 600s;
  keepalive_requests {many};
  http2_max_concurrent_streams 1000;
  large_client_header_buffers 16 64k;
  client_max_body_size 0;
  client_body_buffer_size 2m;
  sendfile on;
  open_file_cache max=100;
  client_body_temp_path {folder}/nginx-body;
  proxy_temp_path {folder}/nginx-proxy;
  fastcgi_temp_path {folder}/nginx-fastcgi;
  uwsgi_temp_path {folder}/nginx-uwsgi;
  scgi_temp_path {folder}/nginx-scgi;
  server {{
    listen 127.0.0.1:{port} {tls} http2 backlog=4096;
    {certificate}
    location = / {{ return 200 "Hello World!"; }}
    location / {{ root {folder}/files; }}
  }}
}}
'''

H2O = '''
num-threads: 1
max-connections: {connections}
http2-idle-timeout: 600
http2-max-concurrent-requests-per-connection: 1000
limit-request-body: 1073741824
error-log: /dev/null
listen:
  host: 127.0.0.1
  port: {port}
  {certificate}
hosts:
  default:
    paths:
      "/upload":
        mruby.handler: "Proc.new {{|env| [200, {{}}, ['Hello World!']]}}"
      "/":
        file.dir: {folder}/files
        file.send-compressed: OFF
'''

# A description of each, for the report, in the order of the tables.
ABOUT = {
    'common': 'common/server.h (this repository), one thread, no log, compiled as a whole with nghttp2 linked in',
    'nghttpd': 'one worker (-n 1), no log, RFC 7540 priorities off, 1000 streams, the body a file',
    'h2o': 'num-threads 1, no log, 1000 streams, the body a file (its cache of descriptors)',
    'nginx': 'one worker, no log, `return 200` from memory, 1000 streams, keep-alive without limit',
    'node': "http2 of Node.js, one process, 'stream' event, the body from memory, 1000 streams",
}


def installed():
    names = {'common': f'{BUILT}/server', 'nghttpd': 'nghttpd', 'h2o': 'h2o', 'nginx': 'nginx', 'node': 'node'}
    return [name for name, command in names.items() if shutil.which(command)]


def make_files(folder):
    """The files to serve, and one key for TLS for all."""
    os.mkdir(f'{folder}/files')
    with open(f'{folder}/files/index.html', 'w', encoding='ascii') as file:
        file.write(HELLO)
    for size in SIZES:
        with open(f'{folder}/files/{size}', 'wb') as file:
            file.truncate(size)
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout',
                    f'{folder}/key.pem', '-out', f'{folder}/cert.pem', '-subj', '/CN=localhost', '-addext',
                    'subjectAltName=DNS:localhost,IP:127.0.0.1', '-days', '2'],
                   check=True, capture_output=True)


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def command(name, folder, port, tls, connections):
    """The command line. Write the configuration, if the server reads one, to `folder`."""
    key, cert = f'{folder}/key.pem', f'{folder}/cert.pem'
    if name == 'common':
        return [f'{BUILT}/server', '--port', str(port)] + (['--tls', '--key', key, '--cert', cert] if tls else [])
    if name == 'nghttpd':
        return (['nghttpd', '--address=127.0.0.1', '-n', '1', '-m', '1000', '--no-rfc7540-pri', '-d', f'{folder}/files']
                + ([str(port), key, cert] if tls else ['--no-tls', str(port)]))
    if name == 'node':
        return ['node', '-e', NODE, '--', str(port)] + ([key, cert] if tls else [])
    values = {'folder': folder, 'port': port, 'connections': connections, 'files': 2 * connections, 'many': MANY,
              'tls': 'ssl' if tls else '', 'certificate': ''}
    path = f'{folder}/{name}-{"tls" if tls else "plain"}.conf'
    if tls and name == 'nginx':
        values['certificate'] = (f'ssl_certificate {cert}; ssl_certificate_key {key}; '
                                 'ssl_protocols TLSv1.2 TLSv1.3; ssl_session_cache off;')
    elif tls:
        values['certificate'] = f'ssl: {{certificate-file: {cert}, key-file: {key}}}'
    with open(path, 'w', encoding='ascii') as file:
        file.write((NGINX if name == 'nginx' else H2O).format(**values))
    return ['nginx', '-p', folder, '-c', path, '-e', '/dev/null'] if name == 'nginx' else ['h2o', '-c', path]


def of_threads(pid, name):
    """What /proc says in this file of each thread; nothing of those that have ended: h2o with TLS starts a child that
    asks for OCSP, and goes."""
    found = []
    with contextlib.suppress(OSError):
        for task in os.listdir(f'/proc/{pid}/task'):
            with contextlib.suppress(OSError), open(f'/proc/{pid}/task/{task}/{name}', encoding='ascii') as file:
                found.append(file.read())
    return found


class Server:
    """A running server, on core 0. Its processor time and memory are those of the process and its children."""

    base = None  # where h2load connects, if not to the port of the URL

    def __init__(self, name, folder, tls=False, connections=10500, run=None):
        self.name = name
        self.tls = tls
        self.folder = folder
        self.port = free_port()
        line = run(self.port) if run else command(name, folder, self.port, tls, connections)
        self.process = subprocess.Popen(on_core(0) + line, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, start_new_session=True)
        self.url = f'http{"s" if tls else ""}://127.0.0.1:{self.port}'
        self.wait()

    def wait(self):
        end = time.monotonic() + DEADLINE
        while time.monotonic() < end and self.process.poll() is None:
            try:
                socket.create_connection(('127.0.0.1', self.port), 1).close()
                return
            except OSError:
                time.sleep(0.01)
        self.stop()
        raise RuntimeError(f'{self.name}{" with TLS" if self.tls else ""} does not start')

    def processes(self):
        """The process and its children: nginx has a worker."""
        pids = [self.process.pid]
        for pid in pids:
            for children in of_threads(pid, 'children'):
                pids += map(int, children.split())
        return pids

    def processor_seconds(self):
        """The processor time of all threads, to the nanosecond."""
        return sum(int(times.split()[0]) for pid in self.processes() for times in of_threads(pid, 'schedstat')) / 1e9

    def resident(self):
        """Bytes of memory, without memory shared with other programs or mapped from files."""
        total = 0
        for pid in self.processes():
            with contextlib.suppress(OSError), open(f'/proc/{pid}/status', encoding='ascii') as file:
                found = re.search(r'RssAnon:\s+(\d+)', file.read())
                total += int(found.group(1)) * 1024 if found else 0  # a crashed process has no memory any more
        return total

    def stop(self):
        """End the server and its children: they are a process group of their own."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()


def on_core(number):
    """The words before a command that make it run on this core alone."""
    return ['taskset', '-c', str(number)] if shutil.which('taskset') and (os.cpu_count() or 1) > 1 else []
