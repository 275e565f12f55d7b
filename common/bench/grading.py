"""grading: what `make grade` costs, and where it goes: most of it to the starts of programs."""
import os
import resource
import shutil
import socket
import statistics
import subprocess
import tempfile
import time

from servers import BUILD, ROOT

EMPTY = 'int main(void) { return 0; }\n'
QUIET = [(os.POSIX_SPAWN_OPEN, number, '/dev/null', os.O_RDWR, 0) for number in (0, 1, 2)]
LIMITS = ['--memory', str(1 << 30), '--processes', '64', '--cpu', '10000', '--file', str(1 << 26)]


class Spent:
    """Processor seconds of all programs that end within a `with`."""

    def __enter__(self):
        self.before = resource.getrusage(resource.RUSAGE_CHILDREN)
        return self

    def __exit__(self, *_):
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.cpu = after.ru_utime + after.ru_stime - self.before.ru_utime - self.before.ru_stime


def busy():
    """Processor seconds of this machine so far: whoever reaps a grading's programs does not tell their time, so count
    all. Only while nothing else runs is it the grading's."""
    with open('/proc/stat', encoding='ascii') as file:
        user, nice, system, _, _, interrupts, soft = map(int, file.readline().split()[1:8])
    return (user + nice + system + interrupts + soft) / os.sysconf('SC_CLK_TCK')


# --- make grade -----------------------------------------------------------------------------------------


def copied(folder):
    """A copy of this tree without build/, so that nobody's files change."""
    def ignored(path, names):
        return [name for name in names if name == '.git' or (path == ROOT and name == 'build')]
    shutil.copytree(ROOT, f'{folder}/tree', ignore=ignored, symlinks=True)
    return f'{folder}/tree'


def make(tree, *goals):
    """Run make. Returns {'seconds', 'cpu'}. Where PATH has ccache, `from nothing` is quick."""
    environment = {name: value for name, value in os.environ.items() if name not in ('MAKEFLAGS', 'MAKELEVEL', 'MFLAGS')}
    start, before = time.monotonic(), busy()
    done = subprocess.run(['make', *goals], cwd=tree, capture_output=True, text=True, timeout=600,
                          stdin=subprocess.DEVNULL, env=environment, check=False)
    wall, cpu = time.monotonic() - start, busy() - before
    if done.returncode != 0:
        raise RuntimeError(f'make {" ".join(goals)}: status {done.returncode}\n{done.stdout}{done.stderr}')
    return {'seconds': wall, 'cpu': cpu}


def medians(rounds):
    return {key: statistics.median(each[key] for each in rounds) for key in rounds[0]}


def gradings(tree, rounds):
    return medians([make(tree, 'grade', 'SOLUTION=1', f'SEED={i + 1}') for i in range(rounds)])


def grading(rounds, in_place):
    """{what: seconds and processor seconds} of `make grade` with the solutions: they run to the end of every check.
    `in_place` needs less time: it uses this tree, where everything is compiled."""
    if in_place:
        make(ROOT, 'grade', 'SOLUTION=1')
        return {'nothing to compile': gradings(ROOT, rounds)}
    with tempfile.TemporaryDirectory() as folder:
        tree = copied(folder)
        results = {'from nothing': make(tree, 'grade', 'SOLUTION=1'), 'nothing to compile': gradings(tree, rounds)}
        os.utime(f'{tree}/lab02-requests/solution/requests.c')
        results['one edited file'] = make(tree, 'grade', 'SOLUTION=1')
        files = [f'{name}/solution/{file}' for name in sorted(os.listdir(tree)) if os.path.isdir(f'{tree}/{name}/solution')
                 for file in sorted(os.listdir(f'{tree}/{name}/solution')) if file.endswith('.c')]
        rounds_of_all = []
        for _ in range(rounds):
            for file in files:
                os.utime(f'{tree}/{file}')
            rounds_of_all.append(make(tree, *[f'build/solutions/{file.replace("/solution/", "/")[:-2]}.log' for file in files]))
        results['all eight programs compiled'] = medians(rounds_of_all)
        return results


# --- One start ------------------------------------------------------------------------------------------


