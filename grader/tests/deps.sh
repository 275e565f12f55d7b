#!/bin/bash
# grader/tools/deps.sh, on machines that are made up of a few commands: it installs what is missing and
# nothing else, and says what to do where it cannot.
set -u
root=$PWD
# shellcheck source=grader/tools/dev/tap.sh
. grader/tools/dev/tap.sh
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
bin=$work/bin
shell=$(command -v sh)

# fake NAME SCRIPT: a command of the machine.
fake() {
  printf '#!%s\n%s\n' "$shell" "$2" >"$bin/$1"
  chmod +x "$bin/$1"
}

# A machine with some commands; the libraries are files in lib/. apt-get notes how it is called and
# "installs" libnghttp2-dev and curl.
machine() {
  rm -rf "$bin" lib called
  mkdir "$bin" lib
  for command in sed awk grep tr sort cat rm touch chmod env; do
    ln -s "$(command -v $command)" "$bin/"
  done
  for command in make ar openssl git nghttp nghttpd node patch clang-format clang-tidy \
    cppcheck inotifywait tmux tshark chromium pkill bwrap parallel sim_c; do
    fake $command 'exit 1'
  done
  fake python3 'exit 0' # it has every module
  fake gcc 'cat >/dev/null; exit 0'
  fake clang 'cat >/dev/null; exit 0'
  fake curl 'exit 1'
  fake pkg-config "[ -e $work/lib/\$2 ]"
  fake id 'echo 0'
  fake apt-get "echo \"\$DEBIAN_FRONTEND: \$*\" >>$work/called
case \$* in *install*libnghttp2-dev*) touch $work/lib/libnghttp2 ;; esac
case \$* in *install*curl*) touch $bin/curl; chmod +x $bin/curl ;; esac"
  touch lib/libnghttp2 lib/openssl lib/libuv lib/jansson lib/criterion lib/libseccomp
}
deps() {
  env -u DEBIAN_FRONTEND PATH="$bin" "$shell" no-sbin "$@" >out 2>&1
  status=$?
  cat out
  return $status
}
called() {
  cat called 2>/dev/null
  grep -q -- "$1" called
}
# This machine's own /usr/sbin is none of theirs.
sed 's,^PATH=.*,:,' "$root/grader/tools/deps.sh" >no-sbin

machine
check "nothing to do" deps build test
check "nothing is run" [ ! -e called ]

rm lib/libnghttp2
check "a missing library is installed" deps build
check "after an update" grep -q 'update' <(head -n 1 called)
check "without questions and recommendations" called \
  '^noninteractive: install -q -y --no-install-recommends .* libnghttp2-dev *$'
check "in one go" [ "$(wc -l <called)" -eq 2 ]

# clang is there, and cannot link libFuzzer: some releases have a package for that, on others it comes with clang.
machine
fake clang 'cat >/dev/null; exit 1'
fake apt-cache 'exit 0'
check_not "a clang without libFuzzer is not enough" deps build test
check "its package is installed" called 'install .* libclang-rt-dev *$'
machine
rm "$bin/cppcheck"
fake clang 'cat >/dev/null; exit 1'
fake apt-cache 'exit 1'
check_not "where there is no such package" deps build test
check "it is not asked for" called 'install .* cppcheck *$'

machine
rm "$bin/curl"
check "what only tests need is not asked for by building" deps build
check "and not installed" [ ! -e called ]
check "but by testing" deps build test
check "it is installed" called 'install .* curl *$'
check "and a node that is there is left alone" not called nodejs

machine
fake gcc 'exit 1'
check_not "a compiler without sanitizers counts as none, and what cannot be installed is an error" deps build
check "that names it" grep -q '^deps: missing: compiler$' out
check "after it was tried" called 'gcc libc6-dev'

machine
rm lib/libnghttp2
fake id 'echo 1000'
check_not "who is not root and has no sudo is told" deps build
check "what to run as root" grep -q 'apt-get install --no-install-recommends libnghttp2-dev' out
check "and nothing is run" [ ! -e called ]
fake sudo "echo sudo >>$work/called; exec \"\$@\""
check "who has sudo needs nothing else" deps build
check "and it is used" called sudo

machine
rm lib/libnghttp2 "$bin/apt-get" "$bin/cppcheck"
check_not "another system is told what is missing" deps build test
check "by name" grep -q '^deps: missing: libnghttp2 cppcheck$' out
check "with the packages of Fedora" grep -q 'dnf install cppcheck libnghttp2-devel *$' out
check "of Arch" grep -q 'pacman -S cppcheck libnghttp2 *$' out

machine
rm "$bin/apt-get" "$bin/nghttp" "$bin/nghttpd" "$bin/pkill"
check_not "a package that has two of the commands" deps build test
check "is named once" grep -q 'dnf install nghttp2 procps-ng *$' out
done_testing
