"""course: which labs count in a course, and how many points each is worth. A file has a line for each lab:

    # lab 4 does not count
    lab01 = 10
    lab02 = 12.5

The points of a student in a lab are scaled to this. A lab that the file does not name does not count.
"""
import re

import grade_class


class Problem(Exception):
    pass


def possible():
    """{'lab01': the points that the grader gives for it}"""
    return {folder.split('-')[0]: points for folder, points in grade_class.labs_here()[0].items()}


def read(path):
    """{'lab01': its points in the course}"""
    worth = {}
    for number, line in enumerate(path.read_text(encoding='utf-8').splitlines(), 1):
        line = line.split('#')[0].strip()
        found = re.fullmatch(r'(lab\d\d)\s*=\s*(\d+(?:\.\d+)?)', line)
        if not line:
            continue
        if not found:
            raise Problem(f'{path}:{number}: not as "lab01 = 10": {line}')
        if found[1] not in possible() or found[1] in worth:
            raise Problem(f'{path}:{number}: {found[1]} is {"there twice" if found[1] in worth else "no lab"}')
        worth[found[1]] = float(found[2])
    if not sum(worth.values()):
        raise Problem(f'{path}: no lab has points')
    return worth


def worth_of(path, labs):
    """The points of the labs that count: {'lab01': points}. None without a file."""
    if not path:
        return None
    worth = {lab: points for lab, points in read(path).items() if lab in labs}
    if not worth:
        raise Problem(f'{path}: no lab of it was graded in this class')
    return worth


def total(row, worth):
    """The points of a row of grades.csv, as in the course."""
    most = possible()
    return round(sum(int(row[lab]) * points / most[lab] for lab, points in worth.items()), 2)
