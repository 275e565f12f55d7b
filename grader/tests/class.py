#!/usr/bin/env python3
"""`make handout` and `make autograder`: the students' repository has what they need, and no part of a solution; and the
systems for teaching get it, with the scripts that they run."""
import gzip
import io
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get('BUILD', 'build')
sys.path.insert(0, f'{ROOT}/grader/tools/dev')
from tap import check, done_testing  # noqa: E402  pylint: disable=wrong-import-position
import schema  # noqa: E402  pylint: disable=wrong-import-position

# A line of lab 1's solution that a student has to write.
WRITTEN = 'client->settings_received = true;'
# The same of two bonuses.
WRITTEN_BONUS = 'memory->from = memory->here;'
WRITTEN_BYTES = '41 07 68 32 2e 74 65 73 74'


def run(*command, cwd, **environment):
    done = subprocess.run(command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False, timeout=600, env=dict(os.environ, MAKEFLAGS='', **environment))
    return done.returncode, done.stdout


def copied(folder):
    """This project as a repository of its own, so that a test can change it."""
    names = subprocess.run(['git', 'ls-files', '-z'], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, names.split('\0')):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name, follow_symlinks=False)
    run('git', 'init', '-q', cwd=folder)
    run('git', 'add', '-A', cwd=folder)


def test_whole(tree, out):
    bonus = tree / 'lab04-router/bonus/grpc.c'
    starter = bonus.read_bytes()
    shutil.copy(bonus.parent / 'solution' / bonus.name, bonus)  # somebody's work
    status, text = run('make', 'handout', f'OUT={out}', 'ZIP=1', cwd=tree)
    check('make handout makes a right repository', status == 0 and 'no line of a solution' in text and 'make grade gives 0 of 100' in text, text)
    check('the repository has one commit', run('git', 'log', '--oneline', cwd=out)[1].count('\n') == 1)
    files = {str(path.relative_to(out)) for path in out.rglob('*') if path.is_file()}
    check('it has no solutions, mistakes or tests', not [name for name in files if '/solution/' in name or '/tests/' in name
                                                     or name.startswith('grader/mistakes/lab')], files)
    check('it has the starters', (out / 'lab01-session/session.c').read_bytes() == (tree / 'lab01-session/session.c').read_bytes())
    check('it has the starter of a bonus that somebody has done', (out / 'lab04-router/bonus/grpc.c').read_bytes() == starter)
    bonus.write_bytes(starter)
    check('it has a workflow that grades', 'make -s grade' in (out / '.github/workflows/grade.yml').read_text())
    readme = (out / 'README.md').read_text()
    check('its README has nothing for instructors', 'For instructors' not in readme and 'TEACHERS' not in readme)
    check('its make help has nothing for instructors', 'make mistakes ' not in run('make', 'help', cwd=out)[1])
    check('the zip has the same files', str(zipfile.ZipFile(f'{out}.zip').namelist()).count('lab01-session/session.c') == 2)
    status, text = run('sh', 'grader/tools/solution.sh', 'lab01-session', cwd=out)
    check('make solution says who has the solution', status != 0 and 'your instructor has it' in text, text)
    check('make handout refuses a folder that is not empty', run('make', 'handout', f'OUT={out}', cwd=tree)[0] != 0)


def test_part(tree, out):
    course = tree.parent / 'course.txt'
    course.write_text('lab01 = 7.5\n')
    status, text = run(sys.executable, 'grader/class/handout.py', '--labs', '1,02', '--no-hints', '--course', course, '--untried', out, cwd=tree)
    check('handout.py makes two labs', status == 0, text)
    check('students get the points of the course', (out / 'course.conf').read_text() == 'lab01 = 7.5\n')
    check('it makes no other lab', sorted(path.name for path in out.glob('lab*')) == ['lab01-session', 'lab02-requests'])
    check('it leaves out the hints', not list(out.rglob('hints.md')))
    status, text = run(f'{ROOT}/build/grader/grade', '--programs', '.', '--output', f'{out}-grade', cwd=out)
    check('the total is the points of these two labs', 'Total: 0 of 35 points' in text, text)
    status, text = run('make', 'handout', f'OUT={out}-none', 'LABS=9', cwd=tree)
    check('make handout refuses a lab that does not exist', status != 0 and 'there is no lab 09' in text, text)


