# shellcheck shell=bash
# What provision-v8.sh and build-v8.sh both have to know: which library the
# `v8` crate wants, and under which name. The naming follows the crate's
# build.rs (static_lib_url, static_lib_name, replace_non_alphanumeric).
# Sourced, not run; works with the bash 3.2 of macOS.

repo_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)

note() { printf '%s\n' "${0##*/}: $*" >&2; }

die() {
  note "error: $*"
  exit 1
}

# The version that cargo will use: the lock file's, else the manifest's pin.
v8_crate_version() {
  local version=
  if [ -f "$repo_root/Cargo.lock" ]; then
    version=$(awk -F'"' '/^name = / { name = $2 }
      /^version = / && name == "v8" { print $2; exit }' "$repo_root/Cargo.lock")
  fi
  if [ -z "$version" ] && [ -f "$repo_root/Cargo.toml" ]; then
    version=$(sed -n \
      -e 's/^v8 *= *"[=^~ ]*\([0-9][0-9.]*\)".*/\1/p' \
      -e 's/^v8 *= *{.*version *= *"[=^~ ]*\([0-9][0-9.]*\)".*/\1/p' \
      "$repo_root/Cargo.toml" | head -n 1)
  fi
  case $version in
    *.*.*) printf '%s\n' "$version" ;;
    *) die "no exact version of the crate v8 in Cargo.lock or Cargo.toml;" \
      "run 'cargo generate-lockfile' first" ;;
  esac
}

v8_target() {
  if [ -n "${CARGO_BUILD_TARGET:-}" ]; then
    printf '%s\n' "$CARGO_BUILD_TARGET"
    return
  fi
  # In the repository, because its rust-toolchain.toml may choose the toolchain.
  (cd "$repo_root" && rustc -vV) | tr -d '\r' | sed -n 's/^host: //p'
}

is_true() {
  case $1 in true | 1 | yes) return 0 ;; *) return 1 ;; esac
}

# v8_archive_name TARGET: the published file, e.g.
# librusty_v8_simdutf_release_x86_64-unknown-linux-gnu.a.gz
v8_archive_name() {
  # Cargo.toml turns on the feature `simdutf`, and no other one that
  # changes the name. The cargo profile does not matter: debug builds
  # link the release library too.
  local suffix="_simdutf_release_$1"
  case $1 in
    *-windows-*) printf 'rusty_v8%s.lib.gz\n' "$suffix" ;;
    *)
      if is_true "${V8_FORCE_DEBUG:-}"; then suffix="_simdutf_debug_$1"; fi
      printf 'librusty_v8%s.a.gz\n' "$suffix"
      ;;
  esac
}

# v8_release_url VERSION ARCHIVE
v8_release_url() {
  printf 'https://github.com/denoland/rusty_v8/releases/download/v%s/%s\n' "$1" "$2"
}

sha256_of() {
  local sum
  if command -v sha256sum >/dev/null 2>&1; then
    sum=$(sha256sum <"$1")
  else
    sum=$(shasum -a 256 <"$1")
  fi
  printf '%s\n' "${sum%% *}"
}
