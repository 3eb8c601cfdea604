#!/usr/bin/env bash
# Says which settings a machine's NetworkManager has for one adapter, a line KEY VALUE each (id, address1, gateway, dns); nothing where it
# has none. Changes nothing. Run as root, on that machine.
# Usage: outside.sh MAC
set -euo pipefail

main() {
  local mac=$1 file
  for file in /etc/NetworkManager/system-connections/*.nmconnection; do
    grep --quiet --no-messages --ignore-case --line-regexp "mac-address=$mac" "$file" || continue
    # The same keys stand in the section of IPv6.
    awk -F= '/^\[/ { ours = $0 == "[connection]" || $0 == "[ipv4]" }
             ours && $1 ~ /^(id|address1|gateway|dns)$/ { print $1, $2 }' "$file"
    return
  done
}

main "$@"
