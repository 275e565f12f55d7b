"""measure: one measurement each, of one server or program."""
import os
import re
import resource
import shutil
import signal
import statistics
import subprocess
import tempfile
import time

from servers import BUILT, ROOT, Server, on_core

DEADLINE = 120  # seconds for one measurement; each should take less than a tenth of it


def run(command, **more):
    """Run a command. Returns its standard output and its processor seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, stdin=subprocess.DEVNULL, **more)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        raise RuntimeError(f'{" ".join(command)}: status {done.returncode}\n{done.stderr}')
    return done.stdout, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def microseconds(text):
    """h2load's times: 12us, 3.45ms, 1.20s."""
    number, unit = re.fullmatch(r'([\d.]+)(us|ms|s)', text).groups()
    return float(number) * {'us': 1, 'ms': 1e3, 's': 1e6}[unit]


class Work:
    """The work for a server: n requests on c connections of m streams."""

    def __init__(self, connections, streams, path='/', upload=None, fields=0):
        self.connections = connections
        self.streams = streams
        self.path = path
        self.upload = upload
        self.fields = fields

    def h2load(self, url, count):
        line = ['h2load', '-n', str(count), '-c', str(self.connections), '-m', str(self.streams),
                '--tls13-ciphers=TLS_AES_128_GCM_SHA256']
        for i in range(self.fields):
            line += ['-H', f'x-field-{i}: value']
        if self.upload:
            line += ['-d', self.upload]
        return line + [url + self.path]


# h2load prints the time of a request: the least, the most, the mean ...; since nghttp2 1.6x the median and two
# percentiles stand before the mean.
MEAN = re.compile(r'^time for request:(?:\s+\S+){2}\s+(\S+)|^request\s+:(?:\s+\S+){5}\s+(\S+)', re.M)


def load(server, work, count):
    """One run of h2load on core 1. A failed request is an error: then the figures mean nothing."""
    count = max(count, work.connections)
    before = server.processor_seconds()
    out, load_seconds = run(on_core(1) + work.h2load(server.url, count))
    used = server.processor_seconds() - before
    succeeded = int(re.search(r'(\d+) succeeded', out).group(1))
    if succeeded != count:
        raise RuntimeError(f'{server.name}: {succeeded} of {count} requests succeeded')
    seconds = microseconds(re.search(r'finished in (\S+),', out).group(1)) / 1e6
    mean = MEAN.search(out)
    return {'requests': count, 'per_second': count / seconds, 'cpu_us': used * 1e6 / count,
            'cpu': used, 'load_us': load_seconds * 1e6 / count, 'mean_us': microseconds(mean[1] or mean[2])}


def how_many(server, work, seconds, most=5000000):
    """How many requests take about this long. Two short runs: the first also warms up."""
    at_once = work.connections * work.streams
    load(server, work, at_once)
    count = max(at_once, 50)
    rate = load(server, work, count)['per_second']
    if rate * seconds > 10 * count:
        rate = load(server, work, int(rate * seconds / 5))['per_second']
    return int(min(max(rate * seconds, at_once), most))


def medians(rounds):
    """The median of each figure of some rounds."""
    return {key: statistics.median(each[key] for each in rounds) for key in rounds[0]}


def interleaved(servers, measure, rounds):
    """{name: medians} of measure(server), every server once in each round. A server that fails has no medians, only
    its error under `errors`."""
    results, errors = {server.name: [] for server in servers}, {}
    for _ in range(rounds):
        for server in servers:
            if server.name in errors:
                continue
            try:
                results[server.name].append(measure(server))
            except (RuntimeError, AttributeError, subprocess.TimeoutExpired) as error:
                errors[server.name] = str(error).splitlines()[0]
    return {name: medians(each) for name, each in results.items() if name not in errors}, errors


def throughput(servers, work, seconds, rounds):
    counts = {}

    def one(server):
        if server.name not in counts:
            counts[server.name] = how_many(server, work, seconds)
        return load(server, work, counts[server.name])
    return interleaved(servers, one, rounds)


