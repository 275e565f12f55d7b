#!/usr/bin/env python3
"""Cheats and vandals in place of lab 1's program, in C, as students hand them in; lab 4 is the reference solution.

Whatever they do, the grading ends in bounded time and without a fault, they get no points, and lab 4 gets all of its
own; no process, file or shared memory is left, nothing outside changes or is shown; the results are small, are text
without control characters, and are the same two seconds later. The programs are in hostile/vandals.c. And programs
that always do one fixed thing without HTTP/2 (hostile/fixed.c) get no points in any lab.

Runs alone: it would take what other tests leave for what these programs leave.
"""
import concurrent.futures
import glob
import hashlib
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, f'{ROOT}/grader/tools/dev')
# pylint: disable=wrong-import-position
from tap import check, done_testing  # noqa: E402

SOURCE = f'{ROOT}/grader/tests/hostile/vandals.c'
GRADE = f'{ROOT}/build/grader/grade'
SECRET = 'the secret of somebody else'
BOUND = 150  # seconds for one grading, on a busy machine
AT_ONCE = 3
MEMORY = 256 << 20
RESULTS = 8 << 20

CLIENTS = ['nothing', 'error', 'usage', 'preface', 'patient', 'ack']
SERVERS = ['nothing', 'error', 'serve', 'deaf', 'answer']
PROGRAMS = {'lab01-session/session': CLIENTS, 'lab02-requests/requests': CLIENTS,
            'lab03-server/server': SERVERS, 'lab04-router/router': SERVERS,
            'lab05-timeouts/client': CLIENTS, 'lab05-timeouts/server': SERVERS,
            'lab06-tls/client': CLIENTS, 'lab06-tls/server': SERVERS}


# Machine instructions, by a word that no file may have (grader/sandbox/forbidden.h, preprocessed.h), put together by a macro.
ASM = '#define PAIR(a, b) a##b\nPAIR(__as, m__)'

# Should a file get such a word past that, the compiler's confinement must stop what the assembler would read. So these are
# compiled as the assembler's files.
ASSEMBLER = {
    'a file as data, by the assembler': '.incbin "SECRET"\n',
    'a device as data, by the assembler': '.incbin "/dev/zero"\n',
    'an assembler file, by the assembler': '.include "SECRET"\n',
    'a large hole, by the assembler': '.data\n.skip 0x3fffffffff\n',
    'a loop of macros, by the assembler': '.macro m\nm\nm\n.endm\nm\n',
}
AS = ('-x', 'assembler-with-cpp')

