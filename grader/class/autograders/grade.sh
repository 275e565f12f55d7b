#!/bin/bash
# grade: grade one submission in the labs beside this file. Whatever happens, it writes results for Gradescope, from
# which the other systems' results come.
#
#   [LAB=02] grade.sh SUBMISSION SECONDS RESULTS.json
#
# Only the layers of the sandbox that work in a container apply.
here=$(dirname "$(realpath "$0")")
# shellcheck source=/dev/null
. "$here/labs.conf" # LAB=..., unless it is set
export LC_ALL=C.UTF-8
cd "$here/labs" || exit 1
rm -rf build/grade
UNPROTECTED=1 timeout --kill-after=2 "$2" make -s grade SUBMISSION="$1" ${LAB:+LAB="$LAB"} >../board.txt 2>&1
python3 ../results.py $? ../board.txt build/grade/results.json "$3"
