#!/usr/bin/env python3
"""rooms: no files call each other in a circle, and no room calls one above it.

    rooms.py [--root DIR] [--objects DIR]

grader/README.md lists the rooms of grader/ from the ground up, common/README.md the floors of common/: each in a
table between `<!-- rooms -->` and `<!-- /rooms -->`. The first cell of a row names a room: a folder, or the files of a
floor, in backquotes. An arrow is an #include, or a call (`nm` of the objects shows it). A test fails, and
prints the arrows, if an arrow goes up or arrows make a circle; or if the README of a room says otherwise what it calls.
"""
import argparse
import collections
import pathlib
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools/dev"))
import tap  # noqa: E402  pylint: disable=wrong-import-position

INCLUDE = re.compile(r'^#include "((?:common|grader)/[\w/]+\.h)"', re.MULTILINE)
TABLE = re.compile(r"<!-- rooms -->(.*)<!-- /rooms -->", re.DOTALL)
NAME = re.compile(r"`([\w/]+)`")
CALLS = re.compile(r"(?:It|The room|The C) calls([^.;]*)[.;]")  # a room's README: "It calls `base/` and `common/`;"
CALLERS = re.compile(r";([^.;]*) call it\.")                     # "`play/` and `board/` call it."
HOUSES = ("common", "grader")


def read_rooms(root, house):
    """The rooms of a README, from the ground up: for each the paths of its folder or files, without .c and .h."""
    found = TABLE.search((root / house / "README.md").read_text(encoding="utf-8"))
    rows = found[1].splitlines() if found else []
    named = [NAME.findall(row.split("|")[1]) for row in rows if row.count("|") > 1]
    return [[f"{house}/{name}" for name in names] for names in named if names]


def read_files(root):
    """The text of each C file and header of both houses, by its path."""
    paths = [path for pattern in ("common/*.[ch]", "common/inner/*.[ch]", "grader/*/*.[ch]")
             for path in root.glob(pattern) if path.parent.name != "tests"]
    return {str(path.relative_to(root)): path.read_text(encoding="utf-8") for path in sorted(paths)}


def symbols(path, *options):
    out = subprocess.run(["nm", *options, "--format=posix", path], check=True, capture_output=True, text=True).stdout
    return [line.split()[0] for line in out.splitlines() if line]


def find_calls(files, objects):
    """An arrow (from, to) for each name that one object uses and another defines. A name with several definitions,
    such as main, makes no arrow."""
    built = {file: path for file in files if file.endswith(".c") and (path := objects / f"{file[:-2]}.o").exists()}
    owners = collections.defaultdict(set)
    for file, path in built.items():
        for name in symbols(path, "--defined-only", "--extern-only"):
            owners[name].add(file)
    return [(file, *owners[name]) for file, path in built.items() for name in symbols(path, "--undefined-only")
            if len(owners[name]) == 1 and file not in owners[name]]


def find_circles(arrows):
    """The groups of files that reach each other, by Tarjan's algorithm."""
    graph = collections.defaultdict(set)
    for source, target in arrows:
        graph[source].add(target)
    index, low, stack, found = {}, {}, [], []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in graph[node]:
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            group = [stack.pop()]
            while group[-1] != node:
                group.append(stack.pop())
            if len(group) > 1:
                found.append(" - ".join(sorted(group)))

    for node in sorted(graph):
        if node not in index:
            visit(node)
    return found


def place_of(file, rooms):
    """The room of the list that a file is in; None if it is in none."""
    stem = file.rsplit(".", 1)[0]
    for place, paths in enumerate(rooms):
        if any(stem == path or file.startswith(f"{path}/") for path in paths):
            return place
    return None


def find_upwards(arrows, rooms):
    places = [(source, place_of(source, rooms), target, place_of(target, rooms)) for source, target in arrows]
    return [f"{source} -> {target}" for source, low, target, high in places
            if low is not None and high is not None and high > low]


