#!/bin/bash
# Every eighth known mistake is caught by the check meant for it, and nearly all are named by the grader. All of them
# take longer than a test may: `make mistakes`. Runs alone: on all processors, and in build/mistakes, as places does.
exec python3 grader/mistakes/mistakes.py --tap --named 80 --every 8
