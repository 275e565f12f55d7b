#!/usr/bin/env python3
"""mutants: measure the grader with mistakes that nobody has thought of.

    mutants [--tap] [--sample N] [--jobs N] [--list] [--write] [LAB...]

mutate.py makes hundreds of small changes in the solutions. This program grades each change that compiles to other code
than the solution, in its own lab. It counts how many are killed (a check fails) and how many survive; of the killed,
for how many "Next:" names the TODO of the change, and for how many "looks like" names a mistake of another TODO.

equivalent_mutants.txt names the survivors that change nothing in the contract or in RFC 9113, each with the reason;
every other survivor is a hole in the checks. build/mutants/kept has each result, under a digest of all that it depends
on: the program grades only changed mutants again.

With --tap, for `make test`, it grades a sample of N, always the same for the same solutions, and the status is 0 only
if the grader reaches the goals below, or misses them by no more than chance explains. --list prints every mutant and
its result. --write makes mutants.json, by which the grader knows how mutants fail (grader/result/neighbours.h). A
mutant is judged by a table without it, and without the other changes of the same place: as if nobody had thought of it.
"""
import argparse
import collections
import concurrent.futures
import glob
import hashlib
import json
import math
import os
import shlex
import shutil
import subprocess
import sys

import mutate

BUILD = os.environ.get("BUILD") or "build"
SCRATCH = f"{BUILD}/mutants"
EQUIVALENT = "grader/mistakes/equivalent_mutants.txt"
KNOWN = "grader/mistakes/known_mistakes.json"
TABLE = "grader/mistakes/mutants.json"
SEED = "7"
TIME_LIMIT = 120  # seconds, for one grading
KILLED, RIGHT, FALSE = 97, 90, 2  # the goals, in percent: at least, at least, at most
# The rooms that run the checks; the rest of the grader only judges and shows the results.
ROOMS = ("base", "sandbox", "wire", "words", "play", "serve")


class Result:
    """The result of one mutant."""

    def __init__(self, mutant):
        self.mutant = mutant
        self.ended = "unknown"  # "rejected" (by the compiler), "same", "killed", "survived", "fault"
        self.failed = {}  # the finding of each failed check
        self.next = ""  # "requests 3"
        self.looks_like = []
        self.kept = ""  # where its outcomes are
        self.folder = ""  # where its program was

    def place(self):
        """The same for all changes of one expression."""
        mutant = self.mutant
        return hashlib.sha256(f"{mutant.lab}/{mutant.program} {mutant.function} {mutant.before}".encode()).hexdigest()[:8]

    def is_right(self):
        return self.next == f"{self.mutant.program} {self.mutant.todo}"

    def is_false(self, known):
        """Whether the grader names a known mistake of another TODO."""
        rows = [known.get(self.mutant.lab, {}).get(name, {}) for name in self.looks_like]
        here = (self.mutant.program, self.mutant.todo)
        return bool(rows) and all((row.get("program"), row.get("todo")) != here for row in rows)


def read(path, mode="r"):
    with open(path, mode, encoding=None if "b" in mode else "utf-8") as file:
        return file.read()


def run(command, **options):
    return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, check=False, **options)


# --- Compiling ---------------------------------------------------------------------------------------------


