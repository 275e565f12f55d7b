# shellcheck shell=bash
# tap_later.sh: tests that run at the same time. Source this file after tap.sh, in bash. The caller's `work` is a folder
# for what they print, and AT_ONCE says how many run at once.
# shellcheck disable=SC2154  # work

later_titles=()

# later "what must be true" COMMAND...: begin one test, in a process of its own; it passes like one of check.
later() {
  later_titles+=("$1")
  shift
  while [ "$(jobs -rp | wc -l)" -ge "$AT_ONCE" ]; do wait -n; done
  ("$@" >"$work/later.${#later_titles[@]}" 2>&1; echo $? >"$work/later.${#later_titles[@]}.status") &
}

# Wait for all that have begun, and check them, in their order.
results() {
  wait
  for number in "${!later_titles[@]}"; do
    check "${later_titles[number]}" later_ended_well $((number + 1))
  done
  later_titles=()
}

later_ended_well() {
  cat "$work/later.$1"
  [ "$(cat "$work/later.$1.status")" -eq 0 ]
}
