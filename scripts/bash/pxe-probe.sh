#!/usr/bin/env bash
# Purpose: tell who else answers on MGMT: other DHCP servers, and whoever has an address that the lab gives a machine.
# Usage: pxe-probe.sh [SECONDS]   (default 6: many servers ping an address for 3 s before they offer it)
#   A line for each find: `dhcp SERVER MAC OFFERED` or `address ADDRESS MAC`. Changes nothing, here or on the network.
# Variables: PXE_ADDRESS (this server's MGMT address) PXE_RESERVATIONS (MAC=ADDRESS, separated by spaces)
set -euo pipefail
# shellcheck source=scripts/bash/converge.sh
source "$(dirname "$0")/converge.sh"
: "${PXE_ADDRESS:?set in the env file}" "${PXE_RESERVATIONS:?set in the env file}"

main() {
  local -a reservations
  read -ra reservations <<< "$PXE_RESERVATIONS"
  "$(dirname "$0")/lan-probe.py" "$PXE_ADDRESS" "${1:-6}" "${reservations[@]}"
}

main "$@"
