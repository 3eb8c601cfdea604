#!/usr/bin/env bash
# Says what the control plane's cluster was made with, a line KEY VALUE each; nothing where there is none. Changes nothing. Run as root, there.
# Usage: cluster.sh
# Asks the manifests that the kubelet starts the control plane from, and no API server: that may be what is broken.
set -euo pipefail

readonly MANIFESTS=/etc/kubernetes/manifests NETWORKS=/etc/kubernetes/lab

# The first line of a component's manifest that fits, or nothing.
says() { # KEY COMPONENT EXPRESSION
  [[ ! -r $MANIFESTS/$2.yaml ]] || sed -En "s|$3|$1 \1|p" "$MANIFESTS/$2.yaml" | head -n 1
}

main() {
  local network
  says version kube-apiserver '^[ -]*image: .*/kube-apiserver:v([0-9.]+).*$'
  says service_cidr kube-apiserver '^ *- --service-cluster-ip-range=([0-9./]+)$'
  says pod_cidr kube-controller-manager '^ *- --cluster-cidr=([0-9./]+)$'
  for network in calico flannel; do # the set that the role manifests applied
    [[ ! -e $NETWORKS/$network/kustomization.yaml ]] || echo "cni $network"
  done
}

main "$@"
