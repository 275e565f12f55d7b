#!/usr/bin/env python3
"""Fuzzing finds nothing: every target (common/fuzz/README.md) is run on its seeds, among them whatever was found before,
and ten seconds more, side by side on all cores."""
import os
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, '..', 'fuzz'), os.path.join(HERE, '../../grader/tools/dev')]
import run  # pylint: disable=wrong-import-position
import tap  # pylint: disable=wrong-import-position

SECONDS = 10
# Of the edges of each program, so many percent are reached by the seeds alone: a target that gets nowhere finds nothing.
LEAST = {'client': 20, 'frames': 30, 'hpack': 30, 'server': 20, 'trace': 20, 'url': 30}


def main():
    with tempfile.TemporaryDirectory() as corpus:
        tap.check('every target has a least coverage', sorted(LEAST) == run.targets(), run.targets())
        for result in run.run_all(run.targets(), SECONDS, os.cpu_count(), corpus=corpus):
            print(f'# {result}')
            tap.check(f'{result.target}: nothing is found', not result.finding(), result.said)
            tap.check(f'{result.target}: it reaches the code', result.percent() >= LEAST[result.target], result)
        poor = run.run('url', 1, corpus=corpus, options=['-rss_limit_mb=1'])
        tap.check('what is found is said', 'out-of-memory' in poor.finding(), poor)
    return tap.done_testing()


if __name__ == '__main__':
    if not os.path.exists(os.path.join(run.ROOT, run.BUILD, 'fuzz/server')):
        tap.skip_all('there is no clang here')
        sys.exit(0)
    sys.exit(main())
