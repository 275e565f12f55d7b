#!/usr/bin/env python3
"""bonus: exercises beside the 100 points.

    bonus.py [--solution] [--exercise NAME] labNN-name...

Looks at each exercise in labNN-name/bonus/ that somebody has begun (with --solution, at all in its solution/), prints each
rule and whether it holds, and keeps the points in build/grade/bonus/labNN.json, where the grader finds them.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / (os.environ.get("BUILD") or "build")
POSSIBLE = 3  # for each exercise
# The exercises of each lab: the file that a student writes, and the rules. grader/bonus/X.c looks at X.txt, or at what the
# Makefile makes of X.c; X.md beside the file is the handout.
EXERCISES = {
    "lab02": {
        "hpack.txt": {
            "fields": "the five fields of each request, in order",
            "authority": ":authority is one byte in the second block",
            "path": ":path does not go into the dynamic table",
            "secret": "authorization is never indexed, in both blocks",
            "short": "the second block has 13 bytes at most",
            "state": "the second block alone means nothing to a new decoder",
        },
        "slow.c": {
            "window": "it announces the window, and gives back nothing by itself (TODO 1)",
            "piece": "each line makes it write out one piece (TODO 1, 2)",
            "stream": "what is written out is given back on the stream, no more (TODO 3)",
            "pause": "nothing is given back while its user does nothing (TODO 1, 3)",
            "connection": "what is written out is given back on the connection (TODO 3)",
            "body": "the body comes to its end, unchanged (TODO 2, 3)",
            "reset": "after a reset the connection gets its window back (TODO 4)",
            "skip": "so it does if the user has skipped a download (TODO 4)",
            "end": "nothing leaks, and the exit status is right (TODO 4)",
        },
    },
    "lab03": {
        "calm.c": {
            "work": "the work for a cancelled request is stopped (TODO 1)",
            "gone": "a client that leaves with open streams harms nobody (TODO 1, 2)",
            "flood": "one cancelled stream too many: ENHANCE_YOUR_CALM (TODO 2)",
            "others": "each client is counted by itself (TODO 2)",
            "provoked": "streams that the server must reset count, too (TODO 3)",
            "patient": "as many in each window as may be: nobody is ended (TODO 4)",
            "sliding": "two halves of a flood, close together, are one (TODO 4)",
            "end": "nothing leaks, and SIGTERM ends it with status 0",
        },
    },
    "lab04": {
        "grpc.c": {
            "type": "another content-type gets 415 (TODO 2)",
            "unknown": "another method gets grpc-status 12, in one HEADERS (TODO 1, 2)",
            "broken": "a body that is not one message gets 13 (TODO 3)",
            "compressed": "a compressed message gets 12 (TODO 3)",
            "reply": "HEADERS, DATA, trailers with grpc-status 0; an empty name (TODO 4)",
            "together": "ten calls at once, each with its own answer",
            "pieces": "a request that arrives byte by byte",
            "window": "a client that opens its window byte by byte",
            "end": "nothing leaks, and SIGTERM ends it with status 0",
        },
        "hints.c": {
            "hints": "one 103 before a slow answer, without END_STREAM (TODO 1)",
            "links": "it has the links of the page, and nothing else (TODO 1)",
            "fast": "a page that is answered at once has none (TODO 1)",
            "head": "HEAD has none, nor has a page without links (TODO 2)",
            "patience": "it does not come before the patience is over (TODO 3)",
            "final": "the final response is whole, and has the links (TODO 4)",
            "soon": "if the answer comes before that, there is none (TODO 3)",
            "together": "ten at once: each stream has its own hints (TODO 1, 3)",
            "cancel": "a client that gives up gets no more, and harms nobody (TODO 3)",
            "end": "nothing leaks, and SIGTERM ends it with status 0 (TODO 5)",
        },
    },
    "lab05": {
        "retry.c": {
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
        },
        "drain.c": {
            "idle": "a client that says nothing: GOAWAY(NO_ERROR) (TODO 1)",
            "busy": "not while a stream is in progress (TODO 1)",
            "half": "half a header block: GOAWAY(ENHANCE_YOUR_CALM) (TODO 2)",
            "whole": "not if the block has come to its end (TODO 1, 2)",
            "notice": "SIGTERM: the first GOAWAY, and PING; no new clients (TODO 3)",
            "late": "a request that was on its way is served (TODO 3, 4)",
            "last": "the last GOAWAY, with the last stream (TODO 4)",
            "refuse": "no response to a stream that comes after that (TODO 4)",
            "finish": "streams in progress are finished (TODO 4)",
            "exit": "then the server ends, with status 0 (TODO 4)",
            "second": "a second signal ends it at once (TODO 5)",
            "deadline": "so does the deadline (TODO 5)",
            "end": "nothing leaks, and SIGTERM ends a server without clients (TODO 1)",
        },
    },
    "lab06": {
        "mutual.c": {
            "required": "a client without a certificate gets an alert (TODO 1)",
            "stranger": "so does one whose signer nobody trusts (TODO 1)",
            "lifetime": "a session lasts ten minutes at most (TODO 1, 2)",
            "name": "each client is greeted by its own name (TODO 2)",
            "return": "so is a client that resumes its session (TODO 2)",
            "shows": "the client shows its certificate (TODO 3)",
            "resumes": "the second and third connection resume (TODO 4, 5)",
            "host": "a session is only for the host it comes from (TODO 5)",
            "end": "nothing leaks, and both end with the right status",
        },
    },
}


def starter_of(path):
    """The file as a student gets it: made of the solution, or as `make handout` keeps it, or as it was first committed. None
    if it is nowhere."""
    solution = path.parent / "solution" / path.name
    kept = ROOT / "grader/starters" / path
    if path.suffix == ".c" and solution.exists():
        return run("sh", ROOT / "grader/tools/dev/starter.sh", solution)
    if kept.exists():
        return kept.read_bytes()
    first = run("git", "log", "--diff-filter=A", "--format=%h", "--", path) or b""
    return run("git", "show", f"{first.split()[-1].decode()}:./{path}") if first.split() else None


def run(*command):
    """What it prints; None if it fails, or does not exist."""
    try:
        return subprocess.run(command, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None


def compiled(path):
    """The program that the Makefile has made of this file; None, and why, if there is none."""
    program = BUILD / "bonus" / path.with_suffix("")
    if program.exists():
        return program
    log = program.with_suffix(".log")
    print(log.read_text(encoding="utf-8") if log.exists() else f"bonus: {path} is missing", file=sys.stderr)
    return None


def look(path, rules):
    """Print the rules. Return the points; or None, if the file cannot be read, or does not compile."""
    subject = compiled(path) if path.suffix == ".c" else path
    if subject is None:
        return None
    done = subprocess.run([BUILD / "grader" / path.stem, subject], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        return None
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
    points = max(0, POSSIBLE - (len(rules) - holds + 1) // 2)
    print(f"  {points} of {POSSIBLE}, beside the points of the lab")
    return points


def keep(lab, scores):
    """Keep the points of the exercises of a lab: each, and together."""
    file = BUILD / f"grade/bonus/{lab}.json"
    if not scores:
        file.unlink(missing_ok=True)
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    total = {key: sum(score[key] for score in scores.values()) for key in ("points", "possible")}
    file.write_text(json.dumps({**total, "exercises": scores}), encoding="utf-8")


def kept(lab):
    try:
        return json.loads((BUILD / f"grade/bonus/{lab}.json").read_text(encoding="utf-8"))["exercises"]
    except (OSError, ValueError, KeyError):
        return {}


def grade(folder, solution, chosen):
    """Returns the status: 1 if a file cannot be read, or does not compile. Then its points stay as they were."""
    lab, status = folder.name[:5], 0
    scores = kept(lab)
    for file in chosen:
        path, rules = folder / "bonus" / ("solution" if solution else "") / file, EXERCISES[lab][file]
        if not solution and path.exists() and path.read_bytes() == starter_of(path):
            print(f"{path}: not begun ({path.with_suffix('.md')})")
            scores.pop(path.stem, None)
            continue
        points = look(path, rules)
        if points is None:
            status = 1
        else:
            scores[path.stem] = {"points": points, "possible": POSSIBLE}
    keep(lab, scores)
    return status


def main(arguments):
    parser = argparse.ArgumentParser(description="check the exercises beside the 100 points")
    parser.add_argument("--solution", action="store_true")
    parser.add_argument("--exercise")
    parser.add_argument("folders", nargs="+", type=pathlib.Path)
    options = parser.parse_args(arguments)
    status, seen = 0, False
    for folder in options.folders:
        exercises = EXERCISES.get(folder.name[:5], {}) if (folder / "bonus").is_dir() else {}
        chosen = [file for file in exercises if options.exercise in (None, pathlib.Path(file).stem)]
        seen = seen or chosen
        if chosen:
            status |= grade(folder, options.solution, chosen)
    if not seen:
        where = options.folders[0].name if len(options.folders) == 1 else "these labs"
        print(f"{where}: no bonus" + (f" {options.exercise}" if options.exercise else ""))
    return status or int(bool(options.exercise and not seen))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
