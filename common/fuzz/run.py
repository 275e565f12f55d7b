#!/usr/bin/env python3
"""Run the fuzz targets, and say what each has found, how often it was run and how much of the code it has reached.

    run.py [--seconds 60] [--jobs 1] [TARGET...]

What libFuzzer finds worth keeping stays in build/fuzz/corpus/TARGET, so that the next run goes on from there; an input
that is a finding, in build/fuzz/findings/. The status is 0 if there was none.
"""
import argparse
import concurrent.futures
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get('BUILD') or 'build'
SEEDS = 'common/fuzz/seeds'
LONGEST_INPUT = 1024  # octets: longer ones are slower, and have reached nothing more
LONGEST_RUN = 60  # seconds for one input: none takes a tenth of one on an idle machine
MOST_MEMORY = 1024  # MiB, libFuzzer's own and AddressSanitizer's


def targets():
    return sorted(os.listdir(os.path.join(ROOT, SEEDS)))


class Result:
    """What a run of libFuzzer has printed."""

    def __init__(self, target, status, said):
        self.target, self.status, self.said = target, status, said
        self.runs = self.number(r'^stat::number_of_executed_units: (\d+)') or self.number(r'^#(\d+)\t')
        self.edges = self.number(r'\bcov: (\d+)')
        self.all_edges = self.number(r'\((\d+) inline 8-bit counters\)')

    def number(self, pattern):
        """The last one that is printed like this."""
        found = re.findall(pattern, self.said, re.MULTILINE)
        return int(found[-1]) if found else 0

    def percent(self):
        return 100 * self.edges // max(self.all_edges, 1)

    def finding(self):
        """What was found, in a line; '' for nothing."""
        if self.status == 0:
            return ''
        what = re.findall(r'^fuzz: (.*)|(\S+:\d+:\d+: runtime error: .*)|^SUMMARY: (.*)', self.said, re.MULTILINE)
        where = re.findall(r'Test unit written to (\S+)', self.said)
        why = ''.join(what[0]) if what else f'it ended with status {self.status}'
        return why + (f'; again: {BUILD}/fuzz/{self.target} {where[-1]}' if where else '')

    def __str__(self):
        reached = f'{self.edges:,} of {self.all_edges:,} edges ({self.percent()}%)'
        return f'{self.target:8} {self.runs:10,} runs   {reached:30} {self.finding() or "nothing found"}'


def run(target, seconds, corpus=f'{BUILD}/fuzz/corpus', options=()):
    """One target, for so many seconds, after all of its seeds."""
    kept = os.path.join(corpus, target)
    findings = f'{BUILD}/fuzz/findings'
    os.makedirs(os.path.join(ROOT, kept), exist_ok=True)
    os.makedirs(os.path.join(ROOT, findings), exist_ok=True)
    command = [f'{BUILD}/fuzz/{target}', f'-max_total_time={seconds}', f'-max_len={LONGEST_INPUT}', f'-timeout={LONGEST_RUN}',
               '-len_control=10',  # inputs grow sooner than libFuzzer would let them
               f'-rss_limit_mb={MOST_MEMORY}', '-print_final_stats=1', f'-artifact_prefix={findings}/{target}-',
               *options, kept, f'{SEEDS}/{target}']
    environment = {name: value for name, value in os.environ.items() if name != 'H2_TRACE'}
    done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors='replace', env=environment, check=False)
    return Result(target, done.returncode, done.stdout)


def run_all(names, seconds, jobs, **options):
    """All of them, `jobs` at a time. Yields each result when it is there."""
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for done in concurrent.futures.as_completed([pool.submit(run, name, seconds, **options) for name in names]):
            yield done.result()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--seconds', type=int, default=60, help='for each target')
    parser.add_argument('--jobs', type=int, default=1, help='targets at the same time')
    parser.add_argument('targets', nargs='*', metavar='TARGET', help='one of: ' + ', '.join(targets()))
    arguments = parser.parse_args()
    unknown = set(arguments.targets) - set(targets())
    if unknown or arguments.seconds < 1 or arguments.jobs < 1:
        parser.error(f'there is no target {unknown.pop()}' if unknown else 'seconds and jobs are 1 or more')
    found = False
    for result in run_all(arguments.targets or targets(), arguments.seconds, arguments.jobs):
        print(result, flush=True)
        if result.finding():
            found = True
            print('\n'.join(result.said.splitlines()[-60:]))
    return 1 if found else 0


if __name__ == '__main__':
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
