#!/bin/sh
# open: print the path of a page, and open the page in the browser if there is one.
#
#   open.sh FILE.html
set -u
path=$(realpath -- "${1:?usage: open.sh FILE.html}") || exit 1
echo "file://$path"
[ -t 1 ] || exit 0
for opener in xdg-open open; do
  if [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ] || [ "$opener" = open ]; then
    command -v "$opener" >/dev/null && exec "$opener" "$path" >/dev/null 2>&1
  fi
done
exit 0
