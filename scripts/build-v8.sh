#!/usr/bin/env bash
# Builds V8's static library from the sources inside the crate `v8`, for
# machines that cannot reach the crate's release page. All that it needs comes
# from the package registries that apt and cargo are set up for. Made for Debian
# 12 on x86-64; a newer Debian that has clang 22 should do as well.
#
# usage: build-v8.sh [--until STEP] [--files N] [--jobs N]
#
#   --until STEP  stop after STEP, one of: packages gn bindgen clang sources
#                 crates configure compile pack
#   --files N     compile the Rust half and the next N C++ files and stop: a
#                 check, in minutes, that the recipe still works here
#   --jobs N      compile N files at a time (default: one per core)
#
# Every step is done once; run again after an interruption, the script goes on
# where it was, and ninja with the files that are still to compile. The whole
# takes two to three hours on two cores, and about 2 GB of disk.
#
# environment:
#   V8_BUILD_DIR  the working folder, with a subfolder for each version of the
#                 crate (default: ${XDG_CACHE_HOME:-~/.cache}/build-v8, which
#                 `cargo clean` leaves alone and all clones share)
#   GN            a `gn` of 2026 or newer to use instead of Debian's newest
#
# Root is needed only to install the Debian packages that are missing.
# Progress goes to stderr. At the end the library's SHA-256 and path go to
# stdout, as sha256sum writes them; provision-v8.sh puts it where cargo looks.
set -euo pipefail
# shellcheck source=scripts/v8-common.sh
. "$(dirname "${BASH_SOURCE[0]}")/v8-common.sh"

steps='packages gn bindgen clang sources crates configure compile pack'
llvm=22
bindgen_version=0.72.1 # as the crate's own build dependency
icu_version=0.77.0     # of deno_core_icudata: ICU 77, as third_party/icu

last_step=pack
files=''
jobs=$(nproc)
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help)
      sed -n '2,/^set /{/^#/s/^# \{0,1\}//p;}' "${BASH_SOURCE[0]}"
      exit 0
      ;;
    --until | --files | --jobs)
      [ $# -ge 2 ] || die "$1 wants a value; see --help"
      case $1 in
        --until) last_step=$2 ;;
        --files) files=$2 ;;
        --jobs) jobs=$2 ;;
      esac
      shift 2
      ;;
    *) die "unknown argument '$1'; see --help" ;;
  esac
done
case " $steps " in *" $last_step "*) ;; *) die "no step '$last_step'; the steps: $steps" ;; esac
for number in "${files:-1}" "$jobs"; do
  case $number in '' | 0* | *[!0-9]*) die "not a count: '$number'" ;; esac
done

version=$(v8_crate_version)
target=x86_64-unknown-linux-gnu
if [ "$(uname -sm)" != 'Linux x86_64' ] || [ "$(v8_target)" != $target ]; then
  die "builds for $target only, on Linux; for other targets, set RUSTY_V8_ARCHIVE to" \
    "a library, or V8_FROM_SOURCE=1 where Chromium's tools can be downloaded"
fi
for tool in apt-get dpkg-query rustc cargo; do
  command -v $tool >/dev/null || die "no $tool: the recipe is for Debian with Rust"
done
rustc=$(cd "$repo_root" && rustc --version | cut -d ' ' -f 2)
rust_sysroot=$(cd "$repo_root" && rustc --print sysroot)

# A folder for each version: cargo unpacks all sources with one old date, by
# which ninja would not see that they changed.
work=${V8_BUILD_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/build-v8}/$version
mkdir -p "$work/stamps"
work=$(cd "$work" && pwd -P)
# Not the repository: its cargo configuration and its rust-toolchain.toml are
# not meant for this. The toolchain is the repository's all the same.
cd "$work"
PATH=$rust_sysroot/bin:$PATH
exec 9>"$work/lock"
flock -n 9 || die "another build-v8.sh is at work in $work"

src=$work/src
out=$work/out

# ---- packages: compiler, linker, ninja --------------------------------------

packages="clang-$llvm lld-$llvm llvm-$llvm libclang1-$llvm libclang-rt-$llvm-dev
  ninja-build ccache gcc libc6-dev python3"

missing_packages() {
  local package
  for package in $packages; do
    # shellcheck disable=SC2016 # dpkg's placeholder, not the shell's
    case " $(dpkg-query -W -f '${db:Status-Status} ' "$package" 2>/dev/null)" in
      *' installed '*) ;;
      *) printf '%s\n' "$package" ;;
    esac
  done
}

# To be had, according to the lists that apt has now?
available() {
  local policy
  policy=$(LC_ALL=C apt-cache policy "$1" 2>/dev/null)
  case $policy in '' | *'Candidate: (none)'*) return 1 ;; esac
}

