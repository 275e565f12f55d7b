#!/bin/sh
# `make bench` measures every server that is installed, and writes figures and charts.
# The test asserts no figure: figures depend on the machine. Runs alone: it measures.
set -u
# shellcheck source=grader/tools/dev/tap.sh
. grader/tools/dev/tap.sh
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# bench ARGUMENT...: a run of a few seconds; the messages go to standard output for check.
bench() { { python3 common/bench/bench.py --tiny --out "$work" "$@" >"$work/table"; } 2>&1; }

# holds PROGRAM: run this Python code on the measurements; its assertions must hold.
holds() {
  python3 -c "
import json, sys
results = json.load(open(sys.argv[1] + '/results.json'))
rows = results['rows']
def measured(part): return {(row['what'], row['tls'], row['server']) for row in rows if row['part'] == part}
try:
$(echo "$1" | sed 's/^/  /')
except AssertionError:
  print(results['problems'], *rows, sep='\n')
  raise" "$work"
}

is_chart() {
  python3 -c "
import sys, xml.etree.ElementTree as tree
root = tree.parse(sys.argv[1]).getroot()
assert root.tag.endswith('svg') and len(root) > 10" "$1"
}

status_is() {
  wanted=$1
  shift
  "$@"
  [ $? -eq "$wanted" ]
}

check 'it runs' bench --only speed,idle,tutorial,client,labs,profile
check 'it measures every server, plain and over TLS, and the limit' holds '
names = set(results["configurations"])
assert "common" in names
for what in "1x1", "10x100":
  for tls in False, True:
    assert {server for found, is_tls, server in measured("speed") if (found, is_tls) == (what, tls)} == names, what
for row in rows:
  if row["part"] == "speed":
    assert row["cpu_us"] > 0 and row["per_second"] > 0 and row["limit_us"] > 0, row'
check 'it reports memory, the client, the tutorial, the labs and the machine' holds '
for tls in False, True:
  assert ("connection", tls, "common") in measured("idle") and ("stream", tls, "common") in measured("idle")
  assert ("10x100", tls, "common") in measured("client") and ("10x100", tls, "h2load") in measured("client")
  assert {"20 on 1", "20 on 20"} <= {what for what, is_tls, _ in measured("tutorial") if is_tls == tls}
assert {("nghttp2", False, "common"), ("OpenSSL", True, "common")} == measured("alone")
assert ("10x100", False, "lab03-server/server") in measured("labs")
assert ("10x100", False, "reference") in measured("labs")
assert results["machine"]["cores"] and results["versions"]["nghttp2"]'
check 'it says where the instructions and the time of a request go' holds '
profile = {row["what"]: row for row in rows if row["part"] == "profile"}
assert profile["instructions common"]["instructions"] > 0 and profile["instructions libnghttp2"]["misses"] > 0
assert sum(row.get("us", 0) for row in profile.values()) > 0 and profile["time libnghttp2"]["us"] > 0
assert any(what.startswith("time kernel") for what in profile)'
check 'it draws the chart' is_chart "$work/results.svg"
check 'it prints the table' grep '^10x100 TLS ' "$work/table"

check 'it measures growth and bodies of one server' bench --only growth,bodies --servers common
check 'there is a curve for each kind' holds '
assert {"connections", "streams", "body", "fields"} == {what.split()[0] for what, _, _ in measured("growth")}
assert ("GET 1 MiB", False, "common") in measured("bodies") and ("POST 1 MiB", True, "common") in measured("bodies")'
check 'it draws the curves' is_chart "$work/growth.svg"
check 'a part that does not exist is wrong usage' status_is 2 bench --only nonsense
done_testing
