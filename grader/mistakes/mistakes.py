#!/usr/bin/env python3
"""mistakes: grade every known mistake, and see that the check meant for it fails.

    mistakes.py [--tap] [--write [--rounds N]] [--new] [--named PERCENT] [--every N] [--in FOLDER] [--table FILE] [LAB...]

A known mistake is a patch of a reference solution, FOLDER/labNN/NAME.patch. FOLDER is
grader/mistakes, whose README.md says how to write one. Apply each to a copy of the solution in
build/mistakes/, compile it like a student's program, and grade it. Print its line, the
check meant for it, and what that check tells the student; with --tap, a line of TAP.

FILE (grader/mistakes/known_mistakes.json) is the table: the checks that each mistake fails in every
run, and the words of each failure. grader/result/diagnosis.h has the format; the grader reads the
table to tell students what their failures look like. --write makes the table again, from ROUNDS runs
or N. With --every 8, take only every eighth mistake. With --new, grade only the mistakes that the
table does not have yet, and keep the other rows.

The status is 0 only if every mistake applies, compiles without a warning, and fails the check meant
for it and all checks in the table, with the table's words (checks other than the one meant may need
a second try); and if the grader itself did not fail; with --named, only if the grader also names
that many of a hundred by itself.
"""
import argparse
import concurrent.futures
import difflib
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import textwrap

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../tools/dev"))
import tap  # noqa: E402  pylint: disable=wrong-import-position

BUILD = os.environ.get("BUILD") or "build"
SCRATCH = f"{BUILD}/mistakes"  # the Makefile knows this place too
JOBS = 3  # gradings at once: most of their time, they wait for programs that wait
ROUNDS = 3  # to write the table
SEEDS = [ROUNDS + 1, ROUNDS + 2]  # to check the table: other seeds than those that made it
TIME_LIMIT = 300  # seconds, for one grading


class Mistake:
    """One patch, and its results."""

    def __init__(self, path):
        self.path = path
        self.lab = os.path.basename(os.path.dirname(path))
        self.name = os.path.splitext(os.path.basename(path))[0]
        self.folder = f"{SCRATCH}/{self.lab}/{self.name}"  # laid out like build/labs
        self.programs = []  # paths in it
        self.says = {}  # the message of each failed check, from the first run in which it failed
        self.fails = None  # the checks that failed in every run so far, each with its words
        self.named = False  # the grader says that the program looks like this mistake
        self.program = None  # the program that has the mistake ...
        self.todo = 0  # ... and the TODO that it belongs to
        self.problem = None  # why the mistake proves nothing, if so
        self.unsteady = False  # the only problem: the other checks that fail differ from the table
        with open(path, encoding="utf-8") as file:
            header = re.split(r"^(?:diff |--- )", file.read(), maxsplit=1, flags=re.MULTILINE)[0]
        fields = re.fullmatch(r"Mistake: (.+)\nCheck: (\w+)\n\s*", header)
        self.what, self.check = fields.groups() if fields else ("", "")
        if not fields:
            self.problem = "does not begin with the two lines `Mistake: ...` and `Check: ...`"

    def row(self):
        """The mistake's row of the table; checks with the same message stand together."""
        groups = {}
        for check, words in sorted((self.fails or {}).items()):
            groups.setdefault(tuple(sorted(words.items())), []).append(check)
        return {"mistake": self.what, "check": self.check, "program": self.program,
                "todo": self.todo,
                "fails": [{"checks": checks, **dict(words)} for words, checks in groups.items()]}


def words_of(row):
    """The checks that a row of the table has, each with its words."""
    return {check: {key: text for key, text in group.items() if key != "checks"}
            for group in row.get("fails", []) for check in group["checks"]}


def agree(left, right):
    """The common part of two runs; None if the check fails for another reason."""
    if left.get("id") != right.get("id"):
        return None
    return {key: left[key] if left.get(key) == right.get(key) else "*" for key in left | right}


# --- Making the programs --------------------------------------------------------------------------


def run(*command):
    return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def write_if_new(path, text):
    """Leave a file alone that would not change, so that make does not compile it again."""
    if os.path.exists(path) and read(path) == text:
        return
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def prepare(mistake):
    """Apply the patch, and put the sources where make compiles them."""
    patched = f"{mistake.folder}/patched"
    sources = glob.glob(f"{mistake.lab}-*/solution/*.c")
    shutil.rmtree(patched, ignore_errors=True)
    for source in sources:
        os.makedirs(os.path.dirname(f"{patched}/{source}"), exist_ok=True)
        shutil.copy(source, f"{patched}/{source}")
    said = run("patch", "-p1", "--no-backup-if-mismatch", "-d", patched, "-i",
               os.path.abspath(mistake.path))
    if said.returncode != 0:
        mistake.problem = "does not apply: " + " ".join(said.stdout.split())
        return
    for source in sources:
        lab, _, program = source.split("/")
        path = f"{mistake.folder}/{lab}/{program}"
        text = read(f"{patched}/{source}")
        write_if_new(path, text)
        find_place(mistake, source, read(source).splitlines(), text.splitlines())
        mistake.programs.append(path.removesuffix(".c"))


