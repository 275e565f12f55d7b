"""measure: one measurement each, of one server or program."""
import os
import re
import resource
import statistics
import subprocess
import time

from servers import BUILT, on_core

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
    base = [f'--base-uri={server.base}'] if server.base else []
    out, load_seconds = run(on_core(1) + work.h2load(server.url, count) + base)
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


def alone(folder, tls, count):
    """Bytes of an idle session in nghttp2 alone, or of a connection in OpenSSL alone."""
    keys = ['--key', f'{folder}/key.pem', '--cert', f'{folder}/cert.pem'] if tls else []
    out, _ = run([f'{BUILT}/sessions', '--count', str(count), *keys])
    blocks, asked, resident = map(int, re.fullmatch(r'blocks (\d+) asked (\d+) resident (\d+)\s*', out).groups())
    return {'bytes': resident, 'asked': asked, 'blocks': blocks}
