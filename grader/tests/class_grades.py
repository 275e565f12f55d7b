#!/usr/bin/env python3
"""`make class` finds whose files are whose, gives everybody the right points, and goes on where it was stopped.
"""
import argparse
import calendar
import contextlib
import csv
import io
import json
import os
import pathlib
import re
import signal
import stat
import struct
import subprocess
import sys
import tempfile
import time
import tracemalloc
import zipfile
import zlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [f'{ROOT}/grader/tools/dev', f'{ROOT}/grader/class']
from tap import check, done_testing  # noqa: E402  pylint: disable=wrong-import-position
import grade_class  # noqa: E402  pylint: disable=wrong-import-position
import late  # noqa: E402  pylint: disable=wrong-import-position
import one  # noqa: E402  pylint: disable=wrong-import-position
import schema  # noqa: E402  pylint: disable=wrong-import-position
import report  # noqa: E402  pylint: disable=wrong-import-position
import regrade as regrade_tool  # noqa: E402  pylint: disable=wrong-import-position
import similar  # noqa: E402  pylint: disable=wrong-import-position
import submissions  # noqa: E402  pylint: disable=wrong-import-position

LABS = submissions.Labs(['lab01-session', 'lab03-server', 'lab04-router', 'lab05-timeouts'],
                        ['lab01-session/session.c', 'lab03-server/server.c', 'lab04-router/router.c', 'lab05-timeouts/server.c',
                         'lab05-timeouts/client.c'])
SERVER_3 = b'/*\n * Lab 3: mine\n */\nint x;\n'


def zipped(files):
    """The bytes of a zip with {name: content}."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, 'w') as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return content.getvalue()


def handed_in(files):
    """The result of submissions.find for a folder with {name: content}: {student: [files]}, and all problems."""
    with tempfile.TemporaryDirectory() as scratch:
        for name, content in files.items():
            path = pathlib.Path(scratch) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        students, problems = submissions.find(pathlib.Path(scratch), LABS)
    problems += [text for student in students.values() for text in student.problems]
    return {key: student.files for key, student in students.items()}, problems


def test_names():
    lab, server = 'lab01-session/session.c', 'lab03-server/server.c'
    for what, files, wanted in (
            ('a folder for each', {f'kim/{lab}': b'1', f'lee/{lab}': b'2'}, {'kim': {lab: b'1'}, 'lee': {lab: b'2'}}),
            ('files without folders', {'kim/session.c': b'1', 'lee/x/session.c': b'2'}, {'kim': {lab: b'1'}, 'lee': {lab: b'2'}}),
            ('a folder around all', {f'lab work/kim/{lab}': b'1', f'lab work/lee/{lab}': b'2'},
             {'kim': {lab: b'1'}, 'lee': {lab: b'2'}}),
            ('Moodle', {'Zoë Müller_12_assignsubmission_file_/session.c': b'1', 'Jo Li_7_assignsubmission_file_session.c': b'2'},
             {'zoë-müller-12': {lab: b'1'}, 'jo-li-7': {lab: b'2'}}),
            ('Canvas, twice', {'lopezana_LATE_11_22_session.c': b'1', 'lopezana_11_23_session-1.c': b'2'},
             {'lopezana-11': {lab: b'2'}}),
            ('a zip for each', {'kim.zip': zipped({f'kim/{lab}': '1'}), 'lee.zip': zipped({'session.c': '2'})},
             {'kim': {lab: b'1'}, 'lee': {lab: b'2'}}),
            ('a zip of zips', {'all.zip': zipped({'kim.zip': zipped({'session.c': '1'}), 'lee.zip': zipped({'session.c': '2'})})},
             {'kim': {lab: b'1'}, 'lee': {lab: b'2'}}),
            ("a server of lab 3, by its comment", {'kim/server.c': SERVER_3, 'lee/router.c': b''},
             {'kim': {server: SERVER_3}, 'lee': {'lab04-router/router.c': b''}}),
            ("a folder around Canvas's files", {'all/ann_1_2_session.c': b'1', 'all/zoe_5_6_a.zip': zipped({'session.c': '2'})},
             {'ann-1': {lab: b'1'}, 'zoe-5': {lab: b'2'}}),
            ("a folder around Canvas's C files", {'all/ann_1_2_session.c': b'1', 'all/zoe_5_6_session.c': b'2'},
             {'ann-1': {lab: b'1'}, 'zoe-5': {lab: b'2'}}),
            ('a folder and a zip around all', {'all/work.zip': zipped({'kim.zip': zipped({'session.c': '1'}), 'lee/session.c': '2'})},
             {'kim': {lab: b'1'}, 'lee': {lab: b'2'}}),
            ('other files', {f'kim/{lab}': b'1', 'kim/notes.txt': b'', 'kim/other.c': b'', 'kim/common/server.c': b''},
             {'kim': {lab: b'1'}})):
        students, problems = handed_in(files)
        check(f'{what}: each student gets their own files', students == wanted and not problems, f'{students} {problems}')
    for name in ('lab03-server/router.c', 'my_session.c', 'x_1_2_session.c'):
        students, problems = handed_in({f'kim/{lab}': b'1', f'kim/work/{name}': b''})
        check(f'it names a file that belongs to no lab: {name}', students == {'kim': {lab: b'1'}} and len(problems) == 1
              and f'{name}: no lab has this file' in problems[0], f'{students} {problems}')
    students, problems = handed_in({'kim/server.c': b'int x;', 'lee/session.c': b''})
    check('nobody gets a server whose lab is unknown', not students['kim'] and 'of which lab?' in problems[0], problems)


def test_no_date():
    """A zip whose files have no date, as some programs make them."""
    content = bytearray(zipped({'kim/session.c': '1'}))
    for mark, place in ((b'PK\3\4', 10), (b'PK\1\2', 12)):
        at = content.index(mark) + place
        content[at:at + 4] = bytes(4)
    students, problems = handed_in({'all.zip': bytes(content), 'lee/session.c': b'2'})
    check('it takes files without a date', len(students) == 2 and not problems, f'{students} {problems}')


def test_clashes():
    """Two students who would share a folder; a lab that nobody asked for."""
    students, problems = handed_in({'Jo Li/session.c': b'1', 'jo-li/session.c': b'2'})
    check('two names for one folder: nobody gets the other\'s file', students == {'jo-li': {'lab01-session/session.c': b'1'}}
          and 'would have the same folder' in problems[0], f'{students} {problems}')


def test_many_clashes():
    """Each student whose files are not graded has a line, however many files another one hands in."""
    students, _ = found_in(zipped({**{f'eve!/{number}/session.c': '' for number in range(1)}, **{f'eve"/{number}/session.c': '' for number in range(50)},
                                   'eve#/session.c': ''}))
    lines = students['eve'].problems.lines()
    check('many files of one student hide no clash with another', len(lines) == 2 and 'eve"' in lines[0] + lines[1] and 'eve#' in lines[0] + lines[1], lines)


def test_tries():
    """A student hands in a file that has another try's name already, and the LMS or a browser adds to it once more."""
    for names in (('session-2.c', 'session-2-1.c'), ('session (1).c', 'session (1)-1.c'), ('session.c', 'session(1).c'), ('session(1).c', 'session(1)-1.c'),
                  ('session-1-1.c', 'session-1-2.c')):
        students, problems = found_in(zipped({f'ann_1_{number}_{name}': name for number, name in enumerate(names)}))
        check(f'the last try counts: {" ".join(names)}', students['ann-1'].files == {'lab01-session/session.c': names[1].encode()}
              and not problems + students['ann-1'].problems, f'{students} {problems}')
    students, _ = found_in(zipped({'ann/session.c': '1', 'ann/session-1-1-1-1.c': '2'}))
    check('what has more numbers is a file of no lab, and a line says so', students['ann'].problems == ['session-1-1-1-1.c: no lab has this file'], students)


