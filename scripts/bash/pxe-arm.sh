#!/usr/bin/env bash
# Purpose: arm machines: their next network boot installs them. One that is armed for the same disk already stays so,
#   with its time, so that an installation under way goes on counting.
# Usage: pxe-arm.sh MACHINE=DISK...
# Variables: PXE_MACHINES (MACHINE=MAC-with-dashes, separated by spaces)
set -euo pipefail
# shellcheck source=scripts/bash/converge.sh
source "$(dirname "$0")/converge.sh"
: "${PXE_MACHINES:?set in the env file}"

main() {
  local pair machine disk record
  for pair in "$@"; do
    machine=${pair%%=*} disk=${pair#*=}
    [[ " $PXE_MACHINES" == *" $machine="* ]] || fatal "there is no machine $machine"
    record=/var/lib/lab/armed/$machine
    if grep -qsF "\"disk\": \"$disk\"" "$record"; then
      ok "$record"
    else
      printf '{"state": "armed", "machine": "%s", "disk": "%s", "time": %s}\n' "$machine" "$disk" "$(date +%s)" \
        > "$record.new"
      mv "$record.new" "$record"
      changed "$record"
    fi
  done
  "$(dirname "$0")/pxe-aim.sh"
}

main "$@"
