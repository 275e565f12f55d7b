#!/usr/bin/env python3
"""grade_class: grade the submissions of a class.

    grade_class.py [--lab 02] [--roster FILE.csv] [--due 2026-12-01T23:59] [--jobs N] [--hosts A,B | --engine slurm]
                   [--seed N] SUBMISSIONS CLASS

SUBMISSIONS is a folder or a zip, as an LMS gives it (submissions.py). Writes into the folder CLASS: grades.csv,
problems.txt, and a folder for each student (one.py). An engine runs the gradings (engines.py). Nobody is graded twice, so that
the same command goes on after Ctrl-C. The status is 1 if it could not grade a student, 2 for wrong usage.
"""
import argparse
import csv
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import time

import engines
import kit
import late
import one
import submissions

ROOT = pathlib.Path(__file__).resolve().parents[2]


def labs_here():
    """{'lab01-session': its points}, and ['lab01-session/session.c', ...]; as grader/base/labs.c has them."""
    text = (ROOT / 'grader/base/labs.c').read_text(encoding='utf-8')
    rows = re.findall(r'\{"lab\d+", "(lab\d+-[a-z]+)", "[^"]*", \{([^}]*)\}, (\d+),', text)
    points = {folder: int(number) for folder, _, number in rows}
    programs = [f'{folder}/{name}.c' for folder, names, _ in rows for name in re.findall(r'"([a-z_]+)"', names)]
    return points, programs


def version_here():
    return (ROOT / 'grader/base/version.h').read_text(encoding='utf-8').split('"')[1]


def lab_number(text):
    """'02' of '2', 'lab02', 'lab02-requests'."""
    return text.removeprefix('lab').split('-')[0].zfill(2)


# --- Before -----------------------------------------------------------------------------------------------

def make_plan(options, points):
    """The plan for the whole class. It keeps the seed of an earlier run."""
    seed = options.seed
    try:
        seed = seed or json.loads((options.folder / 'plan.json').read_text(encoding='utf-8'))['seed']
    except (OSError, ValueError, KeyError):
        seed = seed or random.SystemRandom().randrange(1, 1 << 48)
    return {'labs': options.lab, 'seed': seed, 'grader': kit.digest(), 'possible': sum(points.values())}


def read_roster(path):
    """[(id, name)] of a CSV file with the columns id and name."""
    if not path:
        return []
    try:
        with open(path, encoding='utf-8-sig', newline='') as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as why:
        raise SystemExit(f'class: {path}: {why}') from why
    if rows and 'id' not in rows[0]:
        raise SystemExit(f'class: {path} has no column "id"')
    return [(row['id'], row.get('name') or '') for row in rows if row['id']]


def find_students(roster, students):
    """{folder name: (id, name)}. The id finds a student of the roster, or the number at the end of the id, which an LMS
    puts into the names of files; the other students have handed in nothing."""
    names = {}
    for identity, name in roster:
        key = submissions.folder_name(identity)
        by_number = []
        if key not in students and key.isdigit():
            by_number = [other for other in students if other.endswith(f'-{key}')]
        if len(by_number) == 1:
            key = by_number[0]
        if key in names:
            raise SystemExit(f'class: {identity} and {names[key][0]} of the roster are the same student')
        student = students.setdefault(key, submissions.Student(name))
        if len(by_number) > 1:
            student.problems.first(f'its number is at the end of {" and ".join(by_number)}')
        names[key] = (identity, name)
    return names


def put_files(place, student):
    """Write the files of this submission, and no others."""
    wanted = {pathlib.PurePosixPath(name): content for name, content in student.files.items()}
    for path in (place / 'src').rglob('*.c'):
        if path.relative_to(place / 'src') not in wanted:
            path.unlink()
            path.with_suffix('.log').unlink(missing_ok=True)
    for name, content in wanted.items():
        path = place / 'src' / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_bytes() != content:
            path.write_bytes(content)


def stop(student, what, why):
    """The files of this student cannot be graded."""
    student.fault = True
    student.problems.most += 1  # room for this one, however many there are
    student.problems.append(f'{what}: {submissions.short(why)}')


def prepare(options, students, plan):
    """Put the files of all students into their folders. Returns those to grade."""
    todo = []
    for key in sorted(students):
        student, place = students[key], options.folder / key
        try:
            if student.files:
                put_files(place, student)
                todo += [] if one.is_done(place, plan) else [key]
        except Exception as why:  # pylint: disable=broad-except  one student must not stop the grading of the others
            stop(student, 'its files cannot be prepared', why)
    return todo


# --- The gradings -----------------------------------------------------------------------------------------

def left(started, done, count):
    seconds = (time.monotonic() - started) / done * (count - done)
    return f'{seconds / 60:.0f} min left' if seconds > 90 else f'{seconds:.0f} s left'


def grade_all(options, todo):
    """Returns whether the engine finished."""
    started = time.monotonic()
    done, waiting = set(), set(todo)
    try:
        for line in options.engine(options, todo) if todo else ():
            identity = next(iter(line.split()), '')
            if identity in done:  # graded before its machine died
                continue
            if identity not in waiting:  # what a machine says, as Slurm in its log
                print(submissions.printable(line.rstrip()), file=sys.stderr)
                continue
            done.add(identity)
            print(f'[{len(done)}/{len(todo)}] {line.rstrip()}  ({left(started, len(done), len(todo))})', flush=True)
    except KeyboardInterrupt:
        print('class: stopped; the same command goes on', file=sys.stderr)
        return False
    except (OSError, subprocess.CalledProcessError) as why:
        print(f'class: {why}', file=sys.stderr)
        return False
    return True


