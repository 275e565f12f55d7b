#!/usr/bin/env python3
"""make live in a headless Chromium: it gives each lab's lecture from the first step to the last and back, shows frames
as they pass, from both sides, and the states and windows that they make; it saves them, and slows no program down; what a program prints or sends stays text; it answers nobody
but its own page; it reads well in every scheme and size.

Runs alone: it measures how quick the page is.
"""
import base64
import contextlib
import http.client
import itertools
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parents[2]
os.chdir(ROOT)
sys.path[:0] = ["grader/tools/dev", "grader/tests"]
# pylint: disable=wrong-import-position
from browser import Browser, find  # noqa: E402
from page import CONTRAST  # noqa: E402
from tap import check, done_testing, skip_all  # noqa: E402

SECONDS = 60
ATTACK = "</pre></script><script>window.attacked = 1</script><img src=x onerror='window.attacked = 1'>"
MARK = f"LIVE_TEST={os.getpid()}"
BUILD = os.environ.get("BUILD") or "build"


def wait_for(done, seconds=SECONDS):
    deadline = time.monotonic() + seconds
    while not (value := done()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return value


def left_running():
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if MARK.encode() in path.read_bytes().split(b"\0"):
                found.append(path.with_name("cmdline").read_text(encoding="utf-8"))
    return found


class Live:
    """A running `live`, and its address."""

    def __init__(self, *arguments, root=ROOT):
        self.place = tempfile.TemporaryDirectory(prefix="live-")  # not the user's own: perhaps another one runs
        self.environment = environment = {**{name: value for name, value in os.environ.items() if not name.startswith("H2_")},
                                          **dict([MARK.split("=")]), "XDG_RUNTIME_DIR": self.place.name}
        self.process = subprocess.Popen([sys.executable, root / "grader/live/live.py", *arguments], cwd=root, env=environment,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        said = self.process.stdout.readline()
        found = re.fullmatch(r"the (?:lecture|wire) is at (http://localhost:(\d+)/([\w-]{32})/)\n", said)
        if not found:
            raise RuntimeError(f"{said} {self.process.stderr.read()}")
        self.url, self.port, self.token = found[1], int(found[2]), found[3]
        self.socket = root / BUILD / "live/socket"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGINT)
        check("Ctrl-C ends it with status 0", self.process.wait(SECONDS) == 0, self.process.stderr.read())
        check("all that it started has ended", wait_for(lambda: not left_running()), left_running())
        check("its socket is gone", not self.socket.exists() and not list(pathlib.Path(self.place.name).glob("h2-live/*")))
        self.place.cleanup()
        self.process.stdout.close()
        self.process.stderr.close()

    def ask(self, method, path, body=None, **headers):
        """The status of an answer. A header of None is left out."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        sent = {"Host": f"localhost:{self.port}", **headers}
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in {**sent, **({"Content-Length": str(len(body))} if body is not None else {})}.items():
            if value is not None:
                connection.putheader(name.replace("_", "-"), value)
        connection.endheaders(body.encode() if body is not None else None)
        answer = connection.getresponse()
        status = answer.status
        connection.close()
        return status

    def program(self):
        """A program that tells frames."""
        other = socket.socket(socket.AF_UNIX)
        other.connect(str(self.socket))
        return other


def frame(kind, sender, stream=0, flags=(), **more):
    return {"connection": 1, "ms": 0.5, "sender": sender, "type": kind, "flags": list(flags), "stream": stream, "length": 0, **more}


def send(program, *frames):
    program.sendall("".join(json.dumps(each) + "\n" for each in frames).encode())


def shown(page):
    return page.run("[...document.querySelectorAll('.wire .rows li.frame')].map((row) => row.innerText.replace(/\\s+/g, ' '))")


# --- The lectures -----------------------------------------------------------------------------------------

STATE = """window.live && document.querySelector('.step h2') ? ({lab: live.lab && live.lab.lab, step: live.step, of: live.lab && live.lab.steps.length, title: document.querySelector('.step h2')?.innerText,
  running: live.lecture.running(), next: Boolean(live.lecture.next()), failed: document.querySelectorAll('.card.failed').length,
  place: document.querySelector('.step .place')?.innerText, code: document.querySelectorAll('.code pre').length,
  frames: document.querySelectorAll('.wire .rows li.frame').length,
  arrows: document.querySelectorAll('.wire .drawing g.arrow.frame').length, output: document.querySelector('.step').innerText}) : {lab: null}"""


def run_to_end(page):
    """Run the step's command by its key, and wait until it has ended."""
    page.press("r")
    wait_for(lambda: page.run(STATE)["running"], 2)
    wait_for(lambda: not page.run(STATE)["running"])


def arrived(page, lab, step):
    return wait_for(lambda: (now := page.run(STATE))["lab"] == lab and (now["place"] or "").startswith(f"Step {step} of") and now)


def run_all(page):
    """Press the space bar as long as a command waits. Returns the state afterwards, and the frames that were seen."""
    seen = 0
    while (now := page.run(STATE))["next"]:
        if page.run("live.go_on.innerText") == "More":
            page.press(" ")
            wait_for(lambda: page.run("live.go_on.innerText") == "Run", 0.1)
            continue
        page.press(" ")
        wait_for(lambda: page.run(STATE)["running"], 2)
        wait_for(lambda: not page.run(STATE)["running"])
        wait_for(lambda: page.run("!live.wire.waiting"))
        now = page.run(STATE)
        seen += now["frames"]
        check(f"lab {now['lab']}, step {now['step']}: each frame has an arrow", now["arrows"] == now["frames"], now)
        if now["failed"]:
            break
    return now, seen


def test_lecture(page, number, titles):
    page.run(f"live.go('{number}', 1)")
    seen = 0
    for step, title in enumerate(titles, 1):
        now = arrived(page, number, step)
        check(f"lab {number}: step {step} is there", now and now["title"] == title, now)
        now, frames = run_all(page)
        seen += frames
        check(f"lab {number}, step {step}: every command ends as the script says", not now["failed"] and not now["next"], now["output"])
        if step < len(titles):
            page.press("ArrowRight")
    check(f"lab {number}: frames were on the page", seen >= 6, seen)
    for step in range(len(titles) - 1, 0, -1):
        page.press("ArrowLeft")
        check(f"lab {number}: back to step {step}", arrived(page, number, step), page.run(STATE))
    kept = [log for log in page.run("[...live.lecture.logs.values()].map((log) => log.events.length)") if log]
    check(f"lab {number}: what the commands have printed is kept", kept)


def test_lectures(browser):
    scripts = {path.stem[3:]: re.findall(r"(?m)^## (.*)$", path.read_text(encoding="ascii"))
               for path in sorted((ROOT / "grader/lecture/scripts").glob("lab*.md"))}
    with Live(*scripts) as live:
        page = browser.open(live.url, 1280, 720)
        arrived(page, min(scripts), 1)
        for number, titles in scripts.items():
            test_lecture(page, number, titles)
        check("at the end, the page says so", page.run("live.go('06', 5)") or arrived(page, "06", 5) and (
            page.run("live.lecture.scroll(9999)") or wait_for(lambda: page.run("live.go_on.innerText") == "End")), page.run("live.go_on.innerText"))
        test_keys(page)
        test_size(page)
        test_later(browser, live, page)
        test_again(page)
        test_looks(browser, live)
        check("the console is empty", not page.errors(), page.errors())
        strangers = [url for url in page.requests() if not url.startswith(live.url)]
        check("the page asks nobody but its own server", not strangers, strangers)


def test_keys(page):
    page.run("live.go('02', 1)")
    arrived(page, "02", 1)
    for key, step in (("4", 4), ("PageUp", 3), ("PageDown", 4), ("6", 6), ("9", 6), ("2", 2)):
        page.press(key)
        check(f"the key {key} goes to step {step}", arrived(page, "02", step), page.run(STATE))
    page.press("b")
    black = page.run("document.elementFromPoint(400, 400).className")
    page.press("b")
    check("b makes the screen black, and back", black == "black" and
          page.run("document.elementFromPoint(400, 400).className") != "black", black)
    for key in (" ", "ArrowRight", "Enter", "+", "n"):
        page.press("b")
        page.press(key)
        check(f"when the screen is black, the key {key!r} brings it back, and does nothing else", page.run(
            "live.blackness.hidden && live.step === 2 && live.kept.size !== 1.125 && !document.body.classList.contains('noted')"), page.run(STATE))
    page.press("b")
    page.click(400, 400)
    check("so does a click", page.run("document.elementFromPoint(400, 400).className") != "black")
    before = page.run("parseFloat(getComputedStyle(document.querySelector('.step p')).fontSize)")
    page.press("+")
    larger = page.run("parseFloat(getComputedStyle(document.querySelector('.step p')).fontSize)")
    page.press("-")
    check("+ makes the letters larger, - smaller again", larger > before ==
          page.run("parseFloat(getComputedStyle(document.querySelector('.step p')).fontSize)"), (before, larger))
    page.run("live.go('02', 5)")
    arrived(page, "02", 5)
    whole = page.run("document.querySelector('.lecture').offsetWidth")
    page.run("live.go('02', 4)")
    arrived(page, "02", 4)
    page.run("live.go('06', 1)")
    arrived(page, "06", 1)
    check("so has one whose commands reach no server", page.run("document.querySelector('.lecture').offsetWidth") == 1280)
    page.run("live.go('02', 4)")
    arrived(page, "02", 4)
    check("a step without frames has the whole window", whole == 1280 > page.run("document.querySelector('.lecture').offsetWidth") + 500, whole)
    test_ladder_from_the_top(page)
    test_closed(page)
    page.run("live.go('02', 4)")
    arrived(page, "02", 4)
    page.run("live.go('02', 1)")
    arrived(page, "02", 1)
    empty = page.run("""[...document.querySelectorAll('.codes.several')].filter((each) => {
      const [one, other] = [...each.children].map((child) => child.getBoundingClientRect()); return Math.abs(one.top - other.top) > 1; }).length""")
    check("pieces of code stand side by side, of whatever language", empty == 0 and page.run(SIDE_BY_SIDE), empty)
    page.run("live.go('02', 4)")
    arrived(page, "02", 4)
    test_folds(page)
    test_focus(page)
    page.press("w")
    alone = page.run("document.querySelector('.lecture').offsetWidth")
    page.press("w")
    page.press("w")
    check("w shows the wire alone, and both again", alone == 0 and page.run("document.querySelector('.lecture').offsetWidth") > 0)
    page.press("n")
    check("n shows the lecturer's notes", page.run("document.querySelector('.step .aside').offsetHeight") > 0)
    page.press("n")
    page.press("?")
    check("? shows the keys", page.run("document.querySelector('dialog').open"))
    page.press("Escape")
    unnamed = page.run("[...document.querySelectorAll('button, select')].filter((each) => "
                       "!(each.innerText || each.getAttribute('aria-label'))).length")
    check("every button has a name", unnamed == 0, unnamed)


def test_reading(browser):
    """One key leads through a step: its code is on the screen before its command runs, its ladder before the next step."""
    with Live("02") as live:
        page = browser.open(f"{live.url}#02/4", 1280, 720)
        arrived(page, "02", 4)
        pane = "document.querySelector('.lecture').getBoundingClientRect()"
        seen = f"[...document.querySelectorAll('.code')].every((each) => each.getBoundingClientRect().bottom <= {pane}.bottom + 2)"
        check("a step has more code than the window", not page.run(seen) and wait_for(lambda: page.run("live.go_on.innerText") == "More", 5))
        for _ in range(5):
            if page.run(seen):
                break
            page.press(" ")
            check("the space bar shows the code, and runs nothing", not page.run(STATE)["running"] and page.run("live.lecture.next() !== null"))
        check("then it may run", page.run(seen) and wait_for(lambda: page.run("live.go_on.innerText") == "Run", 5))
        page.press(" ")
        check("and the space bar runs it", wait_for(lambda: page.run("live.lecture.next() === null")))
        page.run("live.go('02', 2)")
        arrived(page, "02", 2)
        run_to_end(page)
        page.run("live.go('02', 3)")
        arrived(page, "02", 3)
        check("the servers of other steps take no room", page.run("document.querySelector('.play').hidden"))
        run_to_end(page)
        lines = "[...document.querySelectorAll('.play label')].map((each) => each.querySelector('select').value)"
        check("that of the step is there", wait_for(lambda: page.run(lines) == ["slow"], 10), page.run(lines))
        wait_for(lambda: page.run("!live.wire.waiting"))
        inside = """[...document.querySelectorAll('.wire .rows > li')].filter((row) => row.getBoundingClientRect().bottom <= live.wire.sheet.getBoundingClientRect().bottom &&
          row.getBoundingClientRect().top >= document.querySelector('.wire .heading').getBoundingClientRect().bottom - 2).map((row) => row.innerText.replace(/\\s+/g, ' '))"""
        requests = wait_for(lambda: (found := [row for row in page.run(inside) if "from the client" in row and "HEADERS" in row]) and "HEADERS" in page.run(inside)[0] and found, 5)
        check("what the step is about is in the window: both requests", requests and ["stream 1" in requests[0], "stream 3" in requests[-1]] == [True, True], page.run(inside))
        seen = page.run(inside)
        wait_for(lambda: page.run("live.go_on.innerText") != "Run", 5)
        for _ in range(4):
            if page.run("live.go_on.innerText") != "More":
                break
            page.press(" ")
            page.settle()
            check("More shows some rows again, and new ones", set(seen) & set(page.run(inside)) and set(page.run(inside)) - set(seen), (seen, page.run(inside)))
            seen = page.run(inside)
        check("after More, the end of the ladder is in the window, and Next is next", page.run("live.wire.hidden") == 0 and page.run("live.go_on.innerText") == "Next" and
              page.run("live.step") == 3)
        room = page.run("live.wire.sheet.clientHeight")
        page.run("live.wire.states.fold.click()")
        page.settle()
        check("where the states open below it, the end stays in the window", wait_for(lambda: page.run("live.wire.sheet.clientHeight") < room, 5) and
              wait_for(lambda: page.run("live.wire.hidden") == 0, 2), page.run("[live.wire.hidden, live.wire.sheet.clientHeight]"))
        page.run("live.wire.states.fold.click()")
        page.run("document.querySelectorAll('.wire .switch input')[1].click()")
        check("a ladder to scale says what that is", wait_for(lambda: page.run("document.querySelector('.of-scale').offsetHeight > 0 && live.wire.sheet.scrollTop === 0"), 5))
        check("the console is empty", not page.errors(), page.errors())
        page.close()


def test_size(page):
    """With larger letters, the reader sees what they have seen before."""
    page.run("live.go('02', 4)")
    arrived(page, "02", 4)
    run_to_end(page)
    page.run("live.lecture.scroll(9999)")
    card = "document.querySelector('.card.of-console').getBoundingClientRect().bottom"
    page.press("+", 3)
    check("+ keeps the end of the lecture in the window", page.run(card) <= 720, page.run(card))
    page.run("live.wire.follow()")
    page.press("0")
    page.run("document.querySelectorAll('.code')[0].scrollIntoView({block: 'start'})")
    top = "document.querySelectorAll('.code')[0].getBoundingClientRect().top - document.querySelector('.lecture').getBoundingClientRect().top"
    page.press("+", 3)
    check("and what is at its top", abs(page.run(top)) < 60, page.run(top))
    bars = page.run("[document.querySelector('.wire .heading').getBoundingClientRect().top, document.querySelector('.wire .tools').getBoundingClientRect().bottom]")
    check("the names of the two sides are not below the bar", bars[0] >= bars[1] - 1, bars)
    check("the end of the ladder stays in the window", page.run("(({scrollHeight, scrollTop, clientHeight}) => scrollHeight - scrollTop - clientHeight < 60)(document.querySelector('.scroll'))"))
    page.press("0")
    test_room(page)
    check("strings that go on below are strings", page.run(r"""tokens("f('a;\n b', 'c')").flat().filter(([kind]) => kind === 'string').map(([, text]) => text)""") ==
          ["'a;", " b'", "'c'"])


# Letters on the page, in pixels: the smallest of code, of what programs print, and of the ladder.
LETTERS = """(() => {
  const size = (what) => Math.min(...[...document.querySelectorAll(what)].filter((each) => each.offsetWidth !== 0).map((each) => parseFloat(getComputedStyle(each).fontSize)));
  return {code: size('.code pre'), output: size('.output'), command: size('.command'), ladder: size('.wire .line .text'), fields: size('.wire .line .content'), names: size('.wire .arrow text')};
})()"""
# How wide the words of the ladder may be, in ems, and how many rows one sees whole.
ROOM = """(() => {
  const {top, bottom} = live.wire.sheet.getBoundingClientRect();
  const text = document.querySelector('.wire .rows .frame .text');
  const {fontSize, paddingLeft} = getComputedStyle(text);
  return {ems: (text.clientWidth - parseFloat(paddingLeft)) / parseFloat(fontSize), wide: live.wire.sheet.scrollWidth - live.wire.sheet.clientWidth,
          rows: [...document.querySelectorAll('.wire .rows > li')].map((row) => row.getBoundingClientRect()).filter((row) => row.top >= top && row.bottom <= bottom).length};
})()"""


def test_room(page):
    """A room with 80 students: letters of 16 pixels, and the ladder has its room with larger ones too."""
    page.run("live.wire.sheet.scrollTop = 0")
    letters = page.run(LETTERS)
    check("code, output and ladder have letters of 16 pixels at 1280 x 720, header fields of 15", all(
        size >= (15 if name in ("fields", "names") else 16) for name, size in letters.items()), letters)
    least = {"both": [24, 20, 18, 13], "wire": [26, 22, 40, 30, 25]}
    for presses in range(5):
        for view in ("both", "wire"):
            page.run(f"live.view('{view}')")
            page.settle()
            if view == "both" and page.run("live.wire.sheet.clientWidth") == 0:
                continue  # one at a time
            room = page.run(ROOM)
            check(f"+ {presses} times, {view}: the ladder has room for words and rows", room["ems"] >= least[view][presses] and room["rows"] >= (
                10, 6, 5, 3, 3)[presses] and room["wide"] <= 0, room)
        page.run("live.view('both')")
        page.press("+")
    page.press("0")
    page.press("+", 2)
    page.run("document.querySelectorAll('.wire .rows button.line')[3].click()")
    opened = page.run("""(() => { const pixels = (each) => parseFloat(getComputedStyle(each).fontSize);
      const [details, name, unit] = ['.wire .details', '.wire .details th', '.wire .heading .time'].map((each) => document.querySelector(each));
      return [details.clientWidth / pixels(name), pixels(name), unit.offsetWidth, [...details.querySelectorAll('*')].filter((each) => each.scrollWidth > each.clientWidth + 1 && each.clientWidth > 0).length]; })()""")
    check("with large letters, an opened frame has room, and letters of 16 pixels", opened[0] > 24 and opened[1] >= 16 and opened[3] == 0, opened)
    check("and the times still have their unit", opened[2] > 0, opened)
    page.press("0")
    page.run("document.querySelectorAll('.wire .rows button.line')[3].click()")


SIDE_BY_SIDE = """(() => {
  const part = {code: [1, 2].map((number) => ({heading: 'C', language: 'c', lines: [`return ${number};`]}))};
  const made = codeElement(part);
  live.lecture.body.append(made);
  const [one, other] = [...made.children].map((child) => child.getBoundingClientRect());
  made.remove();
  return one.top === other.top && one.right < other.left;
})()"""


BELOW = """`↓ ${[...document.querySelectorAll('.wire .rows > li')].filter((row) =>
  row.getBoundingClientRect().bottom > live.wire.sheet.getBoundingClientRect().bottom + 1).length} more`"""
KINDS = "live.wire.ladder.kinds"


def test_ladder_from_the_top(page):
    """Once its command has ended, one sees the beginning of a ladder, and how much is below."""
    page.run("live.go('02', 3)")
    arrived(page, "02", 3)
    run_to_end(page)
    first = "document.querySelectorAll('.wire .rows > li')[live.wire.top().from - 1].dataset.type"
    wait_for(lambda: page.run("Boolean(document.querySelector('.wire .rows li.note'))") and page.run(first) == "HEADERS", 5)
    check("when a command has ended, its ladder begins with what the step is about", page.run(first) == "HEADERS", page.run(first))
    page.run("live.wire.tape.look = ''; live.wire.rewind()")
    page.settle()
    said = page.run("[live.wire.sheet.scrollTop, live.wire.below.innerText, live.wire.sheet.scrollHeight > live.wire.sheet.clientHeight + 100]")
    check("or at the top", said[0] == 0 and said[2], said)
    check("and a button says how many rows are below", said[1] == page.run(BELOW) != "↓ 0 more", (said, page.run(BELOW)))
    check("it covers none of them", page.run("live.wire.below.getBoundingClientRect().top >= live.wire.sheet.getBoundingClientRect().bottom - 1"))
    page.run("document.querySelectorAll('.wire .rows button.line')[3].click()")
    page.settle()
    opened = page.run("[live.wire.below.innerText, document.querySelector('.wire .details').offsetHeight]")
    check("it counts again when a frame has been opened", opened[0] == page.run(BELOW) != said[1] and opened[1] > 100, (opened, said))
    page.run("document.querySelectorAll('.wire .rows button.line')[3].click(); live.wire.sheet.scrollTop = 0")
    page.run(f"{KINDS}.value = 'DATA'; {KINDS}.dispatchEvent(new Event('change'))")
    page.settle()
    filtered = page.run("live.wire.below.hidden || live.wire.below.innerText")
    check("and when there is a filter", filtered == (page.run(BELOW) == "↓ 0 more" or page.run(BELOW)), (filtered, page.run(BELOW)))
    page.run(f"{KINDS}.value = 'all'; {KINDS}.dispatchEvent(new Event('change'))")
    rooms = page.run("[document.querySelector('.wire .room').offsetHeight, live.wire.element.offsetHeight, getComputedStyle(live.wire.states.body).display]")
    check("the ladder has the room of the states, which have all ended", rooms[0] > rooms[1] - 90 and rooms[2] == "none", rooms)
    page.run("live.wire.states.fold.click()")
    check("a button shows them", page.run("live.wire.states.body.offsetHeight > 60 && live.wire.states.fold.getAttribute('aria-expanded') === 'true'"))
    page.run("live.wire.states.fold.click()")
    page.press("ArrowDown", 12)
    check("the down key shows them", wait_for(lambda: page.run("live.wire.follows() && live.wire.below.hidden")))
    above = "[...document.querySelectorAll('.wire .rows > li')].filter((row) => row.getBoundingClientRect().top < document.querySelector('.wire .heading').getBoundingClientRect().bottom - 2).length"
    check("another one says how many are above", page.run("live.wire.above.innerText") == f"↑ {page.run(above)} above" != "↑ 0 above", page.run("live.wire.above.innerText"))
    page.run("live.wire.above.click()")
    check("it goes back to the beginning", page.run("live.wire.sheet.scrollTop") == 0)
    page.run("live.go('02', 4)")
    arrived(page, "02", 4)
    page.run("live.wire.ladder.facts.textContent = 'From step 3, and so many frames that the bar has two lines'; live.wire.follow()")
    bars = page.run("[document.querySelector('.wire .heading').getBoundingClientRect().top, document.querySelector('.wire .tools').getBoundingClientRect().bottom]")
    check("when the bar has two lines, the names of the two sides are below it, not behind it", wait_for(
        lambda: page.run("document.querySelector('.wire .heading').getBoundingClientRect().top >= "
                         "document.querySelector('.wire .tools').getBoundingClientRect().bottom - 1"), 5), bars)
    ends = page.run("[...document.querySelectorAll('.wire .tools .menu, .wire .tools .ends > button')].map((each) => Math.round(each.getBoundingClientRect().bottom))")
    check("Save and Clear stand on one line", len(ends) == 2 and abs(ends[0] - ends[1]) < 8, ends)


# Lines of code that have no room: the browser has broken them.
BROKEN = """[...document.querySelectorAll('.code .row')].filter((row) =>
  row.getBoundingClientRect().height > 1.5 * parseFloat(getComputedStyle(row).lineHeight)).map((row) => row.innerText)"""
CODE = "document.querySelectorAll('.code.c .row').length"


def test_folds(page):
    """Code has the line ends for the room that it has, whatever has changed that."""
    page.run("live.go('02', 2)")
    arrived(page, "02", 2)
    lines = page.run(CODE)
    page.run("live.view('wire'); live.go('02', 3)")
    arrived(page, "02", 3)
    page.run("live.go('02', 2)")
    arrived(page, "02", 2)
    page.run("live.view('both')")
    check("code that came while nobody saw it is folded for its room", wait_for(lambda: page.run(CODE) == lines and not page.run(BROKEN)), page.run(BROKEN))
    page.run("live.view('lecture')")
    check("with more room, it has fewer lines", wait_for(lambda: page.run(CODE) < lines and not page.run(BROKEN)), (lines, page.run(CODE)))
    page.run("live.view('both')")
    wait_for(lambda: page.run(CODE) == lines)
    page.press("+", 3)
    check("with larger letters, it has more", wait_for(lambda: page.run(CODE) > lines and not page.run(BROKEN)), (lines, page.run(CODE), page.run(BROKEN)))
    page.press("0")
    check("and then as many as before", wait_for(lambda: page.run(CODE) == lines and not page.run(BROKEN)), (lines, page.run(CODE), page.run(BROKEN)))
    page.run("live.go('02', 4)")
    arrived(page, "02", 4)


def test_closed(page):
    page.run("live.go('03', 4)")
    arrived(page, "03", 4)
    run_to_end(page)
    last = "[...document.querySelectorAll('.wire .rows li')].pop().innerText"
    check("the ladder names the side that has closed the connection", wait_for(lambda: "closed by the client" in page.run(last)), page.run(last))
    rows = page.run(STATES)
    check("nobody may still send on what is closed", rows[0][1:] == rows[1][1:] == ["closed", "closed"], rows)


def test_focus(page):
    """Who has clicked somewhere still leads the lecture with the keys."""
    page.run("live.goOn = () => window.went = (window.went || 0) + 1")
    place = page.run("(() => { const box = live.tabs.children[0].getBoundingClientRect(); return [box.x + 5, box.y + 5]; })()")
    page.click(*place)
    page.press(" ")
    check("after a click on a button, the space bar goes on", page.run("window.went === 1 && document.activeElement === document.body"))
    page.run("live.tabs.children[0].focus()")
    page.press("Tab")
    page.press(" ")
    check("a button that the Tab key has reached keeps its space bar", page.run("window.went === 1"), page.run("document.activeElement.outerHTML"))
    page.run("live.view('both')")
    page.run("(() => { document.dispatchEvent(new PointerEvent('pointerdown')); const select = document.querySelector('.wire select:not([hidden])');"
             "select.focus(); select.dispatchEvent(new Event('change', {bubbles: true})); })()")
    check("after a choice with the mouse, the keys are the lecture's", page.run("document.activeElement === document.body"))
    page.run("delete live.goOn; document.querySelector('.lecture').scrollTop = 0")
    page.press("ArrowDown")
    check("the arrow keys scroll", wait_for(lambda: page.run("document.querySelector('.lecture').scrollTop > 0")))
    page.run("document.querySelector('.lecture').scrollTop = 0; live.showRunning()")
    check("the space bar shows the rest of a step before the next one", page.run("live.lecture.next() === null && live.go_on.innerText === 'More'"))
    page.press(" ")
    check("so the step is the same", wait_for(lambda: page.run("document.querySelector('.lecture').scrollTop > 100")) and page.run("live.step") == 4)


def test_again(page):
    """A page that is loaded again is as it was."""
    page.run("live.go('02', 4)")
    arrived(page, "02", 4)
    page.press("+")
    page.press("n")
    page.press("w")
    look = "[document.documentElement.style.fontSize, document.body.className, live.step]"
    before = page.run(look)
    page.call("Page.reload")
    wait_for(lambda: page.run("Boolean(window.live && live.lecture.place)"))
    check("a page that is loaded again has its size, notes, view and step", page.run(look) == before, (before, page.run(look)))
    page.press("0")
    page.press("n")
    page.run("live.view('both')")


def test_later(browser, live, page):
    """A second window sees what the first one sees, and follows its steps."""
    page.run("live.go('02', 4)")
    arrived(page, "02", 4)
    run_to_end(page)
    wait_for(lambda: page.run("Boolean(document.querySelector('.wire .rows li.note'))"))
    frames = shown(page)
    other = browser.open(f"{live.url}#02/4/notes", 900, 640)
    arrived(other, "02", 4)
    wait_for(lambda: other.run("live.wire.ladder.frames.length") == len(frames))
    check("a window that comes later has the same frames", other.run("live.wire.ladder.frames.length") == len(frames) > 5, frames)
    check("and the same output", "POST" in other.run("document.querySelector('.card.of-console').innerText"))
    check("the lecturer's window has a title of its own", other.run("document.title") == f"Notes: {page.run('document.title')}", other.run("document.title"))
    check("the lecturer's window shows notes and a clock", other.run(
        "document.querySelector('.presenting .words').innerText.length > 50 && /\\d\\d:\\d\\d · \\d+:\\d\\d/.test(document.querySelector('.clock').innerText)"))
    check("it shows the ladder too, and says what is on the screen", other.run("document.querySelectorAll('.wire .rows > li').length") > 5 and
          other.run("live.wire.sheet.clientHeight > 100") and wait_for(lambda: re.fullmatch(
              r"On the screen: the lecture and the wire, rows 1 to \d+ of \d+\.(?: There is more below\.)?",
              other.run("live.seenOn.innerText")), 5), other.run("live.seenOn.innerText"))
    page.press("b")
    check("the lecturer's window says that the screen is black, and is not", wait_for(lambda: other.run("!live.dark.hidden && live.blackness.hidden")))
    other.press("b")
    check("and ends that", wait_for(lambda: page.run("live.blackness.hidden")) and other.run("live.dark.hidden"))
    other.press("t")
    check("t begins the clock anew in both windows", wait_for(lambda: page.run("live.started") == other.run("live.started") > time.time() * 1000 - 60000))
    check("it says when this step should begin", re.search(r"after \d[\d.]* of \d[\d.]* min", other.run("live.plan.innerText")), other.run("live.plan.innerText"))
    page.run("live.move(-1)")
    check("it follows the other window's steps", arrived(other, "02", 3), other.run(STATE))
    facts = "live.wire.ladder.facts.innerText"
    told = page.run("live.wire.tapes.get('02/3').events.filter((event) => event.kind === 'wire').length")
    has_own = """!live.wire.waiting && document.querySelectorAll('.wire .rows > li').length === %d && /^\\d+ frames/.test(live.wire.ladder.facts.innerText)
      && (live.wire.tape.look ? live.wire.sheet.scrollTop > 0 : live.wire.sheet.scrollTop === 0)"""
    check("a step that has run has its own ladder again, from the top", told > 20 and wait_for(lambda: page.run(has_own % told), 5), (told, page.run(facts)))
    page.run("document.querySelector('.wire .rows .star').click(); live.move(1)")
    arrived(page, "02", 4)
    check("so has the next one", wait_for(lambda: page.run(has_own % (len(frames) + 1)), 5) and shown(page) == frames, page.run(facts))
    page.run("live.move(-1)")
    arrived(page, "02", 3)
    check("a mark stays where it was", wait_for(lambda: page.run("[...document.querySelectorAll('.wire .rows > li')].map((row) => row.matches('.marked')).indexOf(true)") == 0, 5))
    capture = "live.wire.tape.of.join('/') + ' ' + (await fetch(`capture/${live.wire.tape.of.join('/')}`)).headers.get('content-length')"
    lengths = [page.run(f"(async () => {capture})()"), page.run("(async () => (await fetch('capture')).headers.get('content-length'))()")]
    check("its capture is its own too", lengths[0].startswith("02/3 ") and int(lengths[0].split()[1]) > int(lengths[1]) > 0, lengths)
    later = browser.open(f"{live.url}#02/3", 1280, 720)
    arrived(later, "02", 3)
    check("so is it in a window that comes later", wait_for(lambda: later.run(has_own % told), 5), later.run(facts))
    later.close()
    page.run("live.go('02', 5)")
    page.run("live.go('03', 4)")
    arrived(page, "03", 4)
    page.run("live.wire.tapes.delete('03/4'); live.go('03', 3)")
    arrived(page, "03", 3)
    page.run("live.go('03', 4)")
    arrived(page, "03", 4)
    check("one that has not run has none", not shown(page) and page.run(facts) == "Nothing has passed yet", page.run(facts))
    program = live.program()
    send(program, frame("PING", "client", length=8, data="12345678"))
    check("what passes is there, and no command's", wait_for(lambda: page.run(facts).startswith("1 frame · ")), page.run(facts))
    program.close()
    page.run("live.go('02', 4)")
    arrived(page, "02", 4)
    check("a step that has run keeps its own", wait_for(lambda: page.run(has_own % (len(frames) + 1)), 5) and shown(page) == frames, page.run(facts))
    test_bars(page, other)
    test_leading(page, other)
    check("its console is empty", not other.errors(), other.errors())
    other.close()


# What has no room in a bar chart: words, times, bars.
CUT = """[...document.querySelectorAll('.chart p > *')].filter((each) => each.scrollWidth > each.clientWidth + 1 ||
  each.getBoundingClientRect().right > each.closest('.card').getBoundingClientRect().right ||
  (each.matches('.bar') && each.clientWidth < 80)).map((each) => `${each.className}: ${each.innerText}`)"""


def test_bars(page, other):
    """A bar chart has room beside the notes."""
    page.run("live.go('02', 5)")
    arrived(page, "02", 5)
    arrived(other, "02", 5)
    if page.run(STATE)["next"]:
        run_to_end(page)
    for width, height in ((700, 500), (900, 640), (1280, 720), (1600, 900)):
        other.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        other.settle()
        check(f"the lecturer's window of {width} x {height} shows the whole bar chart", wait_for(lambda: other.run(
            "document.querySelectorAll('.chart p').length === 4"), 5) and not other.run(CUT), other.run(CUT))
    other.call("Emulation.setDeviceMetricsOverride", width=900, height=640, deviceScaleFactor=1, mobile=False)
    check("so does the screen", not page.run(CUT), page.run(CUT))


def test_leading(page, other):
    """The keys of the lecturer's window lead the other one, which has room for more."""
    page.run("live.go('06', 2)")
    arrived(other, "06", 2)
    arrived(page, "06", 2)
    rest = "live.lecture.rest()"
    check("a step that is longer than the screen has more", page.run(rest) and wait_for(lambda: other.run("live.go_on.innerText") == "More"))
    other.press(" ")
    check("the space bar in the lecturer's window shows it on the screen", wait_for(lambda: page.run("live.lecture.element.scrollTop > 100")) and
          page.run("live.step") == 2)
    check("and the lecturer sees it too", wait_for(lambda: other.run("live.lecture.element.scrollTop > 50")))
    for _ in range(10):
        if not page.run(rest):
            break
        other.press(" ")
        wait_for(lambda: not page.run(rest), 1)
    check("once all have seen the step, the next one is next, whether or not the lecturer's window has room for it", wait_for(
        lambda: other.run("live.go_on.innerText") == "Next") and page.run("live.step") == 2, other.run("live.go_on.innerText"))
    page.call("Page.reload")
    wait_for(lambda: page.run("Boolean(window.live && live.lecture.place)"))
    check("a screen that is loaded again is led again", wait_for(lambda: other.run("live.screen !== null && live.screen.step === 2")) and
          wait_for(lambda: other.run("live.go_on.innerText") == "More"), other.run("live.screen"))
    page.run("live.lecture.scroll(9999)")
    wait_for(lambda: other.run("live.go_on.innerText") == "Next")
    other.press(" ")
    check("so the space bar goes there", arrived(page, "06", 3) and arrived(other, "06", 3), page.run(STATE))
    other.press("ArrowDown")
    check("the down key scrolls the screen", wait_for(lambda: page.run("live.lecture.element.scrollTop > 20")))
    other.press("w")
    check("w shows the wire on the screen, and leaves the lecturer's window", wait_for(
        lambda: page.run("document.body.classList.contains('view-wire')")) and other.run("document.querySelector('.lecture').offsetHeight > 100"))
    page.run("live.view('both')")
    other.press("h")
    check("the lecturer's window says that frames are held", wait_for(lambda: other.run("!live.holding.hidden && live.holding.innerText.startsWith('Frames are held')")),
          other.run("live.holding.innerText"))
    other.press("h")
    check("and no longer, once they pass", wait_for(lambda: other.run("live.holding.hidden")))
    page.run("live.go('02', 4)")
    arrived(page, "02", 4)


# --- Holding ----------------------------------------------------------------------------------------------

def servers():
    """The environments of our reference servers."""
    for path in pathlib.Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if path.with_name("comm").read_text(encoding="utf-8").strip() == "serve" and MARK.encode() in path.read_bytes().split(b"\0"):
                yield path


STATES = "[...document.querySelectorAll('.states tbody tr')].map((row) => [...row.cells].map((cell) => cell.textContent.replace(/\\s+/g, ' ').trim()))"
HELD = "[...document.querySelectorAll('.wire .rows li.frame.held')].filter((row) => /from the client/.test(row.innerText)).map((row) => row.dataset.type)"
WAITING = "[...document.querySelectorAll('.waiting li')].map((each) => each.innerText)"


def test_next_in_sight(browser, live):
    """Many frames wait: the ladder shows the one that passes next, and the one that has passed last."""
    page = browser.open(f"{live.url}#04/4", 1280, 720)
    arrived(page, "04", 4)
    page.press("h")
    wait_for(lambda: page.run("live.wire.gate.mode === 'hold'"))
    while page.run("live.go_on.innerText") == "More":
        page.press(" ")
    page.press(" ")
    wait_for(lambda: len(page.run(WAITING)) >= 6)
    sight = """(() => { const {top, bottom} = live.wire.sheet.getBoundingClientRect();
      const rows = [...document.querySelectorAll('.wire .rows > li')];
      const next = rows.findIndex((row) => row.matches('.held'));
      return next > 0 && rows.slice(next - 1, next + 1).every((row) => row.getBoundingClientRect().bottom <= bottom + 1 &&
        row.getBoundingClientRect().top >= top - 1); })()"""
    for number in range(1, 6):
        before = page.run(WAITING)
        page.press(" ")
        wait_for(lambda before=before: page.run(WAITING) != before)
        check(f"the next frame is in sight, and the last: {number}", wait_for(lambda: page.run(sight)), page.run(WAITING))
    page.press("s")
    wait_for(lambda: not page.run("live.lecture.running()") and not page.run(WAITING))
    page.close()


def test_hold(browser, live):
    """The programs wait, frame by frame; also over TLS."""
    page = browser.open(f"{live.url}#02/2", 1280, 720)
    arrived(page, "02", 2)
    page.press("h")
    button = "document.querySelectorAll('.gate button')[1].getBoundingClientRect().top"
    place = page.run(button)
    check("h holds", wait_for(lambda: page.run("live.wire.gate.mode === 'hold'")))
    while page.run("live.go_on.innerText") == "More":
        page.press(" ")
    page.press(" ")
    first = ["→ preface", "→ SETTINGS", "→ HEADERS 1"]
    check("the client's frames wait", wait_for(lambda: [each for each in page.run(WAITING) if "→" in each] == first), page.run(WAITING))
    kinds = ["preface", "SETTINGS", "HEADERS"]
    check("the ladder shows them, and that they have not arrived", wait_for(lambda: page.run(HELD) == kinds), page.run(HELD))
    check("the client has changed its state, and the server has not", page.run(STATES)[1][1:] == ["half-closed (local)", "idle"],
          page.run(STATES))
    while kinds:
        page.run("[...document.querySelectorAll('.waiting button')].find((each) => each.innerText.startsWith('→')).click()")
        kind = kinds.pop(0)
        check(f"a click lets {kind} pass, and no other frame", wait_for(lambda: page.run(HELD) == kinds), page.run(HELD))
    check("the answer waits too", wait_for(lambda: "← DATA 1" in page.run(WAITING)), page.run(WAITING))
    held = "[...document.querySelectorAll('.wire .rows li.frame.held')].map((row) => row.dataset.type)"
    check("the ladder shows that it has not arrived", wait_for(lambda: len(page.run(held)) == sum("←" in each for each in page.run(WAITING))) and
          page.run("document.querySelectorAll('.wire .arrow.held').length") == len(page.run(held)) and page.run(held)[-1] == "DATA", page.run(held))
    colour = "getComputedStyle([...document.querySelectorAll('%s')].find((each) => /%s/.test(each.innerText))).getPropertyValue('--hue')"
    check("a frame that waits has its stream's colour", page.run(colour % (".waiting li", "DATA 1")) == page.run(colour % (".wire .rows li", "stream 1")))
    sides = wait_for(lambda: (found := page.run(STATES)[1][1:]) and "closed" in found[1] and found)
    check("what is held has not changed the other side's state", sides == ["half-closed (local)", "closed"], page.run(STATES))
    check("the page says what to do", "waiting; click one" in page.run("live.wire.gate.said.innerText"))
    check("it says that the times are those of sending", page.run("document.querySelector('.of-times').offsetHeight > 0"))
    check("the server waits as long as the lecturer talks", any(b"H2_TIMEOUTS=never" in path.read_bytes() for path in servers()))
    check("the program still waits", page.run("live.lecture.running()"))
    before = page.run(WAITING)
    page.press("f")
    check("f lets the oldest frame pass", wait_for(lambda: page.run(WAITING)[:len(before) - 1] == before[1:]), (before, page.run(WAITING)))
    before = page.run(WAITING)
    page.press(" ")
    check("so does the space bar", wait_for(lambda: page.run(WAITING)[:len(before) - 1] == before[1:]) and page.run("live.lecture.running()"), (before, page.run(WAITING)))
    page.run("(() => { const select = document.querySelector('.gate select'); select.value = 'pace 100'; select.dispatchEvent(new Event('change')); })()")
    check("its button has stayed where it was", page.run(button) == place, (page.run(button), place))
    check("what slows down does not say that it holds", wait_for(lambda: not page.run("live.wire.gate.said.innerText").startswith("Holds")))
    check("slowly, everything passes", wait_for(lambda: not page.run("live.lecture.running()") and not page.run(WAITING)))
    check("and with the frames, the states arrive", wait_for(lambda: page.run(STATES)[1][1] == "closed"), page.run(STATES))
    check("the program has its answer", "Hello World" in page.run("document.querySelectorAll('.card')[1].innerText"),
          page.run("document.querySelectorAll('.card')[1].innerText"))
    page.press("h")
    wait_for(lambda: page.run("live.wire.gate.mode === 'flow'"))
    page.press("h")
    wait_for(lambda: page.run("live.wire.gate.mode === 'hold'"))
    page.press("r")
    wait_for(lambda: page.run(WAITING))
    wait_for(lambda: page.run(HELD))
    page.press("s")
    check("s ends it, and what waited has never arrived", wait_for(lambda: not page.run("live.lecture.running()") and not page.run(WAITING) and page.run(
        "[...document.querySelectorAll('.wire .rows li.frame')].every((row) => row.matches('.lost'))")) and page.run(HELD), shown(page))
    cards = "[...document.querySelectorAll('.card')].map((card) => [card.querySelector('.ended').offsetWidth > 0, card.querySelector('.command').innerText])"
    old = wait_for(lambda: (found := page.run(cards))[0][0] and found, 10) or page.run(cards)
    check("the server's card says that it has ended, and no command has its port", old[0][0] and not old[1][0] and "$URL" in old[1][1] and "localhost" not in old[1][1], old)
    check("Hold stays", page.run("live.wire.gate.mode === 'hold'"))
    page.press("r")
    wait_for(lambda: page.run("live.lecture.running()") and page.run(WAITING))
    page.press("h")
    check("the server has started again, and answers", wait_for(lambda: not page.run("live.lecture.running()")) and "Hello World" in page.run(STATE)["output"], page.run(STATE))
    check("and its card and the command say so", not page.run(cards)[0][0] and "http://localhost:" in page.run(cards)[1][1], page.run(cards))
    page.run("live.go('06', 4)")
    arrived(page, "06", 4)
    page.press("h")
    wait_for(lambda: page.run("live.wire.gate.mode === 'hold'"))
    page.run("[...document.querySelectorAll('.card .run')].pop().click()")
    check("over TLS, frames wait too", wait_for(lambda: "→ HEADERS 1" in page.run(WAITING)) and "→ preface" in page.run(WAITING), page.run(WAITING))
    check("and are called so", "frames waiting; click one" in page.run("live.wire.gate.said.innerText"), page.run("live.wire.gate.said.innerText"))
    page.press("h")
    check("and pass", wait_for(lambda: not page.run("live.lecture.running()")) and "Hello World" in page.run(STATE)["output"], page.run(STATE))
    check("the console is empty after all this", not page.errors(), page.errors())
    page.close()


def test_own_curl(browser, live):
    """A connection that no command has made is on the Wire, and on no step's ladder."""
    page = browser.open(f"{live.url}#02/4", 1280, 720)
    arrived(page, "02", 4)
    page.run("live.ask('clear', {})")
    wait_for(lambda: page.run("live.wire.free.events.length === 0"))
    run_to_end(page)
    wait_for(lambda: page.run("live.wire.states.connections.get(1)?.closed"))
    ended = time.monotonic()
    facts = "live.wire.ladder.facts.innerText"
    own = page.run(facts)
    check("a step has the ladder of its command", own.endswith("1 stream"), own)
    wait_for(lambda: time.monotonic() > ended + 0.6)  # the command's last connection has certainly begun
    port = page.run("live.wire.play.servers.find((each) => each.now === 'none').port")
    def ask():
        before = page.run("live.wire.free.events.length")
        subprocess.run([ROOT / CLIENT, f"http://localhost:{port}/ping"], env=live.environment, check=True, stdout=subprocess.DEVNULL)
        wait_for(lambda: page.run(f"live.wire.free.events.slice({before}).some((event) => /^closed/.test(event.note))"))
        page.settle()

    ask()
    check("a client of one's own, to the same server, is not on it", page.run(facts) == own, page.run(facts))
    page.run("live.view('wire')")
    check("it is on the Wire", wait_for(lambda: any(":path /ping" in row for row in shown(page)), 5) and not any("send-data" in row for row in shown(page)), shown(page))
    ask()
    check("and so is the next one", wait_for(lambda: page.run(facts).endswith("2 connections"), 5), page.run(facts))
    page.run("live.view('both')")
    check("the lecture has the step's ladder again", wait_for(lambda: page.run(facts) == own, 5), page.run(facts))
    hold_all(page)
    with program(live.environment, ROOT / CLIENT, f"http://localhost:{port}/ping") as client:
        wait_for(lambda: "3: → HEADERS 1" in page.run(WAITING))
        page.settle()
        check("what waits there is not held on the step's ladder", "3: → HEADERS 1" in page.run(WAITING) and not page.run(HELD), (page.run(WAITING), page.run(HELD)))
        hold_all(page, "flow")
        client.wait(SECONDS)
    page.run("live.ask('clear', {})")
    check("the console is empty after a client of one's own", not page.errors(), page.errors())
    page.close()


def pass_until_gone(page, frame):
    """Let frames pass one by one, until this one has passed."""
    while frame in (before := page.run(WAITING)):
        page.press("f")
        wait_for(lambda: page.run(WAITING) != before, 5)


def test_hold_mixed(browser, live):
    """Also while frames are held, the answers to two requests mix: the first one does not hurry away before the second
    request has arrived."""
    page = browser.open(f"{live.url}#02/3", 1280, 720)
    arrived(page, "02", 3)
    hold_all(page)
    page.press("r")
    wait_for(lambda: "→ HEADERS 3" in page.run(WAITING))
    pass_until_gone(page, "→ HEADERS 1")
    check("while the second request waits, the first answer does, too", not wait_for(lambda: "← DATA 1" in page.run(WAITING), 0.5) and
          "→ HEADERS 3" in page.run(WAITING), page.run(WAITING))
    pass_until_gone(page, "→ HEADERS 3")
    data = wait_for(lambda: (found := [each for each in page.run(WAITING) if "← DATA" in each]) and found.count("← DATA 1") > 9 and found)
    check("then the two answers mix", data and data.index("← DATA 3") < 4, page.run(WAITING))
    hold_all(page, "flow")
    wait_for(lambda: not page.run("live.lecture.running()"))
    page.close()


def test_play(browser, live):
    """What the reference server does next, chosen on the page."""
    page = browser.open(f"{live.url}#02/2", 1280, 720)
    arrived(page, "02", 2)
    choose = "(() => { const select = document.querySelector('.faults select'); select.value = '%s'; select.dispatchEvent(new Event('change')); })()"
    server = "document.querySelector('.card.of-server').innerText"
    for fault, seen in (("hints", "103"), ("refuse", "REFUSED_STREAM"), ("", ":status 200")):
        page.run(choose % fault)
        check(f"the server starts again: {fault or 'as it should'}", wait_for(lambda fault=fault: not page.run("live.lecture.running()") and (
            f"--misbehave {fault}" in page.run(server) if fault else "--misbehave" not in page.run(server).split("\n")[1]) and
            "listening" in page.run(server)), page.run(server))
        page.run("document.querySelector('.card.of-console .run').click()")
        check(f"and does that: {seen}", wait_for(lambda seen=seen: any(seen in row for row in shown(page))), shown(page))
        if fault == "hints":  # the client waits for ever
            page.press("s")
        check("the command ends", wait_for(lambda: not page.run("live.lecture.running()")), page.run(STATE))
    check("the play's console is empty", not page.errors(), page.errors())
    page.close()


# --- Everything -------------------------------------------------------------------------------------------

CLIENT = f"{BUILD}/solutions/lab02-requests/requests"
LOAD = 100000
SERVERS = "live.wire.play.servers.filter((each) => each.port === %s && document.querySelector(`.play select[data-id='${each.id}']`)).length"
SAVED = """(async () => {
  const make = URL.createObjectURL;
  let content;
  URL.createObjectURL = (blob) => make.call(URL, content = blob);
  const saved = new Promise((go) => { HTMLAnchorElement.prototype.click = function () { go(this.download); }; });
  [...document.querySelectorAll('.saves button')].find((each) => each.innerText.startsWith('%s')).click();
  const name = await saved;
  URL.createObjectURL = make;
  return [name, btoa(Array.from(new Uint8Array(await content.arrayBuffer()), (byte) => String.fromCharCode(byte)).join(''))];
})()"""


def saved(page, what):
    page.run("live.wire.showSaves(true)")
    name, content = page.run(SAVED % what)
    return name, base64.b64decode(content)


@contextlib.contextmanager
def server(environment, *command):
    """A server, and its port."""
    with subprocess.Popen([*command, "--port", "0"], stdout=subprocess.PIPE, text=True, env=environment, cwd="/") as process:
        try:
            yield re.search(r":(\d+)$", process.stdout.readline().strip())[1]
        finally:
            process.terminate()


def ends(page):
    """How many connections have ended."""
    return page.run("live.wire.ladder.all.filter((row) => row.kind === 'note' && /^closed/.test(row.text)).length")


def test_everything(browser, live):
    """Any program of this user, from any folder, with both sides of a connection."""
    page = browser.open(f"{live.url}#wire", 1280, 720)
    wait_for(lambda: page.run("Boolean(window.live)"))
    check("#wire shows the wire alone", page.run("document.querySelector('.lecture').offsetWidth") == 0)
    arrived(page, "02", 1)
    page.settle()
    check("and no button that goes on with the lecture", page.run("live.go_on.offsetWidth") == 0)
    page.run("live.view('both')")
    check("which is there with the lecture", wait_for(lambda: page.run("live.go_on.offsetWidth > 20"), 5))
    page.run("live.view('wire')")
    page.run("live.ask('clear', {})")
    hint = wait_for(lambda: page.run("!live.wire.hint.hidden && live.wire.hint.innerText"))
    check("empty, it says whose frames come here, and asks nobody to run a command", "Here are the frames of" in hint and "Run a command" not in hint, hint)
    check("and which programs it cannot show", "A connection that has begun before make live is not shown." in hint, hint)
    check("beside the ladder, not below it, are its states", page.run("document.querySelector('.scroll').clientHeight > 600 && document.querySelector('.gate').offsetLeft > 700"))
    page.run("live.ask('clear', {})")
    traced = {**live.environment, "H2_TRACE": "live"}
    with server(traced, ROOT / BUILD / "grader/serve") as port:
        check("a reference server says what it can do", wait_for(lambda: page.run(SERVERS % port)))
        def ask(to, environment):
            before = ends(page)
            subprocess.run([ROOT / CLIENT, f"http://localhost:{to}/ping"], env=environment, cwd="/", check=True, stdout=subprocess.DEVNULL)
            wait_for(lambda: ends(page) > before)
            wait_for(lambda: page.run("!live.wire.waiting"))

        ask(port, traced)
        who = "[...document.querySelectorAll('.states thead .who')].map((each) => each.innerText)"
        check("the page says which programs are at the two ends", wait_for(
            lambda: re.fullmatch(fr"requests, port \d+;serve, port {port}", ";".join(page.run(who))), 10), page.run(who))
        ask(port, live.environment)
        check("and the port of one that it does not know", wait_for(lambda: re.fullmatch(r"port \d+", page.run(who)[0]), 10) and page.run(who)[1] == f"serve, port {port}", page.run(who))
        tabs = "[...document.querySelectorAll('.connections button')].map((each) => each.innerText)"
        check("so do the buttons of the connections", re.fullmatch(r"Connection 1: requests;Connection 2: port \d+", ";".join(page.run(tabs))), page.run(tabs))
        check("and the ladder's rows", any("connection 1, requests · stream 1" in row for row in shown(page)) and
              any("connection 2 · stream 1" in row for row in shown(page)), shown(page))
        with server(traced, ROOT / BUILD / "solutions/lab05-timeouts/server") as own:
            before = ends(page)
            subprocess.run([ROOT / BUILD / "solutions/lab05-timeouts/client", f"http://localhost:{own}/hello-world"], env=traced, cwd="/", check=True, stdout=subprocess.DEVNULL)
            check("programs that are called client and server are not called so twice", wait_for(
                lambda: re.fullmatch(fr"port \d+;port {own}", ";".join(page.run(who))), 10), page.run(who))
            wait_for(lambda: ends(page) > before)
        page.run("live.ask('clear', {})")
        wait_for(lambda: not shown(page))
        ask(port, traced)
        ask(port, live.environment)
        rows = shown(page)
        check("a client that tells nothing is seen, as curl is", wait_for(lambda: page.run("live.wire.ladder.numbers.size") == 2), rows)
        check("a connection that both sides show is there once", len(rows) % 2 == 0 and
              [sum(kind in row for row in rows) for kind in ("preface", "DATA", "GOAWAY")] == [2, 2, 2], rows)
        with server({**live.environment, "H2_TRACE": ""}, ROOT / BUILD / "grader/serve") as quiet:
            ask(quiet, traced)
        check("each row says who has seen it", wait_for(lambda: any("seen by serve" in row for row in shown(page)) and any("seen by requests" in row for row in shown(page))), shown(page))
        notes = page.run("live.wire.ladder.all.filter((row) => row.kind === 'note').map((row) => row.text)")
        check("the ladder says who has closed each connection, also if that is the program that shows it", len(notes) == 3 and all(re.fullmatch("closed by the (client|server)", note) for note in notes) and
              notes[-1] == "closed by the client", notes)
        rows = [row for row in shown(page) if "seen by requests" in row]
        page.run("(() => { const select = document.querySelectorAll('.wire select')[0]; select.selectedIndex = [...select.options].findLastIndex((each) => each.text.includes('requests'));"
                 " select.dispatchEvent(new Event('change')); })()")
        check("the page shows what one program has seen", 5 < len(shown(page)) <= len(rows) and all("seen by requests" in row for row in shown(page)), shown(page))
        page.run("(() => { const select = document.querySelectorAll('.wire select')[0]; select.value = 'all'; select.dispatchEvent(new Event('change')); })()")
        test_lost_connection(page, port)
        test_marks(page)
        test_saving(page)
        test_orders(page, port, live.environment)
        nobody = subprocess.run([ROOT / CLIENT, f"http://localhost:{port}/ping"], env={**traced, "H2_LIVE": "/nowhere"}, capture_output=True, text=True, check=False)
        check("without make live, one line says so, and the program runs", nobody.returncode == 0 and
              nobody.stderr == "requests: H2_TRACE=live: `make live` does not run here (No such file or directory)\n", nobody)
    check("a server that ends is gone from the page", wait_for(lambda: not page.run(SERVERS % port)))
    check("no page of that had an error", not page.errors(), page.errors())
    page.close()


def test_lost_connection(page, port):
    """A client that goes without a word: the connection has ended, whatever has ended it."""
    before = ends(page)
    with socket.create_connection(("localhost", int(port))) as client:
        client.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(3) + b"\x04" + bytes(5))
        client.recv(9)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    check("a connection that was lost has closed", wait_for(lambda: ends(page) > before, 10) and
          wait_for(lambda: all(cell.startswith("closed") for cell in page.run(STATES)[0][1:]), 5), page.run(STATES)[:1])
    notes = page.run("live.wire.ladder.all.filter((row) => row.kind === 'note').map((row) => row.text)")
    check("and the ladder says how it was lost", "closed: read: Connection reset by peer" in notes, notes)


