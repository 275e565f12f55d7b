"""submissions: find out who has handed in which files.

An LMS gives a folder, or a zip, with one entry for each student: a folder, a zip, or files; the names say who the
student is. find() looks through all of this and opens nothing but the students' C files. It trusts no submission: it
follows no link, unpacks nothing to disk, leaves out what is too large, and says so. A zip of some hundred bytes may
unpack to more than this machine has. Whatever is wrong with a submission is a problem of this submission, and the others
are graded: find() begins with the names, which say whose each file is, then looks into one file after another, and keeps
only those that count.
"""
import collections
import contextlib
import functools
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
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import late

MOST_BYTES = 1 << 20      # of a file: as grader/sandbox/submission.h
MOST_ZIP = 64 << 20       # of a zip in a zip
MOST_OVERHEAD = 1 << 16   # that a file may be longer when packed
MOST_UNPACKED = 128 << 20 # of everything in one student's zips
MOST_SECONDS = 30         # of the processor, to look into everything of one student
MOST_ENTRIES = 20000      # files of a student
MOST_DIRECTORY = 3 << 19  # bytes of a zip's list of them
CLASS_ENTRIES = 400000    # the same of the zip of a class: no student makes it too long for all
CLASS_DIRECTORY = 64 << 20
MOST_DEEP = 3             # zips in zips
MOST_FILES = 2000000      # of a folder
MOST_OTHERS = 4           # names of the path of a file that is no C file
MOST_TOPS = 10            # folders and zips around all students
FEW = 4                   # one in four names around all students may be a stray file or folder
MOST_PROBLEMS = 20        # of a student ...
MOST_OF_NOBODY = 1000     # ... and of no student
MOST_SHOWN = 200          # characters of a name, or of the words about a problem
NO_DATE = (1980, 1, 1, 0, 0, 0)  # the date in a zip whose maker knew none
GIVEN = {'common', 'grader'}  # folders of the students' repository that are not theirs
IGNORED = {'__MACOSX', '.git', '.DS_Store', 'build'}
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # of packing; zipfile unpacks the others without a bound

TOO_MANY = 'there are too many files in zips or folders'
TOO_LONG = f'to look into its files takes more than {MOST_SECONDS} s: the rest of them was left out'

# What a browser and an LMS add to the name of another try: "server-1.c", "server (2).c", "server-1-3.c".
ADDED = r'(?:-\d{1,9}| ?\(\d{1,9}\)){0,3}'

# What a class's folder has beside the students' folders, and names that could be more of it.
TAKEN = re.compile(r'joblog|kit|slurm|.*\.(?:csv|html|json|new|txt)')
MOST_NAME = 120           # bytes of a folder's name

# What an LMS makes of a student's file. Its own part comes first, and each pattern takes as little as it can: the student
# chooses the rest, which may look like another's. Blackboard's name has the assignment before the user's name, and both
# may have a "_": the assignment is what all names share. Moodle: "Maria Lopez_1234567_assignsubmission_file_/...".
# Canvas: "lopezmaria_LATE_1234_56789_server-1.c". Blackboard: "Lab 3_lopezmaria_attempt_2026-11-30-22-05-10_server.c".
LMS = {
    'Moodle': re.compile(r'(?P<name>.+?)_(?P<number>\d+)_assignsubmission_(?:file|onlinetext)_?(?P<rest>.*)'),
    'Blackboard': re.compile(r'(?P<name>[^_]*_.+?)_attempt_(?P<time>\d{4}(?:-\d\d){5})_?(?P<rest>.*)'),
    'Canvas': re.compile(r'(?P<name>[^_]+)(?P<late>_LATE)?_(?P<number>\d+)_\d+_(?P<rest>.+)'),
}


class Problems(list):
    """What a person must look at. A student who makes problems on purpose gets a bounded number of lines."""

    def __init__(self, most=MOST_PROBLEMS):
        super().__init__()
        self.most = most
        self.more = 0
        self.important = 0  # lines at the beginning

    def append(self, text):
        if len(self) < self.most:
            super().append(text)
        else:
            self.more += 1

    def first(self, text):
        """Of whose the files are, or of a deadline: broken files must not hide it, so it comes before all other lines."""
        if len(self) >= self.most:
            self.more += 1
        if self.important < self.most:
            del self[self.most - 1:]
            self.insert(self.important, text)
            self.important += 1

    def lines(self):
        return [*self, *([f'and {self.more} more'] if self.more else [])]


