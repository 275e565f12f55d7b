"""sample: a grading with failures, for tests of the page.

    make(folder, with_mistakes, programs)

Grade the reference solutions in `folder`, with some programs replaced: `with_mistakes` names known
mistakes ("lab01/no-goaway"), `programs` maps a path ("lab02-requests/requests") to the text of a
script. Return the path of the page. The seed is fixed, so that the page is the same each time,
except for its times.
"""
import glob
import os
import shutil
import subprocess
import sys

sys.path.insert(0, 'grader/mistakes')
import mistakes  # noqa: E402  pylint: disable=wrong-import-position

SEED = '4711'


def compile_mistakes(names):
    """Returns the paths of the programs."""
    made = [mistakes.Mistake(f'grader/mistakes/{name}.patch') for name in names]
    for mistake in made:
        mistakes.prepare(mistake)
    mistakes.compile_all(made)
    for mistake in made:
        if mistake.problem:
            raise RuntimeError(f'{mistake.path} {mistake.problem}')
    return [program for mistake in made for program in mistake.programs]


def place(folder, path, source):
    """Put a program where the grader looks for it, in place of the one there."""
    target = f'{folder}/programs/{path}'
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if os.path.exists(target):
        os.remove(target)
    shutil.copy(source, target)


def make(folder, with_mistakes=(), programs=None, options=()):
    for path in glob.glob('build/solutions/*/*'):
        if os.access(path, os.X_OK) and os.path.isfile(path):
            place(folder, path.removeprefix('build/solutions/'), path)
    for path in compile_mistakes(with_mistakes) if with_mistakes else []:
        place(folder, '/'.join(path.split('/')[-2:]), path)
    for path, text in (programs or {}).items():
        target = f'{folder}/programs/{path}'
        os.remove(target)
        with open(target, 'wb') as file:
            file.write(text)
        os.chmod(target, 0o755)
    command = [os.path.abspath('build/grader/grade'), '--programs', f'{folder}/programs', '--output',
               f'{folder}/grade', '--seed', SEED, *(['--any-language'] if programs else []), *options]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    return f'{folder}/grade/index.html'