def hold_all(page, mode="hold"):
    page.run(f"live.wire.gate.choose('{mode}')")
    wait_for(lambda: page.run(f"live.wire.gate.mode === '{mode.split()[0]}'"))


def lets_pass(page, program, look=lambda: True):
    """Press f for each frame, one at a time, until the program has ended. Returns how many there were."""
    passed = 0
    while program.poll() is None:
        if page.run("live.wire.gate.last.count") > 0:
            count = page.run("live.wire.gate.last.count")
            page.press("f")
            passed += 1
            look()
            wait_for(lambda count=count: page.run("live.wire.gate.last.count") != count, 0.3)
        with contextlib.suppress(subprocess.TimeoutExpired):
            program.wait(0.02)
    return passed


@contextlib.contextmanager
def program(environment, *command):
    with subprocess.Popen(command, env=environment, cwd="/", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def test_hold_serve(page, live, scheme, *options):
    """`make serve`, from curl: what curl has sent waits, and what the server answers."""
    page.run("live.ask('clear', {})")
    with server({**live.environment, "H2_TRACE": "live"}, ROOT / BUILD / "grader/serve", *options) as port:
        hold_all(page)
        with program(live.environment, "curl", "-sk", *([] if options else ["--http2-prior-knowledge"]), f"{scheme}://localhost:{port}/ping") as curl:
            check(f"{scheme}: what curl sends waits", wait_for(lambda: "→ HEADERS 1" in page.run(WAITING)), page.run(WAITING))
            check(f"{scheme}: each is there once", sorted(page.run(WAITING)).count("→ HEADERS 1") == 1 and page.run(WAITING).count("→ preface") == 1, page.run(WAITING))
            sent = [each for each in page.run(WAITING) if "→" in each]
            check(f"{scheme}: the ladder shows them", wait_for(lambda: len(page.run(HELD)) == len(sent)), (sent, page.run(HELD)))
            window = page.run(STATES)[0][2]
            for _ in range(sent.index("→ HEADERS 1")):
                before = len(page.run(HELD))
                page.run("[...document.querySelectorAll('.waiting button')].find((each) => each.innerText.startsWith('→')).click()")
                check(f"{scheme}: one frame passes", wait_for(lambda before=before: len(page.run(HELD)) == before - 1), page.run(HELD))
            check(f"{scheme}: the server's window grows when WINDOW_UPDATE has arrived, and not before", window.endswith(" 65,535 bytes") and
                  wait_for(lambda: page.run(STATES)[0][2] != window), (window, page.run(STATES)))
            check(f"{scheme}: the server has not answered", "← HEADERS 1" not in page.run(WAITING) and curl.poll() is None, page.run(WAITING))
            page.run("[...document.querySelectorAll('.waiting button')].find((each) => each.innerText === '→ HEADERS 1').click()")
            check(f"{scheme}: its answer waits", wait_for(lambda: "← DATA 1" in page.run(WAITING)) and curl.poll() is None, page.run(WAITING))
            passed = lets_pass(page, curl)
            check(f"{scheme}: frame by frame, curl gets its answer", curl.stdout.read() == "pong" and curl.returncode == 0 and passed >= 3, passed)
        hold_all(page, "flow")


def test_hold_several(page, live):
    """Each connection has buttons of its own."""
    page.run("live.ask('clear', {})")
    first = {f"{number}: {what}" for number in (1, 2) for what in ("→ preface", "← SETTINGS")}
    buttons = "[...document.querySelectorAll('.waiting button')].map((each) => each.innerText)"
    click = "[...document.querySelectorAll('.waiting button')].find((each) => each.innerText === '%s').click()"
    with contextlib.ExitStack() as stack:
        port = stack.enter_context(server({**live.environment, "H2_TRACE": "live"}, ROOT / BUILD / "grader/serve"))
        hold_all(page)
        clients = [stack.enter_context(program(live.environment, ROOT / CLIENT, f"http://localhost:{port}/ping")) for _ in range(2)]
        check("several: the first frame of each sender of each connection is a button, with the connection's number",
              wait_for(lambda: set(page.run(buttons)) == first, 10) and len(page.run(buttons)) == 4, page.run(buttons))
        for name in ("→ preface", "→ SETTINGS", "→ HEADERS 1"):
            wait_for(lambda name=name: f"2: {name}" in page.run(buttons), 10)
            page.run(click % f"2: {name}")
        check("several: a click lets that connection's frame pass, and the other one waits", wait_for(lambda: any(
            each.startswith("2: ← DATA") for each in page.run(WAITING)), 10) and "1: → preface" in page.run(buttons), page.run(WAITING))
        hold_all(page, "flow")
        check("several: then all pass", [client.wait(SECONDS) for client in clients] == [0, 0])
    wait_for(lambda: not page.run(WAITING))


CROWD = 300
HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(3) + b"\4" + bytes(5) + b"\0\0\3\1\5\0\0\0\1\x82\x86\x84"  # and GET /


def busy(page):
    """Milliseconds of processor time that the page has used so far."""
    return {each["name"]: each["value"] for each in page.call("Performance.getMetrics")["metrics"]}["TaskDuration"] * 1000


def watch(page, done):
    """Ask the page until this is so. Returns what it did before each answer, in milliseconds of processor time, which do
    not depend on who else runs."""
    times = []
    used = busy(page)

    def asks():
        nonlocal used
        answer = page.run(done)
        used, before = busy(page), used
        times.append(used - before)
        return answer

    wait_for(asks)
    return times


def test_crowd(page, live):
    """Frames of many connections wait, pass, and are on the page, and it still answers."""
    page.run("live.ask('clear', {})")
    wait_for(lambda: not shown(page))
    page.call("Performance.enable", timeDomain="threadTicks")
    with contextlib.ExitStack() as stack:
        port = stack.enter_context(server({**live.environment, "H2_TRACE": "live"}, ROOT / BUILD / "grader/serve"))
        hold_all(page)
        times = []
        all_wait = ""
        for number in range(1, CROWD + 1):  # not all at once: Hold would come too late on a machine that is busy
            stack.enter_context(socket.create_connection(("localhost", int(port)), SECONDS)).sendall(HELLO)
            all_wait = f"live.wire.gate.last.count === {5 * number} && live.wire.ladder.frames.length === {5 * number} && !live.wire.waiting"
            if number % 20 == 0:
                times += watch(page, all_wait)
        check(f"{CROWD} connections: each frame of each waits", page.run(all_wait), page.run("[live.wire.gate.last.count, live.wire.ladder.frames.length]"))
        held = "[...document.querySelectorAll('.wire .rows li.frame')].every((row) => row.matches('.held'))"
        check(f"{CROWD} connections: the ladder shows that no frame has arrived", len(shown(page)) > 400 and page.run(held))
        before = page.run("live.wire.gate.last.count")
        page.press("f")
        check(f"{CROWD} connections: f lets one pass", wait_for(lambda: page.run("live.wire.gate.last.count") == before - 1), page.run("live.wire.gate.last.count"))
        page.press("h")
        times += watch(page, f"live.wire.gate.last.count === 0 && !live.wire.waiting && live.wire.ladder.frames.length === {7 * CROWD}")
    print(f"# {CROWD} connections: before an answer, the page works for {statistics.median(times):.0f} ms (median of {len(times)}), "
          f"{max(times):.0f} ms at most, {sum(times):.0f} ms in all")
    check(f"{CROWD} connections: the page answers after 200 ms of work, and never freezes", statistics.quantiles(times, n=20)[-1] < 200 and
          max(times) < 1000, times)
    check(f"{CROWD} connections: it says how many have ended", wait_for(lambda: page.run(f"live.wire.ladder.closed.size === {CROWD} && !live.wire.waiting")),
          page.run("live.wire.ladder.closed.size"))
    rows = page.run("[document.querySelector('.wire .gap').innerText, live.wire.ladder.all.length - document.querySelectorAll('.wire .rows li:not(.gap)').length]")
    check(f"{CROWD} connections: a button says how many rows are above", rows[0].startswith(f"{rows[1]:,} earlier rows"), rows)
    check(f"{CROWD} connections: each arrow is beside its row", page.run(APART) < 2, page.run(APART))


# The largest distance of an arrow from its row's place for it.
APART = """Math.max(0, ...live.wire.ladder.current.filter((row) => row.drawn).map((row) => Math.abs(
  row.drawn.querySelector('.shaft').getBoundingClientRect().top - row.item.getBoundingClientRect().top - live.wire.ladder.arrowHeight())))"""


def picture(page):
    """What the saved picture has of frames that have not arrived: dashed arrows; heads of the others; words, how many."""
    drawn = xml.etree.ElementTree.fromstring(saved(page, "Picture")[1])
    svg = "{http://www.w3.org/2000/svg}"
    words = [fate for each in drawn.iter(f"{svg}text") for fate in ("waits", "never arrived") if "".join(each.itertext()).endswith(f" · {fate}")]
    return (sum("stroke-dasharray" in line.attrib for line in drawn.iter(f"{svg}line")), len(list(drawn.iter(f"{svg}path"))),
            words[0] if words else "", len(words))


def test_lost(page, live):
    """Somebody kills a program while its frames wait: they never arrive."""
    rows = "[...document.querySelectorAll('.wire .rows li.frame%s')].map((row) => [row.dataset.sender, row.dataset.type].join(' '))"
    says = "[...document.querySelectorAll('.wire .rows li.lost .first')].every((each) => getComputedStyle(each, '::after').content.includes('never arrived'))"
    page.run("live.ask('clear', {})")
    with server(live.environment, ROOT / BUILD / "grader/serve") as port:
        hold_all(page)
        with program({**live.environment, "H2_TRACE": "live"}, ROOT / CLIENT, f"http://localhost:{port}/ping") as client:
            wait_for(lambda: {"→ HEADERS 1", "← SETTINGS", "← WINDOW_UPDATE"} <= set(page.run(WAITING)))
            before = page.run(WAITING)
            page.run("[...document.querySelectorAll('.waiting button')].find((each) => each.innerText === '→ preface').click()")
            wait_for(lambda: "→ preface" not in page.run(WAITING), 10)
            held = wait_for(lambda: len(found := page.run(rows % ".held")) == len(before) - 1 and found, 10) or []
            drawn = picture(page)
            check("a picture shows frames that wait as the page does", drawn == (len(held), 1, "waits", len(held)), (held, drawn))
            client.kill()
            client.wait(SECONDS)
        check("killed: its frames no longer wait", wait_for(lambda: not page.run(WAITING)), page.run(WAITING))
        check("killed: those that waited never arrive, and the page says so", wait_for(lambda: held and page.run(rows % ".lost") == held, 10) and page.run(says) and
              page.run("document.querySelectorAll('.wire .arrow.held').length") == len(held), (held, page.run(rows % ".lost")))
        drawn = picture(page)
        check("killed: so does a picture", drawn == (len(held), 1, "never arrived", len(held)), (held, drawn))
        check("killed: the one that has passed has arrived", len(page.run(rows % "")) == len(held) + 1, (held, page.run(rows % "")))
        page.call("Page.reload")
        check("killed: so says a page that is loaded again", wait_for(lambda: page.run("Boolean(window.live && live.wire)") and page.run(rows % ".lost") == held),
              page.run(rows % ".lost"))
        hold_all(page, "flow")


def test_late(page, live):
    """We are too busy for a new connection: its first frames pass, and the page says so."""
    said = "live.wire.gate.said.innerText"
    with server({**live.environment, "H2_TRACE": "live"}, ROOT / BUILD / "grader/serve") as port:
        hold_all(page)
        live.process.send_signal(signal.SIGSTOP)
        with socket.create_connection(("localhost", int(port)), SECONDS) as client:
            came = client.recv(100)
            live.process.send_signal(signal.SIGCONT)
            check("late: the server's SETTINGS have passed, and the page says so", came and wait_for(
                lambda: "Hold came too late for 1 connection: " in page.run(said), 10), page.run(said))
            client.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(3) + b"\4" + bytes(5))
            check("late: what comes then waits", wait_for(lambda: any("→ preface" in each for each in page.run(WAITING)), 10), page.run(WAITING))
        hold_all(page, "flow")
        hold_all(page)
        check("late: it is said once", "too late" not in page.run(said), page.run(said))
        hold_all(page, "flow")


