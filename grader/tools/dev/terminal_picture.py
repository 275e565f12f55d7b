#!/usr/bin/env python3
"""terminal_picture: run a command in a terminal, and make a picture of it.

    terminal_picture.py [--columns N] [--theme dark|light] [--from TEXT] [--to TEXT] OUT.png COMMAND

Run COMMAND with bash in a terminal (tmux) of N columns (80). The picture shows everything, or the
first line with the first TEXT up to the next line with the second. Chromium draws the picture,
pngquant makes it small. The command's status does not matter: a failure makes a picture too.
"""
import argparse
import html
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
from browser import Browser  # noqa: E402  pylint: disable=wrong-import-position

ROWS = 1000
SECONDS = 120
FONT_PIXELS, LINE_PIXELS, COLUMN_PIXELS, MARGIN = 13, 15, 7.8262, 14

# Foreground, background, the 8 colours with names, and the bright forms of these.
THEMES = {
    "dark": ("#e6edf3", "#0d1117",
             "#6e7681 #ff7b72 #56d364 #e3b341 #79c0ff #d2a8ff #76e3ea #e6edf3",
             "#8b949e #ffa198 #7ee787 #f2cc60 #a5d6ff #e2c5ff #b3f0ff #ffffff"),
    "light": ("#1f2328", "#ffffff",
              "#24292f #cf222e #116329 #7d4e00 #0969da #8250df #1b7c83 #57606a",
              "#57606a #a40e26 #1a7f37 #633c01 #218bff #a475f9 #3192aa #6e7781"),
}


def tmux(*arguments):
    return subprocess.run(["tmux", "-L", f"picture-{os.getpid()}", "-u", "-f", "/dev/null", *arguments],
                          stdout=subprocess.PIPE, text=True, encoding="utf-8", check=True).stdout


def screen_after(command, columns):
    """The lines of the terminal once the command has ended, with their colours."""
    environment = ["LC_ALL=C.UTF-8", "TERM=tmux-256color", "COLORTERM="]
    run = " ".join(["exec env -u NO_COLOR -u COLUMNS -u MAKEFLAGS -u MAKELEVEL", *environment, "bash --norc -c",
                    shlex.quote(command)])
    try:
        tmux("new-session", "-d", "-x", str(columns), "-y", str(ROWS), "sleep 1000", ";",
             "set-option", "-g", "remain-on-exit", "on", ";", "set-option", "-g", "status", "off", ";",
             "respawn-pane", "-k", run)
        deadline = time.monotonic() + SECONDS
        while tmux("display-message", "-p", "#{pane_dead}").strip() != "1":
            if time.monotonic() > deadline:
                raise RuntimeError(f"this still runs after {SECONDS} seconds: {command}")
            time.sleep(0.05)
        return tmux("capture-pane", "-e", "-p", "-S", "-").splitlines()
    finally:
        subprocess.run(["tmux", "-L", f"picture-{os.getpid()}", "kill-server"], check=False)


# --- Colours
# ------------------------------------------------------------------------------------------


def color(number, theme):
    """One of 256 colours."""
    named = (THEMES[theme][2] + " " + THEMES[theme][3]).split()
    if number < 16:
        return named[number]
    if number >= 232:
        return f"#{8 + 10 * (number - 232):02x}" + f"{8 + 10 * (number - 232):02x}" * 2
    steps = (0, 95, 135, 175, 215, 255)
    number -= 16
    return f"#{steps[number // 36]:02x}{steps[number // 6 % 6]:02x}{steps[number % 6]:02x}"


class Pen:
    """The style of the text that follows."""

    def __init__(self, theme):
        self.theme = theme
        self.style = {}

    def obey(self, numbers):
        codes = [int(number or 0) for number in numbers.split(";")]
        while codes:
            code = codes.pop(0)
            if code == 0:
                self.style = {}
            elif code == 1:
                self.style["font-weight"] = "bold"
            elif code == 2:
                self.style["opacity"] = ".65"
            elif code == 22:
                self.style.pop("font-weight", None)
                self.style.pop("opacity", None)
            elif code in (38, 48) and codes[:1] == [5]:
                self.style["color" if code == 38 else "background"] = color(codes[1], self.theme)
                del codes[:2]
            elif 30 <= code <= 37 or 90 <= code <= 97:
                self.style["color"] = color(code - 30 if code < 90 else code - 82, self.theme)
            elif code in (39, 49):
                self.style.pop("color" if code == 39 else "background", None)

    def write(self, text):
        style = ";".join(f"{name}:{value}" for name, value in self.style.items())
        return f'<span style="{style}">{html.escape(text)}</span>' if style else html.escape(text)


def as_html(lines, theme):
    """A page with the lines."""
    foreground, background = THEMES[theme][:2]
    pen = Pen(theme)
    rows = []
    for line in lines:
        pieces = re.split(r"\x1b\[([0-9;]*)m", line)
        row = pen.write(pieces[0])
        for numbers, text in zip(pieces[1::2], pieces[2::2]):
            pen.obey(numbers)
            row += pen.write(text)
        rows.append(f"<div>{row or ' '}</div>")
    return (f"<!doctype html><meta charset=utf-8><style>html{{background:{background};color:{foreground}}}"
            f"body{{margin:{MARGIN}px;font:{FONT_PIXELS}px/{LINE_PIXELS}px 'DejaVu Sans Mono',monospace;"
            f"white-space:pre}}div{{height:{LINE_PIXELS}px}}</style>" + "".join(rows))


# --- The picture
# --------------------------------------------------------------------------------------


def draw(text, columns, rows, out):
    with tempfile.TemporaryDirectory(prefix="picture-") as folder:
        source, picture = pathlib.Path(folder, "page.html"), pathlib.Path(folder, "picture.png")
        source.write_text(text, encoding="utf-8")
        with Browser("--disable-lcd-text") as browser:
            page = browser.open(source.as_uri(), round(columns * COLUMN_PIXELS) + 2 * MARGIN,
                                rows * LINE_PIXELS + 2 * MARGIN)
            page.picture(picture, full=False)
        out.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["pngquant", "--force", "--strip", "--speed", "1", "--nofs", "32", "--output", out, picture],
                       check=True)


def main():
    parser = argparse.ArgumentParser(prog="terminal_picture")
    parser.add_argument("--columns", type=int, default=80)
    parser.add_argument("--theme", choices=THEMES, default="dark")
    parser.add_argument("--from", dest="start", default="")
    parser.add_argument("--to", dest="end", default="")
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("command")
    arguments = parser.parse_args()
    lines = screen_after(arguments.command, arguments.columns)
    plain = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in lines]
    written = [number for number, line in enumerate(plain) if line.strip() and not line.startswith("Pane is dead")]
    begins = [number for number in written if arguments.start in plain[number]]
    ends = [number for number in written if begins and number > begins[0] and arguments.end in plain[number]]
    if not ends:
        raise RuntimeError(f"nothing to see: {arguments.command}\n" + "\n".join(plain[number] for number in written))
    lines = lines[begins[0]:ends[0 if arguments.end else -1] + 1]
    draw(as_html(lines, arguments.theme), arguments.columns, len(lines), arguments.out)


if __name__ == "__main__":
    try:
        main()
    except (OSError, RuntimeError, subprocess.SubprocessError) as problem:
        print(f"terminal_picture: {problem}", file=sys.stderr)
        sys.exit(1)
