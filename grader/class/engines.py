"""engines: who runs the gradings of a class, one.py for each student: GNU parallel on this machine; GNU parallel on
other machines, by ssh; or Slurm. Each yields the lines that one.py prints, as they come.

Each engine runs a grading again whose machine dies. Nobody is graded twice: one.py does nothing for a student who is
graded, and the results of a student come whole, row.json last.
"""
import contextlib
import os
import shlex
import shutil
import subprocess
import sys
import time

import kit
import one

TRIES = 3  # of a grading whose machine dies, or whose grader fails

# A machine without a sign of life for 15 s is dead.
SSH = ' -o BatchMode=yes -o ConnectTimeout=10 -o ServerAliveInterval=5 -o ServerAliveCountMax=3'


@contextlib.contextmanager
def running(command, **more):
    """The process of the engine; if we are stopped, so is it."""
    with subprocess.Popen(command, text=True, **more) as engine:
        try:
            yield engine
        except BaseException:
            engine.terminate()
            engine.wait()
            raise


# --- GNU parallel -----------------------------------------------------------------------------------------

def parallel(options, todo, *more, **keywords):
    command = ['parallel', '--will-cite', '--retries', str(TRIES), '--joblog', 'joblog', *more]
    with running(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=options.folder, **keywords) as engine:
        engine.stdin.write(''.join(f'{identity}\n' for identity in todo))
        engine.stdin.close()
        yield from engine.stdout


def here(options, todo):
    job = [shlex.quote(word) for word in (sys.executable, one.__file__, '.')]  # for parallel's shell
    yield from parallel(options, todo, '--jobs', str(options.jobs or os.cpu_count()), *job, '{}')


def by_ssh(options, todo):
    """parallel sends the kit and the plan to each host, then each student's files, and fetches each student's folder.
    They are in a folder of the user's home there, which the last command removes."""
    place = f'http2-class-{kit.digest()[:16]}'
    kit.make(options.folder / 'kit')
    environment = {**os.environ, 'PARALLEL_SSH': os.environ.get('PARALLEL_SSH', 'ssh') + SSH,
                   'RSYNC_OLD_ARGS': '1'}  # parallel quotes names for the shell of the host, as rsync did not before 3.2.4
    yield from parallel(options, todo, '--jobs', str(options.jobs or '100%'), '--sshlogin', options.hosts, '--sshdelay', '0.1',
                        '--filter-hosts', '--workdir', place, '--basefile', 'kit', '--basefile', 'plan.json',
                        '--transferfile', '{}/src', '--return', '{}', 'python3', 'kit/grader/class/one.py', '.', '{}',
                        env=environment)
    shutil.rmtree(options.folder / 'kit')
    subprocess.run(['parallel', '--will-cite', '--nonall', '--sshlogin', options.hosts, 'rm', '-rf', place], env=environment,
                   stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)


# --- Slurm ------------------------------------------------------------------------------------------------

TASKS = 1000  # of a job array: Slurm takes no more, unless its configuration says so

# Every task grades each count-th student.
SCRIPT = '''#!/bin/sh
exec {python} {one} . $(awk "NR % {count} == $SLURM_ARRAY_TASK_ID" slurm/todo)
'''


def new_lines(folder, places):
    """The lines that the tasks have written since the last call; `places` has the place in each file."""
    for path in sorted(folder.glob('*.log')):
        with open(path, encoding='utf-8', errors='replace') as file:
            file.seek(places.get(path, 0))
            while (line := file.readline()).endswith('\n'):
                places[path] = file.tell()
                yield line


def is_queued(job):
    """Whether a task of this job waits or runs. A controller that does not answer says nothing about it."""
    done = subprocess.run(['squeue', '--noheader', '--jobs', job], capture_output=True, text=True, check=False)
    return bool(done.stdout) if done.returncode == 0 else 'Invalid job id' not in done.stderr


def by_slurm(options, todo):
    """A job array; the folder and this project must be visible on the nodes. Where a node dies, Slurm starts its tasks
    again, which find their graded students graded."""
    folder = options.folder / 'slurm'
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / 'todo').write_text(''.join(f'{identity}\n' for identity in todo), encoding='utf-8')
    count = min(len(todo), TASKS)
    limit = f'%{options.jobs}' if options.jobs else ''
    command = ['sbatch', '--parsable', '--requeue', f'--array=0-{count - 1}{limit}', '--job-name=class', '--open-mode=append',
               '--output=slurm/%a.log']
    script = SCRIPT.format(python=shlex.quote(sys.executable), one=shlex.quote(one.__file__), count=count)
    job = subprocess.run(command, cwd=options.folder, input=script, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    places = {}
    try:
        while is_queued(job):
            yield from new_lines(folder, places)
            time.sleep(1)
        yield from new_lines(folder, places)
    except BaseException:
        subprocess.run(['scancel', job], check=False)
        raise