def test_space(page, live):
    """While frames of one's own program wait, the space bar lets one pass, and leaves the lecture alone."""
    page.run("live.go('02', 4)")
    arrived(page, "02", 4)
    began = "[...live.lecture.logs.values()].filter((log) => log.command).length"
    before = page.run(began)
    check("a command is next", page.run("Boolean(live.lecture.next())"))
    with server({**live.environment, "H2_TRACE": "live"}, ROOT / BUILD / "grader/serve") as port:
        for view in ("both", "wire"):
            page.run(f"live.view('{view}')")
            page.run("live.ask('clear', {})")
            hold_all(page)
            with program(live.environment, "curl", "-s", "--http2-prior-knowledge", f"http://localhost:{port}/ping"):
                wait_for(lambda: "→ HEADERS 1" in page.run(WAITING))
                oldest, *others = page.run(WAITING)
                page.press(" ")
                check(f"{view}: the space bar lets one frame of any program pass", wait_for(lambda others=others: page.run(WAITING)[:len(others)] == others),
                      (oldest, others, page.run(WAITING)))
                hold_all(page, "flow")
            wait_for(lambda: not page.run(WAITING))
    for mode in ("hold", "flow"):
        hold_all(page, mode)
        page.press(" ")
    for mode in ("hold", "flow"):
        hold_all(page, mode)  # so that a command would have begun
    check("it has run no command, and in the tab Wire it never does", page.run(began) == before and page.run("live.step") == 4 and
          not page.run("live.lecture.running()"), page.run(STATE))


