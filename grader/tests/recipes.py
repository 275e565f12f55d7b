#!/usr/bin/env python3
"""CONTRIBUTING.md's recipes (a check, a known mistake, a hint, a lab), followed as written in a copy of this project.

The commands that a recipe asks for are taken from its paragraph, and run; the test knows only what a person would type into
the files.
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get('BUILD', 'build')
sys.path.insert(0, f'{ROOT}/grader/tools/dev')
from tap import check, done_testing  # noqa: E402  pylint: disable=wrong-import-position

TEN_MINUTES = 600
# `make test` runs these tests for everything anyway; and all mistakes and mutants of a lab take minutes.
ELSEWHERE = re.compile(r'make test ONLY=(variants|handouts|demo|hint|starters)$|make (mistakes|mutants) LAB=\d\d WRITE=1$')


def run(tree, command):
    done = subprocess.run(['sh', '-c', command], cwd=tree, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False, timeout=TEN_MINUTES, env={**os.environ, 'MAKEFLAGS': '', 'BUILD': 'build'})
    return done.returncode, done.stdout


def copied(tree):
    """This project as a repository of its own, with what is built."""
    names = subprocess.run(['git', 'ls-files', '-z'], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, names.split('\0')):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, tree / name, follow_symlinks=False)
    for name in ('obj', 'grader', 'labs', 'solutions', 'flags'):
        if (BUILD / name).is_dir():
            shutil.copytree(BUILD / name, tree / 'build' / name, symlinks=True, dirs_exist_ok=True)
        else:
            shutil.copy2(BUILD / name, tree / 'build')
    run(tree, 'git init -q && git add -A && git -c user.name=x -c user.email=x@x commit -q -m x')


def follow(tree, name, lab):
    """Run the commands of this recipe, in their order. Returns what they print."""
    text = (tree / 'CONTRIBUTING.md').read_text(encoding='utf-8')
    paragraph = ' '.join(re.search(rf'^\*\*{name}\.\*\*(.*?)(?:^\*\*|\Z)', text, re.M | re.S)[1].split())
    commands = [command.replace('NN', lab) for command in re.findall(r'`(make [^`]*|python3 [^`]*)`', paragraph)]
    commands = [command.replace('labNN-name', next(tree.glob(f'lab{lab}-*')).name).replace(f'lab{lab}-name', next(tree.glob(f'lab{lab}-*')).name)
                for command in commands if not ELSEWHERE.search(command)]
    output = ''
    for command in commands:
        status, printed = run(tree, command)
        output += printed
        check(f'{name}: {command}', status == 0, printed)
    check(f'{name}: the recipe has commands', commands, paragraph)
    return output


def edit(path, *changes):
    text = path.read_text(encoding='utf-8')
    for before, after in changes:
        if before not in text:
            raise SystemExit(f'recipes: {path} has no {before!r}')
        text = text.replace(before, after, 1)
    path.write_text(text, encoding='utf-8')


def test_check(tree):
    """The example of grader/README.md under another name; `goodbye` gives it one of its two points."""
    readme = (tree / 'grader/README.md').read_text(encoding='utf-8')
    example = re.search(r'^## To add a check\n\n```c\n(.*?)```', readme, re.M | re.S)[1]
    checks = tree / 'grader/checks/lab01.c'
    text = checks.read_text(encoding='utf-8')
    rich = re.search(r'CHECK\(lab01, goodbye,.*?\.points = 2', text, re.S)[0]
    edit(checks, (rich, rich.replace('= 2', '= 1')))
    with checks.open('a', encoding='utf-8') as file:
        file.write('\n' + example.replace('(lab01, ping,', '(lab01, ping_again,'))
    output = follow(tree, 'A check', '01')
    check('A check: the solution passes it', re.search(r'✔ ping_again +1/1', output) and 'Total: 15 of 15 points' in output, output)


def test_mistake(tree):
    """Steps 1 and 2 of grader/mistakes/README.md, then the recipe's command."""
    edit(tree / 'lab01-session/solution/session.c', ('"session closed', '"the session is closed'))
    patch = tree / 'grader/mistakes/lab01/other-words.patch'
    status, output = run(tree, f'git diff lab01-session/solution >{patch.relative_to(tree)} && git checkout -q lab01-session/solution')
    check('A known mistake: git makes the patch', status == 0 and patch.stat().st_size > 0, output)
    patch.write_text('Mistake: the last line has other words\nCheck: goodbye\n\n' + patch.read_text(encoding='utf-8'), encoding='utf-8')
    output = follow(tree, 'A known mistake', '01')
    row = json.loads((tree / 'grader/mistakes/known_mistakes.json').read_text(encoding='utf-8'))['lab01'].get('other-words')
    check('A known mistake: the table has it', row and row['mistake'] == 'the last line has other words', f'{row}\n{output}')


