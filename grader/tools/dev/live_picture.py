#!/usr/bin/env python3
"""live_picture: make a picture of `make live`.

    live_picture.py [--size 1280x720] [--theme dark|light] [--view both|wire|lecture|notes] [--hold N] LAB STEP OUT.png

Goes to the step, runs its commands, and draws the window; with --hold, holds the frames of the last
one, and lets N of them pass. Makes the picture small with pngquant.
"""
import argparse
import os
import pathlib
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from browser import Browser  # noqa: E402  pylint: disable=wrong-import-position

ROOT = pathlib.Path(__file__).resolve().parents[3]
SECONDS = 60


def wait(page, what):
    deadline = time.monotonic() + SECONDS
    while not page.run(what):
        if time.monotonic() > deadline:
            raise SystemExit(f"live_picture: it never comes to this: {what}")
        time.sleep(0.05)


def play(page, held):
    """Run the commands of the step."""
    while page.run("Boolean(live.lecture.next())"):
        last = page.run("live.lecture.cards.filter((card) => card.part.kind !== 'server' && card.log.right === null).length === 1")
        if held is not None and last:
            page.run("live.wire.gate.choose('hold')")
            wait(page, "live.wire.gate.mode === 'hold'")
        page.run("live.order(live.lecture.next().part.part, false)")
        if held is not None and last:
            wait(page, "document.querySelectorAll('.waiting li').length >= 3")
            for _ in range(held):
                page.run("live.wire.gate.one('')")
                time.sleep(0.3)
            return
        wait(page, "!live.lecture.running() && live.lecture.cards.some((card) => card.log.right !== null)")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="1280x720")
    parser.add_argument("--theme", choices=("dark", "light"), default="light")
    parser.add_argument("--view", choices=("both", "wire", "lecture", "notes"), default="both")
    parser.add_argument("--hold", type=int)
    for name in ("lab", "step", "out"):
        parser.add_argument(name)
    options = parser.parse_args()
    os.chdir(ROOT)
    width, height = map(int, options.size.split("x"))
    with subprocess.Popen([sys.executable, "grader/live/live.py", options.lab], stdout=subprocess.PIPE, text=True) as live:
        try:
            said = live.stdout.readline()
            if " is at " not in said:
                raise SystemExit(f"live_picture: {said.strip()}")
            address = said.split()[-1]
            with Browser() as browser:
                page = browser.open(f"{address}#{options.lab}/{options.step}{'/notes' if options.view == 'notes' else ''}",
                                    width, height, options.theme == "dark")
                wait(page, "Boolean(window.live && document.querySelector('.step h2'))")
                play(page, options.hold)
                if options.view in ("wire", "lecture"):
                    page.run(f"live.view('{options.view}')")
                page.settle()
                time.sleep(0.5)  # bars move into their places
                page.picture(options.out, full=False)
        finally:
            live.terminate()
    subprocess.run(["pngquant", "--force", "--skip-if-larger", "--output", options.out, "256", options.out], check=False)


if __name__ == "__main__":
    main()
