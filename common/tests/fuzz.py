#!/usr/bin/env python3
"""Fuzzing finds nothing: every target (common/fuzz/README.md) runs on its seeds, among them all earlier findings,
and for ten more seconds, side by side on all cores."""
import os
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, '..', 'fuzz'), os.path.join(HERE, '../../grader/tools/dev')]
import run  # pylint: disable=wrong-import-position
import tap  # pylint: disable=wrong-import-position

SECONDS = 10
# The seeds alone must reach this percentage of the edges of each program: a target that gets nowhere finds nothing.
LEAST = {'client': 20, 'frames': 30, 'hpack': 30, 'server': 20, 'trace': 20, 'url': 30}


def main():
    with tempfile.TemporaryDirectory() as corpus:
        tap.check('every target has a minimum coverage', sorted(LEAST) == run.targets(), run.targets())
        for result in run.run_all(run.targets(), SECONDS, os.cpu_count(), corpus=corpus):
            print(f'# {result}')
            tap.check(f'{result.target}: it finds nothing', not result.finding(), result.said)
            tap.check(f'{result.target}: it reaches enough code', result.percent() >= LEAST[result.target], result)
        poor = run.run('url', 1, corpus=corpus, options=['-rss_limit_mb=1'])
        tap.check('run.py reports a finding', 'out-of-memory' in poor.finding(), poor)
    return tap.done_testing()


if __name__ == '__main__':
    if not os.path.exists(os.path.join(run.ROOT, run.BUILD, 'fuzz/server')):
        tap.skip_all('clang is not installed')
        sys.exit(0)
    sys.exit(main())
