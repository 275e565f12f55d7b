"""small_class: a class for the tests of `make class`.

hand_in() makes the submissions of lab 1, grade() starts the command, rows_of() and table() read the result.
"""
import csv
import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[3]
NAMES = [f'Zoë {number:02}' for number in range(8)]
STUDENTS = [name.lower().replace(' ', '-') for name in NAMES]   # the names of their folders


def hand_in(scratch):
    """A right program, a starter, a file that does not compile, and so on."""
    texts = [(ROOT / 'lab01-session/solution/session.c').read_text(encoding='utf-8'),
             (ROOT / 'lab01-session/session.c').read_text(encoding='utf-8'), 'int main(void) { return 1 }\n']
    for number, name in enumerate(NAMES):
        folder = scratch / 'handed in' / name
        folder.mkdir(parents=True)
        (folder / 'session.c').write_text(texts[number % len(texts)], encoding='utf-8')


def grade(scratch, out, *more):
    return subprocess.Popen(['make', '-s', 'class', f'SUBMISSIONS={scratch}/handed in', f'OUT={scratch}/{out}', 'LAB=01', 'SEED=7', *more],
                            cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            env=dict(os.environ, MAKEFLAGS=''), start_new_session=True)


def rows_of(scratch, out):
    with open(scratch / out / 'grades.csv', encoding='utf-8', newline='') as file:
        return list(csv.DictReader(file))


def table(scratch, out):
    """The rows without what may differ from one run to the next."""
    return [{**row, 'seconds': '', 'where': ''} for row in rows_of(scratch, out)]