class Workshop:
    """Compiles and grades mutants; the commands come from the Makefile."""

    def __init__(self):
        self.compile = shlex.split(os.environ["COMPILE"])
        self.link = shlex.split(os.environ["LINK"])
        self.originals = {}
        self.digests = {}
        self.known = json.loads(read(KNOWN)) if os.path.exists(KNOWN) else {}

    def flags(self):
        """Flags for libclang, which does not know the place of the compiler's own headers."""
        said = subprocess.run([self.compile[0], "-print-file-name=include"], text=True, check=True,
                              stdout=subprocess.PIPE).stdout.strip()
        plain = [flag for flag in self.compile[1:] if flag.startswith(("-I", "-D", "-std"))]
        return [*plain, f"-I{said}"]

    def plain_object(self, source):
        """The optimised object without debugging information: equal objects do the same."""
        others = ("-fsanitize", "-finstrument", "-fno-inline", "-g", "-W", "-O", "-M")
        flags = [flag for flag in self.compile if not flag.startswith(others)]
        if run([*flags, "-w", "-O2", "-c", source, "-o", f"{source}.same"]).returncode != 0:
            return None
        content = read(f"{source}.same", "rb")
        os.unlink(f"{source}.same")
        return content

    def original(self, path):
        if path not in self.originals:
            name = f"{SCRATCH}/{path.replace('/solution/', '/')}"
            os.makedirs(os.path.dirname(name), exist_ok=True)
            shutil.copy(path, name)
            self.originals[path] = self.plain_object(name)
        return self.originals[path]

    def grader_digest(self, lab):
        """A digest of all that grades this lab's programs, and of all that they are linked with."""
        if lab not in self.digests:
            digest = hashlib.sha256(repr((self.compile, self.link)).encode())
            paths = [path for room in ROOMS for path in glob.glob(f"{BUILD}/obj/plain/grader/{room}/*.o")]
            for path in sorted([*paths, f"{BUILD}/obj/plain/grader/checks/{lab}.o", f"{BUILD}/grader/guard",
                                f"{BUILD}/obj/sanitized/common.a"]):
                digest.update(read(path, "rb"))
            self.digests[lab] = digest.hexdigest()
        return self.digests[lab]

    def build(self, mutant, folder, paths):
        """Put the mutant's program, and the lab's others, where grade finds them. Returns the result."""
        for path in paths:
            lab, _, name = path.split("/")
            program = name.removesuffix(".c")
            place = f"{folder}/{lab}/{program}"
            os.makedirs(os.path.dirname(place), exist_ok=True)
            if program != mutant.program:
                shutil.copy(path, f"{place}.c")
                shutil.copy(f"{BUILD}/solutions/{lab}/{program}", place)
                continue
            with open(f"{place}.c", "w", encoding="utf-8") as file:
                file.write(mutant.text)
            plain = self.plain_object(f"{place}.c")
            if plain is None:
                return "rejected"
            if plain == self.original(path):
                return "same"
            command = [*self.compile, "-w", f"{place}.c", f"{BUILD}/obj/sanitized/common.a", *self.link, "-o", place]
            if run(command).returncode != 0:
                return "rejected"
        return "built"


# --- Grading -----------------------------------------------------------------------------------------------


def keep(output, place, lab):
    """Keep the findings of the checks without the frames, which are too many."""
    os.makedirs(place, exist_ok=True)
    for path in glob.glob(f"{output}/checks/{lab}.*.json"):
        outcome = json.loads(read(path))
        for key in ("frames", "connections", "entries"):
            outcome.pop(key, None)
        with open(f"{place}/{os.path.basename(path)}", "w", encoding="utf-8") as file:
            json.dump(outcome, file)


def load(result, output):
    """The words of the grader."""
    lab = result.mutant.lab
    results = json.loads(read(f"{output}/results.json"))
    result.looks_like = results["extra_data"]["looks_like"].get(lab, [])
    result.failed = {test["number"].split("/")[1]: test["output"].split("\n")[0]
                     for test in results["tests"] if test["status"] == "failed"}
    result.next = read(f"{output}/next/{lab}").strip()
    result.ended = "killed" if result.failed else "survived"


def ask(result, *options):
    """Have it graded, or judged again. Return whether that went well."""
    output = f"{result.folder}/grade"
    command = [f"{BUILD}/grader/grade", "--programs", result.folder, "--lab", result.mutant.lab, "--output", output]
    try:
        status = run([*command, *options], timeout=TIME_LIMIT).returncode
        if status != 0:
            raise OSError(f"status {status}")
        load(result, output)
    except (OSError, ValueError, KeyError, subprocess.SubprocessError) as error:
        result.ended = "fault"
        result.failed = {"grader": str(error)}
    return result.ended != "fault"


def judge(result, table):
    """What the grader says of its outcomes, with this table in place of mutants.json."""
    if result.ended != "graded":
        return result
    folder = f"{result.folder}/known"
    os.makedirs(folder, exist_ok=True)
    shutil.copy(KNOWN, folder)
    rows = [{**row, "count": sum(place != result.place() for place in row["from"])}
            for row in table.get(result.mutant.lab, [])]
    with open(f"{folder}/mutants.json", "w", encoding="utf-8") as file:
        json.dump({result.mutant.lab: [row for row in rows if row["count"]]}, file)
    ask(result, "--again", result.kept, "--known", f"{folder}/{os.path.basename(KNOWN)}")
    shutil.rmtree(f"{result.folder}/grade/checks", ignore_errors=True)
    return result


