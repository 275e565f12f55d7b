"""tap: write tests in Python. They print TAP, which run_tests.py reads. For shell: tap.sh.

    tap.check('what must be true', condition, 'what to show if it is not')
    tap.skip('what must be true', 'why we cannot test it here')
    sys.exit(tap.done_testing())          print the plan; the status is 0 only if every check passed

Several threads may call check at once.
"""
import threading

LONGEST = 30  # lines of a detail, from its beginning and from its end

results = []
lock = threading.Lock()


def _print(good, what, lines=()):
    with lock:
        results.append(bool(good))
        print(f'{"ok" if good else "not ok"} {len(results)} - {what}', flush=True)
        for line in lines:
            print(f'# {line}', flush=True)


def check(what, good, detail=''):
    """One test. Returns whether it passed."""
    lines = [] if good else str(detail).splitlines()
    if len(lines) > 2 * LONGEST:
        lines[LONGEST:-LONGEST] = ['...']
    _print(good, what, lines)
    return bool(good)


def skip(what, why):
    _print(True, f'{what} # SKIP {why}')


def skip_all(why):
    """Call this in place of all tests and of done_testing."""
    print(f'1..0 # SKIP {why}')


def done_testing():
    """Print the plan. Returns the exit status."""
    print(f'1..{len(results)}', flush=True)
    return 0 if all(results) else 1