def find_place(mistake, source, before, after):
    """Find the TODO with most changed lines: a student has to look there. Changes
    in given code, such as the registration of a callback, count less."""
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    changes = [change for change in matcher.get_opcodes() if change[0] != "equal"]
    if not changes:
        return
    lines = [str(min(first + 1, len(before))) for _, first, *_ in changes]
    changed = {}
    for (_, first, end, new_first, new_end), todo in zip(changes, run(f"{BUILD}/grader/todos", source, *lines).stdout.split()):
        changed[int(todo)] = changed.get(int(todo), 0) + max(end - first, new_end - new_first)
    todos = {todo: count for todo, count in changed.items() if todo}
    if changed and (mistake.program is None or (todos and not mistake.todo)):
        mistake.program = os.path.splitext(os.path.basename(source))[0]
        mistake.todo = max(todos, key=todos.get) if todos else 0


def compile_all(mistakes):
    """Compile all with one make, on all cores. If make runs us, its flags must not reach this
    one."""
    for name in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL"):
        os.environ.pop(name, None)
    said = run("make", "mistake-programs")
    if said.returncode != 0:
        sys.exit(f"mistakes: make failed\n{said.stdout}")
    for mistake in mistakes:
        logs = "".join(read(f"{program}.log") for program in mistake.programs)
        if logs and not mistake.problem:
            mistake.problem = "does not compile without a warning: " + logs.splitlines()[0]


# --- Grading --------------------------------------------------------------------------------------


def run_grader(mistake, seed, *options):
    """Grade the mistake once. Returns the results, and the folder that has them."""
    output = f"{mistake.folder}/grade"
    shutil.rmtree(output, ignore_errors=True)
    command = [f"{BUILD}/grader/grade", "--programs", mistake.folder, "--lab", mistake.lab,
               "--seed", str(seed), "--output", output, *options]
    subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, timeout=TIME_LIMIT, check=True)
    return json.loads(read(f"{output}/results.json")), output


def grade(mistake, seed, table):
    """Grade the mistake once, and remember which checks failed."""
    try:
        results, output = run_grader(mistake, seed, "--known", table)
        failed = {test["number"].split("/")[1]: test["output"].split("\n")[0]
                  for test in results["tests"] if test["status"] == "failed"}
        files = {check: json.loads(read(f"{output}/checks/{mistake.lab}.{check}.json")) for check in failed}
        # Ignore a check of errors that passed but counts for nothing because all else is wrong.
        failed = {check: words for check, words in failed.items() if files[check]["verdict"] != "passed"}
        words = {check: files[check]["finding"]["evidence"] for check in failed}
    except (OSError, ValueError, KeyError, subprocess.SubprocessError) as error:
        mistake.problem = f"the grader failed: {error}"
        return
    mistake.says = failed | mistake.says
    if mistake.fails is None:
        mistake.fails = words
    else:
        both = {check: agree(mistake.fails[check], words[check])
                for check in mistake.fails.keys() & words.keys()}
        mistake.fails = {check: agreed for check, agreed in both.items() if agreed}
    mistake.named = mistake.name in results["extra_data"]["looks_like"].get(mistake.lab, [])


def judge(mistake, row):
    """Set the mistake's problem, if it has one and none is set. `row` is its row of the table; None
    to ignore the table."""
    if mistake.problem:
        return
    if mistake.check not in mistake.fails:
        others = ", ".join(sorted(mistake.fails)) or "none"
        mistake.problem = f"is not caught by {mistake.check}; the checks that fail: {others}"
        return
    if row is None:
        return
    known = words_of(row)
    passed = ", ".join(sorted(known.keys() - mistake.fails.keys()))
    says = mistake.fails[mistake.check].get("id")
    if passed:
        mistake.problem = f"passes checks that it fails in the table: {passed}"
        mistake.unsteady = mistake.check in known
    elif row | {"fails": []} != mistake.row() | {"fails": []} or mistake.check not in known:
        mistake.problem = "is not in the table in this form; `make mistakes WRITE=1` writes the table"
    elif known[mistake.check].get("id") != says:
        mistake.problem = f"fails in another way than in the table: {says}"


def grade_to_write(mistake, table, rounds):
    for seed in range(1, rounds + 1):
        if not mistake.problem:
            grade(mistake, seed, table)
    judge(mistake, None)


def grade_to_verify(mistake, table, row):
    """The check meant for the mistake has to catch it at once. Other checks may fail or pass depending on
    how busy the machine is, so they get a second try."""
    for seed in SEEDS:
        mistake.problem, mistake.unsteady, mistake.fails = None, False, None
        grade(mistake, seed, table)
        judge(mistake, row)
        if not mistake.unsteady:
            return