def grade(workshop, result):
    mutant = result.mutant
    key = hashlib.sha256((workshop.grader_digest(mutant.lab) + mutant.program + mutant.text).encode())
    kept = f"{SCRATCH}/kept/{key.hexdigest()[:32]}"
    folder = f"{SCRATCH}/{mutant.lab}/{mutant.digest()[:16]}"
    result.kept, result.folder = kept, folder
    if os.path.exists(f"{kept}/ended"):
        result.ended = read(f"{kept}/ended")
        return result
    shutil.rmtree(folder, ignore_errors=True)
    result.ended = workshop.build(mutant, folder, glob.glob(f"{mutant.lab}-*/solution/*.c"))
    output = f"{folder}/grade"
    if result.ended == "built" and ask(result, "--seed", SEED):
        keep(output, kept, mutant.lab)
        result.ended = "graded"
    if result.ended == "fault":
        return result
    os.makedirs(kept, exist_ok=True)
    with open(f"{kept}/ended", "w", encoding="utf-8") as file:
        file.write(result.ended)
    for path in glob.glob(f"{folder}/lab*/*"):
        if os.access(path, os.X_OK):
            os.truncate(path, 0)  # a program is large; the name of the file is enough
    shutil.rmtree(f"{output}/checks", ignore_errors=True)
    return result


# --- The table ---------------------------------------------------------------------------------------------


def fails_of(result):
    """How the mutant failed, as in mutants.json."""
    groups = {}
    for path in sorted(glob.glob(f"{result.kept}/{result.mutant.lab}.*.json")):
        outcome = json.loads(read(path))
        finding = outcome.get("finding", {})
        evidence = finding.get("evidence", {})
        if outcome["verdict"] == "failed" and "id" in evidence:
            says = {key: evidence[key] for key in ("id", "ran") if key in evidence}
            if finding.get("todo_of_place"):
                says["place"] = finding["todo_of_place"]
            groups.setdefault(json.dumps(says, sort_keys=True), []).append(outcome["check"])
    return [{"checks": checks, **json.loads(says)} for says, checks in sorted(groups.items())]


def make_table(results):
    rows = {}
    for result in results:
        fails = fails_of(result) if result.ended == "graded" else []
        if fails:
            mutant = result.mutant
            row = {"program": mutant.program, "todo": mutant.todo, "fails": fails}
            key = (mutant.lab, json.dumps(row, sort_keys=True))
            rows.setdefault(key, {**row, "from": []})["from"].append(result.place())
    table = {}
    for (lab, _), row in sorted(rows.items()):
        table.setdefault(lab, []).append({**row, "from": sorted(row["from"]), "count": len(row["from"])})
    return table


def write_table(table):
    """One row a line."""
    labs = [f' "{lab}": [\n' + ",\n".join(f"  {json.dumps(row, sort_keys=True)}" for row in rows) + "\n ]"
            for lab, rows in sorted(table.items())]
    with open(TABLE, "w", encoding="utf-8") as file:
        file.write("{\n" + ",\n".join(labs) + "\n}\n")


# --- Reporting ---------------------------------------------------------------------------------------------


def equivalents():
    """The keys of the mutants that change nothing, each with its reason."""
    rows = {}
    for line in read(EQUIVALENT).splitlines() if os.path.exists(EQUIVALENT) else []:
        if line and not line.startswith("#"):
            key, _, reason = line.partition(" | ")
            rows[key] = reason
    return rows


def percent(part, whole):
    return 100.0 * part / whole if whole else 100.0


class Count:
    """The figures of a lab, or of all labs."""

    def __init__(self, results, known, reasons):
        ended = collections.Counter(result.ended for result in results)
        self.rejected, self.same, self.faults = ended["rejected"], ended["same"], ended["fault"]
        self.equivalent = sum(r.ended == "survived" and r.mutant.key in reasons for r in results)
        self.survived = ended["survived"] - self.equivalent
        self.killed = ended["killed"]
        self.right = sum(r.ended == "killed" and r.is_right() for r in results)
        self.false = sum(r.ended == "killed" and r.is_false(known) for r in results)

    def row(self, name):
        return (f"| {name} | {self.killed + self.survived} | {self.killed} "
                f"({percent(self.killed, self.killed + self.survived):.1f}%) | {self.survived} | "
                f"{self.right} ({percent(self.right, self.killed):.1f}%) | "
                f"{self.false} ({percent(self.false, self.killed):.1f}%) | {self.equivalent} | {self.same} |")


