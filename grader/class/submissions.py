"""submissions: find out who has handed in which files.

An LMS gives a folder, or a zip, with one entry for each student: a folder, a zip, or files; the names say who the
student is. find() looks through all of this and opens nothing but the students' C files. It trusts no submission: it
follows no link, unpacks nothing to disk, leaves out what is too large, and says so. A zip of some hundred bytes may
unpack to more than this machine has.
"""
import hashlib
import io
import os
import pathlib
import re
import stat
import struct
import time
import unicodedata
import zipfile
from dataclasses import dataclass, field

MOST_BYTES = 1 << 20      # of a file: as grader/sandbox/submission.h
MOST_ZIP = 64 << 20       # of a zip in a zip
MOST_UNPACKED = 128 << 20 # of everything in one submission's zip
MOST_ENTRIES = 20000      # of a zip ...
MOST_DIRECTORY = 4 << 20  # ... and bytes of its list of them
MOST_FILES = 2000000      # of a folder
NO_DATE = (1980, 1, 1, 0, 0, 0)  # the date in a zip whose maker knew none
IGNORED = {'__MACOSX', '.git', '.DS_Store', 'build'}
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # of packing; zipfile unpacks the others without a bound

# What a class's folder has beside the students' folders, and names that could be more of it.
TAKEN = re.compile(r'joblog|kit|slurm|.*\.(?:csv|html|json|new|txt)')
MOST_NAME = 120           # bytes of a folder's name

# Moodle: "Maria Lopez_1234567_assignsubmission_file_/...". Canvas: "lopezmaria_LATE_1234_56789_server-1.c".
# Blackboard: "Lab 3_lopezmaria_attempt_2026-11-30-22-05-10_server.c".
MOODLE = re.compile(r'(?P<name>.+)_(?P<number>\d+)_assignsubmission_(?:file|onlinetext)_?(?P<rest>.*)')
CANVAS = re.compile(r'(?P<name>[^_]+)(?:_LATE)?_(?P<number>\d+)_\d+_(?P<rest>.+)')
BLACKBOARD = re.compile(r'.+_(?P<name>[^_]+)_attempt_(?P<time>\d{4}(?:-\d\d){5})_?(?P<rest>.*)')


@dataclass
class Found:
    """A file that a student may have handed in."""
    path: tuple      # the names of its folders and zips, and its own
    times: tuple     # for each of these, when the file or the zip was written: seconds since 1970, or None
    content: bytes

    def below(self):
        """The same without the first folder or zip."""
        return Found(self.path[1:], self.times[1:], self.content)

    def handed_in(self):
        """The time of handing in, if known: files that a student has packed into a zip may be older than the zip."""
        said = BLACKBOARD.fullmatch(self.path[0])
        try:
            return time.mktime(time.strptime(said['time'], '%Y-%m-%d-%H-%M-%S')) if said else self.times[0]
        except (OverflowError, ValueError):
            return None


@dataclass
class Student:
    name: str
    identity: str = ''                             # as the LMS writes it
    files: dict = field(default_factory=dict)      # "lab03-server/server.c": its content
    problems: list = field(default_factory=list)   # for the instructor
    times: dict = field(default_factory=dict)      # "lab03-server/server.c": when it was handed in, or None

    def handed_in(self):
        """When the student handed in the last of the files, as far as we know."""
        return max((self.times[name] for name in self.files if self.times.get(name) is not None), default=None)


def printable(text):
    """The text without what is not: control characters, bytes that are no UTF-8, writing that runs backwards."""
    return ''.join(f'\\u{ord(char):04x}' if unicodedata.category(char) in ('Cc', 'Cs', 'Zl', 'Zp') or
                   '\u202a' <= char <= '\u202e' or '\u2066' <= char <= '\u2069' else char for char in text)


def cell(text):
    """The text as a spreadsheet shows it: what begins like a formula would be computed."""
    return f"'{text}" if text[:1] in ('=', '+', '-', '@') else text


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
            if not wanted(name):
                continue
            parts = full.relative_to(folder).parts
            try:
                found = from_file(full)
            except (OSError, ValueError) as why:
                problems.append(f'{"/".join(parts)} {why.strerror if isinstance(why, OSError) else why}')
            else:
                yield parts, *found


