#!/usr/bin/env python3
"""live: the lecture in the browser, with the wire beside it: make live.

    live.py [--student] [--port N] LAB...        LAB is 03, or lab03-server

A page shows the steps of grader/lecture/scripts on the left, and runs their commands; on the right it shows every frame
as it passes. The frames come from the programs themselves: each server of a lecture runs with H2_TRACE=live
(common/trace.h), and so does `make serve` while this runs, and so may any other program of this user, in any folder.

live_http.py answers the browser, live_stage.py runs the commands of the scripts, live_wire.py takes the frames, and
live_hub.py passes on what they have to tell. Prints the page's address. Ends with Ctrl-C, and all that it started
ends too. Status 0; 1 if the port is taken or a script is wrong; 2 for wrong usage.
"""
import argparse
import os
import pathlib
import re
import signal
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lecture"))
# pylint: disable=wrong-import-position
from demo_script import ROOT, Broken, Script  # noqa: E402
from live_gate import Gate                    # noqa: E402
from live_http import Server                  # noqa: E402
from live_hub import Hub                      # noqa: E402
from live_stage import Stage                  # noqa: E402
from live_wire import Wire                    # noqa: E402


def parse(arguments):
    parser = argparse.ArgumentParser(prog="live.py", usage="live.py [--student] [--port N] LAB...", add_help=False)
    parser.add_argument("--student", action="store_true")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("labs", nargs="+")
    options = parser.parse_args(arguments)
    if not 0 <= options.port <= 65535:
        parser.error(f"{options.port} is not a port")
    return options


def main(arguments):
    options = parse(arguments)
    scripts = {}
    for lab in options.labs if (ROOT / "grader/lecture/scripts").is_dir() else ():  # a student's copy has no lectures
        number = (re.search(r"\d\d", lab) or [lab])[0]
        scripts[number] = Script(number)
        scripts[number].check(options.student)
    os.chdir(ROOT)
    hub = Hub()
    gate = Gate(hub)
    wire = Wire(hub, pathlib.Path(os.environ.get("BUILD") or "build") / "live", gate)
    stage = Stage(hub, wire, scripts, options.student, gate)
    try:
        server = Server(options.port, hub, stage, wire)
        print(f"the {'lecture' if scripts else 'wire'} is at {server.address()}", flush=True)
        if scripts:
            print(f"the wire alone, of every program: {server.address()}#wire", flush=True)
        print("Ctrl-C ends it.", flush=True)
        server.serve_forever(poll_interval=0.2)
    finally:
        stage.end()
        wire.end()
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background command ignores it
    for name in ("SIGTERM", "SIGHUP"):
        signal.signal(getattr(signal, name), lambda number, _: sys.exit(128 + number))
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        print()
        sys.exit(0)
    except (Broken, OSError) as error:
        print(f"live: {str(error).replace(f'{ROOT}/', '')}", file=sys.stderr)
        sys.exit(1)
