#!/bin/sh
# newest_headers: fetch the newest headers of the libraries that Debian has, and print the options
# with which a compiler takes them before its own.
#
#   newest_headers.sh FOLDER
#
# They come from sid, from the mirror that this machine's apt uses (MIRROR=URL names another).
# apt-get checks their signatures. The script installs nothing: it unpacks the packages in FOLDER, and
# uses them again for a week. If it cannot get them, a line on stderr says why, and the status is 1.
set -u
folder=${1:?usage: newest_headers.sh FOLDER}
libraries='libnghttp2-dev libssl-dev libuv1-dev libjansson-dev libcriterion-dev libseccomp-dev'
keys=/usr/share/keyrings/debian-archive-keyring.gpg

die() {
  echo "newest_headers: $*" >&2
  exit 1
}

# apt_get ARGUMENT...: with lists and settings of its own, in $work.
apt_get() {
  apt-get -q -o Dir::State="$work" -o Dir::Cache="$work" -o Dir::State::status="$work/status" \
    -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=- \
    -o APT::Sandbox::User=root -o Acquire::Languages=none -o Acquire::Check-Valid-Until=false "$@" \
    >>"$work/said" 2>&1
}

fetch() {
  mkdir -p "$work/lists/partial" "$work/archives/partial" "$work/root" && : >"$work/status" &&
    echo "deb [signed-by=$keys] $mirror sid main" >"$work/sources.list" &&
    apt_get update || return 1
  # shellcheck disable=SC2086
  (cd "$work" && apt_get download $libraries) || return 1
  for package in "$work"/*.deb; do
    dpkg-deb -x "$package" "$work/root" || return 1
  done
}

if [ -z "$(find "$folder/root" -maxdepth 0 -mtime -7 2>/dev/null)" ]; then
  command -v dpkg-deb apt-get >/dev/null && [ -e "$keys" ] || die "only where there is apt"
  # shellcheck disable=SC2016
  mirror=${MIRROR:-$(apt-get indextargets --format '$(CODENAME) $(REPO_URI)' 'Identifier: Packages' \
    'Origin: Debian' | awk '$1 !~ /-/ { print $2; exit }')}
  [ -n "$mirror" ] || die "apt knows no Debian mirror here; MIRROR=URL names one"
  work=$(realpath -m "$folder").new
  rm -rf "$work"
  fetch || die "cannot be fetched: $(grep -m 1 '^[EW]:' "$work/said" || echo "see $work/said")"
  rm -rf "$folder" "$work"/*.deb "$work/lists"
  mv "$work" "$folder" && touch "$folder/root" || exit 1
fi
options=
for include in "$folder"/root/usr/include "$folder"/root/usr/include/*-linux-gnu; do
  [ -d "$include" ] && options="$options -isystem $include"
done
echo "$options"
