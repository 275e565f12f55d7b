#!/usr/bin/env python3
"""`make class ENGINE=slurm` on a cluster of one node, with slurmctld, slurmd and munged of its own: it makes the same table
as this machine, also when the node dies.
"""
import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, f'{ROOT}/grader/tools/dev')
from tap import check, done_testing, skip_all  # noqa: E402  pylint: disable=wrong-import-position
from small_class import STUDENTS, grade, hand_in, rows_of, table  # noqa: E402  pylint: disable=wrong-import-position

PATIENCE = 120  # seconds
COUNT = len(STUDENTS)

# cred_expire: how long Slurm waits before it starts the tasks of a dead node again.
CONF = '''
ClusterName=test
SlurmctldHost=localhost(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={0}/munge/socket,cred_expire=5
StateSaveLocation={0}/state
SlurmdSpoolDir={0}/spool
SlurmctldPidFile={0}/slurmctld.pid
SlurmdPidFile={0}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
SlurmdTimeout=5
NodeName=node-1 NodeHostname=localhost NodeAddr=127.0.0.1 CPUs={1} State=UNKNOWN
PartitionName=all Nodes=node-1 Default=YES MaxTime=INFINITE State=UP
'''


def why_not():
    """Why these tests cannot run here, or None."""
    if os.getuid() != 0:
        return 'only root can start a cluster'
    for command in ('parallel', 'ip', 'slurmctld', 'slurmd', 'munged', 'sbatch'):
        if not shutil.which(command, path=f'{os.environ["PATH"]}:/usr/sbin'):
            return f'there is no {command}'
    if subprocess.run(['unshare', '--net', '--mount', '--pid', '--uts', '--fork', 'true'], check=False, capture_output=True).returncode != 0:
        return 'namespaces do not work here'
    return None


# --- The cluster ------------------------------------------------------------------------------------------

def wait_until(what, condition):
    until = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > until:
            raise SystemExit(f'class_slurm: waited in vain: {what}')
        time.sleep(0.05)


def output_of(*command):
    return subprocess.run(command, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL).stdout


def start(scratch, *command):
    with open(f'{scratch}/daemons.log', 'ab') as log:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)


def start_node(scratch):
    """Its descendants are a process group of their own: the whole node can die."""
    with open(f'{scratch}/daemons.log', 'ab') as log:
        return subprocess.Popen(['/usr/sbin/slurmd', '-D', '-N', 'node-1'], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                start_new_session=True)


def start_cluster(scratch):
    subprocess.run(['hostname', 'localhost'], check=True)
    for words in ('set lo up', 'add wire type veth peer name other', 'set wire up'):
        subprocess.run(['ip', 'link', *words.split()], check=True)
    subprocess.run(['ip', 'address', 'add', '10.78.0.1/24', 'dev', 'wire'], check=True)  # with loopback alone, getaddrinfo finds nothing
    for name in ('munge', 'state', 'spool'):
        (scratch / name).mkdir(mode=0o755)
    (scratch / 'munge/key').write_bytes(os.urandom(64))
    (scratch / 'munge/key').chmod(0o600)
    (scratch / 'slurm.conf').write_text(CONF.format(scratch, os.cpu_count()))
    os.environ['SLURM_CONF'] = f'{scratch}/slurm.conf'
    start(scratch, '/usr/sbin/munged', '--foreground', '--force', f'--key-file={scratch}/munge/key', f'--socket={scratch}/munge/socket',
          f'--pid-file={scratch}/munge/pid', f'--log-file={scratch}/munge/log', f'--seed-file={scratch}/munge/seed')
    wait_until('munge', (scratch / 'munge/socket').exists)
    start(scratch, '/usr/sbin/slurmctld', '-D')
    start_node(scratch)
    wait_until('a node', lambda: 'idle' in output_of('sinfo', '--noheader', '--format=%T'))


