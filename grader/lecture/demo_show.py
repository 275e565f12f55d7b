"""demo_show: the screen of a lecture: its width, its colours, and the look of text, code and bars."""
import os
import re
import select
import sys
import termios
import textwrap
import tty
import unicodedata

BACK_KEYS = (b"\x1b[D", b"\x1bOD", b"\x1b[5~")  # left, page up
LARGEST_PROSE = 100  # longer lines are hard to read
SIDE_BY_SIDE = 120   # columns from which code stands side by side

BOLD, DIM, RED, GREEN, YELLOW, BLUE = "1", "2", "1;31", "32", "33", "38;5;33"


class Stopped(Exception):
    """Somebody pressed q."""


class Moved(Exception):
    """Somebody wants another step: the one with this number, or the one before (None)."""

    def __init__(self, step=None):
        super().__init__(step)
        self.step = step


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
LITERAL = re.compile(r"/\*.*?(?:\*/|$)|\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|`[^`]*`")  # or a comment, where quotes mean nothing
SGR = re.compile(r"(\x1b\[[0-9;]*m)")


def kept(literal, room):
    """The same, with NUL for each space where no line may end."""
    if literal.startswith("/*") or (len(literal) > room and literal[0] != '"'):
        return literal
    pieces = [""]
    for word in re.findall(r" *[^ ]+ *| +", literal[1:-1]):
        if pieces[-1] and len(literal) > room and len(pieces[-1] + word) > room - len('""'):
            pieces.append("")
        pieces[-1] += word
    return " ".join(literal[0] + piece.replace(" ", "\0") + literal[0] for piece in pieces)


def wrap_code(line, width):
    """Break a line of code into as many lines as it needs: after a comma or an operator if
    possible, and outside strings if possible. Make two strings of one of C that is too long: that means the same."""
    indent = " " * (len(line) - len(line.lstrip()) + 4)
    if len(indent) > width // 2:
        indent = "    "
    body = LITERAL.sub(lambda found: kept(found[0], len(line)), line.strip())
    parted = LITERAL.sub(lambda found: kept(found[0], width - len(indent) - len(");")), line.strip())
    for text in (re.sub(r"(?<![,;?:&|]) ", "\0", body), body, parted):
        pieces = textwrap.wrap(text, width, initial_indent=indent[4:], subsequent_indent=indent,
                               break_on_hyphens=False, break_long_words=text == parted)
        if all(len(piece) <= width for piece in pieces):
            break
    return [piece.replace("\0", " ") for piece in pieces] or [""]


def comment_of(line):
    """Where a comment begins that lasts to the end of the line; -1 if there is none."""
    place = 0
    for token in TOKEN.findall(line):
        if token.startswith("//"):
            return place
        place += len(token)
    return -1


def reflow(lines, width):
    """Lines of code, none longer than `width`. Join a statement before breaking it again, but join nothing to a line
    that must end where it does: one with a // comment, or one of the preprocessor."""
    result, statement = [], []
    for line in lines:
        comment = comment_of(line)
        if comment >= 0 or line.lstrip().startswith("#"):
            result += broken(statement, width) + broken_line(line, comment, width)
            statement = []
            continue
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


def broken_line(line, comment, width):
    """One line with a // comment at this place, or of the preprocessor. Each line of a comment begins with //; a
    comment that has no room behind its code comes before it."""
    if len(line) <= width:
        return [line]
    indent = " " * (len(line) - len(line.lstrip()))
    if comment < 0:
        pieces = textwrap.wrap(line.strip(), width - 2, initial_indent=indent, subsequent_indent=indent + "    ",
                               break_on_hyphens=False)
        return [piece + " \\" for piece in pieces[:-1]] + pieces[-1:]
    said = textwrap.wrap(line[comment + 2:].strip(), width, initial_indent=indent + "// ", subsequent_indent=indent + "// ")
    return said + broken([line[:comment].rstrip()] if line[:comment].strip() else [], width)


