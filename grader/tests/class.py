#!/usr/bin/env python3
"""`make handout` and `make autograder`: the repository for students has what they need, and nothing of a solution."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, f'{ROOT}/grader/tools/dev')
from tap import check, done_testing  # noqa: E402  pylint: disable=wrong-import-position

# A line of lab 1's solution, which a student has to write.
WRITTEN = 'client->settings_received = true;'


def run(*command, cwd, **more):
    done = subprocess.run(command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False, timeout=600, env=dict(os.environ, MAKEFLAGS=''), **more)
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
    status, text = run('make', 'handout', f'OUT={out}', 'ZIP=1', cwd=tree)
    check('it is made, and right', status == 0 and 'no line of a solution' in text and 'make grade gives 0 of 100' in text, text)
    check('as one commit', run('git', 'log', '--oneline', cwd=out)[1].count('\n') == 1)
    files = {str(path.relative_to(out)) for path in out.rglob('*') if path.is_file()}
    check('without solutions, mistakes, tests', not [name for name in files if '/solution/' in name or '/tests/' in name
                                                     or name.startswith('grader/mistakes/lab')], files)
    check('with the starters', (out / 'lab01-session/session.c').read_bytes() == (tree / 'lab01-session/session.c').read_bytes())
    check('and a workflow that grades', 'make -s grade' in (out / '.github/workflows/grade.yml').read_text())
    readme = (out / 'README.md').read_text()
    check('its README is not for instructors', 'For instructors' not in readme and 'TEACHERS' not in readme)
    check('nor is its help', 'make mistakes ' not in run('make', 'help', cwd=out)[1])
    check('the zip has the same', str(zipfile.ZipFile(f'{out}.zip').namelist()).count('lab01-session/session.c') == 2)
    status, text = run('sh', 'grader/tools/solution.sh', 'lab01-session', cwd=out)
    check('make solution says who has it', status != 0 and 'your instructor has it' in text, text)
    check('a folder in which something is stays as it is', run('make', 'handout', f'OUT={out}', cwd=tree)[0] != 0)


def test_part(tree, out):
    status, text = run(sys.executable, 'grader/class/handout.py', '--labs', '1,02', '--no-hints', '--untried', out, cwd=tree)
    check('two labs are made', status == 0, text)
    check('and no other', sorted(path.name for path in out.glob('lab*')) == ['lab01-session', 'lab02-requests'])
    check('without hints', not list(out.rglob('hints.md')))
    status, text = run(f'{ROOT}/build/grader/grade', '--programs', '.', '--output', f'{out}-grade', cwd=out)
    check('what they are graded for is the points of these', 'Total: 0 of 35 points' in text, text)
    status, text = run('make', 'handout', f'OUT={out}-none', 'LABS=9', cwd=tree)
    check('a lab that does not exist is refused', status != 0 and 'there is no lab 09' in text, text)


def test_gradescope(tree, scratch):
    """What the scripts make of what the grader said."""
    status, text = run('make', 'autograder', f'OUT={scratch}/auto.zip', 'LAB=2', cwd=tree)
    names = zipfile.ZipFile(f'{scratch}/auto.zip').namelist()
    check('Gradescope\'s zip is made', status == 0 and {'setup.sh', 'run_autograder', 'labs/Makefile'} <= set(names), text)
    check('without a solution', not [name for name in names if '/solution/' in name], names)
    results = tree / 'grader/class/gradescope/results.py'
    board, out = pathlib.Path(f'{scratch}/board.txt'), pathlib.Path(f'{scratch}/results.json')
    board.write_text('take: no file of these labs\n')
    run(sys.executable, results, '2', board, f'{scratch}/none.json', out, cwd=tree)
    found = json.loads(out.read_text())
    check('who hands in nothing has 0, and is told', found['score'] == 0 and 'Nothing was graded' in found['output'], found)
    board.write_text('Total: 3 of 20 points (0.6 s, SEED=12)\nmake: *** [Makefile:400: grade] Error 3\n')
    (pathlib.Path(scratch) / 'some.json').write_text('{"score": 3, "tests": [], "extra_data": {"protection": []}}')
    run(sys.executable, results, '2', board, f'{scratch}/some.json', out, cwd=tree)
    found = json.loads(out.read_text())
    check('a fault of the grader is not the student\'s', found['score'] == 3 and 'not your fault' in found['output']
          and found['extra_data'] == {'protection': [], 'status': 2, 'seed': 12}, found)


def test_leak(tree, out, name, line):
    with (tree / name).open('a', encoding='utf-8') as file:
        file.write(f'{line}\n')
    status, text = run(sys.executable, 'grader/class/handout.py', '--untried', out, cwd=tree)
    check(f'a leak in {name} is found', status == 1 and f'{name}: ' in text, text)
    run('git', 'checkout', '-q', name, cwd=tree)


def test_link(tree, out):
    with (tree / 'lab01-session/README.md').open('a', encoding='utf-8') as file:
        file.write('See [there](../grader/tests/README.md) and [here](../LICENSE).\n')
    run(sys.executable, 'grader/class/handout.py', '--untried', out, cwd=tree)
    check('a link to what stays here is only its words',
          (out / 'lab01-session/README.md').read_text().endswith('See there and [here](../LICENSE).\n'))


def main():
    with tempfile.TemporaryDirectory(prefix='class-') as scratch:
        tree = pathlib.Path(scratch) / "it's here"
        tree.mkdir()
        copied(tree)
        test_whole(tree, pathlib.Path(scratch) / 'all')
        test_part(tree, pathlib.Path(scratch) / 'two')
        test_gradescope(tree, scratch)
        test_leak(tree, f'{scratch}/leak-1', 'common/README.md', f'As in `{WRITTEN}`')
        test_leak(tree, f'{scratch}/leak-2', 'grader/tools/open.sh', WRITTEN)
        test_link(tree, pathlib.Path(scratch) / 'link')
    return done_testing()


sys.exit(main())