step_packages() {
  local missing package as_root=
  missing=$(missing_packages)
  [ -n "$missing" ] || return 0
  if [ "$(id -u)" != 0 ]; then
    as_root=sudo
    command -v sudo >/dev/null ||
      die "not root and no sudo; have these Debian packages installed: ${missing//$'\n'/ }"
  fi
  for package in $missing; do
    available "$package" && continue
    note "$package is in none of apt's lists, bringing them up to date"
    $as_root apt-get -q update >&2
    break
  done
  for package in $missing; do
    available "$package" || die "no package $package in this machine's apt sources." \
      "On Debian 12 those of clang $llvm come from the security suite: add the suite" \
      "'bookworm-security', component 'main', to the sources and run this again"
  done
  # shellcheck disable=SC2086 # a list of words
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 \
    install --no-install-recommends $missing >&2
}

# ---- gn: Debian's newest, without touching the system -----------------------

# Debian 12's own is four years older than V8's build files. The one from sid
# wants sid's libc, so both are unpacked in a folder and started from there.
step_gn() {
  local root=$work/gn/root mirror keyring=/usr/share/keyrings/debian-archive-keyring.gpg option=
  rm -rf "$work/gn"
  mkdir -p "$work/gn/lists/partial" "$work/gn/cache/archives/partial" "$root"
  if [ -n "${GN:-}" ]; then
    printf '#!/bin/sh\nexec "%s" "$@"\n' "$GN" >"$work/gn/gn"
    chmod +x "$work/gn/gn"
    return
  fi
  # The mirror that this machine uses already; every mirror carries all suites.
  # apt knows which one it is once it has lists, so fetch them if there are none.
  mirror=$(debian_mirror)
  if [ -z "$mirror" ]; then
    apt_here -q update >&2
    mirror=$(debian_mirror)
    rm -rf "$work/gn/lists"
    mkdir -p "$work/gn/lists/partial"
  fi
  [ -n "$mirror" ] || die "no Debian archive among this machine's apt sources;" \
    "set GN to a gn of 2026 or newer"
  if [ -e $keyring ]; then option=" signed-by=$keyring"; fi
  printf 'deb [target=Packages%s] %s sid main\n' "$option" "$mirror" >"$work/gn/sid.list"
  : >"$work/gn/status"
  apt_sid -q update >&2
  (
    cd "$work/gn"
    apt_sid -q download generate-ninja libc6 libstdc++6 libgcc-s1 >&2
    for package in ./*.deb; do dpkg-deb -x "$package" "$root"; done
    rm -rf ./*.deb lists cache
  )
  cat >"$work/gn/gn" <<GN_SCRIPT
#!/bin/sh
exec "$root/usr/lib64/ld-linux-x86-64.so.2" --library-path \\
  "$root/usr/lib/x86_64-linux-gnu" "$root/usr/bin/gn" "\$@"
GN_SCRIPT
  chmod +x "$work/gn/gn"
  "$work/gn/gn" --version >/dev/null
}

debian_mirror() {
  local codename lists
  codename=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
  for lists in apt-get apt_here; do
    # shellcheck disable=SC2016 # apt's placeholders, not the shell's
    $lists indextargets --format '$(CREATED_BY)|$(LABEL)|$(CODENAME)|$(REPO_URI)' |
      # the release itself before its updates or backports
      awk -F'|' -v codename="$codename" '$1 == "Packages" && $2 == "Debian" {
        print ($3 == codename ? 1 : 2), $4 }'
  done | sort | sed -n '1s/^. //p'
}

# apt with lists and cache of its own in the working folder: needs no root.
apt_here() {
  apt-get -o Dir::State::lists="$work/gn/lists" -o Dir::Cache="$work/gn/cache" \
    -o APT::Sandbox::User=root -o Acquire::Languages=none "$@"
}

# And only sid, whatever this machine has installed or pinned.
apt_sid() {
  apt_here -o Dir::Etc::sourcelist="$work/gn/sid.list" -o Dir::Etc::sourceparts=/dev/null \
    -o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null \
    -o Dir::State::status="$work/gn/status" "$@"
}

# ---- bindgen: the program, in the layout that GN expects --------------------

step_bindgen() {
  local root=$work/bindgen
  cargo install bindgen-cli --version $bindgen_version --locked --jobs "$jobs" \
    --root "$root" --target-dir "$work/bindgen-target" >&2
  rm -rf "$work/bindgen-target"
  mkdir -p "$root/lib"
  ln -sfn "$rust_sysroot/bin/rustfmt" "$root/bin/rustfmt"
  ln -sfn "/usr/lib/llvm-$llvm/lib/libclang-$llvm.so.1" "$root/lib/libclang.so"
}

# ---- clang: the system's, with the runtime under the name that GN expects ---

step_clang() {
  local system=/usr/lib/llvm-$llvm resources=lib/clang/$llvm entry name
  rm -rf "$work/clang"
  mkdir -p "$work/clang/$resources/lib/$target"
  ln -s "$system/bin" "$work/clang/bin"
  for entry in "$system"/lib/* "$system/$resources"/* "$system/$resources"/lib/*; do
    name=${entry#"$system/"}
    [ -e "$work/clang/$name" ] || ln -s "$entry" "$work/clang/$name"
  done
  for entry in "$system/$resources"/lib/linux/libclang_rt.*-x86_64.a; do
    name=${entry##*/}
    ln -s "$entry" "$work/clang/$resources/lib/$target/${name%-x86_64.a}.a"
  done
  [ -e "$work/clang/$resources/lib/$target/libclang_rt.builtins.a" ] ||
    die "libclang-rt-$llvm-dev has no libclang_rt.builtins-x86_64.a"
}

