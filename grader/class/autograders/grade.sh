#!/bin/bash
# grade: grade one submission in the labs beside this file. Whatever happens, there are results: Gradescope's, from which the
# other systems' are made.
#
#   [LAB=02] grade.sh SUBMISSION SECONDS RESULTS.json
#
# A container has no room for all layers of the sandbox: the layers that it leaves have to do.
here=$(dirname "$(realpath "$0")")
# shellcheck source=/dev/null
. "$here/labs.conf" # LAB=..., unless it is set
export LC_ALL=C.UTF-8
cd "$here/labs" || exit 1
rm -rf build/grade
UNPROTECTED=1 timeout --kill-after=2 "$2" make -s grade SUBMISSION="$1" ${LAB:+LAB="$LAB"} >../board.txt 2>&1
python3 ../results.py $? ../board.txt build/grade/results.json "$3"