def test_hold_both(page, live):
    """A client and a server of ours that both show their connection: it is held once."""
    traced = {**live.environment, "H2_TRACE": "live"}
    page.run("live.ask('clear', {})")
    with server(traced, ROOT / BUILD / "solutions/lab05-timeouts/server") as port:
        hold_all(page)
        with program(traced, ROOT / CLIENT, f"http://localhost:{port}/hello-world") as client:
            check("both sides: each frame waits once", wait_for(lambda: sorted(each for each in page.run(WAITING) if "preface" in each) == ["→ preface"]), page.run(WAITING))
            most = []
            passed = lets_pass(page, client, lambda: most.append(page.run(WAITING).count("→ HEADERS 1")))
            check("both sides: frame by frame, the client gets its answer", "Hello World" in client.stdout.read() and client.returncode == 0, passed)
            check("both sides: no frame has been held twice", max(most) <= 1 and passed <= len(shown(page)), (passed, most, shown(page)))
            check("both sides: no row is there twice", page.run("live.wire.ladder.numbers.size") == 1 and
                  [sum(kind in row for row in shown(page)) for kind in ("preface", "DATA")] == [1, 1], shown(page))
        hold_all(page, "flow")
        hold_all(page)
        with program(traced, ROOT / CLIENT, f"http://localhost:{port}/hello-world") as client:
            wait_for(lambda: page.run(WAITING))
            page.run("live.wire.gate.choose('pace 100')")
            check("both sides: slowly, all passes", client.wait(SECONDS) == 0 and "Hello World" in client.stdout.read())
        hold_all(page, "flow")