def test_results(tree, scratch):
    """The results that the shared script makes of the grader's output."""
    results = tree / 'grader/class/autograders/results.py'
    board, out = pathlib.Path(f'{scratch}/board.txt'), pathlib.Path(f'{scratch}/results.json')
    board.write_text('take: no file of these labs\n')
    run(sys.executable, results, '2', board, f'{scratch}/none.json', out, cwd=tree)
    found = json.loads(out.read_text())
    check('a student who hands in nothing gets 0, and a message', found['score'] == 0 and 'Nothing was graded' in found['output'], found)
    check('its results have the format of Gradescope', not schema.problems(found, 'gradescope'), schema.problems(found, 'gradescope'))
    digits = '1' * 5000
    board.write_text(f'  | #pragma message "SEED={digits}"make: *** [Makefile:400: grade] Error 3\n')
    (pathlib.Path(scratch) / 'some.json').write_text('{"score": 3, "tests": [], "extra_data": {"protection": [], "seed": "12"}}')
    run(sys.executable, results, '2', board, f'{scratch}/some.json', out, cwd=tree)
    found = json.loads(out.read_text())
    check('the message says that a fault of the grader is not the student\'s', found['score'] == 3 and 'not your fault' in found['output']
          and found['extra_data'] == {'protection': [], 'fault': True, 'status': 2, 'seed': 12}, found)
    board.write_text('make: *** ' * 30000)
    started = time.monotonic()
    run(sys.executable, results, '2', board, f'{scratch}/some.json', out, cwd=tree)
    took = time.monotonic() - started
    check('a long line takes no long time', took < 5 and 'fault' not in json.loads(out.read_text())['extra_data'], took)
    board.write_text('make: *** [Makefile:400: grade] Error 3\nTotal: 3 of 20 points (0.6 s, SEED=12)\n')
    run(sys.executable, results, '0', board, f'{scratch}/some.json', out, cwd=tree)
    check('what a student writes is no fault of the grader', 'fault' not in json.loads(out.read_text())['extra_data'], out.read_text())
    for text in ('[]', '{"score": 3, "extra_data": []}', f'{{"score": {digits}}}'):
        out.unlink()
        (pathlib.Path(scratch) / 'odd.json').write_text(text)
        status, said = run(sys.executable, results, '0', board, f'{scratch}/odd.json', out, cwd=tree)
        found = json.loads(out.read_text()) if out.exists() else {}
        check(f'there are results whatever the grader wrote: {text[:40]}', status == 0 and found.get('score') == 0
              and not schema.problems(found, 'gradescope'), f'{found}{said}')


def autograder(tree, system, out, built):
    """Make the autograder for this system, for lab 2. `built` is the labs' build folder, in place of setup.sh."""
    status, text = run('make', 'autograder', f'FOR={system}', f'OUT={out}', 'LAB=2', cwd=tree)
    if system == 'gradescope':
        for entry in zipfile.ZipFile(out).infolist():  # keep its time: make compiles newer files
            path = zipfile.ZipFile(out).extract(entry, out.with_suffix(''))
            os.utime(path, (time.mktime((*entry.date_time, 0, 0, -1)),) * 2)
    folders = [path.parent for path in out.with_suffix('').rglob('setup.sh')]
    source = next(folder for folder in folders if (folder / 'labs').is_dir())
    leaks = [path for path in out.with_suffix('').rglob('*') if path.name == 'solution']
    check(f'{system}: make autograder works, and takes no solution', status == 0 and not leaks, f'{text}{leaks}')
    shutil.copytree(built, source / 'labs/build', copy_function=shutil.copy2, symlinks=True)
    return source


