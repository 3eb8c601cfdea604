#!/usr/bin/env bash
# Removes the routes and rules that a pod network and kube-proxy left in the kernel, and nobody else's. Prints what it removed.
# A restart of the machine does the same. Run as root.
# Usage: remove-rules.sh
set -euo pipefail

routes() { # Calico's have a protocol of their own: the ways through its tunnel, and a black hole for each block of addresses
  local found
  found=$(ip route show proto 80)
  [[ -z $found ]] || { echo "$found" && ip route flush proto 80; }
}

tables() {
  local table
  nft list tables | while read -r table; do
    case $table in
      'table ip kube-proxy' | 'table ip6 kube-proxy' | 'table ip calico' | 'table ip6 calico')
        # shellcheck disable=SC2086 # three words
        echo "$table" && nft delete $table
        ;;
    esac
  done
}

chains() { # PROGRAM: in iptables' own tables theirs lie among others'
  local rules
  command -v "$1-save" > /dev/null || return 0
  rules=$("$1-save" 2> /dev/null)
  ! grep -E '^:(KUBE|cali)-' <<< "$rules" || { grep -vE 'KUBE-|cali[-:]' <<< "$rules" | "$1-restore"; }
}

main() {
  routes
  tables
  chains iptables
  chains ip6tables
}

main "$@"
