#!/usr/bin/env bash
# Puts what it reads into docs/performance.md, between the two lines that name this part:
#   cargo bench --bench ratios | scripts/into-doc.sh ratios
# benches/peers does the same with its own.
set -euo pipefail
cd "$(dirname "$0")/.."

part=$1
document=docs/performance.md
begin="<!-- $part: written by \`make bench\` -->"
end="<!-- end of $part -->"

# Without the empty lines around it.
text=$(cat)
text=${text#"${text%%[!$'\n']*}"}
if [ -z "$text" ]; then
  printf '%s: nothing was measured for %s\n' "$0" "$part" >&2
  exit 1
fi
for line in "$begin" "$end"; do
  if ! grep -qxF -- "$line" "$document"; then
    printf '%s: %s has no line %s\n' "$0" "$document" "$line" >&2
    exit 1
  fi
done
new=$(BEGIN_LINE=$begin END_LINE=$end TEXT=$text awk '
  $0 == ENVIRON["END_LINE"] { inside = 0 }
  !inside { print }
  $0 == ENVIRON["BEGIN_LINE"] { inside = 1; printf "\n%s\n\n", ENVIRON["TEXT"] }
' "$document")
printf '%s\n' "$new" >"$document"
