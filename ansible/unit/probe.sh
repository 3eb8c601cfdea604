#!/usr/bin/env bash
# Says in one sentence what a machine lacks of a stage, and nothing when it lacks nothing. Changes nothing. Run as root, on that machine.
# Usage: probe.sh STAGE TREE MACHINE
# TREE identifies the playbooks and the inventory; a stage done with others is to be done again.
set -euo pipefail

readonly ADMIN=/etc/kubernetes/admin.conf KUBELET=/etc/kubernetes/kubelet.conf

was_done() { # STAGE TREE
  local mark=/var/lib/lab-stage-$1
  [[ -r $mark ]] || { echo "$1 was not done here" && return 1; }
  [[ $(< "$mark") == "$2" ]] || { echo "$1 was done with another inventory or other playbooks" && return 1; }
}

runs() { # UNIT...
  local unit
  for unit in "$@"; do
    systemctl is-active --quiet "$unit" || { echo "$unit does not run" && return 1; }
  done
}

is_node() {
  runs containerd && { [[ -z $(swapon --show=NAME --noheadings) ]] || echo "swap is on"; }
}

accepts() { # KUBECONFIG ARGUMENT...
  [[ -r $1 ]] || { echo "it has no $1" && return 1; }
  kubectl --kubeconfig "$1" --request-timeout=5s "${@:2}" > /dev/null 2>&1 ||
    { echo "the API server does not answer to $1 (${*:2})" && return 1; }
}

main() {
  local stage=$1 tree=$2 machine=$3
  case $stage in
    k8s.bootstrap)
      was_done "$stage" "$tree" && { [[ -x /opt/lab/venv/bin/ansible-playbook ]] || echo "Ansible is not installed"; }
      ;;
    k8s.prepare)
      was_done "$stage" "$tree" && runs chronyd firewalld && { [[ ! -e /usr/bin/kubelet ]] || is_node; }
      ;;
    k8s.control-plane)
      # /readyz is open to anybody in the middle of `kubeadm init`: ask for what that makes last, as the role does.
      runs kubelet && accepts "$ADMIN" --namespace=kube-system get configmap/kubeadm-config daemonset/kube-proxy deployment/coredns
      ;;
    k8s.cni | k8s.load-balancer) was_done "$stage" "$tree" && accepts "$ADMIN" get --raw=/readyz ;;
    k8s.join) runs kubelet && accepts "$KUBELET" get node "$machine" ;;
    nfs.server)
      was_done "$stage" "$tree" && runs nfs-server &&
        { mountpoint --quiet /srv/nfs || echo "the data disk is not mounted on /srv/nfs"; }
      ;;
    nfs.storage) was_done "$stage" "$tree" && accepts "$ADMIN" get storageclass nfs-csi ;;
    *) echo "there is no stage $stage" ;;
  esac
}

main "$@" || true