class Room:
    """How much more may be unpacked of one student's zips, and how long that may take. `with` a Room, its clock runs."""

    def __init__(self, octets=MOST_UNPACKED, entries=MOST_ENTRIES, directory=MOST_DIRECTORY):
        self.octets = octets
        self.entries = entries
        self.directory = directory
        self.seconds = MOST_SECONDS
        self.until = None

    def __enter__(self):
        self.until = time.process_time() + self.seconds

    def __exit__(self, *_):
        self.seconds = self.until - time.process_time()
        self.until = None

    def take(self, octets):
        """Call it before the work: a zip that is wrong takes as long as a good one."""
        self.octets -= octets
        if self.octets < 0:
            raise ValueError('there is too much in this zip')

    def is_late(self):
        return (self.until - time.process_time() if self.until else self.seconds) < 0

    def is_empty(self):
        return self.octets < 0 or self.is_late()


@dataclass
class Entry:
    """A C file or a zip: in a class's folder or zip, or in a student's zip."""
    path: tuple       # the names of its folders and zips, and its own
    changed: float    # when it was written: seconds since 1970, or None
    read: Callable    # read(room) returns its content; of a zip, an open file. What is unpacked takes this room

    def below(self):
        """The same without the first folder or zip."""
        return Entry(self.path[1:], self.changed, self.read)

    def __str__(self):
        return short('/'.join(self.path))


@dataclass
class Owner:
    """Whose an entry is, by one reading of its name."""
    name: str
    identity: str            # as the LMS writes it
    rest: tuple              # the names that are left of the path: the student has chosen them
    handed_in: float = None  # seconds since 1970, or None
    late: bool = False       # the LMS has written so


@dataclass
class Student:
    name: str
    identity: str = ''
    files: dict = field(default_factory=dict)      # "lab03-server/server.c": its content
    problems: Problems = field(default_factory=Problems)   # for the instructor
    times: dict = field(default_factory=dict)      # "lab03-server/server.c": when it was handed in, or None
    orders: dict = field(default_factory=dict)     # "lab03-server/server.c": the greater, the better this try
    room: Room = field(default_factory=Room)
    folders: dict = field(default_factory=dict)    # a place, in the student's folder or zip: the folder there that has the files
    mixed: bool = False                            # the files are in several of these folders
    fault: bool = False                            # the files cannot be graded: see the problems

    def handed_in(self):
        """When the student handed in the last of the files, as far as we know."""
        return max((self.times[name] for name in self.files if self.times.get(name) is not None), default=None)


def printable(text):
    """The text without what is not: control characters, bytes that are no UTF-8, writing that runs backwards."""
    return ''.join(f'\\u{ord(char):04x}' if unicodedata.category(char) in ('Cc', 'Cs', 'Zl', 'Zp') or
                   '\u202a' <= char <= '\u202e' or '\u2066' <= char <= '\u2069' else char for char in text)


def short(text):
    """The same, if it may be long."""
    shown = printable(str(text)[:MOST_SHOWN + 1])
    return shown if len(shown) <= MOST_SHOWN else f'{shown[:MOST_SHOWN]}...'


def cell(text):
    """The text as a spreadsheet shows it: what begins like a formula would be computed, also behind a semicolon or a tab,
    where some spreadsheets begin a new cell."""
    return re.sub(r'((?:^|[;,|\t])[\s"]*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20])', r"\1'", text)


# --- Files, in folders and in zips ----------------------------------------------------------------------

def is_zip(name):
    return not name.lower().endswith('.c')


def in_folder(folder, wanted, problems, others):
    """Yields the Entry of each C file and each zip below a folder. `others` gets the beginnings of all other paths."""
    count = 0
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in IGNORED and not os.path.islink(f'{place}/{name}'))
        for name in folders:  # also if nobody may look into it
            others.add((*pathlib.Path(place).relative_to(folder).parts, name, '')[:MOST_OTHERS])
        for name in sorted(names):
            count += 1
            if count > MOST_FILES:
                problems.append('it has too many files')
                return
            full = pathlib.Path(place) / name
            if not wanted(name):
                others.add(full.relative_to(folder).parts[:MOST_OTHERS])
            else:
                yield Entry(full.relative_to(folder).parts, changed_of(full), functools.partial(from_file, full))


def changed_of(path):
    try:
        return late.known(path.lstat().st_mtime)
    except OSError:
        return None


