#!/bin/bash
# debian: newly made Debian systems, as folders and archives. Source this file; it needs root, and debootstrap.

# Debian's mirror that apt is set up for.
mirror() {
  [ -n "${MIRROR:-}" ] && echo "$MIRROR" && return
  # shellcheck disable=SC2016
  apt-get indextargets --format '$(CODENAME) $(REPO_URI)' 'Identifier: Packages' 'Origin: Debian' |
    awk '$1 !~ /-/ { print $2; exit }'
}

# Whether it can make systems here; if not, it says why.
can_debootstrap() {
  local there
  [ "$(id -u)" -eq 0 ] || { echo "debootstrap and chroot need root: run this as root" >&2; return 1; }
  command -v debootstrap >/dev/null || { echo "debootstrap is missing: apt-get install debootstrap" >&2; return 1; }
  there=$(mirror)
  [ -n "$there" ] || { echo "apt knows no Debian mirror here; MIRROR=URL names one" >&2; return 1; }
  wget -q --timeout=20 --tries=1 -O /dev/null "${there%/}/dists/trixie/Release" ||
    { echo "cannot reach $there: this needs the network; MIRROR=URL names another mirror" >&2; return 1; }
}

# remove FOLDER: remove a system, but nothing that is mounted in it.
remove() {
  ! grep -qF " $1/" /proc/self/mounts || { echo "something is mounted below $1" >&2; return 1; }
  rm -rf --one-file-system "$1"
}

# make_base SUITE ARCHIVE: make a system; only a complete one gets the name. (debootstrap may leave /proc
# mounted: unshare.) Keep it as an archive: a copy of a folder with devices may read /dev/zero for ever.
make_base() {
  [ -f "$2" ] && return
  remove "$2.part" &&
    unshare --mount debootstrap --variant=minbase --include=ca-certificates,make,sudo "$1" "$2.part" "$(mirror)" &&
    tar --numeric-owner --xattrs -C "$2.part" -cf "$2.new" . && remove "$2.part" && mv "$2.new" "$2"
}

# The copy needs the same settings as this machine to reach the mirror.
set_up_network() {
  cp -L /etc/resolv.conf /etc/hosts "$1/etc/" || return 1
  apt-config dump | grep -iE '^acquire::(https?|ftp)(::|.*proxy)' >"$1/etc/apt/apt.conf.d/90host"
  # A mirror may be a snapshot with expired lists; the table names its day.
  echo 'Acquire::Check-Valid-Until "false";' >>"$1/etc/apt/apt.conf.d/90host"
}

# inside FOLDER USER COMMAND [WRAPPER...]: run it in the user's home, in namespaces of its own, so that no process and no
# mount remains. WRAPPER is a command of the system that runs another.
inside() {
  unshare --mount --pid --ipc --uts --fork --kill-child bash -c '
    mount --make-rprivate / && mount -t proc proc "$1/proc" && mount -t tmpfs tmpfs "$1/dev/shm" &&
      mount -t devpts -o newinstance,ptmxmode=666 devpts "$1/dev/pts" &&
      exec chroot "$1" env -i HOME="$(awk -F: -v user="$2" "\$1 == user { print \$6 }" "$1/etc/passwd")" USER="$2" \
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
        setpriv --reuid="$2" --regid="$2" --init-groups "${@:4}" sh -c "cd; $3"
  ' inside "$@" </dev/null
}
