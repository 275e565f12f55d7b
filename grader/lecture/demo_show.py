"""demo_show: the screen of a lecture: its width, its colours, and the look of text, code and bars."""
import os
import re
import select
import sys
import termios
import textwrap
import tty
import unicodedata

LARGEST_PROSE = 100  # longer lines are hard to read
SIDE_BY_SIDE = 120   # columns from which code stands side by side

BOLD, DIM, RED, GREEN, BLUE = "1", "2", "1;31", "32", "38;5;33"


class Stopped(Exception):
    """Somebody pressed q."""


def locale_is_utf8():
    for name in ("LC_ALL", "LC_CTYPE", "LANG"):
        if os.environ.get(name):
            return "utf8" in os.environ[name].lower().replace("-", "")
    return False


def width_of(out):
    columns = os.environ.get("COLUMNS", "")
    if out.isatty():
        return max(60, os.get_terminal_size(out.fileno()).columns or 80)
    return max(60, int(columns)) if columns.isdigit() else 80


def printable(text):
    """A program's output without control characters and characters of no fixed width."""
    kept = (char if char == "\n" or (unicodedata.category(char)[0] != "C" and
                                     not unicodedata.combining(char) and
                                     unicodedata.east_asian_width(char) not in "WF") else "?"
            for char in text.expandtabs(8))
    return "".join(kept)


TOKEN = re.compile(r"/\*|\*/|//.*|\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|`[^`]*`|.")
SGR = re.compile(r"(\x1b\[[0-9;]*m)")


def wrap_code(line, width):
    """Break a line of code into as many lines as it needs: after a comma or an operator if
    possible, and outside strings if possible."""
    indent = " " * (len(line) - len(line.lstrip()) + 4)
    if len(indent) > width // 2:
        indent = "    "
    body = re.sub(r"\"[^\"]*\"|`[^`]*`", lambda string: string[0].replace(" ", "\0"), line.strip())
    for text in (re.sub(r"(?<![,;?:&|]) ", "\0", body), body, line.strip()):
        pieces = textwrap.wrap(text, width, initial_indent=indent[4:], subsequent_indent=indent,
                               break_on_hyphens=False, break_long_words=text == line.strip())
        if all(len(piece) <= width for piece in pieces):
            break
    return [piece.replace("\0", " ") for piece in pieces] or [""]


def reflow(lines, width):
    """Lines of code, none longer than `width`. Join a statement before breaking it again."""
    result, statement = [], []
    for line in lines:
        statement.append(line)
        text = " ".join(statement)
        open_still = text.count("(") + text.count("[") > text.count(")") + text.count("]")
        if re.search(r"([;{]|\*/|\.\.\.)$|^$", line) or \
                (not open_still and re.search(r"([}:)]|\belse)$", line)):
            result += broken(statement, width)
            statement = []
    return result + broken(statement, width)


def broken(statement, width):
    if all(len(line) <= width for line in statement):
        return statement
    return wrap_code(" ".join([statement[0], *(line.strip() for line in statement[1:])]), width)


