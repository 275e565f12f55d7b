#!/bin/bash
# Two changes of each solution that must not matter, always the same, get full marks. `make variations` does all, which
# takes too long for a test. Runs alone: it uses all processors.
exec make --silent --no-print-directory variations SAMPLE=2 TIMES=1 TAP=1
