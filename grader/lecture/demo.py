#!/usr/bin/env python3
"""demo: the lecture. Show what a lab does, step by step, and run the lab's programs.

    demo.py [--student] [--pause] [--pcap] LAB...        LAB is 03, or lab03-server

grader/lecture/scripts/labNN.md says what to show; demo_script.py says how such a script is written.
--student shows the student's files and programs in place of the solutions; it says which TODO is not
done, and goes on. --pause waits for a key before each command and between steps (q ends). --pcap
writes the traffic to build/demo/, for Wireshark, with the keys of TLS: a relay stands
before each server and passes on every byte.

The lecture is as wide as the terminal, and in colour; if there is no terminal, it has 80 columns
(or COLUMNS) of plain text. It is in ASCII unless the locale is UTF-8. The status is 0 if every
command ended as the script says, or with --student; 1 if not; 2 for wrong usage. When the
lecture ends, in whatever way, all that it started ends too.
"""
import re
import signal
import sys

sys.dont_write_bytecode = True
# pylint: disable=wrong-import-position
from demo_run import Runner                  # noqa: E402
from demo_script import ROOT, Broken, Script  # noqa: E402
from demo_show import Screen, Stopped         # noqa: E402


class Lecture:
    """One lab's script on one screen."""

    def __init__(self, screen, script, options):
        self.screen = screen
        self.script = script
        self.student = "--student" in options
        self.pauses = "--pause" in options
        self.runner = Runner(script.lab, self.student, "--pcap" in options, screen)
        self.wrong = 0

    def pause(self):
        if self.pauses:
            self.screen.wait_for_key()

    def give(self):
        """Give the whole lecture. Return how many commands went wrong."""
        try:
            self.screen.title(self.script.title)
            self.screen.prose(self.script.intro)
            for number, step in enumerate(self.script.steps, 1):
                if number > 1:
                    self.pause()
                self.screen.heading(f"{number}/{len(self.script.steps)}  {step.title}")
                for part in step.parts:
                    self.show(part)
        finally:
            self.runner.end()
        return self.wrong

    def show(self, part):
        if part.kind == "text":
            self.screen.prose(part.lines)
        elif part.kind == "code":
            self.screen.code([(quote.heading(self.student), quote.language, quote.cut(self.student))
                              for quote in part.quotes])
        elif part.kind == "server":
            self.wrong += not self.runner.start(part)
        else:
            self.pause()
            self.wrong += not self.runner.run(part)


def main(arguments):
    options = [argument for argument in arguments if argument.startswith("-")]
    labs = [argument for argument in arguments if not argument.startswith("-")]
    if not labs or not set(options) <= {"--student", "--pause", "--pcap"}:
        print("usage: demo.py [--student] [--pause] [--pcap] LAB...", file=sys.stderr)
        return 2
    student = "--student" in options
    wrong = 0
    screen = Screen()
    scripts = [Script((re.search(r"\d\d", lab) or [lab])[0]) for lab in labs]
    for script in scripts:
        script.check(student)
    for script in scripts:
        wrong += Lecture(screen, script, options).give()
    return 1 if wrong and not student else 0


if __name__ == "__main__":
    for name in ("SIGTERM", "SIGHUP"):
        signal.signal(getattr(signal, name), lambda number, _: sys.exit(128 + number))
    try:
        sys.exit(main(sys.argv[1:]))
    except (KeyboardInterrupt, Stopped):
        print()
        sys.exit(130)
    except (Broken, OSError) as error:
        print(f"demo: {str(error).replace(f'{ROOT}/', '')}", file=sys.stderr)
        sys.exit(1)