# ---- sources: the crate's, with what its package leaves out -----------------

# fetch_crates FOLDER, with dependencies in TOML on stdin: writes
# FOLDER/sources, one line a package: name, version, folder.
fetch_crates() {
  mkdir -p "$1/src"
  : >"$1/src/lib.rs"
  {
    # Its own workspace, as the working folder may lie inside another.
    printf '[package]\nname = "fetch"\nversion = "0.0.0"\nedition = "2021"\n[workspace]\n[dependencies]\n'
    cat
  } >"$1/Cargo.toml"
  cargo metadata --format-version 1 --manifest-path "$1/Cargo.toml" >"$1/metadata.json"
  python3 - "$1/metadata.json" >"$1/sources" <<'PYTHON'
import json, os, sys
for p in json.load(open(sys.argv[1]))["packages"]:
    print(p["name"], p["version"], os.path.dirname(p["manifest_path"]))
PYTHON
}

# source_of FOLDER NAME VERSION
source_of() {
  local found
  found=$(awk -v name="$2" -v version="$3" '$1 == name && $2 == version {
    sub(/^[^ ]+ [^ ]+ /, ""); print; exit }' "$1/sources")
  [ -n "$found" ] || die "cargo did not fetch $2 $3"
  printf '%s\n' "$found"
}

step_sources() {
  local new=$work/src.new crate icu
  rm -rf "$new" "$src"
  printf 'v8 = "=%s"\ndeno_core_icudata = "=%s"\n' "$version" $icu_version |
    fetch_crates "$work/fetch-v8"
  crate=$(source_of "$work/fetch-v8" v8 "$version")
  icu=$(source_of "$work/fetch-v8" deno_core_icudata $icu_version)
  cp -R -p "$crate" "$new"
  chmod -R u+w "$new"
  # Names a toolchain that may not be here, and rustup would insist on it.
  rm -f "$new/rust-toolchain.toml"
  # The crate's package leaves the data out for its size.
  mkdir -p "$new/third_party/icu/common"
  cp "$icu/src/icudtl.dat" "$new/third_party/icu/common/"
  # Flags of a clang newer than the packaged one: a diagnostic, an optimisation
  # switch and a group of sanitizer checks.
  edit_lines "$new/build/config/compiler/BUILD.gn" d \
    '"-fdiagnostics-show-inlining-chain"' '"-fno-lifetime-dse"'
  edit_lines "$new/build/config/sanitizers/sanitizers.gni" d \
    '"-fsanitize=$' '"-fsanitize-trap=$' '"-fsanitize-ignore-for-ubsan-feature=$'
  # Warnings it does not know only make noise, two lines for every file.
  edit_lines "$new/build/config/compiler/BUILD.gn" 's/-Wno-[a-z-]*/-Wno-unknown-warning-option/' \
    '"-Wno-unused-but-set-global"' '"-Wno-unsafe-buffer-usage-in-static-sized-array"'
  mv "$new" "$src"
}

# edit_lines FILE COMMAND STRING...: sed's COMMAND on the lines with a STRING.
# Each must be there, or the recipe has aged.
edit_lines() {
  local file=$1 command=$2 text
  shift 2
  for text in "$@"; do
    grep -qF -- "$text" "$file" || die "no $text in $file any more; adapt step_sources"
    sed -i "/${text//\$/\\\$}/$command" "$file"
  done
}

# ---- crates: the Rust code behind Temporal ----------------------------------

