#!/usr/bin/env python3
"""variations: change details of the solutions that must not matter, and see that every variation gets full marks.

    variations [--tap] [--sample N] [--times N] [--jobs N] [LAB...]

The opposite of mutants.py: there the grader must notice a change, here it must not. It makes PER_PROGRAM variations of
each program: other names and sizes, other ways to write the same condition, independent declarations in another order,
one more helper function, larger blocks of memory than necessary, other compilers and levels of optimisation. It grades
each in its own lab, TIMES times with other random values. The status is 0 only if each gets all points each time.
"""
import argparse
import concurrent.futures
import dataclasses
import glob
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../tools/dev"))
import mutants  # noqa: E402  pylint: disable=wrong-import-position
import mutate  # noqa: E402  pylint: disable=wrong-import-position
import tap  # noqa: E402  pylint: disable=wrong-import-position

SCRATCH = f"{mutants.BUILD}/variations"
PER_PROGRAM = 40
TIMES = 3
COMPILERS = [["gcc", "-O0"], ["gcc", "-O2"], ["gcc", "-O3"], ["gcc", "-Os"], ["gcc", "-O2", "-fomit-frame-pointer"],
             ["gcc", "-O0", "-fomit-frame-pointer"], ["gcc", "-Og", "-fno-inline"], ["clang", "-O0"], ["clang", "-O1"],
             ["clang", "-O2"], ["clang", "-O3", "-fomit-frame-pointer"]]


@dataclasses.dataclass
class Variation:
    lab: str
    program: str
    what: str
    text: str
    compiler: list = None  # another one, with its flags; None: as usual

    def name(self):
        return f"{self.lab}/{self.program}: {self.what}"

    def digest(self):
        return hashlib.sha256(repr(dataclasses.astuple(self)).encode()).hexdigest()


# --- The operators: each yields (what, the whole text) ----------------------------------------------------


def replaced(source, start, end, instead):
    return source.text[:start] + instead + source.text[end:]


def other_sizes(source, _):
    """A buffer or a block may be larger; a buffer may be static where nothing runs twice at once."""
    for match in re.finditer(r"^( +)char (\w+)\[(\d+)\]", source.text, re.MULTILINE):
        for size in (int(match[3]) + 1, int(match[3]) + 4, 2 * int(match[3])):
            yield f"{match[2]} has {size} octets", replaced(source, match.start(3), match.end(3), str(size))
        if source.text[match.end()] == ";":
            yield f"{match[2]} is static", replaced(source, match.end(1), match.end(1), "static ")
    for match in re.finditer(r"calloc\(1, sizeof \*(\w+)\)", source.text):
        yield f"twice the memory for {match[1]}", replaced(
            source, match.start(), match.end(), f"calloc(2, sizeof *{match[1]})")
    for match in re.finditer(r"malloc\(sizeof \*(\w+)\)", source.text):
        yield f"calloc for {match[1]}", replaced(
            source, match.start(), match.end(), f"calloc(1, sizeof *{match[1]})")


def other_names(source, functions):
    """Other names for variables and parameters, and for functions of the program."""
    for function in functions:
        body = source.of(function)
        start = function.extent.start.offset
        for cursor in mutate.walk(function):
            if cursor.kind not in (mutate.Kind.VAR_DECL, mutate.Kind.PARM_DECL) or not cursor.spelling:
                continue
            name = cursor.spelling
            if re.search(rf"(\.|->){name}\b", body) or re.search(rf'"[^"\n]*\b{name}\b', body):
                continue
            text = re.sub(rf"\b{name}\b", f"my_{name}", body)
            yield f"another name for {name} in {function.spelling}", replaced(
                source, start, start + len(body), text)
        if function.spelling != "main" and not re.search(rf"\.{function.spelling}\b", source.text):
            text = re.sub(rf'(?<!")\b{function.spelling}\b(?!")', f"my_{function.spelling}", source.text)
            yield f"another name for {function.spelling}", text