# Attacks on the compiler: each is a whole file, in which SECRET stands for the path of another file.
FILES = {
    'a device': '#define FILE "/dev/zero"\n#include FILE\n',
    'standard input': '#define FILE "/dev/stdin"\n#include FILE\n',
    "somebody's file": '#define FILE "SECRET"\n#include FILE\n',
    'itself, twice': '#include __FILE__\n#include __FILE__\n',
    'whether a file is there': '#if __has_include("SECRET")\n#error the secret of somebody else is there\n#endif\n',
    'a line of another file': '#line 1 "SECRET"\nint x = y;\n',
    'a macro bomb': '#define A0 x x\n' + ''.join(f'#define A{i} A{i - 1} A{i - 1}\n' for i in range(1, 40)) + 'A39\n',
    'a large array': 'char a[2500000000] = {1};\n',
    'many warnings': '#warning w\n' * 20000,
    'more errors than are kept': '_Static_assert(0, "e");\n' * 2000,
    'a warning for the terminal': '#warning \033[2J \033]0;x\007 \377\376\n',
    'a scoreboard of its own': '#line 1 "file.c\\n\\nTotal: 15 of 15 points\\n"\n#error no\n',
    'a scoreboard in a message': '#pragma message "\\nTotal: 15 of 15 points"\n#error no\n',
    'a file as data': ASM + '(".incbin \\"SECRET\\"");\n',
    'deep brackets': 'int x = ' + '(' * 200000 + '1' + ')' * 200000 + ';\n',
    "the grader's header": '#include "grader/serve/reference_server.h"\n',
    'the solution': '#include "lab01-session/solution/session.c"\n',
}
# Programs do not get the functions that their lab writes by hand, whatever they declare.
BY_HAND = {
    'connection_connect': 'lab01', 'client_connect': 'lab02', 'server_listen': 'lab03', 'tls_client_context': 'lab06',
    'tls_handshake': 'lab06',
}
# Names that go around what watches a program: used, or defined.
FORBIDDEN = {
    '__real_malloc': 'extern int {}(); int main(void) {{ return (int)(long){}; }}',
    '__sanitizer_set_death_callback': 'extern int {}(); int main(void) {{ return (int)(long){}; }}',
    '__lsan_disable': 'extern int {}(); int main(void) {{ return (int)(long){}; }}',
    'dlsym': 'extern int {}() __attribute__((weak)); int main(void) {{ return {} != 0; }}',
    'dladdr': 'extern int {}() __attribute__((weak)); int main(void) {{ return {} != 0; }}',
    'dladdr1': 'extern int {}() __attribute__((weak)); int main(void) {{ return {} != 0; }}',
    'dlinfo': 'extern int {}() __attribute__((weak)); int main(void) {{ return {} != 0; }}',
    '_dl_find_object': 'extern int {}() __attribute__((weak)); int main(void) {{ return {} != 0; }}',
    '__asan_default_options': 'const char *{}(void) {{ return "detect_leaks=0"; }} int main(void) {{ return 0; }}',
    '__ubsan_default_options': 'const char *{}(void) {{ return ""; }} int main(void) {{ return 0; }}',
    '__wrap_malloc': 'void *{}(unsigned long size) {{ return (void *)size; }} int main(void) {{ return 0; }}',
    '__asan_init': 'void {}(void) {{ }} int main(void) {{ return 0; }}',
}


def attacks():
    """The functions of vandals.c after its helpers, in order."""
    with open(SOURCE, encoding='utf-8') as file:
        text = file.read()
    return re.findall(r'^static void (\w+)\(void\) \{', text[text.index('/* ---- the table'):], re.M)


def score(outcome, lab):
    return sum(test['score'] for test in outcome['tests'] if test['number'].startswith(lab))


def possible(outcome, lab):
    return sum(test['max_score'] for test in outcome['tests'] if test['number'].startswith(lab))


def run(folder, out, scratch, more=()):
    """Grade. Returns status, output, results.json (None if there is none), seconds, memory of the largest process."""
    os.makedirs(f'{scratch}/tmp', exist_ok=True)
    os.chmod(f'{scratch}/tmp', 0o755)
    environment = dict(os.environ, TMPDIR=f'{scratch}/tmp', NO_COLOR='1', HOME=f'{scratch}/outside/home')
    started = time.monotonic()
    with open(f'{scratch}/printed', 'wb') as printed:
        child = subprocess.Popen([GRADE, '--programs', folder, '--output', out, *more], cwd=ROOT,
                                 env=environment, stdout=printed, stderr=subprocess.STDOUT)
        while True:
            pid, status, usage = os.wait4(child.pid, os.WNOHANG)
            if pid:
                break
            if time.monotonic() - started > BOUND:
                child.kill()
                return None, 'the grading did not end', None, BOUND, 0
            time.sleep(0.05)
        child.returncode = os.waitstatus_to_exitcode(status)
    with open(f'{scratch}/printed', 'rb') as printed:
        text = printed.read()
    outcome = None
    if os.path.exists(f'{out}/results.json'):
        with open(f'{out}/results.json', encoding='utf-8') as file:
            outcome = json.load(file)
    return child.returncode, text, outcome, time.monotonic() - started, usage.ru_maxrss << 10


def processes_of(scratch):
    """Processes that run a program of this folder, work in it, or call themselves a vandal."""
    found = []
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            places = [os.readlink(f'/proc/{pid}/{link}') for link in ('exe', 'cwd')]
            with open(f'/proc/{pid}/comm', encoding='utf-8') as file:
                name = file.read().strip()
            if name == 'vandal' or any(place.startswith(scratch) for place in places):
                found.append(f'{pid} {name} {places}')
        except OSError:
            pass
    return found


