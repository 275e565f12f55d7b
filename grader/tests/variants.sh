#!/bin/bash
# Right programs that look different from the solutions get full marks: in C on plain sockets, and in Node.js.
set -u
# shellcheck source=grader/tools/dev/tap.sh
. grader/tools/dev/tap.sh
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# grade FOLDER LAB: grade a lab of this folder, and expect all points.
grade() {
  build/grader/grade --programs "$1" --any-language --lab "$2" --strict --output "$work"
}

# grade_all FOLDER WHAT: grade every lab that has a program there.
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
  skip "Node.js" "Node.js is not installed"
fi
done_testing
