#!/usr/bin/env python3
"""export: put the points of a class into the table of an LMS.

    export.py --format canvas|moodle|csv [--column NAME] [--course FILE] [--due 2026-12-01T23:59 --late 10%/day]
              CLASS ROSTER.csv [OUT.csv]

CLASS is the folder that `make class` wrote. OUT (CLASS/ROSTER.csv by default) is ROSTER, the LMS's table, with the
points in one column, and nothing else changed:

    canvas   the column named by --column; "ID" finds a student: the number in the names of the files
    moodle   "Grade"; "Identifier" finds a student: "Participant 1234"
    csv      the column named by --column, added if it is missing; "id" finds a student

With --course, the points are those of the course, and its deadline holds (course.py). With --due and --late, each begun day after the deadline
costs a share of the points of the submission, down to 0. Names the students who are in only one of the tables, and the
rows that may be those of several students: these stay as they are. The status is 1 if a student in CLASS gets no points
in the table.
"""
import argparse
import collections
import csv
import io
import pathlib
import re
import sys

import course
import late
import submissions

csv.field_size_limit(1 << 30)  # Moodle's table has what students wrote as "Online text"
KEYS = {'canvas': 'ID', 'moodle': 'Identifier', 'csv': 'id'}


class Problem(Exception):
    pass


def read_table(path):
    """The rows of a CSV file, as lists, and its line ending."""
    text = path.read_bytes().decode('utf-8-sig')
    rows = list(csv.reader(io.StringIO(text, newline='')))
    if not rows:
        raise Problem(f'{path} is empty')
    return rows, '\r\n' if '\r\n' in text else '\n'


def points_of(row, worth, options):
    """The points of one row of grades.csv."""
    total = course.total(row, worth) if worth else float(row['total'])
    if options.due and row.get('handed_in'):
        total = late.reduced(total, row['handed_in'], options.due, options.late)
    return f'{total:g}'


def read_points(options):
    """{id: points} of the students who are graded or have handed in nothing; and what is wrong with other rows."""
    points, timeless, wrong = {}, [], []
    with open(options.folder / 'grades.csv', encoding='utf-8', newline='') as file:
        table = csv.DictReader(file)
        worth = course.worth_of(options.course, table.fieldnames)
        for row in table:
            if row['status'] == 'no file' and row['id'] not in points:
                points[row['id']] = '0'
            if row['status'] != 'graded':
                continue
            try:
                points[row['id']] = points_of(row, worth, options)
            except Exception as why:  # pylint: disable=broad-except  one row must not cost the others
                wrong.append(f'{row["id"]} gets no points: the row in {options.folder}/grades.csv is wrong: {why}')
            if options.due and not row.get('handed_in'):
                timeless.append(row['id'])
    if timeless:
        print(f'export: nobody knows when these handed in; they count as in time: {", ".join(timeless)}')
    return points, wrong


def names_of(identity, form):
    """The names that the LMS may use for the student with this id."""
    number = re.search(r'(?:^|-)(\d+)$', identity)  # a roster may have the number alone
    if form == 'csv' or not number:
        return {submissions.folder_name(identity)}
    return {number[1], f'participant-{number[1]}', submissions.folder_name(identity)}


def index_of(header, name):
    if header.count(name) > 1:
        raise Problem(f'there are {header.count(name)} columns "{name}": rename those that are not to be used')
    return header.index(name)


def column_of(header, options):
    name = options.column or ('Grade' if options.format == 'moodle' else None)
    if not name:
        raise Problem('which column? Say COLUMN="Lab 02 (1234)"')
    if name in header:
        return index_of(header, name)
    if options.format != 'csv':
        raise Problem(f'there is no column "{name}"')
    header.append(name)
    return len(header) - 1


def fill(rows, points, options):
    """Returns (students without a row, rows without a student, rows that may be those of several students)."""
    header = rows[0]
    key = KEYS[options.format]
    if key not in header:
        raise Problem(f'there is no column "{key}": is it {options.format}?')
    place, column = index_of(header, key), column_of(header, options)
    left = dict(points)
    empty, unclear = [], []
    for row in rows[1:]:
        row += [''] * (len(header) - len(row))
    names = [submissions.folder_name(row[place]) if row[place].strip() else '' for row in rows[1:]]
    count = collections.Counter(names)
    for row, name in zip(rows[1:], names):
        found = [identity for identity in left if name and name in names_of(identity, options.format)]
        if len(found) > 1:
            unclear.append(f'{row[place]} gets no points: is it {" or ".join(found)}? Keep only one of them in grades.csv')
        elif found and count[name] > 1:
            unclear.append(f'{row[place]} gets no points: {count[name]} rows are of {found[0]}')
        elif found:
            row[column] = left.pop(found[0])
        elif name != 'nobody' and row[place].strip():
            empty.append(row[place])
    return sorted(left), empty, unclear


def export(options):
    out = options.out or options.folder / options.roster.name
    if out.resolve() == options.roster.resolve():
        raise Problem(f'{out} is the LMS\'s own table: say another OUT=FILE.csv')
    rows, ends = read_table(options.roster)
    points, wrong = read_points(options)
    missing, empty, unclear = fill(rows, points, options)
    with open(out, 'w', encoding='utf-8', newline='') as file:
        csv.writer(file, lineterminator=ends).writerows(rows)
    for name in empty:
        print(f'export: {name} has no points: not in {options.folder}/grades.csv')
    wrong += unclear + [f'{name} has no row in {options.roster}' for name in missing]
    for text in wrong:
        print(f'export: {text}', file=sys.stderr)
    print(f'{out} has the points of {len(points) - len(missing)} students')
    return 1 if wrong else 0


def main():
    parser = argparse.ArgumentParser(prog='export', description='Put the points of a class into the table of an LMS.')
    parser.add_argument('--format', choices=KEYS, default='csv')
    parser.add_argument('--column')
    parser.add_argument('--course', type=pathlib.Path)
    parser.add_argument('--due', type=late.deadline)
    parser.add_argument('--late', type=late.percent_a_day)
    parser.add_argument('folder', type=pathlib.Path)
    parser.add_argument('roster', type=pathlib.Path)
    parser.add_argument('out', type=pathlib.Path, nargs='?')
    options = parser.parse_args()
    try:
        others = course.read(options.course)[1] if options.course else {}
        options.due, options.late = options.due or others.get('due'), options.late or others.get('late')
        if (options.due is None) != (options.late is None):
            raise Problem('a deadline needs both: DUE=2026-12-01T23:59 LATE=10%/day')
        return export(options)
    except (Problem, course.Problem, OSError, UnicodeDecodeError, csv.Error) as problem:
        print(f'export: {problem}', file=sys.stderr)
        return 2


if __name__ == '__main__':
    sys.exit(main())
