"""where: where the instructions, the cache misses and the time of a request go, at 10x100."""
import os
import re
import shutil
import signal
import subprocess

from measure import DEADLINE, Work, limit, load, run
from servers import BUILT, Server, on_core

WORK = Work(10, 100)
OURS = f'{BUILT}/server'

# --- Instructions and cache misses, by valgrind ---------------------------------------------------------


def whose(path, source):
    """Whose code a function is, by the object file and the source. The server itself has our code, and that of nghttp2
    if it is linked in, of which nobody knows the source."""
    for name in 'libnghttp2', 'libuv', 'libssl', 'libcrypto', 'libc':
        if name in path:
            return name
    if OURS not in path:
        return 'other'
    return 'libnghttp2' if source == '???' else 'common'


def costs(path):
    """{whose: [instructions, misses]} of a callgrind file: costs of each function itself; misses of the first data
    cache. The file has a name in full once, then only its number: `fl=(3) body.c`, `fl=(3)`."""
    totals, names, is_call, events = {}, {}, False, []
    current = {'object': 'other', 'source': '???'}
    with open(path, encoding='utf-8', errors='replace') as file:
        for line in file:
            position = re.match(r'c?(ob|f[lie])=(\(\d+\)) ?(.*)', line)
            if position:
                what = 'object' if position[1] == 'ob' else 'source'
                name = names.setdefault((what, position[2]), position[3])
                if not line.startswith('c'):
                    current[what] = name
            elif line.startswith('events:'):
                events = line.split()[1:]
            elif line.startswith('calls='):
                is_call = True  # the next line is the cost of the called function
            elif re.match(r'[\d+*-]', line):
                if not is_call:
                    cost = dict(zip(events, map(int, line.split()[1:])))
                    total = totals.setdefault(whose(current['object'], current['source']), [0, 0])
                    total[0] += cost.get('Ir', 0)
                    total[1] += cost.get('D1mr', 0) + cost.get('D1mw', 0)
                is_call = False
    return totals


def profiled(folder, count):
    """{(whose, 'instructions' or 'misses'): figure} of the server, for `count` requests."""
    path = f'{folder}/callgrind.{count}'
    valgrind = ['valgrind', '--tool=callgrind', '--cache-sim=yes', f'--callgrind-out-file={path}']
    server = Server('common', folder, run=lambda port: [*valgrind, OURS, '--port', str(port)])
    try:
        run(on_core(1) + WORK.h2load(server.url, count))
        server.process.terminate()
        server.process.wait(DEADLINE)
    finally:
        server.stop()
    return {(name, what): figure for name, both in costs(path).items()
            for what, figure in zip(('instructions', 'misses'), both)}


# --- System calls, by strace ----------------------------------------------------------------------------


def calls(folder, count):
    """{system call: how many} of the server, for `count` requests."""
    path = f'{folder}/strace.{count}'
    server = Server('common', folder, run=lambda port: ['strace', '-c', '-f', '-o', path, OURS, '--port', str(port)])
    try:
        run(on_core(1) + WORK.h2load(server.url, count))
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


# --- Time, by perf, or by differences -------------------------------------------------------------------

KERNEL = {'reading': r'sys_(read|recv)', 'writing': r'sys_(send|write)', 'waiting': r'sys_epoll'}
# What TCP does with the bytes: on the loopback interface also what it does at the receiving end.
TCP = re.compile(r'tcp_(write_xmit|push|send_ack|cleanup_rbuf|v4_rcv|v6_rcv|ack)|__tcp_(transmit|push)|net_rx_action|ip_queue_xmit')


def kernels(names):
    """What the kernel does, by the names of its functions, innermost first."""
    if any(TCP.search(name) for name in names):
        return 'TCP'
    for what, pattern in KERNEL.items():
        if any(re.search(pattern, name) for name in names):
            return what
    return 'entering it, interrupts, page faults'


def sources(addresses):
    """{address: source file} in the server's own file; `???` if there is no line of it."""
    lines = ''.join(f'{address:#x}\n' for address in addresses)
    done = subprocess.run(['addr2line', '-e', OURS], input=lines, capture_output=True, text=True, check=True)
    return {address: '???' if line.endswith('?') else line for address, line in zip(addresses, done.stdout.splitlines())}