def test_hold_any(browser, live):
    page = browser.open(f"{live.url}#wire", 1280, 720)
    wait_for(lambda: page.run("Boolean(window.live)"))
    page.press("h")
    check("the page says what it holds", wait_for(lambda: "all programs with H2_TRACE=live" in page.run("live.wire.gate.said.innerText")), page.run("live.wire.gate.said.innerText"))
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["sh", ROOT / "grader/tools/certs.sh"], cwd=folder, check=False, capture_output=True)
        test_hold_serve(page, live, "http")
        test_hold_serve(page, live, "https", "--tls", "--key", f"{folder}/key.pem", "--cert", f"{folder}/cert.pem")
    test_hold_both(page, live)
    test_hold_several(page, live)
    test_crowd(page, live)
    test_lost(page, live)
    test_late(page, live)
    test_space(page, live)
    check("the console of the page that holds is empty", not page.errors(), page.errors())
    page.close()


def test_line_that_never_comes(browser):
    """RST_STREAM is held so long that the server has answered: it never says that the stream was closed."""
    with Live("05") as live:
        page = browser.open(f"{live.url}#05/4", 1280, 720)
        arrived(page, "05", 4)
        hold_all(page)
        page.press("r")
        click = "[...document.querySelectorAll('.waiting button')].find((each) => each.innerText.startsWith('→')).click()"
        check("RST_STREAM waits", wait_for(lambda: "→ RST_STREAM 1" in page.run(WAITING)), page.run(WAITING))
        while (first := next(each for each in page.run(WAITING) if "→" in each)) != "→ RST_STREAM 1":
            page.run(click)
            check(f"{first} passes", wait_for(lambda first=first: first not in page.run(WAITING)), page.run(WAITING))
        check("the answer, which does not know of it, waits", wait_for(lambda: "← DATA 1" in page.run(WAITING)), page.run(WAITING))
        hold_all(page, "pace 100")
        check("the command ends with its frames", wait_for(lambda: not page.run("live.lecture.running()") and not page.run(WAITING)), page.run(WAITING))
        card = "document.querySelector('.card.of-console').innerText"
        red = "document.querySelectorAll('.card.failed, .card .from.wrong').length"
        check("that the line has not come is no failure, and the page says why", page.run(red) == 0 and
              "No server has printed “stream closed”: frames were held back." in page.run(card), page.run(card))
        hold_all(page, "pace 500")
        run_to_end(page)
        check("nor is it when frames pass slowly", page.run(red) == 0 and not page.run(WAITING), page.run(card))
        hold_all(page, "flow")
        run_to_end(page)
        check("at full speed, the line comes", page.run(red) == 0 and "stream closed" in page.run(card) and "No server" not in page.run(card), page.run(card))
        page.close()


def test_killed(browser):
    """Somebody kills make live while it holds frames: the programs go on."""
    live = Live("02")
    page = browser.open(f"{live.url}#wire", 1280, 720)
    wait_for(lambda: page.run("Boolean(window.live)"))
    traced = {**live.environment, "H2_TRACE": "live"}
    with server(traced, ROOT / BUILD / "grader/serve") as port:
        hold_all(page)
        with program(traced, ROOT / CLIENT, f"http://localhost:{port}/ping") as client:
            check("before somebody kills make live, frames wait", wait_for(lambda: "→ HEADERS 1" in page.run(WAITING)) and client.poll() is None, page.run(WAITING))
            live.process.kill()
            check("when make live is killed, the client goes on", client.wait(SECONDS) == 0 and "pong" in client.stdout.read(), client.returncode)
        done = subprocess.run([ROOT / CLIENT, f"http://localhost:{port}/ping"], env=live.environment, capture_output=True, text=True, check=False, timeout=SECONDS)
        check("and the server goes on too", done.returncode == 0 and "pong" in done.stdout, done)
    live.process.wait()
    live.process.stdout.close()
    live.process.stderr.close()
    live.socket.unlink()
    live.place.cleanup()
    page.close()


