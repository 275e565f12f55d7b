#!/usr/bin/env python3
"""similar: find pairs of students whose files are too alike.

    similar.py [--lab 02] [--threshold 80] CLASS

CLASS is the folder that `make class` wrote. Only the student's own lines of a file count: those that neither the
starter nor the solution has, whatever the names in them are. sim_c (Debian's similarity-tester) compares each with
each: it sees no names, no layout and no comments. Prints the pairs, and writes CLASS/similar.html, which shows them
side by side.
"""
import argparse
import difflib
import html
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass

import grade_class
import report

ROOT = pathlib.Path(__file__).resolve().parents[2]
FEWEST = 80      # tokens: shorter files are alike by chance
MOST = 20000     # tokens: nobody writes that much by hand
RUN = 12         # tokens in a row that sim_c counts
TIME = 60        # seconds for sim_c, which takes 19 for 300 files of lab 2; the more files, the more ...
TIME_OF_PAIRS = 500  # ... a second for as many pairs
SHOWN = 50       # pairs on the page
SHOWN_LINES = 1000  # of each: the time to find the same lines grows with the square of this
SHOWN_WIDTH = 1000  # characters of a line

LONGEST_NAME = 100

TOKEN = r'\w+|[^\w\s]'

UNKNOWN = '''\
This tool cannot know who wrote it first, whether one copied from the other or both from the same place, and what came
from outside this class. Similar files are not a proof: read both, and talk to both students. And the tool does not find
students who rewrite a copy line by line.'''


@dataclass
class Own:
    """What a student has written in a file."""
    student: str
    lines: list      # (number, line)

    def tokens(self):
        return len(re.findall(TOKEN, '\n'.join(line for _, line in self.lines)))

    def repeated(self):
        """How many of its tokens begin a run that it has already had: sim_c takes long for them, and sees no names."""
        words = re.findall(TOKEN, '\n'.join(shape(line) for _, line in self.lines))
        runs = [tuple(words[at:at + RUN]) for at in range(len(words) - RUN + 1)]
        return len(runs) - len(set(runs))


@dataclass
class Pair:
    first: Own
    second: Own
    of_first: int    # percent of the first that is in the second
    of_second: int

    def percent(self):
        return max(self.of_first, self.of_second)


# --- The student's own lines ------------------------------------------------------------------------------

# A comment or a text may have no end. Each pattern matches from its first character on, whatever follows, so that none
# is tried again behind it: a file of 1 MiB takes no longer than its length.
COMMENT = r'//[^\n]*|/\*.*?(?:\*/|\Z)'
RAW = r'(?<!\w)(?:u8|[uUL])?R"(?P<mark>[^\s()\\"]{0,16})\(.*?(?:\)(?P=mark)"|\Z)'
HEADER = r'(?:#\s*include(?:_next)?|\b__has_include(?:_next)?\s*\()\s*<[^>\n]*>?'
TEXT = RAW + r'|"(?:[^"\\\n]+|\\.)*"?|\'(?:[^\'\\\n]+|\\.)*\'?'
LEXEMES = re.compile(f'{TEXT}|{HEADER}|{COMMENT}', re.S)
WORDS = re.compile(rf'{TEXT}|(?P<name>[A-Za-z_]\w*)(?P<call>\s*\()?|\d\w*', re.S)


def joined(text):
    """The text with lines that end in a backslash joined, as the compiler joins them: a comment goes on in the next. Empty lines
    follow, so that there are as many as before."""
    lines, parts = [], []
    for line in text.split('\n'):
        before, backslash, blanks = line.rpartition('\\')
        parts.append(before if backslash and not blanks.strip() else line)
        if parts[-1] is line:
            lines += [''.join(parts), *[''] * (len(parts) - 1)]
            parts = []
    return '\n'.join(lines + [''.join(parts)] * bool(parts))


def without_comments(text):
    """The lines, as many as before."""
    def blank(found):
        return '\n' * found[0].count('\n') if found[0][0] == '/' else found[0]
    return LEXEMES.sub(blank, joined(text)).split('\n')


