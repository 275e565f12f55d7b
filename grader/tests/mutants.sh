#!/bin/bash
# Of sixty small changes of the solutions, always the same, the checks catch nearly all, and the grader names the right
# TODO for nearly all. `make mutants` does all of them, which takes too long for a test. Runs alone: it uses all processors.
exec make --silent --no-print-directory mutants SAMPLE=60 TAP=1
