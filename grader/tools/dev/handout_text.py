"""handout_text: read a handout's Markdown, and check everything that does not need to run.
handout.py has the rules."""
import pathlib
import re
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[3]
SECTIONS = ["What you build", "The idea", "In Node.js", "Your tasks", "Run it", "On the wire",
            "When it fails", "Going further", "Before you go on"]
QUESTIONS = 3  # of the last section; each has a folded answer


class Wrong(Exception):
    """A mistake in a handout, and its line, counted from 0."""

    def __init__(self, line, text):
        super().__init__(text)
        self.line = line


# --- Markdown
# -----------------------------------------------------------------------------------------


class Command:
    """One command and its expected output: the lines of the file from `start` to before `end`."""

    def __init__(self, text, line):
        self.text = text
        self.line = line
        self.start = self.end = line + 1
        self.expected = []


class Block:
    """One fenced block; `line` is its first line inside. `state` is the state of the student's files:
    None for the solution, ("todo", N) for the first N TODOs done, ("mistake", name)."""

    def __init__(self, language, line, lines, state):
        self.language = language
        self.line = line
        self.lines = lines
        self.state = state
        self.commands = []
        if language == "console":
            self.parse_commands()

    def parse_commands(self):
        for number, line in enumerate(self.lines, self.line):
            if line.startswith("$ "):
                self.commands.append(Command(line[2:], number))
            elif not self.commands:
                raise Wrong(number, 'a console block begins with a command: a line "$ ..."')
            elif line.startswith("> ") and not self.commands[-1].expected:
                self.commands[-1].text += "\n" + line[2:]
                self.commands[-1].start = self.commands[-1].end = number + 1
            else:
                self.commands[-1].expected.append(line)
                self.commands[-1].end = number + 1

    def is_server(self):
        return any(re.match(r"(\.\.\.\n)?listening on ", "\n".join(command.expected))
                   for command in self.commands)


STATE = re.compile(r"<!-- with (?:(the starter)|TODO 1(?: to (\d+))? done|the mistake (\S+)) -->$")


def parse_state(line, number):
    """The state in the comment above a block."""
    if not line.startswith("<!--"):
        return None
    match = STATE.match(line)
    if not match:
        raise Wrong(number, "unknown comment: see handout.py")
    starter, last, mistake = match.groups()
    if mistake:
        return ("mistake", mistake)
    return ("todo", 0 if starter else int(last or 1))


def parse(lines):
    """All fenced blocks of the file."""
    blocks = []
    language = None
    for number, line in enumerate(lines):
        if not line.startswith("```"):
            continue
        if language is None:
            language, start = line[3:].strip(), number + 1
            state = parse_state(lines[number - 1] if number else "", number - 1)
        else:
            blocks.append(Block(language, start, lines[start:number], state))
            language = None
    if language is not None:
        raise Wrong(start - 1, "this block does not end")
    return blocks


# --- Quotations, names, links
# -------------------------------------------------------------------------


def squeeze(text):
    return re.sub(r"\s+", " ", text).strip().replace("* ", "*")


def quoted_sources(lab):
    """The texts that a handout may quote C from; each white space becomes one blank."""
    include = subprocess.run(["pkg-config", "--variable=includedir", "libnghttp2"],
                             stdout=subprocess.PIPE, text=True, check=False).stdout.strip()
    paths = [*sorted(lab.glob("solution/*.c") if lab else []), *sorted(ROOT.glob("common/*.h")),
             pathlib.Path(include or "/usr/include") / "nghttp2/nghttp2.h"]
    return [squeeze(path.read_text(encoding="utf-8")) for path in paths if path.exists()]


def has_pieces(source, pieces):
    position = 0
    for piece in pieces:
        position = source.find(piece, position)
        if position < 0:
            return False
        position += len(piece)
    return True


def check_quotation(block, sources):
    """Check that each paragraph is in some file, each perhaps in another."""
    for paragraph in "\n".join(block.lines).split("\n\n"):
        pieces = [squeeze(piece) for piece in re.split(r"(?m)^\s*\.\.\.\s*$", paragraph)]
        if not any(has_pieces(source, pieces) for source in sources):
            yield Wrong(block.line, "neither the lab's solution nor a header has this:\n" + paragraph)


