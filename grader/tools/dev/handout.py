#!/usr/bin/env python3
"""handout: check that a handout tells the truth, by doing everything that it shows.

    handout.py --check README.md...      the status is 0 only if everything is as the handouts say
    handout.py --write README.md...      where the output differs, write the real output into the handout

Everything happens in a copy of this project in a temporary folder. There the lab's files are the
reference solutions, as if a student had done the lab; or that of one bonus, X, if the
handout is labNN-name/bonus/X.md. A handout is normal Markdown:

```console     Lines that begin with "$ " are commands; lines below with "> " continue them. bash runs them in the
               project's folder, on a terminal of 80 columns. The other lines are the output. A line "..." stands
               for any number of lines, or none. A command that first prints "listening on" is a server: it
               stands alone in its block, and runs until the handout ends.
```js          A file for Node.js; its first line is "// NAME.js". Some command has to run it.
```c           Each paragraph must be in the lab's solution, in common/*.h or in nghttp2.h, apart from white space.
               A line "..." stands between pieces that follow one another in the same file.
```            Ignored, like any other language.

A comment right above a ```console block says what the student's files are while it runs:

    <!-- with the starter -->   <!-- with TODO 1 to 3 done -->   <!-- with the mistake no-flush -->

The last is grader/mistakes/labNN/no-flush.patch, or the same name in grader/tests/handouts/labNN/.

Commands and .js files run with free ports in place of 8000 to 8099 and 8440 to 8449; the output
gets the original ports back. These may differ: the times of a ladder and the length of its HEADERS
and CONTINUATION from 10 bytes on (HPACK packs some digits better than others), dates, seconds,
pauses, SEED=, the grader's own ports, the bytes of a PING, addresses, process numbers, and line
numbers, except those of a lab's own files: the student has these files. Frames of the two sides
cross on their way, so we compare each side's frames by themselves, and acknowledgements of SETTINGS
apart. A block with a ladder has three tries.

We also check, without running anything, that a lab's handout has its sections, the last with three
questions and folded answers, that it tells of each TODO and each check of the lab and of no other,
that the functions it names and the files it links to exist, and that the link to a section of an
RFC leads to the section that it names.
"""
import difflib
import itertools
import pathlib
import re
import signal
import sys

sys.dont_write_bytecode = True
# pylint: disable=wrong-import-position
from handout_run import Copy, Server, has_ladder, matches  # noqa: E402
from handout_text import ROOT, Wrong, check_text, parse    # noqa: E402

TRIES = 3
SETTLE_SECONDS = 5


def likeness(one, other):
    return difflib.SequenceMatcher(None, "\n".join(one), "\n".join(other)).ratio()


def nearest(places, place, alike):
    """The place with the greatest likeness; of equal ones, the nearest."""
    return max(places, key=lambda at: (alike(at), -abs(at - place)))


def abridge(seen, expected):
    """`seen`, with "..." where `expected` has it. Before each "...", the text ends with the line
    that is most like the last one expected there; try a few more and a few fewer lines."""
    if "..." not in expected:
        return seen
    parts = [list(part) for dots, part in itertools.groupby(expected, lambda line: line == "...")
             if not dots]
    result, position = [], 0
    for i, part in enumerate(parts):
        start, end = position, len(seen)
        if i > 0 or expected[0] == "...":
            result.append("...")
            last = max(position, len(seen) - len(part))
            start = nearest(range(position, last + 1), last,
                            lambda at, part=part: likeness(part, seen[at:at + len(part)]))
        if i < len(parts) - 1 or expected[-1] == "...":
            usual = start + len(part)
            end = nearest(range(max(start, usual - 3), min(len(seen), usual + 3) + 1), usual,
                          lambda at, part=part: likeness(part[-1:], seen[at - 1:at]))
        result += seen[start:end]
        position = end
    return result + (["..."] if expected[-1] == "..." else [])


def compare(command, seen, changes):
    """None if it is right; else what is wrong. Add what to write to `changes`."""
    if matches(command.expected, seen):
        return None
    abridged = abridge(seen, command.expected)
    changes.append((command.start, command.end, abridged))
    shown = seen if matches(command.expected, abridged) else abridged
    difference = difflib.unified_diff(command.expected, shown, "handout", "seen", lineterm="")
    return Wrong(command.line, f"$ {command.text}\n" + "\n".join(difference))


def try_block(copy, block):
    """Run it; if it has a ladder, several times. Return the problems and changes of the last
    try."""
    for _ in range(TRIES):
        problems, changes = [], []
        outputs = copy.run(block)
        for i, command in enumerate(block.commands):
            problems.append(compare(command, outputs[i] if i < len(outputs) else [], changes))
        problems = [problem for problem in problems if problem]
        if not problems or not has_ladder(block):
            break
    return problems, changes


def check_running(lab, exercise, blocks, changes):
    """Run everything from the first block to the last. Yield what is wrong."""
    with Copy(lab, exercise) as copy:
        scripts = {}
        for block in blocks:
            if block.language == "js":
                scripts[copy.put_script(block)] = block
            if block.language != "console":
                continue
            for command in block.commands:
                scripts = {name: script for name, script in scripts.items() if name not in command.text}
            copy.put(block.state)
            if block.is_server():
                copy.servers.append(Server(copy, block))
                continue
            problems, changed = try_block(copy, block)
            changes += changed
            yield from problems
        for name, block in scripts.items():
            yield Wrong(block.line, f"no command runs {name}")
        for server in copy.servers:
            server.wait(lambda lines, server=server: matches(server.command.expected, lines),
                        SETTLE_SECONDS)
            problem = compare(server.command, server.lines(), changes)
            if problem:
                yield problem


def check(path, write):
    """Check one handout. Print its problems, and return how many there are."""
    lines = path.read_text(encoding="utf-8").splitlines()
    lab = path.parent if re.match(r"lab\d\d-[a-z]+(/bonus)?$", str(path.parent.relative_to(ROOT))) else None
    problems, changes = [], []
    try:
        blocks = parse(lines)
        problems += check_text(path, lab, lines, blocks)
        problems += check_running(lab, path.stem if lab and lab.name == "bonus" else "*", blocks, changes)
    except Wrong as wrong:
        problems.append(wrong)
    for problem in sorted(problems, key=lambda problem: problem.line):
        print(f"{path.relative_to(ROOT)}:{problem.line + 1}: {problem}", flush=True)
    if write and changes:
        for start, end, seen in sorted(changes, reverse=True):
            lines[start:end] = seen
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        print(f"  wrote {path.relative_to(ROOT)}")
    return len(problems)


def main(arguments):
    if len(arguments) < 2 or arguments[0] not in ("--check", "--write"):
        print("usage: handout.py --check|--write README.md...", file=sys.stderr)
        return 2
    problems = 0
    for name in arguments[1:]:
        try:
            problems += check(pathlib.Path(name).resolve(), arguments[0] == "--write")
        except (OSError, RuntimeError, ValueError) as error:
            print(f"handout: {name}: {error}", file=sys.stderr)
            problems += 1
    return 1 if problems else 0


if __name__ == "__main__":
    # A signal must also end what was started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
