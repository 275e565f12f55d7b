#!/usr/bin/env python3
"""autolab: grade a student's submission to Autolab. https://docs.autolabproject.com/lab/

Runs in the folder with the handed-in file: X.c, or an archive of such files. Prints the scoreboard, and as the last line the
points of each lab, which is a problem of the assessment.
"""
import contextlib
import json
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile

IMAGE = pathlib.Path(os.environ.get('PLACE', '/autograder')) / 'source'  # Dockerfile
CONF = pathlib.Path('labs.conf')                                         # which labs: it comes with autograde.tar
MOST_MEMORY = 768 << 20                                                # to unpack
ARCHIVES = ('.zip', '.tar', '.tar.gz', '.tgz')
sys.path.insert(0, str(IMAGE))
import submissions  # noqa: E402  pylint: disable=wrong-import-position


@contextlib.contextmanager
def bounded():
    """What a stranger hands in takes bounded time of the processor, and memory, to unpack: tarfile reads a member's own headers
    as a whole, however long they are."""
    def stop(*_):
        raise ValueError(submissions.TOO_LONG)
    before = resource.getrlimit(resource.RLIMIT_AS)
    hard = before[1]
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY if hard == resource.RLIM_INFINITY else min(hard, MOST_MEMORY), hard))
    signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, submissions.MOST_SECONDS)
    try:
        yield
    except MemoryError as why:
        raise ValueError('there is too much in it') from why
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        resource.setrlimit(resource.RLIMIT_AS, before)


def in_tar(path):
    """Yields (names, content) of the C files in a tar, from as many bytes and files as submissions.py unpacks of a zip."""
    with tarfile.open(path, 'r|*') as tar:
        for count, member in enumerate(tar):
            if member.offset_data + member.size > submissions.MOST_UNPACKED or count >= submissions.MOST_ENTRIES:
                raise ValueError('there is too much in it')
            names = tuple(name for name in member.name.split('/') if name not in ('', '.'))
            if member.isreg() and names and names[-1].endswith('.c') and '..' not in names and member.size <= submissions.MOST_BYTES:
                yield names, tar.extractfile(member).read()


def in_zip(path, problems):
    """The same of a zip."""
    entry = submissions.Entry((path.name,), None, lambda _room: path.open('rb'))
    room = submissions.Room()
    with room:
        for found, content in submissions.c_files(entry, lambda name: name.endswith(('.c', '.zip')), problems, room):
            yield found.path[1:], content


def submission(folder):
    """Unpack the submission. (The grader takes only regular C files from it.)"""
    problems = submissions.Problems()
    for path in pathlib.Path('.').iterdir():
        try:
            if path.suffix == '.c' and path.is_file() and not path.is_symlink():
                shutil.copy(path, folder / path.name)
            elif path.name.endswith(ARCHIVES) and path.name != 'autograde.tar':
                with bounded():
                    for names, content in in_zip(path, problems) if path.suffix == '.zip' else in_tar(path):
                        (folder / pathlib.Path(*names)).parent.mkdir(parents=True, exist_ok=True)
                        (folder / pathlib.Path(*names)).write_bytes(content)
        except Exception as why:  # pylint: disable=broad-except  a stranger's file may be wrong in any way
            problems.append(f'{path.name}: {submissions.short(why)}')
    for text in problems.lines():
        print(text)


def points_of(found, labs):
    points = {lab: 0 for lab in labs}
    for test in found['tests']:
        points[test['number'].split('/')[0]] += test['score']
    return points


def main():
    with tempfile.TemporaryDirectory() as scratch:  # the user of a job may write nowhere else
        source, folder = pathlib.Path(scratch) / 'source', pathlib.Path(scratch) / 'submission'
        shutil.copytree(IMAGE, source, symlinks=True)
        shutil.copy(CONF, source / 'labs.conf')
        folder.mkdir()
        submission(folder)
        results = pathlib.Path(scratch) / 'results.json'
        subprocess.run(['bash', source / 'grade.sh', folder, '600', results], check=True)
        found = json.loads(results.read_text(encoding='utf-8'))
        only = subprocess.run(['bash', '-c', '. ./labs.conf; echo "$LAB"'], capture_output=True, text=True, check=True).stdout.strip()
        labs = [path.name.split('-')[0] for path in sorted((source / 'labs').glob(f'lab{only or "[0-9][0-9]"}-*'))]
    print(found['output'])
    print(json.dumps({'scores': points_of(found, labs)}))


if __name__ == '__main__':
    main()