def from_file(path):
    """The time and the content of a file in a folder; of a zip, the file itself, opened."""
    about = path.lstat()
    is_zip = not path.name.lower().endswith('.c')
    if not stat.S_ISREG(about.st_mode):
        raise ValueError('is not a regular file')
    if about.st_size > (MOST_ZIP * 16 if is_zip else MOST_BYTES):
        raise ValueError('is too large')
    if is_zip:
        return about.st_mtime, path.open('rb')
    with path.open('rb') as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:  # now
        raise ValueError('is too large')
    return about.st_mtime, content


class Room:
    """How much more may be unpacked of one submission."""

    def __init__(self):
        self.octets = MOST_UNPACKED

    def take(self, octets):
        self.octets -= octets
        if self.octets < 0:
            raise ValueError('there is too much in this zip')


def entries_of(name, file, problems):
    """The zip in this open file, and what is in it. It may be broken in any way."""
    end = zipfile._EndRecData(file)  # pylint: disable=protected-access  all is read at once, whatever its size
    if end and end[zipfile._ECD_SIZE] > MOST_DIRECTORY:  # pylint: disable=protected-access
        raise ValueError('it has too many files')
    archive = zipfile.ZipFile(file)
    entries = archive.infolist()
    if len(entries) > MOST_ENTRIES:
        problems.append(f'{name}: only the first {MOST_ENTRIES} of its files were looked at')
    return archive, entries[:MOST_ENTRIES]


def from_zip(name, file, wanted, problems, room):
    """The same for a zip. Never read more than the limit, whatever size the zip claims. `room` is None for the zip of
    a whole class."""
    try:
        archive, entries = entries_of(name, file, problems)
    except Exception as why:  # pylint: disable=broad-except  a stranger's file may be wrong in any way
        problems.append(f'{name}: not a zip, or a broken one: {why}')
        return
    for entry in entries:
        parts = tuple(entry.filename.replace('\\', '/').split('/'))
        if set(parts) & (IGNORED | {'..', ''}) or not wanted(parts[-1]) or stat.S_ISLNK(entry.external_attr >> 16):
            continue
        try:
            content = unpack(archive, entry, room)
        except Exception as why:  # pylint: disable=broad-except
            problems.append(f'{name}: cannot read {entry.filename}: {why}')
            if room and room.octets < 0:
                return
            continue
        yield parts, seconds_of(entry), content


def unpack(archive, entry, room):
    """The content of one file in a zip."""
    is_zip = not entry.filename.lower().endswith('.c')
    most = MOST_ZIP if is_zip else MOST_BYTES
    if entry.compress_type not in METHODS:
        raise ValueError('it is packed in an unusual way; deflate is usual')
    with archive.open(entry) as file:
        content = file.read(most + 1)
    if room:
        room.take(len(content))
    if len(content) > most:
        raise ValueError('it is too large')
    return io.BytesIO(content) if is_zip else content


def seconds_of(entry):
    """When a file of a zip has changed: by its "UT" field, which has the seconds since 1970; otherwise by its date,
    which we take for one of this machine's time zone. None if it has no date."""
    extra = entry.extra
    while len(extra) >= 9:
        kind, size, flags, seconds = struct.unpack_from('<HHBi', extra)
        if kind == 0x5455 and size >= 5 and flags & 1:
            return float(seconds)
        extra = extra[4 + size:]
    try:
        return None if entry.date_time <= NO_DATE else time.mktime((*entry.date_time, 0, 0, -1))
    except (OverflowError, ValueError):
        return None


def unpacked(source, wanted, problems, depth=0, room=None):
    """Every C file that from_folder or from_zip yields, also from zips in zips."""
    for parts, changed, content in source:
        if parts[-1].lower().endswith('.c'):
            yield Found(parts, (changed,) * len(parts), content)
        elif depth < 3:
            room_there = room or Room()
            with content:
                inside = from_zip('/'.join(parts), content, wanted, problems, room_there)
                for found in unpacked(inside, wanted, problems, depth + 1, room_there):
                    yield Found((*parts, *found.path), (*(changed,) * len(parts), *found.times), found.content)


def all_files(path, labs, problems):
    def wanted(name):
        """Whether this is a zip, or ends in the name of a lab's file."""
        return name.lower().endswith('.zip') or labs.may_be(name)
    if not path.is_file():
        return list(unpacked(from_folder(path, wanted, problems), wanted, problems))
    with path.open('rb') as file:
        return list(unpacked(from_zip(path.name, file, wanted, problems, None), wanted, problems))


# --- The student of a file ------------------------------------------------------------------------------

