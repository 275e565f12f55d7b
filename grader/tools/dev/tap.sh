# shellcheck shell=sh
# tap.sh: for tests in shell. Source it, call check any number of times, end with done_testing. For
# Python: tap.py.

tests=0

# check "what should be so" COMMAND...: one test. It passes if the command's status is 0; if not, it
# shows what the command printed.
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

# The same, but it passes if the command fails.
check_not() {
  what=$1
  shift
  check "$what" not "$@"
}

not() {
  ! "$@"
}

# skip "what should be so" "why it is not tested here"
skip() {
  tests=$((tests + 1))
  echo "ok $tests - $1 # SKIP $2"
}

done_testing() {
  echo "1..$tests"
}
