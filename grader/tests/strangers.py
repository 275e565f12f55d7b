#!/usr/bin/env python3
"""Strangers' programs in the grader: whatever one lab's program does, the grading ends in bounded time, the
other labs get their points, and no process and no file is left behind.

Each program stands in for the client of lab 1 or for the server of lab 4, the labs with the fewest checks; the other one of
these labs is the reference solution, which must keep its points.
"""
import concurrent.futures
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, f'{ROOT}/grader/tools/dev')
from tap import check, done_testing  # noqa: E402  pylint: disable=wrong-import-position

GRADE = f'{ROOT}/build/grader/grade'
HOSTILE = [entry.path for entry in os.scandir(f'{ROOT}/build/tests/hostile')
           if entry.is_file() and os.access(entry, os.X_OK)]
SOLUTIONS = f'{ROOT}/build/solutions'
BOUND = 400  # seconds for one grading, on any machine: the question is whether it ends at all
AT_ONCE = 4  # strangers graded at the same time: most of them sleep


def wrapper(text):
    return f'#!/bin/sh\n{text}\n'


# Its name: the program, and words, one of which its message must have, with | between them.
STRANGERS = {
    'loops for ever': (wrapper('exec ${0%/*}/loop'), 'processor time'),
    'prints without end': (wrapper('exec ${0%/*}/print'), 'printed more than'),
    'prints errors without end': (wrapper('exec ${0%/*}/print stderr'), ''),
    'forks children that stay': (wrapper('exec ${0%/*}/leave child'), ''),
    'forks children into other sessions': (wrapper('exec ${0%/*}/leave session'), ''),
    'forks without end': (wrapper('exec ${0%/*}/bomb'), 'processes'),
    'allocates without end': (wrapper('exec ${0%/*}/allocate'), '512 MiB of memory|processor time'),
    'kills itself': (wrapper('kill -9 $$'), 'SIGKILL'),
    'crashes': (wrapper('kill -SEGV $$'), 'SIGSEGV'),
    'stops itself': (wrapper('kill -STOP $$'), ''),
    'closes its descriptors and waits': (wrapper('exec ${0%/*}/mute'), ''),
    'ignores every signal': (wrapper('exec ${0%/*}/deaf'), ''),
    'waits for nothing': (wrapper('exec sleep 1000'), 'waits|sleeps'),
    'writes a file without end': (wrapper('exec ${0%/*}/fill'), ''),
    'leaves files that are hard to remove': (wrapper('exec ${0%/*}/litter /dev/null'), ''),
    'exits at once with 0': (wrapper('exit 0'), 'exited with status 0'),
    'prints bytes that are not text': (wrapper("printf '\\377\\376\\000\\001'; exit 0"), ''),
    'is not a program': ('this is no program\n', 'could not be started'),
}


CLIENT = 'lab01-session/session'
SERVER = 'lab04-router/router'
INNOCENT = {CLIENT: ('lab04-router', 10), SERVER: ('lab01-session', 15)}  # and its points

# The same in place of a server, which many checks start: the words, where they differ from those for the client.
SERVERS = {
    'loops for ever': 'processor time',
    'prints without end': 'printed more than',
    'forks children that stay': 'exited with status 5|does not say where it listens',
    'allocates without end': '512 MiB of memory|processor time',
    'kills itself': 'SIGKILL',
    'closes its descriptors and waits': 'does not say where it listens',
    'ignores every signal': 'does not say where it listens',
    'exits at once with 0': 'exited with status 0',
}


def says_port(port):
    """A server that says where it listens, and waits."""
    return wrapper(f'echo listening on http://localhost:{port}; exec ${{0%/*}}/deaf')


def processes_in(scratch):
    """Processes that run a program of this folder, or work in this folder."""
    found = []
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            places = [os.readlink(f'/proc/{pid}/{link}') for link in ('exe', 'cwd')]
            if any(place.startswith(scratch) for place in places):
                found.append(f'{pid} {places}')
        except OSError:
            pass
    return found


def grade(folder, scratch, without):
    """Returns the status, the output, results.json and how long it took."""
    environment = dict(os.environ, TMPDIR=f'{scratch}/tmp', NO_COLOR='1', GRADE_WITHOUT=without)
    started = time.monotonic()
    done = subprocess.run([GRADE, '--programs', folder, '--any-language', '--output', f'{scratch}/out'],
                          env=environment, cwd=scratch, capture_output=True, timeout=BOUND)
    seconds = time.monotonic() - started
    with open(f'{scratch}/out/results.json', encoding='utf-8') as file:
        return done.returncode, done.stdout.decode('utf-8', 'replace'), json.load(file), seconds


def score(results_json, lab):
    return sum(test['score'] for test in results_json['tests'] if test['number'].startswith(lab))


