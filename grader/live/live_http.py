"""live_http: the page, and what it may ask: only on this machine, only with the token, only from the page itself.

    GET  /TOKEN/            the page, one file
    GET  /TOKEN/labs        the lectures, as JSON: titles and steps
    GET  /TOKEN/step/02/3   one step: text, code (cut from the files now), commands; with ?columns=60&alone=90, no line of
                            code is longer beside other code, or alone, if it can be broken well
    GET  /TOKEN/events      server-sent events, from live_hub.py
    GET  /TOKEN/capture     the frames that pass now, as a capture for Wireshark (live_capture.py); capture/02/3: those
                            of the last command of this step
    POST /TOKEN/run         {"lab": "02", "step": 3, "part": 4}: run this command of the script; with "fault": "late",
                            the reference server in it does that
    POST /TOKEN/stop        end the command that runs
    POST /TOKEN/clear       empty the wire
    POST /TOKEN/gate        {"mode": "flow"}, {"mode": "hold"}, {"mode": "pace", "ms": 500}: what passes by itself
    POST /TOKEN/pass        {"sender": ""}: let one frame pass, of the client or the server or either
    POST /TOKEN/play        {"id": 7, "fault": "late"}: what this reference server, of those in the events, does from now on
"""
import base64
import hashlib
import hmac
import http.server
import json
import pathlib
import queue
import re
import secrets
import socket

from demo_script import Broken
from demo_show import reflow
from live_stage import is_reference

HERE = pathlib.Path(__file__).resolve().parent
SCRIPTS = ("../page/frame.js", "../page/lanes.js", "../page/ladder.js",
           "states.js", "gate.js", "play.js", "picture.js", "wire.js", "lecture.js", "live.js")
STYLES = ("../page/page.css", "live.css")
LARGEST_ORDER = 4096
MOST_BROWSERS = 32
HEARTBEAT = 15  # seconds


