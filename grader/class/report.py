#!/usr/bin/env python3
"""report: what a class has understood and what not, for the next lecture.

    report.py [--course FILE] CLASS

CLASS is the folder that `make class` wrote. Writes CLASS/report.txt and CLASS/report.html, which is one file, needs no
network, and names nobody. They show how the points are distributed, how many students fail each check, and how frequent
each mistake is, with the scoreboard's words if two students have got the same: one alone may have printed them. With --course, they use the labs and points
of the course (course.py).
"""
import argparse
import collections
import csv
import html
import json
import pathlib
import re
import sys
from dataclasses import dataclass, field

import course
import one

PARTS = 10    # of the distribution
EXAMPLES = 12  # mistakes to show


@dataclass
class Report:
    possible: float
    labs: object = None   # the labs that count; None: all
    totals: list = field(default_factory=list)
    passed: collections.Counter = field(default_factory=collections.Counter)   # by check
    ran: collections.Counter = field(default_factory=collections.Counter)
    sentences: dict = field(default_factory=dict)
    mistakes: collections.Counter = field(default_factory=collections.Counter)
    examples: dict = field(default_factory=lambda: collections.defaultdict(dict))  # a mistake: {words: blocks with them}

    def example(self, mistake):
        """A block with the words that most students got who made it. What a program printed is in it: so '' if nobody else
        got these words."""
        blocks = max(self.examples[mistake].values(), key=len, default=[])
        return blocks[0] if len(blocks) > 1 else ''


# --- The data ---------------------------------------------------------------------------------------------

def block_of(text, mistake):
    """The first failed check on a scoreboard at or after the words "looks like: ..."; '' if there is none."""
    wanted = ' '.join(f'looks like: {mistake}'.split())
    found = False
    for block in re.split(r'\n(?=  [✔✘+x] |\nLab )', text):
        found = found or wanted in ' '.join(block.split())
        if found and re.match('  [✘x] ', block):
            return block.split('\nTotal:')[0].rstrip()
    return ''


def without_names(text, place):
    """A scoreboard without the name of the student's folder."""
    return re.sub(rf'(?<![\w.-]){re.escape(place.name)}(?![\w.-])', '(somebody)', text) if '-' in place.name else text


def add_student(report, place):
    results = json.loads((place / 'results.json').read_text(encoding='utf-8'))
    for test in results['tests']:
        check = test['number']
        if report.labs and check.split('/')[0] not in report.labs:
            continue
        report.sentences[check] = test['name']
        report.ran[check] += 1
        report.passed[check] += test['status'] == 'passed'
    feedback = (place / 'feedback.txt').read_text(encoding='utf-8', errors='replace')
    for mistake in set(one.likely_mistakes(results, report.labs)):
        report.mistakes[mistake] += 1
        example = block_of(feedback, mistake)
        if example:
            example = without_names(example, place)
            words = frozenset(re.sub(r'\d+', '0', example).split())  # times and numbers differ
            report.examples[mistake].setdefault(words, []).append(example)


def read_class(folder, course_file):
    plan = json.loads((folder / 'plan.json').read_text(encoding='utf-8'))
    report = Report(plan['possible'])
    with open(folder / 'grades.csv', encoding='utf-8', newline='') as file:
        table = csv.DictReader(file)
        worth = course.worth_of(course_file, table.fieldnames)
        if worth:
            report.possible, report.labs = sum(worth.values()), set(worth)
        report.totals = [course.total(row, worth) if worth else int(row['total']) for row in table if row['status'] == 'graded']
    for place in sorted(path.parent for path in folder.glob('*/results.json')):
        if one.is_done(place, plan):
            add_student(report, place)
    return report


# --- The words --------------------------------------------------------------------------------------------

