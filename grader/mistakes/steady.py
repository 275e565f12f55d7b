#!/usr/bin/env python3
"""steady: grade the same wrong programs again and again, and see that each gets the same points every time.

    steady.py [--times N] [--each N] [--in FOLDER] [LAB...]

Of the known mistakes of each lab, take EACH, evenly spread, and grade each of them TIMES times, with other random
values each time. Print a line for each program that does not always get the same points, with the checks that differ.
The status is 0 only if there is none. `make steady MISTAKES=1` keeps all cores busy meanwhile.
"""
import argparse
import collections
import concurrent.futures
import subprocess
import sys

import mistakes

EACH = 20
TIMES = 10


def spread(some, count):
    """That many of them, evenly spread; all, if there are fewer."""
    return [some[i * len(some) // count] for i in range(count)] if len(some) > count else some


def choose(found, each):
    by_lab = collections.defaultdict(list)
    for mistake in found:
        by_lab[mistake.lab].append(mistake)
    return [mistake for lab in sorted(by_lab) for mistake in spread(by_lab[lab], each)]


def grade(mistake, seed):
    """The points, and the checks that failed."""
    results, _ = mistakes.run_grader(mistake, seed)
    return results['score'], {test['number'].split('/')[1] for test in results['tests'] if test['status'] == 'failed'}


def differences(mistake, times):
    """What differs between the gradings, in words; "" if nothing does."""
    try:
        graded = [grade(mistake, seed) for seed in range(1, times + 1)]
    except (OSError, ValueError, KeyError, subprocess.SubprocessError) as error:
        return f'the grader failed: {error}'
    scores = collections.Counter(score for score, _ in graded)
    if len(scores) == 1:
        return ''
    failed = collections.Counter(check for _, checks in graded for check in checks)
    points = ', '.join(f'{score} ({count} times)' for score, count in sorted(scores.items()))
    checks = ', '.join(f'{check} fails {count} times' for check, count in sorted(failed.items()) if count < times)
    return f'{points}: {checks}'


def main():
    parser = argparse.ArgumentParser(usage='steady.py [--times N] [--each N] [--in FOLDER] [LAB...]')
    parser.add_argument('--times', type=int, default=TIMES)
    parser.add_argument('--each', type=int, default=EACH)
    parser.add_argument('--in', dest='folder', default='grader/mistakes')
    parser.add_argument('labs', nargs='*')
    arguments = parser.parse_args()
    chosen = choose(mistakes.find(arguments.folder, arguments.labs), arguments.each)
    for mistake in chosen:
        mistakes.prepare(mistake)
    mistakes.compile_all(chosen)
    unsteady = 0
    with concurrent.futures.ThreadPoolExecutor(mistakes.JOBS) as executor:
        def words(mistake):
            return mistake.problem or differences(mistake, arguments.times)
        for mistake, said in zip(chosen, executor.map(words, chosen)):
            unsteady += bool(said)
            print(f'{mistake.lab}/{mistake.name}: {said or "the same every time"}', flush=True)
    print(f'{len(chosen) - unsteady} of {len(chosen)} programs got the same points in {arguments.times} gradings')
    return 0 if unsteady == 0 else 1


if __name__ == '__main__':
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
