#!/bin/sh
# pictures: make the pictures of the README, in grader/tools/dev/pictures/, by running the programs.
#
# Make those of the terminal in 80 and 160 columns, those of the page in two widths, all of them
# dark and light. `make pictures` builds everything first.
set -eu
folder=grader/tools/dev/pictures
mistake=build/mistakes/lab02/picture
stage=build/picture

# picture NAME COMMAND [--from TEXT] [--to TEXT]
picture() {
  name=$1
  command=$2
  shift 2
  for columns in 80 160; do
    for theme in dark light; do
      file=$folder/$name-$columns-$theme.png
      python3 grader/tools/dev/terminal_picture.py --columns $columns --theme $theme "$@" "$file" "$command"
      echo "  $file: $(wc -c <"$file") bytes"
    done
  done
}

# page NAME CHECK GRADING: a check, on the page in the folder of a grading.
page() {
  for width in 640 1120; do
    for theme in dark light; do
      file=$folder/$1-$width-$theme.png
      python3 grader/tools/dev/page_picture.py --width $width --theme $theme "$2" "$3/index.html" "$file"
      echo "  $file: $(wc -c <"$file") bytes"
    done
  done
}

# Make a project whose student made a known mistake in lab 2, compiled as a student's program is.
make_stage() {
  mkdir -p $mistake/lab02-requests $stage/lab02-requests $stage/build/labs/lab02-requests
  cp lab02-requests/solution/requests.c $mistake/lab02-requests/
  patch -s -p3 -d $mistake/lab02-requests <grader/mistakes/lab02/post-never-ends.patch
  make -s mistake-programs
  cp $mistake/lab02-requests/requests.c $stage/lab02-requests/
  cp $mistake/lab02-requests/requests $stage/build/labs/lab02-requests/
  ln -s "$PWD/grader" $stage/grader
  ln -s "$PWD/build/grader" $stage/build/grader
}

# Serve on a free port while the commands that follow run; $url says where.
served='exec 3< <(exec build/grader/serve --port 0); read -r _ _ url <&3; trap "kill $!" EXIT'

rm -rf $stage
make_stage
picture ladder "$served; H2_TRACE=1 build/solutions/lab02-requests/requests \$url/hello-world /ping >/dev/null"
picture failure "cd $stage && build/grader/grade --programs build/labs --lab 02 --seed 1" --from '✘ post ' --to 'more: '
picture demo 'python3 grader/lecture/demo.py 02' --from '4/6 '
page page lab02.post $stage/build/grade
# live NAME LAB STEP OPTIONS...: the page of make live, in a window of that size.
live() {
  file=$folder/$1.png
  shift
  python3 grader/tools/dev/live_picture.py "$@" "$file"
  echo "  $file: $(wc -c <"$file") bytes"
}

for theme in dark light; do
  live live-1280-$theme --theme $theme --hold 5 02 3
done
live live-phone-light --size 390x844 --view wire 02 4
live live-3840-light --size 3840x2160 02 4
rm -rf $mistake $stage
python3 grader/tools/dev/diagrams.py