def test_earlier(browser):
    """`make serve` that runs before make live is shown from then on; without make live, it says nothing."""
    quiet = {name: value for name, value in os.environ.items() if not name.startswith(("H2_", "MAKE"))}
    environment = {**quiet, "H2_LIVE": str(ROOT / BUILD / "live/socket"), **dict([MARK.split("=")])}
    with subprocess.Popen(["make", "-s", "serve", "PORT=0", f"BUILD={BUILD}"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          env=environment, start_new_session=True) as process:
        port = next(found[1] for line in process.stdout if (found := re.search(r":(\d+)$", line.strip())))  # make's lines come first
        ask = [ROOT / CLIENT, f"http://localhost:{port}/ping"]
        before = subprocess.run(ask, env=quiet, capture_output=True, text=True, check=False)
        with Live("02") as live:
            page = browser.open(f"{live.url}#wire", 1280, 720)
            wait_for(lambda: page.run("Boolean(window.live)"))
            after = subprocess.run(ask, env=quiet, capture_output=True, text=True, check=False)
            check("a server that began before make live is shown", wait_for(lambda: any("pong" in row for row in shown(page)), 10), shown(page))
            check("and takes orders", wait_for(lambda: page.run(SERVERS % port), 10))
            hold_all(page)
            with program(quiet, *ask) as client:
                check("and its frames can be held", wait_for(lambda: "← SETTINGS" in " ".join(page.run(WAITING)), 10), page.run(WAITING))
                hold_all(page, "flow")
                check("and pass", client.wait(SECONDS) == 0)
            page.close()
            os.killpg(process.pid, signal.SIGTERM)
        said = process.stderr.read()
        check("with and without make live, it answers, and says nothing of it", before.returncode == after.returncode == 0 and "H2_TRACE" not in said, (before, after, said))


def test_marks(page):
    page.run("document.querySelectorAll('.wire .rows button.line')[2].focus()")
    page.press("m")
    page.press("ArrowDown")
    page.run("document.querySelectorAll('.wire .star')[4].click()")
    marked = page.run("[...document.querySelectorAll('.wire .rows li.frame')].map((row) => row.matches('.marked'))")
    check("m and a click mark a frame", [i for i, each in enumerate(marked) if each] == [2, 4], marked)
    page.run("document.querySelectorAll('.wire .star')[4].click()")
    check("and take the mark away", page.run("document.querySelectorAll('.wire .rows li.marked').length") == 1)
    check("the focus is where it was", page.run("document.activeElement.matches('.star, button.line')"))


def test_saving(page):
    page.run("(() => { const select = document.querySelectorAll('.wire select')[1]; select.value = '1/1'; select.dispatchEvent(new Event('change')); })()")
    name, trace = saved(page, "Trace")
    frames = json.loads(trace)
    check("Trace saves the frames that are shown", name == "trace.json" and [each["type"] for each in frames] == ["HEADERS", "HEADERS", "DATA"] and
          frames[2]["data"] == "pong" and not {"kind", "by", "pid", "octets"} & frames[0].keys(), frames)
    page.run("live.wire.ladder.show('all')")
    name, picture = saved(page, "Picture")
    drawn = xml.etree.ElementTree.fromstring(picture)
    texts = [each.text for each in drawn.iter("{http://www.w3.org/2000/svg}text")]
    check("Picture saves an SVG, with the marks", name == "wire.svg" and texts.count("★") == texts.count("ms") == 1 and ":status 200" in texts and "pong" in texts, texts)
    name, capture = saved(page, "Capture")
    check("Capture saves a file for Wireshark", name == "capture.pcapng" and capture[:4] == b"\x0a\x0d\x0d\x0a", capture[:40])
    if not shutil.which("tshark"):
        return
    with tempfile.NamedTemporaryFile(suffix=".pcapng") as file:
        file.write(capture)
        file.flush()
        fields = [word for name in ("tcp.checksum.status", "_ws.malformed", "http2.headers.path", "http2.headers.status", "http2.data.data") for word in ("-e", name)]
        read = subprocess.run(["tshark", "-r", file.name, "-Y", "http2.type in {0,1}", "-o", "tcp.check_checksum:TRUE",
                               "-T", "fields", *fields], capture_output=True, text=True, check=False).stdout
    check("Wireshark reads it: three connections", sorted(read.splitlines()) == sorted(["1\t\t/ping\t\t", "1\t\t\t200\t", "1\t\t\t\t706f6e67"] * 3), read)


def test_orders(page, port, environment):
    """What the server does from now on; its process stays the same."""
    choose = f"(() => {{ const select = document.querySelector(`.play select[data-id='${{live.wire.play.servers.find((each) => each.port === {port}).id}}']`);" \
             " select.value = '%s'; select.dispatchEvent(new Event('change')); })()"

    def ask(*arguments):
        return subprocess.Popen([ROOT / CLIENT, *arguments, f"http://localhost:{port}/{'send-data' if arguments else 'ping'}"], env=environment,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def order(fault):
        page.run("live.ask('clear', {})")
        wait_for(lambda: not shown(page))
        page.run(choose % fault)
        return wait_for(lambda: page.run(f"live.wire.play.servers.find((each) => each.port === {port}).now") == fault)

    for fault, said, status in (("refuse", "REFUSED_STREAM", 1), ("goaway", "ENHANCE_YOUR_CALM", 1), ("none", "pong", 0)):
        check(f"the server is told: {fault}", order(fault))
        with ask() as client:
            output = client.stdout.read()
            check(f"and does that: {said}", said in output and client.wait() == status, output)
    order("hints")
    with ask() as client:
        check("and does that: 103", wait_for(lambda: any(":status 103" in row for row in shown(page))), shown(page))
        client.terminate()
    order("window")
    with ask("-d", "x" * 100000) as client:
        check("a body waits for a window", wait_for(lambda: any("INITIAL_WINDOW_SIZE 0" in row for row in shown(page))) and client.poll() is None, shown(page))
        page.run(choose % "none")
        check("and goes on when the server opens it", len(client.stdout.read()) > 100000 and client.wait() == 0)


def test_speed(browser, live):
    """Many requests, with H2_TRACE=live and without, in turn: processor time, which does not depend on who else runs."""
    page = browser.open(f"{live.url}#wire", 1280, 720)
    wait_for(lambda: page.run("Boolean(window.live)"))

    def measure(port, trace):
        process = subprocess.Popen([ROOT / BUILD / "bench/client_load", "-n", str(LOAD), "-c", "1", "-m", "10", f"http://localhost:{port}/"],
                                   env={**live.environment, "H2_TRACE": trace}, cwd="/")
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = status
        check(f"the load ends well, H2_TRACE={trace}", status == 0, status)
        return used.ru_utime + used.ru_stime

    with server({**live.environment, "H2_TRACE": ""}, ROOT / BUILD / "bench/server") as port:
        times = [(measure(port, ""), measure(port, "live")) for _ in range(9)]  # the least of few says little on a busy machine
    ratio = min(without for without, _ in times) / min(traced for _, traced in times)
    print(f"# {LOAD:,} requests: {ratio:.0%} of the speed with H2_TRACE=live; seconds of processor time without and with: {times}")
    check("a program that is watched has at least 80% of its speed", ratio >= 0.8, times)
    check("the page says how much it does not show", wait_for(lambda: (facts := page.run("document.querySelector('.facts').innerText")).endswith("left out") and
          int(facts.split()[-3].replace(",", "")) > LOAD), page.run("document.querySelector('.facts').innerText"))
    check("every frame is shown or counted", wait_for(lambda: page.run("live.wire.ladder.leftOut + live.wire.ladder.frames.length + live.wire.ladder.first") >= 3 * 3 * LOAD))
    page.run("live.ask('clear', {})")
    page.close()


# --- The handouts -----------------------------------------------------------------------------------------

TRY = re.compile(r"(?m)^- ((?:.*\n)(?:  .*\n)*)")


def tries(path):
    """What a handout tells its readers to try: the server's command, and for each try what it does, the client's
    command, and the text to look for."""
    section = path.read_text(encoding="utf-8").split("**Try it live.**")[1].split("\n## ")[0]
    found = []
    for item in TRY.findall(section):
        text = re.sub(r"\n +", " ", item)
        choice = re.search(r"[Ll]et it answer “([^”]+)”", text)
        found.append((choice and choice[1], re.search(r"`((?:H2_TRACE=live )?(?:build/labs|curl)[^`]*)`", text)[1], re.search(r"Look for (?:its )?`([^`]+)`", text)[1]))
    return re.search(r"then `([^`]+)`", section.replace("\n", " "))[1], found


def test_handouts(browser, live):
    """Each handout's section "On the wire" has two things to try here. We try them, with the solutions."""
    page = browser.open(f"{live.url}#wire", 1280, 720)
    wait_for(lambda: page.run("Boolean(window.live)"))
    with tempfile.TemporaryDirectory() as folder:
        for program in ("solutions", "grader"):
            os.makedirs(f"{folder}/build", exist_ok=True)
            os.symlink(ROOT / BUILD / program, f"{folder}/build/{program.replace('solutions', 'labs')}")
        pathlib.Path(f"{folder}/build/data").write_text("x" * 100000, encoding="ascii")
        subprocess.run(["sh", ROOT / "grader/tools/certs.sh"], cwd=folder, check=False, capture_output=True)
        for path in sorted(ROOT.glob("lab0*/README.md")):
            test_tries(page, path, {**live.environment, "H2_TRACE": ""}, folder)
    check("no try had an error", not page.errors(), page.errors())
    page.close()


def test_tries(page, path, environment, folder):
    served, all_tries = tries(path)
    check(f"{path.parent.name}: there are two things to try", len(all_tries) == 2, all_tries)
    command = served.replace("make serve", "H2_TRACE=live build/grader/serve").replace("TLS=1", "--tls")
    command = re.sub(r" --port \d+$", "", command)
    with subprocess.Popen(["sh", "-c", f"{command.split(' build')[0]} exec build{command.split(' build')[1]} --port 0"], cwd=folder, env=environment,
                          stdout=subprocess.PIPE, text=True) as process:
        port = re.search(r":(\d+)$", process.stdout.readline().strip())[1]
        for choice, client, look in all_tries:
            test_try(page, path, port, choice, client, look, environment, folder)
        process.terminate()


def test_try(page, path, port, choice, client, look, environment, folder):
    page.run("live.ask('clear', {})")
    wait_for(lambda: not page.run("live.wire.ladder.all.length"))
    if choice:
        wait_for(lambda: page.run(SERVERS % port))
        page.run(f"""(() => {{ const select = document.querySelector(`.play select[data-id='${{live.wire.play.servers.find((each) => each.port === {port}).id}}']`);
          select.selectedIndex = [...select.options].findIndex((option) => option.text === {json.dumps(choice)}); select.dispatchEvent(new Event('change')); }})()""")
        wait_for(lambda: page.run(f"live.wire.play.servers.find((each) => each.port === {port}).now") != "none")
    command = re.sub(r"localhost:8\d\d\d", f"localhost:{port}", client)
    with subprocess.Popen(["bash", "-c", command], cwd=folder, env={**environment, "H2_TRACE": "live"} if "H2_TRACE" in command else environment,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True) as process:
        check(f"{path.parent.name}: {choice or client}: {look} is there", wait_for(lambda: page.run(
            f"[...document.querySelectorAll('.wire .rows li')].some((row) => row.innerText.replace(/\\s+/g, ' ').includes({json.dumps(look)}))")),
              page.run("document.querySelector('.wire .rows').innerText"))
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)


# --- The wire ---------------------------------------------------------------------------------------------

def test_wire(browser, live):
    page = browser.open(f"{live.url}#02/1", 1280, 720)
    arrived(page, "02", 1)
    page.run("live.ask('clear', {})")
    wait_for(lambda: not shown(page))
    program = live.program()
    width = "document.querySelector('.wire').offsetWidth"
    check("a step without frames has the whole window", page.run(width) == 0)
    check("until somebody's frames come", wait_for(lambda: send(program, frame("preface", "client", length=24)) or page.run(width) > 0))
    check("a byte that is written with two letters counts once", page.run(r"octets('PRI\r\n\\\x00.') === 8"), page.run(r"octets('PRI\r\n\\\x00.')"))
    page.run("live.ask('clear', {})")
    wait_for(lambda: not shown(page))
    send(program, frame("preface", "client", length=24), frame("SETTINGS", "client", settings=[["SETTINGS_INITIAL_WINDOW_SIZE", 100]]),
         frame("HEADERS", "client", 1, ["END_HEADERS"], fields=[[":method", "POST"], [":path", "/x"]]),
         frame("HEADERS", "client", 3, ["END_HEADERS", "END_STREAM"], fields=[[":method", "GET"], [":path", "/y"]]),
         frame("HEADERS", "server", 1, ["END_HEADERS"], fields=[[":status", "200"]]),
         frame("DATA", "server", 1, data="abc", length=60))
    wait_for(lambda: len(shown(page)) == 6)
    check("it counts frames, and no preface, which is none of their types", page.run("document.querySelector('.facts').innerText") == "5 frames · 2 streams" and
          page.run("[...live.wire.ladder.kinds.options].every((each) => each.value !== 'preface')"), page.run("document.querySelector('.facts').innerText"))
    rows = wait_for(lambda: len(found := page.run(STATES)) > 4 and found)
    check("streams have the states of RFC 9113", [row[:2] for row in rows[1:3]] == [
        ["1 POST /x", "open, may still send 65,535 bytes"], ["3 GET /y", "half-closed (local)"]], rows)
    check("the other side's window is what is left of it", rows[1][2] == "open, may still send 40 bytes" and
          rows[0][2].endswith("65,475 bytes"), rows)
    send(program, frame("WINDOW_UPDATE", "client", 1, increment=1000), frame("RST_STREAM", "server", 3, error_code="CANCEL"))
    wait_for(lambda: len(shown(page)) == 8)
    rows = page.run(STATES)
    check("a window grows, a reset closes", rows[1][2] == "open, may still send 1,040 bytes" and
          rows[2][1].startswith("closed") and rows[2][2].startswith("closed"), rows)
    send(program, {"connection": 1, "ms": 3, "note": "closed"})
    wait_for(lambda: page.run("document.querySelectorAll('.wire .rows li.note').length"))
    rows = page.run(STATES)
    check("its streams have ended with it, in the states in which they were", [row[1:] for row in rows[1:3]] == [["open", "open"], ["closed", "closed"]] and
          page.run("document.querySelectorAll('.states tbody tr.closed').length") == 3, rows)
    check("and the head says that these are the states of then", page.run("live.wire.states.fold.innerText") == "▸ Streams when it closed", page.run("live.wire.states.fold.innerText"))
    check("a connection that has closed is closed", rows[0][1].startswith("closed") and rows[0][2].startswith("closed"), rows)
    check("notes are rows too", page.run("document.querySelector('.wire .rows li.note').innerText.includes('closed')"))
    place = page.run("(() => { const box = document.querySelectorAll('.wire .drawing .arrow.frame .touch')[5].getBoundingClientRect();"
                     "return [box.x + box.width / 2, box.y + box.height / 2]; })()")
    page.click(*place)
    check("a click on an arrow decodes its frame", "abc" in (page.run("document.querySelector('.wire .details')?.innerText") or ""))
    check("all of it is in the window", page.run("document.querySelector('.wire .details').getBoundingClientRect().bottom <= document.querySelector('.scroll').getBoundingClientRect().bottom"))
    page.run("(() => { const select = document.querySelectorAll('.wire select')[1]; select.value = '1/3'; select.dispatchEvent(new Event('change')); })()")
    check("the page shows one stream alone", len(shown(page)) == 2, shown(page))
    page.run("(() => { const select = document.querySelectorAll('.wire select')[2]; select.value = 'RST_STREAM'; select.dispatchEvent(new Event('change')); })()")
    check("and one type of frames", len(shown(page)) == 1, shown(page))
    check("it says how many of them", page.run("document.querySelector('.facts').innerText").startswith("1 of 7 frames"), page.run("document.querySelector('.facts').innerText"))
    page.run("[...document.querySelectorAll('.wire .tools button')].find((each) => each.innerText === 'Clear').click()")
    check("Clear empties the wire", wait_for(lambda: not shown(page)))
    test_news(page, program)
    test_second(page, live)
    test_settings(page, program)
    test_hostile_frames(page, program)
    test_quick(page, program)
    test_many(page, program)
    check("the console is still empty", not page.errors(), page.errors())
    program.close()


def test_news(page, program):
    """What passes comes into sight, unless the reader has scrolled away: then a sign says how much is new."""
    def pings(number):
        before = page.run("live.wire.ladder.frames.length")
        send(program, *(frame("PING", "client", length=8, data="12345678") for _ in range(number)))
        wait_for(lambda: page.run(f"live.wire.ladder.frames.length === {before + number} && !live.wire.waiting"))
        page.settle()

    hidden = "[live.wire.sheet.scrollTop, live.wire.hidden, live.wire.below.innerText]"
    page.run("live.view('wire')")
    pings(40)
    check("the last frame is in sight, above the line that says what is above", page.run("live.wire.hidden === 0 && !live.wire.foot.hidden && live.wire.below.hidden"), page.run(hidden))
    page.run("live.wire.rewind()")
    pings(1)
    check("a ladder that we have put to its top shows what is new", page.run("live.wire.hidden") == 0, page.run(hidden))
    page.run("live.wire.sheet.scrollTop = 100")
    page.settle()
    pings(2)
    pings(1)
    said = page.run(hidden)
    check("where somebody has scrolled to, it stays, and says how many are new", said[0] == 100 and said[2] == f"↓ {said[1]} more, 3 new", said)
    page.run("live.wire.below.click()")
    page.settle()
    check("a click shows them", page.run("live.wire.hidden === 0 && live.wire.news === 0"), page.run(hidden))
    page.run("live.view('both'); live.ask('clear', {})")
    wait_for(lambda: not shown(page))


def test_second(page, live):
    """A second connection, later, of a program that ends without a word."""
    program = live.program()
    send(program, frame("preface", "client", length=24))
    wait_for(lambda: len(shown(page)) == 1)
    began = time.monotonic()
    wait_for(lambda: time.monotonic() > began + 0.1)
    send(program, frame("preface", "client", length=24, connection=2, ms=0.25), frame("HEADERS", "client", 1, ["END_HEADERS"], connection=2, ms=0.75, fields=[]))
    wait_for(lambda: len(shown(page)) == 3)
    times = "[...document.querySelectorAll('.wire .rows li.frame .time')].map((each) => parseFloat(each.textContent))"
    now = page.run("[...document.querySelectorAll('.wire .rows li.frame')].map((row, i) => live.wire.ladder.all[i].ms)")
    check("the page knows when each connection began", now[0] < 1 and now[1] > 100 and abs(now[2] - now[1] - 0.5) < 0.01, now)
    check("and counts the time of each from its own first frame", page.run(times) == [0, 0, 0.5], (now, page.run(times)))
    send(program, frame("PING", "client", length=8, data="12345678", connection=2, ms=138994.25))
    wait_for(lambda: len(shown(page)) == 4)
    check("a time of more than five digits is in seconds", "139 s" in shown(page)[3], shown(page))
    room = page.run("""[...document.querySelectorAll('.wire .rows li.frame .time')].map((each) => { const words = document.createRange();
      words.selectNodeContents(each.firstChild);
      return document.querySelector('.wire .rail').getBoundingClientRect().left - words.getBoundingClientRect().right; })""")
    check("no time touches the rail", min(room) > 3, room)
    page.run("document.querySelectorAll('.wire .switch input')[1].click()")
    scaled = page.run("[...document.querySelectorAll('.wire .drawing .arrow.frame')].map((each) => each.getBoundingClientRect().top)")
    check("to scale, the connections are where they were", scaled == sorted(scaled) and len(set(scaled)) > 2, scaled)
    page.run("document.querySelectorAll('.wire .switch input')[0].click()")
    program.close()
    notes = "[...document.querySelectorAll('.wire .rows li.note')].map((row) => row.innerText)"
    check("with the program, its connections have ended", wait_for(lambda: sum("the program has ended" in each for each in page.run(notes)) == 2), page.run(notes))
    check("and their streams", wait_for(lambda: "may still send" not in page.run(STATES)[1][1]), page.run(STATES))
    page.run("document.querySelector('.menu').click()")
    outside = page.run("""[...Array(80).keys()].filter((letters) => { live.wire.ladder.facts.textContent = 'x'.repeat(letters);
      const [saves, heading, room] = ['.saves', '.wire .heading', '.scroll'].map((each) => document.querySelector(each).getBoundingClientRect());
      return saves.height === 0 || saves.left < room.left || saves.bottom > heading.top + 1; })""")
    check("on a second line, too, what Save opens is in the window, and covers no frame", outside == [], outside)
    page.press("Escape")
    check("Escape closes it", page.run("document.querySelector('.saves').offsetHeight === 0 && document.querySelector('.menu').getAttribute('aria-expanded') === 'false'"))
    page.run("live.ask('clear', {})")
    wait_for(lambda: not shown(page))


def test_settings(page, program):
    """A SETTINGS frame without a setting is one: its sender keeps the defaults."""
    said = "[...document.querySelectorAll('.states .settings')].map((each) => each.innerText)"
    page.run("live.wire.states.folded = false")
    send(program, frame("preface", "client", length=24))
    wait_for(lambda: len(shown(page)) == 1 and page.run(said))
    check("before a SETTINGS frame, a side has no settings", page.run(said) == ["The client’s settings: none yet", "The server’s settings: none yet"], page.run(said))
    send(program, frame("SETTINGS", "client"), frame("SETTINGS", "client", flags=["ACK"]), frame("SETTINGS", "server", flags=["ACK"]))
    wait_for(lambda: len(shown(page)) == 4)
    check("after an empty one, it keeps the defaults; an ACK says nothing", page.run(said) == [
        "The client’s settings: it keeps the defaults (RFC 9113, section 6.5.2)", "The server’s settings: none yet"], page.run(said))
    page.run("live.ask('clear', {})")
    wait_for(lambda: not shown(page))


def test_hostile_frames(page, program):
    before = len(shown(page))
    send(program, frame("HEADERS", "client", 1, fields=[[ATTACK, ATTACK]]), frame(ATTACK, "server", 1, data=ATTACK, length=5),
         {"connection": 1, "ms": 1, "note": ATTACK})
    program.sendall(b"no JSON\n[1]\n{}\n" + json.dumps(frame(7, "nobody")).encode() + b"\n" +
                    json.dumps({**frame("DATA", "client", 1), "fields": [1, [2], "x"], "settings": {}, "flags": [3]}).encode() + b"\n")
    wait_for(lambda: len(shown(page)) == before + 3)
    check("what is not a frame is dropped", len(shown(page)) == before + 3, shown(page))
    page.run("document.querySelectorAll('.wire .rows button').forEach((each, i) => document.querySelectorAll('.wire .rows button')[i].click())")
    text = page.run("document.querySelector('.wire').textContent")
    check("what a program sends stays text", text.count(ATTACK) >= 4 and
          page.run("window.attacked === undefined && document.scripts.length === 1 && !document.querySelector('img')"), text[:500])
    page.run("live.wire.clear()")


def test_quick(page, program):
    """From the program's write to the row on the page, on one clock."""
    page.run("""window.rows = []; new MutationObserver((all) => all.forEach((each) => each.addedNodes.forEach((row) =>
      row.matches && row.matches('li.frame') && rows.push(Date.now())))).observe(document.querySelector('.wire .rows'), {childList: true})""")
    times = []
    for number in range(40):
        sent = time.time() * 1000
        send(program, frame("PING", "client", length=8, data=str(number)))
        wait_for(lambda number=number: page.run("rows.length") > number)
        times.append(page.run("rows[rows.length - 1]") - sent)
    median = statistics.median(times)
    print(f"# a frame is on the page after {median:.0f} ms (median of {len(times)}; {min(times):.0f} to {max(times):.0f})")
    check("a frame is on the page within 100 ms", median < 100, times)
    page.run("live.wire.clear()")


SCROLLED = """(async () => {
  const scroll = %s; const began = performance.now(); let frames = 0;
  for (; performance.now() - began < 1000; frames++) {
    scroll.scrollTop = scroll.scrollHeight * (frames %% 50) / 50;
    await new Promise((go) => requestAnimationFrame(go));
  }
  return frames;
})()"""


def test_many(page, program):
    """10,000 frames on 500 streams."""
    began = time.monotonic()
    for first in range(0, 10000, 500):
        send(program, *(frame("HEADERS" if i < 500 else "DATA", "client" if i % 2 else "server", 1 + 2 * (i % 500),
                              ms=i / 10, length=3, data="abc", fields=[[":method", "GET"], [":path", f"/{i % 500}"]])
                        for i in range(first, first + 500)))
    wait_for(lambda: page.run("live.wire.ladder.frames.length === 10000 && !live.wire.waiting"))
    print(f"# 10,000 frames are on the page after {time.monotonic() - began:.1f} s")
    check("10,000 frames: the page keeps all, and shows the last of them", page.run("live.wire.ladder.frames.length") == 10000 and
          400 < len(shown(page)) < 1000 and "9,999" not in page.run("document.querySelector('.wire .gap').innerText"))
    last = shown(page)[-1]
    for _ in range(2):
        page.run("document.querySelector('.wire .gap button').click()")
    earlier = shown(page)
    page.run("live.wire.ladder.show('all')")
    check("10,000 frames: a button shows earlier ones", last not in earlier and len(earlier) > 400 and shown(page)[-1] == last, earlier[-1])
    rate = page.run(SCROLLED % "document.querySelector('.scroll')")
    page.run("document.body.append(Object.assign(document.createElement('div'), {id: 'plain', style: 'position: fixed; inset: 0; overflow: auto',"
             "textContent: 'words '.repeat(20000)}))")
    plain = page.run(SCROLLED % "document.getElementById('plain')")
    page.run("document.getElementById('plain').remove()")
    page.call("Performance.enable")
    used = {each["name"]: each["value"] for each in page.call("Performance.getMetrics")["metrics"]}["JSHeapUsedSize"] / 1e6
    print(f"# 10,000 frames on 500 streams: {rate} pictures a second while it scrolls, plain text {plain}; {used:.0f} MB of JavaScript")
    check("10,000 frames scroll nearly as plain text does", rate >= min(30, plain / 3), (rate, plain))
    check("10,000 frames take little memory", used < 300, used)
    page.run("live.wire.clear()")


# --- A stand-in -------------------------------------------------------------------------------------------

SCRIPT = f"""# Title {ATTACK}

Intro.

## One {ATTACK}

> note: a note

Words.

```console
printf '%s\\n' "{ATTACK}"; printf '\\033[2J\\377' >&2
```
```console
echo begun; sleep 100
```
```console status=1
seq 100000; exit 1
```
```console
exit 3
```

## Two

```server URL
$PROGRAMS/lab01-one/nowhere
```

## Three

```console
echo $URL
```
"""


def test_stand_in(browser):
    """A hostile program, one without end, one that prints too much, one that fails."""
    with tempfile.TemporaryDirectory(prefix="live-") as folder:
        root = pathlib.Path(folder)
        for name in ("lecture", "live", "page", "tools"):
            shutil.copytree(ROOT / "grader" / name, root / "grader" / name)
        (root / "lab01-one").mkdir()
        (root / "grader/lecture/scripts/lab01.md").write_text(SCRIPT, encoding="ascii")
        with Live("01", root=root) as live:
            page = browser.open(live.url, 1280, 720)
            arrived(page, "01", 1)
            page.press(" ")
            log = "document.querySelectorAll('.card')[%d].innerText"
            said = wait_for(lambda: not page.run("live.lecture.running()") and (text := page.run(log % 0)).count(ATTACK) > 1 and text)
            check("what a program prints stays text", said and "?[2J" in said and
                  page.run("window.attacked === undefined && document.scripts.length === 1 && !document.querySelector('img')"), said)
            page.press(" ")
            check("output is on the page as it is printed", wait_for(lambda: "\nbegun" in page.run(log % 1)) and page.run("live.lecture.running()"))
            page.press(" ")
            check("the space bar does not end it", not wait_for(lambda: not page.run("live.lecture.running()"), 0.5))
            page.press("s")
            check("s ends the command, and the page says so", wait_for(lambda: "You stopped it." in page.run(log % 1)), page.run(log % 1))
            page.run("document.querySelectorAll('.card .run')[2].click()")
            wait_for(lambda: "prints more" in page.run(log % 2) and not page.run("live.lecture.running()"))
            check("too much output is cut, and the page says so", "prints more" in page.run(log % 2) and len(page.run(log % 2)) < 200000, page.run(log % 2)[-300:])
            page.run("document.querySelectorAll('.card .run')[3].click()")
            check("a command that fails is marked", wait_for(lambda: page.run("document.querySelectorAll('.card')[3].matches('.failed')")))
            latest = "live.lecture.running() ? [] : [live.lecture.cards.findIndex((card) => card.log.at === Log.runs), Log.runs]"
            page.run("document.querySelectorAll('.card .run')[0].click()")
            _, runs = wait_for(lambda: (found := page.run(latest)) and found[0] == 0 and found) or (-1, 0)
            page.press("r")
            check("r runs the command again that ran last", wait_for(lambda: page.run(latest) == [0, runs + 1], 10), (page.run(latest), runs))
            page.press("3")
            arrived(page, "01", 3)
            page.press(" ")
            check("a command whose server does not run says which server that is, and which step starts it", wait_for(
                lambda: "does not run: build/solutions/lab01-one/nowhere. See step 2" in page.run(log % 0)), page.run(log % 0))
            lines = page.run("""(() => { const log = new Log();
              [{kind: 'run'}, ...['a\\nb', 'c\\n'].map((text) => ({kind: 'text', source: 'server', text}))].forEach((event) => log.take(event));
              return [...new Card({part: 0, kind: 'console', command: ''}, log, () => {}).output.children].map((each) => each.textContent); })()""")
            check("each line of a server says whose it is", lines == ["a\n", "bc\n"], lines)
            check("the page's console is empty", not page.errors(), page.errors())


def test_twice():
    """A second `make live` says where the first one is: that has the frames of all programs."""
    with Live("02", "06") as live:
        def second(*labs):
            return subprocess.run([sys.executable, ROOT / "grader/live/live.py", *labs], cwd="/", env=live.environment, capture_output=True, text=True,
                                  check=False, timeout=SECONDS)

        same, other = second("06"), second("05")
        check("a second one, for a lab that the first one has, gives its address", same.returncode == 0 and
              same.stdout == f"make live runs already (labs 2, 6), at {live.url}#06\n", same)
        check("for another lab, it says what to do", other.returncode == 1 and other.stdout == f"make live runs already (labs 2, 6), at {live.url}\n" and
              "Without LAB=, its menu has all labs." in other.stderr, other)
        check("nobody else can read the address", (live.socket.with_name("address").stat().st_mode & 0o077) == 0)
        check("the first one goes on", live.ask("GET", f"/{live.token}/labs") == 200)
    check("nothing of it is left", not live.socket.with_name("address").exists())


def test_students(browser):
    """A student's copy has no lectures: only the wire."""
    with tempfile.TemporaryDirectory(prefix="live-") as folder:
        root = pathlib.Path(folder)
        for name in ("lecture", "live", "page", "tools"):
            shutil.copytree(ROOT / "grader" / name, root / "grader" / name, ignore=shutil.ignore_patterns("scripts"))
        with Live("01", root=root) as live:
            page = browser.open(live.url, 1280, 720)
            wait_for(lambda: page.run("Boolean(window.live)"))
            for key in ("w", " ", "ArrowRight", "1", "p", "r", "n"):
                page.press(key)
            program = live.program()
            send(program, frame("PING", "client", length=8, data="12345678"))
            check("without lectures, the page shows the wire", wait_for(lambda: len(shown(page)) == 1) and
                  page.run("document.querySelector('.lecture').offsetWidth === 0 && document.querySelector('.bar-top').innerText.trim().startsWith('The wire')"))
            check("and holds what passes there", page.run("document.querySelector('.gate').offsetHeight > 0"))
            check("and nothing else", page.run("[...document.querySelectorAll('.bar-top button')].filter((each) => each.offsetWidth > 0).length") == 1 and not page.errors(), page.errors())
            program.close()


# --- Slides -----------------------------------------------------------------------------------------------

def slides(root, number, out):
    return subprocess.run([sys.executable, root / "grader/live/slides.py", "--out", out, number], cwd=root, capture_output=True, text=True,
                          check=False, timeout=SECONDS * 3, env={**os.environ, **dict([MARK.split("=")])})


def test_slides(browser, number, folder):
    out = f"{folder}/lab{number}.html"
    done = slides(ROOT, number, out)
    check(f"slides of lab {number}: every command ends as the script says", done.returncode == 0 and
          done.stdout == f"file://{out}\n", done.stdout + done.stderr)
    check(f"slides of lab {number}: nothing goes wrong meanwhile", not done.stderr, done.stderr)
    check(f"slides of lab {number}: no process is left", wait_for(lambda: not left_running()), left_running())
    page = browser.open(f"file://{out}", 1280, 720)
    said = page.run("""({slides: document.querySelectorAll('.slide').length, code: document.querySelectorAll('.slide .code').length,
      frames: document.querySelectorAll('.slide .rows li.frame').length, arrows: document.querySelectorAll('.drawing g.arrow.frame').length,
      told: JSON.parse(document.getElementById('data').textContent).events.flat().filter((event) => event.kind === 'wire' && event.note === undefined).length,
      full: [...document.querySelectorAll('.slide .matter')].filter((each) => each.scrollHeight > each.clientHeight).map((each) => each.innerText),
      size: (({width, height}) => width / height)(document.querySelector('.slide').getBoundingClientRect()),
      notes: [...document.querySelectorAll('.notes')].filter((each) => each.innerText.length > 20).length})""")
    script = (ROOT / f"grader/lecture/scripts/lab{number}.md").read_text(encoding="ascii")
    if number == "04":  # two of its steps start a server, by one name
        ports = [port for port, _ in itertools.groupby(re.findall(r"localhost:(\d+)", pathlib.Path(out).read_text(encoding="utf-8")))]
        check("slides of lab 04: each server is asked until the next one starts", len(ports) == 2, ports)
    check(f"slides of lab {number}: all frames that passed are there", said["frames"] == said["arrows"] == said["told"] > 5, said)
    check(f"slides of lab {number}: all code and all notes too", said["code"] == len(re.findall("(?m)^```(?:c|js) ", script)) and
          said["notes"] == script.count("> note: "), said)
    check(f"slides of lab {number}: nothing is cut", not said["full"], said["full"])
    check(f"slides of lab {number}: they are sixteen by nine", abs(said["size"] - 16 / 9) < 0.01, said["size"])
    uneven = page.run("[...document.querySelectorAll('.slide .codes.several')].map((each) => [...each.children].map((child) => "
                      "Math.round(child.getBoundingClientRect().top))).filter((tops) => Math.max(...tops.slice(0, 2)) - Math.min(...tops.slice(0, 2)) > 1 && tops.length === 2)")
    check(f"slides of lab {number}: code that stands side by side begins on one line", not uneven, uneven)
    small = page.run("[...document.querySelectorAll('.slide .matter:not(.dense, .snug, .cosy) :is(pre, .command), .slide .line .text')].filter((each) => parseFloat(getComputedStyle(each).fontSize) < 16).map((each) => each.innerText)")
    check(f"slides of lab {number}: code and ladders have letters of 16 pixels, if there is room", not small, small)
    torn = page.run("""[...document.querySelectorAll('.slide .matter')].filter((each, i, all) => i > 0 && each.firstElementChild.matches('.codes, .card') &&
      all[i - 1].lastElementChild.matches('p') && all[i - 1].childElementCount > 1).map((each) => each.innerText)""")
    check(f"slides of lab {number}: a text stands with what it introduces", not torn, torn)
    lonely = page.run("[...document.querySelectorAll('.slide')].map((each) => each.querySelector('.pair.equal') ? each.querySelectorAll('.rows > li').length : 99)")
    check(f"slides of lab {number}: no ladder leaves two rows for the next slide", min(lonely) > 2, lonely)
    page.press("b")
    black = page.run("document.elementFromPoint(640, 360).className")
    page.press(" ")
    check(f"slides of lab {number}: b makes the screen black, and then any key brings it back", black == "shade" and page.run(
        "document.elementFromPoint(640, 360).className !== 'shade' && document.documentElement.scrollTop < 64"), black)
    tops = "[...document.querySelectorAll('.slide')].map((each) => Math.abs(each.getBoundingClientRect().top) < 64)"
    for key, at in (("Home", 0), ("ArrowRight", 1), (" ", 2), ("PageUp", 1), ("End", said["slides"] - 1)):
        page.press(key)
        check(f"slides of lab {number}: the key {key!r} goes to slide {at + 1}", wait_for(lambda at=at: page.run(tops)[at]), page.run(tops))
    page.paper(f"{folder}/slides.pdf")
    sheets = len(re.findall(rb"/Type\s*/Page\b", pathlib.Path(f"{folder}/slides.pdf").read_bytes()))
    check(f"slides of lab {number}: each has a sheet of paper", sheets == said["slides"], (sheets, said["slides"]))
    check(f"slides of lab {number}: no network, and an empty console", not page.requests() and not page.errors(), page.errors())
    page.close()


def test_hostile_slides(browser):
    with tempfile.TemporaryDirectory(prefix="slides-") as folder:
        root = pathlib.Path(folder)
        for name in ("lecture", "live", "page", "tools"):
            shutil.copytree(ROOT / "grader" / name, root / "grader" / name)
        (root / "lab01-one").mkdir()
        (root / "grader/lecture/scripts/lab01.md").write_text(
            f"# Title {ATTACK}\n\n## One {ATTACK}\n\n```console\necho \"{ATTACK}\"\n```\n", encoding="ascii")
        done = slides(root, "01", f"{folder}/out.html")
        page = browser.open(f"file://{folder}/out.html", 1280, 720)
        check("in slides too, what a program prints stays text", done.returncode == 0 and page.run("document.body.innerText").count(ATTACK) >= 3 and
              page.run("window.attacked === undefined && document.scripts.length === 2 && !document.querySelector('img')"), done)
        done = slides(root, "01", f"{folder}/out.html/all.html")
        check("a file that cannot be written is an error", done.returncode == 1 and done.stderr.count("\n") == 1, done.stderr)


# --- Strangers --------------------------------------------------------------------------------------------

def test_strangers(live):
    home = f"/{live.token}/"
    ours = f"http://localhost:{live.port}"
    check("the page needs the token", live.ask("GET", home) == 200)
    for path in ("/", f"/{live.token[:-1]}/", f"/{'x' * 32}/", f"/{live.token}", f"/{live.token}x/", "/events", "/labs"):
        check(f"without the token there is nothing: {path.replace(live.token, 'TOKEN')}", live.ask("GET", path) == 403, path)
    for host in ("evil.example", f"evil.example:{live.port}", "localhost", f"localhost:{live.port + 1}", f"localhost.evil.example:{live.port}", "", None):
        check(f"another host is refused: {host}", live.ask("GET", home, Host=host) in (400, 421), host)
    for name in ("localhost", "127.0.0.1"):
        check(f"{name} is ours", live.ask("GET", home, Host=f"{name}:{live.port}") == 200)
    for origin in ("http://evil.example", "null", f"https://localhost:{live.port}", f"http://localhost:{live.port}.evil.example"):
        check(f"another origin is refused: {origin}", live.ask("GET", f"{home}events", Origin=origin) == 403)
    check("another site's request is refused", live.ask("GET", home, Sec_Fetch_Site="cross-site") == 403)
    order = json.dumps({"lab": "02", "step": 2, "part": 5})
    for what, headers in (("without an origin", {"Content_Type": "application/json"}), ("as a form", {"Origin": ours, "Content_Type": "text/plain"}),
                          ("of another origin", {"Origin": "http://evil.example", "Content_Type": "application/json"})):
        check(f"an order {what} is refused", live.ask("POST", f"{home}run", order, **headers) == 403)
    headers = {"Origin": ours, "Content_Type": "application/json"}
    for wrong, status in (({"lab": "02", "step": 2, "part": 0}, 409), ({"lab": "99", "step": 1, "part": 0}, 409), ({"lab": "02", "step": 0, "part": -1}, 409),
                          ({"lab": "02", "step": 2, "part": 5, "fault": "; true"}, 409), ({"lab": "02", "step": 2, "part": 6, "fault": "late"}, 409),
                          ({"lab": "02", "step": 2, "part": 5, "fault": 1}, 400), ({"lab": "02", "step": "1", "part": 0}, 400), ({"lab": "02", "step": 1}, 400), ([], 400)):
        check(f"only a command of the script can be run: {wrong}", live.ask("POST", f"{home}run", json.dumps(wrong), **headers) == status)
    check("an order that is no JSON is refused", live.ask("POST", f"{home}run", "{", **headers) == 400)
    for path, order, status in (("gate", {"mode": "open"}, 400), ("gate", {"mode": "pace", "ms": 0}, 400), ("gate", {"mode": "pace", "ms": "1"}, 400),
                                ("gate", {"mode": ["hold"]}, 400), ("pass", {"sender": "me"}, 400), ("pass", {"sender": "", "connection": "1"}, 400), ("play", {"id": 1, "fault": "late"}, 409),
                                ("play", {"id": "1", "fault": ["late"]}, 409), ("gate", {"mode": "flow"}, 200)):
        check(f"{path} takes only its own orders: {order}", live.ask("POST", f"{home}{path}", json.dumps(order), **headers) == status)
    check("a long order is refused", live.ask("POST", f"{home}run", " " * 5000, **headers) == 413)
    connection = http.client.HTTPConnection("127.0.0.1", live.port, timeout=SECONDS)
    connection.request("GET", f"{home}step/02/2?columns=60", headers={"Host": f"localhost:{live.port}"})
    lines = [line for part in json.loads(connection.getresponse().read())["parts"] for code in part.get("code", []) for line in code["lines"]]
    connection.close()
    check("code is as narrow as the page wants it", len(lines) > 5 and max(map(len, lines)) <= 60, lines)
    check("a capture needs the token too", live.ask("GET", "/capture") == 403 and live.ask("GET", f"{home}capture") == 200)
    check("there is nothing else", live.ask("GET", f"{home}step/02/../../../etc/passwd") == 404 and live.ask("GET", f"{home}live.py") == 404)
    with contextlib.suppress(OSError), socket.socket() as other:
        addresses = [line.split()[1] for line in pathlib.Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]
                     if line.split()[3] == "0A" and line.split()[1].endswith(f":{live.port:04X}")]
        check("it listens on this machine only", addresses == [f"0100007F:{live.port:04X}"], addresses)
        other.close()
    check("nobody else can reach the socket", (live.socket.parent.stat().st_mode & 0o077) == 0)