# The crate has only the GN files of these. They name the exact versions and
# the folder each is to be in.
step_crates() {
  local name version folder
  python3 - "$src" >"$work/crates.list" <<'PYTHON'
import re, sys
source, done, todo = sys.argv[1], {}, ["temporal_capi/v0_2"]
while todo:
    label = todo.pop()
    if label in done:
        continue
    text = open(f"{source}/third_party/rust/{label}/BUILD.gn").read()
    field = lambda name: re.search(rf'{name} = "([^"]+)"', text).group(1)
    folder = re.search(r"chromium_crates_io/vendor/([^/]+)/", text).group(1)
    done[label] = f"{field('cargo_pkg_name')} {field('cargo_pkg_version')} {folder}"
    todo += re.findall(r'"//third_party/rust/([^/":]+/v[^/":]+)[:"]', text)
print("\n".join(sorted(done.values())))
PYTHON
  # Under names of their own, as some are there in two versions.
  awk '{ printf "crate_%d = { package = \"%s\", version = \"=%s\" }\n", NR, $1, $2 }' \
    "$work/crates.list" | fetch_crates "$work/fetch-crates"
  while read -r name version folder; do
    folder=$src/third_party/rust/chromium_crates_io/vendor/$folder
    rm -rf "$folder"
    mkdir -p "${folder%/*}"
    cp -R -p "$(source_of "$work/fetch-crates" "$name" "$version")" "$folder"
  done <"$work/crates.list"
  note "$(wc -l <"$work/crates.list") crates in place"
}

# ---- configure and compile --------------------------------------------------

# The features are the published library's; the rest names the tools above.
# Without the line tables of the published library: a quicker build, a smaller file.
step_configure() {
  ln -sfn "$rust_sysroot" "$src/third_party/rust-toolchain"
  mkdir -p "$out"
  cat >"$out/args.gn" <<ARGS
is_debug = false
symbol_level = 0
use_custom_libcxx = true
use_glib = false
treat_warnings_as_errors = false
v8_enable_sandbox = false
v8_enable_pointer_compression = false
v8_enable_v8_checks = false
v8_monolithic_for_shared_library = true
rusty_v8_enable_simdutf = true
enable_chromium_prelude = false
cc_wrapper = "ccache"
clang_base_path = "$work/clang"
clang_version = "$llvm"
rust_sysroot_absolute = "$rust_sysroot"
rustc_version = "rustc-$rustc"
rust_bindgen_root = "$work/bindgen"
ARGS
  "$work/gn/gn" --root="$src" --script-executable="$(command -v python3)" gen "$out" >&2
}

run_ninja() {
  # V8's Rust code uses unstable features of a toolchain that is stable here.
  RUSTC_BOOTSTRAP=1 NINJA_STATUS='[%f/%t, %e s] ' ninja -C "$out" -j "$jobs" "$@"
}

step_compile() {
  run_ninja rusty_v8 >&2
}

# The Rust half uses every tool: compiler, bindgen, host programs that are linked
# and run. For the rest, a dry run says which files come first in the full build.
compile_some() {
  local objects
  objects=$(run_ninja -n rusty_v8 | sed -nE 's/^.*\] (CXX|CC|ASM) ([^ ]+\.o)$/\2/p' |
    awk -v files="$files" 'NR <= files')
  # shellcheck disable=SC2086 # file names without blanks
  run_ninja temporal_capi $objects >&2
}

packed=$work/$(V8_FORCE_DEBUG='' v8_archive_name $target)

step_pack() {
  if [ "$packed" -nt "$out/obj/librusty_v8.a" ]; then return; fi
  # -n: no time stamp, so that the same library gives the same file.
  gzip -9 -n <"$out/obj/librusty_v8.a" >"$packed.tmp"
  mv -f "$packed.tmp" "$packed"
}

# ---- run them ---------------------------------------------------------------

anew=''
for step in $steps; do
  if [ "$step" = compile ] && [ -n "$files" ]; then
    note "$step: the Rust half and the next $files files, in $out"
    SECONDS=0
    compile_some
    note "$step: stopped there, $SECONDS s; without --files it goes on from there"
    exit 0
  fi
  # A stamp holds the toolchain, as another one wants the step done anew, and
  # with it the stamped ones after it. The unstamped see for themselves what
  # there is to do.
  stamp=$work/stamps/$step
  case $step in
    packages | compile | pack) stamp=/dev/null ;;
    *) [ -z "$anew" ] || rm -f "$stamp" ;;
  esac
  if [ "$(cat "$stamp" 2>/dev/null)" = "$rustc" ]; then
    note "$step: done before"
  else
    note "$step..."
    SECONDS=0
    "step_$step"
    printf '%s\n' "$rustc" >"$stamp"
    [ "$stamp" = /dev/null ] || anew=1
    note "$step: done, $SECONDS s"
  fi
  if [ "$step" = "$last_step" ] && [ "$step" != pack ]; then exit 0; fi
done
note "V8's library is ready"
printf '%s  %s\n' "$(sha256_of "$packed")" "$packed"
