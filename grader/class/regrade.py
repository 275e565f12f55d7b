#!/usr/bin/env python3
"""regrade: grade the submission of one student again, though nothing has changed.

    regrade.py [--lab 02] CLASS ID

CLASS is the folder that `make class` wrote; ID is the student's, as in grades.csv, or the name of the folder. The seed
is that of the class. Shows the old and the new points, and puts the new ones into grades.csv. With --lab, the points of
the other labs stay; the scoreboard of this lab is then in CLASS/ID/lab02/. The status is 1 if the grader fails: then
everything stays.
"""
import argparse
import csv
import json
import os
import pathlib
import sys

import grade_class
import kit
import one
import submissions


class Problem(Exception):
    pass


# --- A student's folder and row ---------------------------------------------------------------------------

def called(places, identity):
    """The folders that may be this student's: the one whose name is the id; otherwise those that end with it as the LMS's
    number, as grade_class.find_students() reads a roster."""
    key = submissions.folder_name(identity)
    return [place for place in places if place.name == key] or \
           [place for place in places if key.isdigit() and place.name.endswith(f'-{key}')]


def places_in(folder):
    return [path.parent for path in folder.glob('*/src')]


def row_of(rows, place, places):
    """The row of the student with this folder, or None. A number that may be another student's finds nobody."""
    exact = [row for row in rows if submissions.folder_name(row['id']) == place.name]
    return next(iter(exact or [row for row in rows if called(places, row['id']) == [place]]), None)


def find_place(folder, identity):
    found = called(places_in(folder), identity)
    if len(found) != 1:
        raise Problem(f'{identity}: {"more than one student" if found else f"nobody in {folder}"} has this id')
    return found[0]


def read_table(folder):
    with open(folder / 'grades.csv', encoding='utf-8', newline='') as file:
        table = csv.DictReader(file)
        return list(table.fieldnames), list(table)


def write_table(folder, names, rows):
    with open(folder / 'grades.csv.new', 'w', encoding='utf-8', newline='') as file:
        table = csv.DictWriter(file, names, lineterminator='\n')
        table.writeheader()
        table.writerows(rows)
    os.replace(folder / 'grades.csv.new', folder / 'grades.csv')


def merge(place, out, new, lab):
    """Put the new result of this lab among the old ones of the others. Returns the whole row."""
    old = json.loads((place / 'row.json').read_text(encoding='utf-8'))
    whole, part = (json.loads((path / 'results.json').read_text(encoding='utf-8')) for path in (place, out))
    others = [test for test in whole['tests'] if not test['number'].startswith(f'{lab}/')]
    whole['tests'] = sorted(others + part['tests'], key=lambda test: test['number'].split('/')[0])
    whole['score'] = sum(test['score'] for test in whole['tests'])
    looks = whole['extra_data']['looks_like']
    looks.pop(lab, None)
    looks.update(part['extra_data']['looks_like'])
    one.write_whole(place / 'results.json', whole)
    failed = [name for name in old['failed'] if not name.startswith(f'{lab}-')] + new['failed']
    return {**old, 'points': one.points_of(whole), 'looks_like': one.likely_mistakes(whole), 'failed': failed}


def show(name, old, new, shown):
    """One line for each lab to show, and one for the total of all."""
    width = max(len(name), 6)
    print(f'{name:{width}}  old  new')
    for lab in [*shown, 'total']:
        before, after = (sum(points.values()) if lab == 'total' else points[lab] for points in (old, new))
        print(f'{lab:{width}}  {before:3}  {after:3}' + ('' if before == after else '  *'))


def grade_again(place, plan, lab):
    """Returns the new row, which row.json has too."""
    out = place / (lab or 'new')
    new = one.grade(place, {**plan, 'labs': lab.removeprefix('lab') if lab else plan['labs']}, out)
    if new['status'] != 0:
        raise Problem(f'the grader failed, and everything stays as it was: see {out}/feedback.txt')
    if lab:
        new = merge(place, out, new, lab)
        one.write_whole(place / 'row.json', new)
    else:
        one.keep(place, out, new)
    return new


def regrade(options):
    folder = options.folder.resolve()
    plan = json.loads((folder / 'plan.json').read_text(encoding='utf-8'))
    place = find_place(folder, options.identity)
    names, rows = read_table(folder)
    row = row_of(rows, place, places_in(folder))
    labs = [name for name in names if name.startswith('lab')]
    lab = f'lab{options.lab}' if options.lab else None
    if row is None:
        raise Problem(f'{place.name} has no row in {folder}/grades.csv')
    if lab and lab not in labs:
        raise Problem(f'{folder} has {", ".join(labs)}')
    if lab and one.row_of(place, plan) is None:
        raise Problem(f'{place.name} is not graded yet: leave out LAB={options.lab}')
    new = grade_again(place, plan, lab)
    old, points = {name: int(row[name]) for name in labs}, {name: new['points'].get(name, 0) for name in labs}
    row.update(points, total=sum(points.values()), status='graded', seed=plan['seed'], version=grade_class.version_here(),
               seconds=new['seconds'], where=new['where'])
    write_table(folder, names, rows)
    show(place.name, old, points, [lab] if lab else labs)
    if plan['grader'] != kit.digest():
        print('the grader has changed since the class was graded: the same `make class` grades everybody with it')


def main():
    parser = argparse.ArgumentParser(prog='regrade', description='Grade the submission of one student again.')
    parser.add_argument('--lab', type=grade_class.lab_number)
    parser.add_argument('folder', type=pathlib.Path)
    parser.add_argument('identity')
    try:
        regrade(parser.parse_args())
    except (Problem, OSError, ValueError, KeyError) as problem:
        print(f'regrade: {problem}', file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
