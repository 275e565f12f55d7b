"""demo_script: read grader/lecture/scripts/labNN.md, and cut the lines that it quotes out of their
files.

A script is Markdown: "# title", some text, then steps, each "## title" with text and blocks. Text
is ASCII.

```js get.js        Lines of the handout's block "// build/get.js", which `make test` runs.
```c send_frames    Lines of that function in the lab's program; "server.c: send_frames" if the lab has several.
                    A `js` and a `c` block in a row stand side by side.
                    Without a body: the whole function. Else each line of the body is the beginning of a line to
                    show; "..." takes all lines from the one before to the one after. A gap becomes "...", and so does the end of
                    a block that stays open.
                    The lecture never shows (void) lines and the markers of solutions.
```server URL       A command that runs until the lecture ends. It prints "listening on ADDRESS", which becomes $URL.
```console          A command for bash. The lecture shows its output, its ladder, and the new output of the servers.
                    "status=1" after `console`: its exit status. "until=TEXT": wait until a server prints TEXT.
                    "needed": what it makes is needed later; a lecture that begins behind it runs it first.
                    "look=TYPE": in the browser, a ladder that has no room begins with the first such frame.
```bars             The same, but lines "what it is  12.3 ms" become bars.
> note: ...         Words for the lecturer, up to an empty line; the audience sees them only with --notes.

$PROGRAMS is build/solutions, or build/labs for the student's programs.
"""
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
LITERAL = re.compile(r"""//.*|/\*.*?\*/|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'""")  # a comment or a text in C or JavaScript

# How long a lecture takes: two words a second, a look at each line of code, and what a command prints.
WORDS_A_SECOND = 2
LINE_SECONDS = 4
COMMAND_SECONDS = 30


class Broken(Exception):
    """A mistake in a script."""


# --- Quotations -----------------------------------------------------------------------------------


def function_of(text, name):
    """The lines of a C function's definition, or [] if there is none."""
    lines = text.splitlines()
    for first, line in enumerate(lines):
        if not re.match(rf"\w.*\b{re.escape(name)}\(", line):
            continue
        head = next((at for at in range(first, len(lines)) if re.search(r"[;{]$", lines[at])), first)
        if lines[head].endswith("{"):  # otherwise this is a declaration
            return lines[first:lines.index("}", head) + 1]
    return []