def dated(files):
    """A zip with {name: (when, text)}; `when` has no time zone, as in a zip."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, 'w') as archive:
        for name, (when, text) in files.items():
            archive.writestr(zipfile.ZipInfo(name, when), text)
    return content.getvalue()


def found_in(content, due=None, labs=LABS):
    with tempfile.NamedTemporaryFile(suffix='.zip') as file:
        file.write(content)
        file.flush()
        return submissions.find(pathlib.Path(file.name), labs, due)


def test_times():
    """The LMS, not the student's own zip, says when a student handed in."""
    early, noon, evening = (2026, 11, 1, 8, 0, 0), (2026, 12, 1, 12, 0, 0), (2026, 12, 1, 22, 0, 0)
    students, _ = found_in(dated({
        'a/session.c': (noon, '1'), 'b.zip': (evening, dated({'b/session.c': (early, '2')})), 'c/session.c': ((1980, 1, 1, 0, 0, 0), '3'),
        'Lab 1_dora_attempt_2026-12-01-22-00-00_session.c': (early, '4'), 'Lab 1_eve_attempt_2026-99-01-22-00-00_session.c': (early, '5')}))
    times = {key: student.handed_in() for key, student in students.items()}
    local = {name: time.mktime((*when, 0, 0, -1)) for name, when in (('noon', noon), ('evening', evening))}
    check('the time of handing in is the one of the LMS', times == {'a': local['noon'], 'b': local['evening'], 'c': None, 'dora': local['evening'], 'eve': None}, times)
    entry = zipfile.ZipInfo('kim/session.c', noon)
    for year in ('0001', '1969', '2100', '9999'):
        students, _ = found_in(dated({f'Lab 1_kim_attempt_{year}-06-01-22-00-00_session.c': (early, '')}))
        check(f'nobody handed in in the year {year}', students['kim'].handed_in() is None, students)
    entry.extra = struct.pack('<HHH', 0x7777, 2, 0) + struct.pack('<HHBi', 0x5455, 5, 1, calendar.timegm(evening))
    content = io.BytesIO()
    with zipfile.ZipFile(content, 'w') as archive:
        archive.writestr(entry, '1')
    students, _ = found_in(content.getvalue())
    check('a zip may have the time with its time zone', students['kim'].handed_in() == calendar.timegm(evening), students)


# What a student may add to a name: another student's name, number and time, as each LMS writes them.
FORGED = ('x_vic-4712_attempt_2020-01-01-00-00-00_session.c', 'x_4712_assignsubmission_file_session.c', 'vic_4712_57_session.c',
          'x_y_attempt_0001-01-01-00-00-00.zip', 'x_y_attempt_9999-12-31-23-59-59_.zip', 'x_y_attempt_2020-01-01-00-00-00.zip')


def test_forged():
    """One reading of a name says who handed in, and when: that of the LMS which made all names. What the student has
    chosen is never read as the LMS's part."""
    noon = (2026, 12, 1, 12, 0, 0)
    for lms, mal, vic, keys in (
            ('Moodle', 'Mal Lory_1_assignsubmission_file_', 'Vic_4712_assignsubmission_file_session.c', {'mal-lory-1', 'vic-4712'}),
            ('Blackboard', 'Lab 1_mal_attempt_2026-12-01-12-00-00_', 'Lab 1_vic_attempt_2026-11-01-08-00-00_session.c', {'mal', 'vic'}),
            ('Blackboard, lab 1_2_3', 'Lab_1_2_3_mal_attempt_2026-12-01-12-00-00_', 'Lab_1_2_3_vic_attempt_2026-11-01-08-00-00_session.c',
             {'mal', 'vic'}),
            ('Canvas', 'mal_LATE_1_56_', 'vic_4712_57_session.c', {'mal-1', 'vic-4712'})):
        for forged in FORGED:
            content = zipped({'session.c': 'mine'}) if forged.endswith('zip') else 'mine'
            for names in [[mal + forged, vic], *([] if '1_2_3' in lms else [[mal + forged]])]:  # one alone could be of Canvas
                students, general = found_in(dated({name: (noon, content if name.startswith(mal) else 'good') for name in names}))
                key = min(keys)
                times = {late.moment_of(student.handed_in())[:16] for student in students.values() if student.files}
                good = {other: student.files for other, student in students.items() if other != key}
                check(f'{lms}: {forged} is of the student who handed it in', key in students and set(students) <= keys and not general
                      and times <= {'2026-12-01T12:00', '2026-11-01T08:00'} and (len(names) == 1 or good == {
                          max(keys): {'lab01-session/session.c': b'good'}}), f'{students} {times}')
                check(f'{lms}: it says what else the name looks like: {forged}', any('but it looks like one of' in text
                      for text in students[key].problems), students[key].problems)
    students, _ = found_in(dated({**{f'mal_1_{number}_x_{number}_attempt_2020-01-01-00-00-00.zip': (noon, zipped({'session.c': ''})) for number in range(3)},
                                  'vic_4712_57_session.c': (noon, '')}))
    check('a student with many files does not decide which LMS it is', set(students) == {'mal-1', 'vic-4712'}, students)
    for assignment in ('Lab 1_', 'Lab_1_2_3_'):
        students, _ = found_in(zipped({f'{assignment}{user}_attempt_2026-12-01-12-00-00_session.c': user for user in ('a_smith', 'b_smith', 'c_d_')}))
        check(f'Blackboard: user names with "_" are different students: {assignment}', {key: list(student.files.values()) for key, student in students.items()}
              == {'a_smith': [b'a_smith'], 'b_smith': [b'b_smith'], 'c_d_': [b'c_d_']}, students)
    students, _ = found_in(dated({'ann_1_56_ann_1_55_session.c': (noon, ''), 'ann_1_57_session.c': (noon, '2')}))
    check('a name that says the same student twice is no problem', students['ann-1'].problems == ['ann_1_55_session.c: no lab has this file'], students)


def test_one_does_not_stop_all():
    """Whatever is wrong with one submission is a problem of this submission; the others are graded, and have rows."""
    lab = 'lab01-session/session.c'
    digits = f'session-{"1" * 5000}.c'
    students, problems = handed_in({'ann.zip': zipped({digits: '1'}), 'kim/session.c': b'2'})
    check('a try of 5000 digits is a file of no lab', students == {'ann': {}, 'kim': {lab: b'2'}} and len(problems) == 1
          and len(problems[0]) < 300 and 'no lab has this file' in problems[0], f'{students} {problems}')

    class Broken(submissions.Labs):
        def of(self, found_path, content):
            return 1 // (content != b'broken') and super().of(found_path, content)
    with tempfile.NamedTemporaryFile(suffix='.zip') as file:
        file.write(zipped({'ann/session.c': 'broken', 'kim/session.c': '2'}))
        file.flush()
        students, general = submissions.find(pathlib.Path(file.name), Broken(['lab01-session'], [lab]))
    check('what nobody expected is a problem of the submission', students['kim'].files == {lab: b'2'} and not general and
          'division' in str(students['ann'].problems), f'{students} {general}')

    plan = {'labs': '01', 'seed': 7, 'grader': 'x', 'possible': 15}
    rows_of = {'ann': {'points': {'lab01': 3}}, 'bob': {'points': [3]}, 'eve': {}, 'kim': {'points': {'lab01': 5}}, 'max': {'points': {}}}
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        students = {}
        for key, row in rows_of.items():
            student = students[key] = submissions.Student(f'{key} \udcff', files={lab: b'x'}, times={lab: 1e30 if key == 'ann' else -1e9})
            grade_class.put_files(folder / key, student)
            whole = {'key': one.digest(folder / key, plan), 'status': 0, 'failed': [], 'seconds': 1, 'where': 'here', **row}
            (folder / key / 'row.json').write_text(json.dumps(whole if key != 'max' else [1]), encoding='utf-8')
        (folder / 'tom').write_text('a file in place of the folder', encoding='utf-8')
        students['tom'] = submissions.Student('tom', files={lab: b'x'})
        options = argparse.Namespace(folder=folder)
        todo = grade_class.prepare(options, students, plan)
        ungraded = grade_class.write_results(options, students, {}, {'lab01-session': 15}, plan, submissions.Problems())
        with open(folder / 'grades.csv', encoding='utf-8', newline='') as file:
            table = {row['id']: (row['total'], row['status']) for row in csv.DictReader(file)}
        said = (folder / 'problems.txt').read_text(encoding='utf-8')
    nothing = ('0', 'not graded')
    check('one row does not cost the others', table == {'ann': ('3', 'graded'), 'bob': nothing, 'eve': nothing, 'kim': ('5', 'graded'),
                                                        'max': nothing, 'tom': nothing} and ungraded == 4 and todo == ['max'], f'{table} {todo}')
    check('its problem says why', 'bob: its results cannot be read: ' in said and 'tom: its files cannot be prepared: ' in said
          and 'kim' not in said, said)