def samples(path):
    """{whose: samples} of a file of perf, which gives addresses within each file."""
    done = subprocess.run(['perf', 'script', '-i', path, '-F', 'ip,sym,dso'], capture_output=True, text=True, check=True)
    found, addresses = {}, {}
    for sample in done.stdout.strip().split('\n\n'):
        lines = [re.match(r'\s*([0-9a-f]+) (.*) \((.*)\)$', line) for line in sample.splitlines()]
        lines = [line.groups() for line in lines if line]
        if not lines:
            continue
        address, name, path = int(lines[0][0], 16), lines[0][1], lines[0][2]
        if 'kernel' in path or path.startswith('['):
            owner = 'libc' if path == '[vdso]' else 'kernel: ' + kernels([name for _, name, path in lines if 'kernel' in path])
            found[owner] = found.get(owner, 0) + 1
        elif path == OURS:
            addresses[address] = addresses.get(address, 0) + 1
        else:
            found[whose(path, '')] = found.get(whose(path, ''), 0) + 1
    for address, source in sources(list(addresses)).items():
        owner = whose(OURS, source)
        found[owner] = found.get(owner, 0) + addresses[address]
    return found


def by_perf(folder, count):
    """{whose: microseconds} of the server for a request: the share of samples. Raises RuntimeError where the machine
    does not let perf look."""
    path = f'{folder}/perf.data'
    server = Server('common', folder)
    try:
        cpu = load(server, WORK, count)['cpu_us']
        run(on_core(1) + ['perf', 'record', '-q', '-e', 'cpu-clock', '-F', '4999', '--call-graph', 'fp', '-o', path, '-p',
                          str(server.process.pid), '--', *WORK.h2load(server.url, count)])
        found = samples(path)
    finally:
        server.stop()
    total = sum(found.values())
    if total < 100 or not any(owner.startswith('kernel') for owner in found):
        raise RuntimeError('perf: this machine shows no samples of the kernel')
    return {owner: cpu * number / total for owner, number in found.items()}


def split(server, count):
    """Microseconds of a request: the program's own, and the kernel's."""
    def ticks():
        with open(f'/proc/{server.process.pid}/stat', encoding='ascii') as file:
            return [int(field) for field in file.read().rsplit(')', 1)[1].split()[11:13]]
    before = ticks()
    cpu = load(server, WORK, count)['cpu_us']
    user, system = (after - then for after, then in zip(ticks(), before))
    return cpu * user / max(user + system, 1), cpu * system / max(user + system, 1)


def by_differences(folder, count):
    """The same, rougher: nghttp2 in memory; the server on a Unix socket; and on TCP."""
    path = f'{folder}/socket'
    figures = {}
    for name, more in ('Unix', ['--unix', path]), ('TCP', []):
        server = Server('common', folder, run=lambda port, more=more: [OURS, '--port', str(port), *more])
        server.base = f'unix:{path}' if more else None
        try:
            load(server, WORK, 1000)
            figures[name] = split(server, count)
        finally:
            server.stop()
    nghttp2 = limit(WORK)['pool_us']
    return {'libnghttp2': nghttp2, 'common and libc': figures['TCP'][0] - nghttp2,
            'kernel: reading, writing, waiting': figures['Unix'][1],
            'kernel: TCP': max(figures['TCP'][1] - figures['Unix'][1], 0)}


def times(folder, count):
    """{whose: microseconds} for one request, and how they were measured."""
    if shutil.which('perf'):
        try:
            return by_perf(folder, count), 'perf'
        except (RuntimeError, subprocess.CalledProcessError):
            pass
    return by_differences(folder, count), 'differences'


def profile(folder, count, count_of_time):
    """[(what, figures)] for one request, and what is missing and why."""
    rows, problems = [], []
    if shutil.which('valgrind') and shutil.which('strace'):
        both = difference(profiled, folder, count)
        for name in dict.fromkeys(name for name, _ in both):
            rows.append((f'instructions {name}', {'instructions': both.get((name, 'instructions'), 0),
                                                  'misses': both.get((name, 'misses'), 0)}))
        rows += [(f'calls {name}', {'calls': figure}) for name, figure in difference(calls, folder, count).items()]
    else:
        problems.append('profile: valgrind or strace is not installed')
    measured, how = times(folder, count_of_time)
    rows += [(f'time {name}', {'us': figure, 'how': how}) for name, figure in measured.items()]
    return rows, problems