def from_file(path, _room):
    """The content of a file in a folder; of a zip, the file itself, opened. Nothing is unpacked."""
    about = path.lstat()
    if not stat.S_ISREG(about.st_mode):
        raise ValueError('it is not a regular file')
    if about.st_size > (MOST_ZIP * 16 if is_zip(path.name) else MOST_BYTES):
        raise ValueError('it is too large')
    if is_zip(path.name):
        return path.open('rb')
    with path.open('rb') as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:  # now
        raise ValueError('it is too large')
    return content


def in_zip(file, wanted, problems, room, who=lambda names: '', others=None):
    """[Entry] of the zip in this open file, which may be broken in any way. Its list takes this room. who(names) says who has
    most of them, if they are too many. `others` gets the beginnings of all other paths."""
    most = room.entries
    if most <= 0:
        raise ValueError(TOO_MANY)
    end = zipfile._EndRecData(file)  # pylint: disable=protected-access  all is read at once, whatever its size
    size = end[zipfile._ECD_SIZE] if end else 0  # pylint: disable=protected-access
    if size > room.directory:
        raise ValueError(f'it has too many files{who(names_in(file, end))}')
    room.take(size)
    archive = zipfile.ZipFile(file)
    infos = archive.infolist()
    if len(infos) > most:
        problems.append(f'only the first {most} files in zips were looked at{who(info.filename for info in infos)}')
    room.entries -= min(most, len(infos))
    entries = []
    for info in infos[:most]:
        path = tuple(info.filename.replace('\\', '/').split('/'))
        if not set(path) & (IGNORED | {'..', ''}) and wanted(path[-1]) and not stat.S_ISLNK(info.external_attr >> 16):
            entries.append(Entry(path, seconds_of(info), functools.partial(unpack, archive, info)))
        elif others is not None:
            others.add(path[:MOST_OTHERS])
    return entries


def names_in(file, end):
    """The names in the list of a zip that is too long to be read as a whole: those at its beginning."""
    file.seek(max(0, end[zipfile._ECD_LOCATION] - end[zipfile._ECD_SIZE]))  # pylint: disable=protected-access
    listed, at = file.read(CLASS_DIRECTORY), 0
    while listed.startswith(b'PK\1\2', at) and at + 46 <= len(listed):
        name, *more = struct.unpack_from('<HHH', listed, at + 28)
        yield listed[at + 46:at + 46 + name].decode(errors='replace')
        at += 46 + name + sum(more)


def unpack(archive, info, room):
    """The content of one file in a zip. Never read more than the limit, whatever size the zip claims."""
    most = MOST_ZIP if is_zip(info.filename) else MOST_BYTES
    if info.compress_type not in METHODS:
        raise ValueError('it is packed in an unusual way; deflate is usual')
    size = max(info.file_size, info.compress_size)  # zipfile reads no more than both, even if they are not true
    if size > most + MOST_OVERHEAD:
        raise ValueError('it is too large')
    room.take(size)
    with archive.open(info) as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise ValueError('it is too large')
    return io.BytesIO(content) if is_zip(info.filename) else content


def seconds_of(info):
    """When a file of a zip has changed: by its "UT" field, which has the seconds since 1970; otherwise by its date,
    which we take for one of this machine's time zone. None if it has no date."""
    at = 0
    while at + 9 <= len(info.extra):  # by its offset: there may be thousands of fields
        kind, size, flags, seconds = struct.unpack_from('<HHBi', info.extra, at)
        if kind == 0x5455 and size >= 5 and flags & 1:
            return late.known(seconds)
        at += 4 + size
    return None if info.date_time <= NO_DATE else local_seconds(*info.date_time)


def local_seconds(*when):
    """Year, month, day, hour, minute and second on this machine's clock, as seconds since 1970; None if there is no such
    time."""
    try:
        return late.known(datetime(*when).timestamp())
    except (OSError, OverflowError, ValueError):
        return None


def c_files(entry, wanted, problems, room, depth=0):
    """Yields (Entry, content) of the C file; of a zip, each C file in it and in the zips in it."""
    try:
        content = entry.read(room)
    except Exception as why:  # pylint: disable=broad-except  a stranger's file may be wrong in any way
        problems.append(f'{entry}: cannot be read: {short(why)}')
        return
    if not is_zip(entry.path[-1]):
        yield entry, content
        return
    with content:
        if room.is_empty():
            return
        try:
            inside = in_zip(content, wanted, problems, room)
        except Exception as why:  # pylint: disable=broad-except
            problems.append(f'{entry}: not a zip, or a broken one: {short(why)}')
            return
        for other in inside:
            if room.is_empty():
                return
            if is_zip(other.path[-1]) and depth == MOST_DEEP - 1:
                problems.append(f'{entry}: the zips in it were not looked at; put the files into one zip')
                break
            yield from c_files(Entry((*entry.path, *other.path), other.changed, other.read), wanted, problems, room, depth + 1)


