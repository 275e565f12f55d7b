#!/usr/bin/env python3
"""`make class` on a class made by machine, in one zip as Moodle gives it: right programs, known mistakes, starters, hostile
programs, odd uploads. It is known what each must get; every row of the table is right.

ROWS=300 makes a class of 300, with more of the known mistakes.
"""
import csv
import io
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import zipfile
from dataclasses import dataclass, field

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, f'{ROOT}/grader/tools/dev')
from tap import check, done_testing  # noqa: E402  pylint: disable=wrong-import-position

FOLDERS = {path.name[:5]: path.name for path in sorted(ROOT.glob('lab[0-9][0-9]-*'))}
KNOWN = json.loads((ROOT / 'grader/mistakes/known_mistakes.json').read_text(encoding='utf-8'))
MISTAKES = 1   # known mistakes of each lab
HOSTILE = {'allocate': 'lab01-session/session.c', 'bomb': 'lab03-server/server.c', 'fill': 'lab02-requests/requests.c',
           'loop': 'lab03-server/server.c', 'print': 'lab04-router/router.c', 'wait': 'lab01-session/session.c'}
POISON = {
    'reads a file of the machine': '#include "/etc/passwd"\nint main(void) { return 0; }\n',
    'reads the solution': f'#include "{ROOT}/lab01-session/solution/session.c"\n',
    'compiles without end': '#define A(x) x x x x x x x x\n#define B(x) A(A(A(A(A(A(A(A(A(x)))))))))\nint x = B(B(1 +)) 1;\n',
    'is not C': '\0\1\2\3' * 1000,
}


@dataclass
class Expected:
    """A student: what is handed in, and what the table must say."""
    what: str
    files: dict                                   # a name in the student's folder: the content
    fails: dict = field(default_factory=dict)     # "lab02": the checks that fail, or None for all; no such lab: 0 points
    status: str = 'graded'
    problem: str = None                           # what problems.txt must say


# --- The files --------------------------------------------------------------------------------------------

def text_of(path):
    return (ROOT / path).read_text(encoding='utf-8')


def solutions(lab):
    folder = FOLDERS[lab]
    return {path.name: path.read_text(encoding='utf-8') for path in sorted((ROOT / folder / 'solution').glob('*.c'))}


def below(folder, files):
    return {f'{folder}/{name}': text for name, text in files.items()}


def with_mistake(lab, name, scratch):
    """The files of the lab's solution with this known mistake."""
    place = scratch / 'patched' / name / FOLDERS[lab] / 'solution'
    place.mkdir(parents=True)
    for file, text in solutions(lab).items():
        (place / file).write_text(text, encoding='utf-8')
    subprocess.run(['patch', '-s', '-p1', '-d', place.parents[1], '-i', ROOT / f'grader/mistakes/{lab}/{name}.patch'], check=True,
                   stdin=subprocess.DEVNULL)
    return {path.name: path.read_text(encoding='utf-8') for path in sorted(place.glob('*.c'))}


