#!/bin/sh
# 10,000 connections open at once on the reference server, a request on each, none lost.
exec python3 grader/tools/dev/connections.py --tap serve