def digest(folder):
    """A hash of names, kinds and contents of everything in a folder."""
    total = hashlib.sha256()
    for path in sorted(glob.glob(f'{folder}/**', recursive=True, include_hidden=True)):
        total.update(path.encode())
        if os.path.islink(path):
            total.update(os.readlink(path).encode())
        elif os.path.isfile(path):
            with open(path, 'rb') as file:
                total.update(file.read())
    return total.hexdigest()


def size_of(folder):
    return sum(os.path.getsize(path) for path in glob.glob(f'{folder}/**', recursive=True) if os.path.isfile(path))


def text_fault(printed, out):
    """What is wrong with the output and the files: '' if nothing is."""
    if re.search(rb'[\x00-\x09\x0b-\x1f\x7f]', printed):
        return 'control characters on the terminal'
    for path in [*glob.glob(f'{out}/*.*'), *glob.glob(f'{out}/checks/*.json')]:
        with open(path, 'rb') as file:
            content = file.read()
        if SECRET.encode() in content or SECRET.encode() in printed:
            return f'{path}: the secret'
        try:
            content.decode('utf-8')
        except UnicodeDecodeError as error:
            return f'{path}: {error}'
    try:
        xml.etree.ElementTree.parse(f'{out}/results.xml')
    except (OSError, xml.etree.ElementTree.ParseError) as error:
        return f'results.xml: {error}'
    return ''


def prepare(scratch, name):
    os.makedirs(f'{scratch}/outside/home')
    for path, text in (('secret', SECRET), ('home/.bashrc', '# nothing\n')):
        with open(f'{scratch}/outside/{path}', 'w', encoding='utf-8') as file:
            file.write(text)
    for link in ('programs', 'out'):
        os.mkdir(f'{scratch}/{link}')
    shutil.copytree(f'{ROOT}/build/solutions/lab04-router', f'{scratch}/programs/lab04-router')
    os.mkdir(f'{scratch}/programs/lab01-session')
    places = {'OUTSIDE': f'{scratch}/outside', 'SECRET': f'{scratch}/outside/secret', 'ROOT': ROOT,
              'RESULTS': f'{scratch}/out'}
    defines = [f'-D{key}="{place}"' for key, place in places.items()]
    subprocess.run(['gcc', '-std=gnu11', '-D_GNU_SOURCE', '-w', '-pthread', *defines, f'-DATTACK={name}', SOURCE,
                    '-o', f'{scratch}/programs/lab01-session/session'], check=True)


def test_vandal(name, scratch):
    """Returns the folder of the results and their hash, to compare later."""
    os.mkdir(scratch)
    os.chmod(scratch, 0o755)
    prepare(scratch, name)
    outside, programs, out = (f'{scratch}/{folder}' for folder in ('outside', 'programs', 'out'))
    before = digest(outside), digest(programs)
    status, printed, outcome, seconds, memory = run(programs, out, scratch)
    detail = f'status {status}, {seconds:.1f} s\n{printed.decode("utf-8", "replace") if outcome else printed}'
    check(f'{name}: the grading ends, and without a fault', status == 0 and outcome, detail)
    if outcome:
        check(f'{name}: it gets no points, lab 4 gets all', score(outcome, 'lab01') == 0
              and score(outcome, 'lab04') == possible(outcome, 'lab04'), detail)
        check(f'{name}: the output is text, without the secret', not text_fault(printed, out), text_fault(printed, out))
        check(f'{name}: results and memory are small', size_of(out) < RESULTS and memory < MEMORY,
              f'{size_of(out)} octets, {memory >> 20} MiB')
    check(f'{name}: nothing outside has changed', (digest(outside), digest(programs)) == before)
    left = [*processes_of(scratch), *os.listdir(f'{scratch}/tmp')]
    check(f'{name}: no process and no file is left', not left, '\n'.join(left))
    if '--times' in sys.argv:
        print(f'# {name}: {seconds:.1f} s, {memory >> 20} MiB, {size_of(out) >> 10} KiB')
    return out, digest(out)


