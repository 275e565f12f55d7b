#!/usr/bin/env python3
"""predictions: what `make predict` plays for labs 4 to 6 is what the text of each scenario leads to.

The text is read here once more, and the frames are worked out by other code than the reference server's.
"""
import collections
import json
import pathlib
import re
import subprocess
import sys

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "grader/tools/dev"))
from tap import check, done_testing  # noqa: E402  pylint: disable=wrong-import-position

SEEDS = (3, 70, 555, 8080, 123456, 999999)
NAMES = {"lab04": ["head", "routes", "goodbye"], "lab05": ["crossing", "late", "timers"],
         "lab06": ["alpn", "trust", "versions"]}


def play(lab, seed):
    done = subprocess.run([ROOT / "build/grader/predict", "--lab", lab[3:], "--seed", str(seed)], timeout=120,
                          stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def by_stream(lines):
    streams = collections.defaultdict(list)
    for line in lines:
        side, _, stream = line.split()[:3]
        streams[side, stream].append(line)
    return streams


# --- What the text leads to ----------------------------------------------------------------------------


def answer(stream, length):
    return [f"s HEADERS {stream}", f"s DATA {stream} {length} END_STREAM"]


def request(stream):
    return f"c HEADERS {stream} END_STREAM"


def head(text):
    known = "/ping" in text
    for stream, method in zip((1, 3), re.findall(r"GET|HEAD", text)):
        yield request(stream)
        yield from ([f"s HEADERS {stream} END_STREAM"] if method == "HEAD" else answer(stream, 4 if known else 14))


def routes(text):
    bodies = {("GET", "/ping"): 4, ("GET", "/hello-world"): 11}
    for i, asked in enumerate(re.findall(r"(?m)^  (\w+) (\S+)$", text)):
        stream = 2 * i + 1
        yield from ([f"s HEADERS {stream} END_STREAM"] if asked[0] == "HEAD" else answer(stream, bodies.get(asked, 14)))


def goodbye(text):
    before = int(re.search(r"answered (\d+) GET", text)[1])
    crossing = int(re.search(r"(\d+) more GET", text)[1])
    last = 2 * (before + crossing) - 1
    for stream in range(2 * before + 1, last + 1, 2):
        yield request(stream)
        yield from answer(stream, 4)
    yield from ["s PING 0", "c PING 0 ACK", "s GOAWAY 0 2147483647 NO_ERROR", f"s GOAWAY 0 {last} NO_ERROR"]


def given_up(text):
    return re.search(r"(\d+) GETs.*request (\d+)", text.replace("\n", " ")).groups()


def crossing(text):
    count, slow = map(int, given_up(text))
    for stream in range(1, 2 * count, 2):
        yield request(stream)
        yield from answer(stream, 4)
    yield f"c RST_STREAM {2 * slow - 1} CANCEL"


def late(text):
    count, slow = map(int, given_up(text))
    for stream in range(1, 2 * count, 2):
        yield request(stream)
        yield from ([f"c RST_STREAM {stream} CANCEL"] if stream == 2 * slow - 1 else answer(stream, 4))


def timers(text):
    limit = int(re.search(r"each of them: (\d+) ms", text)[1])
    for stream in (1, 3):
        yield request(stream)
        last = 0
        events = re.findall(rf"(?m)^ +(\d+) ms: (\w+)(?: of (\d+) bytes)?.* on stream {stream}(, END_STREAM)?$", text)
        for time, kind, length, end in events:
            if int(time) - last > limit:
                yield f"c RST_STREAM {stream} CANCEL"
                break
            last = int(time)
            yield f"s {kind} {stream}{' ' + length if length else ''}{' END_STREAM' if end else ''}"


def clients(text, alerts):
    """`alerts`: for what the text says of a client its alert; "" for neither alert nor frames, None for an answer."""
    for number, kind in re.findall(r"(?m)^  client (\d+): (.*)$", text):
        alert = alerts[kind]
        if alert is None:
            yield request(number)
            yield from answer(number, 14)
        elif alert:
            yield f"{alert[0]} ALERT {number} {alert[2:]}"


def alpn(text):
    return clients(text, {"h2": None, "http/1.1, h2": None, "http/1.1": "s NO_APPLICATION_PROTOCOL",
                          "h2c": "s NO_APPLICATION_PROTOCOL", "nothing: it sends no ALPN": ""})


def trust(text):
    trusted = "the certificate that the client trusts"
    return clients(text, {trusted: None, f"{trusted}; it is no longer valid": "c CERTIFICATE_EXPIRED",
                          f"{trusted}; it is for example.com": "c BAD_CERTIFICATE",
                          "a certificate for localhost that the client does not know": "c UNKNOWN_CA"})


def versions(text):
    return clients(text, {"TLS 1.0": "s PROTOCOL_VERSION", "TLS 1.1": "s PROTOCOL_VERSION", "TLS 1.2": None,
                          "TLS 1.3": None, "TLS 1.2, only with AES in CBC mode": "s HANDSHAKE_FAILURE"})


# --- Tests ----------------------------------------------------------------------------------------------


def check_scenario(lab, seed, scenario):
    worked_out = globals()[scenario["name"]](scenario["text"])
    expected = by_stream(line for line in worked_out if line[0] in scenario["sides"])
    seen = by_stream(line for line in scenario["frames"].splitlines() if line[0] in scenario["sides"])
    check(f"{lab}, {scenario['name']}, seed {seed}: the frames are those of the text", expected == seen,
          f"{scenario['text']}\nexpected: {dict(expected)}\nseen: {dict(seen)}")


def check_paths(lab, seed, played):
    """A path other than "/" takes more than one byte in HPACK, and the other three fields take one each."""
    names = [one["name"] for one in played["scenarios"] if re.search(r"/ping|path that", one["text"])]
    for asked in played["quiz"]:
        if asked["question"].split(":")[0] in names and "on a stream above 1" in asked["question"]:
            check(f"{lab}, seed {seed}: the capture has the path of the text: {asked['question']}", asked["answer"] > 4)


def main():
    for lab, names in NAMES.items():
        texts = set()
        for seed in SEEDS:
            played = play(lab, seed)
            check(f"{lab}, seed {seed}: three scenarios", [one["name"] for one in played["scenarios"]] == names)
            for scenario in played["scenarios"]:
                check_scenario(lab, seed, scenario)
            check_paths(lab, seed, played)
            texts.add("".join(one["text"] for one in played["scenarios"]))
        check(f"{lab}: each seed draws other numbers", len(texts) == len(SEEDS))
        check(f"{lab}: the same seed plays the same, and asks the same", play(lab, SEEDS[-1]) == played)
    return done_testing()


if __name__ == "__main__":
    sys.exit(main())
