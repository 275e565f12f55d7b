#!/bin/bash
# grader/tools/dev/run_tests.py adds up the results of tests, and never takes a failure for a success.
set -u
root=$PWD
# shellcheck source=grader/tools/dev/tap.sh
. grader/tools/dev/tap.sh
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

# says NAME LAST_LINE STATUS: run the test NAME.sh, whose text is on standard input; expect this end.
says() {
  cat >"$1.sh"
  check "$1: $2" run "$2" "$3" "$1.sh"
}
run() {
  expected=$1
  expected_status=$2
  shift 2
  MAKEFLAGS=-j2 MAKELEVEL=1 ONLY=x python3 "$root/grader/tools/dev/run_tests.py" "$@" >out 2>&1 <<<"not ok"
  status=$?
  cat out
  [ "$(tail -n 1 out)" = "$expected" ] && [ $status -eq "$expected_status" ]
}
# A zombie also counts as ended.
ended() {
  [ ! -e "/proc/$1" ] || grep -q '^State:.*zombie' "/proc/$1/status"
}
has() {
  grep -q -- "$1" out || { cat out; return 1; }
}

says passes '2 passed, 0 failed' 0 <<<'echo 1..2; echo ok 1; echo ok 2 - not bad'
check "one line for each test file" [ "$(wc -l <out)" -eq 2 ]
says fails '1 passed, 1 failed' 1 <<<'echo 1..2; echo ok 1; echo "not ok 2 - a"; echo why it did >&2; echo "# x"'
check "it shows a failure in full" has 'not ok 2 - a'
check "it shows the standard error of a failed test" has 'why it did'
check "it does not show checks that passed" not has '^ *ok 1$'
says skips '1 passed, 0 failed, 2 skipped' 0 <<<'echo 1..3; echo ok 1; echo "ok 2 # SKIP x"; echo "ok 3 # skip"'
says skips_all '0 passed, 0 failed, 1 skipped' 1 <<<'echo "1..0 # SKIP there is no node here"'
says exits_3 '1 passed, 1 failed' 1 <<<'echo 1..1; echo ok 1; exit 3'
check "it names the status" has 'exited with status 3'
says is_killed '1 passed, 1 failed' 1 <<<'echo 1..1; echo ok 1; kill -SEGV $$'
check "it names the signal" has 'killed by SIGSEGV'
says ran_less '1 passed, 1 failed' 1 <<<'echo 1..2; echo ok 1'
says ran_more '2 passed, 1 failed' 1 <<<'echo 1..1; echo ok 1; echo ok 2'
says no_plan '1 passed, 1 failed' 1 <<<'echo ok 1'
says two_plans '1 passed, 1 failed' 1 <<<'echo 1..1; echo ok 1; echo 1..1'
says nothing '0 passed, 1 failed' 1 <<<':'
says no_test '0 passed, 1 failed' 1 <<<'echo 1..0'
says bails_out '1 passed, 1 failed' 1 <<<'echo 1..1; echo ok 1; echo "Bail out! no disk"'
says on_stderr '1 passed, 0 failed' 0 <<<'echo 1..1; echo ok 1; echo not ok 2 >&2'
says make_free '1 passed, 0 failed' 0 \
  <<<'echo 1..1; [ -z "${MAKEFLAGS+x}${MAKELEVEL+x}${ONLY+x}" ] && echo ok 1'
says leaves_a_process '1 passed, 0 failed' 0 <<<'sleep 100 & echo $! >pid; echo 1..1; echo ok 1'
check "it ends a process that the test left" ended "$(cat pid)"
says reads_nothing '1 passed, 0 failed' 0 <<<'cat; echo 1..1; echo ok 1'

printf 'print("1..1")\nprint("ok 1")\n' >python.py
check "it runs tests in Python" run '1 passed, 0 failed' 0 python.py
printf '#!/bin/sh\necho not ok\nprintf "1..2\\nok - a\\n\\nnot ok - b\\n  ---\\n  why it did\\n" >${1#--tap=}\nexit 1\n' >criterion
chmod +x criterion
check "Criterion's programs write TAP to a file" run '1 passed, 1 failed' 1 ./criterion
check "it shows this output" has 'why it did'
printf '#!/bin/sh\nexit 0\n' >criterion
check "it does not read an old file" run '0 passed, 1 failed' 1 ./criterion
check "it adds up several tests" run '4 passed, 1 failed, 2 skipped' 1 skips.sh ran_less.sh passes.sh

# Each of the two tests waits until the other has started.
meets() {
  printf '#!/bin/sh\n%s\necho 1..1\n: >%s\nfor try in $(seq 200); do [ -e %s ] && echo ok 1 && exit; sleep 0.05; done\n' \
    "$3" "$1" "$2" >"meets_$1.sh"
}
meets one two ''
meets two one ''
if [ "$(nproc)" -gt 1 ]; then
  check "tests run at the same time" run '2 passed, 0 failed' 0 meets_one.sh meets_two.sh
else
  skip "tests run at the same time" "this machine has one processor"
fi
rm one two
meets two one '# Runs alone: to see whether this works.'
sed -i 's/seq 200/seq 20/' meets_two.sh
check "a test that says so runs alone" run '1 passed, 1 failed' 1 meets_one.sh meets_two.sh
sed 's/^TIME_LIMIT = .*/TIME_LIMIT = 0.5/' "$root/grader/tools/dev/run_tests.py" >impatient
echo 'echo 1..1; echo ok 1; sleep 100' >hangs.sh
python3 impatient hangs.sh >out
check "a test that hangs fails" [ "$(tail -n 1 out)" = '1 passed, 1 failed' ]
check "it says why" has 'took more than 0.5 seconds'
done_testing