def test_roster():
    """The number of a roster finds one student, or says whose it could be."""
    students = {name: submissions.Student(name, files={'x': b''}) for name in ('vic-7', 'mal-7', 'jo-8')}
    names = grade_class.find_students([('7', 'Vic'), ('8', 'Jo')], students)
    check('a number that two have is named', set(names) == {'7', 'jo-8'} and students['7'].problems == ['its number is at the end of vic-7 and mal-7']
          and not students['7'].files, f'{names} {students}')


def test_bounds():
    """What one student hands in takes bounded room in memory and in the list of problems."""
    many = zipped({f'{number}/session.c': b'x' for number in range(2000)}).replace(b'PK\1\2\x14\3\x14\0\0\0\0\0', b'PK\1\2\x14\3\x14\0\0\0\x0c\0')
    for name in ('n' * 60000, '\u202e' * 20000):
        students, general = found_in(zipped({'mal.zip': zipped({f'{name}.zip': many}), 'kim/session.c': '1'}))
        lines = students['mal'].problems.lines()
        check('a student has a bounded number of problems, of bounded lines', len(lines) == submissions.MOST_PROBLEMS + 1 and lines[-1] == 'and 1980 more'
              and max(map(len, lines)) < 1000 and not general and students['kim'].files, f'{len(lines)} {lines[-1]}')
    content = io.BytesIO()
    with zipfile.ZipFile(content, 'w', zipfile.ZIP_DEFLATED) as archive:
        for number in range(100):
            archive.writestr(f'{number}/session.c', bytes(1 << 20))
    tracemalloc.start()
    students, problems = handed_in({**{f'mal_1_assignsubmission_file_/{number}.zip': content.getvalue() for number in range(5)},
                                    'kim_2_assignsubmission_file_/session.c': b'1'})
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    check('only the files that count are kept', most < 32 << 20 and students['kim-2'], most)
    check('all zips of a student share the room', sum('too much' in text for text in problems) == 1, problems)
    lot = zipped({f'{number}/session.c': b'' for number in range(submissions.MOST_ENTRIES - 10)})
    students, _ = found_in(zipped({'mal/1.zip': lot, 'mal/2.zip': lot, 'mal/3.zip': lot, 'kim/session.c': '1'}))
    check('and the number of files', ['only the first' in text or 'too many files in zips' in text for text in students['mal'].problems
                                        if 'different folders' not in text] == [True] * 2
          and students['kim'].files, students['mal'].problems)


def shared(name, size, count):
    """A zip with many entries for the same packed zeros; their checksum is wrong."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(bytes(size)) + packer.flush()
    about = struct.pack('<HHHHHLLLHH', 20, 0, 8, 0, 0x5921, 0x12345678, len(packed), size, len(name), 0)
    first = b'PK\3\4' + about + name + packed
    listed = (b'PK\1\2' + struct.pack('<H', 20) + about + struct.pack('<HHHLL', 0, 0, 0, 0, 0) + name) * count
    return first + listed + b'PK\5\6' + struct.pack('<HHHHLLH', 0, 0, count, count, len(listed), len(first), 0)


def test_clock():
    """What is unpacked counts whether or not it is right, and a student's files take bounded time."""
    started = time.process_time()
    students, problems = handed_in({'eve.zip': shared(b'x.zip', submissions.MOST_ZIP, 100), 'kim/session.c': b'1'})
    took = time.process_time() - started
    check('a zip with a wrong checksum takes room', sum('too much' in text for text in problems) == 1 and students['kim'] and took < 10, f'{took} {problems}')

    class Slow(submissions.Labs):
        def of(self, found_path, content):
            until = time.process_time() + (content == b'slow')
            while time.process_time() < until:
                pass
            return super().of(found_path, content)
    slow = zipped({f'{number}/session.c': 'slow' for number in range(100)})
    submissions.MOST_SECONDS, before = 2, submissions.MOST_SECONDS
    try:
        students, _ = found_in(zipped({'eve/1.zip': slow, 'eve/2.zip': slow, 'eve/session.c': 'slow', 'kim/session.c': '1'}),
                               labs=Slow(LABS.folders, [f'{lab}/{file}' for file, labs in LABS.programs.items() for lab in labs]))
    finally:
        submissions.MOST_SECONDS = before
    took = time.process_time() - started - took
    check('the clock of a student ends only their files', took < 10 and students['kim'].files and submissions.TOO_LONG in students['eve'].problems
          and not students['kim'].problems, f'{took} {students}')


def test_own_room():
    """A student with too much takes nobody else's room, wherever the zip of the class lies."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, 'w', zipfile.ZIP_DEFLATED) as archive:
        for number in range(3):
            archive.writestr(f'{number}.zip', bytes(submissions.MOST_ZIP))
    everybody = zipped({'Ann_1_assignsubmission_file_/a.zip': content.getvalue(), **{
        f'{name}_assignsubmission_file_/a.zip': zipped({'session.c': '1'}) for name in ('Kim_2', 'Lee_3')}})
    for what, files in (('in a folder', {'moodle.zip': everybody}), ('in a zip', {'all.zip': zipped({'moodle.zip': everybody})})):
        students, _ = handed_in(files)
        check(f'everybody has their own room: a class zip {what}', students['kim-2'] and students['lee-3'] and not students['ann-1'], students)


def test_many_names():
    """One student's many names do not stop the class; if it is too many for the class, too, a line says whose they are."""
    few = {f'{name}_assignsubmission_file_/session.c': '1' for name in ('Kim_2', 'Lee_3')}
    for what, names in (('names', [f'{number:0240}.txt' for number in range(14500)]),
                        ('files', [f'{number}.txt' for number in range(submissions.MOST_ENTRIES + 1)]),
                        ('C files', [f'{number}/session.c' for number in range(submissions.MOST_ENTRIES + 1)])):
        content = zipped({**{f'Ann_1_assignsubmission_file_/{name}': '' for name in names}, **few})
        students, problems = found_in(content)
        check(f"one student's many {what} do not stop the class", students['kim-2'].files and students['lee-3'].files and not problems, problems)
    check('they are counted by student', students['ann-1'].problems.count(submissions.TOO_MANY) == 1, students['ann-1'].problems)
    for bound, less in (('CLASS_DIRECTORY', 1000000), ('CLASS_ENTRIES', 20000)):
        before = getattr(submissions, bound)
        setattr(submissions, bound, less)
        students, problems = found_in(content)
        setattr(submissions, bound, before)
        check(f'the line about {bound} says who has most', re.search(r'; \d+ of \d+ are of "Ann-1"$', str(problems[0])), problems)


