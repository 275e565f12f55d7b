#!/usr/bin/env python3
"""bench: how fast common/ is, beside nghttpd, h2o, nginx and Node.js, and beside the limit that
nghttp2 sets.

    bench.py [--quick | --tiny] [--only PART[,PART...]] [--servers NAME[,NAME...]] [--out FOLDER]

The servers run on core 0, the load on core 1. The bench asks all servers in turn, in several rounds, and
takes the median. Print tables, and write results.json and charts (SVG) into build/bench/ or
FOLDER. The bench asserts nothing: figures depend on the machine; compare those of one run. --quick
takes under two minutes; --tiny takes seconds and only shows that everything works. Parts: speed,
bodies, idle, growth, client, tutorial, labs, grade, starts, profile.
"""
import argparse
import json
import os
import resource
import signal
import sys
import tempfile
import time

import draw
import grading
import measure
import report
import servers
import where
from measure import Work
from servers import BUILD, BUILT, Server

MIB = 1024 * 1024
SHAPES = [(1, 1), (1, 100), (10, 100), (100, 10), (1000, 1)]
WITH_GOALS = [(1, 1), (10, 100)]
GROWTH = {
    'connections': [1, 10, 100, 1000, 10000],
    'streams': [1, 3, 10, 30, 100, 300, 1000],
    'body': [1, 100, 10000, 100000, MIB, 10000000, 100 * MIB],
    'fields': [1, 3, 10, 30, 100],
}
LABS = {'lab03-server/server': '/', 'lab04-router/router': '/hello-world', 'lab05-timeouts/server': '/hello-world',
        'lab06-tls/server': '/hello-world'}


class Plan:
    """How much to measure."""

    def __init__(self, options):
        quick, tiny = options.quick, options.tiny
        self.seconds = 0.02 if tiny else 0.1 if quick else 0.3  # one run of one server
        self.shapes = [(1, 1), (10, 100)] if tiny else SHAPES
        self.rounds = 1 if tiny else 2 if quick else 5  # of what has a goal
        self.few_rounds = min(self.rounds, 2)
        self.growth_rounds = 1 if tiny or quick else 3
        self.growth_seconds = min(self.seconds, 0.1)
        self.growth_most = {'connections': 100 if tiny else 1000 if quick else 10000,
                            'body': MIB if tiny else 100 * MIB}
        self.idle = 50 if tiny else 1000 if quick else 10000
        self.idle_tls = 50 if tiny else 200 if quick else 2000  # a handshake takes a millisecond
        self.tutorial = 20 if tiny else 200 if quick else 1000
        self.limit_requests = 2000 if tiny else 20000
        self.profile_requests = 2000 if quick or tiny else 20000
        self.time_requests = 100000 if tiny else 1000000
        self.grade_rounds = 1 if quick else 3
        self.starts = 2 if tiny else 10 if quick else 30
        self.is_short = quick or tiny