def read_clean(path, student):
    """The text of a C file without the marks of a solution. A student may use their words for
    something else."""
    done = subprocess.run(["sh", ROOT / "grader/tools/dev/starter.sh", "--clean", path], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode == 0:
        return done.stdout
    if student:
        return path.read_text(encoding="utf-8")
    raise Broken(done.stderr.strip())


def leaves_open(lines, taken):
    """Whether a block that one of the lines taken opens is still open after the last of these."""
    opened = []
    for at, line in enumerate(lines[:taken[-1] + 1]):
        for brace in re.findall("[{}]", LITERAL.sub("", line)):
            if brace == "{":
                opened.append(at)
            elif opened:
                opened.pop()
    return not set(opened).isdisjoint(taken)


def pick(lines, patterns):
    """The lines that begin like the patterns; None if one of them is missing. A block that stays open ends with
    "..."."""
    taken, position, through = [], 0, False
    for pattern in patterns:
        if pattern == "...":
            through = True
            continue
        found = next((at for at in range(position, len(lines)) if lines[at].strip().startswith(pattern)), None)
        if found is None:
            return None
        taken += range(position if through else found, found + 1)
        position, through = found + 1, False
    picked = []
    for before, at in zip([None, *taken], taken):
        if before is not None and at != before + 1:
            picked.append("...")
        picked.append(lines[at])
    return picked + ["..."] * leaves_open(lines, taken)


def dedent(lines):
    """The lines without the indentation that all of them have."""
    depth = min((len(line) - len(line.lstrip()) for line in lines if line.strip() and line != "..."), default=0)
    return [line if line == "..." else line[depth:] for line in lines]


class Quote:
    """One block of code, and where it comes from."""

    def __init__(self, lab, language, what, patterns):
        self.lab = lab
        self.language = language
        self.patterns = patterns
        file, _, self.function = what.rpartition(": ") if language == "c" else (what, "", "")
        self.file = file
        if language == "c" and not file:
            files = sorted(lab.glob("solution/*.c")) or sorted(lab.glob("*.c"))
            self.file = files[0].name

    def path(self, student):
        return self.lab / ("" if student else "solution") / self.file

    def heading(self, student):
        if self.language == "js":
            return "Node.js"
        return f"C: {self.path(student).relative_to(ROOT)}, {self.function}"

    def cut(self, student=False):
        """The lines. If a student wrote the function in another way, the whole function."""
        lines = self.js_lines() if self.language == "js" else self.c_lines(student)
        picked = pick(lines, self.patterns) if self.patterns else lines
        if picked is None and not (student and self.language == "c"):
            raise Broken(f"{self.lab.name}: not every line is in {self.file}: {self.patterns}")
        return dedent(lines if picked is None else picked)

    def c_lines(self, student):
        lines = function_of(read_clean(self.path(student), student), self.function)
        if not lines and not student:
            raise Broken(f"{self.path(student)}: there is no function {self.function}")
        lines = [line for line in lines if not re.match(r" *\(void\)\w+;$", line)]
        return lines or [f"(there is no function {self.function})"]

    def js_lines(self):
        handout = (self.lab / "README.md").read_text(encoding="utf-8")
        block = re.search(rf"(?ms)^```js\n// \S*\b{re.escape(self.file)}\n(.*?)^```", handout)
        if not block:
            raise Broken(f"{self.lab.name}/README.md: there is no js block {self.file}")
        return block[1].strip("\n").splitlines()


# --- Scripts --------------------------------------------------------------------------------------


class Part:
    """A piece of a step: text or note (lines), code (quotes), or a command (lines, name, status, until,
    needed, look)."""

    def __init__(self, kind, lines=(), info=""):
        self.kind = kind
        self.lines = list(lines)
        self.quotes = []
        self.step = 0  # the number of its step
        self.name = info if kind == "server" else ""
        self.status = int((re.search(r"\bstatus=(\d+)", info) or [0, 0])[1])
        self.until = (re.search(r"\buntil=(.*)", info) or [0, ""])[1]
        self.needed = kind == "console" and "needed" in info.split()
        self.look = (re.search(r"\blook=(\S+)", info) or [0, ""])[1]

    def command(self):
        return "\n".join(self.lines)

    def seconds(self):
        """About how long it takes to tell."""
        if self.kind in ("text", "note"):
            return len(" ".join(self.lines).split()) / WORDS_A_SECOND
        if self.kind == "code":
            return LINE_SECONDS * sum(len(quote.cut()) for quote in self.quotes)
        return 0 if self.kind == "server" else COMMAND_SECONDS


class Step:
    """A heading, and the parts that follow."""

    def __init__(self, title):
        self.title = title
        self.parts = []

    def minutes(self):
        """About how long it takes to tell, in half minutes."""
        return max(1, round(sum(part.seconds() for part in self.parts) / 30)) / 2


class Script:
    """One script, read from its file."""

    def __init__(self, number):
        self.path = ROOT / f"grader/lecture/scripts/lab{number}.md"
        self.lab = next(iter(sorted(ROOT.glob(f"lab{number}-*/"))), None)
        if not self.lab or not self.path.exists():
            raise Broken(f"there is no lecture for lab {number}: {self.path}")
        self.title, self.intro, self.steps = "", [], []
        self.read(self.path.read_text(encoding="ascii").splitlines())

    def check(self, student):
        """Check all quotations, before the lecture shows anything."""
        for part in (part for step in self.steps for part in step.parts):
            for quote in part.quotes:
                quote.cut(student)

    def read(self, lines):
        rest = iter(lines)
        for line in rest:
            if line.startswith("# "):
                self.title = line[2:]
            elif line.startswith("## "):
                self.steps.append(Step(line[3:]))
            elif line.startswith("```"):
                self.add_block(line[3:].strip(), rest)
            elif line.startswith("> note: ") and self.steps:
                self.steps[-1].parts.append(Part("note", [line[8:], *self.rest_of_note(rest)]))
            elif not self.steps:
                self.intro.append(line)
            elif self.steps[-1].parts and self.steps[-1].parts[-1].kind == "text":
                self.steps[-1].parts[-1].lines.append(line)
            elif line:
                self.steps[-1].parts.append(Part("text", [line]))

    def rest_of_note(self, rest):
        return [line.removeprefix(">").strip() for line in iter(lambda: next(rest, ""), "")]

    def add_block(self, info, rest):
        body = []
        for line in rest:
            if line == "```":
                break
            body.append(line)
        kind, _, what = info.partition(" ")
        if not self.steps or kind not in ("js", "c", "server", "console", "bars"):
            raise Broken(f"{self.path}: unknown block: {info}")
        parts = self.steps[-1].parts
        if kind not in ("js", "c"):
            parts.append(Part(kind, body, what))
            parts[-1].step = len(self.steps)
            return
        if not parts or parts[-1].kind != "code":
            parts.append(Part("code"))
        parts[-1].quotes.append(Quote(self.lab, kind, what, [line.strip() for line in body]))
