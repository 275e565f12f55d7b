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
# Each exercise: the file that a student writes, the program that looks at it (or at what the Makefile makes of it), the
# points for all of its rules, and the rules.
EXERCISES = {
    "lab02": ("hpack.txt", "grader/hpack", 3, {
        "fields": "the five fields of each request, in order",
        "authority": ":authority is one byte in the second block",
        "path": ":path does not go into the dynamic table",
        "secret": "authorization is never indexed, in both blocks",
        "short": "the second block has 13 bytes at most",
        "state": "the second block alone means nothing to a new decoder",
    }),
    "lab03": ("calm.c", "grader/calm", 3, {
        "work": "the work for a cancelled request is stopped (TODO 1)",
        "gone": "a client that leaves with open streams harms nobody (TODO 1, 2)",
        "flood": "one cancelled stream too many: ENHANCE_YOUR_CALM (TODO 2)",
        "others": "each client is counted by itself (TODO 2)",
        "provoked": "streams that the server must reset count, too (TODO 3)",
        "patient": "as many in each window as may be: nobody is ended (TODO 4)",
        "sliding": "two halves of a flood, close together, are one (TODO 4)",
        "end": "nothing leaks, and SIGTERM ends it with status 0",
    }),
    "lab04": ("grpc.c", "grader/grpc", 3, {
        "type": "another content-type gets 415 (TODO 2)",
        "unknown": "another method gets grpc-status 12, in one HEADERS (TODO 1, 2)",
        "broken": "a body that is not one message gets 13 (TODO 3)",
        "compressed": "a compressed message gets 12 (TODO 3)",
        "reply": "HEADERS, DATA, trailers with grpc-status 0; an empty name (TODO 4)",
        "together": "ten calls at once, each with its own answer",
        "pieces": "a request that arrives byte by byte",
        "window": "a client that opens its window byte by byte",
        "end": "nothing leaks, and SIGTERM ends it with status 0",
    }),
    "lab05": ("retry.c", "grader/retry", 3, {
        "refused": "a POST is sent again if it was refused, (TODO 1, 2)",
        "goaway": "or is above the last stream of GOAWAY, (TODO 1, 2)",
        "connect": "or if there was no connection (TODO 1, 2)",
        "answer": "a response ends it, whatever the status (TODO 1, 2)",
        "post": "a POST that may have been processed is sent once (TODO 1, 3)",
        "idempotent": "GET, OPTIONS, PUT and DELETE are sent again (TODO 2, 3)",
        "half": "nothing of half a response is printed (TODO 2, 3)",
        "limit": "there are no more tries than --tries (TODO 2, 3)",
        "pause": "the pauses double, and differ by chance (TODO 4)",
        "end": "nothing leaks, and the status is right",
    }),
    "lab06": ("mutual.c", "grader/mutual", 3, {
        "required": "a client without a certificate gets an alert (TODO 1)",
        "stranger": "so does one whose signer nobody trusts (TODO 1)",
        "lifetime": "a session lasts ten minutes at most (TODO 1, 2)",
        "name": "each client is greeted by its own name (TODO 2)",
        "return": "so is a client that resumes its session (TODO 2)",
        "shows": "the client shows its certificate (TODO 3)",
        "resumes": "the second and third connection resume (TODO 4, 5)",
        "host": "a session is only for the host it comes from (TODO 5)",
        "end": "nothing leaks, and both end with the right status",
    }),
}


def compiled(path):
    """The program that the Makefile has made of this file; None, and why, if there is none."""
    program = BUILD / "bonus" / path.with_suffix("")
    if program.exists():
        return program
    log = program.with_suffix(".log")
    print(log.read_text(encoding="utf-8") if log.exists() else f"bonus: {path} is missing", file=sys.stderr)
    return None


def grade(folder, solution):
    """Returns the status: 1 if the file cannot be read, or does not compile."""
    file, program, possible, rules = EXERCISES[folder.name[:5]]
    path = folder / "bonus" / ("solution" if solution else "") / file
    subject = compiled(path) if path.suffix == ".c" else path
    if subject is None:
        return 1
    done = subprocess.run([BUILD / program, subject], stdout=subprocess.PIPE, text=True, check=False)
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