class Screen:
    """Standard output, which shows the lecture."""

    def __init__(self, pauses=False):
        self.out = sys.stdout
        self.width = width_of(self.out)
        self.pauses = pauses and sys.stdin.isatty() and self.out.isatty()
        self.height = (os.get_terminal_size(self.out.fileno()).lines or 24) if self.pauses else 0
        self.used = 0  # lines since the last key
        self.asked = 0  # for a key, in this step
        self.is_empty = True  # the screen
        self.step = self.steps = 0
        self.unicode = locale_is_utf8()
        self.color = (self.out.isatty() and not os.environ.get("NO_COLOR") and
                      os.environ.get("TERM", "dumb") != "dumb")
        self.out.reconfigure(encoding="utf-8" if self.unicode else "ascii", errors="replace")

    def paint(self, style, text):
        return f"\033[{style}m{text}\033[0m" if self.color and text else text

    def line(self, text=""):
        """One line. If the screen is full, wait for a key first."""
        if self.pauses and self.used >= self.height - 1:  # the last line is for the question
            self.pause()
        if self.pauses and self.is_empty and not text:
            return
        print(text, file=self.out, flush=True)
        self.used += 1
        self.is_empty = False

    def room(self, lines):
        """What comes next has this many lines. If it is more than the screen has room for, but less than a whole screen,
        wait for a key first."""
        if self.pauses and self.used + lines > self.height - 1 >= lines:
            self.pause()

    def clear(self):
        """A step that begins after a key begins at the top of the screen. Below the end of another one, nobody finds it."""
        if self.pauses and self.used == 0 and not self.is_empty and os.environ.get("TERM", "dumb") != "dumb":
            print("\033[2J\033[H", end="", file=self.out, flush=True)
            self.is_empty = True

    # --- Words ------------------------------------------------------------------------------------

    def title(self, text):
        self.room(5)
        self.line()
        rule = ("━" if self.unicode else "=") * self.width
        self.line(self.paint(BOLD, rule))
        self.line(self.paint(BOLD, text))
        self.line(self.paint(BOLD, rule))

    def heading(self, text):
        dashes = "─" if self.unicode else "-"
        self.room(6)  # with some of the text below it
        self.clear()
        self.asked = 0
        self.line()
        self.line(self.paint(BOLD, f"{dashes * 2} {text} ".ljust(self.width, dashes)))

    def prose(self, lines):
        """Paragraphs, with empty lines between them."""
        for paragraph in "\n".join(lines).strip().split("\n\n"):
            if paragraph.strip():
                wrapped = textwrap.wrap(" ".join(paragraph.split()), min(self.width, LARGEST_PROSE),
                                        break_on_hyphens=False)
                self.room(1 + len(wrapped))
                self.line()
                for line in wrapped:
                    self.line(line)

    def aside(self, lines):
        """A note for the lecturer."""
        wrapped = textwrap.wrap("Note: " + " ".join(" ".join(lines).split()), min(self.width, LARGEST_PROSE) - 2,
                                break_on_hyphens=False)
        self.room(1 + len(wrapped))
        self.line()
        for line in wrapped:
            self.line(self.paint(YELLOW, f"{'│' if self.unicode else '|'} {line}"))

    def note(self, text, style=DIM):
        for line in textwrap.wrap(printable(text), self.width):
            self.line(self.paint(style, line) if style else line)

    def quoted(self, text):
        return f"“{text}”" if self.unicode else f'"{text}"'

    def command(self, text):
        self.line()
        for number, line in enumerate(text.split("\n")):
            pieces = textwrap.wrap(line, self.width - 4, subsequent_indent="  ", break_long_words=False,
                                   break_on_hyphens=False)
            start = "$ " if number == 0 else "> "
            for row in (start + " \\\n  ".join(pieces)).split("\n"):
                self.line(self.paint(BOLD, row))

    def heard(self, program):
        """A program has printed something. We show it once its command has ended, with show_output."""

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
            pieces = self.pieces([block], self.width - 2)
            self.room(1 + len(pieces))
            self.line()
            for _, text in pieces:
                self.line(f"  {text}".rstrip())

    def columns(self, one, other):
        """Two columns. The left one is as wide as it needs to be, and at most half of the
        screen."""
        bar = self.paint(DIM, " │ " if self.unicode else " | ")
        left = self.pieces(one, (self.width - 5) // 2)
        width = max(length for length, _ in left)
        right = self.pieces(other, self.width - 5 - width)
        self.room(1 + max(len(left), len(right)))
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

    def pause(self, is_end=False):
        """With pauses, wait until somebody presses a key; b raises Moved, and so does the number of a step; q raises
        Stopped. Nothing has been shown since the last key: there is nothing to wait for."""
        if not self.pauses or self.used == 0:
            return
        moves = f"b back, 1-{min(9, self.steps)} to a step"
        key = self.wait_for_key(f"-- The end: {moves}, any key or q ends --" if is_end else
                                f"-- {self.step}/{self.steps}: any key goes on, {moves}, q ends --" if self.step else
                                "-- any key goes on, q ends --")
        self.used = 0
        self.asked += 1
        if key[:1] in (b"q", b"Q", b"\4", b""):
            raise Stopped
        if key in (b"b", b"B", b"\177", *BACK_KEYS):
            raise Moved(self.step if self.asked > 1 else None)
        if key.isdigit() and 0 < int(key[:1]) <= self.steps:
            raise Moved(int(key[:1]))

    def wait_for_key(self, prompt):
        before = termios.tcgetattr(sys.stdin)
        try:
            tty.setcbreak(sys.stdin)  # this drops earlier keys
            print(self.paint(DIM, prompt), end="", file=self.out, flush=True)
            select.select([sys.stdin], [], [])
            key = os.read(sys.stdin.fileno(), 64)
        finally:
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
        print("\r" + " " * len(prompt) + "\r", end="", file=self.out, flush=True)
        return key
