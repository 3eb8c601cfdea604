#!/usr/bin/env bash
# Says in few lines what may be wrong with a node: nothing where nothing is. Changes nothing. Run as root, on that node.
# Usage: node-says.sh
set -uo pipefail # and not -e: what one part cannot tell keeps no other from being told

readonly NAMESPACES=(kube-system kube-flannel metallb-system) # the cluster's own; what somebody else's containers log is theirs
readonly RECENT_S=900 FULL_PERCENT=85                         # from 85 % on the kubelet removes images, soon after pods

told() { # HEADING: what stands on standard input, in lines that are not too long
  local lines
  lines=$(cut -c -300)
  [[ -z $lines ]] || printf '%s:\n%s\n' "$1" "$lines"
}

kubelet() {
  local state
  state=$(systemctl is-active kubelet)
  if [[ $state == active ]]; then
    timeout 5 journalctl --unit=kubelet --since="-${RECENT_S}s" --output=cat --no-pager | grep '^[EF][0-9]' | tail -n 4
  else
    echo "the kubelet is $state"
    timeout 5 journalctl --unit=kubelet --lines=4 --output=cat --no-pager
  fi
}

crictl_here() { timeout 5 crictl --runtime-endpoint=unix:///run/containerd/containerd.sock "$@" < /dev/null; }

dead_containers() { # of each namespace the two that died last
  local namespace id code name
  for namespace in "${NAMESPACES[@]}"; do
    crictl_here ps --all --quiet --state=Exited --label="io.kubernetes.pod.namespace=$namespace" | while read -r id; do
      read -r code name < <(crictl_here inspect --output=go-template --template='{{.status.exitCode}} {{.status.metadata.name}}' "$id")
      [[ $code == 0 ]] || echo "$id $code $name" # an init container ends well
    done | head -n 2
  done | while read -r id code name; do
    echo "$name ended with $code"
    crictl_here logs --tail=4 "$id" 2>&1
  done
}

denied() {
  awk -v since="$(($(date +%s) - RECENT_S))" -F '[(.]' '/avc: +denied/ && $2 > since' /var/log/audit/audit.log | tail -n 2
}

full_disks() {
  timeout 5 df --local --output=pcent,target -x tmpfs -x devtmpfs -x overlay | awk -v full=$FULL_PERCENT '$1 + 0 >= full'
}

main() {
  kubelet | told "kubelet"
  dead_containers | told "containers"
  denied | told "denied by SELinux"
  full_disks | told "disks that are nearly full"
}

main 2> /dev/null
