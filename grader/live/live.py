#!/usr/bin/env python3
"""live: the lecture in the browser, with the wire beside it: make live.

    live.py [--student] [--port N] LAB...        LAB is 03, or lab03-server

A page shows the steps of grader/lecture/scripts on the left, and runs their commands; on the right it shows every frame
as it passes. The frames come from the programs themselves: each server of a lecture runs with H2_TRACE=live
(common/trace.h), and so does `make serve` while this runs, and so may any other program of this user, in any folder.

live_http.py answers the browser, live_stage.py runs the commands of the scripts, live_wire.py takes the frames, and
live_hub.py passes on what they have to tell. Prints the page's address. Ends with Ctrl-C, and all that it started
ends too. If another one runs, says where. Status 0; 1 if the port is taken, a script is wrong, or another one runs for
other labs; 2 for wrong usage.
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
from live_wire import Wire, running           # noqa: E402


def parse(arguments):
    parser = argparse.ArgumentParser(prog="live.py", usage="live.py [--student] [--port N] LAB...", add_help=False)
    parser.add_argument("--student", action="store_true")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("labs", nargs="+")
    options = parser.parse_args(arguments)
    if not 0 <= options.port <= 65535:
        parser.error(f"{options.port} is not a port")
    return options


def share(other, labs):
    """Only one `make live` gets the frames of a user's programs. Say where it is. Return the status: 0 if it shows these labs."""
    has_all = set(labs) <= set(other["labs"])
    of = f"lab{'' if len(other['labs']) == 1 else 's'} {', '.join(str(int(lab)) for lab in other['labs'])}" if other["labs"] else "only the wire"
    print(f"make live runs already ({of}), at {other['address']}{f'#{labs[0]}' if has_all and labs else ''}", flush=True)
    if not has_all:
        print("End it first, with Ctrl-C where it runs. Without LAB=, its menu has all labs.", file=sys.stderr)
    return 0 if has_all else 1


def main(arguments):
    options = parse(arguments)
    scripts = {}
    for lab in options.labs if (ROOT / "grader/lecture/scripts").is_dir() else ():  # a student's copy has no lectures
        number = (re.search(r"\d\d", lab) or [lab])[0]
        scripts[number] = Script(number)
        scripts[number].check(options.student)
    os.chdir(ROOT)
    folder = pathlib.Path(os.environ.get("BUILD") or "build") / "live"
    if other := running(folder):
        return share(other, list(scripts))
    hub = Hub()
    gate = Gate(hub)
    wire = Wire(hub, folder, gate)
    stage = Stage(hub, wire, scripts, options.student, gate)
    try:
        server = Server(options.port, hub, stage, wire)
        wire.say_where(server.address(), list(scripts))
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