# A whole operand: a name, or a call with what is in its brackets; not the end of a longer one.
OPERAND = r"(?<![\w.>\])&*!-])(?<!\) )((?:\w+(?:\.|->))*\w+(?:\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\))?)"


def other_ways(source, functions):
    """The same condition or loop in another form."""
    for function in functions:
        start = function.extent.start.offset
        body = source.of(function)
        name = function.spelling
        for pattern, instead in ((r"(\w+)\+\+(?=[;)])", r"\1 += 1"), (r"if \(!(\w+)\)", r"if (\1 == 0)"),
                                 (r"if \((\w+)\)", r"if (\1 != 0)"), (rf"{OPERAND} == 0\b", r"!(\1)"),
                                 (r"\bfor \(;;\)", "while (1)"), (r"return (\w+);", r"return (\1);")):
            for match in re.finditer(pattern, body):
                text = body[:match.start()] + match.expand(instead) + body[match.end():]
                yield f"{match[0]} in {name} in another way", replaced(
                    source, start, start + len(body), text)


def other_order(source, functions):
    """Two independent declarations in another order."""
    for function in functions:
        body = next(child for child in function.get_children() if child.kind == mutate.Kind.COMPOUND_STMT)
        for block in mutate.statements(source, body):
            for (first, end), (second, last) in zip(block, block[1:]):
                if first.kind != mutate.Kind.DECL_STMT or second.kind != mutate.Kind.DECL_STMT:
                    continue
                a, b = first.extent.start.offset, second.extent.start.offset
                one, other = source.text[a:end], source.text[b:last]
                names = [child.spelling for child in first.get_children()]
                if any(re.search(rf"\b{name}\b", other) for name in names) or ("(" in one and "(" in other):
                    continue
                yield f"the order of two declarations in {function.spelling}", replaced(
                    source, a, last, other + source.text[end:b] + one)


def helpers(source, functions):
    """A result goes through one more function."""
    for function in functions:
        kind = function.result_type.spelling
        start = function.extent.start.offset
        body = source.of(function)
        for number, match in enumerate(re.finditer(r"return ([^;\"]+);", body)):
            if kind in ("void", "handler") or function.spelling == "main":
                continue
            helper = f"static {kind} hand_on({kind} value) {{\n  return value;\n}}\n\n"
            text = body[:match.start()] + f"return hand_on({match[1]});" + body[match.end():]
            yield f"a helper function for a result of {function.spelling} ({number + 1})", replaced(
                source, start, start + len(body), helper + text)


def variations_of(path, flags):
    """PER_PROGRAM variations: every compiler, and the others with the lowest digests."""
    source = mutate.Source(path, flags)
    lab, program = path[:5], path.rsplit("/", 1)[1].removesuffix(".c")
    compilers = [Variation(lab, program, " ".join(compiler), source.text, compiler)
                 for compiler in COMPILERS if shutil.which(compiler[0])]
    texts = {}
    for operator in (other_sizes, other_names, other_ways, other_order, helpers):
        for what, text in operator(source, source.functions):
            if text != source.text:
                texts.setdefault(text, Variation(lab, program, what, text))
    others = sorted(texts.values(), key=Variation.digest)
    return compilers, others


# --- Grading -----------------------------------------------------------------------------------------------


def command_for(workshop, variation):
    if not variation.compiler:
        return workshop.compile, workshop.link
    compiler, *flags = variation.compiler
    rest = [flag for flag in workshop.compile[1:] if not re.fullmatch(r"-O.|-fno-omit-frame-pointer", flag)]
    link = workshop.link if compiler == "gcc" else \
        [flag for flag in workshop.link if not flag.startswith("-static-lib")]
    return [compiler, *rest, *flags], link


