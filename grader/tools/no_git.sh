#!/bin/sh
# Make an empty library in place of libgit2, for build/grader/grade.
#
#   no_git.sh COMPILER FOLDER
#
# Criterion has libgit2 draw differences between texts, which no check of ours does. With it come some fifteen libraries
# (SSH, Kerberos, another TLS), and libgit2 reads all certificates of the system at its start: together half of what the
# process of a check costs. This library has the same name, and functions with the names that Criterion needs, which do
# nothing. FOLDER stays empty if Criterion is not linked with libgit2.
set -eu
compiler=$1
folder=$2
rm -rf "$folder"
mkdir -p "$folder"
criterion=$("$compiler" -print-file-name=libcriterion.so)
name=$(objdump -p "$criterion" | sed -n 's/^ *NEEDED *\(libgit2\.so[.0-9]*\)$/\1/p')
[ -n "$name" ] || exit 0
nm -D --undefined-only "$criterion" | sed -n 's/^ *U \(git_[a-z0-9_]*\).*/int \1(void) { return 1; }/p' |
  "$compiler" -shared -w -x c - -Wl,-soname,"$name" -o "$folder/$name"
