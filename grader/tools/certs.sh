#!/bin/sh
# certs: make key.pem and cert.pem in this folder, as the tutorial does with the openssl command: a
# private key, and a certificate for localhost and its two addresses, signed by that key.
#
# Overwrite nothing: programs may be using the files.
set -eu

for file in key.pem cert.pem; do
  if [ -e "$file" ]; then
    echo "certs: $file already exists; remove key.pem and cert.pem to get new ones" >&2
    exit 1
  fi
done

if [ ! -w . ]; then
  echo "certs: cannot write in $(pwd); in a folder where you can, run sh $(realpath "$0")" >&2
  exit 1
fi
umask 077 # only the owner may read the key
rm -f key.pem.new cert.pem.new
openssl req -x509 -newkey rsa:2048 -nodes -sha256 -days 3650 -subj /CN=localhost \
  -addext 'subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1' \
  -keyout key.pem.new -out cert.pem.new 2>/dev/null || {
  echo "certs: openssl req failed" >&2
  rm -f key.pem.new cert.pem.new
  exit 1
}
chmod 644 cert.pem.new
mv key.pem.new key.pem
mv cert.pem.new cert.pem
echo "key.pem and cert.pem: for localhost, 127.0.0.1 and ::1"
