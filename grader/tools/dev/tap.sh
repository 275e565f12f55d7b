# shellcheck shell=sh
# tap.sh: write tests in shell. Source this file, call check any number of times, end with
# done_testing. For Python: tap.py.

tests=0

# check "what must be true" COMMAND...: one test. It passes if the command's status is 0; if not, it
# shows the command's output.
check() {
  what=$1
  shift
  tests=$((tests + 1))
  if said=$("$@" 2>&1); then
    echo "ok $tests - $what"
  else
    echo "not ok $tests - $what"
    echo "$said" | sed 's/^/# /'
  fi
}

# The same, but the test passes if the command fails.
check_not() {
  what=$1
  shift
  check "$what" not "$@"
}

not() {
  ! "$@"
}

# skip "what must be true" "why we cannot test it here"
skip() {
  tests=$((tests + 1))
  echo "ok $tests - $1 # SKIP $2"
}

done_testing() {
  echo "1..$tests"
}