def test_stranger(name, program, words, place=CLIENT, without=''):
    what = f'a {"client" if place is CLIENT else "server"} that {name}{without and f", without {without}"}'
    with tempfile.TemporaryDirectory() as scratch:
        folder = f'{scratch}/programs'
        path = f'{folder}/{place}'
        os.mkdir(f'{scratch}/tmp')
        os.makedirs(os.path.dirname(path))
        innocent, points = INNOCENT[place]
        shutil.copytree(f'{SOLUTIONS}/{innocent}', f'{folder}/{innocent}')
        for hostile in HOSTILE:
            shutil.copy(hostile, os.path.dirname(path))
        if program is not None:
            with open(path, 'w', encoding='utf-8') as file:
                file.write(program)
            os.chmod(path, 0o755)
        status, text, outcome, seconds = grade(folder, scratch, without)
        detail = f'status {status}, {seconds:.1f} s\n{text}'
        check(f'{what}: the other lab has its points, this one has none',
              status == 0 and score(outcome, innocent[:5]) == points and score(outcome, '') == points, detail)
        check(f'{what}: the message names the problem', any(word in ' '.join(text.split()) for word in words.split('|')), detail)
        left = processes_in(scratch)
        check(f'{what}: no process is left', not left, '\n'.join(left))
        files = os.listdir(f'{scratch}/tmp')
        check(f'{what}: no file is left', not files, '\n'.join(files))


def test_port_of_another():
    """It prints the port of another server, which only accepts; in the grading's own network nobody listens there."""
    with socket.create_server(('localhost', 0), backlog=4096) as other:
        test_stranger("says another's port", says_port(other.getsockname()[1]),
                      'was not answered|does not accept a connection|another port than', SERVER)


def test_nothing():
    """Nothing compiles: a CI reads the same files as always."""
    with tempfile.TemporaryDirectory() as scratch:
        os.mkdir(f'{scratch}/programs')
        os.mkdir(f'{scratch}/tmp')
        status, text, outcome, _ = grade(f'{scratch}/programs', scratch, '')
        check('no program at all: the grader says so', status == 0 and outcome['tests'] and score(outcome, '') == 0, text)
        suites = xml.etree.ElementTree.parse(f'{scratch}/out/results.xml').getroot()
        with open(f'{scratch}/out/results.tap', encoding='utf-8') as file:
            tap = file.read()
        check('no program at all: every result is there', suites.tag == 'testsuites' and tap.startswith('TAP version'), tap)


def test_compile_error():
    """A file that does not compile, through `make grade`, in a copy of the tree."""
    with tempfile.TemporaryDirectory() as scratch:
        tree = f'{scratch}/tree'
        shutil.copytree(ROOT, tree, symlinks=True, ignore=shutil.ignore_patterns('.git', 'tests', 'platforms'))
        shutil.copy(f'{tree}/lab01-session/solution/session.c', f'{tree}/lab01-session/session.c')
        with open(f'{tree}/lab02-requests/requests.c', 'a', encoding='utf-8') as file:
            file.write('int broken(void) { return 1 }\n')
        done = subprocess.run(['make', 'grade'], cwd=tree, capture_output=True, timeout=BOUND,
                              env=dict(os.environ, NO_COLOR='1', MAKEFLAGS=''))
        text = done.stdout.decode() + done.stderr.decode()
        with open(f'{tree}/build/grade/results.json', encoding='utf-8') as file:
            outcome = json.load(file)
    check('a file that does not compile: the grader grades the other labs', done.returncode == 0
          and score(outcome, 'lab01') == 15 and score(outcome, 'lab02') == 0,
          f'status {done.returncode}\n{text}')
    check("a file that does not compile: the board shows the compiler's first error",
          'requests.c' in text and "expected ‘;’" in text or "expected ';'" in text, text)


def main():
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        runs = [pool.submit(test_stranger, name, program, word)
                for name, (program, word) in STRANGERS.items()]
        runs += [pool.submit(test_stranger, name, STRANGERS[name][0], word, SERVER)
                 for name, word in SERVERS.items()]
        litter = 'leaves files that are hard to remove'
        runs.append(pool.submit(test_stranger, litter, *STRANGERS[litter], without='bubblewrap'))
        runs.append(pool.submit(test_stranger, 'says a port where nobody listens', says_port(1),
                                'does not accept a connection|another port than', SERVER))
        runs.append(pool.submit(test_stranger, 'says no port at all', says_port(''),
                                'does not say where it listens', SERVER))
        runs.append(pool.submit(test_port_of_another))
        runs.append(pool.submit(test_stranger, 'is missing', None, 'there is no such program'))
        runs.append(pool.submit(test_nothing))
        runs.append(pool.submit(test_compile_error))
        for run in runs:
            run.result()
    return done_testing()


if __name__ == '__main__':
    sys.exit(main())
