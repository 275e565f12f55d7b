"""submissions: who has handed in what.

An LMS gives a folder, or a zip, with one entry for each student: a folder, a zip, or files, whose names say whose they are.
find() looks through all of that and opens nothing but the students' C files. A submission is not trusted: no link is
followed, nothing is unpacked to disk, and what is too large is left out, and said.
"""
import calendar
import io
import os
import pathlib
import re
import stat
import unicodedata
import zipfile
from dataclasses import dataclass, field

MOST_BYTES = 1 << 20      # of a file: as grader/sandbox/submission.h
MOST_ZIP = 64 << 20       # of a zip in a zip
MOST_ENTRIES = 20000      # of a zip
MOST_FILES = 2000000      # of a folder
IGNORED = {'__MACOSX', '.git', '.DS_Store', 'build'}

# Moodle: "Maria Lopez_1234567_assignsubmission_file_/...". Canvas: "lopezmaria_LATE_1234_56789_server-1.c".
MOODLE = re.compile(r'(?P<name>.+)_(?P<number>\d+)_assignsubmission_(?:file|onlinetext)_?(?P<rest>.*)')
CANVAS = re.compile(r'(?P<name>[^_]+)(?:_LATE)?_(?P<number>\d+)_\d+_(?P<rest>.+)')


@dataclass
class Found:
    """A file that a student may have handed in."""
    path: tuple      # the names of its folders, and its own
    changed: float   # seconds since 1970
    content: bytes


@dataclass
class Student:
    name: str
    identity: str = ''                             # as it was handed in
    files: dict = field(default_factory=dict)      # "lab03-server/server.c": its content
    problems: list = field(default_factory=list)   # what a person must look at


# --- Files, in folders and in zips ----------------------------------------------------------------------

def from_folder(folder, wanted, problems):
    """Yields (path, time, content) of each C file and each zip below a folder."""
    count = 0
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in IGNORED and not os.path.islink(f'{place}/{name}'))
        for name in sorted(names):
            count += 1
            if count > MOST_FILES:
                problems.append('it has too many files')
                return
            full = pathlib.Path(place) / name
            about = full.lstat()
            parts = full.relative_to(folder).parts
            if not wanted(name):
                continue
            if not stat.S_ISREG(about.st_mode):
                problems.append(f'{"/".join(parts)} is not a regular file')
            elif about.st_size > (MOST_BYTES if name.lower().endswith('.c') else MOST_ZIP * 16):
                problems.append(f'{"/".join(parts)} is too large')
            else:
                yield parts, about.st_mtime, full.read_bytes()


def from_zip(name, content, wanted, problems):
    """The same of a zip. A size that it claims is not believed: no more than that is read."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
        entries = archive.infolist()
    except Exception as why:  # pylint: disable=broad-except  a stranger's file: whatever is wrong with it
        problems.append(f'{name}: not a zip that can be read: {why}')
        return
    for entry in entries[:MOST_ENTRIES]:
        parts = tuple(entry.filename.replace('\\', '/').split('/'))
        if set(parts) & (IGNORED | {'..', ''}) or not wanted(parts[-1]) or stat.S_ISLNK(entry.external_attr >> 16):
            continue
        most = MOST_BYTES if parts[-1].lower().endswith('.c') else MOST_ZIP
        try:
            with archive.open(entry) as file:
                content = file.read(most + 1)
        except Exception as why:  # pylint: disable=broad-except
            problems.append(f'{name}: {entry.filename} cannot be read: {why}')
            continue
        if len(content) > most:
            problems.append(f'{name}: {entry.filename} is too large')
        else:
            yield parts, seconds_of(entry), content


def seconds_of(entry):
    year, month, *rest = entry.date_time  # a zip may have no date: then the month is 0
    return float(calendar.timegm((year, min(max(month, 1), 12), *rest)))  # nor does it say of which time zone


def unpacked(source, wanted, problems, depth=0):
    """Every C file of what from_folder or from_zip yields, and of the zips in it, and of those in these."""
    for parts, changed, content in source:
        if parts[-1].lower().endswith('.c'):
            yield Found(parts, changed, content)
        elif depth < 3:
            inside = from_zip('/'.join(parts), content, wanted, problems)
            for found in unpacked(inside, wanted, problems, depth + 1):
                yield Found((*parts, *found.path), found.changed, found.content)


def all_files(path, labs, problems):
    def wanted(name):
        """A zip, or a name that some program has at its end."""
        return name.lower().endswith('.zip') or labs.may_be(name)
    source = from_zip(path.name, path.read_bytes(), wanted, problems) if path.is_file() else from_folder(path, wanted, problems)
    return list(unpacked(source, wanted, problems))


# --- Whose a file is ------------------------------------------------------------------------------------

def without_top(files, labs):
    """Without a folder, or a zip, in which everything is: unless it is a student's."""
    while files and len({found.path[0] for found in files}) == 1 and len(files[0].path) > 2 and not is_students(files[0].path, labs):
        files = [Found(found.path[1:], found.changed, found.content) for found in files if len(found.path) > 1]
    return files


