#!/usr/bin/env python3
"""Run the fuzz targets, and print what each has found, how often it ran and how much of the code it has reached.

    run.py [--seconds 60] [--jobs 1] [TARGET...]

Inputs that libFuzzer keeps stay in build/fuzz/corpus/TARGET, so that the next run goes on from there; an input that is
a finding goes to build/fuzz/findings/. The status is 0 if there was no finding.
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
LONGEST_INPUT = 1024  # bytes: longer inputs are slower, and reach no more code
LONGEST_RUN = 60  # seconds for one input, which takes less than a tenth of one on an idle machine
MOST_MEMORY = 1024  # MiB, with that of libFuzzer and of AddressSanitizer


def targets():
    return sorted(os.listdir(os.path.join(ROOT, SEEDS)))


class Result:
    """The output of a run of libFuzzer."""

    def __init__(self, target, status, said):
        self.target, self.status, self.said = target, status, said
        self.runs = self.number(r'^stat::number_of_executed_units: (\d+)') or self.number(r'^#(\d+)\t')
        self.edges = self.number(r'\bcov: (\d+)')
        self.all_edges = self.number(r'\((\d+) inline 8-bit counters\)')

    def number(self, pattern):
        """The last number that the output has in this form."""
        found = re.findall(pattern, self.said, re.MULTILINE)
        return int(found[-1]) if found else 0

    def percent(self):
        return 100 * self.edges // max(self.all_edges, 1)

    def finding(self):
        """The finding in one line; '' for none."""
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
    """Run one target on all its seeds, then for this many seconds."""
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
    """Run all targets, `jobs` at a time. Yields each result as soon as it is there."""
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
