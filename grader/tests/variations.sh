#!/bin/bash
# What must not matter does not: three variations of each solution have full marks. `make variations` makes all.
exec env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make --no-print-directory variations SAMPLE=3 TIMES=1 TAP=1
