#!/usr/bin/env bash
# Says a machine's time, its kernel's id, and the certificates that it has for the cluster. Changes nothing. Run as root, on that machine.
# Usage: proof.sh
set -euo pipefail

main() {
  local file
  echo "time $(date +%s.%N)"
  echo "kernel $(cat /proc/sys/kernel/random/boot_id)"
  for file in /etc/kubernetes/pki/*.crt /etc/kubernetes/pki/etcd/*.crt /var/lib/kubelet/pki/kubelet-client-current.pem; do
    [[ -e $file ]] || continue
    echo "file $file"
    sed -n '/-----BEGIN CERTIFICATE-----/,/-----END CERTIFICATE-----/p' "$file" # and no key
  done
}

main "$@"
