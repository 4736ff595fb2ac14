#!/usr/bin/env bash
# Sees to it that cargo finds V8's static library, so that plain `cargo build`
# works. Takes the first of these that there is:
#
#   1. RUSTY_V8_ARCHIVE, RUSTY_V8_MIRROR or V8_FROM_SOURCE: the crate obeys them
#   2. the library in the cargo cache, $CARGO_HOME/.rusty_v8/
#   3. a copy in ../shared/v8/ beside the repository, with SHA256SUMS
#   4. the crate's release page: cargo downloads from it by itself
#   5. a build from source by build-v8.sh (hours)
#
# Prints one line that says which. Run again, it costs next to nothing.
set -euo pipefail
# shellcheck source=scripts/v8-common.sh
. "$(dirname "${BASH_SOURCE[0]}")/v8-common.sh"

case ${1:-} in
  '') ;;
  -h | --help)
    sed -n '2,/^set /{/^#/s/^# \{0,1\}//p;}' "${BASH_SOURCE[0]}"
    exit 0
    ;;
  *) die "takes no argument; see --help" ;;
esac

version=$(v8_crate_version)

say() {
  printf 'v8 %s: %s\n' "$version" "$*"
  exit 0
}

for variable in RUSTY_V8_ARCHIVE RUSTY_V8_MIRROR; do
  if [ -n "${!variable:-}" ]; then say "$variable is set, left to it"; fi
done
if is_true "${V8_FROM_SOURCE:-}"; then say "V8_FROM_SOURCE is set, left to it"; fi

target=$(v8_target) || target=
[ -n "$target" ] || die "rustc does not say its host target; install the Rust" \
  "toolchain or set CARGO_BUILD_TARGET"
archive=$(v8_archive_name "$target")
url=$(v8_release_url "$version" "$archive")
cached=${CARGO_HOME:-$HOME/.cargo}/.rusty_v8/$(printf %s "$url" | LC_ALL=C tr -c 'A-Za-z0-9' _)
checked=$cached.checked

size_of() { wc -c <"$1" | tr -d ' '; }

# The crate takes whatever lies in the cache and fails late and obscurely on a
# damaged file. Unpacking it to be sure takes a second, so the size that passed
# is kept beside it.
cached_is_whole() {
  local size
  [ -f "$cached" ] || return 1
  size=$(size_of "$cached")
  if [ ! "$cached" -nt "$checked" ] && [ "$(cat "$checked" 2>/dev/null)" = "$size" ]; then
    return 0
  fi
  # The crate also takes a library that is not compressed.
  case $(head -c 7 "$cached" | LC_ALL=C tr -d '\000') in
    '!<arch>') [ "$size" -gt 50000000 ] || return 1 ;;
    *) gzip -t <"$cached" 2>/dev/null || return 1 ;;
  esac
  mark_checked
}

# A cache that cannot be written is no error, only slower next time.
mark_checked() { { size_of "$cached" >"$checked"; } 2>/dev/null || true; }

# install_in_cache FILE SHA256: false if they do not match. Through a temporary
# file, so that an interrupted copy never has the name that cargo looks for.
install_in_cache() {
  temporary=$cached.tmp.$$
  trap 'rm -f "$temporary"' EXIT
  { mkdir -p "${cached%/*}" && cat <"$1" >"$temporary"; } ||
    die "cannot copy to the cargo cache: mend ${cached%/*} or set CARGO_HOME"
  [ "$(sha256_of "$temporary")" = "$2" ] || return 1
  mv -f "$temporary" "$cached" || die "cannot replace $cached"
  mark_checked
}

release_page_answers() {
  if command -v curl >/dev/null 2>&1; then
    curl --fail --silent --head --location --connect-timeout 4 --max-time 10 \
      --output /dev/null "$url"
  else
    "${PYTHON:-python3}" - "$url" 2>/dev/null <<'PYTHON'
import sys, urllib.request
request = urllib.request.Request(sys.argv[1], method="HEAD")
urllib.request.urlopen(request, timeout=10)
PYTHON
  fi
}

if cached_is_whole; then say "already in the cargo cache"; fi
if [ -e "$cached" ]; then
  note "the library in the cargo cache is damaged, removing it: $cached"
  rm -f "$cached" "$checked"
fi

copies=$(dirname "$repo_root")/shared/v8
if [ -f "$copies/$archive" ]; then
  expected=$(awk -v file="$archive" '$2 == file || $2 == "*" file { print $1; exit }' \
    "$copies/SHA256SUMS" 2>/dev/null) || expected=
  if [ -n "$expected" ] && install_in_cache "$copies/$archive" "$expected"; then
    say "copied from $copies to the cargo cache"
  fi
  note "not used, because it does not match the SHA256SUMS beside it: $copies/$archive"
fi

if release_page_answers; then say "the release page answers, cargo downloads from it"; fi

case $archive in
  *_release_*) ;;
  *) die "$url does not answer, and only the release library can be built here:" \
    "unset V8_FORCE_DEBUG, or set RUSTY_V8_ARCHIVE to a library of your own" ;;
esac
note "$url does not answer; building from source, which takes hours"
if ! built=$("$repo_root/scripts/build-v8.sh"); then
  die "the build stopped, for the reason above; run again, it goes on where it was." \
    "Or put the file of the address above at $cached, or set RUSTY_V8_ARCHIVE to it"
fi
# build-v8.sh prints one line as sha256sum does.
install_in_cache "${built#*  }" "${built%%  *}" ||
  die "the built library changed while it was copied; run this again"
say "built from source and put in the cargo cache"