def test_extra_fields():
    """A zip's list is bounded: zipfile takes long to read it if its files have thousands of extra fields."""
    extra = struct.pack('<HH', 0x4141, 0) * 16000
    content = io.BytesIO()
    with zipfile.ZipFile(content, 'w') as archive:
        for number in range(submissions.MOST_DIRECTORY // len(extra) - 1):
            file = zipfile.ZipInfo(f'{number}.txt')
            file.extra = extra
            archive.writestr(file, '')
    room = submissions.Room()
    submissions.in_zip(content, lambda name: True, [], room)
    check("a zip's list takes room, and is bounded", submissions.MOST_UNPACKED - room.octets > 1 << 20 and submissions.MOST_DIRECTORY < 2 << 20, room.octets)


def test_folder_names():
    """The name of a student's folder stays the same, keeps the number, and tells names apart that marks tell apart."""
    names = ['\u0130brahim', '\u0930\u093e\u092e', '\u0391\u03a3', '\u01c5', '\u00df', '\u1e9e', 'x' * 200 + '-4712', '\u0b95\u0bcd' * 60 + '-4712', 'A\u030a',
             '\u212b', 'grades.CSV', 'kit', '-.x.-', ' \u0301a ', '\udcff', 'a' * 110 + '.' * 20, 'J\u0307' * 60]
    for name in names:
        once = submissions.folder_name(name)
        check(f'the folder name of a folder name is the same: {once}', submissions.folder_name(once) == once and len(once.encode()) <= submissions.MOST_NAME,
              submissions.folder_name(once))
        check('it keeps the number', once.endswith('-4712') == name.endswith('-4712'), once)
    students, problems = handed_in({'\u0930\u093e\u092e/session.c': b'1', '\u0930\u0940\u092e/session.c': b'2'})
    check('two names that differ in a mark are two students', len(students) == 2 and all(students.values()) and not problems, f'{students} {problems}')


def test_first_problems():
    """Broken files hide no line about whose the files are, or about a deadline."""
    noon, evening = (2026, 12, 1, 12, 0, 0), (2026, 12, 1, 22, 0, 0)
    files = {f'ann_1_{number}_{number}.zip': (noon, 'x') for number in range(25)}
    files.update({'ann_1_90_session.c': (noon, ''), 'ann_1_91_session-1.c': (evening, ''), 'ann_1_92_x_7_92_session.c': (noon, '')})
    lines = found_in(dated(files), late.deadline('2026-12-01T13:00').timestamp())[0]['ann-1'].problems.lines()
    check('lines about identity and deadlines come first', 'after the deadline' in lines[0] and 'looks like one of' in lines[1] and
          len(lines) == submissions.MOST_PROBLEMS + 1 and lines[-1] == 'and 8 more', lines)
    problems = submissions.Problems(2)
    for text in 'abc':
        problems.first(text)
    problems.append('d')
    check('they are bounded, too', problems.lines() == ['a', 'b', 'and 2 more'], problems.lines())


def test_stray():
    """A file or a lab's folder beside the students' folders changes nobody's owner; and it says who may be several."""
    everybody = {f'all/{name}/session.c': name.encode() for name in ('ann', 'eve', 'kim', 'lee')}
    for stray in ('session.c', 'lab01-session/session.c'):
        for form, files in (('folder', {**everybody, f'all/{stray}': b'x'}), ('zip', {'all.zip': zipped({**everybody, f'all/{stray}': 'x'})})):
            students, problems = handed_in(files)
            check(f'a stray {stray} does not make everybody one student, in a {form}', {key: list(files.values()) for key, files in students.items()}
                  == {name: [name.encode()] for name in ('ann', 'eve', 'kim', 'lee')} and len(problems) == 1 and 'which student' in problems[0],
                  f'{students} {problems}')
    several = {'kim/session.c': '1', 'lee/session.c': '2', 'session.c': '3'}
    for files in ({'all.zip': zipped(several)}, {f'all/{name}': text.encode() for name, text in several.items()}):
        students, problems = handed_in(files)
        check('it says that one student may be several', list(students) == ['all'] and len(problems) == 1 and 'are they of one student?' in problems[0],
              f'{students} {problems}')
    students, problems = handed_in({'kim/work/lab01-session/session.c': b'1', 'kim/work/server.c': SERVER_3, 'lee/lab01-session/session.c': b'',
                                    'lee/lab03-server/server.c': b''})
    check('folders of labs, and one around them, are of one student', len(students) == 2 and not problems, f'{students} {problems}')


def test_sole():
    """If only one student has handed in, and the roster has the name, what is inside is not a class."""
    forged = {'kim_1_assignsubmission_file_/session.c': '1', 'lee_2_assignsubmission_file_/session.c': '2'}
    for name, files in (('eve.zip', {'eve.zip': zipped(forged)}), ('eve-77.zip', {'eve-77.zip': zipped({'kim/session.c': '1', 'lee/session.c': '2'})}),
                        ('eve', {f'eve/{path}': text for path, text in forged.items()})):
        with tempfile.TemporaryDirectory() as scratch:
            path = pathlib.Path(scratch) / 'class.zip'
            path.write_bytes(zipped(files))
            for ids, wanted in ((['kim', 'lee', 'eve', '77'], {name.removesuffix('.zip')}), (['kim', 'lee'], None)):
                students = set(submissions.find(path, LABS, ids=ids)[0])
                check(f'what only {name} hands in is of the students {wanted}', students == wanted if wanted else len(students) == 2, students)


def test_no_c_file():
    """Whoever hands in files, but no C file, is in the table."""
    for what, files, wanted in (
            ('a class', {'ann/session.c': '1', 'eve/session.c.txt': '', 'kim/a/b.rar': '', 'lee/lab01-session/.x': ''}, {'ann', 'eve', 'kim', 'lee'}),
            ('Canvas', {'ann_1_2_session.c': '1', 'eve_3_4_session.rar': '', 'note.txt': '', 'x/y.txt': ''}, {'ann-1', 'eve-3'}),
            ('a folder around all', {'top/ann/session.c': '1', 'top/eve/x.txt': '', 'top/note.txt': '', 'top/.git/x': ''}, {'ann', 'eve'}),
            ('a zip around all', {'top.zip': zipped({'ann/session.c': '1', 'kim.zip': zipped({}), 'eve/x.txt': '', 'lee/': '', 'eva//session.c': ''})},
             {'ann', 'kim', 'eve', 'lee', 'eva'}),
            ('a stray lab and other files', {'ann/session.c': '1', 'kim/session.c': '', 'lab03-server/x.txt': '', '__MACOSX/x': '', '.x/y': '', 'a.txt': ''},
             {'ann', 'kim'})):
        for form, students in (('a zip', found_in(zipped(files))[0]),
                               ('a folder', handed_in({name: text if isinstance(text, bytes) else text.encode() for name, text in files.items()
                                                       if not name.endswith('/')})[0])):
            check(f'who hands in no C file is there, too: {what}, in {form}', set(students) == wanted, students)
    with tempfile.TemporaryDirectory() as scratch:
        (pathlib.Path(scratch) / 'ann').mkdir()
        (pathlib.Path(scratch) / 'ann/session.c').write_text('1')
        (pathlib.Path(scratch) / 'eve').mkdir(mode=0)
        check('and whose folder nobody may read', set(submissions.find(pathlib.Path(scratch), LABS)[0]) == {'ann', 'eve'})


def test_due():
    """Of several tries, the last before the deadline counts."""
    tries = [((2026, 12, 1, hour, 0, 0), f'{hour}') for hour in (10, 12, 14, 16)]
    names = ('lopezana_LATE_11_22_session.c', 'lopezana_11_23_session-1.c', 'lopezana_11_24_session-2.c', 'lopezana_11_25_session-3.c')
    for due, wanted, count in ((13, b'12', 2), (9, b'16', 0), (17, b'16', 0), (None, b'16', 0)):
        limit = due and late.deadline(f'2026-12-01T{due:02}:00').timestamp()
        students, _ = found_in(dated(dict(zip(names, tries))), limit)
        student = students['lopezana-11']
        left_out = [text for text in student.problems if 'left out' in text]
        check(f'deadline at {due}: the last try before it counts', student.files == {'lab01-session/session.c': wanted} and len(left_out) == count,
              student)
    check('it names a student who is late only by the name of the file', any('says LATE' in text for text in found_in(
        dated(dict(zip(names, tries))), late.deadline('2026-12-01').timestamp())[0]['lopezana-11'].problems))
    due = late.deadline('2026-12-01T23:59+00:00')
    for when, wanted in (('2026-12-01T23:59:00+00:00', 15), ('2026-12-01T23:59:01+00:00', 13.5), ('2026-12-02T23:59:00+00:00', 13.5),
                         ('2026-12-03T00:59:01+01:00', 12), ('2026-12-31T00:00:00+00:00', 0)):
        check(f'handed in at {when}: the points are right', late.reduced(15, when, due, 10) == wanted, late.reduced(15, when, due, 10))


# Two programs that no starter and no solution has; and the first with other names, layout, comments.
WAY = '''
static int count_all(const struct client *client, int first, int last) {
  int sum = 0;
  for (int index = first; index < last; index++) {
    if (client->settings_received && index % 3 == 1)
      sum += weight_of(client, index) * 17;
    else if (index > 12)
      sum -= penalty_of(client, index, "late");
  }
  return sum > 0 ? normalise(sum, last - first) : fallback(client, "none");
}
static void tell(const struct client *client, const char *name) {
  char line[128];
  int length = snprintf(line, sizeof line, "%s has %d", name, count_all(client, 0, 99));
  fwrite(line, 1, (size_t)length, stderr);
}
'''
COPY = re.sub(r'\bindex\b', 'i', re.sub(r'\bsum\b', 'total', re.sub(r'\bcount_all\b', 'add_up', WAY))).replace(
    ') {\n', ')  { // <script>mine\n').replace('"late"', '"x"').replace('    else', '\n    else')
OTHER = '''
struct node { struct node *next; double value; };
static struct node *push(struct node *list, double value) {
  struct node *made = malloc(sizeof *made);
  if (!made) abort();
  *made = (struct node){list, value};
  return made;
}
static double drain(struct node **list) {
  double product = 1.0;
  while (*list) {
    struct node *gone = *list;
    product *= gone->value;
    *list = gone->next;
    free(gone);
  }
  return product;
}
'''


def test_similar():
    """make similar finds students with the same code, whatever the names are; given code does not count."""
    lab = 'lab01-session/session.c'
    starter, solution = (ROOT / lab).read_text(encoding='utf-8'), (ROOT / 'lab01-session/solution/session.c').read_text(encoding='utf-8')
    class_of = {'ann': solution, 'bob': solution.replace('client', 'customer'), 'kim': starter + WAY, 'lee': COPY + solution,
                'max': solution + OTHER, 'pat': starter}
    with tempfile.TemporaryDirectory() as scratch:
        for name, text in class_of.items():
            path = pathlib.Path(scratch) / name / 'src' / lab
            path.parent.mkdir(parents=True)
            path.write_text(text, encoding='utf-8')
        done = subprocess.run(['make', '-s', 'similar', f'CLASS={scratch}'], cwd=ROOT, capture_output=True, text=True, check=False,
                              env=dict(os.environ, MAKEFLAGS=''))
        text = done.stdout + done.stderr
        check('it finds the students with the same code, and nobody else', done.returncode == 0
              and re.findall(r'^ +\d+%  (.*)$', text, re.M) == ['kim  lee'], text)
        check('given code does not count', '3 compared; 3 have fewer' in text, text)
        check('it says what it cannot know', 'cannot know' in text)
        page = (pathlib.Path(scratch) / 'similar.html').read_text(encoding='utf-8')
        check('the page shows both files, as text', 'weight_of(client, index)' in page and 'weight_of(client, i)' in page
              and 'drain' not in page and '<script' not in page, page[:2000])
        for name in ('kim', 'lee', 'max'):
            (pathlib.Path(scratch) / name / 'src' / lab).unlink()
        done = subprocess.run([sys.executable, f'{ROOT}/grader/class/similar.py', scratch], capture_output=True, text=True, check=False)
        check('starters alone are not compared', done.returncode == 0 and ': 0 compared' in done.stdout, done.stderr)
        done = subprocess.run([sys.executable, f'{ROOT}/grader/class/similar.py', '--lab', '2', scratch], capture_output=True, text=True,
                              check=False)
        check('a class without this lab is an error', done.returncode == 1 and 'no such file' in done.stderr, done.stderr)


def test_similar_hostile():
    """Files made so that make similar does not end; each would take hours."""
    lines = ''.join(f'way_{number}(x += {number});\ny = y;\n' for number in range(1400))
    files = {'comments': '/* ' * 349000, 'texts': '"' + '\\"' * 500000, 'ends': '/*/' * 349000, 'call': 'a' * 500000 + '(',
             'blanks': 'a' * 500000 + ' ' * 500000 + 'x', 'one': lines, 'two': 'int x;\n' + lines}
    with tempfile.TemporaryDirectory() as scratch:
        for name, text in files.items():
            path = pathlib.Path(scratch) / name / 'src/lab01-session/session.c'
            path.parent.mkdir(parents=True)
            path.write_text(text, encoding='utf-8')
        try:
            done = subprocess.run([sys.executable, f'{ROOT}/grader/class/similar.py', '--lab', '1', scratch], capture_output=True, text=True,
                                  check=False, timeout=120)
            said = done.stdout + done.stderr
        except subprocess.TimeoutExpired as late_one:
            said = str(late_one)
    check('it ends, whatever the files are', re.search(r'100%  one  two$', said, re.M), said)
    own = [(number, line) for number, line in enumerate(lines.split('\n'))]
    owns = [similar.Own('eve', [(0, 'x = "' + r'\x' * 400000), (1, f'y = {"z" * 400000};'), *own]), similar.Own('one', own),
            similar.Own('two', own)]
    similar.TIME, before = 10, similar.TIME
    pairs, left_out = similar.compare_in_time(owns, 80)
    similar.TIME = before
    check('a long text takes no time, and nobody is left out for it', not left_out and len(pairs) == 3, f'{left_out} {len(pairs)}')
    slow = [similar.Own(name, [(number, line) for number in range(2000)]) for name, line in (('eve', 'x;x;'), ('mal', 'y;y;'))]
    similar.TIME, before = 5, similar.TIME
    pairs, left_out = similar.compare_in_time([*slow, similar.Own('one', own), similar.Own('two', own)], 80)
    similar.TIME = before
    check('files that take too long are left out, and named', left_out == ['eve', 'mal'] and [(pair.first.student, pair.second.student) for pair in pairs]
          == [('one', 'two')] and 'takes too long: eve, mal' in similar.summary('x', [], slow, left_out), f'{left_out} {pairs}')
    shapes = similar.without_comments('a "//x" /* b\nc */ d // e\n\'"\' // f /* g\nh(i)')
    hidden = {'a backslash': '// \\\n/*\ncode', 'a backslash and blanks': '// \\ \t\n/*\ncode',
              'a raw text': 'x = R"x(" /* )x";\ncode', 'a header': '#if __has_include(</*>)\n#endif\ncode', 'three lines': '//\\\n\\\n/*\ncode'}
    for what, text in hidden.items():
        found = similar.without_comments(text)
        check(f'no code hides behind {what}', found[-1] == 'code' and len(found) == text.count('\n') + 1, found)
    check('comments and texts are told apart', shapes == ['a "//x" ', ' d ', '\'"\' ', 'h(i)'] and similar.shape('x = f(a, "(\\"", \'"\', 12u);') ==
          'w=f(w,w,w,w);', shapes)


def test_hostile():
    """A malicious zip or folder: the tool reads and writes nothing else on this machine."""
    link = zipfile.ZipInfo('kim/session.c')
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    content = io.BytesIO()
    with zipfile.ZipFile(content, 'w', zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(link, '/etc/passwd')
        archive.writestr('../../lee/session.c', 'out')
        archive.writestr('max/session.c', 'x' * (2 << 20))
        archive.writestr('ann/session.c', 'int x;')
    students, problems = handed_in({'all.zip': content.getvalue(), 'bad.zip': b'PK\3\4 no zip'})
    taken = {key for key, files in students.items() if files}
    check('it takes only good files from a zip', taken == {'ann'} or taken == {'all'}, f'{students} {problems}')
    check('it names files that are too large', any('too large' in text for text in problems), problems)
    check('it names a file that is not a zip', any('bad.zip: not a zip' in text for text in problems), problems)
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch) / 'kim'
        folder.mkdir()
        (folder / 'session.c').symlink_to('/etc/passwd')
        os.mkfifo(folder / 'router.c')
        (pathlib.Path(scratch) / 'lee').symlink_to(ROOT)
        students, problems = submissions.find(pathlib.Path(scratch), LABS)
    check('it follows no link and opens no pipe', list(students) == ['kim'] and not students['kim'].files and not problems
          and ['not a regular file' in text for text in students['kim'].problems] == [True, True], f'{students} {problems}')


def test_course():
    """The labs and points of a course: halves too, and labs that do not count."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        (folder / 'grades.csv').write_text('id,name,lab01,lab02,lab03,total,status,handed_in\na,,15,10,15,40,graded,2026-12-02T00:00:00+00:00\n'
                                           'b,,5,20,0,25,graded,2026-11-01T00:00:00+00:00\n', encoding='utf-8')
        (folder / 'book.csv').write_text('id,p\na,\nb,\n')
        file = folder / 'course.conf'
        file.write_text('# half of lab 1; no lab 3\nlab01 = 7.5\n\nlab02=30 # more\nlab06 = 9\n')
        done = run_export(folder, '--column', 'p', '--course', file)
        check('it scales points to the course', (folder / 'out.csv').read_text() == 'id,p\na,22.5\nb,32.5\n',
              (folder / 'out.csv').read_text() + done.stderr)
        run_export(folder, '--column', 'p', '--course', file, '--due', '2026-12-01T23:59+00:00', '--late', '10%/day')
        check('it then reduces late points', (folder / 'out.csv').read_text() == 'id,p\na,20.25\nb,32.5\n', (folder / 'out.csv').read_text())
        file.write_text('lab01 = 7.5\nlab02 = 30\nhidden = lab01/ping\nbonus = 3\ndue = 2026-12-01T23:59+00:00\nlate = 10%/day\n')
        run_export(folder, '--column', 'p', '--course', file)
        check('the course may have the deadline', (folder / 'out.csv').read_text() == 'id,p\na,20.25\nb,32.5\n', (folder / 'out.csv').read_text())
        for text, said in (('lab01 10\n', ':1: not as'), ('\nlab99 = 1\n', ':2: lab99 is no lab'), ('lab01=1\nlab01=2\n', 'twice'),
                           ('lab06 = 9\n', 'no lab of it'), ('', 'no lab has points'),
                           ('lab01 = 1e3', 'not a number'), ('lab01 = 1000001', 'not a number'), ('due = soon', ':1: soon: say a date')):
            file.write_text(text)
            done = run_export(folder, '--column', 'p', '--course', file)
            check(f'it refuses a course file with {text!r}', done.returncode == 2 and said in done.stderr, done.stderr)


def run_export(folder, *more):
    return subprocess.run([sys.executable, f'{ROOT}/grader/class/export.py', *more, folder, folder / 'book.csv', folder / 'out.csv'],
                          capture_output=True, text=True, check=False)


def test_late():
    """Points after a deadline, in the LMS's own table, whose other columns stay."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        (folder / 'grades.csv').write_text(
            'id,name,lab01,total,status,handed_in\na,,15,15,graded,2026-12-01T23:58:59+00:00\nb,,15,15,graded,2026-12-02T00:00:00+00:00\n'
            'c,,15,15,graded,\nd,,0,0,no file,\n', encoding='utf-8')
        (folder / 'book.csv').write_text('id,group,points\na,1,\nb,2,7\nc,3,\nd,4,\n')
        done = run_export(folder, '--column', 'points', '--due', '2026-12-01T23:59+00:00', '--late', '10%/day')
        check('it reduces points after the deadline', (folder / 'out.csv').read_text() == 'id,group,points\na,1,15\nb,2,13.5\nc,3,15\nd,4,0\n',
              (folder / 'out.csv').read_text() + done.stderr)
        check('one line names the students without a known time', 'in time: c\n' in done.stdout, done.stdout)
        for more, said in ((['--due', '2026-12-01'], 'needs both'), (['--due', '1.12.', '--late', '10%/day'], 'say a date'),
                           (['--due', '2026-12-01', '--late', '10'], 'each begun day')):
            done = run_export(folder, '--column', 'points', *more)
            check(f'it refuses {" ".join(more)}', done.returncode == 2 and said in done.stderr, done.stderr)
        before = (folder / 'book.csv').read_bytes()
        done = subprocess.run([sys.executable, f'{ROOT}/grader/class/export.py', '--column', 'points', folder, folder / 'book.csv'],
                              capture_output=True, text=True, check=False)
        check('it does not overwrite the file of the LMS', done.returncode == 2 and before == (folder / 'book.csv').read_bytes(), done.stderr)


