#!/bin/bash
# `make hint` tells more with every call; `make solution` shows no solution too early.
set -u
root=$PWD
# shellcheck source=grader/tools/dev/tap.sh
. grader/tools/dev/tap.sh
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# Whether the hints of a lab have three hints for each TODO of its starter.
complete() {
  for source in "$1"/*.c; do
    program=$(basename "$source")
    for todo in $(build/grader/todos "$source" | cut -d' ' -f1); do
      awk -v one="## TODO $todo" -v several="## $program, TODO $todo" '
        /^## / { inside = $0 == one || $0 == several }
        inside && /^[0-9]+\. / { count++ }
        END { exit count != 3 }' "$1/hints.md" || { echo "$source: TODO $todo"; return 1; }
    done
  done
}
for file in lab*/hints.md; do
  check "${file%/*} has three hints for each TODO" complete "${file%/*}"
done

printf '%s\n' '/* --- TODO 2: a --- */' '  todo(12, "b");' '/* todo(1, "c");' 'todo(2, "c"); */' '  todo_later(3, "d");' >"$work/some.c"
todos() {
  diff -u <(printf '%s\n' "$1") <(cd "$work" && "$root/build/grader/todos" "${@:2}" 2>&1)
}
check "todos prints the open TODOs of a file, the lowest first" todos '3 5
12 2' some.c
check "todos prints the TODO of a line" todos '2
0' some.c 4 77
check_not "todos fails for a missing file" build/grader/todos "$work/none.c"

cd "$work" || exit 1
mkdir -p lab01-one lab02-two/solution build/grade/next build/grader
ln -s "$root/build/grader/todos" build/grader/
cat >lab01-one/hints.md <<'END'
# Hints

## TODO 1

1. First
   of one.
2. Second of one.

## TODO 2

1. First of two.
END
cat >lab01-one/session.c <<'END'
int a(void) { return 1; }
  todo(2, "do that");
  todo(12, "do that, too");
END
cat >lab02-two/hints.md <<'END'
## client.c, TODO 1

1. For the client.

## server.c, TODO 1

1. For the server.
END
echo '  todo(1, "do it");' >lab02-two/server.c
echo '/* all done */' >lab02-two/client.c

hint() {
  sh "$root/grader/tools/hint.sh" "$@" 2>&1
}
# gives TEXT ARGUMENT...: the hint contains this text.
gives() {
  text=$1
  shift
  said=$(hint "$@")
  echo "$said"
  echo "$said" | grep -qF "$text"
}
check "the first call gives the first hint, on one line" gives "First of one." lab01-one "" 1
check "the second call gives the second hint" gives "Second of one." lab01-one "" 1
check "a third call repeats the last hint" gives "hint 2 of 2" lab01-one "" 1
check "without a number, the hint is for the lowest open TODO" gives "First of two." lab01-one
sed -i '/todo/d' lab01-one/session.c
check "if all TODOs are done, it says that nothing is left" gives "Lab 01: every TODO is done" lab01-one
check "that is no failure" hint lab01-one
echo 'session 1' >build/grade/next/lab01
check "if all TODOs are done, the grader may have named one" gives "TODO 1: hint 2 of 2" lab01-one
check_not "a file that is missing is an error" hint lab01-one none
check_not "a TODO that does not exist is an error" hint lab01-one "" 3
check_not "a lab without hints is an error" hint lab03-none
check "in a lab with two programs, the hint is for the unfinished one" gives "For the server." lab02-two
check "in a lab with two programs, the student may name one" gives "For the client." lab02-two client 1

# --- solution ---
printf '#!/bin/sh\necho "Total: 3 of 5 points"\nexit "$(cat verdict)"\n' >build/grader/grade
chmod +x build/grader/grade
cat >lab02-two/solution/server.c <<'END'
  /* BEGIN SOLUTION */
  /* STARTER
  todo(1, "do it");
  */
  done();
  /* END SOLUTION */
END
printf '%s\n' '/* BEGIN SOLUTION */' 'int other;' '/* END SOLUTION */' >lab02-two/solution/client.c
solution() {
  sh "$root/grader/tools/solution.sh" "$@" 2>&1
}
shows() {
  said=$(solution "$@")
  echo "$said"
  echo "$said" | grep -q '^+  done();$' && echo "$said" | grep -q '^-  todo(1' &&
    ! echo "$said" | grep -Eq 'STARTER|BEGIN|END'
}
echo 1 >verdict
check_not "solution shows nothing without full marks" solution lab02-two
check "it gives the reason" bash -c 'sh "$1/grader/tools/solution.sh" lab02-two 2>&1 | grep -q "3 of 5"' - "$root"
check "--force shows the solution" shows --force lab02-two
echo 0 >verdict
check "full marks show the solution" shows lab02-two
rm -r lab02-two/solution
check_not "a missing solution is an error" solution lab02-two
done_testing