def submit(folder, tree, kind):
    """Hand in a solution of lab 2, a file that does not compile, or nothing."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if kind == 'right':
        shutil.copy(tree / 'lab02-requests/solution/requests.c', folder)
    elif kind == 'broken':
        (folder / 'requests.c').write_text('int main(void) { return 1 }\n')


KINDS = {'right': 20, 'broken': 0, 'nothing': 0}  # and their points


def test_gradescope(tree, scratch, built):
    place = scratch / 'place'
    place.mkdir()
    autograder(tree, 'gradescope', scratch / 'gradescope.zip', built).rename(place / 'source')
    for kind, points in KINDS.items():
        submit(place / 'submission', tree, kind)
        _, text = run('bash', place / 'source/run_autograder', cwd=place, PLACE=str(place))
        found = json.loads((place / 'results/results.json').read_text())
        check(f'Gradescope: {kind}', found['score'] == points and (kind != 'broken' or 'error: expected' in found['output'])
              and (kind == 'nothing') == (found['extra_data']['seed'] is None), f'{found}{text}')
        check('Gradescope: the results have its format', not schema.problems(found, 'gradescope'), schema.problems(found, 'gradescope'))


def test_prairielearn(tree, scratch, built):
    place = scratch / 'grade'
    source = autograder(tree, 'prairielearn', scratch / 'prairielearn', built)
    info = json.loads((scratch / 'prairielearn/questions/lab02-requests/info.json').read_text())
    entry = info['externalGradingOptions']['entrypoint'].split()
    check('PrairieLearn: it has a question', info['gradingMethod'] == 'External' and '"requests.c"' in
          (scratch / 'prairielearn/questions/lab02-requests/question.html').read_text() and entry[0].startswith('/autograder/source/'), info)
    for kind, points in KINDS.items():
        submit(place / 'student', tree, kind)
        started = time.monotonic()
        _, text = run(source / pathlib.Path(entry[0]).name, *entry[1:], cwd=place, PLACE=str(place))
        seconds = time.monotonic() - started
        found = json.loads((place / 'results/results.json').read_text())
        wanted = found['gradable'] and found['score'] == points / 20 and len(found['tests']) > 9 if kind != 'nothing' else \
            not found['gradable'] and 'Nothing was graded' in found['format_errors']
        check(f'PrairieLearn: {kind}', wanted and seconds < info['externalGradingOptions']['timeout'], f'{seconds} s {found}{text}')
        check('PrairieLearn: the results have its format', not schema.problems(found, 'prairielearn'), schema.problems(found, 'prairielearn'))


def test_large(scratch):
    """PrairieLearn takes no results of more than 1 MB, whatever the students' programs print."""
    folder, place = scratch / 'large', scratch / 'large-place'
    folder.mkdir()
    shutil.copy(ROOT / 'grader/class/autograders/prairielearn/prairielearn.py', folder)
    test = {'number': 'lab02/reset', 'name': 'it', 'score': 1, 'max_score': 2, 'output': '\U0001f600' * 3000}
    for kind, tests in (('graded', [test] * 100), ('not graded', [])):
        found = {'score': 1, 'tests': tests, 'extra_data': {}, 'output': '\u4e00' * 300000}
        (folder / 'made.json').write_text(json.dumps(found))
        (folder / 'grade.sh').write_text('cp "${0%grade.sh}made.json" "$3"\n')
        run(sys.executable, folder / 'prairielearn.py', '02', cwd=scratch, PLACE=str(place))
        size = (place / 'results/results.json').stat().st_size
        results = json.loads((place / 'results/results.json').read_text())
        check(f'PrairieLearn: results are not too large, and whole: {kind}', size < 1000000 and results['gradable'] == bool(tests)
              and len(results.get('tests', [])) == len(tests), size)


