#!/usr/bin/env python3
"""Captures: in every lab, tshark reads from the capture file of a check the same frames as our recorder has seen.

    capture.py [CHECK...]       only the checks of these names
"""
import collections
import concurrent.futures
import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
os.chdir(ROOT)
sys.path.insert(0, 'grader/tools/dev')
# pylint: disable=wrong-import-position
from tap import check, done_testing, skip_all  # noqa: E402

PLAIN, TLS = '8000', '8443'
TYPES = {'DATA': 0, 'HEADERS': 1, 'PRIORITY': 2, 'RST_STREAM': 3, 'SETTINGS': 4, 'PUSH_PROMISE': 5, 'PING': 6,
         'GOAWAY': 7, 'WINDOW_UPDATE': 8, 'CONTINUATION': 9}
FLAGS = {'ACK': 1, 'END_STREAM': 1, 'END_HEADERS': 4, 'PADDED': 8, 'PRIORITY': 0x20}
# Decoders disagree after bytes that are not HTTP/2: compare the frames before them.
NO_HTTP2 = 'not HTTP/2'


def recorded(path):
    """{(connection, sender): [(type, stream, length, flags)]}, and whether these are all frames of the check."""
    with open(path, encoding='utf-8') as file:
        outcome = json.load(file)
    frames = collections.defaultdict(list)
    for frame in outcome['frames']:
        if 'note' in frame:
            continue
        key = frame['connection'], frame['sender']
        if frame['type'] == 'preface':
            frames[key].append('preface')
        elif frame['type'] == NO_HTTP2:
            frames[key].append(NO_HTTP2)
        else:
            kind = TYPES[frame['type']] if frame['type'] in TYPES else int(frame['type'], 16)
            flags = sum(FLAGS[flag] if flag in FLAGS else int(flag, 16) for flag in frame['flags'])
            frames[key].append((kind, frame['stream'], frame['length'], flags))
    return frames, outcome['frame_count'] == len(outcome['frames'])


def tshark(path, *options):
    done = subprocess.run(['tshark', '-n', '-d', f'tcp.port=={PLAIN},http2', '-r', path, *options],
                          capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def decoded(path):
    """The same from tshark, and its complaints about checksums and sequence numbers."""
    fields = ['tcp.srcport', 'tcp.dstport', 'http2.magic', 'http2.type', 'http2.streamid', 'http2.length', 'http2.flags',
              'tcp.checksum.status', 'ip.checksum.status', 'tcp.analysis.flags']
    frames = collections.defaultdict(list)
    problems = []
    options = [option for field in fields for option in ('-e', field)]
    for line in tshark(path, '-T', 'fields', '-E', 'aggregator=;', '-o', 'tcp.check_checksum:TRUE', '-o', 'ip.check_checksum:TRUE', *options):
        source, target, magic, *lists, tcp, ip, analysis = line.split('\t')
        if (tcp, ip) != ('1', '1') or analysis:
            problems.append(line)
        from_server = source in (PLAIN, TLS)
        key = int(target if from_server else source) - 50000, 'server' if from_server else 'client'
        if magic:
            frames[key].append('preface')
        columns = [[int(number, 0) for number in values.split(';') if number] for values in lists]
        frames[key].extend(zip(*columns))
    return frames, problems


def name_of(path):
    return os.path.basename(path).removesuffix('.pcapng')


def differences(ours, theirs, complete):
    wrong = [f'{key}: {len(theirs[key])} frames that our recorder has not seen' for key in theirs
             if complete and theirs[key] and key not in ours]
    for key, frames in ours.items():
        end = frames.index(NO_HTTP2) if NO_HTTP2 in frames else len(frames)
        other = theirs.get(key, [])
        whole = complete and NO_HTTP2 not in frames
        if frames[:end] != other[:end] or (whole and len(other) != end):
            place = next((i for i in range(end) if other[i:i + 1] != frames[i:i + 1]), end)
            wrong.append(f'{key}: {len(frames)} and {len(other)} frames, and at {place} {frames[place:place + 3]} and {other[place:place + 3]}')
    return wrong


def test_lab(lab, folder, only):
    captures = [path for path in sorted(glob.glob(f'{folder}/checks/{lab}.*.pcapng')) if not only or name_of(path) in only]
    seen = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        decodings = list(pool.map(decoded, captures))
    for path, (theirs, problems) in zip(captures, decodings):
        name = name_of(path)
        ours, complete = recorded(path.removesuffix('pcapng') + 'json')
        wrong = differences(ours, theirs, complete)
        seen += sum(map(len, ours.values()))
        check(f'{name}: tshark finds the same frames', not wrong, '\n'.join(wrong))
        check(f'{name}: tshark finds no wrong checksum or sequence number', not problems, '\n'.join(problems))
    check(f'{lab}: there were frames to compare', seen > 0 or only, captures)


def main(only):
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(['build/grader/grade', '--programs', 'build/solutions', '--output', folder, '--pcap'],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        check('make grade writes captures, and says how to read them', done.returncode == 0 and
              f'tshark -d tcp.port=={PLAIN},http2 -r' in done.stdout, done.stdout + done.stderr)
        for path in sorted(glob.glob('lab*-*')):
            test_lab(path[:5], folder, only)
    return done_testing()


if __name__ == '__main__':
    if not shutil.which('tshark'):
        skip_all('tshark is not installed')
        sys.exit(0)
    sys.exit(main(sys.argv[1:]))
