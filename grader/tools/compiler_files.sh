#!/bin/sh
# What a compiler reads and starts, one a line, for grader/sandbox/compile.c: "read:PATH", "execute:PATH"; and the
# folders in which it sees what is there, "list:PATH". A stranger's file can put each of the files into its program
# (.incbin, #include), so nothing else that is installed may be among them: no other program, and no library that is not
# linked.
#
#   compiler_files.sh COMPILER [FLAG]... [-lLIBRARY]...
set -u
export LC_ALL=C
compiler=$(command -v "$1") || { echo "compiler_files.sh: $1: there is no such compiler" >&2; exit 1; }
shift
newline='
'

# The paths of a list, each once.
paths() {
  printf '%s\n' "$1" | sed '/^\//!d' | sort -u
}

# The same without links, and only what exists.
real() {
  paths "$1" | xargs readlink -f | sort -u
}

# The compiler and the linkers: every one of that name in PATH, for the first may be ccache.
tools=/bin/sh$newline$compiler
IFS=:
for folder in $PATH; do
  for tool in "${compiler##*/}" as ld ld.bfd ld.gold ld.lld ld.mold; do
    [ ! -x "$folder/$tool" ] || tools=$tools$newline$folder/$tool
  done
done

# The compiler's own folders: its parts, and what it links into every program.
cc1=$("$compiler" -print-prog-name=cc1)
crt=$("$compiler" -print-file-name=crtbegin.o)
[ "$cc1" = "${cc1#/}" ] || tools=$tools$newline$cc1
own=${cc1%/*}$newline${crt%/*}$newline$("$compiler" -print-resource-dir 2>/dev/null)$newline/nix/store

# Where it looks for headers, and for libraries.
headers=$("$compiler" -E -v -xc /dev/null 2>&1 >/dev/null | sed -n 's/^ \(\/[^ ]*\)$/\1/p')
# Debian 13's <asm/errno.h> is behind a link that leads out of these folders.
linked=$(printf '%s\n' "$headers" | xargs -I FOLDER find FOLDER -maxdepth 2 -type l -exec readlink -f '{}' + 2>/dev/null)
places=$("$compiler" -print-search-dirs | sed -n 's/^libraries: =//p' | tr : '\n')
names='c m mvec gcc gcc_s pthread dl rt resolv util asan ubsan'
for word; do
  case $word in
  -l*) names="$names:${word#-l}" ;;
  -L/*) places=$places$newline${word#-L} ;;
  esac
done
names=$(printf '%s\n' "$names" | tr ' ' :)
places=$(real "$places$newline/usr/lib$newline/usr/lib64")

found=
IFS="$newline:"
for folder in $places; do
  for name in $names; do
    for file in "$folder/lib$name".so "$folder/lib$name".so.* "$folder/lib$name".a "$folder/lib${name}_nonshared.a"; do
      [ ! -e "$file" ] || found=$found$newline$file
    done
  done
  for file in "$folder"/*crt*.o; do
    [ ! -e "$file" ] || found=$found$newline$file
  done
done

# What all these load: "NAME => PATH (ADDRESS)"; and the loader, "PATH (ADDRESS)".
tools=$(real "$tools")
libraries=$(paths "$found" | grep '\.so\.[0-9.]*$')
loaded=$(printf '%s\n%s\n' "$tools" "$libraries" | tr '\n' '\0' | xargs -0 ldd 2>/dev/null)
loaders=$(printf '%s\n' "$loaded" | sed -n 's/^[[:space:]]*\(\/[^ ]*\) (0x.*$/\1/p')
loaded=$(printf '%s\n' "$loaded" | sed -n 's/^.* => \(\/[^ ]*\) (.*$/\1/p')

printf 'list:%s\n' /usr /lib /lib64 # clang looks for a gcc, gold for libraries
paths "$headers$newline$linked$newline$found$newline$loaded" | sed 's/^/read:/'
paths "$tools$newline$own$newline$loaders" | sed 's/^/execute:/'
