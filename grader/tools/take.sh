#!/bin/sh
# take: take what somebody has handed in, and nothing else that lies beside it.
#
#   take DIR INTO labNN-name/X.c...
#
# Of each file that is named, DIR/labNN-name/X.c is copied to INTO/labNN-name/X.c; or DIR/X.c, where only
# one file is called so. It must be a regular file: no symbolic link is followed, in the path to it either.
# What was taken before and is not handed in now is removed, with the program that was made of it. (So is
# its log, which would say why it does not compile: it is not there.)
set -u
from=$1
into=$2
shift 2

die() {
  echo "take: $*" >&2
  exit 1
}

# The path of this file below DIR; nothing if it was not handed in.
find_in() {
  (cd "$from" && find -P . -type f -path "./$1" -print -quit)
}

# How many of the files have this name.
count_of() {
  printf '%s\n' "$files" | grep -cxF -- "$1"
}

[ -d "$from" ] && [ ! -L "$from" ] || die "$from is not a folder"
files=$(for file in "$@"; do echo "${file#*/}"; done)
taken=0
unclear=
for file in "$@"; do
  name=${file#*/}
  path=$(find_in "$file")
  [ -n "$path" ] || path=$(find_in "$name")
  if [ "$path" = "./$name" ] && [ "$(count_of "$name")" -gt 1 ]; then
    unclear="$unclear $name"
    path=
  fi
  if [ -n "$path" ] && [ -n "$(find "$from/$path" -size +1024k)" ]; then
    echo "take: $from/$path has more than 1 MiB" >&2
    path=
  fi
  if [ -z "$path" ]; then
    for place in "$file" "$name"; do
      [ ! -e "$from/$place" ] || [ -f "$from/$place" ] && [ ! -L "$from/$place" ] ||
        echo "take: $from/$place is not a regular file" >&2
    done
    rm -f "$into/${file%.c}" "$into/${file%.c}".*
    continue
  fi
  mkdir -p "$into/${file%/*}" && cp -P "$from/$path" "$into/$file" || die "$from/$path cannot be copied"
  taken=$((taken + 1))
done
for name in $(printf '%s\n' $unclear | sort -u); do
  echo "take: $from/$name: of which lab? LAB=03 says so; or put it into its lab's folder" >&2
done
[ "$taken" -gt 0 ] || die "$from: no file of these labs is in it: labNN-name/X.c, or X.c"