def page():
    """The page, one file without a network, and its Content-Security-Policy."""
    script = "".join((HERE / name).read_text(encoding="utf-8") for name in SCRIPTS)
    style = "".join((HERE / name).read_text(encoding="utf-8") for name in STYLES)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = (f"default-src 'none'; style-src 'unsafe-inline'; img-src data: blob:; connect-src 'self'; "
              f"script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
    text = (HERE / "live.html").read_text(encoding="utf-8")
    for mark, value in (("@css@", style), ("@script@", script)):
        text = text.replace(mark, value)
    return text.encode(), policy


def slides_page(lab):
    """The page of a lecture that was given, which has all its data."""
    shared = [name for name in SCRIPTS if "page/" in name]
    script = "".join((HERE / name).read_text(encoding="utf-8") for name in [*shared, "lecture.js", "slides.js"])
    style = "".join((HERE / name).read_text(encoding="utf-8") for name in [*STYLES, "slides.css"])
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    data = json.dumps(lab).replace("<", "\\u003c")  # nothing in it can end its element
    text = (HERE / "slides.html").read_text(encoding="utf-8")
    pieces = re.split("@(css|digest|data|script)@", text)
    values = {"css": style, "digest": f"sha256-{digest}", "data": data, "script": script}
    return "".join(values[piece] if at % 2 else piece for at, piece in enumerate(pieces))


def code_json(part, student, columns, alone):
    has_js = any(quote.language == "js" for quote in part.quotes)

    def width(quote):
        if len(part.quotes) == 1:
            return alone
        if not has_js:
            return columns * 9 // 10  # two equal columns
        return (columns * 4 - 1) // 5 if quote.language == "js" and columns < alone else columns  # the left one is narrower

    return [{"heading": quote.heading(student), "language": quote.language, "lines": reflow(quote.cut(student), width(quote))}
            for quote in part.quotes]


def step_json(stage, lab, number, columns, alone):
    step = stage.scripts[lab].steps[number - 1]
    parts = []
    for index, part in enumerate(step.parts):
        made = {"kind": part.kind, "part": index}
        if part.kind in ("text", "note"):
            made["text"] = "\n".join(part.lines)
        elif part.kind == "code":
            made["code"] = code_json(part, stage.student, columns, alone)
        else:
            programs = "build/labs" if stage.student else "build/solutions"
            made["command"] = part.command().replace("H2_TRACE=1 ", "").replace("$PROGRAMS", programs)
            if is_reference(part):
                made["fault"] = (re.search(r"--misbehave (\w+)", part.command()) or ["", ""])[1]
                made["faults"] = stage.faults
        parts.append(made)
    return {"title": step.title, "minutes": step.minutes(), "parts": parts, "servers": servers_for(stage.scripts[lab], number)}


def servers_for(script, number):
    """The servers that the commands of a step use, or that it starts: [step, part] of each."""
    started, used = {}, []
    for at, step in enumerate(script.steps[:number], 1):
        for index, part in enumerate(step.parts):
            if part.kind == "server":
                started[part.name] = [at, index]
            names = [part.name] if part.kind == "server" else re.findall(r"\$([A-Z]+)\b", part.command()) if part.kind == "console" else []
            used += [started[name] for name in names if at == number and name in started]
    return used


def is_quiet(step, servers):
    """Whether no frame can pass in a step, since no command there reaches a server: the lecture has the whole window."""
    return not any(part.kind == "server" or (part.kind == "console" and any(f"${name}" in part.command() for name in servers))
                   for part in step.parts)


def servers_of(script):
    return {part.name for step in script.steps for part in step.parts if part.kind == "server"}


def labs_json(stage):
    return {"student": stage.student,
            "labs": [{"lab": number, "title": script.title, "intro": "\n".join(script.intro),
                      "steps": [step.title for step in script.steps], "minutes": [step.minutes() for step in script.steps],
                      "quiet": [is_quiet(step, servers_of(script)) for step in script.steps]} for number, script in stage.scripts.items()]}


class Refused(Exception):
    """A request that gets no answer but its status."""

    def __init__(self, status):
        super().__init__(status)
        self.status = status


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "live"
    sys_version = ""
    timeout = 60

    def log_message(self, *_):
        """No log: it would have the token in it."""

    def handle_one_request(self):
        try:
            super().handle_one_request()
        except (ConnectionError, TimeoutError):
            self.close_connection = True

    def do_GET(self):
        self.answer({"": self.give_page, "labs": self.give_labs, "events": self.give_events,
                     "capture": self.give_capture}, {"step": self.give_step, "capture": self.give_capture})

    def do_POST(self):
        self.answer({"run": self.run, "stop": self.stop, "clear": self.clear, "gate": self.gate,
                     "pass": self.let_pass, "play": self.play}, {})

    def answer(self, answers, deeper):
        """`answers`: by path; `deeper`: by the first part of a longer path."""
        try:
            path = self.admitted()
            answer = answers.get(path) or ("/" in path and deeper.get(path.partition("/")[0]))
            if not answer:
                raise Refused(404)
            answer()
        except Refused as refused:
            self.close_connection = True
            self.give(refused.status, "text/plain", f"{refused.status}\n".encode())

    def admitted(self):
        """The path behind the token, of a request that we answer."""
        hosts = [f"{name}:{self.server.server_port}" for name in ("localhost", "127.0.0.1")]
        origin = self.headers.get("Origin")
        if self.headers.get("Host") not in hosts or len(self.headers.get_all("Host")) > 1:
            raise Refused(421)
        if origin is not None and origin not in [f"http://{host}" for host in hosts]:
            raise Refused(403)
        if self.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
            raise Refused(403)
        if self.command == "POST" and (origin is None or self.headers.get("Content-Type") != "application/json"):
            raise Refused(403)
        _, token, path = (self.path.split("/", 2) + ["", ""])[:3]
        if not hmac.compare_digest(token.encode(), self.server.token.encode()) or "/" not in self.path[1:]:
            raise Refused(403)
        return path

    # --- Answers ------------------------------------------------------------------------------------------------

    def give(self, status, kind, body, **headers):
        self.send_response(status)
        for name, value in {"Content-Type": f"{kind}; charset=utf-8", "Content-Length": str(len(body)),
                            "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
                            "Referrer-Policy": "no-referrer", "Cross-Origin-Resource-Policy": "same-origin",
                            **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def give_json(self, value):
        self.give(200, "application/json", json.dumps(value).encode())

    def give_page(self):
        body, policy = page()
        self.give(200, "text/html", body, **{"Content-Security-Policy": policy,
                                             "Cross-Origin-Opener-Policy": "same-origin"})

    def give_labs(self):
        self.give_json(labs_json(self.server.stage))

    def give_capture(self):
        found = re.fullmatch(r"capture(?:/(\d\d)/(\d{1,2}))?", self.path.split("/", 2)[2])
        if not found:
            raise Refused(404)
        of = (found[1], int(found[2])) if found[1] else ()
        self.give(200, "application/octet-stream", self.server.wire.pcapng(of))

    def give_step(self):
        found = re.fullmatch(r"step/(\d\d)/(\d{1,2})(?:\?columns=(\d{1,3})(?:&alone=(\d{1,3}))?)?", self.path.split("/", 2)[2])
        if not found or not self.server.stage.parts_of(found[1], int(found[2])):
            raise Refused(404)
        try:
            columns = max(30, int(found[3] or 100))
            alone = max(30, int(found[4] or columns))
            self.give_json(step_json(self.server.stage, found[1], int(found[2]), columns, alone))
        except (Broken, OSError) as error:
            self.give_json({"title": "", "minutes": 0, "parts": [{"kind": "broken", "part": 0, "text": str(error)}]})

    def give_events(self):
        last = self.headers.get("Last-Event-ID", "0")
        if len(self.server.hub.browsers) >= MOST_BROWSERS:
            raise Refused(503)
        browser = self.server.hub.join(int(last) if last.isdigit() else 0)
        try:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Cache-Control", "no-store")
            self.send_header("Connection", "close")
            self.end_headers()
            self.close_connection = True
            self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.send_events(browser)
        finally:
            self.server.hub.leave(browser)

    def send_events(self, browser):
        self.wfile.write(b"retry: 500\n\n")
        while not browser.behind:
            try:
                entries = [browser.get(timeout=HEARTBEAT)]
                while len(entries) < 500 and not browser.empty():
                    entries.append(browser.get_nowait())
                self.wfile.write("".join(f"id: {number}\ndata: {text}\n\n" for number, _, text in entries).encode())
            except queue.Empty:
                self.wfile.write(b":\n\n")

    # --- Orders -------------------------------------------------------------------------------------------------

    def order(self):
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > LARGEST_ORDER:
            raise Refused(413)
        try:
            order = json.loads(self.rfile.read(int(length)))
        except ValueError:
            raise Refused(400) from None
        if not isinstance(order, dict):
            raise Refused(400)
        return order

    def run(self):
        order = self.order()
        lab, step, part = (order.get(key) for key in ("lab", "step", "part"))
        if not (isinstance(lab, str) and isinstance(step, int) and isinstance(part, int)):
            raise Refused(400)
        fault = order.get("fault")
        if fault is not None and not isinstance(fault, str):
            raise Refused(400)
        if not self.server.stage.run(lab, step, part, fault):
            raise Refused(409)
        self.give_json({})

    def stop(self):
        self.order()
        self.server.stage.stop()
        self.give_json({})

    def gate(self):
        order = self.order()
        ms = order.get("ms", 0)
        if not isinstance(ms, int) or not self.server.stage.gate.set(order.get("mode"), ms):
            raise Refused(400)
        self.give_json({})

    def let_pass(self):
        order = self.order()
        if not self.server.stage.gate.let_pass(order.get("sender", ""), order.get("connection", 0), order.get("of", [])):
            raise Refused(400)
        self.give_json({})

    def play(self):
        order = self.order()
        number, fault = order.get("id"), order.get("fault")
        if not isinstance(number, int) or not isinstance(fault, str) or not self.server.wire.play(number, fault):
            raise Refused(409)
        self.give_json({})

    def clear(self):
        self.order()
        self.server.wire.clear()
        self.give_json({})


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port, hub, stage, wire):
        super().__init__(("127.0.0.1", port), Handler)
        self.hub, self.stage, self.wire = hub, stage, wire
        self.token = secrets.token_urlsafe(24)

    def address(self):
        return f"http://localhost:{self.server_port}/{self.token}/"

    def handle_error(self, *_):
        """A browser that has gone is no error."""
