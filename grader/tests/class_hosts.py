#!/usr/bin/env python3
"""`make class HOSTS=a,b`: two hosts, each a network namespace with an sshd, grade like this machine, also when one dies.

A host has its own process and mount namespaces too: it sees neither this project nor its home, but an empty folder.
"""
import csv
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, f'{ROOT}/grader/tools/dev')
from tap import check, done_testing, skip_all  # noqa: E402  pylint: disable=wrong-import-position
from small_class import STUDENTS, grade, hand_in, rows_of, table  # noqa: E402  pylint: disable=wrong-import-position

HOSTS = {'worker-a': '10.77.1.2', 'worker-b': '10.77.2.2'}
PATIENCE = 300  # seconds

# What a host does when it starts: KEY is who may log in, the rest what it must not see.
START = '''
hostname "$1" && mount --make-rprivate / && mount -t proc proc /proc || exit 1
for folder in "$HOME" /tmp /run "$2"; do
  [ ! -d "$folder" ] || mount -t tmpfs -o mode=755 tmpfs "$folder" || exit 1
done
chmod 1777 /tmp && mkdir -p /run/sshd "$HOME/.ssh" && printf '%s\\n' "$3" >"$HOME/.ssh/authorized_keys" &&
  ssh-keygen -q -t ed25519 -N '' -f "$HOME/.ssh/host" && cd / &&
  exec /usr/sbin/sshd -D -e -o LogLevel=FATAL -f /dev/null -h "$HOME/.ssh/host" -o UsePAM=no -o PermitRootLogin=yes -o StrictModes=no
'''


def run(*command, **more):
    return subprocess.run(command, check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL, **more).stdout


def why_not():
    """Why these tests cannot run here, or None."""
    if os.getuid() != 0:
        return 'only root can make network namespaces'
    for command in ('parallel', 'rsync', 'ssh', '/usr/sbin/sshd', 'ip'):
        if not shutil.which(command):
            return f'there is no {command}'
    if subprocess.run(['unshare', '--net', '--mount', '--pid', '--fork', 'sh', '-c', 'mount -t tmpfs tmpfs /run && mkdir /run/netns && ip netns add x'],
                      check=False, capture_output=True).returncode != 0:
        return 'ip netns does not work here'
    return None


# --- Hosts ------------------------------------------------------------------------------------------------

def start_host(number, name, key):
    """Returns the process whose end is the end of the host."""
    wire = f'host-{number}'
    run('ip', 'netns', 'add', name)
    run('ip', 'link', 'add', wire, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name)
    run('ip', 'address', 'add', f'10.77.{number}.1/24', 'dev', wire)
    run('ip', 'link', 'set', wire, 'up')
    for device in ('lo', 'eth0'):
        run('ip', '-n', name, 'link', 'set', device, 'up')
    run('ip', '-n', name, 'address', 'add', f'10.77.{number}.2/24', 'dev', 'eth0')
    return subprocess.Popen(['ip', 'netns', 'exec', name, 'unshare', '--mount', '--uts', '--ipc', '--pid', '--fork', '--kill-child',
                             'sh', '-c', START, 'start', name, str(ROOT), key], stdin=subprocess.DEVNULL)


def on_host(name, command):
    return subprocess.run([*os.environ['PARALLEL_SSH'].split(), f'root@{HOSTS[name]}', command], check=False, capture_output=True,
                          text=True, stdin=subprocess.DEVNULL)


def wait_for(name):
    until = time.monotonic() + PATIENCE
    while on_host(name, 'true').returncode != 0:
        if time.monotonic() > until:
            raise SystemExit(f'{name} does not start')
        time.sleep(0.05)


def start_hosts(scratch):
    run('ip', 'link', 'set', 'lo', 'up')
    run('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', f'{scratch}/key')
    key = pathlib.Path(f'{scratch}/key.pub').read_text(encoding='utf-8').strip()
    os.environ['PARALLEL_SSH'] = (f'ssh -F none -i {scratch}/key -o UserKnownHostsFile=/dev/null -o StrictHostKeyChecking=no '
                                  '-o LogLevel=ERROR')
    for number, name in enumerate(HOSTS, 1):
        start_host(number, name, key)
    for name in HOSTS:
        wait_for(name)


# --- A class ----------------------------------------------------------------------------------------------

def text_of(path):
    """Without what is measured."""
    return re.sub(r'\d+(\.\d+)? (ms|s)\b', '', path.read_text(encoding='utf-8'))


