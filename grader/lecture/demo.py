#!/usr/bin/env python3
"""demo: the lecture. Show what a lab does, step by step, and run the lab's programs.

    demo.py [--student] [--pause] [--notes] [--step N] [--pcap] LAB...        LAB is 03, or lab03-server

grader/lecture/scripts/labNN.md says what to show; demo_script.py says how such a script is written.
--student shows the student's files and programs in place of the solutions; it says which TODO is not
done, and goes on. --pause waits for a key before each command, between steps, and when the screen is full: b goes back
to the beginning of the step, or from there to the step before, a digit goes to that step, q ends, any other key goes on. --notes shows the lecturer's notes too, and how
long each step takes to tell. --step begins at that step. --pcap writes the traffic to build/demo/, for Wireshark, with
the keys of TLS: a relay stands before each server and passes on every byte.

The lecture is as wide as the terminal, and in colour; if there is no terminal, it has 80 columns
(or COLUMNS) of plain text. It is in ASCII unless the locale is UTF-8. The status is 0 if every
command ended as the script says, with --student, or if somebody pressed q; 1 if not; 2 for wrong usage. When the
lecture ends, in whatever way, all that it started ends too.
"""
import argparse
import re
import signal
import sys

sys.dont_write_bytecode = True
# pylint: disable=wrong-import-position
from demo_run import Runner                  # noqa: E402
from demo_script import ROOT, Broken, Script  # noqa: E402
from demo_show import Moved, Screen, Stopped  # noqa: E402


class Lecture:
    """One lab's script on one screen."""

    def __init__(self, screen, script, options):
        self.screen = screen
        self.script = script
        self.student = options.student
        self.notes = options.notes
        self.number = options.step
        self.is_last = False  # of several labs
        self.runner = Runner(script.lab, self.student, options.pcap, screen)
        self.wrong = 0

    def give(self):
        """Give the whole lecture. Return how many commands went wrong."""
        self.screen.steps = len(self.script.steps)
        try:
            self.screen.title(self.script.title)
            self.screen.prose(self.script.intro)
            for step in self.script.steps[:self.number - 1]:
                self.runner.skip(step.parts)
            while self.number <= len(self.script.steps):
                try:
                    self.show_step(self.script.steps[self.number - 1])
                    self.screen.pause(self.is_last and self.number == len(self.script.steps))
                    self.number += 1
                except Moved as moved:
                    self.go(moved.step or self.number - 1)
        finally:
            self.runner.end()
        return self.wrong

    def go(self, number):
        """Go on with this step."""
        number = max(1, min(len(self.script.steps), number))
        for step in self.script.steps[self.number - 1:number - 1]:
            self.runner.skip(step.parts)
        self.number = number

    def show_step(self, step):
        minutes = f"  (about {step.minutes():g} min)" if self.notes else ""
        self.screen.step = self.number
        self.screen.heading(f"{self.number}/{len(self.script.steps)}  {step.title}{minutes}")
        for part in step.parts:
            self.show(part)

    def show(self, part):
        if part.kind == "text":
            self.screen.prose(part.lines)
        elif part.kind == "note":
            if self.notes:
                self.screen.aside(part.lines)
        elif part.kind == "code":
            self.screen.code([(quote.heading(self.student), quote.language, quote.cut(self.student))
                              for quote in part.quotes])
        elif part.kind == "server":
            self.wrong += not self.runner.start(part)
        else:
            self.screen.pause()
            self.wrong += not self.runner.run(part)


def parse(arguments):
    parser = argparse.ArgumentParser(
        prog="demo.py", usage="demo.py [--student] [--pause] [--notes] [--step N] [--pcap] LAB...", add_help=False)
    for name in ("--student", "--pause", "--notes", "--pcap"):
        parser.add_argument(name, action="store_true")
    parser.add_argument("--step", type=int, default=1)
    parser.add_argument("labs", nargs="+")
    options = parser.parse_args(arguments)
    if options.step != 1 and len(options.labs) > 1:
        parser.error("--step is a step of one lab: say which (LAB=02)")
    return options


def main(arguments):
    options = parse(arguments)
    scripts = [Script((re.search(r"\d\d", lab) or [lab])[0]) for lab in options.labs]
    for script in scripts:
        script.check(options.student)
        if not 1 <= options.step <= len(script.steps):
            raise Broken(f"the lecture of {script.lab.name} has no step {options.step}, but {len(script.steps)} steps")
    screen = Screen(options.pause)
    lectures = [Lecture(screen, script, options) for script in scripts]
    lectures[-1].is_last = True
    wrong = sum(lecture.give() for lecture in lectures)
    return 1 if wrong and not options.student else 0


if __name__ == "__main__":
    for name in ("SIGTERM", "SIGHUP"):
        signal.signal(getattr(signal, name), lambda number, _: sys.exit(128 + number))
    try:
        sys.exit(main(sys.argv[1:]))
    except Stopped:
        sys.exit(0)
    except KeyboardInterrupt:
        print()
        sys.exit(130)
    except (Broken, OSError) as error:
        print(f"demo: {str(error).replace(f'{ROOT}/', '')}", file=sys.stderr)
        sys.exit(1)
