#!/usr/bin/env python3
"""predict: which frames will go over the wire? A student says so first, then sees.

    predict.py labNN-name...

The first time it writes labNN-name/predict.txt: some scenarios, whose numbers a seed has drawn, and labNN-name/quiz.txt.
When the scenarios have lines in place of "?", it shows where they part from what really happens, side by side. Nothing of
the student's runs, so this works before any code is written.

A prediction is a line for each frame: "c HEADERS 1 END_STREAM", "s DATA 1 4", "c SETTINGS 0 ACK", "s RST_STREAM 3 CANCEL",
"c WINDOW_UPDATE 1 5", "c GOAWAY 0 NO_ERROR". The order counts for each side and stream by itself, because frames of
different streams may be mixed in any way.

Beside the 100 points, for each lab: 1 for a prediction of every scenario before the first look, right or wrong (it is kept
in build/grade/predict/labNN.first.txt), 1 for the corrected file, in which every scenario says because of which section of
RFC 9113, and 1 for the quiz, whose answers stand in build/grade/predict/labNN.pcapng. What came out is in
build/grade/predict/labNN.json.
"""
import json
import os
import pathlib
import random
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / (os.environ.get("BUILD") or "build")
OUT = BUILD / "grade/predict"
LINE = re.compile(r"[cs] [A-Z_]+ \d+( \d+)?( [A-Z_]+)*$")
HEAD = """# What will go over the wire? Replace each "?" by one line per frame, in the order in which the client (c) or the server (s)
# sends them. Only the order of one side's frames on one stream counts; mix sides and streams as you like:
#     {examples}
# {stream_0}
# Write only the flags END_STREAM and ACK. Then run: make predict LAB={lab}
# Correct what was wrong, and write after "because:" which section of RFC 9113 explains these frames, as in: because: 6.5.3
# Points, beside those of the lab: 1 for predicting all scenarios before you see the frames, right or wrong; 1 when all
# frames and sections are right, now or later; 1 when quiz.txt is right.
# seed: {seed}
"""
ALL = ("c SETTINGS 0 ACK     s PING 0     c WINDOW_UPDATE 0 5 (5 bytes more)     c GOAWAY 0 NO_ERROR",
       "All of this lab's frames are on stream 0. The preface is not a frame.")
SOME = ("c HEADERS 1 END_STREAM     s DATA 1 4 END_STREAM (4 bytes)     s RST_STREAM 3 CANCEL     c WINDOW_UPDATE 1 5 (5 bytes more)",
        "Leave out the frames of stream 0, such as SETTINGS and GOAWAY")
QUIZ = """# Read these in the capture, and write the number after the colon. {connections}
# In Wireshark: open build/grade/predict/{lab}.pcapng; {decode}. The filter
# tcp.stream == 0 shows the first connection. Click a line, and unfold "HyperText Transfer Protocol 2" below: Wireshark
# says Frame for a packet, which may have several frames of HTTP/2, or none.
# In a terminal: tshark -r build/grade/predict/{lab}.pcapng {option}-O http2 -Y {filter}
# (Debian has both: sudo apt install wireshark tshark.) Then: make predict LAB={number}
"""
PLAIN = {"connections": "The scenarios are connections, in their order.", "option": "-d tcp.port==8000,http2 ",
         "filter": "tcp.stream==0",
         "decode": "right-click any line, \"Decode As...\", TCP port 8000: HTTP2"}
SECRET = {"connections": "Each client is a connection, in the order of the scenarios.", "option": "",
          "filter": "http2",
          "decode": "the keys of TLS are in the file"}
WHOSE = {"c": "Write the client's frames only.", "s": "Write the server's frames only.", "cs": ""}


class Wrong(Exception):
    """What a file has that cannot be understood."""