class Bench:
    def __init__(self, options, folder):
        self.plan = Plan(options)
        self.folder = folder
        self.names = [name for name in servers.installed() if not options.servers or name in options.servers.split(',')]
        self.rows = []      # one for each figure: part, what, tls, server, ...
        self.problems = []  # what we could not measure, and why
        self.took = {}      # seconds of each part

    def start(self, tls, names=None):
        """Start all servers that start."""
        started = []
        for name in names or self.names:
            try:
                started.append(Server(name, self.folder, tls))
            except RuntimeError as error:
                self.problems.append(str(error))
        return started

    def add(self, part, what, tls, results, errors=None, limit=None):
        for name, figures in results.items():
            row = {'part': part, 'what': what, 'tls': tls, 'server': name, **figures}
            if limit and figures.get('cpu_us'):
                row['limit_us'] = limit['cpu_us']
                row['share'] = limit['cpu_us'] / figures['cpu_us']
                row['pool_limit_us'] = limit.get('pool_us')
            self.rows.append(row)
        for name, error in (errors or {}).items():
            self.problems.append(f'{part} {what}{" TLS" if tls else ""}: {error}')

    def ask(self, part, what, started, tls, work, limit, rounds=None):
        results, errors = measure.throughput(started, work, self.plan.seconds, rounds or self.plan.few_rounds)
        self.add(part, what, tls, results, errors, limit)

    def limit(self, work, **more):
        return measure.limit(work, count=more.pop('count', self.plan.limit_requests), **more)

    # --- The parts --------------------------------------------------------------------------------

    def speed(self, tls, started):
        for connections, streams in self.plan.shapes:
            work = Work(connections, streams)
            rounds = self.plan.rounds if (connections, streams) in WITH_GOALS else None
            self.ask('speed', f'{connections}x{streams}', started, tls, work, self.limit(work), rounds)

    def bodies(self, tls, started):
        work = Work(1, 1, f'/{MIB}')
        self.ask('bodies', 'GET 1 MiB', started, tls, work, self.limit(work, body=MIB, count=200))
        limit = self.limit(work, upload=MIB, count=200)
        # nginx answers before the body has come; then h2load gives up the body.
        paths = {'common': '/', 'node': '/', 'nghttpd': '/', 'h2o': '/upload'}
        for server in started:
            if server.name in paths:
                work = Work(1, 1, paths[server.name], upload=f'{self.folder}/files/{MIB}')
                self.ask('bodies', 'POST 1 MiB', [server], tls, work, limit)

    def idle(self, tls, _):
        """A new server for each, whose memory has not grown yet. And what nghttp2 and OpenSSL take alone."""
        count = self.plan.idle_tls if tls else self.plan.idle
        self.add('alone', 'OpenSSL' if tls else 'nghttp2', tls, {'common': measure.alone(self.folder, tls, count)})
        for what, size, streams in ('connection', count, 0), ('stream', max(count // 100, 1), 100):
            for name in self.names:
                # Over TLS, nginx holds back a response's header section while it cannot send the
                # body.
                if (name, what, tls) == ('nginx', 'stream', True):
                    continue
                for server in self.start(tls, [name]):
                    try:
                        self.add('idle', what, tls, {name: measure.held(server, size, streams)})
                    except RuntimeError as error:
                        self.problems.append(f'idle {what}{" TLS" if tls else ""}: {error}')
                    server.stop()

    def growth(self, tls, started):
        """How the cost of one grows with the number of all, without the cost of connecting.
        Ask each peer once."""
        if tls:
            return
        ours = [server for server in started if server.name == 'common']
        peers = [server for server in started if server not in ours and not self.plan.is_short]
        for kind, values in GROWTH.items():
            for value in values:
                if value <= self.plan.growth_most.get(kind, value):
                    self.grow(kind, value, ours, self.plan.growth_rounds)
                    self.grow(kind, value, peers, 1)

    def grow(self, kind, value, asked, rounds):
        works = {'streams': Work(1, value), 'body': Work(1, 1, f'/{value}'),
                 'fields': Work(1, 10, fields=value)}
        seconds = self.plan.growth_seconds
        if kind == 'connections':
            results, errors = measure.interleaved(
                asked, lambda server: measure.without_connecting(server, value, seconds), rounds)
        else:
            results, errors = measure.throughput(asked, works[kind], seconds, rounds)
        self.add('growth', f'{kind} {value}', False, results, errors)

    def client(self, tls, started):
        """common/client.h against h2load, both with the same server of ours."""
        ours = [server for server in started if server.name == 'common']
        if not ours:
            return
        for connections, streams in self.plan.shapes[:3]:
            work = Work(connections, streams)
            count = measure.how_many(ours[0], work, self.plan.seconds)
            limit = {'cpu_us': self.limit(work)['client_us']}
            loads = [measure.Load(name, ours[0], work, count) for name in ('common', 'h2load')]
            results, errors = measure.interleaved(loads, measure.Load.run, self.plan.rounds)
            self.add('client', f'{connections}x{streams}', tls, results, errors, limit)

    def tutorial(self, tls, started):
        """N requests over one connection, and over N connections."""
        count = self.plan.tutorial
        ours = [server for server in started if server.name == 'common']
        for what, work in (f'{count} on 1', Work(1, 100)), (f'{count} on {count}', Work(count, 1)):
            results, errors = measure.interleaved(
                ours, lambda server, work=work: measure.load(server, work, count), self.plan.few_rounds)
            self.add('tutorial', what, tls, results, errors)

    def labs(self, tls, _):
        """The solutions and the reference server at 10x100; all of them log each request."""
        if tls:
            programs = {name: path for name, path in LABS.items() if 'tls' in name}
        else:
            programs = {name: path for name, path in LABS.items() if 'tls' not in name}
        certificate = ['--key', f'{self.folder}/key.pem', '--cert', f'{self.folder}/cert.pem'] if tls else []
        reference = [f'{BUILD}/grader/serve'] + (['--tls'] if tls else [])
        work = Work(10, 100, '/hello-world')
        started = []
        for name in ['reference', *programs]:
            program = reference if name == 'reference' else [f'{BUILT}/labs/{name}']
            if not os.path.exists(program[0]):
                continue
            try:
                started.append(Server(name, self.folder, tls, run=lambda port, line=program + certificate:
                                      [*line, '--port', str(port)]))
            except RuntimeError as error:
                self.problems.append(str(error))
        try:
            self.ask('labs', '10x100', started, tls, work, None)
        finally:
            for server in started:
                server.stop()

    def note(self, part, what, **figures):
        """A figure of ours that needs no running server."""
        self.rows.append({'part': part, 'what': what, 'tls': False, 'server': 'common', **figures})

    def grade(self):
        for what, figures in grading.grading(self.plan.grade_rounds, self.plan.is_short).items():
            self.note('grade', what, **figures)

    def starts(self):
        """What one start of a student's program costs, piece by piece."""
        for what, milliseconds in grading.starts(self.plan.starts).items():
            self.note('starts', what, ms=milliseconds)

    def profile(self):
        """The instructions of a request by library, its system calls, and its time."""
        rows, problems = where.profile(self.folder, self.plan.profile_requests, self.plan.time_requests)
        for what, figures in rows:
            self.note('profile', what, **figures)
        self.problems += problems

    def run(self, parts):
        on_servers = ['speed', 'bodies', 'idle', 'growth', 'client', 'tutorial', 'labs']
        for tls in False, True:
            wanted = [part for part in on_servers if part in parts]
            started = self.start(tls) if wanted else []
            try:
                for part in wanted:
                    self.do(part, ' over TLS' if tls else '', tls, started)
            finally:
                for server in started:
                    server.stop()
        for part in 'grade', 'starts', 'profile':
            if part in parts:
                self.do(part)

    def do(self, part, suffix='', *arguments):
        say(f'{part}{suffix} ...')
        start = time.monotonic()
        getattr(self, part)(*arguments)
        self.took[part + suffix] = round(time.monotonic() - start, 1)


def say(what):
    """Print progress for a person who watches."""
    if sys.stderr.isatty():
        print(f'\r\033[K{what}', end='' if what else '\r', file=sys.stderr, flush=True)


def keep(results, folder):
    """Keep the last three whole runs: `bench-readme` shows them beside each other."""
    runs = os.path.join(folder, 'runs')
    os.makedirs(runs, exist_ok=True)
    with open(os.path.join(runs, time.strftime('%Y%m%d-%H%M%S.json')), 'w', encoding='utf-8') as file:
        json.dump(results, file)
    for old in sorted(os.listdir(runs))[:-3]:
        os.remove(os.path.join(runs, old))


ALL = ['speed', 'bodies', 'idle', 'growth', 'client', 'tutorial', 'labs', 'grade', 'starts', 'profile']


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--quick', action='store_true')
    parser.add_argument('--tiny', action='store_true')
    parser.add_argument('--only', default=','.join(ALL))
    parser.add_argument('--servers', default='')
    parser.add_argument('--out', default=BUILT)
    options = parser.parse_args()
    parts = options.only.split(',')
    if not set(parts) <= set(ALL):
        parser.error(f'the parts are {", ".join(ALL)}')
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the servers end too
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)  # nginx and h2o may run as another user
        servers.make_files(folder)
        bench = Bench(options, folder)
        bench.run(parts)
        say('')
    results = {'machine': report.machine(), 'versions': report.versions(), 'quick': options.quick or options.tiny,
               'configurations': {name: servers.ABOUT[name] for name in bench.names},
               'problems': bench.problems, 'took': bench.took, 'rows': bench.rows}
    with open(f'{options.out}/results.json', 'w', encoding='utf-8') as file:
        json.dump(results, file, indent=1)
        file.write('\n')
    if not results['quick'] and parts == ALL:
        keep(results, options.out)
    draw.write(results, options.out)
    print(report.text(results))


if __name__ == '__main__':
    main()
