#!/usr/bin/env bash
# Says what a machine holds of a cluster, one line each, and nothing when it holds nothing. Changes nothing. Run as root, on that machine.
# Usage: members.sh
set -euo pipefail

main() {
  [[ ! -e /etc/kubernetes/admin.conf ]] || echo "the cluster's administration and certificates"
  [[ ! -d /var/lib/etcd || -z $(ls -A /var/lib/etcd) ]] || echo "the cluster's data (etcd)"
  [[ ! -e /etc/kubernetes/kubelet.conf ]] || echo "its membership in the cluster"
}

main "$@"