# --- The student of a file ------------------------------------------------------------------------------

def room_of_class():
    """The Room for the lists of the zip that has everybody's files; what is unpacked takes the room of its owner."""
    return Room(entries=CLASS_ENTRIES, directory=CLASS_DIRECTORY)


def who_has_most(names):
    """Words about the student with most of these names in the zip of a class."""
    entries = [Entry(tuple(name.replace('\\', '/').split('/')), None, None) for name in names]
    while len({entry.path[0] for entry in entries}) == 1 and min(len(entry.path) for entry in entries) > 1:
        entries = [entry.below() for entry in entries]
    lms = lms_of(entry.path[0] for entry in entries)
    owners = collections.Counter(owner.identity for entry in entries if (owner := owner_of(entry, lms)))
    return ''.join(f'; {count} of {len(entries)} are of "{short(who)}"' for who, count in owners.most_common(1))


def found_in(path, wanted, problems, opened, others):
    """[Entry] of the folder or zip of a class."""
    if not path.is_file():
        return list(in_folder(path, wanted, problems, others))
    try:
        return in_zip(opened.enter_context(path.open('rb')), wanted, problems, room_of_class(), who_has_most, others)
    except Exception as why:  # pylint: disable=broad-except
        problems.append(f'{short(path.name)}: not a zip, or a broken one: {short(why)}')
        return []


def has_top(entries, labs):
    """Whether everything is in one folder or zip that is no student's: no LMS made its name, and in it are names that an
    LMS made, or more folders or zips, nearly all of which are no lab's folder or file."""
    if len({entry.path[0] for entry in entries}) != 1 or readings(entries[0].path[0]):
        return False
    paths = [entry.path for entry in entries if len(entry.path) > 1]
    below = {path[1] for path in paths}
    if any(readings(name) for name in below):
        return True
    deeper = any(len(path) > 2 or is_zip(path[1]) for path in paths)
    return deeper and len(below & {*labs.folders, *labs.programs}) * FEW <= len(below)


def is_known(top, known):
    """Whether a roster has this name, or the number at its end: then it is a student's, whatever is inside."""
    key = folder_name(re.sub(r'\.zip$', '', top, flags=re.I))
    return key in known or key.rpartition('-')[2] in known


def without_top(entries, labs, wanted, problems, opened, others, known):
    """The entries without the folders and zips around all; of the others too. `known` has the students of the roster."""
    for _ in range(MOST_TOPS):
        inside, said, more = entries, Problems(), set()
        if len(entries) == 1 and len(entries[0].path) == 1 and is_zip(entries[0].path[0]):
            try:
                inside = in_zip(opened.enter_context(entries[0].read(Room())), wanted, said, room_of_class(), who_has_most, more)
            except Exception:  # pylint: disable=broad-except  whoever looks into it later says why
                break
            inside = [Entry((*entries[0].path, *entry.path), entry.changed, entry.read) for entry in inside]
        if not has_top(inside, labs):
            break
        top = inside[0].path[0]
        if is_known(top, known):
            break
        entries = [entry.below() for entry in inside if len(entry.path) > 1]
        below = more | {path[1:] for path in others if path[0] == top and len(path) > 1}
        others.clear()
        others.update(below)
        problems.extend(said)
    return entries


def readings(name):
    """{LMS: match} of each LMS that may have made this name."""
    name = printable(name)
    return {lms: found for lms, pattern in LMS.items() if (found := pattern.fullmatch(name))}


def lms_of(names):
    """The LMS that made these names, or None. All names of a class are read as its names: what a student adds to one may
    look like another LMS's, but its own is there in all of them. If that leaves two, it is the one that makes more students
    of them, and then the one whose part of the names is shorter."""
    found = {}
    for name in set(names):
        for lms, match in readings(name).items():
            found.setdefault(lms, []).append(match)
    return max(found, default=None, key=lambda lms: (len(found[lms]), len({identity_of(match) for match in found[lms]}),
                                                     -sum(match.start('rest') for match in found[lms])))