# --- Looks ------------------------------------------------------------------------------------------------

def test_looks(browser, live):
    for width, height in ((1280, 720), (390, 844), (3840, 2160)):
        for dark in (False, True):
            scheme = f"{width} x {height}, {'dark' if dark else 'light'}"
            page = browser.open(f"{live.url}#02/4", width, height, dark)
            arrived(page, "02", 4)
            page.run("document.body.classList.add('noted')")
            for view in ("lecture", "wire") if width < 800 else ("both",):
                page.run(f"live.view('{view}')")
                page.call("Emulation.setDeviceMetricsOverride", width=width, height=2 * height + 2000, deviceScaleFactor=1, mobile=False)
                page.settle()  # everything is in the window now, so that we can measure it
                measured = page.run(CONTRAST)
                check(f"{scheme}, {view}: every text has the contrast that WCAG AA requires", measured["seen"] > 20 and not measured["bad"], measured)
                check(f"{scheme}, {view}: nothing is wider than the page", page.run("document.documentElement.scrollWidth") <= width)
                wide = page.run("[...document.querySelectorAll('.pane, .scroll, .states, .code pre')].filter((each) => each.scrollWidth > each.clientWidth + 1)"
                                ".map((each) => each.className)")
                check(f"{scheme}, {view}: nothing scrolls sideways", not wide, wide)
            page.close()