def shape(line):
    """The line without its names, numbers and texts; the names of called functions stay."""
    line = WORDS.sub(lambda found: found[0] if found['call'] else 'w', line)
    return re.sub(r'\s+', '', line)


def plain(line):
    """The line as sim_c gets it, which takes long for long texts and names, and does not compare them."""
    def shortened(found):
        if found['name']:
            return found['name'][:LONGEST_NAME] + (found['call'] or '')[-1:]
        return found[0][:LONGEST_NAME] if found[0][0].isdigit() else "'x'" if found[0][0] == "'" else '""'
    return WORDS.sub(shortened, line)


def own_lines(text, given):
    return [(number, line) for number, line in enumerate(without_comments(text), 1) if shape(line) and shape(line) not in given]


def given_shapes(program):
    """The lines of the starter and of the solution, which contains the starter: lab02-requests/requests.c."""
    solution = (ROOT / program.parent / 'solution' / program.name).read_text(encoding='utf-8')
    starter = subprocess.run(['sh', 'grader/tools/dev/starter.sh', program.parent / 'solution' / program.name], cwd=ROOT,
                             capture_output=True, text=True, check=True).stdout
    return {shape(line) for text in (solution, starter) for line in without_comments(text)}


def read_all(folder, program):
    """[Own] of the students who have handed in this program."""
    given = given_shapes(program)
    return [Own(path.parents[2].name, own_lines(path.read_text(encoding='utf-8', errors='replace'), given))
            for path in sorted(folder.glob(f'*/src/{program}'))]


# --- How alike they are -----------------------------------------------------------------------------------

