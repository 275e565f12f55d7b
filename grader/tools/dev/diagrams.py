#!/usr/bin/env python3
"""diagrams: draw the handouts' diagrams.

    diagrams.py            write them to grader/tools/dev/pictures/*.svg
    diagrams.py --check    check that the files there are up to date

Each has a background of its own and both sets of colours, dark and light, so that it is readable on any page.
"""
import pathlib
import sys
from xml.sax.saxutils import escape

PICTURES = pathlib.Path(__file__).resolve().parent / "pictures"

STYLE = """
  .page { fill: #ffffff; stroke: #d0d7de; } text { fill: #1f2328; font: 14px system-ui, sans-serif; }
  .box { fill: #ddf4ff; stroke: #0969da; } .end { fill: #ffebe9; stroke: #cf222e; }
  .good { fill: #dafbe1; stroke: #1a7f37; } .line { stroke: #57606a; fill: none; } .head { fill: #57606a; }
  .small { font-size: 12px; fill: #57606a; } .mono { font-family: ui-monospace, monospace; font-size: 13px; }
  .dashed { stroke-dasharray: 5 4; }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117; stroke: #30363d; } text { fill: #e6edf3; }
    .box { fill: #121d2f; stroke: #58a6ff; } .end { fill: #25171c; stroke: #ff7b72; }
    .good { fill: #12261e; stroke: #3fb950; } .line { stroke: #9198a1; } .head { fill: #9198a1; }
    .small { fill: #9198a1; }
  }
"""


