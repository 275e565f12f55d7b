"""kit: the files that grade a submission, and no others. A grade depends on these, on the seed and on the submission; a
machine that has the packages of `deps.sh build class` grades with a copy of them.
"""
import hashlib
import os
import pathlib
import shutil

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get('BUILD', 'build')

FROM_ROOT = ('common/*.h', 'grader/class/one.py', 'grader/mistakes/known_mistakes.json', 'grader/mistakes/mutants.json')
FROM_BUILD = ('grader/grade', 'grader/guard', 'grader/compile', 'grader/compiler.files', 'grader/*.bpf',
              'class/compile.sh', 'obj/sanitized/lab*.a')


def files():
    """[(its path in the kit, its path here)], in order."""
    found = [(path.relative_to(ROOT), path) for pattern in FROM_ROOT for path in ROOT.glob(pattern)]
    found += [('build' / path.relative_to(BUILD), path) for pattern in FROM_BUILD for path in BUILD.glob(pattern)]
    return sorted(found)


def digest():
    sum_of = hashlib.sha256()
    for name, path in files():
        content = path.read_bytes()
        sum_of.update(f'{name}\0{len(content)}\0'.encode() + content)
    return sum_of.hexdigest()


def make(folder):
    """Make a copy of the kit, in place of an earlier one."""
    shutil.rmtree(folder, ignore_errors=True)
    for name, path in files():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, folder / name)
