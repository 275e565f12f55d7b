#!/bin/bash
# Predictions and quizzes: a student sees no frame before predicting, whatever the seed; right answers count, wrong ones
# appear beside the right ones, and the points are kept where the grader finds them.
set -u
root=$PWD
# shellcheck source=grader/tools/dev/tap.sh
. grader/tools/dev/tap.sh
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/grader "$work"/build && cd "$work" || exit 1
cp -r "$root/grader/predict" grader/
ln -s "$root/build/grader" build/grader

predict() { python3 grader/predict/predict.py "$@" >said 2>&1; }
says() { grep -qF -- "$1" said; }

# Fill in the right frames of a lab, the first section that explains them, and the right answers.
fill_in() {
  python3 - "$1" <<'END'
import json, re, subprocess, sys
lab = sys.argv[1]
text = open(f"{lab}-x/predict.txt").read()
seed = re.search(r"# seed: (\d+)", text)[1]
played = json.loads(subprocess.run(["build/grader/predict", "--lab", lab[3:], "--seed", seed],
                                   stdout=subprocess.PIPE, check=True).stdout)
text = f"# seed: {seed}\n"
for one in played["scenarios"]:
    lines = sorted((line for line in one["frames"].splitlines() if line[0] in one["sides"]),
                   key=lambda line: (line[0], line.split()[2]))  # another order of streams
    text += f"== {one['name']}\n" + "\n".join(lines) + f"\nbecause: {one['sections'].split()[0]}\n"
open(f"{lab}-x/predict.txt", "w").write(text)
open(f"{lab}-x/quiz.txt", "w").write("".join(f"answer: {item['answer']}\n" for item in played["quiz"]))
END
}

# The command for tshark in the head of the quiz shows a SETTINGS frame.
reads_capture() {
  sh -c "$(sed -n 's/^# In a terminal: //p' "$1-x/quiz.txt")" 2>/dev/null | grep -q "Stream: SETTINGS"
}

head_says() { grep -qF -- "$2" "$1-x/predict.txt"; }

for lab in lab01 lab02 lab03 lab04 lab05 lab06; do
  mkdir -p "$lab-x"
  predict "$lab-x"
  check "$lab: predict makes the files" test -s "$lab-x/predict.txt" -a -s "$lab-x/quiz.txt"
  case $lab in
    lab01) check "$lab: the head says that all frames are on stream 0" head_says $lab "All of this lab's frames are on stream 0" ;;
    lab04) check "$lab: the head names the exception" head_says $lab "such as SETTINGS and GOAWAY, unless the scenario asks" ;;
    *) check "$lab: the head says which order counts" head_says $lab "Only the order of one side's frames on one stream counts"
      check "$lab: the head leaves stream 0 out" head_says $lab "Leave out the frames of stream 0, such as SETTINGS and GOAWAY." ;;
  esac
  check "$lab: three scenarios, three questions or more" sh -c 'test "$(grep -c "^== " "$1/predict.txt")" = 3 &&
    test "$(grep -c "^answer:" "$1/quiz.txt")" -ge 3' sh "$lab-x"
  if command -v tshark >/dev/null; then
    check "$lab: the quiz says how tshark reads the capture" reads_capture "$lab"
  else
    skip "$lab: the quiz says how tshark reads the capture" "tshark is not installed"
  fi
  predict "$lab-x"
  check "$lab: without a prediction there are no points" says "0 of 3"
  check "$lab: without a prediction it shows no frame" sh -c '! grep -qE "^ *>? +.*(HEADERS|SETTINGS|DATA) [0-9]" said'
  fill_in "$lab"
  predict "$lab-x"
  check "$lab: right frames, sections and answers get all points" says "3 of 3"
  [ "$lab" != lab02 ] || check "another order between streams is right, and the real one is shown" says "does not count. Here it was:"
done

