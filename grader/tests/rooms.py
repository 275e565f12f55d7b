#!/usr/bin/env python3
"""rooms: the house has no circle, and no room calls one above it.

    rooms.py [--root DIR] [--objects DIR]

The rooms of grader/ stand from the ground up in grader/README.md, the floors of common/ in common/README.md: each in
a list between `<!-- rooms -->` and `<!-- /rooms -->`, one room a line, its name first, in backquotes. A file is one
with its header. An arrow is an #include, or a call (`nm` of the objects shows it). With arrows that go up, or
around, this fails, and prints them.
"""
import argparse
import collections
import pathlib
import re
import subprocess
import sys

INCLUDE = re.compile(r'^#include "((?:common|grader)/[\w/]+)\.h"', re.MULTILINE)
ROOM = re.compile(r"^[-|*\d. ]*`([\w/]+)/?`", re.MULTILINE)
LIST = re.compile(r"<!-- rooms -->(.*)<!-- /rooms -->", re.DOTALL)


def rooms_of(readme):
    """The rooms that a README lists, from the ground up."""
    found = LIST.search(readme.read_text(encoding="utf-8"))
    return ROOM.findall(found[1]) if found else []


def sources(root):
    """The C files and headers of the rooms, by module: 'grader/words/quote' has one or both."""
    modules = collections.defaultdict(list)
    for pattern in ("common/*.[ch]", "common/inner/*.[ch]", "grader/*/*.[ch]"):
        for path in sorted(root.glob(pattern)):
            if "/tests/" not in str(path.relative_to(root)):
                modules[str(path.relative_to(root).with_suffix(""))].append(path)
    return modules


def includes(modules):
    """Arrows (from, to) for each #include of one module by another."""
    for module, paths in modules.items():
        for path in paths:
            for target in INCLUDE.findall(path.read_text(encoding="utf-8")):
                if target != module:
                    yield module, target


def symbols(path, *options):
    out = subprocess.run(["nm", *options, "--format=posix", path], check=True, capture_output=True, text=True).stdout
    return [line.split()[0] for line in out.splitlines() if line]


def calls(modules, objects):
    """Arrows for each name that a module's object uses and another's defines. A name that several define, such as
    main, is nobody's."""
    built = {module: path for module, files in modules.items()
             if any(file.suffix == ".c" for file in files) and (path := objects / f"{module}.o").exists()}
    owners = collections.defaultdict(set)
    for module, path in built.items():
        for name in symbols(path, "--defined-only", "--extern-only"):
            owners[name].add(module)
    for module, path in built.items():
        for name in symbols(path, "--undefined-only"):
            if len(owners.get(name, ())) == 1 and module not in owners[name]:
                yield module, next(iter(owners[name]))


def circles(arrows):
    """Tarjan's algorithm: the groups of modules that reach each other."""
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
                found.append(sorted(group))

    for node in sorted(graph):
        if node not in index:
            visit(node)
    return found


def room_of(module, order):
    """The place of a module's room in the list: the longest name that the module's path begins with, or is."""
    names = [name for name in order if module == name or module.startswith(name + "/")]
    return order.index(max(names, key=len)) if names else None


def upwards(arrows, order):
    """The arrows of this house that go from a lower room to a higher one."""
    for source, target in sorted(set(arrows)):
        below, above = room_of(source, order), room_of(target, order)
        if below is not None and above is not None and above > below:
            yield f"{source} -> {target}"


class Tests:
    """Writes TAP."""

    def __init__(self):
        self.count = 0

    def check(self, what, wrong):
        self.count += 1
        print(f"{'not ok' if wrong else 'ok'} {self.count} - {what}")
        for line in wrong:
            print(f"# {line}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", default=".", type=pathlib.Path)
    parser.add_argument("--objects", type=pathlib.Path)
    options = parser.parse_args()
    root = options.root
    objects = options.objects or root / "build/obj/plain"
    modules = sources(root)
    order = {house: [f"{house}/{room}" for room in rooms_of(root / house / "README.md")]
             for house in ("common", "grader")}
    arrows = [*includes(modules), *calls(modules, objects)]
    tests = Tests()
    for house in order:
        mine = [module for module in modules if module.startswith(house + "/")]
        tests.check(f"every file of {house}/ is in a room of its README",
                    [module for module in mine if room_of(module, order[house]) is None])
        tests.check(f"no room of {house}/ is listed that is not there",
                    [room for room in order[house] if all(room_of(module, order[house]) != order[house].index(room)
                                                          for module in mine)])
        tests.check(f"no room of {house}/ calls one above it", list(upwards(arrows, order[house])))
    tests.check("common/ calls nothing of grader/", [f"{source} -> {target}" for source, target in sorted(set(arrows))
                                                     if source.startswith("common/") and target.startswith("grader/")])
    tests.check("no file is in a circle", [" - ".join(group) for group in circles(arrows)])
    tests.check("calls were looked at, and not only includes",
                [] if any(path.exists() for path in [objects / "grader/play/exchange.o"]) else [f"{objects} is empty"])
    print(f"1..{tests.count}")


if __name__ == "__main__":
    main()
