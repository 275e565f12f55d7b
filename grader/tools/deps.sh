#!/bin/sh
# deps: install what this project needs.
#
#   deps.sh build          the needs of building and grading
#   deps.sh build test     also those of the tests; there are demo, mistakes, class
#                          and pictures too
#   deps.sh build bench    also those of `make bench`, and the servers that it compares with. Debian starts nginx and
#                          h2o as services when it installs them; `systemctl disable --now nginx h2o` ends that
#
# On Debian and Ubuntu, install what is missing; elsewhere, name the packages. If nothing is
# missing, do nothing: any source of a command or a library is good enough.
set -u

# Not every release has the packages with ?: there another package has the files, or bench goes without.
# For what   seen by               Debian, Ubuntu      Fedora                  Arch
table='
build        compiler              gcc,libc6-dev       gcc,libasan,libubsan    gcc
build        command:make          make                make                    make
build        command:ar            binutils            binutils                binutils
build        command:pkg-config    pkg-config          pkgconf-pkg-config      pkgconf
build        library:libnghttp2    libnghttp2-dev      libnghttp2-devel        libnghttp2
build        library:openssl       libssl-dev          openssl-devel           openssl
build        command:openssl       openssl             openssl                 openssl
build        library:libuv         libuv1-dev          libuv-devel             libuv
build        library:jansson       libjansson-dev      jansson-devel           jansson
build        library:criterion     libcriterion-dev    criterion-devel         criterion
build        library:libseccomp    libseccomp-dev      libseccomp-devel        libseccomp
build        command:bwrap         bubblewrap          bubblewrap              bubblewrap
demo         command:python3       python3             python3                 python
demo         command:curl          curl                curl                    curl
mistakes     command:python3       python3             python3                 python
mistakes     command:patch         patch               patch                   patch
class        command:python3       python3             python3                 python
class        command:parallel      parallel            parallel                parallel
class        command:mold          mold                mold                    mold
class        command:sim_c         similarity-tester   similarity-tester       similarity-tester
class        command:ssh           openssh-client      openssh-clients         openssh
class        command:rsync         rsync               rsync                   rsync
test         command:parallel      parallel            parallel                parallel
test         command:mold          mold                mold                    mold
test         command:sim_c         similarity-tester   similarity-tester       similarity-tester
test         command:ssh           openssh-client      openssh-clients         openssh
test         command:sshd          openssh-server      openssh-server          openssh
test         command:rsync         rsync               rsync                   rsync
test         command:ip            iproute2            iproute                 iproute2
test         command:slurmctld     slurmctld,slurm-client slurm-slurmctld      slurm-llnl
test         command:slurmd        slurmd              slurm-slurmd            slurm-llnl
test         command:git           git                 git                     git
test         command:curl          curl                curl                    curl
test         command:nghttp        nghttp2-client      nghttp2                 nghttp2
test         command:nghttpd       nghttp2-server      nghttp2                 nghttp2
test         command:node          nodejs              nodejs                  nodejs
test         command:python3       python3             python3                 python
test         python:jsonschema     python3-jsonschema  python3-jsonschema      python-jsonschema
test         python:clang.cindex   python3-clang       python3-clang           clang
test         command:patch         patch               patch                   patch
test         command:clang         clang               clang                   clang
test         fuzzer                libclang-rt-dev?    compiler-rt             compiler-rt
test         command:clang-format  clang-format        clang-tools-extra       clang
test         command:clang-tidy    clang-tidy          clang-tools-extra       clang
test         command:cppcheck      cppcheck            cppcheck                cppcheck
test         command:inotifywait   inotify-tools       inotify-tools           inotify-tools
test         command:tmux          tmux                tmux                    tmux
test         command:tshark        tshark              wireshark-cli           wireshark-cli
test         command:chromium      chromium            chromium                chromium
test         command:pkill         procps              procps-ng               procps-ng
bench        command:python3       python3             python3                 python
bench        command:h2load        nghttp2-client      nghttp2                 nghttp2
bench        command:nghttpd       nghttp2-server      nghttp2                 nghttp2
bench        command:h2o           h2o?                h2o                     h2o
bench        command:nginx         nginx               nginx                   nginx
bench        command:node          nodejs              nodejs                  nodejs
bench        command:taskset       util-linux          util-linux              util-linux
bench        command:valgrind      valgrind            valgrind                valgrind
bench        command:strace        strace              strace                  strace
bench        command:perf          linux-perf?         perf                    perf
pictures     command:tmux          tmux                tmux                    tmux
pictures     command:chromium      chromium,fonts-dejavu-core chromium          chromium
pictures     font:Inter            fonts-inter         rsms-inter-fonts        inter-font
pictures     font:JetBrainsMono    fonts-jetbrains-mono jetbrains-mono-fonts   ttf-jetbrains-mono
pictures     command:pngquant      pngquant            pngquant                pngquant
'