def assignment_in(names, lms):
    """What all of Blackboard's names begin with, to a "_": "Lab 3_"."""
    found = [match['name'] for name in names if lms == 'Blackboard' and (match := readings(name).get(lms))]
    return re.sub('[^_]*$', '', os.path.commonprefix(found))


def name_in(match, assignment=''):
    """The name of the student; if the assignment is unknown, a user name of Blackboard's begins after the last "_"."""
    if 'time' not in match.groupdict():
        return match['name']
    known = assignment and match['name'].startswith(assignment)
    return match['name'].removeprefix(assignment) if known else match['name'].rpartition('_')[2]


def identity_of(match, assignment=''):
    name, number = name_in(match, assignment), match.groupdict().get('number')
    return f'{name}-{number}' if number else name


def owner_of(entry, lms, assignment=''):
    """The Owner, in a class whose names this LMS has made; None if the name says nothing."""
    first, path = printable(entry.path[0]), entry.path
    found = lms and LMS[lms].fullmatch(first)
    if found:
        said = found.groupdict()
        handed_in = local_seconds(*map(int, said['time'].split('-'))) if 'time' in said else entry.changed
        rest = (found['rest'],) if found['rest'] else ()
        return Owner(name_in(found, assignment), identity_of(found, assignment), (*rest, *path[1:]), handed_in, bool(said.get('late')))
    name = re.sub(r'\.zip$', '', first, flags=re.I)
    if len(path) > 1 or is_zip(first):
        return Owner(name, name, path[1:], entry.changed)
    flat = re.fullmatch(r'(.+?)[-_. ]([a-z]+(?:-\d+)?\.c)', first)  # lopez-server.c
    return Owner(flat[1], flat[1], (flat[2],), entry.changed) if flat else None


def other_owners(name, lms, identity):
    """Whose the file would be, if another LMS had made the name, or if the LMS's own part came later in it."""
    found = readings(name)
    own = found.pop(lms, None)
    others = [*found.values(), *readings(own['rest'] if own else '').values()]
    return {identity_of(match) for match in others} - {identity}


def folder_name(identity):
    """A name for a folder, made of letters with their marks, digits, dots and hyphens; nothing else in a class's folder has
    it. It ends in the LMS's number, if the identity does. The folder name of a folder name is the same."""
    text = unicodedata.normalize('NFC', unicodedata.normalize('NFC', identity).lower())
    kept = ''.join(char if re.match(r'[\w.-]', char) or unicodedata.category(char).startswith('M') else ' ' for char in text)
    name = re.sub(' +', '-', kept).strip('-.') or 'nobody'
    if TAKEN.fullmatch(name):
        name += '-student'
    octets = name.encode()
    if len(octets) <= MOST_NAME:
        return name
    number = re.search(r'(?:-[0-9]{1,20})?$', name)[0]
    end = f'-{hashlib.sha256(octets).hexdigest()[:8]}{number}'
    return octets[:MOST_NAME - len(end)].decode(errors='ignore') + end


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
        return re.search(rf'(?:{stems})[-\d ()]*\.c$', name, re.I) is not None

    def of(self, found_path, content):
        """(the lab's folder, the file's name, the number of the try); lab None if unclear; None for other files."""
        name = re.fullmatch(rf'(?P<stem>.+?)(?P<added>{ADDED})\.c', found_path[-1], re.I)
        if not name:
            return None
        file = f'{name["stem"]}.c'
        if file not in self.programs:
            return None
        number = tuple(int(number) for number in re.findall(r'\d+', name['added']))
        for part in reversed(found_path[:-1]):
            if part in self.folders:
                return (part, file, number) if part in self.programs[file] else None
        if len(self.programs[file]) == 1:
            return self.programs[file][0], file, number
        said = re.search(rb'\blab *0?(\d)\b', content[:2000], re.I)
        fitting = [lab for lab in self.programs[file] if said and lab.startswith(f'lab0{said[1].decode()}-')]
        return fitting[0] if fitting else None, file, number


def take(student, name, content, owner, order, due):
    """Keep the file, unless there is a better try: the last of those in time, or the last of all if none is."""
    in_time = due is None or owner.handed_in is None or owner.handed_in <= due
    order = (in_time, *order)
    best = student.orders.get(name)
    if best and best[0] != in_time:
        student.problems.first(f'{name}: a try after the deadline was left out')
    if due and in_time and owner.late:
        student.problems.first(f'{name}: its name says LATE, but it has no time after the deadline')
    if best is None or order > best:
        student.orders[name] = order
        student.files[name] = content
        student.times[name] = owner.handed_in