def test_export():
    """Export puts the points into the table of the LMS, and changes nothing else."""
    grades = 'id,name,lab01,total,status\nzoë-müller-12,Zoë,5,5,graded\njo-7,Jo,3,3,graded\nmax-9,Max,,0,not graded\n'
    tables = {
        'moodle': ('\ufeffIdentifier,"Full name",Grade,"Maximum Grade"\r\nParticipant 12,"Müller, Zoë",,15.00\r\n'
                   'Participant 7,Jo,-,15.00\r\n', 'Identifier,Full name,Grade,Maximum Grade\r\nParticipant 12,"Müller, Zoë",5,15.00\r\n'
                   'Participant 7,Jo,3,15.00\r\n', []),
        'canvas': ('Student,ID,Lab 01 (4)\nPoints Possible,,15\n"Jo, A",7,\n"Zoë",12,\n"Kim",5,2\n',
                   'Student,ID,Lab 01 (4)\nPoints Possible,,15\n"Jo, A",7,3\nZoë,12,5\nKim,5,2\n', ['--column', 'Lab 01 (4)']),
        'csv': ('id,group\njo-7,a\nZoë Müller 12,b\n', 'id,group,lab 1\njo-7,a,3\nZoë Müller 12,b,5\n', ['--column', 'lab 1']),
    }
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        (folder / 'grades.csv').write_text(grades, encoding='utf-8')
        for form, (before, after, more) in tables.items():
            (folder / 'book.csv').write_bytes(before.encode())
            done = run_export(folder, '--format', form, *more)
            check(f'export for {form}', done.returncode == 0 and 'the points of 2 students' in done.stdout
                  and (folder / 'out.csv').read_bytes() == after.encode(),
                  f'{done.stderr}{(folder / "out.csv").read_bytes()}')
        (folder / 'grades.csv').write_text('id,name,lab01,total,status\n7,Jo,3,3,graded\n', encoding='utf-8')  # by a roster
        (folder / 'book.csv').write_text('Identifier,Grade\nParticipant 7,\n')
        done = run_export(folder, '--format', 'moodle')
        check('the id may be the number of the LMS', done.returncode == 0 and 'Participant 7,3' in (folder / 'out.csv').read_text(), done.stderr)
        (folder / 'grades.csv').write_text(grades, encoding='utf-8')
        (folder / 'book.csv').write_text('id,x\njo-7,\n')
        done = run_export(folder, '--column', 'x')
        check('it names a student without a row', done.returncode == 1 and 'zoë-müller-12 has no row' in done.stderr, done.stderr)
        (folder / 'grades.csv').write_text('id,name,lab01,total,status,handed_in\nvic-7,Vic,5,5,graded,\nx-7,Mal,0,0,graded,\n12,Jo,3,3,graded,\n'
                                           '13,Max,4,4,graded,9999-99\n14,Eve,,much,graded,\n', encoding='utf-8')
        (folder / 'book.csv').write_bytes('Identifier,Full name,Grade\nParticipant 7,Vic\u2028x,1\nParticipant 12,Jo\x0c,\nParticipant 13,Max,\n'
                                          'Participant 14,Eve,\n'.encode())
        done = run_export(folder, '--format', 'moodle', '--due', '2026-12-01', '--late', '10%/day')
        check('a student whose row is unclear or wrong does not stop the others', done.returncode == 1 and (folder / 'out.csv').read_bytes() ==
              'Identifier,Full name,Grade\nParticipant 7,Vic\u2028x,1\nParticipant 12,Jo\x0c,3\nParticipant 13,Max,\nParticipant 14,Eve,\n'.encode(),
              f'{done.stderr}{(folder / "out.csv").read_bytes()}')
        check('it names them', all(text in done.stderr for text in ('Participant 7 gets no points: is it vic-7 or x-7?', '13 gets no points', '14 gets no points')),
              done.stderr)


