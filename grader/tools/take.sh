#!/bin/sh
# take: take the files of a submission, and nothing else in its folder.
#
#   take DIR INTO labNN-name/X.c...
#
# For each file named, copy DIR/labNN-name/X.c to INTO/labNN-name/X.c; or copy DIR/X.c, if only one lab has
# a file of this name. The file must be regular: the script follows no symbolic link, in the path either.
# If an earlier submission had a file and this one does not, remove the copy, its program and its log.
set -u
from=$1
into=$2
shift 2

die() {
  echo "take: $*" >&2
  exit 1
}

# Print the path of this file below DIR; nothing if the submission does not have it.
find_in() {
  (cd "$from" && find -P . -type f -path "./$1" -print -quit)
}

# How many of the named files have this name.
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
  mkdir -p "$into/${file%/*}" && cp -P "$from/$path" "$into/$file" || die "cannot copy $from/$path"
  taken=$((taken + 1))
done
for name in $(printf '%s\n' $unclear | sort -u); do
  echo "take: $from/$name: of which lab? LAB=03 says so; or put it into its lab's folder" >&2
done
[ "$taken" -gt 0 ] || die "$from: no file of these labs is in it: labNN-name/X.c, or X.c"