def test_autolab(tree, scratch, built):
    place, job = scratch / 'autolab-place', scratch / 'job'
    place.mkdir()
    autograder(tree, 'autolab', scratch / 'autolab', built).rename(place / 'source')
    for kind, points in KINDS.items():
        submit(job / 'files', tree, kind)
        shutil.copy(scratch / 'autolab/autograde.tar', job)
        shutil.copy(scratch / 'autolab/autograde-Makefile', job / 'Makefile')
        run('tar', 'cf', '../handin.tar', '.', cwd=job / 'files')
        status, text = run('make', cwd=job, PLACE=str(place))
        found = json.loads(text.splitlines()[-1])
        check(f'Autolab: {kind}', status == 0 and found == {'scores': {'lab02': points}}, text)
        check('Autolab: the results have its format', not schema.problems(found, 'autolab'), schema.problems(found, 'autolab'))
    test_archives(tree, job, place)


def test_archives(tree, job, place):
    """What a student hands in to Autolab as an archive, without an end to unpack."""
    solution = (tree / 'lab02-requests/solution/requests.c').read_bytes()
    for what, size, points in (('a zip', 10, 20), ('a zip that is a bomb', 256 << 20, 0), ('a tar', 10, 20), ('a tar that is a bomb', 256 << 20, 0)):
        for old in (job / 'handin.tar', job / 'handin.zip', job / 'handin.tgz'):
            old.unlink(missing_ok=True)
        if 'zip' in what:
            with zipfile.ZipFile(job / 'handin.zip', 'w', zipfile.ZIP_DEFLATED) as archive:
                for number in range(size >> 20):
                    archive.writestr(f'{number}/other.c', bytes(1 << 20))
                archive.writestr('requests.c', solution)
        else:
            with tarfile.open(job / 'handin.tgz', 'w:gz') as archive:
                for name, content in (('other.txt', bytes(size)), ('requests.c', solution)):
                    member = tarfile.TarInfo(name)
                    member.size = len(content)
                    archive.addfile(member, io.BytesIO(content))
        status, text = run('make', cwd=job, PLACE=str(place))
        check(f'Autolab: {what}', status == 0 and json.loads(text.splitlines()[-1]) == {'scores': {'lab02': points}}
              and (points > 0 or 'there is too much in' in text), text)


def test_tars(scratch):
    """A small tar that takes much memory, time or files to unpack: its own headers may be as long as it says."""
    sys.path[:0] = [f'{ROOT}/grader/class', f'{ROOT}/grader/class/autograders/autolab']
    import autolab  # pylint: disable=import-error,import-outside-toplevel
    import submissions  # pylint: disable=import-error,import-outside-toplevel
    header = tarfile.TarInfo('requests.c')
    header.type, header.size = tarfile.XHDTYPE, 512 << 20
    for what, content, said in (('a long header', header.tobuf() + bytes(header.size), 'too much in it'),
                                ('many files', tarfile.TarInfo('requests.c').tobuf() * 20001, 'too much in it'),
                                ('a tar that takes no time', tarfile.TarInfo('requests.c').tobuf() * 2, 'None')):
        path = scratch / 'handin.tgz'
        path.write_bytes(gzip.compress(content, 1))
        found = None
        try:
            with autolab.bounded():
                for _ in autolab.in_tar(path):
                    pass
        except ValueError as why:
            found = why
        check(f'Autolab: to unpack is bounded: {what}', said in str(found), found)
    submissions.MOST_SECONDS, before = 0.2, submissions.MOST_SECONDS
    try:
        with autolab.bounded():
            while True:
                pass
    except ValueError as why:
        check('Autolab: the time to unpack is bounded', str(why) == submissions.TOO_LONG, why)
    submissions.MOST_SECONDS = before