class Screen:
    """Standard output, which shows the lecture."""

    def __init__(self):
        self.out = sys.stdout
        self.width = width_of(self.out)
        self.unicode = locale_is_utf8()
        self.color = (self.out.isatty() and not os.environ.get("NO_COLOR") and
                      os.environ.get("TERM", "dumb") != "dumb")
        self.out.reconfigure(encoding="utf-8" if self.unicode else "ascii", errors="replace")

    def paint(self, style, text):
        return f"\033[{style}m{text}\033[0m" if self.color and text else text

    def line(self, text=""):
        print(text, file=self.out, flush=True)

    # --- Words ------------------------------------------------------------------------------------

    def title(self, text):
        self.line()
        rule = ("━" if self.unicode else "=") * self.width
        self.line(self.paint(BOLD, rule))
        self.line(self.paint(BOLD, text))
        self.line(self.paint(BOLD, rule))

    def heading(self, text):
        dashes = "─" if self.unicode else "-"
        self.line()
        self.line(self.paint(BOLD, f"{dashes * 2} {text} ".ljust(self.width, dashes)))

    def prose(self, lines):
        """Paragraphs, with empty lines between them."""
        for paragraph in "\n".join(lines).strip().split("\n\n"):
            if paragraph.strip():
                self.line()
                for line in textwrap.wrap(" ".join(paragraph.split()), min(self.width, LARGEST_PROSE),
                                          break_on_hyphens=False):
                    self.line(line)

    def note(self, text, style=DIM):
        for line in textwrap.wrap(printable(text), self.width):
            self.line(self.paint(style, line) if style else line)

    def command(self, text):
        self.line()
        for number, line in enumerate(text.split("\n")):
            pieces = textwrap.wrap(line, self.width - 4, subsequent_indent="  ", break_long_words=False,
                                   break_on_hyphens=False)
            start = "$ " if number == 0 else "> "
            for row in (start + " \\\n  ".join(pieces)).split("\n"):
                self.line(self.paint(BOLD, row))

    # --- Output of programs -----------------------------------------------------------------------

    def output(self, text):
        """Output, line by line; long lines go on below."""
        for line in printable(text).splitlines():
            for start in range(0, max(1, len(line)), self.width):
                self.line(line[start:start + self.width])

    def ladder(self, text):
        """The same for text with colours: a ladder already has the width of the screen, everything else is
        words."""
        for line in text.splitlines():
            pieces = SGR.split(line)
            if len(printable("".join(pieces[0::2]))) > self.width:
                self.note("".join(pieces[0::2]), "")
                continue
            self.line("".join(piece if SGR.match(piece) and self.color else
                              "" if SGR.match(piece) else printable(piece) for piece in pieces))

    def bars(self, text):
        """Lines "what it is  12.3 ms", each with a bar; the longest bar takes all the room."""
        rows = re.findall(r"(?m)^(.*\S)\s+(\d+(?:\.\d+)?) ms$", printable(text))
        longest = max((float(number) for _, number in rows), default=0) or 1
        label = max((len(what) for what, _ in rows), default=0)
        room = max(1, self.width - label - len(" 12345.6 ms "))
        block = "█" if self.unicode else "#"
        for what, number in rows:
            bar = block * max(1, round(room * float(number) / longest))
            self.line(f"{what:{label}} {float(number):7.1f} ms {self.paint(BLUE, bar)}")

    # --- Code -------------------------------------------------------------------------------------

    def code(self, blocks):
        """Pieces of code, each (heading, language, lines): Node.js on the left and C on the right
        if there is room."""
        node = [block for block in blocks if block[1] == "js"]
        others = [block for block in blocks if block[1] != "js"]
        if node and others and self.width >= SIDE_BY_SIDE:
            self.columns(node, others)
            return
        for block in blocks:
            self.line()
            for _, text in self.pieces([block], self.width - 2):
                self.line(f"  {text}".rstrip())

    def columns(self, one, other):
        """Two columns. The left one is as wide as it needs to be, and at most half of the
        screen."""
        bar = self.paint(DIM, " │ " if self.unicode else " | ")
        left = self.pieces(one, (self.width - 5) // 2)
        width = max(length for length, _ in left)
        right = self.pieces(other, self.width - 5 - width)
        self.line()
        for number in range(max(len(left), len(right))):
            length, text = left[number] if number < len(left) else (0, "")
            self.line(f"  {text}{' ' * (width - length)}{bar}{right[number][1] if number < len(right) else ''}".rstrip())

    def pieces(self, blocks, width):
        """The headings and lines of some pieces of code, below one another, as colored gives
        them."""
        result = []
        for heading, _, lines in blocks:
            result += [(0, "")] if result else []
            result += [(len(line), self.paint(DIM, line)) for line in textwrap.wrap(heading, width)]
            result += self.colored(lines, width)
        return result

    def colored(self, lines, width):
        """The lines, none longer than `width`, with comments and strings in colour: (columns, text)
        each."""
        result, in_comment = [], False
        for line in reflow([printable(line) for line in lines], width):
            text = ""
            for token in TOKEN.findall(line):
                in_comment = in_comment or token == "/*"
                comment = in_comment or token.startswith("//") or line == "..."
                style = DIM if comment else GREEN if len(token) > 1 and token[0] in "\"'`" else ""
                text += self.paint(style, token) if style else token
                in_comment = in_comment and token != "*/"
            result.append((len(line), text.replace("\033[0m\033[2m", "")))
        return result

    # --- Keys -------------------------------------------------------------------------------------

    def wait_for_key(self):
        """Wait until the user presses a key; without a terminal, go on at once."""
        if not sys.stdin.isatty():
            return
        before = termios.tcgetattr(sys.stdin)
        prompt = "-- any key goes on, q ends --"
        try:
            tty.setcbreak(sys.stdin)  # this drops earlier keys
            print(self.paint(DIM, prompt), end="", file=self.out, flush=True)
            select.select([sys.stdin], [], [])
            key = os.read(sys.stdin.fileno(), 64)
        finally:
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
        print("\r" + " " * len(prompt) + "\r", end="", file=self.out, flush=True)
        if key[:1] in (b"q", b"Q", b"\4", b""):
            raise Stopped