class Drawing:
    """One picture of boxes, arrows and words."""

    def __init__(self, name, width, height, title):
        self.name, self.size, self.title = name, (width, height), title
        self.parts = []

    def word(self, x, y, text, kind="", anchor="middle"):
        self.parts.append(f'<text x="{x}" y="{y}" text-anchor="{anchor}" class="{kind}">{escape(text)}</text>')

    def box(self, x, y, width, height, lines, kind="box"):
        """A box with its lines of text in the middle; the first one in full size."""
        self.parts.append(f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="8" class="{kind}"/>')
        top = y + height / 2 + 5 - 9 * (len(lines) - 1)
        for i, line in enumerate(lines):
            self.word(x + width / 2, top + 18 * i, line, "small" if i else "")

    def arrow(self, *points, text="", at=None, anchor="middle", dashed=False):
        """A line through the points with an arrowhead at its end, and a text at `at`."""
        path = " L".join(f"{x} {y}" for x, y in points)
        self.parts.append(f'<path d="M{path}" class="line{" dashed" if dashed else ""}" marker-end="url(#head)"/>')
        if text:
            (x1, y1), (x2, y2) = points[0], points[-1]
            x, y = at or ((x1 + x2) / 2, (y1 + y2) / 2 - 6)
            self.word(x, y, text, "small", anchor)

    def svg(self):
        width, height = self.size
        return "\n".join([
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
            f'role="img">', f"<title>{escape(self.title)}</title>", f"<style>{STYLE}</style>",
            '<defs><marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" '
            'orient="auto-start-reverse"><path d="M0 0L10 5L0 10z" class="head"/></marker></defs>',
            f'<rect x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="6" class="page"/>',
            *self.parts, "</svg>", ""])


def stream():
    """RFC 9113, figure 2, without push, as a server sees it."""
    drawing = Drawing("stream", 720, 400, "The life of a stream, as a server sees it (RFC 9113, section 5.1)")
    drawing.box(290, 20, 140, 44, ["idle"])
    drawing.box(290, 120, 140, 54, ["open", "both may send"])
    drawing.box(60, 225, 220, 54, ["half-closed (remote)", "the client is done, you may send"], "good")
    drawing.box(470, 225, 220, 54, ["half-closed (local)", "you are done, the client may send"])
    drawing.box(290, 330, 140, 48, ["closed", "free your memory"], "end")
    drawing.arrow((360, 64), (360, 118), text="HEADERS of the client", at=(368, 96), anchor="start")
    drawing.arrow((290, 42), (84, 42), (84, 223), text="HEADERS, END_STREAM (GET)", at=(96, 36),
                  anchor="start")
    drawing.arrow((290, 160), (220, 223), text="END_STREAM of the client", at=(246, 190), anchor="end")
    drawing.arrow((430, 160), (520, 223), text="END_STREAM of yours", at=(490, 190), anchor="start")
    drawing.arrow((170, 279), (170, 354), (288, 354), text="END_STREAM of yours", at=(178, 322), anchor="start")
    drawing.arrow((580, 279), (580, 354), (432, 354), text="END_STREAM of the client", at=(572, 322), anchor="end")
    drawing.arrow((360, 174), (360, 328), dashed=True)
    for y, text in ((216, "RST_STREAM"), (234, "of either side,"), (252, "in any state")):
        drawing.word(368, y, text, "small", "start")
    return drawing


def windows():
    drawing = Drawing("windows", 720, 300, "The two windows of flow control (RFC 9113, section 5.2)")
    drawing.word(20, 34, "A sender, after 40,000 bytes of DATA on stream 1 and 20,000 on stream 3:", "", "start")
    rows = [("stream 1", 40000, 65535, 62, "25,535 left"), ("stream 3", 20000, 65535, 112, "45,535 left"),
            ("connection", 60000, 65535, 172, "5,535 left")]
    for name, used, whole, y, left in rows:
        drawing.word(110, y + 22, name, "", "end")
        width = 440
        part = width * used / whole
        drawing.parts.append(f'<rect x="125" y="{y}" width="{width}" height="32" rx="4" class="good"/>')
        drawing.parts.append(f'<rect x="125" y="{y}" width="{part:.0f}" height="32" rx="4" class="end"/>')
        drawing.word(125 + part / 2, y + 21, f"{used:,} sent", "small")
        drawing.word(575, y + 22, left, "", "start")
    drawing.word(20, 242, "It may send 5,535 bytes more, on whichever stream: the smaller of the two windows counts.", "",
                 "start")
    drawing.word(20, 270, "WINDOW_UPDATE on stream 1 opens the first bar only, on stream 0 the last one only: "
                 "a receiver sends both.", "small", "start")
    return drawing


def timer():
    drawing = Drawing("timer", 720, 270, "The life of a uv_timer_t")
    drawing.box(14, 90, 110, 50, ["yours", "only memory"])
    drawing.box(220, 90, 130, 50, ["known to libuv", "not running"], "good")
    drawing.box(460, 90, 120, 50, ["running", "the loop waits"], "good")
    drawing.box(220, 200, 130, 50, ["closing", "still libuv's"], "end")
    drawing.box(460, 200, 120, 50, ["closed", "yours: free it"])
    drawing.arrow((124, 115), (218, 115), text="uv_timer_init", at=(171, 106))
    drawing.arrow((350, 105), (458, 105), text="uv_timer_start", at=(404, 96))
    drawing.arrow((460, 126), (352, 126), text="it fires: callback", at=(406, 144))
    drawing.arrow((540, 88), (540, 56), (500, 56), (500, 88), text="uv_timer_start: from zero", at=(520, 46))
    drawing.arrow((285, 140), (285, 198), text="uv_close, once", at=(277, 174), anchor="end")
    drawing.arrow((500, 140), (352, 205), text="uv_close, while it runs", at=(452, 174), anchor="start")
    drawing.arrow((350, 228), (458, 228), text="in a later turn:", at=(404, 220))
    drawing.word(404, 246, "close callback", "small")
    drawing.word(20, 34, "From uv_timer_init to the close callback the memory is libuv's.", "", "start")
    return drawing


def alpn():
    drawing = Drawing("alpn", 720, 260, "ALPN's three cases (RFC 7301; RFC 9113, section 3.2)")
    for x, head in ((20, "The client offers"), (250, "Your server"), (480, "What follows")):
        drawing.word(x, 30, head, "", "start")
    cases = [(["h2, http/1.1"], ["choose_protocol", "chooses h2"], ["HTTP/2", "the preface comes"], "good"),
             (["http/1.1"], ["choose_protocol", "finds nothing"], ["alert", "no_application_protocol"], "end"),
             (["no ALPN at all"], ["choose_protocol", "is never called"], ["closed, without a frame",
                                                                         "if handshake looks"], "end")]
    for i, (offer, server, then, kind) in enumerate(cases):
        y = 48 + 68 * i
        drawing.box(20, y, 160, 52, offer)
        drawing.box(250, y, 160, 52, server)
        drawing.box(480, y, 220, 52, then, kind)
        drawing.arrow((180, y + 26), (248, y + 26), dashed=i == 2)
        drawing.arrow((410, y + 26), (478, y + 26))
    return drawing


def router():
    drawing = Drawing("router", 720, 240, "The router: one handler that hands on to three others")
    drawing.box(20, 94, 130, 52, ["a stream", "method and path"])
    drawing.box(230, 94, 120, 52, ["route", "chooses"])
    drawing.box(450, 20, 250, 52, ["hello_world", "200, Hello World"], "good")
    drawing.box(450, 94, 250, 52, ["ping", "200, pong"], "good")
    drawing.box(450, 168, 250, 52, ["not_found", "404, path not found"], "end")
    drawing.arrow((150, 120), (228, 120), text="on_stream", at=(189, 112))
    drawing.arrow((350, 110), (448, 46), text="GET /hello-world", at=(388, 66), anchor="end")
    drawing.arrow((350, 120), (448, 120), text="GET /ping", at=(400, 114))
    drawing.arrow((350, 130), (448, 194), text="anything else", at=(388, 178), anchor="end")
    return drawing


def floors():
    drawing = Drawing("floors", 720, 330, "The floors of common/, and the lab that builds each by hand")
    rows = [("server.h, client.h", "listen and get streams; connect and make requests", "labs 2, 3", "labs 4, 5, 6"),
            ("stream.h", "one request and its response, duplex", "labs 2, 3", "labs 4, 5, 6"),
            ("connection.h", "a transport that carries a session of nghttp2", "lab 1", "labs 2, 3"),
            ("transport.h, tls.h, listener.h", "bytes on a socket, plain or through TLS", "lab 6 (TLS)", "lab 1"),
            ("frame.h, trace.h", "frames from bytes; the ladder", "given", "all")]
    for x, head in ((20, "Each stands on those below"), (500, "You build it in"), (620, "You use it in")):
        drawing.word(x, 30, head, "", "start")
    for i, (name, what, built, used) in enumerate(rows):
        y = 46 + 54 * i
        drawing.box(20, y, 460, 48, [name, what])
        drawing.word(500, y + 29, built, "", "start")
        drawing.word(620, y + 29, used, "", "start")
    return drawing


def main(arguments):
    if arguments not in ([], ["--check"]):
        print("usage: diagrams.py [--check]", file=sys.stderr)
        return 2
    stale = 0
    for draw in (stream, windows, timer, alpn, router, floors):
        drawing = draw()
        path = PICTURES / f"{drawing.name}.svg"
        if not arguments:
            path.write_text(drawing.svg(), encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != drawing.svg():
            print(f"{path.name} is not what diagrams.py draws: run it", file=sys.stderr)
            stale += 1
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