def play(lab, seed):
    """What really happens."""
    OUT.mkdir(parents=True, exist_ok=True)
    done = subprocess.run([BUILD / "grader/predict", "--lab", lab[3:], "--seed", str(seed), "--pcap",
                           OUT / f"{lab}.pcapng"], stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


# --- The files ------------------------------------------------------------------------------------------


def write_files(folder, lab):
    """The student's files, with nothing filled in."""
    seed = random.SystemRandom().randrange(1, 1000000)
    played = play(lab, seed)
    connection = [scenario["connection"] for scenario in played["scenarios"]]
    examples, stream_0 = ALL if all(connection) else SOME
    if not all(connection):
        stream_0 += ", unless the scenario asks for them." if any(connection) else "."
    text = HEAD.format(lab=lab[3:], seed=seed, examples=examples, stream_0=stream_0)
    for scenario in played["scenarios"]:
        because = "" if scenario["rfc"] == "9113" else f"because: a section of RFC {scenario['rfc']}"
        lines = [line for line in [*scenario["text"].splitlines(), WHOSE[scenario["sides"]], because] if line]
        text += f"\n== {scenario['name']}\n" + "".join(f"# {line}\n" for line in lines) + "?\nbecause:\n"
    (folder / "predict.txt").write_text(text, encoding="utf-8")
    text = QUIZ.format(lab=lab, number=lab[3:], **(SECRET if lab == "lab06" else PLAIN))
    for item in played["quiz"]:
        text += f"\n# {item['question']}\nanswer:\n"
    (folder / "quiz.txt").write_text(text, encoding="utf-8")
    print(f"wrote {folder.name}/predict.txt and {folder.name}/quiz.txt: fill them in, and run this again")


def parse(path):
    """The seed, and for each scenario its lines and its section; None where nothing was predicted."""
    seed, predictions, name = None, {}, None
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        line = line.strip()
        found = re.match(r"# seed: (\d+)$", line)
        seed = int(found[1]) if found else seed
        if line.startswith("== "):
            name = line[3:]
            predictions[name] = {"lines": [], "because": "", "open": False}
        elif not line or line.startswith("#"):
            continue
        elif name is None:
            raise Wrong(f"{path.name}:{number}: this is before the first \"== \"")
        elif line.startswith("because:"):
            predictions[name]["because"] = line[8:].strip()
        elif line == "?":
            predictions[name]["open"] = True
        elif LINE.match(line[0] + line[1:].upper()):  # RFC 8446 writes the names of alerts in small letters
            predictions[name]["lines"].append(line[0] + line[1:].upper())
        else:
            raise Wrong(f"{path.name}:{number}: this is no frame: {line}")
    if seed is None or seed >= 1000000:
        raise Wrong(f"{path.name}: the line \"# seed: ...\" is missing; remove the file to begin anew")
    return seed, predictions


# --- Comparing ------------------------------------------------------------------------------------------


def of_sides(lines, sides):
    return [line for line in lines if line[0] in sides]


def by_stream(lines):
    """The order counts for each side and stream by itself."""
    streams = {}
    for line in lines:
        side, _, stream = line.split()[:3]
        streams.setdefault((side, stream), []).append(line)
    return streams


def side_by_side(predicted, seen):
    """Both ladders, with ">" where they part for the first time on their stream."""
    mine, theirs = by_stream(predicted), by_stream(seen)
    for key in sorted(set(mine) | set(theirs), key=lambda key: (int(key[1]), key[0])):
        left, right = mine.get(key, []), theirs.get(key, [])
        if left == right:
            continue
        yield f"    {f'on stream {key[1]} you said':36}what happened"
        for i in range(max(len(left), len(right))):
            one, other = (lines[i] if i < len(lines) else "(nothing)" for lines in (left, right))
            yield f"  {' ' if one == other else '>'} {one:36}{other}"


def explains(because, sections):
    """Whether it names one of them, or a section within it."""
    return any(re.search(rf"(?<![\d.]){re.escape(section)}(?![\d])", because) for section in sections.split())


def look(scenario, prediction):
    """Print how it stands. Returns whether it is right, and whether its section is."""
    seen = of_sides(scenario["frames"].splitlines(), scenario["sides"])
    predicted = of_sides(prediction["lines"], scenario["sides"])
    right = by_stream(predicted) == by_stream(seen)
    explained = explains(prediction["because"], scenario["sections"])
    print(f"  {'✔' if right else '✘'} {scenario['name']}")
    for line in [] if right else side_by_side(predicted, seen):
        print(f"  {line}")
    if right and predicted != seen:
        print("      The order between streams and sides does not count. Here it was:")
        for line in seen:
            print(f"        {line}")
    if right and not explained:
        print("      " + (f"Section {prediction['because']} is not what explains these frames." if prediction["because"] else
                          f"Which section of RFC {scenario['rfc']} explains these frames? Say so after \"because:\"."))
    return right, explained


def answers(folder):
    path = folder / "quiz.txt"
    if not path.exists():
        return []
    return re.findall(r"(?m)^answer:[ \t]*(\S*)", path.read_text(encoding="utf-8"))


# --- A lab ----------------------------------------------------------------------------------------------


def grade(folder, lab):
    path = folder / "predict.txt"
    seed, predictions = parse(path)
    played = play(lab, seed)
    names = [scenario["name"] for scenario in played["scenarios"]]
    missing = [name for name in names
               if name not in predictions or predictions[name]["open"] or not predictions[name]["lines"]]
    first = OUT / f"{lab}.first.txt"
    print(f"{folder.name}:")
    if missing and not first.exists():
        print(f"  you have not predicted yet: {', '.join(missing)}. The answers come after that.")
        results = []
    else:
        if not first.exists():
            first.write_bytes(path.read_bytes())
        nothing = {"lines": [], "because": "", "open": True}
        results = [look(scenario, predictions.get(scenario["name"], nothing)) for scenario in played["scenarios"]]
    right = [str(item["answer"]) for item in played["quiz"]]
    given = answers(folder)
    quiz = [one == other for one, other in zip(given, right)]
    if any(given):
        print(f"  quiz: {sum(quiz)} of {len(right)} right")
    points = {"predicted": int(first.exists()), "corrected": int(bool(results) and all(map(all, results))),
              "quiz": int(len(quiz) == len(right) and all(quiz))}
    total = sum(points.values())
    (OUT / f"{lab}.json").write_text(json.dumps({**points, "points": total, "possible": 3}), encoding="utf-8")
    print(f"  {total} of 3, beside the points of the lab: " + ", ".join(f"{name} {got}" for name, got in points.items()))


def main(folders):
    status = 0
    for folder in map(pathlib.Path, folders):
        lab = folder.name[:5]
        try:
            if not play(lab, 1)["scenarios"]:
                print(f"{folder.name} has nothing to predict")
            elif not (folder / "predict.txt").exists():
                write_files(folder, lab)
            else:
                grade(folder, lab)
        except Wrong as wrong:
            print(f"predict: {folder.name}/{wrong}", file=sys.stderr)
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