def grade_all(mistakes, path, rows, rounds):
    """Grade each mistake by the table at `path`, whose `rows` must be true (None: we will write them, from `rounds`).
    Yield the mistakes in their order, each as soon as it is done."""
    def grade_one(mistake):
        if mistake.problem:
            return mistake
        if rows is None:
            grade_to_write(mistake, path, rounds)
        else:
            grade_to_verify(mistake, path, rows.get(mistake.lab, {}).get(mistake.name, {}))
        return mistake

    with concurrent.futures.ThreadPoolExecutor(JOBS) as executor:
        yield from executor.map(grade_one, mistakes)


# --- Reporting ------------------------------------------------------------------------------------


def print_wrapped(indent, text):
    print(textwrap.fill(text, 100, initial_indent=indent, subsequent_indent=indent + "  ",
                        break_on_hyphens=False))


def print_mistake(mistake):
    print(f"{mistake.lab}/{mistake.name}")
    print_wrapped("    ", mistake.what)
    if mistake.problem:
        print_wrapped("    ", f"!!! {mistake.problem}")
    else:
        print_wrapped("    ", f"{mistake.check}: {mistake.says[mistake.check]}")
        if not mistake.named:
            print("    (the grader does not name this mistake)")
    print(flush=True)


def print_tap(mistake):
    said = [f"{mistake.path}: {mistake.problem}", *(f"{check}: {says}" for check, says in sorted(mistake.says.items()))]
    tap.check(f"{mistake.check} catches {mistake.lab}/{mistake.name}", not mistake.problem, "\n".join(said))


def print_tap_end(mistakes, named, enough, percent):
    """Print one more test for the percentage, if the caller wants one, then the plan."""
    if percent:
        unnamed = " ".join(f"{mistake.lab}/{mistake.name}" for mistake in mistakes if not mistake.named)
        tap.check(f"the grader names {percent} of 100 mistakes", enough, f"{named} of {len(mistakes)}; not named: {unnamed}")
    tap.done_testing()


def write_table(path, table, mistakes, new):
    """Write the rows of the labs that we graded; the others keep theirs. With `new`, each mistake that we did not
    grade keeps its row."""
    labs = set() if new else {mistake.lab for mistake in mistakes}
    table = {lab: rows for lab, rows in table.items() if lab not in labs}
    for mistake in mistakes:
        table.setdefault(mistake.lab, {})[mistake.name] = mistake.row()
    with open(path, "w", encoding="utf-8") as file:
        json.dump(table, file, indent=1, ensure_ascii=False, sort_keys=True)
        file.write("\n")


def find(folder, labs):
    """The mistakes of these labs (1, 01 or lab01), or of all labs."""
    names = [f"lab{lab.removeprefix('lab').zfill(2)}" for lab in labs] or ["lab[0-9][0-9]"]
    paths = sorted(path for name in names for path in glob.glob(f"{folder}/{name}/*.patch"))
    if not paths:
        sys.exit(f"mistakes: there are none in {folder} for {' '.join(names)}")
    return [Mistake(path) for path in paths]


def parse_arguments():
    parser = argparse.ArgumentParser(usage="mistakes.py [--tap] [--write] [--named PERCENT] "
                                           "[--in FOLDER] [--table FILE] [LAB...]")
    parser.add_argument("--tap", action="store_true")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--new", action="store_true")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--in", dest="folder", default="grader/mistakes")
    parser.add_argument("--table", default="grader/mistakes/known_mistakes.json")
    parser.add_argument("--named", type=int, default=0)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("labs", nargs="*")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    mistakes = find(arguments.folder, arguments.labs)
    table = json.loads(read(arguments.table)) if os.path.exists(arguments.table) else {}
    mistakes = mistakes[::arguments.every]
    if arguments.new:
        mistakes = [mistake for mistake in mistakes if mistake.name not in table.get(mistake.lab, {})]
    for mistake in mistakes:
        if not mistake.problem:
            prepare(mistake)
    compile_all(mistakes)
    graded = grade_all(mistakes, arguments.table, None if arguments.write else table, arguments.rounds)
    for mistake in graded:
        if arguments.tap:
            print_tap(mistake)
        else:
            print_mistake(mistake)
    caught = sum(mistake.check in (mistake.fails or ()) for mistake in mistakes)
    problems = sum(bool(mistake.problem) for mistake in mistakes)
    named = sum(mistake.named for mistake in mistakes)
    enough = 100 * named >= arguments.named * len(mistakes)
    if arguments.tap:
        print_tap_end(mistakes, named, enough, arguments.named)
    else:
        print(f"{caught} of {len(mistakes)} mistakes fail the check meant for them, "
              f"the grader names {named}" + (f", {problems} with a problem (!!!)" if problems else ""))
    if arguments.write and not problems:
        write_table(arguments.table, table, mistakes, arguments.new)
    return 0 if not problems and enough else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
