#!/usr/bin/env bash
# Fetches the packages of the ordinary workloads as they are published, by version and
# checksum, into this folder. Run again, it costs nothing.
set -euo pipefail
cd "$(dirname "$0")"

# name, version, SHA-256 of the package
packages='
marked 18.2.1 d66c5213fc203466186060105b01f51896764ba64b3797d2620d02e28e34b8ca
prettier 3.10.1 8625d008f4f0d7d513509ecc269b4b2a551a6f1ea3a57ac880e13e84a434213c
js-beautify 2.0.3 f687b307188ea030cf65f49cc56b036dd6344eb6fd9592907453d3f1a083ca6b
'

while read -r name version checksum; do
  if [ -z "$name" ] || [ -e "$name-$version/package.json" ]; then continue; fi
  npm pack --silent "$name@$version" >/dev/null
  sum=$(sha256sum "$name-$version.tgz")
  if [ "${sum%% *}" != "$checksum" ]; then
    printf '%s: not the package that was pinned: %s-%s.tgz\n' "$0" "$name" "$version" >&2
    exit 1
  fi
  rm -rf package "$name-$version"
  tar -xzf "$name-$version.tgz"
  mv package "$name-$version"
  rm "$name-$version.tgz"
done <<<"$packages"