# --- After ------------------------------------------------------------------------------------------------

def problems_of(student, row):
    """The problems that the instructor must look at."""
    yield from student.problems.lines()
    if not student.files:
        yield 'no file of these labs in the submission'
    elif row is None and not student.fault:
        yield 'the grader failed: see feedback.txt; the same command tries again'
    for name in row['failed'] if row else []:
        yield f'{name} does not compile'


def results_of(place, student, labs, plan):
    """The cells of a student in the table from the points on, but without the time of handing in; and the problems."""
    row = one.row_of(place, plan) if student.files and not student.fault else None
    got = [row['points'].get(lab, 0) if row else 0 for lab in labs]
    status = 'graded' if row else 'not graded' if student.files else 'no file'
    about = [plan['seed'], version_here(), row['seconds'], row['where']] if row else ['', '', '', '']
    return [*got, sum(got), status, *about], list(problems_of(student, row))


def write_results(options, students, names, points, plan, general):
    """Returns how many students who handed something in are not graded."""
    labs = [folder.split('-')[0] for folder in points]
    ungraded = 0
    with open(options.folder / 'grades.csv.new', 'w', encoding='utf-8', errors='backslashreplace', newline='') as grades, \
            open(options.folder / 'problems.txt.new', 'w', encoding='utf-8', errors='backslashreplace') as problems:
        problems.writelines(f'{submissions.printable(text)}\n' for text in general.lines())
        table = csv.writer(grades, lineterminator='\n')
        table.writerow(['id', 'name', *labs, 'total', 'status', 'seed', 'version', 'seconds', 'where', 'handed_in'])
        for key in sorted(students):
            student = students[key]
            try:
                cells, wrong = results_of(options.folder / key, student, labs, plan)
            except Exception as why:  # pylint: disable=broad-except  one row must not cost the others
                stop(student, 'its results cannot be read', why)
                cells, wrong = results_of(options.folder / key, student, labs, plan)
            problems.writelines(f'{key}: {submissions.printable(text)}\n' for text in wrong)
            ungraded += cells[len(labs) + 1] == 'not graded'
            identity, name = names.get(key, (key, student.name))
            name = submissions.cell(submissions.short(name or student.name))
            table.writerow([identity, name, *cells, late.moment_of(student.handed_in())])
    for name in ('grades.csv', 'problems.txt'):
        os.replace(options.folder / f'{name}.new', options.folder / name)
    return ungraded


# --- The command ------------------------------------------------------------------------------------------

ENGINES = {'parallel': (engines.here, ['parallel']), 'hosts': (engines.by_ssh, ['parallel', 'ssh', 'rsync']),
           'slurm': (engines.by_slurm, ['sbatch', 'squeue'])}


def parse(points):
    parser = argparse.ArgumentParser(prog='class', description='Grade the submissions of a class.')
    parser.add_argument('--lab', type=lab_number)
    parser.add_argument('--roster', type=pathlib.Path)
    parser.add_argument('--due', type=late.deadline, help='of several tries, the last before this counts: 2026-12-01T23:59')
    parser.add_argument('--jobs', type=int, help='gradings at once (on each host): by default, as many as processors')
    parser.add_argument('--hosts', help='a,b: let these machines grade, by ssh')
    parser.add_argument('--engine', choices=('parallel', 'slurm'), default='parallel')
    parser.add_argument('--seed', type=int)
    parser.add_argument('submissions', type=pathlib.Path)
    parser.add_argument('folder', type=pathlib.Path)
    options = parser.parse_args()
    if options.lab and not any(folder.startswith(f'lab{options.lab}-') for folder in points):
        parser.error(f'there is no lab {options.lab}')
    if not options.submissions.exists():
        parser.error(f'{options.submissions} does not exist')
    if options.hosts and (options.engine == 'slurm' or ':' in options.hosts.split(',')):
        parser.error('HOSTS are for parallel, and ":" is this machine without ssh: say localhost')
    options.engine, commands = ENGINES['hosts' if options.hosts else options.engine]
    for command in commands:
        if not shutil.which(command):
            parser.error(f'{command} is missing: `make deps-class` installs what this machine needs; see grader/class/README.md')
    return options


def main():
    points, programs = labs_here()
    options = parse(points)
    due = options.due.timestamp() if options.due else None
    roster = read_roster(options.roster)
    students, problems = submissions.find(options.submissions, submissions.Labs(list(points), programs), due, [row[0] for row in roster])
    if options.lab:
        points = {folder: number for folder, number in points.items() if folder.startswith(f'lab{options.lab}-')}
        for student in students.values():
            student.files = {name: content for name, content in student.files.items() if name.split('/')[0] in points}
    names = find_students(roster, students)
    options.folder.mkdir(parents=True, exist_ok=True)
    plan = make_plan(options, points)
    one.write_whole(options.folder / 'plan.json', plan)
    todo = prepare(options, students, plan)
    print(f'{len(students)} students, {len(todo)} to grade (SEED={plan["seed"]})', flush=True)
    whole = grade_all(options, todo)
    ungraded = write_results(options, students, names, points, plan, problems)
    print(f'{options.folder}/grades.csv has the points, {options.folder}/problems.txt the problems to look at')
    if ungraded:
        print(f'class: not graded: {ungraded}; the same command tries again', file=sys.stderr)
    return 0 if whole and not ungraded else 1


if __name__ == '__main__':
    sys.exit(main())
