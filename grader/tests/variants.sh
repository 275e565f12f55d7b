#!/bin/bash
# Right programs that look different from the solutions have full marks: in C on plain sockets, and in Node.js.
set -u
# shellcheck source=grader/tools/dev/tap.sh
. grader/tools/dev/tap.sh
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# grade FOLDER LAB: all of its points.
grade() {
  build/grader/grade --programs "$1" --any-language --lab "$2" --strict --output "$work"
}

# grade_all FOLDER WHAT: every lab for which there is a program.
grade_all() {
  for lab in "$1"/lab*; do
    number=$(basename "$lab")
    number=${number%%-*}
    check "$2: $number" grade "$1" "$number"
  done
}

grade_all build/tests/variants/c "C on plain sockets"
if command -v node >/dev/null; then
  grade_all grader/tests/variants/node "Node.js"
else
  skip "Node.js" "it is not installed"
fi
done_testing