def graded(scratch, out):
    """The students of parallel's job log whose grading succeeded, sorted."""
    with open(scratch / out / 'joblog', encoding='utf-8', newline='') as file:
        return sorted(row['Command'].split()[-1].strip("'") for row in csv.DictReader(file, delimiter='\t') if row['Exitval'] == '0')


HOSTS_OPTION = f'HOSTS={",".join(f"root@{address}" for address in HOSTS.values())}'


def test_like_here(scratch):
    """Two hosts make the same table as this machine."""
    grade(scratch, 'here').communicate(timeout=PATIENCE)
    before = table(scratch, 'here')
    engine = grade(scratch, 'hosts', HOSTS_OPTION)
    text, _ = engine.communicate(timeout=PATIENCE)
    after = table(scratch, 'hosts')
    check('two hosts make the same table', engine.returncode == 0 and before == after, f'{text}{before}\n{after}')
    places = {row['where'] for row in rows_of(scratch, 'hosts')}
    check('each row says where it was graded', places == set(HOSTS), places)
    check('each student was graded once', graded(scratch, 'hosts') == STUDENTS, graded(scratch, 'hosts'))
    files = ('src/lab01-session/session.log', 'feedback.txt')
    different = [f'{name}/{file}' for name in STUDENTS for file in files if text_of(scratch / 'hosts' / name / file) != text_of(scratch / 'here' / name / file)]
    check('everything has come back', not different and all((scratch / 'hosts' / name / 'index.html').stat().st_size for name in STUDENTS), different)
    for name in HOSTS:
        check(f'nothing stays on {name}', not on_host(name, 'ls').stdout, on_host(name, 'ls').stdout)
    text, _ = grade(scratch, 'hosts', HOSTS_OPTION).communicate(timeout=PATIENCE)
    check('the same command has nothing left to do', ' 0 to grade' in text, text)


def test_no_library(scratch):
    """A host without a library compiles nothing. That is not the students' fault: the other host grades them."""
    on_host('worker-b', 'mount -t tmpfs tmpfs /usr/include/nghttp2')
    engine = grade(scratch, 'library', HOSTS_OPTION)
    text, _ = engine.communicate(timeout=PATIENCE)
    on_host('worker-b', 'umount /usr/include/nghttp2')
    places = {row['where'] for row in rows_of(scratch, 'library')}
    check('a host without a library grades nobody', engine.returncode == 0 and places == {'worker-a'}
          and table(scratch, 'here') == table(scratch, 'library'), f'{places}{text}')


def test_death(scratch):
    """One of the hosts can no longer be reached, in the middle of its gradings."""
    engine = grade(scratch, 'death', HOSTS_OPTION, 'JOBS=1')
    text = ''
    for line in engine.stdout:
        text += line
        if line.startswith('[2/'):
            run('ip', 'link', 'set', 'host-1', 'down')
    engine.wait()
    before = table(scratch, 'here')
    after = table(scratch, 'death')
    check('a host that dies loses nothing', engine.returncode == 0 and before == after, f'{text}{after}')
    check('nobody is graded twice', graded(scratch, 'death') == STUDENTS, graded(scratch, 'death'))
    by_dead = sum(row['where'] == 'worker-a' for row in rows_of(scratch, 'death'))
    check('the other host has graded the rest', by_dead <= 3 and text.count(f'/{len(STUDENTS)}] ') == len(STUDENTS), f'{by_dead}\n{text}')


def test_none(scratch):
    """No host can be reached; then the same command goes on here."""
    engine = grade(scratch, 'none', f'HOSTS=root@{HOSTS["worker-a"]}')
    text, _ = engine.communicate(timeout=PATIENCE)
    check('without a host, class fails and says so', engine.returncode != 0 and 'not graded: 8' in text, text)


def main():
    why = why_not()
    if why:
        return skip_all(why)
    if '--inside' not in sys.argv:
        command = ['unshare', '--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc', sys.executable, __file__, '--inside']
        os.execvp(command[0], command)
    run('mount', '-t', 'tmpfs', 'tmpfs', '/run')
    with tempfile.TemporaryDirectory(prefix='hosts-') as name:
        scratch = pathlib.Path(name)
        start_hosts(scratch)
        hand_in(scratch)
        test_like_here(scratch)
        test_no_library(scratch)
        test_death(scratch)
        test_none(scratch)
    return done_testing()


sys.exit(main())