def compile_empty(folder, name, compiler, linked=()):
    """An empty program, compiled by this command and linked with these."""
    with open(f'{folder}/empty.c', 'w', encoding='ascii') as file:
        file.write(EMPTY)
    subprocess.run([*compiler, f'{folder}/empty.c', '-o', f'{folder}/{name}', *linked], check=True, capture_output=True, cwd=ROOT)
    return f'{folder}/{name}'


def start(line, environment):
    """Start a program, and wait for its end."""
    os.waitpid(os.posix_spawn(line[0], line, environment, file_actions=QUIET), 0)


def start_guarded(folder, line, environment):
    """The same under the grader's guard, with its sandbox."""
    ours, guards = socket.socketpair()
    allowed = [path for path in ('/lib', '/lib64', '/usr/lib', line[0]) if os.path.exists(path)]
    guard = [f'{BUILD}/grader/guard', '--directory', f'{folder}/program', *LIMITS]
    for path in allowed:
        guard += ['--allow', f'execute:{path}']
    pid = os.posix_spawn(guard[0], [*guard, '--', *line], environment,
                         file_actions=[*QUIET, (os.POSIX_SPAWN_DUP2, guards.fileno(), 3)])
    guards.close()
    with ours, ours.makefile('r', encoding='ascii') as file:
        end = next((text for text in file if text.startswith('end')), 'no end')
    os.waitpid(pid, 0)
    if not end.startswith('end exit'):
        raise RuntimeError(f'guard: {" ".join(line)}: {end.strip()}')


def each_ms(count, call):
    """Milliseconds of processor time for each call: the least of three rounds, for disturbances only add."""
    least = None
    for _ in range(3):
        with Spent() as spent:
            for _ in range(count):
                call()
        least = spent.cpu if least is None else min(least, spent.cpu)
    return least * 1e3 / count


def starts(count):
    """{what: milliseconds of processor time} of one start, each with one thing more than the one before."""
    compiler, linker = os.environ['COMPILE'].split(), os.environ['LINK'].split()
    sanitizers = [flag for flag in linker if 'asan' in flag or 'ubsan' in flag or flag == '-no-pie']
    libraries = ['-Wl,--no-as-needed', *[flag for flag in linker if flag.startswith('-l')]]
    sanitized = [word for word in compiler if word not in ('-MMD', '-MP')]
    plain = [word for word in sanitized if not word.startswith(('-fsanitize', '-finstrument'))]
    options = 'detect_stack_use_after_return=1:max_free_fill_size=4096'
    with_leaks, without_leaks = ({'ASAN_OPTIONS': f'{options}:detect_leaks={leaks}'} for leaks in (1, 0))
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        empty = compile_empty(folder, 'empty', plain)
        loaded = compile_empty(folder, 'loaded', plain, libraries)
        watched = compile_empty(folder, 'watched', sanitized, [*sanitizers, *libraries])
        probed = compile_empty(folder, 'probed', sanitized, [f'{BUILD}/obj/sanitized/common.a', *linker, *libraries])
        lab1, lab6 = f'{BUILD}/solutions/lab01-session/session', f'{BUILD}/solutions/lab06-tls/server'
        results['an empty program'] = each_ms(count, lambda: start([empty], {}))
        results['with nghttp2, OpenSSL, libuv'] = each_ms(count, lambda: start([loaded], {}))
        results['with the sanitizers'] = each_ms(count, lambda: start([watched], without_leaks))
        results['with LeakSanitizer\'s look at the end'] = each_ms(count, lambda: start([watched], with_leaks))
        results['with the probe, which shows LeakSanitizer less'] = each_ms(count, lambda: start([probed], with_leaks))
        results['under the guard, in the sandbox'] = each_ms(count, lambda: start_guarded(folder, [probed], with_leaks))
        results['lab 1\'s program instead, which prints its usage'] = each_ms(count, lambda: start_guarded(folder, [lab1], with_leaks))
        results['lab 6\'s server instead, the same'] = each_ms(count, lambda: start_guarded(folder, [lab6, '--nonsense'], with_leaks))
    return results