def compare_in_time(owns, threshold):
    """compare(), and the students left out: as long as it takes too long, those whose files repeat most."""
    left_out = []
    while True:
        try:
            return compare(owns, threshold), left_out
        except subprocess.TimeoutExpired:
            repeated = [own.repeated() for own in owns]
            most = max(repeated)
            left_out += [own.student for own, count in zip(owns, repeated) if count > most // 2 or count == most]
            owns = [own for own in owns if own.student not in left_out]


def compare(owns, threshold):
    """[Pair], the most similar first."""
    if len(owns) < 2:
        return []
    with tempfile.TemporaryDirectory() as scratch:
        for number, own in enumerate(owns):
            text = ''.join(f'{plain(line)}\n' for _, line in own.lines)
            (pathlib.Path(scratch) / f'{number}.c').write_text(text, encoding='utf-8')
        done = subprocess.run(['sim_c', '-p', '-e', '-a', '-F', '-T', '-r', str(RUN), '-t', str(threshold), '-i'], cwd=scratch,
                              input=''.join(f'{number}.c\n' for number in range(len(owns))), capture_output=True, text=True,
                              check=True, timeout=TIME + len(owns) ** 2 / 2 / TIME_OF_PAIRS)
    found = {}
    for one, percent, other in re.findall(r'^(\d+)\.c consists for (\d+) % of (\d+)\.c material$', done.stdout, re.M):
        found[int(one), int(other)] = int(percent)
    pairs = [Pair(owns[one], owns[other], found.get((one, other), 0), found.get((other, one), 0))
             for one, other in sorted({tuple(sorted(key)) for key in found})]
    return sorted(pairs, key=lambda pair: -pair.percent())


# --- The words --------------------------------------------------------------------------------------------

def describe(pair):
    return f'{pair.percent():4}%  {pair.first.student}  {pair.second.student}'


def summary(program, owns, compared, left_out):
    short = sum(own.tokens() < FEWEST for own in owns)
    long = [own.student for own in owns if own.tokens() > MOST]
    return (f'{program}: {len(compared) - len(left_out)} compared; {short} have fewer than {FEWEST} tokens of their own: too few' +
            (f'; too long to compare: {", ".join(long)}' if long else '') +
            (f'; left out, because they repeat so much that comparing takes too long: {", ".join(left_out)}' if left_out else ''))


def side_by_side(pair):
    """The rows of a table. Mark a line whose shape is on both sides."""
    say = html.escape
    left, right = pair.first.lines[:SHOWN_LINES], pair.second.lines[:SHOWN_LINES]
    matcher = difflib.SequenceMatcher(None, [shape(line) for _, line in left], [shape(line) for _, line in right])
    for kind, a, b, c, d in matcher.get_opcodes():
        for step in range(max(b - a, d - c)):
            cells = [lines[first + step] if first + step < last else ('', '') for lines, first, last in ((left, a, b), (right, c, d))]
            yield f'<tr class="{kind}">' + ''.join(f'<td class="n">{number}</td><td><pre>{say(line[:SHOWN_WIDTH])}</pre></td>'
                                                   for number, line in cells) + '</tr>'


STYLE = report.STYLE + '''
body { max-width: 110rem; }
td pre { border: 0; padding: 0; margin: 0; white-space: pre-wrap; }
tr.equal { background: color-mix(in srgb, var(--bar) 25%, transparent); }
table.pair { table-layout: fixed; }
table.pair td { width: auto; padding: 0 .4rem; border: 0; }
table.pair td.n { width: 3rem; font-size: .8rem; }
'''


def page(found):
    """The page. It shows everything that a student has written as text. `found`: [(line about a program, [Pair])]."""
    say = html.escape
    parts = ['<!DOCTYPE html>', '<html lang="en"><meta charset="utf-8"><title>Too alike</title>',
             '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; style-src \'unsafe-inline\'">',
             '<meta name="viewport" content="width=device-width">', f'<style>{STYLE}</style>', '<h1>Too alike</h1>',
             f'<p>{say(UNKNOWN)}</p><p>The page shows the own lines of each, without those of the starter and the solution. A line is '
             'marked if both have it; names, numbers and texts may differ. '
             f'A file of more than {SHOWN_LINES} own lines, or a very long line, is cut.</p>']
    for line, pairs in found:
        parts.append(f'<h2>{say(line)}</h2>')
        for pair in pairs[:SHOWN]:
            parts.append(f'<h3>{say(pair.first.student)} and {say(pair.second.student)}</h3><p>{pair.of_first}% of the first is in '
                         f'the second, {pair.of_second}% of the second in the first.</p><table class="pair">')
            parts += [*side_by_side(pair), '</table>']
    return '\n'.join(parts) + '\n</html>\n'


def main():
    parser = argparse.ArgumentParser(prog='similar', description='Find pairs of students whose files are too alike.')
    parser.add_argument('--lab', type=grade_class.lab_number)
    parser.add_argument('--threshold', type=int, choices=range(1, 101), metavar='1..100', default=80)
    parser.add_argument('folder', type=pathlib.Path)
    options = parser.parse_args()
    if not shutil.which('sim_c'):
        parser.error('sim_c is missing: `make deps-class` installs it')
    programs = [pathlib.PurePath(name) for name in grade_class.labs_here()[1] if name.startswith(f'lab{options.lab or ""}')]
    found = []
    try:
        for program in programs:
            owns = read_all(options.folder, program)
            compared = [own for own in owns if FEWEST <= own.tokens() <= MOST]
            if owns:
                pairs, left_out = compare_in_time(compared, options.threshold)
                found.append((summary(program, owns, compared, left_out), pairs))
        if not found:
            raise OSError(f'{options.folder} has no such file of a class')
        (options.folder / 'similar.html').write_text(page(found), encoding='utf-8')
    except subprocess.CalledProcessError as problem:
        print(f'similar: {problem.cmd[0]}: {problem.stderr.strip()}', file=sys.stderr)
        return 1
    except OSError as problem:
        print(f'similar: {problem}', file=sys.stderr)
        return 1
    for line, pairs in found:
        print('\n'.join([line, *map(describe, pairs)]))
    print(f'\n{UNKNOWN}\n{options.folder}/similar.html shows the pairs side by side')
    return 0


if __name__ == '__main__':
    sys.exit(main())
