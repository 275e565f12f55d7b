#!/bin/bash
# grader/tools/deps.sh on machines that consist of a few fake commands: it installs missing packages and
# nothing else; where it cannot, it says what to do.
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
    cppcheck inotifywait tmux tshark chromium pkill bwrap parallel sim_c mold ssh sshd rsync ip slurmctld slurmd; do
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
# Hide the /usr/sbin of this machine from them.
sed 's,^PATH=.*,:,' "$root/grader/tools/deps.sh" >no-sbin

machine
check "if nothing is missing, deps succeeds" deps build test
check "it runs nothing" [ ! -e called ]

rm lib/libnghttp2
check "deps installs a missing library" deps build
check "it updates the lists first" grep -q 'update' <(head -n 1 called)
check "it installs without questions and recommendations" called \
  '^noninteractive: install -q -y --no-install-recommends .* libnghttp2-dev *$'
check "it installs everything with one command" [ "$(wc -l <called)" -eq 2 ]

# This clang cannot link libFuzzer: some releases have a package for libFuzzer, in others it comes with clang.
machine
fake clang 'cat >/dev/null; exit 1'
fake apt-cache 'exit 0'
check_not "a clang without libFuzzer counts as missing" deps build test
check "deps installs the package of libFuzzer" called 'install .* libclang-rt-dev *$'
machine
rm "$bin/cppcheck"
fake clang 'cat >/dev/null; exit 1'
fake apt-cache 'exit 1'
check_not "deps fails if such a package does not exist" deps build test
check "it does not ask for that package" called 'install .* cppcheck *$'

machine
rm "$bin/curl"
check "deps build does not need a tool of the tests" deps build
check "it does not install that tool" [ ! -e called ]
check "deps build test needs that tool" deps build test
check "it installs that tool" called 'install .* curl *$'
check "it does not touch an installed node" not called nodejs

machine
fake gcc 'exit 1'
check_not "a compiler without sanitizers counts as missing; a failed installation is an error" deps build
check "the error names the compiler" grep -q '^deps: missing: compiler$' out
check "deps had tried to install it" called 'gcc libc6-dev'

machine
rm lib/libnghttp2
fake id 'echo 1000'
check_not "without root and sudo, deps fails" deps build
check "it says what to run as root" grep -q 'apt-get install --no-install-recommends libnghttp2-dev' out
check "it runs nothing without root and sudo" [ ! -e called ]
fake sudo "echo sudo >>$work/called; exec \"\$@\""
check "with sudo, deps succeeds" deps build
check "it uses sudo" called sudo

machine
rm lib/libnghttp2 "$bin/apt-get" "$bin/cppcheck"
check_not "on another system, deps fails" deps build test
check "it names what is missing" grep -q '^deps: missing: libnghttp2 cppcheck$' out
check "it names the packages of Fedora" grep -q 'dnf install cppcheck libnghttp2-devel *$' out
check "it names the packages of Arch" grep -q 'pacman -S cppcheck libnghttp2 *$' out

machine
rm "$bin/apt-get" "$bin/nghttp" "$bin/nghttpd" "$bin/pkill"
check_not "two missing commands of one package are an error" deps build test
check "the message names the package once" grep -q 'dnf install nghttp2 procps-ng *$' out
done_testing