def test_fixed(scratch, number):
    """Put the number-th fixed thing in place of each program of each lab."""
    os.mkdir(scratch)
    os.chmod(scratch, 0o755)
    modes = {}
    for path, choices in PROGRAMS.items():
        modes[path] = choices[number % len(choices)]
        place = f'{scratch}/programs/{path}'
        os.makedirs(os.path.dirname(place), exist_ok=True)
        shutil.copy(f'{ROOT}/build/tests/hostile/fixed', os.path.dirname(place))
        with open(place, 'w', encoding='utf-8') as file:
            file.write(f'#!/bin/sh\nexec ${{0%/*}}/fixed {modes[path]} {os.path.basename(path)} "$@"\n')
        os.chmod(place, 0o755)
    _, printed, outcome, _, _ = run(f'{scratch}/programs', f'{scratch}/out', scratch, ['--any-language'])
    labs = {lab: score(outcome, lab) for lab in sorted({path[:5] for path in PROGRAMS})} if outcome else {}
    check(f'a program that always does the same gets no points in any lab ({", ".join(sorted(set(modes.values())))})',
          len(labs) == 6 and not any(labs.values()), f'{labs}\n{printed}')


def compile_command(lab):
    libraries = ['-static-libasan', '-static-libubsan', '-lnghttp2', '-lssl', '-lcrypto', '-luv', '-ljansson']
    return [f'{ROOT}/build/grader/compile', '--source', 'lab/file.c', '--output', 'out/file', '--files',
            f'{ROOT}/build/grader/compiler.files', '--archive', f'{ROOT}/build/obj/sanitized/{lab}.a', '--', 'gcc',
            '-std=gnu11', '-w', '-Wcpp', '-fsanitize=address,undefined', *libraries]


def compile_file(scratch, lab, text, flags=()):
    """Returns the status of the tool, its seconds, its output, and the path of the program."""
    os.makedirs(f'{scratch}/lab/tmp')
    with open(f'{scratch}/secret', 'w', encoding='utf-8') as file:
        file.write(f'int s = "{SECRET}";\n')
    with open(f'{scratch}/lab/file.c', 'w', encoding='latin-1') as file:
        file.write(text.replace('SECRET', f'{scratch}/secret'))
    started = time.monotonic()
    done = subprocess.run([*compile_command(lab), *flags], cwd=scratch, env=dict(os.environ, TMPDIR=f'{scratch}/lab/tmp'),
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=BOUND,
                          check=False)
    return done.returncode, time.monotonic() - started, done.stdout, f'{scratch}/out/file'


def test_file(name, text, scratch, flags=()):
    """A file for the compiler, without a main: there is no program, and nobody else's text in the output."""
    os.mkdir(scratch)
    status, seconds, printed, program = compile_file(scratch, 'lab01', text, flags)
    with open(f'{program}.log', 'rb') as file:
        log = file.read()
    detail = f'status {status}, {seconds:.1f} s\n{printed[-2000:]}'
    check(f'compiling {name}: it ends, with a reason and without a program',
          status == 0 and not os.path.exists(program) and re.search(b'[Ee]rror: ', log) and len(log) < 80 << 10, detail)
    clean = not re.search(rb'[\x00-\x08\x0b-\x1f\x7f]', printed) and SECRET.encode() not in printed
    check(f"compiling {name}: the output is text, without the secret", clean, detail)
    check(f'compiling {name}: the output ends with its line', printed.endswith(b'\n') and log.endswith(b'\n'), detail)
    check(f'compiling {name}: the output is not a scoreboard', not re.search(rb'^Total', printed, re.M), printed)
    check(f'compiling {name}: nothing is left', os.listdir(f'{scratch}/lab/tmp') == [])
    if '--times' in sys.argv:
        print(f'# compiling {name}: {seconds:.1f} s {log[-300:]}')