# Being right at the first look and correcting later give the same; what is missing is named.
rm -f build/grade/predict/lab02.*
cp lab02-x/predict.txt right
sed 's/^[cs] .*/s PING 0/' right >lab02-x/predict.txt
sed -i 's/^answer: .*/answer:/' lab02-x/quiz.txt
predict lab02-x
check "all wrong at first: the point for predicting" says "1 of 3, beside the points of the lab: predicted 1, corrected 0, quiz 0"
cp right lab02-x/predict.txt
predict lab02-x
check "all corrected: the second point" says "2 of 3, beside the points of the lab: predicted 1, corrected 1, quiz 0"
rm -f build/grade/predict/lab02.*
predict lab02-x
check "all right at first: both at once" says "2 of 3, beside the points of the lab: predicted 1, corrected 1, quiz 0"
fill_in lab02
predict lab02-x
check "all right, and the quiz: everything" says "3 of 3"

# In lab 2: a missing frame, a frame of another stream, another section, another answer.
for seed in 1 22 333 4444; do
  sed -i "s/# seed: .*/# seed: $seed/" lab02-x/predict.txt
  rm -f build/grade/predict/lab02.*
  fill_in lab02
  cp lab02-x/predict.txt right
  predict lab02-x
  check "seed $seed: right frames are right" says "3 of 3"
  sed -i '0,/^s RST_STREAM/s/^s RST_STREAM .*/s HEADERS 9/' lab02-x/predict.txt
  predict lab02-x
  check "seed $seed: a wrong frame is wrong" says "2 of 3"
  check "seed $seed: the wrong frame is beside the right one" grep -qE '^ *> .* s RST_STREAM' said
  sed 's/^because: .*/because: 6.7/' right >lab02-x/predict.txt
  predict lab02-x
  check "seed $seed: another section does not explain it" says "is not what explains these frames"
  cp right lab02-x/predict.txt
done
cp build/grade/predict/lab02.first.txt first
sed -i '/^c HEADERS/d' lab02-x/predict.txt
predict lab02-x
check "the first prediction is kept" cmp -s first build/grade/predict/lab02.first.txt
sed -i 's/^answer: .*/answer: 0/' lab02-x/quiz.txt
predict lab02-x
check "wrong answers count as wrong" says "quiz: 0 of 3 right"
# In lab 6: another alert; a section of RFC 9110 explains why a client does not trust a server.
sed -i 's/ALERT \(.\) UNKNOWN_CA/ALERT \1 BAD_CERTIFICATE/' lab06-x/predict.txt
predict lab06-x
check "another alert is wrong" grep -qE '^ *> .* c ALERT . UNKNOWN_CA' said
fill_in lab06
sed -i 's/\(ALERT . \)\(.*\)/\1\L\2/' lab06-x/predict.txt
predict lab06-x
check "an alert in small letters, as RFC 8446 has it, is right" sh -c 'grep -q "ALERT . unknown_ca" lab06-x/predict.txt && grep -qF "3 of 3" said'
fill_in lab06
sed -i 's/^because: 4.3.4/because:/' lab06-x/predict.txt
predict lab06-x
check "the RFC that explains it is named" says "Which section of RFC 9110 explains these frames?"
echo 'c NOTHING' >>lab02-x/predict.txt
check "a line that is not a frame is an error with its line number" sh -c '! python3 grader/predict/predict.py lab02-x >said 2>&1 && grep -q "txt:[0-9]*: this is no frame" said'
predict lab07-x
check "a lab without scenarios says so" says "has nothing to predict"
check "the capture is not empty" sh -c 'test -s build/grade/predict/lab03.pcapng'

# The grader shows them beside the points. (The programs are missing: only this line matters.)
mkdir -p none
"$root/build/grader/grade" --programs none --output build/grade --lab 01 >board 2>&1
check "the scoreboard shows them" grep -q "In addition: 1[0-9] of 18 for predictions, quizzes and the bonus" board
check "results.json has them" grep -q '"beside"' build/grade/results.json
check "they do not count in the score" grep -q '"score": 0' build/grade/results.json
done_testing
