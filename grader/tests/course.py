#!/usr/bin/env python3
"""course.conf: the scoreboard, the page and STRICT go by it, and hidden checks do not run."""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get('BUILD', 'build')
sys.path.insert(0, f'{ROOT}/grader/tools/dev')
from tap import check, done_testing  # noqa: E402  pylint: disable=wrong-import-position


def grade(scratch, course, *more, programs='solutions'):
    """Returns the status, what it prints on one line, and the page."""
    (scratch / 'course').write_text(course)
    command = [BUILD / 'grader/grade', '--programs', BUILD / programs, '--output', scratch / 'out', '--course', scratch / 'course', *more]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    page = scratch / 'out/index.html'
    return done.returncode, ' '.join((done.stdout + done.stderr).split()), page.read_text(encoding='utf-8') if page.exists() else ''


def main():
    with tempfile.TemporaryDirectory(prefix='course-') as name:
        scratch = pathlib.Path(name)
        status, text, page = grade(scratch, 'lab01 = 7.5\nhidden = lab01/ping lab01/slowly\n', '--strict')
        line = '6.5 of 6.5 points in the course; hidden checks have another 1'
        check('the scoreboard says what the points are in the course', line in text, text)
        check('the page says it too', f'"course": "{line}"' in page or f'"course":"{line}"' in page)
        check('it grades the labs that count', 'Lab 01' in text and 'Lab 02' not in text, text)
        check('hidden checks do not run', re.search(r' goodbye \d', text) and not re.search(r' ping \d', text), text)
        check('full marks are those of the other checks', status == 0 and 'Total: 13 of 15' in text, text)
        results = json.loads((scratch / 'out/results.json').read_text(encoding='utf-8'))
        check('the results do not have them either', not [test for test in results['tests'] if test['number'] == 'lab01/ping'], results)
        status, text, _ = grade(scratch, 'lab01 = 7.5\nlab02 = 3\n', '--strict', '--lab', '1', programs='labs')
        check('a starter has no full marks', status == 1 and '0 of 7.5 points in the course' in text, text)
        status, text, _ = grade(scratch, 'lab01 = 7.5\nhidden = lab01/ping\n', '--check', 'ping')
        check('a hidden check does not run alone', status == 2 and 'only your instructor runs' in text, text)
        for course, said in (('lab01 = 1\nhidden = lab01/none\n', 'only 0 of these exist'), ('lab01 = half\n', 'course:1: not a number of points')):
            status, text, _ = grade(scratch, course)
            check(f'it refuses: {said}', status == 2 and said in text, text)
    return done_testing()


sys.exit(main())