def test_interrupted(scratch):
    """Ctrl-C while the tool compiles a file: nothing is left, and make sees that it was a signal."""
    os.makedirs(f'{scratch}/lab/tmp')
    with open(f'{scratch}/lab/file.c', 'w', encoding='utf-8') as file:
        file.write(next(text for name, text in FILES.items() if 'macro' in name))
    with subprocess.Popen(compile_command('lab01'), cwd=scratch, env=dict(os.environ, TMPDIR=f'{scratch}/lab/tmp'),
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as tool:
        begun = tool.stdout.readline()
        tool.send_signal(signal.SIGINT)
        rest = tool.stdout.read()
        status = tool.wait(BOUND)
    check('compiling, interrupted: the tool ends by the signal', b'CC' in begun and status == -signal.SIGINT, f'{status} {rest}')
    check('compiling, interrupted: nothing is left', os.listdir(f'{scratch}/lab/tmp') == [] and
          not os.path.exists(f'{scratch}/out/file.log'), rest)


def test_by_hand(lab, function, scratch):
    """The function is in common/, but not in this lab's part of common/."""
    os.mkdir(scratch)
    text = f'extern int {function}();\nint main(void) {{ return (int)(long){function}; }}\n'
    _, _, printed, program = compile_file(scratch, lab, text)
    with open(f'{ROOT}/build/obj/sanitized/common.a', 'rb') as archive:
        is_there = function.encode() in archive.read()
    missing = rf'undefined (reference to .|symbol: ){function}\b'
    check(f'{lab} does not get {function}', is_there and not os.path.exists(program)
          and re.search(missing, printed.decode('utf-8', 'replace')), printed)


def test_forbidden(name, scratch):
    """One clear line that names it, and no program."""
    os.mkdir(scratch)
    _, _, printed, program = compile_file(scratch, 'lab01', FORBIDDEN[name].format(name, name) + '\n')
    line = rb"^lab/file\.c:1: error: the name '" + name.encode() + rb"' is not for a lab's program"
    check(f'a file with the name {name} becomes no program', re.findall(line, printed, re.M | re.S)
          and printed.count(b'error') == 1 and not os.path.exists(program), printed)


def test_innocent(scratch):
    """Instrumented code of every kind has none of these names."""
    os.mkdir(scratch)
    text = ('#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n'
            'static int numbers[4] = {1, 2, 3, 4};\n__attribute__((noinline)) static int f(int n, int *p) {\n'
            '  int a[n + 1];\n  struct { char text[40]; } b, *c = malloc(sizeof *c);\n  memset(&b, n, sizeof b);\n'
            '  if (c) *c = b;\n  for (int i = 0; i <= n; i++) { int x = i; a[i] = numbers[i % 4] / (n + 1) << x; p = &x; }\n'
            '  free(c);\n  if (n > 1000) exit(*p);\n  return a[n] + b.text[n];\n}\n'
            'int main(int argc, char **argv) { printf("%s %d\\n", argv[0], f(argc, &argc)); return 0; }\n')
    _, _, printed, program = compile_file(scratch, 'lab01', text)
    check('a file without such names becomes a program', os.path.exists(program), printed)
    os.unlink(program)
    command = compile_command('lab01')
    command[command.index('lab/file.c')] = f'{scratch}/lab/file.c'
    done = subprocess.run(command, cwd=scratch, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=BOUND, check=False)
    check('the same, by its whole path', os.path.exists(program), done.stdout)


def test_installed(scratch):
    """The compiler reads headers and what it links, and nothing else that is installed."""
    library = next(iter(glob.glob('/usr/lib/*/libcriterion.so.*') + glob.glob('/usr/lib*/libcriterion.so.*')), None)
    paths = {'/usr/include/stdio.h': True, '/usr/bin/env': False, library: False}
    for number, (path, readable) in enumerate(paths.items()):
        os.makedirs(f'{scratch}/{number}')
        text = f'.globl main\nmain:\n  ret\n.incbin "{path}"\n'
        _, _, printed, program = compile_file(f'{scratch}/{number}', 'lab01', text, AS)
        check(f'the compiler {"reads" if readable else "does not read"} {path}', path and readable == os.path.exists(program),
              printed)


def symbols_of(archive):
    """The names of all functions that it defines, and of its members' files: {name: members}."""
    listed = subprocess.run(['nm', '-A', f'{ROOT}/build/obj/sanitized/{archive}.a'], check=True, capture_output=True,
                            text=True).stdout
    found = {}
    for member, kind, name in re.findall(r'^[^:]+:([^:]+):\S+ ([a-zA-Z]) (\S+)$', listed, re.M):
        found.setdefault(name, set()).add((member, kind))
    return found


def test_code(lab):
    """No function that common/ exports, and that this lab writes by hand, is in its archive in any form: a hidden one
    still stands at a fixed distance from a visible one."""
    everything = symbols_of('common')
    own = symbols_of(lab)
    members = {member for places in own.values() for member, _ in places}
    missing = {name for name, places in everything.items()
               if any(kind == 'T' and member not in members for member, kind in places)}
    found = sorted(missing & set(own))
    check(f'{lab} has no code of what it writes by hand', not found and missing.issuperset(
        function for function, its_lab in BY_HAND.items() if its_lab == lab), f'{found}\n{sorted(missing)}')


def shared_things():
    """Shared memory and messages of this machine."""
    found = os.listdir('/dev/shm')
    for name in ('shm', 'sem', 'msg'):
        with open(f'/proc/sysvipc/{name}', encoding='utf-8') as file:
            found += [line.split()[0] for line in file if '30305' in line]  # the key 0x7661
    return sorted(name for name in found if 'vandal' in name or name == '30305')


def main_files():
    with tempfile.TemporaryDirectory(prefix='vandals-') as scratch:
        for i, (name, text) in enumerate(FILES.items()):
            test_file(name, text, f'{scratch}/file-{i}')
        for i, (name, text) in enumerate(ASSEMBLER.items()):
            test_file(name, text, f'{scratch}/assembler-{i}', AS)
        for function, lab in BY_HAND.items():
            test_by_hand(lab, function, f'{scratch}/hand-{function}')
        for lab in sorted(set(BY_HAND.values())):
            test_code(lab)
        for name in FORBIDDEN:
            test_forbidden(name, f'{scratch}/name-{name}')
        test_innocent(f'{scratch}/innocent')
        test_installed(f'{scratch}/installed')
        test_interrupted(f'{scratch}/interrupted')
    return done_testing()


def main():
    names = [name for name in sys.argv[1:] if not name.startswith('-')] or attacks()
    if '--files' in sys.argv:
        return main_files()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with tempfile.TemporaryDirectory(prefix='vandals-') as scratch:
        os.chmod(scratch, 0o755)
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            fixed = [pool.submit(test_fixed, f'{scratch}/fixed-{number}', number)
                     for number in range(len(CLIENTS) if names == attacks() else 0)]
            runs = [pool.submit(test_vandal, name, f'{scratch}/{name}') for name in names]
            if names == attacks():
                fixed += [pool.submit(test_file, name, text, f'{scratch}/file-{i}')
                          for i, (name, text) in enumerate(FILES.items())]
                fixed += [pool.submit(test_file, name, text, f'{scratch}/assembler-{i}', AS)
                          for i, (name, text) in enumerate(ASSEMBLER.items())]
                fixed.append(pool.submit(test_interrupted, f'{scratch}/interrupted'))
                fixed += [pool.submit(test_by_hand, lab, function, f'{scratch}/hand-{function}')
                          for function, lab in BY_HAND.items()]
                fixed += [pool.submit(test_forbidden, name, f'{scratch}/name-{name}') for name in FORBIDDEN]
                fixed.append(pool.submit(test_innocent, f'{scratch}/innocent'))
                fixed.append(pool.submit(test_installed, f'{scratch}/installed'))
                fixed += [pool.submit(test_code, lab) for lab in sorted(set(BY_HAND.values()))]
            for test in fixed:
                test.result()
            results = [test.result() for test in runs]
        time.sleep(2)
        changed = [out for out, before in results if digest(out) != before]
        check('no result has changed two seconds later', not changed, '\n'.join(changed))
    check('no shared memory is left', not shared_things(), shared_things())
    return done_testing()


if __name__ == '__main__':
    sys.exit(main())
