#!/usr/bin/env python3
"""Real peers over TLS: lab 6 and the reference server against curl, nghttp, h2load, nghttpd, Node.js and Chromium."""
import base64
import hashlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
# pylint: disable=wrong-import-position
from peers import DEADLINE, ROOT, Server, run  # noqa: E402
from browser import Browser, find  # noqa: E402
from tap import check, done_testing, skip  # noqa: E402

OWN = f'{ROOT}/build/solutions/lab06-tls'
NODE = f'{ROOT}/grader/tests/variants/node/lab06-tls'


class Certificates:
    """key.pem and cert.pem from `make certs`, in a temporary folder."""

    def __enter__(self):
        self.folder = tempfile.mkdtemp()
        subprocess.run(['sh', f'{ROOT}/grader/tools/certs.sh'], cwd=self.folder, check=True,
                       stdout=subprocess.DEVNULL)
        self.key, self.cert = f'{self.folder}/key.pem', f'{self.folder}/cert.pem'
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder)

    def key_hash(self):
        """The hash that makes Chromium trust this one certificate."""
        pem = subprocess.run(['openssl', 'x509', '-in', self.cert, '-pubkey', '-noout'], check=True,
                             capture_output=True, text=True).stdout
        der = base64.b64decode(''.join(pem.splitlines()[1:-1]))
        return base64.b64encode(hashlib.sha256(der).digest()).decode()


class SecureServer(Server):
    def __init__(self, command):
        super().__init__(command)
        self.url = f'https://localhost:{self.port}'


def test_certificates(certs):
    mode = os.stat(certs.key).st_mode & 0o777
    check('make certs: only its owner can read the key', mode == 0o600, oct(mode))
    text = run('openssl', 'x509', '-in', certs.cert, '-noout', '-ext', 'subjectAltName')[1].decode()
    check('make certs: the certificate is for localhost and its addresses', 'DNS:localhost, IP Address:127.0.0.1, '
          'IP Address:0:0:0:0:0:0:0:1' in text, text)
    before = open(certs.key, 'rb').read()
    again = subprocess.run(['sh', f'{ROOT}/grader/tools/certs.sh'], cwd=certs.folder, check=False,
                           capture_output=True)
    check('make certs: it overwrites nothing',
          again.returncode == 1 and open(certs.key, 'rb').read() == before, again.stderr)
    status, out, _ = run('git', '-C', ROOT, 'check-ignore', 'key.pem', 'cert.pem')
    check('make certs: git ignores the files', status == 0 and out == b'key.pem\ncert.pem\n', out)


# --- Servers --------------------------------------------------------------------------------------

def test_with_curl(name, url, certs):
    line = '\n%{http_version} %{http_code}'
    for version in ['1.2', '1.3']:
        status, out, err = run('curl', '-sS', f'--tlsv{version}', '--tls-max', version, '--cacert',
                               certs.cert, '-w', line, url + '/hello-world')
        check(f'curl with TLS {version} from {name}',
              status == 0 and out == b'Hello World\n2 200', f'{status}\n{out!r}\n{err}')
    # RFC 9113, section 9.2.2: no forward secrecy; no authenticated encryption.
    for suite in ['AES128-GCM-SHA256', 'ECDHE-RSA-AES128-SHA']:
        status, _, err = run('curl', '-sS', '--tls-max', '1.2', '--ciphers', suite, '--cacert',
                             certs.cert, url + '/hello-world')
        check(f'{name} refuses curl with {suite}', status == 35 and 'alert' in err,
              f'{status}\n{err}')
    address = url.replace('localhost', '127.0.0.1')
    status, out, err = run('curl', '-sS', '--cacert', certs.cert, address + '/hello-world')
    check(f'curl by address from {name}', status == 0 and out == b'Hello World', err)
    status, _, err = run('curl', '-sS', '--http1.1', '--cacert', certs.cert, url + '/')
    check(f'{name} refuses curl with HTTP/1.1',
          status == 35 and 'no application protocol' in err, f'{status}\n{err}')
    status, out, err = run('curl', '-sS', '--no-alpn', '--cacert', certs.cert, url + '/')
    check(f'{name} refuses curl without ALPN', status != 0 and out == b'', f'{out!r}\n{err}')
    status, _, err = run('curl', '-sS', url + '/')
    check(f'curl does not trust {name} without its certificate', status == 60, f'{status}\n{err}')


def test_with_others(name, url, certs):
    status, out, err = run('nghttp', url + '/ping')
    check(f'nghttp from {name}', status == 0 and out == b'pong', f'{status}\n{out!r}\n{err}')
    count = 1000
    status, out, err = run('h2load', '-n', str(count), '-c', '10', '-m', '20', url + '/hello-world')
    check(f'h2load from {name}: {count} requests', status == 0
          and f'{count} succeeded, 0 failed, 0 errored' in out.decode(), f'{out.decode()}\n{err}')
    for client in OWN, NODE:
        status, out, err = run(f'{client}/client', '--ca', certs.cert, '--timeout', '20000',
                               url + '/hello-world')
        check(f'{os.path.relpath(client, ROOT)}/client from {name}', status == 0
              and out.startswith(b':status: 200\n') and out.endswith(b'\n\nHello World\n'),
              f'{status}\n{out!r}\n{err}')


