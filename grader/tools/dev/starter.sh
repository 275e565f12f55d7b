#!/bin/sh
# starter: derive a starter from a reference solution. Nothing else parses the markers.
#
#   starter.sh SOLUTION.c             the file that a student gets
#   starter.sh --done N SOLUTION.c    the same with TODO 1 to N done
#   starter.sh --clean SOLUTION.c     the solution without its markers
#
# A block stands between the lines /* BEGIN SOLUTION */ and /* END SOLUTION */. In the starter, the
# lines of one comment in the block replace the block: the comment opens with a line "/* STARTER" and
# closes with a line "*/". Its lines stay as they are, except that /+ and +/ become the comment marks,
# which cannot stand inside a comment:
#
#   /* BEGIN SOLUTION */
#   /* STARTER
#   todo(2, "submit the SETTINGS frame");
#   */
#   int error = nghttp2_submit_settings(...);
#   /* END SOLUTION */
#
# The script refuses anything that looks like a marker and is not exactly one: it prints one line on
# standard error and nothing on standard output, and its status is 1.

keep=0 # the blocks up to this TODO stay
if [ "${1:-}" = --clean ]; then
  keep=all
  shift
elif [ "${1:-}" = --done ] && [ $# -eq 3 ]; then
  keep=$2
  shift 2
fi
if [ $# -ne 1 ] || { [ "$keep" != all ] && [ -n "$(echo "$keep" | tr -d 0-9)" ]; }; then
  echo "usage: starter.sh [--clean | --done N] SOLUTION.c" >&2
  exit 2
fi
if [ ! -f "$1" ] || [ ! -r "$1" ]; then
  echo "starter: $1: there is no such file" >&2
  exit 1
fi

exec awk -v keep="$keep" '
function refuse(line, why) {
  printf "%s:%d: %s\n", FILENAME, line, why | "cat >&2"
  refused = 1
  exit 1
}

# Print no two blank lines together, and none where clang-format would remove it: after an opening
# brace and before a closing one.
function print_line(line) {
  if (line ~ /^[ \t]*$/) {
    blank = 1
    return
  }
  if (blank && count > 0 && printed[count] !~ /[{]$/ && line !~ /^[ \t]*[}]/)
    printed[++count] = ""
  blank = 0
  printed[++count] = line
}

# The block of the solution, or its STARTER.
function print_block(    i) {
  if (keep != "all" && keep > 0 && !todo) refuse(block, "the STARTER of this block has no todo(N, ...)")
  if (keep == "all" || (todo && todo <= keep))
    for (i = 1; i <= solution_count; i++) print_line(solution[i])
  else
    for (i = 1; i <= starter_count; i++) print_line(starter[i])
}

/^[ \t]*\/\* BEGIN SOLUTION \*\/$/ {
  if (block) refuse(NR, "BEGIN SOLUTION inside the block of line " block)
  block = NR
  had_starter = todo = solution_count = starter_count = 0
  blocks++
  next
}

/^[ \t]*\/\* END SOLUTION \*\/$/ {
  if (in_starter) refuse(NR, "END SOLUTION inside the STARTER comment of line " in_starter)
  if (!block) refuse(NR, "END SOLUTION without BEGIN SOLUTION")
  print_block()
  block = 0
  next
}

/^[ \t]*\/\* STARTER$/ {
  if (!block) refuse(NR, "STARTER outside of BEGIN SOLUTION and END SOLUTION")
  if (had_starter) refuse(NR, "a second STARTER in the block of line " block)
  in_starter = had_starter = NR
  next
}

# A marker is a word in capitals that opens a comment, or names the solution anywhere.
/(\/\*|\/\/)[ \t]*(BEGIN|END|STARTER|SOLUTION)([^A-Za-z0-9_]|$)/ ||
tolower($0) ~ /(begin|end)[ _-]*solution/ {
  refuse(NR, "not a marker: it must be /* BEGIN SOLUTION */, /* END SOLUTION */ or /* STARTER, alone on its line")
}

in_starter && /^[ \t]*\*\/$/ {
  in_starter = 0
  next
}

in_starter {
  if (/\/\*|\*\//) refuse(NR, "a comment mark in a STARTER comment: close it with */ alone on a line, and write /+ and +/ inside")
  if (!todo && match($0, /^[ \t]*todo(_later)?\([0-9]+,/)) todo = substr($0, index($0, "(") + 1) + 0
  gsub(/\/\+/, "/*")
  gsub(/\+\//, "*/")
  starter[++starter_count] = $0
  next
}

block { solution[++solution_count] = $0 }
!block { print_line($0) }

END {
  if (refused) exit 1
  if (in_starter) refuse(in_starter, "this STARTER comment does not end")
  if (block) refuse(block, "this BEGIN SOLUTION has no END SOLUTION")
  if (!blocks && keep != "all") refuse(NR, "no part of it is marked as the solution")
  for (i = 1; i <= count; i++) print printed[i]
}' "$1"