def without_top(files, labs):
    """Remove a folder or zip around everything, unless it is a student's."""
    while files and len({found.path[0] for found in files}) == 1 and len(files[0].path) > 2 and not is_students(files[0].path, labs):
        files = [found.below() for found in files if len(found.path) > 1]
    return files


def of_lms(name):
    return MOODLE.fullmatch(name) or BLACKBOARD.fullmatch(name) or CANVAS.fullmatch(name)


def is_students(path, labs):
    """Whether the first name is a student's: an LMS made it, or a lab's folder or file comes next."""
    return bool(of_lms(path[0])) or path[1] in labs.folders or path[1] in labs.programs


def owner(path):
    """The name and the id of the student in this path, and the rest of the path."""
    first = printable(path[0])
    found = of_lms(first)
    if found:
        rest = (found['rest'],) if found['rest'] else ()
        number = found.groupdict().get('number')
        return found['name'], f'{found["name"]}-{number}' if number else found['name'], (*rest, *path[1:])
    name = re.sub(r'\.zip$', '', first, flags=re.I)
    if len(path) > 1:
        return name, name, path[1:]
    flat = re.fullmatch(r'(.+?)[-_. ]([a-z]+(?:-\d+)?\.c)', first)  # lopez-server.c
    return (flat[1], flat[1], (flat[2],)) if flat else (None, None, path)


def folder_name(identity):
    """A name for a folder, made of letters, digits, dots and hyphens; nothing else in a class's folder has it."""
    text = unicodedata.normalize('NFC', identity).strip()
    name = re.sub(r'[^\w.-]+', '-', text).strip('-.').lower() or 'nobody'
    if TAKEN.fullmatch(name):
        name += '-student'
    octets = name.encode()
    if len(octets) <= MOST_NAME:
        return name
    return f'{octets[:MOST_NAME - 9].decode(errors="ignore")}-{hashlib.sha256(octets).hexdigest()[:8]}'


# --- The lab of a file ----------------------------------------------------------------------------------

class Labs:
    """The labs of this project, and the files that belong to them."""

    def __init__(self, folders, programs):
        self.folders = folders                       # ['lab03-server', ...]
        self.programs = {}                           # 'server.c': ['lab03-server', ...]
        for name in programs:                        # 'lab03-server/server.c'
            folder, file = name.split('/')
            self.programs.setdefault(file, []).append(folder)

    def may_be(self, name):
        """Whether a file with this name may be a program's; an LMS may add something before or after the name."""
        stems = '|'.join(file.removesuffix('.c') for file in self.programs)
        return re.search(rf'(?:{stems})(?:-\d+| \(\d+\))?\.c$', name, re.I) is not None

    def of(self, found_path, content):
        """(the lab's folder, the file's name, the number of the try); lab None if unclear; None for other files."""
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


def take(student, found, place, tries, due):
    """Keep the file, unless there is a better try: the last of those in time, or the last of all if none is."""
    lab, file, number = place
    name = f'{lab}/{file}'
    handed_in = found.handed_in()
    in_time = due is None or handed_in is None or handed_in <= due
    order = (in_time, number, handed_in or 0, found.times[-1] or 0)
    if name in tries and tries[name][0] != in_time:
        student.problems.append(f'{name}: a try after the deadline was left out')
    if due and in_time and CANVAS.fullmatch(found.path[0]) and '_LATE_' in found.path[0]:
        student.problems.append(f'{name}: its name says LATE, but it has no time after the deadline')
    if name in tries and tries[name] >= order:
        return
    tries[name] = order
    student.files[name] = found.content
    student.times[name] = handed_in


def find(path, labs, due=None):
    """{folder name of a student: Student} for all submissions, and the problems that belong to no student.
    `due` is the deadline, in seconds since 1970."""
    problems = []
    students = {}
    tries = {}
    for found in without_top(all_files(path, labs, problems), labs):
        name, identity, rest = owner(found.path)
        if name is None:
            problems.append(f'{"/".join(found.path)}: which student handed it in?')
            continue
        key = folder_name(identity)
        student = students.setdefault(key, Student(name, identity))
        if student.identity != identity:
            student.problems.append(f'"{identity}" and "{student.identity}" would have the same folder: rename one; only '
                                    f'the files of "{student.identity}" are graded')
            continue
        place = labs.of(rest, found.content)
        if place and place[0]:
            take(student, found, place, tries.setdefault(key, {}), due)
        elif place:
            student.problems.append(f'{"/".join(rest)}: of which lab? Neither its folder nor its first comment says so')
    return students, problems
