"""report: the figures as tables, for a terminal and for the READMEs."""
import os
import platform
import re
import subprocess
import sys
import time

from servers import ABOUT

NAMES = list(ABOUT)
SHORT = {'common': 'common', 'node': 'Node.js'}

# Measure, tls, peer, and the goal: how many times better.
GOALS = [(False, 'nghttpd', 2.5), (False, 'h2o', 1.3), (False, 'node', 15), (False, 'nginx', 15),
         (True, 'nghttpd', 2.2), (True, 'h2o', 1.2)]
KB = 1024


def first_line(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    except OSError:
        return None
    return ((done.stdout or done.stderr).strip().splitlines() or [None])[0]


def machine():
    processor = platform.processor() or platform.machine()
    try:
        with open('/proc/cpuinfo', encoding='utf-8') as file:
            processor = re.search(r'model name\s*:\s*(.*)', file.read()).group(1).strip()
    except (OSError, AttributeError):
        pass
    return {'processor': processor, 'cores': os.cpu_count(), 'kernel': f'{platform.system()} {platform.release()}',
            'load': os.getloadavg()[0], 'time': time.strftime('%Y-%m-%d')}


def versions():
    found = {name: first_line('pkg-config', '--modversion', f'lib{name}' if name != 'openssl' else name)
             for name in ('nghttp2', 'openssl', 'uv')}
    found['compiler'] = first_line(os.environ.get('CC', 'gcc'), '--version')
    found['nghttpd'] = first_line('nghttpd', '--version')
    found['h2o'] = first_line('h2o', '--version')
    found['nginx'] = first_line('nginx', '-v')
    found['node'] = first_line('node', '--version')
    return {name: re.search(r'\d+(\.\d+)+', version).group(0) if name != 'compiler' else version
            for name, version in found.items() if version}


# --- Tables ---------------------------------------------------------------------------------------------


def rows_of(results, part, tls=None):
    return [row for row in results['rows'] if row['part'] == part and tls in (None, row['tls'])]


def find(results, part, what, tls, server):
    for row in rows_of(results, part, tls):
        if row['what'] == what and row['server'] == server:
            return row
    return None


def whats(rows):
    """What the bench measured, each once, in order."""
    return list(dict.fromkeys(row['what'] for row in rows))


def number(value):
    if value is None:
        return '-'
    return f'{value:,.0f}' if value >= 1000 else f'{value:.3g}' if value < 99.95 else f'{value:.0f}'


def table(head, body):
    """A table as a list of rows of texts: the first column to the left, the others to the right."""
    widths = [max(len(row[i]) for row in [head, *body]) for i in range(len(head))]
    return '\n'.join('  '.join(cell.ljust(width) if i == 0 else cell.rjust(width)
                               for i, (cell, width) in enumerate(zip(row, widths))).rstrip() for row in [head, *body])


def markdown(head, body):
    lines = [head, ['---'] + ['---:'] * (len(head) - 1), *body]
    return '\n'.join('| ' + ' | '.join(line) + ' |' for line in lines)


def by_server(results, parts, figure, with_limit=False):
    """Head and body of a table: a line for each measure, a column for each server."""
    rows = [row for part in parts for row in rows_of(results, part)]
    names = [name for name in NAMES if any(row['server'] == name for row in rows)]
    head = [''] + (['limit', 'share'] if with_limit else []) + [SHORT.get(name, name) for name in names]
    body = []
    for part in parts:
        for tls in False, True:
            for what in whats(rows_of(results, part, tls)):
                found = {name: find(results, part, what, tls, name) for name in names}
                line = [what + (' TLS' if tls else '')]
                if with_limit:
                    ours = found.get('common') or next(row for row in found.values() if row)
                    line += [number(ours.get('limit_us')), f'{ours["share"]:.0%}' if 'share' in ours and found.get('common') else '-']
                body.append(line + [number((found[name] or {}).get(figure)) for name in names])
    return head, body


def times_of_ours(results):
    """10x100: how many times more processor time a request takes in each peer, and in nghttp2 alone."""
    for tls, peer, wanted in GOALS:
        ours, theirs = (find(results, 'speed', '10x100', tls, name) for name in ('common', peer))
        if ours and theirs:
            yield f'{SHORT.get(peer, peer)}{", TLS" if tls else ""}: times our CPU', f'{theirs["cpu_us"] / ours["cpu_us"]:.1f}', f'≥ {wanted}'
    ours = find(results, 'speed', '10x100', False, 'common')
    if ours:
        yield 'the limit, nghttp2 as it comes: part of our CPU', f'{ours["share"]:.2f}', '≥ 0.8'
        yield 'the limit, nghttp2 on our pool', f'{ours["pool_limit_us"] / ours["cpu_us"]:.2f}', '-'


def parts_of_ours(results):
    """10x100: the instructions and the time of a request."""
    ours = find(results, 'profile', 'instructions common', False, 'common')
    if ours:
        yield 'instructions of ours', number(ours['instructions']), '≤ 900'
    rows = [row for row in rows_of(results, 'profile') if 'us' in row]
    total = sum(row['us'] for row in rows)
    others = sum(row['us'] for row in rows if row['what'].startswith(('time libnghttp2', 'time kernel')))
    if total:
        yield 'nghttp2 and the kernel: part of our time', f'{others / total:.0%}', '≥ 92%'


def one_at_a_time(results):
    rows = {row['server']: row['mean_us'] for row in rows_of(results, 'speed', False) if row['what'] == '1x1'}
    if len(rows) > 1 and 'common' in rows:
        yield '1×1: our time until the answer, of that of the best', f'{rows["common"] / min(rows.values()):.2f}', '≤ 1.03'


def client_of_ours(results):
    for tls in False, True:
        for what in whats(rows_of(results, 'client', tls)):
            ours, theirs = (find(results, 'client', what, tls, name) for name in ('common', 'h2load'))
            if ours and theirs:
                yield f'the client, {what.replace("x", "×")}{", TLS" if tls else ""}: part of h2load\'s CPU', f'{ours["cpu_us"] / theirs["cpu_us"]:.2f}', '≤ 0.75'


def memory_of_ours(results):
    """What an idle connection takes beyond nghttp2's own, and OpenSSL's own."""
    alone = 0
    for tls, name in (False, 'nghttp2'), (True, 'OpenSSL'):
        ours, library = find(results, 'idle', 'connection', tls, 'common'), find(results, 'alone', name, tls, 'common')
        if ours and library:
            alone += library['bytes']
            yield f'an idle connection: bytes beyond {"OpenSSL and " if tls else ""}nghttp2', number(ours['bytes'] - alone), f'≤ {number(KB)}'


def grades(results):
    rows = {row['what']: row for row in rows_of(results, 'grade')}
    for what, figure, wanted in (('nothing to compile', 'cpu', '≤ 2.0'), ('nothing to compile', 'seconds', '≤ 1.3'),
                                 ('all eight programs compiled', 'cpu', '≤ 1.2'), ('one edited file', 'seconds', '≤ 3.5'),
                                 ('from nothing', 'seconds', '≤ 20')):
        if what in rows:
            place = '' if what.startswith('all') else '`make grade SOLUTION=1`, '
            yield f'{place}{what}: {"processor " if figure == "cpu" else ""}seconds', number(rows[what][figure]), wanted


def goals(results):
    """Each goal that was measured, and what came out."""
    body = [list(row) for make in (times_of_ours, parts_of_ours, one_at_a_time, client_of_ours, memory_of_ours, grades)
            for row in make(results)]
    return ['10×100, where nothing else is said', 'measured', 'goal'], body


def goals_block(runs):
    """The goals, and the figures of the last runs."""
    rows = [{row[0]: row for row in goals(results)[1]} for results in runs]
    body = [[what, *(run.get(what, (0, '-'))[1] for run in rows), row[2]] for what, row in rows[-1].items()]
    head = ['10×100, where nothing else is said', *(f'run {i + 1}' for i in range(len(runs))), 'goal']
    return markdown(head, body) + '\n\n' + ', '.join(
        f'run {i + 1}: {results["machine"]["time"]}, load {results["machine"]["load"]:.1f} at the end' for i, results in enumerate(runs)) + '.'


def single(results, part, figures):
    """Head and body for a part that measures only our programs."""
    head = [''] + list(figures.values())
    body = [[('' if part in ('alone', 'grade', 'starts', 'profile') else row['server'] + ' ') + row['what'] + (' TLS' if row['tls'] else ''), *(number(row.get(figure)) for figure in figures)]
            for row in rows_of(results, part)]
    return head, body


SECTIONS = [
    ('CPU: microseconds of the server\'s core for a request. 10x100: 10 connections of\n100 streams. limit: nghttp2 alone, in '
     'memory; share: the limit\'s part of ours', lambda results: by_server(results, ['speed', 'bodies'], 'cpu_us', True)),
    ('Requests a second; the load on the other core limits them too',
     lambda results: by_server(results, ['speed', 'bodies'], 'per_second')),
    ('Time of a request as the client sees it, mean of microseconds',
     lambda results: by_server(results, ['speed'], 'mean_us')),
    ('The goals', goals),
    ('Memory: bytes for one more idle connection and for one more open stream',
     lambda results: by_server(results, ['idle'], 'bytes')),
    ('nghttp2 and OpenSSL alone: an idle session, a TLS connection',
     lambda results: single(results, 'alone', {'blocks': 'blocks', 'asked': 'bytes asked', 'bytes': 'bytes in memory'})),
    ('The same: microseconds of CPU to accept one and to answer its first request', lambda results: by_server(results, ['idle'], 'cpu_us')),
    ('The same: seconds until all had an answer', lambda results: by_server(results, ['idle'], 'seconds')),
    ('The client: common/client.h and h2load; microseconds of its own CPU',
     lambda results: single(results, 'client', {'cpu_us': 'CPU', 'per_second': 'requests/s', 'share': 'share'})),
    ('N requests over one connection, and over N connections',
     lambda results: single(results, 'tutorial', {'per_second': 'requests/s', 'cpu_us': 'server CPU', 'load_us': 'client CPU'})),
    ('The solutions of the labs, and the reference server; each logs its requests',
     lambda results: single(results, 'labs', {'cpu_us': 'CPU', 'per_second': 'requests/s'})),
    ('How cost grows: microseconds of the server\'s core for a request', lambda results: by_server(results, ['growth'], 'cpu_us')),
    ('make grade SOLUTION=1', lambda results: single(results, 'grade', {'seconds': 'seconds', 'cpu': 'processor seconds'})),
    ('One start of a program: milliseconds of processor time, each line with one thing more',
     lambda results: single(results, 'starts', {'ms': 'ms'})),
    ('Where a request goes (10x100, plain): instructions and cache misses by library, system calls, time',
     lambda results: single(results, 'profile', {'instructions': 'instructions', 'misses': 'misses', 'calls': 'calls', 'us': 'µs'})),
]


def about(results):
    machine_is, found = results['machine'], results['versions']
    lines = [f'{machine_is["processor"]}, {machine_is["cores"]} cores, {machine_is["kernel"]}; load {machine_is["load"]:.1f} at the end; '
             f'{machine_is["time"]}', ', '.join(f'{name} {version}' for name, version in found.items())]
    return lines + [f'{name}: {what}' for name, what in results['configurations'].items()]


def text(results):
    """The whole report, for a terminal."""
    blocks = ['\n'.join(about(results))]
    for title, make in SECTIONS:
        head, body = make(results)
        if body:
            blocks.append(f'{title}\n{table(head, body)}')
    blocks.append('Seconds of each part: ' + ', '.join(f'{part} {seconds:.0f}' for part, seconds in results['took'].items()))
    if results['problems']:
        blocks.append('\n'.join(['Not measured:', *results['problems']]))
    return '\n\n'.join(blocks)


# --- For the READMEs ---------------------------------------------------------------------------------------


def speed_block(results):
    """The table of the README: one measure, all servers."""
    names = [name for name in NAMES if find(results, 'speed', '10x100', False, name)]
    head = ['10 connections × 100 streams', *(SHORT.get(name, name) for name in names)]
    body = []
    for title, part, what, tls, figure in (
            ('CPU µs a request', 'speed', '10x100', False, 'cpu_us'), ('CPU µs a request, TLS', 'speed', '10x100', True, 'cpu_us'),
            ('1×1: µs until the answer', 'speed', '1x1', False, 'mean_us'),
            ('bytes of an idle connection', 'idle', 'connection', False, 'bytes'),
            ('bytes of an idle connection, TLS', 'idle', 'connection', True, 'bytes')):
        found = [find(results, part, what, tls, name) for name in names]
        if any(found):
            body.append([title, *(number((row or {}).get(figure)) for row in found)])
    ours = find(results, 'speed', '10x100', False, 'common')
    lines = [markdown(head, body), '', about(results)[0] + '. ' + about(results)[1] + '.']
    if ours:
        lines += ['', f'nghttp2 alone, in memory and without sockets, needs {number(ours["limit_us"])} µs for such a request as it comes, '
                  f'and {number(ours["pool_limit_us"])} µs with the memory of `pool.h`: {ours["share"]:.0%} and '
                  f'{ours["pool_limit_us"] / ours["cpu_us"]:.0%} of ours.']
    return '\n'.join(lines)


def profile_block(results):
    """The instructions of a request by library."""
    rows = [row for row in rows_of(results, 'profile') if row.get('instructions', 0) >= 1]
    total = sum(row['instructions'] for row in rows) or 1
    body = [[row['what'].split()[1], number(row['instructions']), f'{row["instructions"] / total:.0%}', number(row['misses'])]
            for row in sorted(rows, key=lambda row: -row['instructions'])]
    calls = [f'{row["calls"]:.3f} `{row["what"].split()[1]}`' for row in rows_of(results, 'profile') if 'calls' in row]
    return (markdown(['code of', 'instructions a request', 'share', 'cache misses'], body) +
            f'\n\nSystem calls a request: {", ".join(calls)}.')


def time_block(results):
    """The time of a request by whose it is; the rows add up to the whole."""
    rows = [row for row in rows_of(results, 'profile') if 'us' in row]
    total = sum(row['us'] for row in rows) or 1
    body = [[row['what'].removeprefix('time '), number(row['us']), f'{row["us"] / total:.0%}']
            for row in sorted(rows, key=lambda row: -row['us'])]
    body.append(['the whole request', number(total), '100%'])
    how = {'perf': 'Measured with perf.', 'differences': 'Measured by differences: this machine lets perf not look.'}
    return markdown(['code of', 'µs a request', 'share'], body) + '\n\n' + how[rows[0]['how']]


def memory_block(results):
    """What an idle connection takes, and what nghttp2 and OpenSSL take of it."""
    body, before = [], 0
    for tls, name in (False, 'nghttp2'), (True, 'OpenSSL'):
        ours, library = find(results, 'idle', 'connection', tls, 'common'), find(results, 'alone', name, tls, 'common')
        if ours and library:
            before += library['bytes']
            body.append([f'{name} alone', number(library['blocks']), number(library['asked']), number(library['bytes'])])
            body.append([f'an idle connection{", TLS" if tls else ""}', '', '', number(ours['bytes'])])
            body.append([f'of that beyond {"OpenSSL and " if tls else ""}nghttp2', '', '', number(ours['bytes'] - before)])
    return markdown(['', 'blocks', 'bytes asked for', 'bytes of memory'], body)


def starts_block(results):
    """One start of a program, piece by piece."""
    rows = rows_of(results, 'starts')
    before = [0] + [row['ms'] for row in rows]
    body = [[row['what'], number(row['ms']), f'{row["ms"] - before[i]:+.2f}'] for i, row in enumerate(rows)]
    return markdown(['one start', 'ms of processor time', 'more than the line before'], body)


BLOCKS = {'speed': lambda runs: speed_block(runs[-1]), 'profile': lambda runs: profile_block(runs[-1]),
          'time': lambda runs: time_block(runs[-1]), 'starts': lambda runs: starts_block(runs[-1]),
          'memory': lambda runs: memory_block(runs[-1]), 'goals': goals_block}

if __name__ == '__main__':
    sys.exit('report is not a program; see bench')