def check_names(lines, sources):
    """Check that the functions, types and constants named between backticks exist. (check_lab looks
    at the names of checks.)"""
    known = set(re.findall(r"\w+", " ".join(sources)))
    floors = {path.stem for path in ROOT.glob("common/*.h")} | {"nghttp2"}
    for number, line in enumerate(lines):
        for code in re.findall(r"`[^`]*`", line):
            for word in re.findall(r"\b[A-Za-z0-9]+_\w+", re.sub(r"CHECK=\w+", "", code)):
                if word.split("_")[0].lower() in floors and word not in known:
                    yield Wrong(number, f"there is no {word}")


def check_links(path, lines):
    for number, line in enumerate(lines):
        for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", line):
            if not re.match(r"[a-z]+:", link) and not (path.parent / link).exists():
                yield Wrong(number, f"it links to {link}, which does not exist")


RFC_LINK = re.compile(r"\[([^\]]*)\]\(https://www\.rfc-editor\.org/rfc/rfc(\d+)(?:#section-([\d.]+))?\)")


def paragraphs(lines):
    """The text of each paragraph and of each row of a table, with the number of its first line."""
    start = 0
    for number in range(1, len(lines) + 1):
        if number == len(lines) or not lines[number].strip() or lines[number].lstrip("> ").startswith("|"):
            yield start, " ".join(lines[start:number])
            start = number


def check_sections(lines):
    """Check that the link to a section leads to the section that it names. Without the number of an RFC, it is of
    RFC 9113, or of the RFC named before it in the paragraph."""
    for number, text in paragraphs(lines):
        before = "9113"
        for name, rfc, section in RFC_LINK.findall(text):
            named = re.search(r"RFC (\d+)", name)
            if rfc not in ([named[1]] if named else [before, "9113"]) and not re.fullmatch(rfc, name):
                yield Wrong(number, f'"{name}" leads to RFC {rfc}')
            if section and name.split()[-1] != section:
                yield Wrong(number, f'"{name}" leads to section {section}')
            before = rfc


# --- The lab
# ------------------------------------------------------------------------------------------


def todos_of(solution):
    """The numbers of the TODOs in the starter of a solution."""
    with tempfile.TemporaryDirectory() as folder:
        with open(f"{folder}/starter.c", "wb") as starter:
            subprocess.run(["sh", ROOT / "grader/tools/dev/starter.sh", solution], stdout=starter, check=True)
        told = subprocess.run([ROOT / "build/grader/todos", "starter.c"], cwd=folder, stdout=subprocess.PIPE, text=True,
                              check=True)
    return [line.split()[0] for line in told.stdout.splitlines()]


def check_lab(lab, lines):
    """Check that a lab's handout has its sections, and tells of all TODOs and all checks."""
    headings = [line[3:].strip() for line in lines if line.startswith("## ")]
    if headings != SECTIONS:
        yield Wrong(0, f"its sections are {headings}, and must be {SECTIONS}")
    text = "\n".join(lines)
    last = text.split(f"\n## {SECTIONS[-1]}\n")[-1]
    questions = re.findall(r"(?m)^\*\*(\d)\.\*\* [^\n](?:.|\n(?!\n))*\n\n<details><summary>Answer</summary>\n\n[^<\n]", last)
    if questions != [str(i + 1) for i in range(QUESTIONS)]:
        yield Wrong(0, f'"{SECTIONS[-1]}" has the questions {questions} with a folded answer, and must have {QUESTIONS}')
    asked = {number for path in lab.glob("solution/*.c") for number in todos_of(path)}
    told = set(re.findall(r"(?m)^### .*\bTODO (\d+)\b", text))
    for number in sorted(asked - told):
        yield Wrong(0, f"no heading is about TODO {number}")
    for number in sorted(told - asked):
        yield Wrong(0, f"a heading is about TODO {number}, which does not exist")
    checks = (ROOT / f"grader/checks/{lab.name[:5]}.c").read_text(encoding="utf-8")
    exist = set(re.findall(r"(?m)^CHECK\(\w+, (\w+),", checks))
    named = set(re.findall(r"CHECK=(\w+)", text))
    for check in sorted(exist - named):
        yield Wrong(0, f"it does not name the check {check}")
    for check in sorted(named - exist):
        yield Wrong(0, f"it names the check {check}, which does not exist")


def check_text(path, lab, lines, blocks):
    """Check everything that does not need to run. Yield what is wrong."""
    sources = quoted_sources(lab)
    for block in blocks:
        if block.language == "c":
            yield from check_quotation(block, sources)
    yield from check_names(lines, sources)
    yield from check_links(path, lines)
    yield from check_sections(lines)
    if lab and lab.name != "bonus":
        yield from check_lab(lab, lines)
