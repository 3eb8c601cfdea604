#!/usr/bin/env bash
# Purpose: install the programs that the tests run for real (nginx, dnsmasq, dnf, nft, ...), on Debian as root.
#          Elsewhere it says so: the tests that need them are then skipped, each with its reason.
# Usage:   scripts/dev/test-packages.sh
set -euo pipefail

# containernetworking-plugins: pods of the stand-in kubelet; grub-common: grub-script-check.
packages=(
  busybox-static containernetworking-plugins createrepo-c curl dnf dnsmasq-base grub-common iproute2 iptables nftables
  nginx-light openssh-client rpm util-linux
)

missing() {
  local name
  for name in "${packages[@]}"; do
    dpkg-query -W -f '${db:Status-Status}' "$name" 2> /dev/null | grep -qx installed || echo "$name"
  done
}

main() {
  local -a wanted
  if [[ $EUID -ne 0 ]] || ! command -v apt-get > /dev/null; then
    echo "==> not root on Debian: tests that need system programs are skipped, each with its reason" >&2
    return
  fi
  mapfile -t wanted < <(missing)
  ((${#wanted[@]})) || return 0
  echo "==> installing what the tests run (apt): ${wanted[*]}" >&2
  apt-get update -qq
  # RUNLEVEL=1: packages do not start their services on this computer
  RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${wanted[@]}" > /dev/null
}

main "$@"