def check_house(house, rooms, files, arrows):
    mine = [file for file in files if file.startswith(f"{house}/")]
    homeless = [file for file in mine if place_of(file, rooms) is None]
    tap.check(f"every file of {house}/ is in a room of its README", not homeless, "\n".join(homeless))
    empty = [path for paths in rooms for path in paths if all(place_of(file, [[path]]) is None for file in mine)]
    tap.check(f"every room in the README of {house}/ exists", not empty, "\n".join(empty))
    upwards = find_upwards(arrows, rooms)
    tap.check(f"no room of {house}/ calls one above it", not upwards, "\n".join(upwards))


def folder_of(file):
    """ "play" of grader/play/peer.c, or "common". """
    return file.split("/")[1] if file.startswith("grader/") else "common"


def said_of(text, sentence):
    """The rooms that the README's sentence names; None if there is none."""
    found = sentence.search(" ".join(text.split()))
    return {name.rstrip("/") for name in NAME.findall(found[1])} if found else None


def check_sentences(root, rooms, arrows):
    """What the README of a room says that it calls, and who calls it."""
    for room in (path for paths in rooms for path in paths):
        text = (root / room / "README.md").read_text(encoding="utf-8")
        own = room.split("/")[1]
        calls = {folder_of(target) for source, target in arrows if folder_of(source) == own} - {own}
        callers = {folder_of(source) for source, target in arrows if folder_of(target) == own} - {own}
        for sentence, really in ((CALLS, calls), (CALLERS, callers)):
            said = said_of(text, sentence)
            if said is not None:
                tap.check(f"{room}/README.md: {'calls' if sentence is CALLS else 'callers'}", said == really,
                          f"said: {sorted(said)}, really: {sorted(really)}")


def check_the_check():
    """The test notices a house with one thing wrong."""
    rooms = [["grader/low"], ["grader/high"]]
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        texts = {"grader/low/a.c": "void b(void);\nvoid a(void) { b(); }\n",
                 "grader/high/b.c": "void a(void);\nvoid b(void) { a(); }\n"}
        for file, text in texts.items():
            (root / file).parent.mkdir(parents=True)
            (root / file).write_text(text, encoding="utf-8")
            subprocess.run(["cc", "-c", root / file, "-o", (root / file).with_suffix(".o")], check=True)
        calls = find_calls(read_files(root), root)
    tap.check("the test finds a call to a room above", find_upwards(calls, rooms) == ["grader/low/a.c -> grader/high/b.c"], calls)
    tap.check("the test finds a circle", find_circles(calls) == ["grader/high/b.c - grader/low/a.c"], calls)
    tap.check("the test reads a README's sentence", said_of("It calls\n`base/` and `common/`;\n`play/` call it.", CALLS)
              == {"base", "common"} and said_of("It calls `base/`; `play/` and\n`board/` call it.", CALLERS) == {"play", "board"})
    tap.check("the test finds a file without a room", place_of("grader/new.c", rooms) is None)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", default=pathlib.Path("."), type=pathlib.Path)
    parser.add_argument("--objects", default=pathlib.Path("build/obj/plain"), type=pathlib.Path)
    options = parser.parse_args()
    files = read_files(options.root)
    included = [(file, target) for file, text in files.items() for target in INCLUDE.findall(text) if target in files]
    calls = find_calls(files, options.objects)
    arrows = sorted({*included, *calls})
    tap.check("the project has includes and calls", included and calls, f"{len(included)} includes, {len(calls)} calls")
    for house in HOUSES:
        check_house(house, read_rooms(options.root, house), files, arrows)
    strangers = [f"{source} -> {target}" for source, target in arrows
                 if source.startswith("common/") and target.startswith("grader/")]
    tap.check("common/ calls nothing of grader/", not strangers, "\n".join(strangers))
    circles = find_circles(arrows)
    tap.check("no file is in a circle", not circles, "\n".join(circles))
    check_sentences(options.root, read_rooms(options.root, "grader"), arrows)
    check_the_check()
    return tap.done_testing()


if __name__ == "__main__":
    sys.exit(main())
