#!/usr/bin/env bash
# Lists what people stored on the NFS server: one line a claim, `NAMESPACE/CLAIM<tab>KIB`. Changes nothing. Run as root, on that machine.
# Usage: volumes.sh FOLDER
set -euo pipefail

main() {
  local folder=$1
  [[ -d $folder ]] || return 0
  # Claims lie two levels deep; what lies higher up was put there by hand and counts as well.
  find "$folder" -mindepth 1 -maxdepth 2 \( -path "$folder/*/*" -o ! -type d \) -printf '%P\n' | sort | while read -r path; do
    printf '%s\t%s\n' "$path" "$(du --summarize --block-size=1K "$folder/$path" | cut -f1)"
  done
}

main "$@"
