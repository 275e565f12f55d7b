#!/usr/bin/env python3
"""run_tests: run tests, one more at once than there are processors, since they often wait, and count.

    run_tests.py [--only NAME] TEST...

A TEST that ends in .sh or .py prints TAP on its standard output; any other is a Criterion program.
One whose opening comment says "Runs alone" does so: it measures, or looks at the whole machine.
Print one line for each. If anything failed, print all its output, except the tests that passed.
The last line counts the tests: "12 passed, 0 failed". The status is 0 only if some test passed and
none failed.

These count as a failed test too: a status other than 0 though no test failed, a plan ("1..3") that
is missing or not met, no test at all, more than TIME_LIMIT.

Why not prove, which comes with Perl: it has no limit of time, ends nothing that a test leaves
behind, gives a run in which every test is skipped status 0, and does not show what a failed test
wrote to standard error without that of all others. Each test would need a wrapper for this and for
Criterion. It is no faster.
"""
import concurrent.futures
import os
import re
import signal
import subprocess
import sys
import threading
import time

TIME_LIMIT = 1200  # seconds, for each TEST
TEST_LINE = re.compile(r"(not )?ok\b")
SKIPPED = re.compile(r"#\s*skip", re.IGNORECASE)
RUNNING = set()  # processes of tests, each in a session of its own, which Ctrl-C does not reach
PLAN = re.compile(r"1\.\.(\d+)\s*(#\s*skip.*)?$", re.IGNORECASE)


class Result:
    """The result of one TEST, by its TAP and its end."""

    def __init__(self, tap, status, timed_out):
        self.passed = self.failed = self.skipped = 0
        self.problems = []
        plans = [PLAN.match(line) for line in tap]
        plans = [plan for plan in plans if plan]
        for line in tap:
            self.count(line)
        seen = self.passed + self.failed + self.skipped
        if timed_out:
            self.problems.append(f"took more than {TIME_LIMIT} seconds")
        elif status < 0:
            self.problems.append(f"was killed by {signal.Signals(-status).name}")
        elif status != 0 and self.failed == 0:
            self.problems.append(f"exited with status {status}, though no test of it failed")
        if len(plans) != 1:
            self.problems.append("printed no plan" if not plans else "printed more than one plan")
        elif seen != int(plans[0][1]):
            self.problems.append(f"planned {plans[0][1]} tests and ran {seen}")
        elif seen == 0 and plans[0][2]:
            self.skipped = 1
        elif seen == 0:
            self.problems.append("ran no test")
        self.failed += len(self.problems)

    def count(self, line):
        if line.startswith("Bail out!"):
            self.problems.append(line)
        if not TEST_LINE.match(line):
            return
        if line.startswith("not"):
            self.failed += 1
        elif SKIPPED.search(line):
            self.skipped += 1
        else:
            self.passed += 1

    def summary(self):
        parts = [f"{self.passed} passed"]
        if self.failed:
            parts.append(f"{self.failed} failed")
        if self.skipped:
            parts.append(f"{self.skipped} skipped")
        return ", ".join(parts)


def environment():
    """Our environment without what make passes on: a test may run make itself."""
    kept = {name: value for name, value in os.environ.items()
            if name not in ("MAKEFLAGS", "MFLAGS", "MAKEOVERRIDES", "MAKELEVEL", "ONLY", "V", "LAB",
                            "CHECK", "SEED", "STRICT", "SOLUTION", "PROGRAMS", "H2_TRACE",
                            "SSLKEYLOGFILE")}
    kept.setdefault("UBSAN_OPTIONS", "halt_on_error=1:print_stacktrace=1")
    return kept


def end_session(process):
    """Kill all that a TEST left running in the session that it began."""
    subprocess.run(["pkill", "-KILL", "-s", str(process.pid)], check=False)


def read_lines(stream, into, everything):
    for line in stream:
        into.append(line.rstrip("\n"))
        everything.append(line.rstrip("\n"))


def run(path):
    """Run one TEST. Return its Result, and all its output."""
    tap_file = None
    if path.endswith(".sh"):
        command = ["bash", path]
    elif path.endswith(".py"):
        command = [sys.executable, path]
    else:
        tap_file = f"{path}.tap"
        if os.path.exists(tap_file):
            os.remove(tap_file)
        command = [path, f"--tap={tap_file}"]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True, errors="replace",
                               env=environment(), start_new_session=True)
    RUNNING.add(process)
    tap, said = [], []
    readers = [threading.Thread(target=read_lines, args=arguments, daemon=True)
               for arguments in ((process.stdout, tap, said), (process.stderr, [], said))]
    for reader in readers:
        reader.start()
    timed_out = False
    try:
        process.wait(TIME_LIMIT)
    except subprocess.TimeoutExpired:
        timed_out = True
    finally:
        end_session(process)
        process.wait()
        RUNNING.discard(process)
        for reader in readers:
            reader.join(10)
    if tap_file:
        tap = []
        if os.path.exists(tap_file):
            with open(tap_file, encoding="utf-8", errors="replace") as file:
                tap = file.read().splitlines()
        said += ["", *tap]
    result = Result(tap, process.returncode, timed_out)
    if any(reader.is_alive() for reader in readers):
        result.problems.append("left a process running that escaped from its session")
        result.failed += 1
    return result, said


def name_of(path):
    return os.path.splitext(os.path.basename(path))[0]


def runs_alone(path):
    if not path.endswith((".sh", ".py")):
        return False
    with open(path, encoding="utf-8") as file:
        return any("Runs alone" in line for _, line in zip(range(12), file))


def run_timed(path):
    began = time.monotonic()
    result, said = run(path)
    return path, result, said, time.monotonic() - began


def run_all(paths):
    """Run the tests. Yield what run_timed returns of each, when it has ended."""
    for path in filter(runs_alone, paths):
        yield run_timed(path)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() + 1) as pool:
        runs = [pool.submit(run_timed, path) for path in paths if not runs_alone(path)]
        try:
            for done in concurrent.futures.as_completed(runs):
                yield done.result()
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in list(RUNNING):
                end_session(process)
            raise


def main(arguments):
    only = None
    if arguments[:1] == ["--only"]:
        only = arguments[1]
        arguments = arguments[2:]
    paths = [path for path in arguments if only in (None, name_of(path))]
    if not paths:
        names = " ".join(name_of(path) for path in arguments)
        print(f"run_tests: there is no test {only or ''}; there are: {names}", file=sys.stderr)
        return 1
    total = {"passed": 0, "failed": 0, "skipped": 0}
    for path, result, said, seconds in run_all(paths):
        verdict = "FAIL" if result.failed else "ok  "
        print(f"  {verdict}  {name_of(path):20}  {seconds:6.1f} s   {result.summary()}", flush=True)
        if result.failed:
            for line in said + [f"{path} {problem}" for problem in result.problems]:
                if not line.startswith("ok "):
                    print(f"        {line}", flush=True)
        for key in total:
            total[key] += getattr(result, key)
    skipped = f", {total['skipped']} skipped" if total["skipped"] else ""
    print(f"{total['passed']} passed, {total['failed']} failed{skipped}", flush=True)
    return 0 if total["passed"] and not total["failed"] else 1


if __name__ == "__main__":
    # A shell's command in the background ignores Ctrl-C, one of nohup a lost terminal, and so would every program that a
    # test interrupts.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
