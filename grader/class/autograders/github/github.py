#!/usr/bin/env python3
"""github: show results in the summary of a workflow, and the points as its notice.

    github.py RESULTS.json
"""
import json
import os
import pathlib
import sys


def main():
    found = json.loads(pathlib.Path(sys.argv[1]).read_text(encoding='utf-8'))
    with open(os.environ['GITHUB_STEP_SUMMARY'], 'a', encoding='utf-8') as summary:
        summary.writelines(f'    {line}\n' for line in found['output'].splitlines())  # four blanks: text as it is
    most = sum(test['max_score'] for test in found['tests'])
    print(f'::notice title=Points::{found["score"]:g} of {most:g}')


main()
