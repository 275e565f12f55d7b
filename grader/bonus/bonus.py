#!/usr/bin/env python3
"""bonus: exercises beside the 100 points.

    bonus.py [--solution] labNN-name...

Looks at what is in labNN-name/bonus/ (with --solution, in its solution/), prints each rule and whether it holds, and keeps the
points in build/grade/bonus/labNN.json, where the grader finds them.
"""
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / (os.environ.get("BUILD") or "build")
# Each exercise: the file that a student writes, the program that looks at it, its rules, and the points for all of them.
EXERCISES = {
    "lab02": ("hpack.txt", "grader/hpack", 3, {
        "fields": "the five fields of each request, in order",
        "authority": ":authority is one byte in the second block",
        "path": ":path does not go into the dynamic table",
        "secret": "authorization is never indexed, in both blocks",
        "short": "the second block has 13 bytes at most",
        "state": "the second block alone means nothing to a new decoder",
    }),
}


def grade(folder, solution):
    """Returns the status: 1 if the file cannot be read."""
    file, program, possible, rules = EXERCISES[folder.name[:5]]
    path = folder / "bonus" / ("solution" if solution else "") / file
    done = subprocess.run([BUILD / program, path], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        return 1
    print(f"{path}:")
    holds = 0
    for line in done.stdout.splitlines():
        result, _, rest = line.partition(" ")
        name, _, why = rest.partition(": ")
        holds += result == "ok"
        print(f"  {'✔' if result == 'ok' else '✘'} {name:12} {rules[name]}")
        if why:
            print(f"    {'':12} {why}")
    # All of it, or one point less than all for each two rules that do not hold.
    points = max(0, possible - (len(rules) - holds + 1) // 2)
    print(f"  {points} of {possible}, beside the points of the lab")
    out = BUILD / "grade/bonus"
    out.mkdir(parents=True, exist_ok=True)
    (out / f"{folder.name[:5]}.json").write_text(json.dumps({"points": points, "possible": possible}), encoding="utf-8")
    return 0


def main(arguments):
    solution = arguments[:1] == ["--solution"]
    folders = [pathlib.Path(name) for name in arguments[solution:]]
    status = 0
    for folder in folders:
        if folder.name[:5] in EXERCISES and (folder / "bonus").is_dir():
            status |= grade(folder, solution)
        elif len(folders) == 1:
            print(f"{folder.name} has no bonus")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