def distribution(report):
    """[('0 to 9', how many)], in PARTS parts of the points."""
    parts = collections.Counter(min(int(total * PARTS // report.possible), PARTS - 1) for total in report.totals)
    for part in range(PARTS):
        first = -(-part * report.possible // PARTS)
        last = -(-(part + 1) * report.possible // PARTS) - 1 if part + 1 < PARTS else report.possible
        if report.labs:  # a course may have fractions of points
            first, last = round(part * report.possible / PARTS, 2), round((part + 1) * report.possible / PARTS, 2)
        yield f'{first:g} to {last:g}', parts[part]


def checks(report):
    """[(check, failed, of, sentence)], the one with most failures first."""
    rows = [(check, report.ran[check] - report.passed[check], report.ran[check], report.sentences[check]) for check in report.ran]
    return sorted(rows, key=lambda row: (-row[1] / row[2], row[0]))


def counted(number, word):
    return f'{number} {word}' + ('' if number == 1 else 's')


def summary(report):
    if not report.totals:
        return 'No student is graded yet.'
    ordered = sorted(report.totals)
    return (f'{counted(len(ordered), "student")}; of {report.possible:g} points, half have {ordered[len(ordered) // 2]:g} or more, '
            f'and {counted(sum(total == report.possible for total in ordered), "student")} all.')


def extremes(report):
    everybody = [check for check in report.ran if report.passed[check] == report.ran[check]]
    nobody = [check for check in report.ran if report.passed[check] == 0]
    return sorted(everybody), sorted(nobody)


def text_of(report):
    lines = [summary(report), '', 'Points']
    most = max((count for _, count in distribution(report)), default=0) or 1
    lines += [f'{name:>11} {count:5} {"#" * round(40 * count / most)}' for name, count in distribution(report)]
    lines += ['', 'Checks, the one with most failures first']
    lines += [f'{failed:5} of {of:<4} {check:24} {sentence}' for check, failed, of, sentence in checks(report) if failed]
    everybody, nobody = extremes(report)
    lines += ['', f'Everybody passes: {", ".join(everybody) or "no check"}', f'Nobody passes: {", ".join(nobody) or "no check"}']
    lines += ['', 'Mistakes, the most frequent first']
    for mistake, count in report.mistakes.most_common(EXAMPLES):
        lines += ['', f'{counted(count, "student")}: {mistake}', report.example(mistake)]
    return '\n'.join(lines).rstrip() + '\n'


STYLE = '''
:root { color-scheme: light dark; --ink: #1c1c1e; --paper: #fff; --bar: #4a7fc1; --line: #ddd; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e6e6; --paper: #16181d; --bar: #5b8fd0; --line: #333; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 60rem; margin: 2rem auto;
  padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
td, th { text-align: left; padding: .2rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top; }
td.n { text-align: right; white-space: nowrap; }
td.bar { width: 40%; }
td:last-child { width: 40%; }
td.bar div { background: var(--bar); height: 1rem; min-width: 1px; }
pre { overflow-x: auto; font: 13px/1.35 ui-monospace, monospace; border: 1px solid var(--line); padding: .8rem; }
'''


def bar(share):
    return f'<td class="bar"><div style="width: {100 * share:.1f}%"></div></td>'


def html_of(report):
    """The page. It shows everything that a student has written as text."""
    say = html.escape
    most = max((count for _, count in distribution(report)), default=0) or 1
    parts = ['<!DOCTYPE html>', '<html lang="en"><meta charset="utf-8"><title>A class</title>',
             '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; style-src \'unsafe-inline\'">',
             '<meta name="viewport" content="width=device-width">', f'<style>{STYLE}</style>', '<h1>A class</h1>',
             f'<p>{say(summary(report))}</p>', '<h2>Points</h2><table>']
    parts += [f'<tr><td class="n">{say(name)}</td><td class="n">{count}</td>{bar(count / most)}</tr>'
              for name, count in distribution(report)]
    parts += ['</table><h2>Checks</h2><table><tr><th>failed</th><th></th><th>check</th><th></th></tr>']
    parts += [f'<tr><td class="n">{failed} of {of}</td>{bar(failed / of)}<td>{say(check)}</td><td>{say(sentence)}</td></tr>'
              for check, failed, of, sentence in checks(report)]
    parts += ['</table><h2>Mistakes</h2>']
    for mistake, count in report.mistakes.most_common(EXAMPLES):
        parts += [f'<h3>{counted(count, "student")}: {say(mistake)}</h3>']
        parts += [f'<pre>{say(report.example(mistake))}</pre>'] if report.example(mistake) else []
    return '\n'.join(parts) + '\n</html>\n'


def main():
    parser = argparse.ArgumentParser(prog='report', description='What a class has understood, and what not.')
    parser.add_argument('--course', type=pathlib.Path)
    parser.add_argument('folder', type=pathlib.Path)
    options = parser.parse_args()
    folder = options.folder
    try:
        report = read_class(folder, options.course)
    except course.Problem as problem:
        print(f'report: {problem}', file=sys.stderr)
        return 1
    except (OSError, ValueError, KeyError) as problem:
        print(f'report: {folder} has no results of a class: {problem}', file=sys.stderr)
        return 1
    (folder / 'report.txt').write_text(text_of(report), encoding='utf-8')
    (folder / 'report.html').write_text(html_of(report), encoding='utf-8')
    print(text_of(report), end='')
    return 0


if __name__ == '__main__':
    sys.exit(main())