def is_students(path, labs):
    """The first name is a student's: an LMS has made it, or a lab's folder or file comes next."""
    return bool(MOODLE.fullmatch(path[0]) or CANVAS.fullmatch(path[0])) or path[1] in labs.folders or path[1] in labs.programs


def owner(path):
    """The name and the id of the student whose path this is, and the rest of the path."""
    first = path[0]
    found = MOODLE.fullmatch(first) or CANVAS.fullmatch(first)
    if found:
        rest = (found['rest'],) if found['rest'] else ()
        return found['name'], f'{found["name"]}-{found["number"]}', (*rest, *path[1:])
    name = re.sub(r'\.zip$', '', first, flags=re.I)
    if len(path) > 1:
        return name, name, path[1:]
    flat = re.fullmatch(r'(.+?)[-_. ]([a-z]+(?:-\d+)?\.c)', first)  # lopez-server.c
    return (flat[1], flat[1], (flat[2],)) if flat else (None, None, path)


def folder_name(identity):
    """A name for a folder, of letters, digits, dots, lines."""
    text = unicodedata.normalize('NFC', identity).strip()
    return re.sub(r'[^\w.-]+', '-', text).strip('-.').lower() or 'nobody'


# --- Of which lab a file is -----------------------------------------------------------------------------

class Labs:
    """The labs of this project, and the files that belong to them."""

    def __init__(self, folders, programs):
        self.folders = folders                       # ['lab03-server', ...]
        self.programs = {}                           # 'server.c': ['lab03-server', ...]
        for name in programs:                        # 'lab03-server/server.c'
            folder, file = name.split('/')
            self.programs.setdefault(file, []).append(folder)

    def may_be(self, name):
        """Whether a file with this name, which an LMS may have put something before or behind, may be a program's."""
        stems = '|'.join(file.removesuffix('.c') for file in self.programs)
        return re.search(rf'(?:{stems})(?:-\d+| \(\d+\))?\.c$', name, re.I) is not None

    def of(self, found_path, content):
        """(the lab's folder, the file's name, which try it was); the lab is None if it is unclear; None for other files."""
        name = re.fullmatch(r'(?P<stem>.+?)(?:-(?P<number>\d+)| \((?P<copy>\d+)\))?\.c', found_path[-1], re.I)
        if not name:
            return None
        file = f'{name["stem"]}.c'
        if file not in self.programs:
            return None
        number = int(name['number'] or name['copy'] or 0)
        for part in reversed(found_path[:-1]):
            if part in self.folders:
                return (part, file, number) if part in self.programs[file] else None
        if len(self.programs[file]) == 1:
            return self.programs[file][0], file, number
        said = re.search(rb'\blab *0?(\d)\b', content[:2000], re.I)
        fitting = [lab for lab in self.programs[file] if said and lab.startswith(f'lab0{said[1].decode()}-')]
        return fitting[0] if fitting else None, file, number


def take(student, found, place, tries):
    """Keep the file, unless a later try of it is there."""
    lab, file, number = place
    name = f'{lab}/{file}'
    order = (number, found.changed)
    if name in tries and tries[name] >= order:
        return
    tries[name] = order
    student.files[name] = found.content


def find(path, labs):
    """{folder name of a student: Student}, of everything that was handed in; and the problems that nobody in particular has."""
    problems = []
    students = {}
    tries = {}
    for found in without_top(all_files(path, labs, problems), labs):
        name, identity, rest = owner(found.path)
        if name is None:
            problems.append(f'{"/".join(found.path)}: whose is it?')
            continue
        key = folder_name(identity)
        student = students.setdefault(key, Student(name, identity))
        if student.identity != identity:
            student.problems.append(f'"{identity}" and "{student.identity}" would have the same folder: rename one; only '
                                    f'the files of "{student.identity}" are graded')
            continue
        place = labs.of(rest, found.content)
        if place and place[0]:
            take(student, found, place, tries.setdefault(key, {}))
        elif place:
            student.problems.append(f'{"/".join(rest)}: of which lab? Neither its folder nor its first comment says so')
    return students, problems
