#!/usr/bin/env python3
"""results: write the results that Gradescope shows; the other systems get them too.

    results.py STATUS BOARD RESULTS OUT

RESULTS is the grader's results.json, which is missing if the grader graded nothing; BOARD has the output of the grader
and of the compiler, which repeats what a student has written. OUT gets both; whatever happens, there is an OUT.
"""
import json
import pathlib
import re
import sys

TIMED_OUT = 124  # the status of `timeout`
MAKE_FAILED = 2
NOT_YOURS = 'The grader itself failed. That is not your fault: tell your instructor.'


def results_of(status, board, results):
    text = board.read_text(encoding='utf-8', errors='replace') if board.exists() else ''
    try:
        found = json.loads(results.read_text(encoding='utf-8'))
    except (OSError, ValueError):
        found = {'score': 0, 'tests': []}
        why = 'it took too long' if status == TIMED_OUT else 'hand in the files that the labs name'
        text = f'Nothing was graded: {why}.\n\n{text}'
    extra = found.setdefault('extra_data', {})
    # The last line is make's own, with the status of the grader. (A compiler's log before it may have no end of line.)
    last = text.rstrip().rpartition('\n')[2]
    if status == MAKE_FAILED and 'make: *** ' in last and last.endswith(' Error 3'):
        extra['fault'] = True
        text = f'{NOT_YOURS}\n\n{text}'
    seed = str(extra.get('seed', ''))
    extra.update({'status': status, 'seed': int(seed) if re.fullmatch(r'[0-9]{1,20}', seed) else None})
    found['output'] = text
    return found


def main():
    status, board, results, out = int(sys.argv[1]), *map(pathlib.Path, sys.argv[2:])
    try:
        found = results_of(status, board, results)
    except Exception as why:  # pylint: disable=broad-except  without results, a system blames nobody, and shows nothing
        found = {'score': 0, 'tests': [], 'extra_data': {'fault': True, 'status': status, 'seed': None},
                 'output': f'{NOT_YOURS}\n\n{type(why).__name__}: {why}'}
    found.update({'output_format': 'text', 'visibility': 'visible', 'stdout_visibility': 'hidden'})
    out.write_text(json.dumps(found, indent=2), encoding='utf-8')


main()
