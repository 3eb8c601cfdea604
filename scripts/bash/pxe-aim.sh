#!/usr/bin/env bash
# Purpose: give each machine the GRUB file that fits: the installing one while it is armed, else the one that goes back
#   to its own disk.
# Usage: pxe-aim.sh
# Variables: PXE_MACHINES (MACHINE=MAC-with-dashes, separated by spaces)
set -euo pipefail
# shellcheck source=scripts/bash/converge.sh
source "$(dirname "$0")/converge.sh"
: "${PXE_MACHINES:?set in the env file}"

main() {
  local pair machine what
  for pair in $PXE_MACHINES; do
    machine=${pair%%=*} what=local
    if [[ -e /var/lib/lab/armed/$machine ]]; then
      what=install
    fi
    place "/opt/lab/publish/$machine.$what" "/var/lib/tftpboot/grub/machines/${pair#*=}.cfg"
  done
}

main "$@"