def test_server(name, command, certs, browser):
    with SecureServer([*command, '--port', '0', '--key', certs.key, '--cert', certs.cert]) as server:
        test_with_curl(name, server.url, certs)
        test_with_others(name, server.url, certs)
        if browser:
            test_with_browser(name, server.url, browser)
    check(f'{name} ends with status 0 and no report', server.status == 0 and not server.errors,
          f'{server.status}\n{server.errors}')
    if browser:
        check(f'{name} logs the request of the browser', 'GET /hello-world?browser 404' in server.output,
              server.output)


# --- Clients --------------------------------------------------------------------------------------

NODE_SERVER = '''
const fs = require('node:fs');
const http2 = require('node:http2');
const [key, cert] = process.argv.slice(1).map((file) => fs.readFileSync(file));
const server = http2.createSecureServer({ key, cert });
server.on('stream', (stream, headers) => {
  stream.respond({ ':status': 200 });
  stream.end(headers[':path'] === '/large' ? 'x'.repeat(4 << 20) : 'Hello from Node.js');
});
server.listen(0, 'localhost', () => console.log(`listening on :${server.address().port}`));
process.on('SIGTERM', () => process.exit(0));
'''


def ask(url, ca):
    return run(f'{OWN}/client', '--ca', ca, '--timeout', '20000', url)


def test_client_with_node(certs, others):
    with SecureServer(['node', '-e', NODE_SERVER, '--', certs.key, certs.cert]) as server:
        status, out, err = ask(server.url + '/', certs.cert)
        check("lab 6's client from Node.js", status == 0 and out.endswith(b'\n\nHello from Node.js\n'),
              f'{status}\n{out!r}\n{err}')
        status, out, err = ask(server.url + '/large', certs.cert)
        check("lab 6's client from Node.js: 4 MiB", status == 0 and out.endswith(b'x' * (4 << 20) + b'\n'),
              f'{status}\n{len(out)}\n{err}')
        status, out, err = ask(server.url + '/', others.cert)
        check("lab 6's client does not trust Node.js with another certificate", status == 1
              and out == b'' and err.endswith('TLS: certificate: self-signed certificate\n'), err)
    with SecureServer([f'{NODE}/server', '--port', '0', '--delay', '60000', '--key', certs.key,
                       '--cert', certs.cert]) as server:
        status, out, err = run(f'{OWN}/client', '--ca', certs.cert, '--timeout', '1000',
                               server.url + '/ping')
        check("lab 6's client times out with Node.js", status == 1 and out == b'request timed out\n'
              and not err, f'{status}\n{out!r}\n{err}')


def is_listening(port):
    try:
        socket.create_connection(('127.0.0.1', port)).close()
        return True
    except OSError:
        return False


def test_client_with_nghttpd(certs):
    """nghttpd cannot choose a port itself: take one that was free a moment ago."""
    with open(f'{certs.folder}/file', 'wb') as file:
        file.write(b'from nghttpd')
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(['nghttpd', '--address=127.0.0.1', '-d', certs.folder, str(port),
                                certs.key, certs.cert], stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    end = time.monotonic() + DEADLINE
    while not is_listening(port) and process.poll() is None and time.monotonic() < end:
        time.sleep(0.05)
    for host in 'localhost', '127.0.0.1':
        status, out, err = ask(f'https://{host}:{port}/file', certs.cert)
        check(f"lab 6's client from nghttpd on {host}", status == 0
              and out.endswith(b'\n\nfrom nghttpd\n'), f'{status}\n{out!r}\n{err}')
    process.terminate()
    process.wait(DEADLINE)


# --- A browser ------------------------------------------------------------------------------------

def trusting(key_hash):
    """A browser that trusts one certificate besides its usual ones."""
    return Browser(f'--ignore-certificate-errors-spki-list={key_hash}')


def visit(browser, url):
    """Returns the text of the page, and its protocol."""
    page = browser.open(url)
    text, protocol = page.run("""[document.body.innerText,
                                  performance.getEntriesByType('navigation')[0].nextHopProtocol]""")
    page.close()
    return text, protocol


def test_with_browser(name, url, browser):
    for path, expected in [('/hello-world', 'Hello World'), ('/ping', 'pong'),
                           ('/hello-world?browser', 'path not found')]:
        try:
            text, protocol = visit(browser, url + path)
        except RuntimeError as error:
            text, protocol = str(error), ''
        check(f'Chromium {path} from {name}, over h2', text == expected and protocol == 'h2',
              f'{protocol!r}: {text!r}')


def test_browser_refuses(others):
    """A certificate that nobody told Chromium about: Chromium does not trust just any certificate."""
    with SecureServer([f'{OWN}/server', '--port', '0', '--key', others.key, '--cert',
                       others.cert]) as server:
        with trusting('x' * 43 + '=') as browser:
            text, _ = visit(browser, server.url + '/hello-world')
    check('Chromium does not trust another certificate', 'Hello World' not in text
          and 'GET' not in server.output, f'{text!r}\n{server.output}')


def test_servers(certs, browser):
    test_server('serve --tls', [f'{ROOT}/build/grader/serve', '--tls'], certs, browser)
    test_server("lab 6's server", [f'{OWN}/server', '--delay', '0'], certs, browser)


def main():
    with Certificates() as certs, Certificates() as others:
        test_certificates(certs)
        test_client_with_node(certs, others)
        test_client_with_nghttpd(certs)
        if find():
            with trusting(certs.key_hash()) as browser:
                test_servers(certs, browser)
            test_browser_refuses(others)
        else:
            test_servers(certs, None)
            skip('Chromium gets pages over h2', 'chromium is missing: make deps-test')
    return done_testing()


if __name__ == '__main__':
    sys.exit(main())
