#!/usr/bin/env bash
# Makes plugin.wasm, the guest for wasmtime, into this folder: QuickJS and the script that all
# peers run. What makes it is fetched by version and checksum. Run again, it costs nothing.
set -euo pipefail
cd "$(dirname "$0")"

# system, SHA-256 of the package of componentize-qjs for it
version=0.4.5
packages='
linux-x64-gnu 66fdcdcd7f52b7606211a5118d7dfab5879434a60b601ccf707b3c2c8d92d0d6
linux-arm64-gnu 76c149f60663597b330e3f12a064ac837d0f83c3e00f462b600d50b32245e15e
'

leave_out() {
  printf '%s: %s, wasmtime is left out\n' "$0" "$1" >&2
  rm -f plugin.wasm
  exit 0
}

is_made() {
  for source in make.sh make.mjs plugin.wit ../src/script.js; do
    if ! [ plugin.wasm -nt "$source" ]; then return 1; fi
  done
}

if is_made; then exit 0; fi
if ! command -v node >/dev/null || ! command -v npm >/dev/null; then leave_out 'no node or no npm'; fi
case "$(uname -sm)" in
  'Linux x86_64') system=linux-x64-gnu ;;
  'Linux aarch64') system=linux-arm64-gnu ;;
  *) leave_out "no componentize-qjs is pinned for $(uname -sm)" ;;
esac

folder=componentize-qjs-$system-$version
if ! [ -e "$folder/package.json" ]; then
  archive=andreiltd-componentize-qjs-binding-$system-$version.tgz
  npm pack --silent "@andreiltd/componentize-qjs-binding-$system@$version" >/dev/null ||
    leave_out 'componentize-qjs is not to be had'
  sum=$(sha256sum "$archive")
  if ! grep -qx "$system ${sum%% *}" <<<"$packages"; then
    printf '%s: not the package that was pinned: %s\n' "$0" "$archive" >&2
    exit 1
  fi
  rm -rf package "$folder"
  tar -xzf "$archive"
  mv package "$folder"
  rm "$archive"
fi
node make.mjs "./$folder/componentize-qjs.$system.node" plugin.wasm ||
  leave_out 'componentize-qjs failed'
