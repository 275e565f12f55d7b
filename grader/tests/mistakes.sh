#!/bin/bash
# Every known mistake is caught by the check meant for it, and nearly all are named by the grader.
exec python3 grader/mistakes/mistakes.py --tap --named 80