def test_odd_tables():
    """What one student writes does not stop the export of all; and no row gets points that may be another's."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        (folder / 'grades.csv').write_text('id,name,lab01,total,status\nann-7,Ann,5,5,graded\njo-8,Jo,3,3,graded\n', encoding='utf-8')
        text = 'x' * 200000
        for what, book, wanted, said in (
                ('a student\'s long text', f'Identifier,Grade,Online text\nParticipant 7,,{text}\nParticipant 8,,\n',
                 f'Identifier,Grade,Online text\nParticipant 7,5,{text}\nParticipant 8,3,\n', ''),
                ('a row that is there twice', 'Identifier,Grade\nParticipant 7,1\nparticipant-7,2\nParticipant 8,\n',
                 'Identifier,Grade\nParticipant 7,1\nparticipant-7,2\nParticipant 8,3\n', 'Participant 7 gets no points: 2 rows are of ann-7'),
                ('a column that is there twice', 'Identifier,Grade,Grade\nParticipant 7,,\n', None, '2 columns "Grade"'),
                ('an id that is there twice', 'Identifier,Identifier,Grade\nParticipant 7,,\n', None, '2 columns "Identifier"')):
            (folder / 'book.csv').write_text(book, encoding='utf-8')
            (folder / 'out.csv').unlink(missing_ok=True)
            done = run_export(folder, '--format', 'moodle')
            found = (folder / 'out.csv').read_text(encoding='utf-8') if (folder / 'out.csv').exists() else None
            check(f'export with {what}', found == wanted and said in done.stderr and bool(done.returncode) == bool(said), f'{done.stderr}{str(found)[:300]}')


def test_quotes():
    """The report quotes no words that only one student's program has printed."""
    known = json.loads((ROOT / 'grader/mistakes/known_mistakes.json').read_text(encoding='utf-8'))['lab01']
    name = min(known)
    results = {'tests': [], 'extra_data': {'looks_like': {'lab01': [name]}}}
    for printed, quoted in ((('Bob copied', 'session ended'), False), (('took 17 ms', 'took 9 ms'), True)):
        made = report.Report(15)
        with tempfile.TemporaryDirectory() as scratch:
            for number, text in enumerate(printed):
                place = pathlib.Path(scratch) / f'{number}'
                place.mkdir()
                (place / 'results.json').write_text(json.dumps(results), encoding='utf-8')
                (place / 'feedback.txt').write_text(f'\nLab 01\n  looks like: {known[name]["mistake"]}\n  x goodbye  0/2  it\n      seen: "{text}"\n'
                                                    '\nTotal: 0', encoding='utf-8')
                report.add_student(made, place)
        said = report.text_of(made) + report.html_of(made)
        check(f'it quotes what two have printed, not one: {printed[0]}', said.count('seen:') == 2 * quoted and f'2 students: {known[name]["mistake"]}' in said, said)


