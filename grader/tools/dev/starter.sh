#!/bin/sh
# starter: derive the file that a student is given from the reference solution.
#
#   starter lab01-session/solution/session.c >session.c
#
# What stands between the lines /* BEGIN SOLUTION */ and /* END SOLUTION */ is left out. In its place come
# the lines of the comment in it that opens with a line "/* STARTER" and closes with a line "*/", as
# they are, but for /+ and +/ which become the comment marks that could not stand inside a comment:
#
#   /* BEGIN SOLUTION */
#   /* STARTER
#   todo(2, "submit the SETTINGS frame");
#   */
#   int error = nghttp2_submit_settings(...);
#   /* END SOLUTION */
#
# Anything that looks like a marker and is not exactly one is refused: with one line on standard error,
# status 1, and nothing on standard output.

if [ $# -ne 1 ]; then
  echo "usage: starter SOLUTION.c" >&2
  exit 2
fi
if [ ! -f "$1" ] || [ ! -r "$1" ]; then
  echo "starter: $1: there is no such file" >&2
  exit 1
fi

exec awk '
function refuse(line, why) {
  printf "%s:%d: %s\n", FILENAME, line, why | "cat >&2"
  refused = 1
  exit 1
}

# Never two blank lines together, and none where clang-format would not leave one: behind an opening
# brace and before a closing one.
function keep(line) {
  if (line ~ /^[ \t]*$/) {
    blank = 1
    return
  }
  if (blank && count > 0 && kept[count] !~ /[{]$/ && line !~ /^[ \t]*[}]/)
    kept[++count] = ""
  blank = 0
  kept[++count] = line
}

/^[ \t]*\/\* BEGIN SOLUTION \*\/$/ {
  if (block) refuse(NR, "BEGIN SOLUTION inside the block of line " block)
  block = NR
  had_starter = 0
  blocks++
  next
}

/^[ \t]*\/\* END SOLUTION \*\/$/ {
  if (starter) refuse(NR, "END SOLUTION inside the STARTER comment of line " starter)
  if (!block) refuse(NR, "END SOLUTION without BEGIN SOLUTION")
  block = 0
  next
}

/^[ \t]*\/\* STARTER$/ {
  if (!block) refuse(NR, "STARTER outside of BEGIN SOLUTION and END SOLUTION")
  if (had_starter) refuse(NR, "a second STARTER in the block of line " block)
  starter = had_starter = NR
  next
}

# A marker is a word in capitals that opens a comment, or names the solution anywhere.
/(\/\*|\/\/)[ \t]*(BEGIN|END|STARTER|SOLUTION)([^A-Za-z0-9_]|$)/ ||
tolower($0) ~ /(begin|end)[ _-]*solution/ {
  refuse(NR, "not a marker: it must be /* BEGIN SOLUTION */, /* END SOLUTION */ or /* STARTER, alone on its line")
}

starter && /^[ \t]*\*\/$/ {
  starter = 0
  next
}

starter {
  if (/\/\*|\*\//) refuse(NR, "a comment mark in a STARTER comment: close it with */ alone on a line, and write /+ and +/ inside")
  gsub(/\/\+/, "/*")
  gsub(/\+\//, "*/")
  keep($0)
  next
}

!block { keep($0) }

END {
  if (refused) exit 1
  if (starter) refuse(starter, "this STARTER comment does not end")
  if (block) refuse(block, "this BEGIN SOLUTION has no END SOLUTION")
  if (!blocks) refuse(NR, "nothing in it is marked as the solution")
  for (i = 1; i <= count; i++) print kept[i]
}' "$1"