def main():
    with Browser() as browser:
        test_lectures(browser)
        test_reading(browser)
        with Live("02", "06") as live:
            test_strangers(live)
            test_hold(browser, live)
            test_hold_mixed(browser, live)
            test_play(browser, live)
            test_everything(browser, live)
            test_hold_any(browser, live)
            test_handouts(browser, live)
            test_speed(browser, live)
            test_wire(browser, live)
            test_own_curl(browser, live)
        with Live("04") as live:
            test_next_in_sight(browser, live)
        test_earlier(browser)
        test_killed(browser)
        test_line_that_never_comes(browser)
        test_stand_in(browser)
        test_twice()
        test_students(browser)
        with tempfile.TemporaryDirectory() as folder:
            for path in sorted((ROOT / "grader/lecture/scripts").glob("lab*.md")):
                test_slides(browser, path.stem[3:], folder)
        test_hostile_slides(browser)
    for wrong in ([], ["--port", "99999", "02"], ["--paws", "02"]):
        done = subprocess.run([sys.executable, "grader/live/live.py", *wrong], capture_output=True, text=True, check=False)
        check(f"wrong usage: {wrong}", done.returncode == 2 and done.stderr.startswith("usage: live.py "), done.stderr)
    done = subprocess.run([sys.executable, "grader/live/live.py", "77"], capture_output=True, text=True, check=False)
    check("a lab that does not exist is an error", done.returncode == 1 and done.stderr.count("\n") == 1, done.stderr)
    return done_testing()


if __name__ == "__main__":
    if not find():
        skip_all("Chromium is not installed")
        sys.exit(0)
    sys.exit(main())
