#!/usr/bin/env bash
# Says what a machine holds of a cluster: a line KIND<TAB>WORDS each (control-plane, data, member; left: of what broke off), nothing when
# it holds nothing. Changes nothing. Run as root, on that machine.
# Usage: members.sh
set -euo pipefail

holds() { printf '%s\t%s\n' "$@"; }
has() { [[ -e /etc/kubernetes/$1 ]]; }

main() {
  ! has admin.conf || holds control-plane "the cluster's administration and certificates"
  [[ ! -d /var/lib/etcd || -z $(ls -A /var/lib/etcd) ]] || holds data "the cluster's data (etcd)"
  if [[ -s /etc/kubernetes/kubelet.conf ]]; then
    holds member "its membership in the cluster"
  elif ! has admin.conf && { has pki/ca.crt || has bootstrap-kubelet.conf || has kubelet.conf; }; then
    holds left "what a join or an init that broke off has left"
  fi
}

main "$@"
