#!/usr/bin/env bash
# Purpose: fetch what a machine fetches, the way it does, and look at the services; change nothing.
# Usage: pxe-check.sh   (a line for each check: `ok: ...` or `failed: ...`; exit code 1 when one failed)
# Variables: PXE_ADDRESS (this server's MGMT address) PXE_MACHINES (MACHINE=MAC-with-dashes, separated by spaces)
set -euo pipefail
# shellcheck source=scripts/bash/converge.sh
source "$(dirname "$0")/converge.sh"
: "${PXE_ADDRESS:?set in the env file}" "${PXE_MACHINES:?set in the env file}"

failures=0

main() {
  local unit file pair
  for unit in dnsmasq nginx firewalld; do
    check "unit $unit is active" systemctl is-active --quiet "$unit"
  done
  check "firewall: MGMT is in the zone lab-mgmt" zone_is_right
  for file in shimx64.efi grubx64.efi images/vmlinuz; do
    check "TFTP $file" begins_with MZ "tftp://$PXE_ADDRESS/$file"
  done
  check "TFTP grub.cfg" begins_with '#' "tftp://$PXE_ADDRESS/grub.cfg"
  check "TFTP grub/grub.cfg" begins_with '#' "tftp://$PXE_ADDRESS/grub/grub.cfg"
  check "HTTP kernel" answers rocky/images/pxeboot/vmlinuz
  check "HTTP initrd" answers rocky/images/pxeboot/initrd.img
  check "HTTP install tree" answers rocky/.treeinfo
  check "HTTP packages" answers rocky/AppStream/repodata/repomd.xml
  for pair in $PXE_MACHINES; do
    check "TFTP GRUB file of ${pair%%=*}" begins_with "# ${pair%%=*} is" \
      "tftp://$PXE_ADDRESS/grub/machines/${pair#*=}.cfg"
    check "HTTP kickstart of ${pair%%=*}" begins_with "# Kickstart of ${pair%%=*} in " \
      "http://$PXE_ADDRESS/ks/${pair%%=*}.cfg"
  done
  ((failures == 0))
}

# check WHAT COMMAND...: one line about it.
check() {
  local what=$1
  shift
  if "$@" > /dev/null 2>&1; then
    ok "$what"
  else
    failures=$((failures + 1))
    printf 'failed: %s\n' "$what"
  fi
}

begins_with() {
  local text=$1 url=$2 begin
  begin=$(curl --silent --fail --max-time 20 --output - "$url" | {
    head --bytes="${#text}" | tr --delete '\0'
    cat > /dev/null # read it all: a server that stops half way is a failure too
  })
  [[ $begin == "$text" ]]
}

answers() {
  curl --silent --fail --head --max-time 20 "http://$PXE_ADDRESS/$1"
}

zone_is_right() {
  local device
  device=$(ip -oneline -4 address show to "$PXE_ADDRESS" | awk '{ print $2; exit }')
  [[ $(firewall-cmd --get-zone-of-interface="$device") == lab-mgmt ]]
}

main "$@"