def print_figures(results, known, reasons):
    print("| lab | mutants | killed | survived | right TODO | false \"looks like\" | equivalent | same code |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for lab in sorted({result.mutant.lab for result in results}):
        print(Count([r for r in results if r.mutant.lab == lab], known, reasons).row(lab))
    print(Count(results, known, reasons).row("all"))


def print_result(result):
    print(f"{result.ended}: {result.mutant.key}  (TODO {result.mutant.todo})")
    if result.ended == "killed":
        print(f"    next: {result.next}{'' if result.is_right() else '  WRONG'}"
              f"{'; looks like: ' + ', '.join(result.looks_like) if result.looks_like else ''}")
    for check, says in sorted(result.failed.items()):
        print(f"    {check}: {says}")


def print_survivors(results, reasons):
    for result in results:
        if result.ended == "fault" or (result.ended == "survived" and result.mutant.key not in reasons):
            print_result(result)


def chance(goal, count):
    """How many percent a sample of so many may differ from all mutants by chance: two standard deviations."""
    return 2 * math.sqrt(goal * (100 - goal) / max(count, 1))


def print_tap(results, known, reasons):
    """The goals as tests."""
    count = Count(results, known, reasons)
    tests = [
        ("no mutant makes the grader fail", count.faults == 0),
        (f"the checks kill {KILLED} of 100 mutants, less chance",
         percent(count.killed, count.killed + count.survived) >= KILLED - chance(KILLED, count.killed)),
        (f"the grader names the right TODO for {RIGHT} of 100, less chance",
         percent(count.right, count.killed) >= RIGHT - chance(RIGHT, count.killed)),
        (f"{FALSE} of 100 at most look like a mistake that belongs to another TODO, and chance",
         percent(count.false, count.killed) <= FALSE + chance(FALSE, count.killed)),
    ]
    for number, (name, good) in enumerate(tests, 1):
        print(f"{'ok' if good else 'not ok'} {number} - {name}")
    print(f"# {count.row('sample')}")
    for result in results:
        if result.ended in ("survived", "fault") or (result.ended == "killed" and not result.is_right()):
            print(f"# {result.ended}: {result.mutant.key}; next: {result.next}")
    print(f"1..{len(tests)}")
    return all(good for _, good in tests)


# --- The command -------------------------------------------------------------------------------------------


def find(workshop, labs, sample):
    names = [f"lab{lab.removeprefix('lab').zfill(2)}" for lab in labs] or ["lab[0-9][0-9]"]
    paths = sorted(path for name in names for path in glob.glob(f"{name}-*/solution/*.c"))
    mutants = [mutant for path in paths for mutant in mutate.mutants_of(path, workshop.flags())]
    if not mutants:
        sys.exit(f"mutants: there are none for {' '.join(names)}")
    if sample:
        mutants = sorted(mutants, key=mutate.Mutant.digest)[:sample]
    return mutants


def parse_arguments():
    parser = argparse.ArgumentParser(usage="mutants [--tap] [--sample N] [--jobs N] [--list] [--write] [LAB...]")
    parser.add_argument("--tap", action="store_true")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--sample", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2 * (os.cpu_count() or 1))
    parser.add_argument("labs", nargs="*")
    return parser.parse_args()


def follow(results, count):
    """The same results; on a terminal, say how many there are."""
    for number, result in enumerate(results, 1):
        if sys.stderr.isatty():
            print(f"\r{number} of {count}", end="\n" if number == count else "", file=sys.stderr, flush=True)
        yield result


def main():
    arguments = parse_arguments()
    workshop = Workshop()
    reasons = equivalents()
    mutants = find(workshop, arguments.labs, arguments.sample)
    for path in {path for mutant in mutants for path in glob.glob(f"{mutant.lab}-*/solution/*.c")}:
        workshop.original(path)
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as executor:
        results = list(follow(executor.map(lambda mutant: grade(workshop, Result(mutant)), mutants), len(mutants)))
        table = make_table(results)
        if arguments.sample or arguments.labs:
            table = json.loads(read(TABLE)) | ({} if arguments.sample else table)
        results = list(follow(executor.map(lambda result: judge(result, table), results), len(mutants)))
    if arguments.write:
        write_table(table)
    if arguments.tap:
        return 0 if print_tap(results, workshop.known, reasons) else 1
    if arguments.list:
        for result in results:
            print_result(result)
    else:
        print_survivors(results, reasons)
    print_figures(results, workshop.known, reasons)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
