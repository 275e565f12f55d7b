#!/usr/bin/env python3
"""slides: a lecture as one file, to hand out or to print: make slides.

    slides.py [--student] --out FILE LAB        LAB is 03, or lab03-server

Gives the lecture as live.py does, command by command, and writes what really ran into one page that needs no network:
slides of sixteen by nine, each with the lecturer's notes below it. Status 0; 1 if a command did not end as the script
says, or the file cannot be written; 2 for wrong usage.
"""
import argparse
import os
import pathlib
import re
import signal
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lecture"))
# pylint: disable=wrong-import-position
from demo_script import ROOT, Broken, Script              # noqa: E402
from live_gate import Gate                                # noqa: E402
from live_hub import Hub                                  # noqa: E402
from live_http import labs_json, slides_page, step_json   # noqa: E402
from live_stage import COMMANDS, Stage                    # noqa: E402
from live_wire import Wire                                # noqa: E402

COLUMNS = 63         # of code, where two pieces stand side by side
ALONE = 100          # of code that has the slide to itself
QUIET_SECONDS = 0.2  # after a command: its last frames are on their way


class Recorder:
    """A hub without a browser: it keeps what every command has told."""

    def __init__(self):
        self.lock = threading.Lock()
        self.events = []
        self.last = 0.0

    def publish(self, about, event):
        with self.lock:
            self.events.append((about, event))
            self.last = time.monotonic()

    begin = publish

    def replace(self, about, event):
        """What is so just now, as what a server can do wrong: a lecture that was given has no use for it."""

    def has(self, about, kind):
        with self.lock:
            return any(each == about and event["kind"] == kind for each, event in self.events)

    def take(self):
        """All events since the last call, except those of before the wire was cleared."""
        while time.monotonic() - self.last < QUIET_SECONDS:
            time.sleep(QUIET_SECONDS / 4)
        with self.lock:
            events, self.events = self.events, []
        return [event for _, event in events if event["kind"] != "clear"]


def record(recorder, stage, lab):
    """Run every command. Returns the events of each step, and whether all went well."""
    steps, right = [], True
    for number, step in enumerate(stage.scripts[lab].steps, 1):
        events = []
        for index, part in enumerate(step.parts):
            about = (lab, number, index)
            if part.kind not in COMMANDS:
                continue
            stage.run(*about)
            while not recorder.has(about, "end"):
                time.sleep(0.02)
            new = recorder.take()
            right = right and all(event["right"] for event in new if event["kind"] == "end")
            events += [{**event, "part": index} for event in new if event["kind"] == "wire" and event.get("of") == [lab, number]]
            events += [event for event in new if event["kind"] != "wire" and event.get("step") == number]
        steps.append(events)
    return steps, right


def make(options):
    number = (re.search(r"\d\d", options.lab) or [options.lab])[0]
    script = Script(number)
    script.check(options.student)
    out = options.out.absolute()
    os.chdir(ROOT)
    recorder = Recorder()
    with tempfile.TemporaryDirectory(prefix="slides-") as folder:
        wire = Wire(recorder, pathlib.Path(folder), Gate(Hub()))  # nothing is held, and nobody looks
        stage = Stage(recorder, wire, {number: script}, options.student)
        try:
            events, right = record(recorder, stage, number)
        finally:
            stage.end()
            wire.end()
        steps = [step_json(stage, number, at, COLUMNS, ALONE) for at in range(1, len(script.steps) + 1)]
        text = slides_page({**labs_json(stage)["labs"][0], "content": steps, "events": events})
    out.parent.mkdir(parents=True, exist_ok=True)
    beside = out.with_name(out.name + ".new")
    beside.write_text(text, encoding="utf-8")
    beside.replace(out)
    print(f"file://{out}")
    return 0 if right or options.student else 1


def main(arguments):
    parser = argparse.ArgumentParser(prog="slides.py", usage="slides.py [--student] --out FILE LAB", add_help=False)
    parser.add_argument("--student", action="store_true")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("lab")
    return make(parser.parse_args(arguments))


if __name__ == "__main__":
    for name in ("SIGTERM", "SIGHUP"):
        signal.signal(getattr(signal, name), lambda number, _: sys.exit(128 + number))
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
    except (Broken, OSError) as error:
        print(f"slides: {str(error).replace(f'{ROOT}/', '')}", file=sys.stderr)
        sys.exit(1)