def without_connecting(server, connections, seconds):
    """Like load, without the cost of connecting: the difference of a run with more requests and one with fewer."""
    work = Work(connections, 1)
    few = load(server, work, connections)
    more = load(server, work, max(2 * connections, int(few['per_second'] * seconds)))
    requests = more['requests'] - few['requests']
    return {'cpu_us': max(more['cpu'] - few['cpu'], 0) * 1e6 / requests, 'connect_us': few['cpu_us']}


class Load:
    """A client: common/client.h, or h2load. Only its own processor time counts."""

    def __init__(self, name, server, work, count):
        self.name = name
        self.count = count
        self.line = work.h2load(server.url, count)
        if name == 'common':
            self.line = [f'{BUILT}/client_load', '-n', str(count), '-c', str(work.connections), '-m', str(work.streams),
                         '--ca', f'{server.folder}/cert.pem', server.url + work.path]

    def run(self):
        start = time.monotonic()
        _, used = run(on_core(1) + self.line)
        seconds = time.monotonic() - start
        return {'per_second': self.count / seconds, 'cpu_us': used * 1e6 / self.count}


def limit(work, body=12, upload=0, count=50000):
    """The cost of nghttp2 for the same work in memory: microseconds of the server's and the client's side. `cpu_us` is
    nghttp2 as it comes; `pool_us` is nghttp2 with common/pool."""
    count = max(work.streams, count // work.streams * work.streams)
    line = on_core(0) + [f'{BUILT}/in_memory', '--streams', str(work.streams), '--requests', str(count), '--body',
                         str(body), '--fields', str(work.fields), '--upload', str(upload)]
    sides = []
    for more in ['--malloc'], []:
        out, _ = run(line + more)
        sides.append([float(side) for side in re.fullmatch(r'server ([\d.]+) client ([\d.]+)\s*', out).groups()])
    return {'cpu_us': sides[0][0], 'client_us': sides[0][1], 'pool_us': sides[1][0]}


def held(server, count, streams=0):
    """Open connections and hold them. Returns bytes of memory and microseconds of processor for each, and the seconds
    until all had an answer; with streams, for each stream."""
    line = [f'{BUILT}/hold', '--port', str(server.port), '--count', str(count), '--streams', str(streams)]
    memory, used = server.resident(), server.processor_seconds()
    with subprocess.Popen(on_core(1) + line + (['--tls'] if server.tls else []), stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        first = process.stdout.readline()
        memory, used = server.resident() - memory, server.processor_seconds() - used
        process.stdin.close()
        found = re.match(r'open \d+ seconds ([\d.]+)', first)
        if not found:
            raise RuntimeError(f'{server.name}: {process.stderr.read().strip()}')
    each = count * max(streams, 1)
    return {'bytes': memory / each, 'cpu_us': used * 1e6 / each, 'seconds': float(found.group(1))}


# --- make grade -----------------------------------------------------------------------------------------


def copied(folder):
    """A copy of this tree without build/, so that nobody's files change."""
    def ignored(path, names):
        return [name for name in names if name == '.git' or (path == ROOT and name == 'build')]
    shutil.copytree(ROOT, f'{folder}/tree', ignore=ignored, symlinks=True)
    return f'{folder}/tree'


def timed(tree, *goal):
    environment = {name: value for name, value in os.environ.items() if name not in ('MAKEFLAGS', 'MAKELEVEL', 'MFLAGS')}
    start = time.monotonic()
    done = subprocess.run(['make', *goal], cwd=tree, capture_output=True, text=True, timeout=600,
                          stdin=subprocess.DEVNULL, env=environment)
    if done.returncode != 0:
        raise RuntimeError(f'make {" ".join(goal)}: status {done.returncode}\n{done.stdout}{done.stderr}')
    return time.monotonic() - start


def grading(rounds, in_place):
    """Seconds of `make grade` with the solutions: they run to the end of every check. `in_place` needs less
    time: it uses this tree, where everything is compiled."""
    if in_place:
        timed(ROOT, 'grade', 'SOLUTION=1')
        return {'nothing to compile': statistics.median(timed(ROOT, 'grade', 'SOLUTION=1') for _ in range(rounds))}
    with tempfile.TemporaryDirectory() as folder:
        tree = copied(folder)
        results = {'from nothing': timed(tree, 'grade', 'SOLUTION=1')}
        edited = f'{tree}/lab02-requests/solution/requests.c'
        nothing, one = [], []
        for _ in range(rounds):
            nothing.append(timed(tree, 'grade', 'SOLUTION=1'))
            os.utime(edited)
            one.append(timed(tree, 'grade', 'SOLUTION=1'))
        results['one edited file'] = statistics.median(one)
        results['nothing to compile'] = statistics.median(nothing)
        return results


# --- Where the time goes ----------------------------------------------------------------------------------


def whose(path, source):
    """Whose code a function is, by the object file and the source that callgrind names. The server itself has our
    code, and that of nghttp2 if it is linked in, whose sources callgrind does not know."""
    for name in 'libnghttp2', 'libuv', 'libc', 'libssl', 'libcrypto':
        if name in path:
            return name
    if f'{BUILT}/server' not in path:
        return 'other'
    return 'libnghttp2' if source == '???' else 'common'


def instructions(path):
    """{whose: instructions} of a callgrind file: costs of each function itself. The file has a name in full once,
    then only its number: `fl=(3) body.c`, `fl=(3)`."""
    totals, names, is_call = {}, {}, False
    current = {'object': 'other', 'source': '???'}
    with open(path, encoding='utf-8', errors='replace') as file:
        for line in file:
            position = re.match(r'c?(ob|f[lie])=(\(\d+\)) ?(.*)', line)
            if position:
                what = 'object' if position[1] == 'ob' else 'source'
                name = names.setdefault((what, position[2]), position[3])
                if not line.startswith('c'):
                    current[what] = name
            elif line.startswith('calls='):
                is_call = True  # the next line is the cost of the called function
            elif re.match(r'[\d+*-]', line):
                if not is_call:
                    owner = whose(current['object'], current['source'])
                    totals[owner] = totals.get(owner, 0) + int(line.split()[1])
                is_call = False
    return totals


def profiled(folder, count):
    """{whose: instructions} of the server, for `count` requests at 10x100."""
    path = f'{folder}/callgrind.{count}'
    valgrind = ['valgrind', '--tool=callgrind', f'--callgrind-out-file={path}']
    server = Server('common', folder, run=lambda port: [*valgrind, f'{BUILT}/server', '--port', str(port)])
    try:
        run(on_core(1) + Work(10, 100).h2load(server.url, count))
        server.process.terminate()
        server.process.wait(DEADLINE)
    finally:
        server.stop()
    return instructions(path)


def calls(folder, count):
    """{system call: how many} of the server, for `count` requests at 10x100."""
    path = f'{folder}/strace.{count}'
    server = Server('common', folder, run=lambda port: ['strace', '-c', '-f', '-o', path, f'{BUILT}/server', '--port', str(port)])
    try:
        run(on_core(1) + Work(10, 100).h2load(server.url, count))
        for pid in server.processes()[1:]:
            os.kill(pid, signal.SIGTERM)
        server.process.wait(DEADLINE)
    finally:
        server.stop()
    with open(path, encoding='ascii') as file:
        found = re.findall(r'^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$', file.read(), re.M)
    return {name: int(number) for number, name in found if name != 'total'}


def difference(measured, folder, count):
    """{name: figure for one request}: twice the requests minus the requests, so that start and end do not count."""
    few, many = measured(folder, count), measured(folder, 2 * count)
    each = {name: (many[name] - few.get(name, 0)) / count for name in many}
    return {name: figure for name, figure in each.items() if figure > 0.0005}


def profile(folder, count):
    """{what: figures} for one request, and why some are missing, or None."""
    if not shutil.which('valgrind') or not shutil.which('strace'):
        return {}, 'profile: valgrind or strace is not installed'
    results = {f'instructions {name}': {'instructions': figure}
               for name, figure in difference(profiled, folder, count).items()}
    results |= {f'calls {name}': {'calls': figure} for name, figure in difference(calls, folder, count).items()}
    return results, None
