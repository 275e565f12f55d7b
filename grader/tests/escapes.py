#!/usr/bin/env python3
"""A program that tries each way out of the sandbox, in place of lab 1's: which layer stops which attack?

With all layers no attack works. Then the test leaves out each layer in turn, and all but one, to learn which layer
stops which attack, and that every layer is useful. It does so as root and as an ordinary user. The tables are in
grader/sandbox/README.md: `python3 grader/tests/escapes.py --write` writes them, and the test compares them on a
machine with the same layers. Runs alone: it looks at the whole machine.
"""
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, f'{ROOT}/grader/tools/dev')
# pylint: disable=wrong-import-position
from tap import check, done_testing, skip  # noqa: E402

SOURCE = f'{ROOT}/grader/tests/hostile/escapes.c'
LAYERS = ['landlock', 'seccomp', 'bubblewrap']
NOBODY = 65534
BOUND = 120  # seconds for one check
README = f'{ROOT}/grader/sandbox/README.md'


def attacks():
    """The names of all attacks, in order."""
    with open(SOURCE, encoding='utf-8') as file:
        return re.findall(r'^ +TRY\((\w+)\),', file.read(), re.M)


def compile_for(folder, outside, results, port, mark):
    program = f'{folder}/lab01-session/session'
    os.makedirs(os.path.dirname(program), exist_ok=True)
    places = {'OUTSIDE': outside, 'SECRET': f'{outside}/secret', 'ROOT': ROOT, 'RESULTS': results,
              'MARK': mark}
    defines = [f'-D{name}="{place}"' for name, place in places.items()]
    subprocess.run(['gcc', '-std=gnu11', '-D_GNU_SOURCE', '-w', *defines, f'-DPORT={port}', SOURCE,
                    '-o', program], check=True)


def prepare(scratch, user):
    """Make a folder outside the sandbox, with a secret in it."""
    outside = f'{scratch}/outside'
    shutil.rmtree(outside, ignore_errors=True)
    os.makedirs(outside)
    for name in ('secret', 'secret.2'):
        with open(f'{outside}/{name}', 'w', encoding='utf-8') as file:
            file.write('x' * 100)
    if user:
        subprocess.run(['chown', '-R', str(user), scratch], check=True)
    return outside


def remove_marks(mark):
    """Remove what stays where a layer refuses to remove it: in the next run it would belong to another user."""
    for folder in ('/tmp', '/dev/shm', '/dev/mqueue'):
        if os.path.exists(f'{folder}/{mark}'):
            os.unlink(f'{folder}/{mark}')


def listing(folder):
    found = ((entry.name, entry.stat(follow_symlinks=False)) for entry in os.scandir(folder))
    return sorted((name, status.st_mtime_ns, status.st_mode) for name, status in found)


def what_works(without, user):
    """The attacks that work when these layers are left out; None if the program did not run to its end."""
    with tempfile.TemporaryDirectory(prefix='escapes-') as scratch, \
            socket.create_server(('127.0.0.1', 0)) as server:
        os.chmod(scratch, 0o755)
        outside = prepare(scratch, user)
        results = f'{scratch}/results'
        os.makedirs(results)
        mark = f'{os.path.basename(scratch)}.mark'
        compile_for(f'{scratch}/programs', outside, results, server.getsockname()[1], mark)
        prepare(scratch, user)
        before = listing(outside)
        environment = dict(os.environ, GRADE_WITHOUT=' '.join(without), NO_COLOR='1', GRADE_SECRET='x')
        command = [f'{ROOT}/build/grader/grade', '--programs', f'{scratch}/programs', '--lab', '01',
                   '--check', 'preface', '--output', results]
        if user:
            command = ['setpriv', f'--reuid={user}', f'--regid={user}', '--clear-groups', *command]
        done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, timeout=BOUND, check=False)
        with open(f'{results}/checks/lab01.preface.json', encoding='utf-8') as file:
            lines = json.load(file)['program']['stdout'].split()
        untouched = listing(outside) == before
        remove_marks(mark)
        if '--show' in sys.argv:
            print(done.stdout.decode(), done.stderr.decode())
    if lines[:1] != ['begin'] or lines[-1:] != ['end'] or done.returncode not in (0, 3):
        return None, untouched
    return set(lines[1:-1]), untouched