# Some commands are in folders that only root's PATH has.
PATH=$PATH:/usr/sbin:/sbin

has() {
  case $1 in
    compiler) echo 'int main(void) { return 0; }' |
      gcc -fsanitize=address,undefined -x c -o /dev/null - >/dev/null 2>&1 ;;
    fuzzer) echo 'int LLVMFuzzerTestOneInput(void) { return 0; }' |
      clang -fsanitize=fuzzer,address -x c -o /dev/null - >/dev/null 2>&1 ;;
    command:*) command -v "${1#command:}" >/dev/null ;;
    python:*) for python in python3 /usr/bin/python3; do
      "$python" -c "import ${1#python:}" 2>/dev/null && return
    done
      false ;;
    font:*) fc-list 2>/dev/null | grep -q -- "${1#font:}" ;;
    library:*) pkg-config --exists "${1#library:}" 2>/dev/null ;;
  esac
}

# The rows of the table for $purposes whose command or library is missing.
missing() {
  echo "$table" | while read -r purpose seen_by packages; do
    case " $purposes " in
      *" $purpose "*) has "$seen_by" || echo "$purpose $seen_by $packages" ;;
    esac
  done
}

# Column $1 of the rows on standard input, each package once, on one line.
packages() {
  awk -v column="$1" '{ print $column }' | tr ',' '\n' | sort -u | tr '\n' ' '
}

# Print the packages given that apt knows; look up only those with ?.
known() {
  for package in "$@"; do
    case $package in
      *\?) apt-cache show "${package%\?}" >/dev/null 2>&1 && echo "${package%\?}" ;;
      *) echo "$package" ;;
    esac
  done
}

install() {
  as_root=
  if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
      echo "deps: you are not root and there is no sudo. As root, run:" >&2
      echo "  apt-get update && apt-get install --no-install-recommends $*" | tr -d '?' >&2
      return 1
    fi
    as_root=sudo
  fi
  $as_root apt-get update -q -o Acquire::Retries=3 || return 1
  packages=$(known "$@")
  echo "installing:" $packages
  # shellcheck disable=SC2086
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends \
    -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300 $packages
}

purposes=${*:?usage: deps.sh build [demo] [mistakes] [test] [pictures] [bench]}
rows=$(missing)
if [ -z "$rows" ]; then
  echo "everything needed to $(echo "$purposes" | sed 's/ / and /g') is installed"
  exit 0
fi

if command -v apt-get >/dev/null; then
  # shellcheck disable=SC2046
  install $(echo "$rows" | packages 3) || exit 1
  rows=$(missing | awk '!($1 == "bench" && $3 ~ /[?]$/)') # bench leaves out servers that this system does not have
  [ -z "$rows" ] && exit 0
fi

echo "deps: missing:$(echo "$rows" | awk '{ sub(/.*:/, "", $2); printf " %s", $2 }')" >&2
if ! command -v apt-get >/dev/null; then
  echo "Their packages, as far as we know:" >&2
  echo "  Fedora: sudo dnf install $(echo "$rows" | packages 4)" >&2
  echo "  Arch:   sudo pacman -S $(echo "$rows" | packages 5)" >&2
fi
exit 1
