#!/usr/bin/env bash
# Finds the disk that holds the lab's NFS data, or is to hold it.
# Usage: find-data-disk.sh LABEL SIZE_GB
# Prints `ready DEVICE` for a file system of that label, else `blank DEVICE` for the one whole disk of just that size (GiB)
# that carries nothing at all; names of disks change from boot to boot. Exit code 1 and the reason when there is none or more than one.
set -euo pipefail

is_blank() {
  [[ $(lsblk --noheadings --raw --output NAME "$1" | wc -l) -eq 1 && -z $(wipefs --no-act "$1") ]]
}

main() {
  local label=$1 bytes=$(($2 * 1024 ** 3)) device kind size
  local -a blank=()
  if device=$(blkid --label "$label"); then
    echo "ready $device"
    return
  fi
  while read -r device kind size; do
    if [[ $kind == disk && $size -eq $bytes ]] && is_blank "$device"; then
      blank+=("$device")
    fi
  done < <(lsblk --noheadings --raw --bytes --paths --nodeps --output NAME,TYPE,SIZE)
  if [[ ${#blank[@]} -ne 1 ]]; then
    echo "no file system is labelled $label, and ${#blank[@]} blank disks have $2 GiB (${blank[*]-}): exactly one is needed" >&2
    return 1
  fi
  echo "blank ${blank[0]}"
}

main "$@"