def stoppers(worked):
    """For each attack that works without layers, the layers that stop it by themselves: {'write tmp': 'landlock'}."""
    found = {}
    for attack in attacks():
        if attack in worked['none']:
            layers = [layer for layer in LAYERS if attack not in worked[f'only {layer}']]
            found[attack.replace('_', ' ')] = ', or '.join(layers) or 'no layer by itself'
    return found


def table(found):
    groups = {}
    for attack, layers in found.items():
        groups.setdefault(layers, []).append(attack)
    return ['| stopped by | attacks |', '|---|---|', *(f'| {who} | {", ".join(what)} |' for who, what in groups.items())]


def read_table(text):
    """Read a table that `table` has made."""
    rows = re.findall(r'^\| (\w.*) \| (.*) \|$', text, re.M)
    return {attack: layers for layers, attacks_ in rows[1:] for attack in attacks_.split(', ')}


def layers_of_machine():
    """The layers of this machine, in one line."""
    done = subprocess.run([f'{ROOT}/build/grader/grade', '--protection'], capture_output=True, text=True, check=False)
    return ', '.join(' '.join(line.split()[:-1]) for line in done.stdout.splitlines() if line.endswith(' yes'))


def compare(who, worked):
    """Compare the README's table for this user with the result; with --write, write the table."""
    with open(README, encoding='utf-8') as file:
        text = file.read()
    begin, end = f'<!-- as {who} -->\n', '\n<!-- end -->'
    before, _, rest = text.partition(begin)
    there, _, after = rest.partition(end)
    here = stoppers(worked)
    title = f'As {who}, with {layers_of_machine()}:'
    if '--write' in sys.argv:
        with open(README, 'w', encoding='utf-8') as file:
            file.write(before + begin + '\n'.join([title, '', *table(here)]) + end + after)
    elif there.splitlines()[:1] != [title]:
        skip(f"as {who}: the README's table is true", 'the table is of a machine with other layers')
    else:  # attacks that fail here even without a layer may work on other machines
        wrong = {attack: layers for attack, layers in here.items() if read_table(there).get(attack) != layers}
        check(f"as {who}: the README's table is true", not wrong and here, wrong)


def combinations():
    yield 'all layers', []
    for layer in LAYERS:
        yield f'without {layer}', [layer]
    for layer in LAYERS:
        yield f'only {layer}', [other for other in LAYERS if other != layer]
    yield 'none', LAYERS


def main():
    users = [('root', 0), ('an ordinary user', NOBODY)] if os.getuid() == 0 else [('an ordinary user', 0)]
    for who, user in users:
        columns = []
        for name, without in combinations():
            worked, untouched = what_works(without, user)
            if worked is None:  # the machine was too busy for the program to finish: try once more
                worked, untouched = what_works(without, user)
            columns.append((name, worked))
            check(f'as {who}, {name}: the program ran to its end', worked is not None)
            if not without:
                check(f'as {who}, {name}: no attack works', worked == set(), worked)
                check(f'as {who}, {name}: nothing outside has changed', untouched)
        worked = dict(columns)
        everything = worked['none'] or set()
        check(f'as {who}: without any layer most attacks work',
              len(everything) > 25, everything)
        for layer in LAYERS:
            check(f'as {who}: {layer} alone stops an attack', everything - (worked[f'only {layer}'] or everything))
        for name, without in combinations():
            for less, more_without in combinations():
                if set(without) < set(more_without) and None not in (worked[name], worked[less]):
                    check(f'as {who}: attacks that work with {name} work with {less}', worked[name] <= worked[less],
                          worked[name] - worked[less])
        if None not in worked.values():
            compare(who, worked)
        for name, seen in columns:
            print(f'# as {who}, {name}: {" ".join(sorted(seen or [])) or "nothing"}')
    return done_testing()


if __name__ == '__main__':
    sys.exit(main())