def kill_node():
    """slurmd, and everything that it has started."""
    def children():
        found = {}
        for path in pathlib.Path('/proc').glob('[0-9]*/stat'):
            try:
                name, rest = path.read_text(encoding='utf-8', errors='replace').split('(', 1)[1].rsplit(')', 1)
            except OSError:
                continue
            found[int(path.parent.name)] = (name, int(rest.split()[1]))
        return found
    processes = children()
    dead = {number for number, (name, _) in processes.items() if name.startswith('slurmd') or name.startswith('slurmstepd')}
    while more := {number for number, (_, parent) in processes.items() if parent in dead and number not in dead}:
        dead |= more
    for number in dead:
        with contextlib.suppress(ProcessLookupError):  # it has ended by itself meanwhile
            os.kill(number, signal.SIGKILL)


# --- A class ----------------------------------------------------------------------------------------------

def test_like_here(scratch):
    grade(scratch, 'here').communicate(timeout=PATIENCE)
    engine = grade(scratch, 'slurm', 'ENGINE=slurm')
    text, _ = engine.communicate(timeout=PATIENCE)
    check('Slurm makes the same table', engine.returncode == 0 and table(scratch, 'here') == table(scratch, 'slurm'),
          f'{text}{output_of("tail", f"{scratch}/daemons.log")}')
    check('it shows each student once', text.count(f'/{COUNT}] ') == COUNT, text)
    check('each row says where it was graded', {row['where'] for row in rows_of(scratch, 'slurm')} == {'node-1'})


def test_death(scratch):
    """The node dies in the middle of its gradings, and comes back."""
    engine = grade(scratch, 'death', 'ENGINE=slurm')
    text, before, interrupted = '', {}, []
    for line in engine.stdout:
        text += line
        if line.startswith('[2/'):
            wait_until('a grading', lambda: list((scratch / 'death').glob('*/new/feedback.txt')))
            kill_node()
            interrupted = list((scratch / 'death').glob('*/new'))
            before = {path: path.stat().st_mtime_ns for path in (scratch / 'death').glob('*/row.json')}
            start_node(scratch)
    engine.wait()
    check('a node that dies loses nothing', engine.returncode == 0 and interrupted and table(scratch, 'here') == table(scratch, 'death'),
          f'{interrupted}{text}{output_of("tail", f"{scratch}/daemons.log")}')
    check('a student who was graded is not graded again', 2 <= len(before) < COUNT
          and all(path.stat().st_mtime_ns == when for path, when in before.items()), f'{before}\n{text}')
    check('it shows each student once, then too', text.count(f'/{COUNT}] ') == COUNT, text)


def test_stop(scratch):
    """Ctrl-C takes the job away; the same command goes on."""
    engine = grade(scratch, 'stopped', 'ENGINE=slurm', 'JOBS=1')
    line = next(line for line in engine.stdout if line.startswith('[1/'))
    os.killpg(engine.pid, signal.SIGINT)
    text, _ = engine.communicate(timeout=PATIENCE)
    check('after Ctrl-C, no task is left', 'the same command goes on' in text
          and 'PENDING' not in output_of('squeue', '--noheader', '--format=%T'), text)
    wait_until('the last task', lambda: not output_of('squeue', '--noheader'))
    text, _ = grade(scratch, 'stopped').communicate(timeout=PATIENCE)
    check('another engine goes on', table(scratch, 'here') == table(scratch, 'stopped') and f' {COUNT} to grade' not in text, line + text)


def main():
    why = why_not()
    if why:
        return skip_all(why)
    if '--inside' not in sys.argv:
        command = ['unshare', '--net', '--mount', '--pid', '--uts', '--fork', '--kill-child', '--mount-proc', sys.executable, __file__, '--inside']
        os.execvp(command[0], command)
    with tempfile.TemporaryDirectory(prefix='slurm-') as name:
        scratch = pathlib.Path(name)
        scratch.chmod(0o755)
        start_cluster(scratch)
        hand_in(scratch)
        test_like_here(scratch)
        test_death(scratch)
        test_stop(scratch)
    return done_testing()


sys.exit(main())