def zipped(files):
    content = io.BytesIO()
    with zipfile.ZipFile(content, 'w', zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return content.getvalue()


# --- The class --------------------------------------------------------------------------------------------

def right_ones():
    whole = {}
    for lab, folder in FOLDERS.items():
        whole |= below(folder, solutions(lab))
    yield Expected('right in all labs', whole, {lab: [] for lab in FOLDERS})
    for lab in FOLDERS:
        yield Expected(f'right in {lab}, without a folder', solutions(lab), {lab: []})


DRAWN = {'address-as-name'}  # which other checks fail depends on the hosts that are drawn


def known_ones(scratch, count):
    """Mistakes that fail one check, by the table."""
    for lab, rows in KNOWN.items():
        single = [name for name, row in sorted(rows.items()) if sum(len(group['checks']) for group in row['fails']) == 1 and
                  name not in DRAWN]
        for name in single[:count]:
            yield Expected(f'{lab}: {name}', below(FOLDERS[lab], with_mistake(lab, name, scratch)), {lab: [KNOWN[lab][name]['check']]})


def bad_ones():
    starters = {}
    for folder in FOLDERS.values():
        starters |= {f'{folder}/{path.name}': text_of(path) for path in sorted((ROOT / folder).glob('*.c'))}
    yield Expected('the starters', starters, {lab: None for lab in FOLDERS})
    for name, program in HOSTILE.items():
        yield Expected(f'hostile: {name} in place of {program}', {program: text_of(f'grader/tests/hostile/{name}.c')}, {program[:5]: None})
    for what, text in POISON.items():
        yield Expected(f'a file that {what}', {'session.c': text}, {'lab01': None}, problem='lab01-session/session.c does not compile')


def odd_ones():
    session = text_of('lab01-session/solution/session.c')
    right = {'lab01': []}
    yield Expected('line ends of Windows and a byte order mark', {'session.c': '\ufeff' + session.replace('\n', '\r\n')}, right)
    yield Expected('a zip', {'my work.zip': zipped({'my work/lab01/session.c': session})}, right)
    yield Expected('a zip in a zip', {'all.zip': zipped({'x.zip': zipped({'session.c': session})})}, right)
    yield Expected('folders around it, and other files', {'a/b/lab01-session/session.c': session, 'a/b/notes.txt': 'x', 'a/build/session.c': 'x',
                                                         '__MACOSX/._session.c': 'x'}, right)
    yield Expected('a second try', {'session.c': 'int x;\n', 'session (1).c': session}, right)
    yield Expected('one file of two', {'lab05-timeouts/server.c': solutions('lab05')['server.c']}, {'lab05': 'server'})
    yield Expected('a server of no lab', {'server.c': 'int main(void) { return 0; }\n'}, status='no file', problem='of which lab?')
    yield Expected('another file', {'notes.c': session}, status='no file', problem='no file of these labs')
    yield Expected('a broken zip', {'session.zip': b'PK\3\4 and no more'}, status='no file', problem='no file of these labs')
    yield Expected('a file that is too large', {'session.c': session + ' ' * (2 << 20)}, status='no file', problem='no file of these labs')
    yield Expected('an empty file', {'session.c': ''}, {'lab01': None}, problem='lab01-session/session.c does not compile')
    yield Expected('nothing but the roster', {}, status='no file', problem='no file of these labs')


def the_class(scratch, rows):
    """[(id, Expected)]"""
    count = MISTAKES
    made = [*right_ones(), *bad_ones(), *odd_ones()]
    if rows:
        count = max(MISTAKES, (rows - len(made)) // len(FOLDERS))
    made += known_ones(scratch, count)
    while len(made) < rows:
        made += list(right_ones())[:rows - len(made)]
    return [(1000 + number, expected) for number, expected in enumerate(made)]


def hand_in(place, students):
    with zipfile.ZipFile(place / 'moodle.zip', 'w', zipfile.ZIP_DEFLATED) as archive:
        for number, expected in students:
            for name, content in expected.files.items():
                archive.writestr(f'Jürgen Ö{number}_{number}_assignsubmission_file_/{name}', content)
    roster = ''.join(f'{number},Jürgen Ö{number}\n' for number, _ in students)
    (place / 'roster.csv').write_text(f'id,name\n{roster}', encoding='utf-8')


# --- The table --------------------------------------------------------------------------------------------

def worth_of(place, number):
    """{'lab01': {check: points}}, as in the results of the student who is right in all labs."""
    results = json.loads((place / f'class/jürgen-ö{number}-{number}/results.json').read_text(encoding='utf-8'))
    worth = {}
    for test in results['tests']:
        lab, name = test['number'].split('/')
        worth.setdefault(lab, {})[name] = test['max_score']
    return worth


def points_wanted(expected, worth):
    """{'lab01': the points}; a range, if only some of its programs are there."""
    wanted = {}
    for lab, checks in worth.items():
        fails = expected.fails.get(lab)
        full = sum(checks.values())
        if fails == 'server':  # some checks need this program alone
            wanted[lab] = range(1, full)
        else:
            wanted[lab] = [0 if fails is None else full - sum(checks[name] for name in fails)]
    return wanted


def looks_right(row, expected, worth, problems):
    """What is wrong with the row, or nothing."""
    wanted = points_wanted(expected, worth)
    wrong = [f'{lab}: {row[lab]}, not {list(points)}' for lab, points in wanted.items() if int(row[lab]) not in points]
    if int(row['total']) != sum(int(row[lab]) for lab in worth):
        wrong.append(f'the total is {row["total"]}')
    if row['status'] != expected.status:
        wrong.append(f'{row["status"]}, not {expected.status}')
    if expected.problem and expected.problem not in problems or not expected.problem and problems:
        wrong.append(f'problems.txt: {problems or "nothing"}')
    return wrong


def grade(place):
    command = ['make', '-s', 'class', f'SUBMISSIONS={place}/moodle.zip', f'ROSTER={place}/roster.csv', f'OUT={place}/class', 'SEED=11']
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False,
                          env=dict(os.environ, MAKEFLAGS=''))
    return done.returncode, done.stdout + done.stderr


def main():
    with tempfile.TemporaryDirectory(prefix='rows-') as name:
        place = pathlib.Path(name)
        place.chmod(0o755)
        students = the_class(place, int(os.environ.get('ROWS', '0')))
        hand_in(place, students)
        began = time.monotonic()
        status, text = grade(place)
        print(f'# {len(students)} students in {time.monotonic() - began:.0f} s', flush=True)
        check('it grades the class', status == 0, text)
        with open(place / 'class/grades.csv', encoding='utf-8', newline='') as file:
            rows = {row['id']: row for row in csv.DictReader(file)}
        problems = (place / 'class/problems.txt').read_text(encoding='utf-8').splitlines()
        check('the table has every student', sorted(rows) == sorted(str(number) for number, _ in students), sorted(rows))
        worth = worth_of(place, students[0][0])
        for number, expected in students:
            about = '\n'.join(line for line in problems if re.match(rf'(jürgen-ö{number}-)?{number}\b', line))
            wrong = looks_right(rows[str(number)], expected, worth, about)
            check(expected.what, not wrong, '\n'.join(map(str, wrong)) + f'\n{rows[str(number)]}')
        began = time.monotonic()
        status, text = grade(place)
        print(f'# again: {time.monotonic() - began:.1f} s')
        check('the same command has nothing left to do', status == 0 and ' 0 to grade' in text, text)
    return done_testing()


sys.exit(main())
