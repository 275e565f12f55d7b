#!/usr/bin/env python3
"""prairielearn: the entry point of PrairieLearn's external grader. https://prairielearn.readthedocs.io/en/latest/externalGrading/

    prairielearn.py LAB

/grade/student has the files; /grade/results/results.json gets the results, before PrairieLearn ends the job after 180 seconds (info.json).
"""
import json
import os
import pathlib
import subprocess
import sys

SECONDS = '170'
LONGEST = 200000  # characters of a text ...
LARGEST = 900000  # ... and octets of all results: PrairieLearn takes 1 MB, and a character may take 12
HERE = pathlib.Path(__file__).resolve().parent
PLACE = pathlib.Path(os.environ.get('PLACE', '/grade'))


def converted(found):
    """A submission without a grading costs no attempt."""
    if not found['tests'] or 'fault' in found['extra_data']:
        return {'gradable': False, 'format_errors': found['output'][:LONGEST]}
    most = sum(test['max_score'] for test in found['tests'])
    tests = [{'name': test['number'], 'description': test['name'], 'points': test['score'], 'max_points': test['max_score'],
              'output': test['output']} for test in found['tests']]
    return {'gradable': True, 'score': found['score'] / most, 'output': found['output'][:LONGEST], 'tests': tests}


def shortened(results):
    """The results as JSON. If they are too large, the longest texts lose their ends."""
    most = LONGEST
    while len(text := json.dumps(results)) > LARGEST and most > 0:
        most //= 2
        for part in (results, *results.get('tests', [])):
            part.update({key: part[key][:most] for key in ('output', 'format_errors') if key in part})
    return text


def main():
    results = PLACE / 'results/results.json'
    results.parent.mkdir(parents=True, exist_ok=True)
    graded = HERE / 'results.json'
    subprocess.run(['bash', HERE / 'grade.sh', PLACE / 'student', SECONDS, graded], env=dict(os.environ, LAB=sys.argv[1]), check=True)
    results.write_text(shortened(converted(json.loads(graded.read_text(encoding='utf-8')))), encoding='utf-8')


main()
