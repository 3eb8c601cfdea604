#!/usr/bin/env bash
# Says what a machine holds of a cluster, one line each, and nothing when it holds nothing. Changes nothing. Run as root, on that machine.
# Usage: members.sh
set -euo pipefail

has() { [[ -e /etc/kubernetes/$1 ]]; }

main() {
  ! has admin.conf || echo "the cluster's administration and certificates"
  [[ ! -d /var/lib/etcd || -z $(ls -A /var/lib/etcd) ]] || echo "the cluster's data (etcd)"
  if has kubelet.conf; then
    echo "its membership in the cluster"
  elif ! has admin.conf && { has pki/ca.crt || has bootstrap-kubelet.conf; }; then
    echo "what a join or an init that broke off has left"
  fi
}

main "$@"