def build(workshop, variation, folder):
    """Returns whether it compiles; if not, it is not a variation."""
    compile_, link = command_for(workshop, variation)
    for path in glob.glob(f"{variation.lab}-*/solution/*.c"):
        lab, _, name = path.split("/")
        program = name.removesuffix(".c")
        place = f"{folder}/{lab}/{program}"
        os.makedirs(os.path.dirname(place), exist_ok=True)
        if program != variation.program:
            shutil.copy(f"{mutants.BUILD}/solutions/{lab}/{program}", place)
            continue
        with open(f"{place}.c", "w", encoding="utf-8") as file:
            file.write(variation.text)
        command = [*compile_, "-w", f"{place}.c", f"{mutants.BUILD}/obj/sanitized/common.a", *link, "-o", place]
        if mutants.run(command).returncode != 0:
            return False
    return True


def grade(workshop, variation, times):
    """Returns the variation and its result: "full", "no variation", or what failed."""
    folder = f"{SCRATCH}/{variation.lab}/{variation.digest()[:16]}"
    shutil.rmtree(folder, ignore_errors=True)
    ended = "full" if build(workshop, variation, folder) else "no variation"
    for seed in range(1, times + 1):
        if ended != "full":
            break
        command = [f"{mutants.BUILD}/grader/grade", "--programs", folder, "--lab", variation.lab, "--seed", str(seed),
                   "--output", f"{folder}/grade", "--strict"]
        try:
            if mutants.run(command, timeout=mutants.TIME_LIMIT).returncode != 0:
                results = json.loads(mutants.read(f"{folder}/grade/results.json"))
                ended = f"seed {seed}: " + "; ".join(
                    f"{test['number']}: {' '.join(test['output'].split())[:200]}"
                    for test in results["tests"] if test["status"] != "passed")
        except (OSError, ValueError, KeyError, subprocess.SubprocessError) as error:
            ended = f"seed {seed}: {error}"
    if ended in ("full", "no variation"):
        shutil.rmtree(folder, ignore_errors=True)
    return variation, ended


def choose(workshop, path, sample):
    """The wanted number of variations, and some to spare for those that do not compile."""
    compilers, others = variations_of(path, workshop.flags())
    if sample:
        return sorted([*compilers, *others], key=Variation.digest)[:sample]
    return [*compilers, *others[:PER_PROGRAM + 10]]


def parse_arguments():
    parser = argparse.ArgumentParser(usage="variations [--tap] [--sample N] [--times N] [--jobs N] [LAB...]")
    parser.add_argument("--tap", action="store_true")
    parser.add_argument("--sample", type=int, default=0, help="how many variations of each program")
    parser.add_argument("--times", type=int, default=TIMES)
    parser.add_argument("--jobs", type=int, default=2 * (os.cpu_count() or 1))
    parser.add_argument("labs", nargs="*")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    workshop = mutants.Workshop()
    names = [f"lab{lab.removeprefix('lab').zfill(2)}" for lab in arguments.labs] or ["lab[0-9][0-9]"]
    paths = sorted(path for name in names for path in glob.glob(f"{name}-*/solution/*.c"))
    chosen = [variation for path in paths for variation in choose(workshop, path, arguments.sample)]
    full, failed = {}, 0
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as executor:
        for variation, ended in executor.map(lambda v: grade(workshop, v, arguments.times), chosen):
            program = f"{variation.lab}/{variation.program}"
            full[program] = full.get(program, 0) + (ended == "full")
            failed += ended not in ("full", "no variation")
            if arguments.tap and ended != "no variation":
                tap.check(variation.name(), ended == "full", ended)
            elif ended not in ("full", "no variation"):
                print(f"{variation.name()}\n    {ended}", flush=True)
    if arguments.tap:
        tap.done_testing()
    else:
        print("| program | variations with full marks, each time |\n| --- | ---: |")
        for program, count in full.items():
            print(f"| {program} | {count} |")
    return 0 if failed == 0 else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
