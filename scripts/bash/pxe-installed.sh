#!/usr/bin/env bash
# Purpose: record that a machine is installed: trust its SSH host key on this server, note its disk, disarm it.
# Usage: pxe-installed.sh MACHINE DISK ADDRESS 'ssh-ed25519 AAAA...'
# Variables: PXE_MACHINES (MACHINE=MAC-with-dashes, separated by spaces)
set -euo pipefail
# shellcheck source=scripts/bash/converge.sh
source "$(dirname "$0")/converge.sh"
: "${PXE_MACHINES:?set in the env file}"

readonly known_hosts=/etc/ssh/ssh_known_hosts

main() {
  (($# == 4)) || fatal "usage: pxe-installed.sh MACHINE DISK ADDRESS KEY"
  [[ " $PXE_MACHINES" == *" $1="* ]] || fatal "there is no machine $1"
  trust "$3" "$4"
  record "$1" "$2"
  if [[ -e /var/lib/lab/armed/$1 ]]; then
    rm "/var/lib/lab/armed/$1"
    changed "/var/lib/lab/armed/$1 (removed)"
  fi
  "$(dirname "$0")/pxe-aim.sh"
}

trust() {
  local address=$1 key=$2 new=$known_hosts.lab
  {
    grep -sv "^$address " "$known_hosts" || true
    printf '%s %s\n' "$address" "$key"
  } | sort > "$new"
  place "$new" "$known_hosts"
  rm "$new"
}

record() {
  local machine=$1 disk=$2 file=/var/lib/lab/installed/$1
  if grep -qsF "\"disk\": \"$disk\"" "$file"; then
    ok "$file"
    return
  fi
  printf '{"state": "installed", "machine": "%s", "disk": "%s", "time": %s}\n' "$machine" "$disk" "$(date +%s)" \
    > "$file.new"
  mv "$file.new" "$file"
  changed "$file"
}

main "$@"