def grade(scratch, *more, **keywords):
    return subprocess.Popen(['make', '-s', 'class', f'SUBMISSIONS={scratch}/handed in', f'OUT={scratch}/class', 'LAB=01', *more],
                            cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            env=dict(os.environ, MAKEFLAGS=''), start_new_session=True, **keywords)


def rows(scratch):
    with open(f'{scratch}/class/grades.csv', encoding='utf-8', newline='') as file:
        return {row['id']: row for row in csv.DictReader(file)}


def test_bombs():
    """A small zip that unpacks to much: in memory, in time, in files."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, 'w', zipfile.ZIP_BZIP2) as archive:
        archive.writestr('session.c', bytes(64 << 20))
    deep = b'int x;'
    for name, count, size in (('session.c', 3, 1 << 20), ('all.zip', 3, submissions.MOST_ZIP)):
        content = io.BytesIO()
        with zipfile.ZipFile(content, 'w', zipfile.ZIP_DEFLATED) as archive:
            for number in range(count):
                archive.writestr(f'{number}/{name}', bytes(size))
            archive.writestr('deeper.zip', deep)
        deep = content.getvalue()
    names = zipped({f'{number}.txt': b'' for number in range(submissions.MOST_ENTRIES + 1)})
    list_of_names = zipped({f'{number:0200}.txt': b'' for number in range(submissions.MOST_DIRECTORY // 200)})
    bombs = {'eve': (packed.getvalue(), 'packed in an unusual way'), 'max': (deep, 'too much in this zip'),
             'tom': (names, 'only the first'), 'ann': (list_of_names, 'too many files')}
    for name, (bomb, said) in bombs.items():
        tracemalloc.start()
        students, problems = handed_in({f'{name}.zip': bomb, 'kim/session.c': b'int x;'})
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        check(f'a zip that is a bomb: {said}', any(said in text for text in problems) and students['kim'], problems)
        check(f'a zip that is a bomb takes little memory: {said}', most < 256 << 20, most)


def test_odd_names():
    """Names that a class's folder, a table, a terminal or a file system cannot have."""
    names = ['grades.csv', 'plan.json', 'problems.txt', 'problems.txt.new', 'joblog', 'kit', 'slurm', 'e' * 300, '\u00e9' * 150,
             'x\ny: not you', '\033[2J', '\u202ecod', os.fsdecode(b'm\xffller'), os.fsdecode(b'm\xfeller')]
    content = io.BytesIO()
    with zipfile.ZipFile(content, 'w') as archive:
        for name in names[:-2]:
            archive.writestr(f'{name}/session.c', name.encode())
    with tempfile.NamedTemporaryFile(suffix='.zip') as file:
        file.write(content.getvalue())
        file.flush()
        students, problems = submissions.find(pathlib.Path(file.name), LABS)
    check('odd names are students', len(students) == len(names) - 2 and not problems, f'{students} {problems}')
    others, problems = handed_in({f'{name}/session.c': b'int x;' for name in names[-2:]})
    check('names that are no UTF-8 are students', len(others) == 2 and not problems, f'{others} {problems}')
    bad = [key for key in [*students, *others] if len(key.encode('utf-8', 'replace')) > 200 or submissions.printable(key) != key or key in names]
    check('their folders have other names than what stands beside them', not bad, bad)
    bad = [student.name for student in students.values() if re.search('[\x00-\x1f\u202e]', student.name)]
    check('names are printable', not bad, bad)
    cells = [submissions.cell(name) for name in ('=1+1', '-1', '@a', 'A=1', 'x;=1', 'x\t+1', 'x; "@a', '\uff1d1', 'x;y=1', 'Ann-Lee, O-x')]
    check('a table computes no name', cells == ["'=1+1", "'-1", "'@a", 'A=1', "x;'=1", "x\t'+1", "x; \"'@a", "'\uff1d1", 'x;y=1', 'Ann-Lee, O-x'], cells)


def test_class(scratch):
    right = (ROOT / 'lab01-session/solution/session.c').read_bytes()
    class_of = {
        'right': right, 'again': right, 'windows': b'\xef\xbb\xbf' + right.replace(b'\n', b'\r\n'),
        'starter': (ROOT / 'lab01-session/session.c').read_bytes(), 'broken': b'int main(void) { return 1 }\n',
        'loops': b'int main(void) { for (;;) ; }\n',
    }
    for name, content in class_of.items():
        folder = pathlib.Path(scratch) / 'handed in' / name
        folder.mkdir(parents=True)
        (folder / 'session.c').write_bytes(content)
    (pathlib.Path(scratch) / 'roster.csv').write_text('id,name\nright,Ann Right\nabsent,Max Absent\n', encoding='utf-8')
    first = grade(scratch, 'JOBS=1')
    line = next(text for text in first.stdout if text.startswith('[1/'))
    done = line.split()[1]
    os.killpg(first.pid, signal.SIGINT)
    first.communicate(timeout=120)
    kept = pathlib.Path(scratch) / 'class' / done / 'row.json'
    before = kept.stat().st_mtime_ns
    text, _ = grade(scratch, f'ROSTER={scratch}/roster.csv').communicate(timeout=300)
    check('a result from before the stop stays', kept.stat().st_mtime_ns == before and '5 to grade' in text, text)
    table = rows(scratch)
    points = {name: int(row['total']) for name, row in table.items()}
    wanted = {'right': 15, 'again': 15, 'windows': 15, 'starter': 0, 'broken': 0, 'loops': 0, 'absent': 0}
    check('everybody has the right points', points == wanted, f'{points}\n{text}')
    check('the table also has a student who handed in nothing', table['absent']['status'] == 'no file' and table['right']['name'] == 'Ann Right')
    check('the seed is the same for all', len({row['seed'] for row in table.values() if row['seed']}) == 1)
    problems = pathlib.Path(f'{scratch}/class/problems.txt').read_text(encoding='utf-8')
    check('the problems tell the instructor what to look at', 'broken: lab01-session/session.c does not compile' in problems and 'absent: no file' in problems
          and 'right' not in problems, problems)
    for name in ('feedback.txt', 'index.html', 'results.json'):
        check(f'there is a {name} for each', all((pathlib.Path(scratch) / 'class' / key / name).stat().st_size for key in class_of))
    wrong = [schema.problems(json.loads((pathlib.Path(scratch) / 'class' / key / 'results.json').read_text(encoding='utf-8')), 'gradescope')
             for key in class_of]
    check('results.json has the format of Gradescope', not any(wrong), '\n'.join(wrong))
    text, _ = grade(scratch).communicate(timeout=120)
    check('the same command has nothing left to do', ' 0 to grade' in text, text)
    (pathlib.Path(scratch) / 'handed in/broken/session.c').write_bytes(right)
    text, _ = grade(scratch).communicate(timeout=120)
    check('only a student who hands in again is graded again', ' 1 to grade' in text and rows(scratch)['broken']['total'] == '15', text)