def test_github(tree, scratch, built):
    """The commands of the workflow, except for setup.sh, which installs packages."""
    place = scratch / 'runner'
    place.mkdir()
    autograder(tree, 'github', scratch / 'github', built).rename(place / 'source')
    workflow = (scratch / 'github/template/.github/workflows/grade.yml').read_text()
    commands = [line for line in re.findall(r'^ +- run: (.*)$', workflow, re.M) if 'setup.sh' not in line]
    for kind, points in KINDS.items():
        submit(place / 'submission/lab02-requests', tree, kind)
        status, text = run('bash', '-ec', '\n'.join(commands), cwd=place, GITHUB_STEP_SUMMARY=str(place / kind))
        check(f'GitHub: {kind}', len(commands) == 2 and status == 0 and f'::notice title=Points::{points} of ' in text
              and ('Nothing was graded' if kind == 'nothing' else f'Total: {points} of 20') in (place / kind).read_text(), text)


def test_autograders(tree, scratch):
    built = scratch / 'built'
    for name in ('obj', 'grader'):
        shutil.copytree(BUILD / name, built / name, symlinks=True)
    shutil.copy2(BUILD / 'flags', built)
    test_results(tree, scratch)
    test_gradescope(tree, scratch, built)
    test_prairielearn(tree, scratch, built)
    test_large(scratch)
    test_tars(scratch)
    test_autolab(tree, scratch, built)
    test_github(tree, scratch, built)
    for more, said in ((f'ZIP={scratch}/none.zip', 'there is no such file'), (f'ZIP={scratch}/board.txt', 'is not a zip'),
                       (f'ZIP={scratch}/gradescope.zip', 'nobody: there is no such')):  # `make autograder-try` by hand does the rest
        status, text = run('make', 'autograder-try', more, 'SUBMISSION=nobody' if 'gradescope' in more else f'SUBMISSION={scratch}', cwd=tree)
        check(f'make autograder-try says what is wrong: {said}', status != 0 and said in text, text)
    status, text = run('make', 'autograder', 'FOR=gradescope', f'OUT={scratch}/x', cwd=tree)
    check('Gradescope needs a zip', status != 0 and 'does not end in .zip' in text, text)


def test_leak(tree, out, name, line):
    with (tree / name).open('a', encoding='utf-8') as file:
        file.write(f'{line}\n')
    status, text = run(sys.executable, 'grader/class/handout.py', '--untried', out, cwd=tree)
    check(f'handout.py finds a leak in {name}', status == 1 and f'{name}: ' in text, text)
    run('git', 'checkout', '-q', name, cwd=tree)


def test_link(tree, out):
    with (tree / 'lab01-session/README.md').open('a', encoding='utf-8') as file:
        file.write('See [there](../grader/tests/README.md) and [here](../LICENSE).\n')
    run(sys.executable, 'grader/class/handout.py', '--untried', out, cwd=tree)
    check('a link to a file that students do not get becomes plain text',
          (out / 'lab01-session/README.md').read_text().endswith('See there and [here](../LICENSE).\n'))


def main():
    with tempfile.TemporaryDirectory(prefix='class-') as scratch:
        tree = pathlib.Path(scratch) / "it's here"
        tree.mkdir()
        copied(tree)
        test_whole(tree, pathlib.Path(scratch) / 'all')
        test_part(tree, pathlib.Path(scratch) / 'two')
        test_autograders(tree, pathlib.Path(scratch))
        test_leak(tree, f'{scratch}/leak-1', 'common/README.md', f'As in `{WRITTEN}`')
        test_leak(tree, f'{scratch}/leak-2', 'grader/tools/open.sh', WRITTEN)
        test_leak(tree, f'{scratch}/leak-3', 'lab06-tls/bonus/mutual.md', WRITTEN_BONUS)
        test_leak(tree, f'{scratch}/leak-4', 'lab02-requests/bonus/hpack.txt', f'{WRITTEN_BYTES} # :authority')
        test_link(tree, pathlib.Path(scratch) / 'link')
    return done_testing()


sys.exit(main())
