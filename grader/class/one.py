#!/usr/bin/env python3
"""one: grade the submissions of students. An engine runs this for each (engines.py).

    one.py CLASS ID...

CLASS/ID/src/labNN-name/X.c are the files. Writes into CLASS/ID: feedback.txt, index.html, results.json; row.json comes
last and whole: if it fits the files and the plan, this student is done, and is not graded again. Prints one line for
each. The status is 1 if the grader failed for one of them.
"""
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get('BUILD', 'build')
MACHINE = os.environ.get('SLURMD_NODENAME') or os.uname().nodename
PROBE = '''#include <nghttp2/nghttp2.h>
#include <openssl/ssl.h>
#include <uv.h>
int main(void) {
  return nghttp2_version(0) == NULL || TLS_method() == NULL || uv_default_loop() == NULL;
}
'''
FILES = ('feedback.txt', 'results.json', 'index.html')


def digest(place, plan):
    """A hash of everything that a grade depends on: the files, the labs, the seed, the grader."""
    sum_of = hashlib.sha256(json.dumps([plan['labs'], plan['seed'], plan['grader']]).encode())
    for path in sorted((place / 'src').rglob('*.c')):
        sum_of.update(f'{path.relative_to(place)}\0{path.stat().st_size}\0'.encode() + path.read_bytes())
    return sum_of.hexdigest()


def is_done(place, plan):
    return row_of(place, plan) is not None


def row_of(place, plan):
    """The row of a student who is graded with the present files and by this plan; otherwise None. (A fault of the
    grader is not a grade.)"""
    try:
        row = json.loads((place / 'row.json').read_text(encoding='utf-8'))
        return row if row['key'] == digest(place, plan) and row['status'] == 0 else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def compile_one(path, lab):
    """Returns whether there is a program then."""
    program = path.with_suffix('')
    done = subprocess.run(['sh', BUILD / 'class/compile.sh', path, program, lab], cwd=ROOT, stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, check=False)
    if done.returncode != 0:  # the tool succeeds even if the file does not compile
        raise SystemExit(f'class: {MACHINE}: the compiler did not run for {path}')
    return program.exists()


def expect_compiler(place, lab):
    """It is the student's fault that a file does not compile only if another one does on this machine."""
    path = place / 'probe.c'
    path.write_text(PROBE, encoding='utf-8')
    works = compile_one(path, lab)
    for one in place.glob('probe*'):
        one.unlink()
    if not works:
        raise SystemExit(f'class: {MACHINE}: nothing compiles here; `deps.sh build class` installs the libraries')


def compile_all(place, plan):
    """Compile each file of the plan's labs like `make grade SUBMISSION=DIR`. Returns the files that do not compile."""
    failed = []
    for path in sorted((place / 'src').rglob('*.c')):
        lab = path.parent.name.split('-')[0]
        if plan['labs'] and lab != f'lab{plan["labs"]}':
            continue
        compiled = compile_one(path, lab)
        log = path.with_suffix('.log')  # the same words, wherever it is compiled
        log.write_bytes(log.read_bytes().replace(f'{place}/'.encode(), b''))
        if not compiled:
            expect_compiler(place, lab)
            failed.append(f'{path.parent.name}/{path.name}')
    return failed


def run_grader(place, plan, out):
    """Returns the status of the grader; the scoreboard is in feedback.txt."""
    command = [BUILD / 'grader/grade', '--programs', 'src', '--output', out.relative_to(place), '--known',
               ROOT / 'grader/mistakes/known_mistakes.json', '--strangers', '--seed', str(plan['seed'])]
    if plan['labs']:
        command += ['--lab', plan['labs']]
    with open(out / 'feedback.txt', 'w', encoding='utf-8') as board:
        done = subprocess.run(command, cwd=place, stdin=subprocess.DEVNULL, stdout=board, stderr=subprocess.STDOUT, check=False)
    return done.returncode


def likely_mistakes(results, labs=None):
    """The likeliest mistake of each lab, or of each of these labs, in words."""
    known = json.loads((ROOT / 'grader/mistakes/known_mistakes.json').read_text(encoding='utf-8'))
    found = results['extra_data']['looks_like']
    return [known[lab][names[0]]['mistake'] for lab, names in found.items()
            if names and names[0] in known.get(lab, {}) and (labs is None or lab in labs)]


def points_of(results):
    """{'lab01': points}"""
    points = {}
    for test in results['tests']:
        lab = test['number'].split('/')[0]
        points[lab] = points.get(lab, 0) + test['score']
    return points


def grade(place, plan, out):
    """Grade place/src. Writes feedback.txt, and the other files if the grader has finished, into `out`. Returns the
    row."""
    started = time.monotonic()
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    failed = compile_all(place, plan)
    status = run_grader(place, plan, out)
    row = {'id': place.name, 'key': digest(place, plan), 'status': status, 'failed': failed, 'points': {}, 'looks_like': [],
           'seconds': round(time.monotonic() - started, 1), 'where': MACHINE}
    if (out / 'results.json').exists():
        results = json.loads((out / 'results.json').read_text(encoding='utf-8'))
        row['points'] = points_of(results)
        row['looks_like'] = likely_mistakes(results)
        row['protection'] = results['extra_data']['protection']
    for path in (place / 'src').rglob('*'):
        if path.is_file() and path.suffix not in ('.c', '.log'):
            path.unlink()
    for path in out.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name not in FILES:
            path.unlink()
    return row


def keep(place, out, row):
    """Put the files of `out` where they belong; the row comes last."""
    for name in FILES:
        if (out / name).exists():
            os.replace(out / name, place / name)
    shutil.rmtree(out)
    write_whole(place / 'row.json', row)


def write_whole(path, value):
    new = path.with_suffix('.new')
    new.write_text(json.dumps(value), encoding='utf-8')
    new.rename(path)


def grade_student(folder, identity):
    """Grade this student, unless this is done. Returns the status of the grader."""
    plan = json.loads((folder / 'plan.json').read_text(encoding='utf-8'))
    place = folder / identity
    row = row_of(place, plan)
    if row is None:
        (place / 'row.json').unlink(missing_ok=True)
        row = grade(place, plan, place / 'new')
        keep(place, place / 'new', row)
    looks = re.sub(r'\s+', ' ', row['looks_like'][0] if row['looks_like'] else '')
    print(f'{identity}  {sum(row["points"].values())}/{plan["possible"]}  {row["seconds"]} s' +
          (f'  does not compile: {", ".join(row["failed"])}' if row['failed'] else f'  looks like: {looks}' if looks else ''), flush=True)
    return row['status']


def main():
    failed = 0
    for identity in sys.argv[2:]:
        try:
            failed += grade_student(pathlib.Path(sys.argv[1]).resolve(), identity) != 0
        except (Exception, SystemExit) as why:  # pylint: disable=broad-except  one student must not cost the next ones
            print(f'class: {MACHINE}: {identity}: {why}', file=sys.stderr)
            failed += 1
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
