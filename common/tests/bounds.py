#!/usr/bin/env python3
"""What one client can cost a server stays below the bounds of common/README.md: a quick round of `make bounds`."""
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [f'{ROOT}/grader/tools/dev', f'{ROOT}/common/bench']
import bounds  # noqa: E402  pylint: disable=wrong-import-position
from tap import check, done_testing  # noqa: E402  pylint: disable=wrong-import-position

for name, took, is_open in bounds.all_memory(5):
    check(f'{name}: at most 1 MiB for a connection', took <= bounds.MOST, f'{took:,.0f} bytes')
    check(f'{name}: the server lets it go on', is_open)
line, is_right = bounds.crowd_line(100)
check('100 hostile connections take little, and others are answered', is_right, line)
sys.exit(done_testing())
