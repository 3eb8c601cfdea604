#!/usr/bin/env bash
# Purpose: fetch what a machine fetches, the way it does, and look at services, firewall, labels and addresses; change
#   nothing. All at once, in less than 10 s.
# Usage: pxe-check.sh   (a line for each check: `ok` or `failed`, seconds, what, and why it failed; separated by tabs.
#   Exit code 1 when one failed)
# Variables: PXE_ADDRESS (this server's MGMT address) PXE_MACHINES (MACHINE=MAC-with-dashes, separated by spaces)
#   PXE_RELEASE (major release of the install tree) PXE_LAN (shared: MGMT is the LAN, whose own DHCP server is no fault)
set -euo pipefail
# shellcheck source=scripts/bash/converge.sh
source "$(dirname "$0")/converge.sh"
: "${PXE_ADDRESS:?set in the env file}" "${PXE_MACHINES:?set in the env file}"
: "${PXE_RELEASE:?set in the env file}" "${PXE_LAN:?set in the env file}"
export LC_ALL=C

tftp=tftp://$PXE_ADDRESS http=http://$PXE_ADDRESS publish=file:///opt/lab/publish count=100
rows=$(mktemp --directory)
trap 'rm -rf "$rows"' EXIT

main() {
  local unit pair name aim
  for unit in dnsmasq nginx firewalld; do
    check "unit $unit is active" systemctl is-active "$unit"
  done
  check "firewall: MGMT is in the zone lab-mgmt, which lets in DHCP, TFTP and HTTP" firewall_is_right
  check "SELinux: what machines fetch has its labels" labels_are_right
  check "MGMT: no other DHCP server, no address taken by another" nobody_else
  check "TFTP shimx64.efi" same "$tftp/shimx64.efi" "$http/rocky/EFI/BOOT/BOOTX64.EFI" MZ
  check "TFTP grubx64.efi" same "$tftp/grubx64.efi" "$http/rocky/EFI/BOOT/grubx64.efi" MZ
  check "TFTP grub.cfg" same "$tftp/grub.cfg" "$publish/grub.cfg" '#'
  check "TFTP grub/grub.cfg" same "$tftp/grub/grub.cfg" "$publish/grub.cfg" '#'
  check "kernel, by TFTP and HTTP" same "$tftp/images/vmlinuz" "$http/rocky/images/pxeboot/vmlinuz" MZ
  check "initrd, by TFTP and HTTP" same "$tftp/images/initrd.img" "$http/rocky/images/pxeboot/initrd.img" ''
  check "HTTP install tree" says "^version *= *$PXE_RELEASE(\\.|\$)" "$http/rocky/.treeinfo"
  check "HTTP packages" says '<repomd' "$http/rocky/AppStream/repodata/repomd.xml"
  for pair in $PXE_MACHINES; do
    name=${pair%%=*} aim=local
    [[ ! -e /var/lib/lab/armed/$name ]] || aim=install
    check "TFTP GRUB file of $name" same "$tftp/grub/machines/${pair#*=}.cfg" "$publish/$name.$aim" "# $name is"
    check "HTTP kickstart of $name" same "$http/ks/$name.cfg" "$publish/$name.ks" "# Kickstart of $name in "
  done
  wait
  cat "$rows"/*
  ! grep --quiet --no-messages '^failed' "$rows"/*
}

# check WHAT COMMAND...: begin a check beside the others; what its command says is why it failed.
check() {
  local what=$1 row=$rows/$((count += 1))
  shift
  {
    local begin=${EPOCHREALTIME/./} result=ok why='' took
    why=$("$@" 2>&1) || result=failed
    took=$(((${EPOCHREALTIME/./} - begin) / 10000))
    [[ $result == failed ]] || why=''
    printf '%s\t%d.%02d\t%s\t%s\n' "$result" $((took / 100)) $((took % 100)) "$what" "${why//$'\n'/; }" > "$row"
  } &
}

fetch() { # in blocks of the size that a network takes; TFTP's own are of 512 bytes
  curl --silent --show-error --fail --max-time 9 --tftp-blksize 1468 --output - "$1"
}

# same URL URL BEGIN: both are there, whole and equal, and begin with BEGIN.
same() {
  local begin
  cmp <(fetch "$1") <(fetch "$2") || fatal "$1 is not $2"
  begin=$(fetch "$2" 2> /dev/null | head --bytes=64 | tr --delete '\0')
  [[ -n $begin && $begin == "$3"* ]] || fatal "$1 does not begin with '$3'"
}

says() {
  fetch "$2" | grep --extended-regexp "$1" > /dev/null || fatal "$2 has no line $1"
}

firewall_is_right() {
  local device services service
  device=$(ip -oneline -4 address show to "$PXE_ADDRESS" | awk '{ print $2; exit }')
  [[ $(firewall-cmd --get-zone-of-interface="$device") == lab-mgmt ]] || fatal "the adapter $device is in another zone"
  services=" $(firewall-cmd --zone=lab-mgmt --list-services) "
  for service in dhcp tftp http; do
    [[ $services == *" $service "* ]] || fatal "the zone lab-mgmt does not let in $service"
  done
}

labels_are_right() {
  local wrong files=/var/lib/tftpboot
  ! selinux_is_on || wrong=$(matchpathcon -V /srv/lab/ks/* "$files"/*.* "$files"/images/* "$files"/grub/{,machines/}*.cfg \
    2>&1 | grep --invert-match ' verified\.$')
  [[ -z ${wrong:-} ]] || fatal "$wrong"
}

nobody_else() {
  local found
  found=$("$(dirname "$0")/pxe-probe.sh" 4) || fatal "MGMT cannot be probed: $found"
  [[ $PXE_LAN != shared ]] || found=$(grep --invert-match '^dhcp ' <<< "$found")
  [[ -z $found ]] || fatal "$found"
}

main "$@"
