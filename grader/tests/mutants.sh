#!/bin/bash
# Of 100 mistakes made by machine, always the same, nearly all are caught, and given the right TODO.
exec env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make --no-print-directory mutants SAMPLE=100 TAP=1