def expect_one_folder(student, rest, labs):
    """Say if a student has files in several folders, which are not of labs: they may be of several students."""
    zips = [at for at, name in enumerate(rest[:-1], 1) if name.lower().endswith('.zip')]
    at = max(zips, default=0)
    folder = next((name for name in rest[at:-1][:1] if name not in labs.folders), '')
    other = student.folders.setdefault(rest[:at], folder)
    if folder and not other:
        student.folders[rest[:at]] = folder
    elif folder and other != folder and not student.mixed:
        student.mixed = True
        student.problems.first(f'its files are in different folders, as "{short(other)}" and "{short(folder)}": are they of one student?')


def look_into(student, entry, owner, labs, wanted, due):
    """Keep the files of one entry that count."""
    if student.room.is_late():
        return
    student.room.entries -= 1
    if student.room.entries < 0:
        if TOO_MANY not in student.problems:
            student.problems.first(TOO_MANY)
        return
    for found, content in c_files(entry, wanted, student.problems, student.room):
        rest = (*owner.rest, *found.path[len(entry.path):])
        if set(rest) & GIVEN:
            continue
        place = labs.of(rest, content)
        if place is None:
            student.problems.append(f'{short("/".join(rest))}: no lab has this file')
        elif place[0] is None:
            student.problems.append(f'{short("/".join(rest))}: of which lab? Neither its folder nor its first comment says so')
        else:
            expect_one_folder(student, rest, labs)
            order = (place[2], owner.handed_in or 0, found.changed or 0)
            take(student, f'{place[0]}/{place[1]}', content, owner, order, due)


def student_of(students, entry, owner, lms):
    """The Student with this entry; None if another one has the folder."""
    student = students.setdefault(folder_name(owner.identity), Student(owner.name, owner.identity))
    if student.identity != owner.identity:
        text = (f'"{short(owner.identity)}" and "{short(student.identity)}" would have the same folder: '
                f'rename one; only the files of "{short(student.identity)}" are graded')
        if text not in student.problems:  # once, however many files: a third student may be in the same case
            student.problems.first(text)
        return None
    for other in sorted(other_owners(entry.path[0], lms, owner.identity)):
        student.problems.first(f'{entry}: we take it for a file of "{short(owner.identity)}", but it looks like one of '
                               f'"{short(other)}", too')
    return student


def add_others(students, others, names, lms, assignment, labs):
    """Add the students of whose files none is a C file or a zip: the table says so."""
    taken = {*names, *labs.folders, *IGNORED, *GIVEN}
    for path in sorted(others):
        first = path[0]
        if first in taken or first.startswith('.') or not (LMS[lms].fullmatch(printable(first)) if lms else len(path) > 1):
            continue
        owner = owner_of(Entry(path, None, None), lms, assignment)
        students.setdefault(folder_name(owner.identity), Student(owner.name, owner.identity))


def find(path, labs, due=None, ids=()):
    """{folder name of a student: Student} for all submissions, and the problems that belong to no student.
    `due` is the deadline, in seconds since 1970; `ids` are those of the roster, if there is one."""
    def wanted(name):
        """Whether this is a zip, or ends in the name of a lab's file."""
        return name.lower().endswith('.zip') or labs.may_be(name)
    problems = Problems(MOST_OF_NOBODY)
    students, others = {}, set()
    with contextlib.ExitStack() as opened:
        entries = without_top(found_in(path, wanted, problems, opened, others), labs, wanted, problems, opened, others,
                              {folder_name(identity) for identity in ids})
        names = {entry.path[0] for entry in entries}
        lms = lms_of(names)
        assignment = assignment_in(names, lms)
        stray = names & set(labs.folders)  # no student is called so
        stray = stray if len(stray) * FEW <= len(names) else ()
        for entry in entries:
            student = None
            try:
                owner = owner_of(entry, lms, assignment) if entry.path[0] not in stray else None
                if owner is None:
                    problems.append(f'{entry}: which student handed it in?')
                    continue
                student = student_of(students, entry, owner, lms)
                if student:
                    with student.room:
                        look_into(student, entry, owner, labs, wanted, due)
                    if student.room.is_late() and TOO_LONG not in student.problems:
                        student.problems.first(TOO_LONG)
            except Exception as why:  # pylint: disable=broad-except  one submission must not stop the grading of the others
                (student.problems if student else problems).append(f'{entry}: {short(why)}')
        if entries:
            add_others(students, others, names, lms, assignment, labs)
    return students, problems