def test_hint(tree):
    edit(tree / 'lab01-session/hints.md', ('## TODO 2\n\n', '## TODO 2\n\n1. First of mine.\n2. Second.\n3. Third.\n\n## TODO 2 before\n\n'))
    output = follow(tree, 'A hint', '01')
    check('A hint: make hint shows it', 'First of mine.' in run(tree, 'make -s hint LAB=01 TODO=2')[1], output)


STARTER_OF_7 = '''/*
 * Lab 7: say hello.
 */
#include <stdio.h>

#include "common/todo.h"

int main(void) {
  /* BEGIN SOLUTION */
  /* STARTER
  todo(1, "print hello");
  */
  puts("hello");
  return 0;
  /* END SOLUTION */
}
'''
CHECKS_OF_7 = '''/* The checks of lab 7. 1 point. */
#include <string.h>

#include "grader/play/check_run.h"

CHECK(lab07, hello, .points = 1, .todo = 1, .sentence = "it says hello") {
  exchange_start(exchange, "hello", NULL);
  exchange_expect_status(exchange, 0);
  const char *output = program_stdout(exchange->program, NULL);
  if (strcmp(output, "hello\\n") != 0)
    exchange_fail_at(exchange, -1, "hello", output, "does-not-say-hello|Your program does not say hello.");
}
'''


def test_lab(tree):
    folder = tree / 'lab07-hello'
    (folder / 'solution').mkdir(parents=True)
    (folder / 'solution/hello.c').write_text(STARTER_OF_7, encoding='utf-8')
    (tree / 'grader/checks/lab07.c').write_text(CHECKS_OF_7, encoding='utf-8')
    (folder / 'README.md').write_text('# Lab 7: hello\n\n## Run it\n\n```\n$ echo hello\nhello\n```\n', encoding='utf-8')
    (folder / 'hints.md').write_text('# Hints for lab 7\n\n## TODO 1\n\n1. What prints?\n2. `puts`.\n3. `puts("hello")`.\n', encoding='utf-8')
    edit(tree / 'grader/base/labs.c', ('{"session"}, 15, false},', '{"session"}, 14, false},'),
         ('\n};\n', '\n    {"lab07", "lab07-hello", "hello", {"hello"}, 1, false},\n};\n'))
    output = follow(tree, 'A lab', '07')
    check('A lab: there is a starter', 'todo(1, "print hello");' in (folder / 'hello.c').read_text(encoding='utf-8'), output)
    check('A lab: the solution has full marks', 'Total: 1 of 1 points' in output, output)
    check('A lab: the starter has none', 'TODO 1 is not done: print hello' in output and 'Total: 0 of 1 points' in output, output)


def main():
    with tempfile.TemporaryDirectory(prefix='recipes-') as name:
        tree = pathlib.Path(name) / 'tree'
        (tree / 'build').mkdir(parents=True)
        os.chmod(name, 0o755)
        copied(tree)
        test_mistake(tree)
        test_check(tree)
        test_hint(tree)
        test_lab(tree)
    return done_testing()


sys.exit(main())
