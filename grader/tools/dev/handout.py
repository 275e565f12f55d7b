#!/usr/bin/env python3
"""handout: see that a handout tells the truth, by doing all that it shows.

    handout --check README.md...      the status is 0 only if everything is as the handouts say
    handout --write README.md...      put what is really printed where it differs

Everything happens in a copy of this project in a temporary folder, in which the lab's files are the
reference solutions, as if a student had done the lab. A handout is normal Markdown:

```console     Lines that begin with "$ " are commands (those below with "> " continue them), run by bash in
               the project's folder, on a terminal of 80 columns. The other lines are what is printed.
               A line "..." stands for any number of lines, or none. A command that prints "listening on"
               first is a server: it stands alone in its block, and runs until the handout ends.
```js          A file for Node.js; its first line is "// NAME.js". Some command has to run it.
```c           Each paragraph must stand, but for white space, in the lab's solution, in common/*.h or in
               nghttp2.h. A line "..." parts pieces that come one after the other in the same file.
```            Is not looked at, like any other language.

A comment right above a ```console block says what the student's files are while it runs:

    <!-- with the starter -->   <!-- with TODO 1 to 3 done -->   <!-- with the mistake no-flush -->

The last is grader/mistakes/labNN/no-flush.patch, or the same name in grader/tests/handouts/labNN/.

Ports from 8000 to 8099 and from 8440 to 8449 in commands and .js files are others while they run, free ones, and what is
printed has them back. These may differ: the times of a ladder and the length of its HEADERS (HPACK packs
some digits better than others), dates, seconds, SEED=, the grader's own ports, the octets of a PING,
addresses, process numbers, line numbers. What the two sides of a ladder send crosses on its way, so that each
side's frames are compared by themselves, the acknowledgement of SETTINGS apart from the others; and a block with a
ladder has three chances.

Looked at as well, without running: that a lab's handout has its sections; that it tells of each TODO and each check
of the lab, and of no other; that the functions it names exist, and the files it links to.
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
    """Of some places the one with the greatest likeness; of equal ones that which is nearest."""
    return max(places, key=lambda at: (alike(at), -abs(at - place)))


def abridge(seen, expected):
    """`seen`, with "..." where `expected` has it. What comes before the first of them ends with the line that is
    most like its last one, and so on; a few lines more or fewer are looked at."""
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
    """None if it is right; else what is wrong, and what is to be written is added to `changes`."""
    if matches(command.expected, seen):
        return None
    abridged = abridge(seen, command.expected)
    changes.append((command.start, command.end, abridged))
    shown = seen if matches(command.expected, abridged) else abridged
    difference = difflib.unified_diff(command.expected, shown, "handout", "seen", lineterm="")
    return Wrong(command.line, f"$ {command.text}\n" + "\n".join(difference))


def try_block(copy, block):
    """Run it, again if it has a ladder. Returns the problems and changes of the last try."""
    for _ in range(TRIES):
        problems, changes = [], []
        outputs = copy.run(block)
        for i, command in enumerate(block.commands):
            problems.append(compare(command, outputs[i] if i < len(outputs) else [], changes))
        problems = [problem for problem in problems if problem]
        if not problems or not has_ladder(block):
            break
    return problems, changes


def check_running(lab, blocks, changes):
    """All that has to be run, from the first block to the last. Yields what is wrong."""
    with Copy(lab) as copy:
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
    """Look at one handout. Returns how many problems there are; each is told on standard output."""
    lines = path.read_text(encoding="utf-8").splitlines()
    lab = path.parent if re.match(r"lab\d\d-", path.parent.name) else None
    problems, changes = [], []
    try:
        blocks = parse(lines)
        problems += check_text(path, lab, lines, blocks)
        problems += check_running(lab, blocks, changes)
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
        print("usage: handout --check|--write README.md...", file=sys.stderr)
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
    # A signal must end what was started as well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