def test_lines():
    """What a machine prints beside the results changes nothing; and a student who cannot be graded does not cost the next ones."""
    said = io.StringIO()
    options = argparse.Namespace(engine=lambda *_: iter(['\n', 'slurmstepd: \x1b[2J\n', 'ann  15/15\n', 'ann  15/15\n', 'kim  0/15\n']))
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            whole = grade_class.grade_all(options, ['ann', 'kim'])
        except IndexError as why:
            whole = why
    lines = said.getvalue().splitlines()
    check('it counts students, not lines', whole is True and lines[:2] == ['', 'slurmstepd: \\u001b[2J'] and
          [line[:11] for line in lines[2:]] == ['[1/2] ann  ', '[2/2] kim  '], f'{whole} {lines}')
    with tempfile.TemporaryDirectory() as scratch:
        place = pathlib.Path(scratch)
        plan = {'labs': None, 'seed': 1, 'grader': 'x', 'possible': 15}
        one.write_whole(place / 'plan.json', plan)
        (place / 'kim').mkdir()
        one.write_whole(place / 'kim/row.json', {'key': one.digest(place / 'kim', plan), 'status': 0, 'points': {'lab01': 15}, 'looks_like': [],
                                                 'seconds': 1, 'failed': []})
        (place / 'ann').write_text('')
        done = subprocess.run([sys.executable, one.__file__, scratch, 'ann', 'kim'], capture_output=True, text=True, check=False)
    check('a task of several students goes on after one who cannot be graded', done.returncode == 1 and done.stdout.startswith('kim  15/15')
          and 'ann: ' in done.stderr, f'{done.stdout}{done.stderr}')


def test_merge():
    """The new result of one lab replaces the old one, and the others stay."""
    def results(*points):
        tests = [{'number': number, 'score': score} for number, score in points]
        return {'score': sum(score for _, score in points), 'tests': tests, 'extra_data': {'looks_like': {points[-1][0][:5]: ['x']}}}
    with tempfile.TemporaryDirectory() as scratch:
        place, out = pathlib.Path(scratch), pathlib.Path(scratch) / 'lab01'
        out.mkdir()
        one.write_whole(place / 'row.json', {'failed': ['lab01-session/session.c', 'lab02-requests/requests.c'], 'seconds': 1})
        one.write_whole(place / 'results.json', results(('lab01/a', 1), ('lab01/b', 2), ('lab02/a', 4)))
        one.write_whole(out / 'results.json', results(('lab01/a', 10), ('lab01/b', 20)))
        row = regrade_tool.merge(place, out, {'failed': []}, 'lab01')
        whole = json.loads((place / 'results.json').read_text(encoding='utf-8'))
    check('the points of one lab change', row == {'failed': ['lab02-requests/requests.c'], 'seconds': 1, 'looks_like': [],
                                                  'points': {'lab01': 30, 'lab02': 4}}, row)
    check('the results of this lab change too', whole == {'score': 34, 'tests': [{'number': 'lab01/a', 'score': 10}, {'number': 'lab01/b', 'score': 20},
          {'number': 'lab02/a', 'score': 4}], 'extra_data': {'looks_like': {'lab01': ['x'], 'lab02': ['x']}}}, whole)


def test_whose_row():
    """The new points come into the row of this student, whatever number another one has at the end of a name."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        for name in ('ann-1234', 'eve-1234', '77', 'eve-77', 'jo-5'):
            (folder / name / 'src').mkdir(parents=True)
        rows_of = [{'id': name} for name in ('1234', '77', 'ann-1234', 'eve-1234', 'eve-77', '5')]
        found = {}
        for identity in ('eve-1234', 'ann-1234', '77', 'eve-77', '5', 'jo-5', '1234'):
            try:
                place = regrade_tool.find_place(folder, identity)
                found[identity] = (place.name, regrade_tool.row_of(rows_of, place, regrade_tool.places_in(folder))['id'])
            except regrade_tool.Problem as why:
                found[identity] = str(why)
    check('make regrade finds the row of one student, not of another with the same number',
          found == {**{name: (name, name) for name in ('eve-1234', 'ann-1234', '77', 'eve-77')}, '5': ('jo-5', '5'), 'jo-5': ('jo-5', '5'),
                    '1234': '1234: more than one student has this id'}, found)


def regrade(scratch, *more):
    done = subprocess.run(['make', '-s', 'regrade', f'CLASS={scratch}/class', *more], cwd=ROOT, capture_output=True, text=True,
                          check=False, env=dict(os.environ, MAKEFLAGS=''))
    return done.returncode, done.stdout + done.stderr


def test_regrade(scratch):
    """make regrade grades one student again, shows the old points, and corrects the table."""
    place = pathlib.Path(scratch) / 'class'
    good = (place / 'grades.csv').read_text(encoding='utf-8')
    wrong = re.sub(r'^(right,[^,]*),15,15,', r'\1,7,7,', good, flags=re.M)
    (place / 'grades.csv').write_text(wrong, encoding='utf-8')
    before = (place / 'right/row.json').stat().st_mtime_ns
    status, text = regrade(scratch, 'ID=right')
    check('it shows old and new points', status == 0 and re.search(r'^lab01 +7 +15  \*$', text, re.M)
          and re.search(r'^total +7 +15  \*$', text, re.M), text)
    check('it corrects the row, and changes nobody else\'s', wrong != good and [row for row in rows(scratch).values()
          if row['total'] != '15'] == [row for row in csv.DictReader(io.StringIO(good)) if row['total'] != '15']
          and rows(scratch)['right']['total'] == '15', (place / 'grades.csv').read_text(encoding='utf-8'))
    check('the student was graded again', (place / 'right/row.json').stat().st_mtime_ns > before)
    status, text = regrade(scratch, 'ID=broken', 'LAB=01')
    check('one lab', status == 0 and re.search(r'^lab01 +15 +15$', text, re.M) and (place / 'broken/lab01/feedback.txt').exists(), text)
    results = json.loads((place / 'broken/results.json').read_text(encoding='utf-8'))
    check('the results are those of the student', results['score'] == 15 == sum(test['score'] for test in results['tests']), results)
    text, _ = grade(scratch, f'ROSTER={scratch}/roster.csv').communicate(timeout=120)
    check('a student who was graded again stays graded', ' 0 to grade' in text, text)
    for more, said in ((['ID=nobody'], 'nobody in'), (['ID=right', 'LAB=02'], 'has lab01')):
        status, text = regrade(scratch, *more)
        check(f'it refuses {" ".join(more)}', status != 0 and said in text, text)


def test_report(scratch):
    """The report counts what the class has understood, with examples that name nobody."""
    place = pathlib.Path(scratch) / 'handed in'
    for name, find, put in (('lost', '', ''), ('ping', 'session closed', 'session ended'), ('pong', 'session closed', 'session ended')):
        text = (ROOT / 'lab01-session/solution/session.c').read_text(encoding='utf-8')
        (place / f'zz-{name}').mkdir()
        (place / f'zz-{name}/session.c').write_text(text.replace(find, put) if find else text, encoding='utf-8')
    grade(scratch).communicate(timeout=300)
    done = subprocess.run(['make', '-s', 'class-report', f'CLASS={scratch}/class'], cwd=ROOT, capture_output=True, text=True,
                          check=False)
    page = pathlib.Path(f'{scratch}/class/report.html').read_text(encoding='utf-8')
    check('class-report makes a report', done.returncode == 0 and '9 students; of 15 points' in done.stdout, done.stdout + done.stderr)
    (pathlib.Path(scratch) / 'course').write_text('lab01 = 7.5\n')
    counted = subprocess.run(['make', '-s', 'class-report', f'CLASS={scratch}/class', f'COURSE={scratch}/course'], cwd=ROOT,
                             capture_output=True, text=True, check=False).stdout
    check('with the points of a course', '9 students; of 7.5 points, half have 7.5 or more' in counted
          and re.search(r'^ *6.75 to 7.5 +5 #', counted, re.M), counted)
    check('it counts the students who fail a check', re.search(r'^ +4 of 9 +lab01/goodbye ', done.stdout, re.M), done.stdout)
    check('it names nobody', not re.search('zz-|windows|starter', done.stdout + page), done.stdout)
    check('the page has the same, and loads nothing', 'lab01/goodbye' in page and 'src=' not in page and '<script' not in page)


def main():
    test_names()
    test_no_date()
    test_clashes()
    test_many_clashes()
    test_tries()
    test_times()
    test_forged()
    test_one_does_not_stop_all()
    test_roster()
    test_bounds()
    test_clock()
    test_own_room()
    test_many_names()
    test_extra_fields()
    test_folder_names()
    test_first_problems()
    test_stray()
    test_sole()
    test_no_c_file()
    test_due()
    test_hostile()
    test_bombs()
    test_odd_names()
    test_export()
    test_late()
    test_odd_tables()
    test_quotes()
    test_course()
    test_lines()
    test_merge()
    test_whose_row()
    test_similar()
    test_similar_hostile()
    with tempfile.TemporaryDirectory(prefix='class-') as scratch:
        os.chmod(scratch, 0o755)
        test_class(scratch)
        test_regrade(scratch)
        test_report(scratch)
    return done_testing()


sys.exit(main())
