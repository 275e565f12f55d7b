"""course: which labs count in a course, and how many points each is worth. grader/base/course.h describes the file, which
the grader reads too:

    # lab 4 does not count
    lab01 = 10
    lab02 = 12.5
    due = 2026-12-01T23:59
    late = 10%/day

The points of a student in a lab are scaled to this. A lab that the file does not name does not count.
"""
import argparse
import re

import grade_class
import late


MOST = 1000000  # points of a lab


class Problem(Exception):
    pass


def possible():
    """{'lab01': the points that the grader gives for it}"""
    return {folder.split('-')[0]: points for folder, points in grade_class.labs_here()[0].items()}


def read_line(path, number, key, value, worth, others):
    """Put one line of the file into `worth` or `others`."""
    if key in ('due', 'late'):
        try:
            others[key] = {'due': late.deadline, 'late': late.percent_a_day}[key](value)
        except argparse.ArgumentTypeError as why:
            raise Problem(f'{path}:{number}: {why}') from why
    elif key in ('hidden', 'bonus'):  # the grader shows these; they change nothing in the table of a class
        others[key] = value
    elif not re.fullmatch(r'\d+(?:\.\d+)?', value) or float(value) > MOST:
        raise Problem(f'{path}:{number}: not a number of points: {value}')
    elif key not in possible() or key in worth:
        raise Problem(f'{path}:{number}: {key} is {"there twice" if key in worth else "no lab"}')
    else:
        worth[key] = float(value)


def read(path):
    """{'lab01': its points in the course}, and {'due': ..., 'late': ...}, if they are there."""
    worth, others = {}, {}
    for number, line in enumerate(path.read_text(encoding='utf-8').splitlines(), 1):
        key, equals, value = map(str.strip, line.split('#')[0].partition('='))
        if key and not equals:
            raise Problem(f'{path}:{number}: not as "lab01 = 10": {key}')
        if key:
            read_line(path, number, key, value, worth, others)
    if not sum(worth.values()):
        raise Problem(f'{path}: no lab has points')
    return worth, others


def worth_of(path, labs):
    """The points of the labs that count: {'lab01': points}. None without a file."""
    if not path:
        return None
    worth = {lab: points for lab, points in read(path)[0].items() if lab in labs}
    if not worth:
        raise Problem(f'{path}: no lab of it was graded in this class')
    return worth


def total(row, worth):
    """The points of a row of grades.csv, as in the course."""
    most = possible()
    return round(sum(int(row[lab]) * points / most[lab] for lab, points in worth.items()), 2)
